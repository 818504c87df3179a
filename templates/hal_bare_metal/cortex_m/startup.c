/* From reset to main() on a Cortex-M: vector table, FPU, .data and .bss. */
#include <stddef.h>
#include <stdint.h>

#include "cortex_m.h"

/* Addresses from the linker script (boards/<id>/firmware.ld). Their values mean nothing. */
extern uint32_t tk_data_load, tk_data_start, tk_data_end, tk_bss_start, tk_bss_end, tk_stack_top;

int main(void);
void Reset_Handler(void);
void tk_fault(void); /* fault.c */

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
        tk_fault, /* NMI */
        tk_fault, /* HardFault: the others escalate to it, because startup does not enable them */
        tk_fault, /* MemManage */
        tk_fault, /* BusFault */
        tk_fault, /* UsageFault */
        tk_fault, /* SecureFault (Armv8-M) */
        NULL, NULL, NULL,
        tk_fault, /* SVCall */
        tk_fault, /* DebugMonitor */
        NULL,
        tk_fault, /* PendSV */
        tk_fault, /* SysTick */
    },
};

void Reset_Handler(void)
{
    const uint32_t *from = &tk_data_load;

#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    /* Full access to FPU and Helium; without it their first instruction faults. */
    SCB_CPACR |= 0xFu << 20;
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
