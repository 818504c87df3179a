/* From reset to main() on a RISC-V core in machine mode: stack, trap vector, .data and .bss. */
#include <stdint.h>

#include "csr.h"

/* Addresses from the linker script (boards/<id>/firmware.ld). Their values mean nothing. */
extern uint32_t tk_data_load, tk_data_start, tk_data_end, tk_bss_start, tk_bss_end;

int main(void);
void Reset_Handler(void);
void tk_start(void);

/* Where the core starts: the linker script puts this section first. */
__attribute__((section(".vectors"), naked, used)) void Reset_Handler(void)
{
    __asm volatile(CSR_ASM("csrw mie, zero\n"
                           "la   t0, tk_fault\n"
                           "csrw mtvec, t0\n"
                           "la   sp, tk_stack_top\n"
                           "la   t0, tk_start\n"
                           "jr   t0"));
}

__attribute__((used)) void tk_start(void)
{
    const uint32_t *from = &tk_data_load;

    for (uint32_t *to = &tk_data_start; to < &tk_data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = &tk_bss_start; to < &tk_bss_end; to++) {
        *to = 0;
    }
    main();
    for (;;) {
    }
}
