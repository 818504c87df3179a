/* What happens on an exception or an interrupt that nobody handles. */
#include "../core.h"
#include "csr.h"

void tk_fault(void);
void tk_fault_report(uint32_t caller);

/* mtvec wants the address aligned. The return address is the one register that C cannot ask for. */
__attribute__((naked, aligned(4))) void tk_fault(void)
{
    __asm volatile("mv a0, ra\n"
                   "j  tk_fault_report\n");
}

__attribute__((used)) void tk_fault_report(uint32_t caller)
{
    static const char *const names[TK_FAULT_WORDS] = {"pc", "ra", "mcause", "mtval"};
    uint32_t values[TK_FAULT_WORDS];

    CSR_READ("mepc", values[0]);
    values[1] = caller;
    CSR_READ("mcause", values[2]);
    CSR_READ("mtval", values[3]);
    tk_fault_stop(names, values);
}
