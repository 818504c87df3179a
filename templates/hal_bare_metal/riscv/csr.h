/* Control and status registers (RISC-V Privileged Architecture, chapter 3). The assembler wants the
 * extension named; naming it to the compiler would choose other libraries. */
#ifndef CSR_H
#define CSR_H

#define CSR_ASM(text) ".option push\n .option arch, +zicsr\n " text "\n .option pop\n"

#define CSR_READ(name, value) __asm volatile(CSR_ASM("csrr %0, " name) : "=r"(value) : : "memory")
#define CSR_SET(name, bits)   __asm volatile(CSR_ASM("csrs " name ", %0") : : "r"(bits) : "memory")

#endif
