/* From reset to main(): vector table, FPU, .data and .bss; and what happens on a fault. */
#include <stddef.h>
#include <stdint.h>

#include "cortex_m.h"
#include "uart/uart.h"

/* Addresses from the linker script (boards/<id>/firmware.ld). Their values mean nothing. */
extern uint32_t tk_data_load, tk_data_start, tk_data_end, tk_bss_start, tk_bss_end, tk_stack_top;

int main(void);
void Reset_Handler(void);
void tk_fault_report(const uint32_t *frame);
static void fault(void);

/* The 16 entries that the core defines. The HAL enables no interrupt that enters a handler;
 * firmware that does appends its own handlers here, in the order of the part's interrupts. */
struct vectors {
    const void *stack_top;
    void (*handlers[15])(void);
};
__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    &tk_stack_top,
    {
        Reset_Handler,
        fault, /* NMI */
        fault, /* HardFault: the others escalate to it, because startup does not enable them */
        fault, /* MemManage */
        fault, /* BusFault */
        fault, /* UsageFault */
        fault, /* SecureFault (Armv8-M) */
        NULL, NULL, NULL,
        fault, /* SVCall */
        fault, /* DebugMonitor */
        NULL,
        fault, /* PendSV */
        fault, /* SysTick */
    },
};

void Reset_Handler(void)
{
    const uint32_t *from = &tk_data_load;

#if defined(__ARM_FP)
    SCB_CPACR |= 0xFu << 20; /* full access to the FPU; without it the first float instruction faults */
    __asm volatile("dsb\n isb" ::: "memory");
#endif
    SCB_VTOR = (uint32_t)&vectors;
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

/* The core has pushed r0-r3, r12, lr, pc and xpsr: hand their address on. */
__attribute__((naked, used)) static void fault(void)
{
    __asm volatile("mrs r0, msp\n"
                   "ldr r1, =tk_fault_report\n"
                   "bx  r1\n");
}

static void write_text(const char *text)
{
    while (*text != '\0') {
        tk_uart_write((uint8_t)*text++);
    }
}

static void write_hex(const char *name, uint32_t value)
{
    write_text(name);
    for (int shift = 28; shift >= 0; shift -= 4) {
        tk_uart_write((uint8_t)"0123456789abcdef"[(value >> shift) & 15u]);
    }
}

/* Say where it broke, as text between the frames of the protocol, and stop. */
__attribute__((used, noreturn)) void tk_fault_report(const uint32_t *frame)
{
    write_hex("\r\nfault: pc 0x", frame[6]);
    write_hex(" lr 0x", frame[5]);
    write_hex(" cfsr 0x", SCB_CFSR);
    write_hex(" hfsr 0x", SCB_HFSR);
    write_text("\r\n");
    for (;;) {
        __asm volatile("wfi");
    }
}
