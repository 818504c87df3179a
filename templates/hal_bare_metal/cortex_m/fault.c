/* What happens on a fault or an interrupt that nobody handles. */
#include "../core.h"
#include "cortex_m.h"

void tk_fault(void);
void tk_fault_report(const uint32_t *frame);

/* The core has pushed r0-r3, r12, lr, pc and xpsr: hand their address on. */
__attribute__((naked)) void tk_fault(void)
{
    __asm volatile("mrs r0, msp\n"
                   "ldr r1, =tk_fault_report\n"
                   "bx  r1\n");
}

__attribute__((used)) void tk_fault_report(const uint32_t *frame)
{
    static const char *const names[TK_FAULT_WORDS] = {"pc", "lr", "cfsr", "hfsr"};
    const uint32_t values[TK_FAULT_WORDS] = {frame[6], frame[5], SCB_CFSR, SCB_HFSR};

    tk_fault_stop(names, values);
}
