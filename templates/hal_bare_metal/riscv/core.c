/* The interrupt controller is the PLIC (RISC-V Platform-Level Interrupt Controller Specification);
 * context 0 is the machine mode of the first core. */
#include "../core.h"

#include "../register.h"
#include "../uart/uart.h"
#include "csr.h"
#include "tk_board.h"

#define PLIC_PRIORITY(irq) REGISTER(TK_BOARD_INTERRUPTS_BASE + 4u * (irq))
#define PLIC_ENABLE(irq)   REGISTER(TK_BOARD_INTERRUPTS_BASE + 0x2000u + 4u * ((irq) / 32u))
#define PLIC_CLAIM         REGISTER(TK_BOARD_INTERRUPTS_BASE + 0x200004u)

#define MIE_EXTERNAL (1u << 11)

void Reset_Handler(void); /* startup.c */

/* Interrupts are masked as a whole (mstatus.MIE is 0 after reset): a pending one wakes the core all
 * the same. Claiming takes the request back, and writing the number again allows the next.
 *
 * The priority comes last: QEMU's PLIC looks for requests that are pending already when a priority is
 * written, not when one is enabled. A byte that came just before the first sleep would be missed. */
void tk_core_sleep(void)
{
    PLIC_ENABLE(TK_BOARD_UART_IRQ) = 1u << (TK_BOARD_UART_IRQ % 32u);
    PLIC_PRIORITY(TK_BOARD_UART_IRQ) = 1;
    CSR_SET("mie", MIE_EXTERNAL);
    __asm volatile("wfi" ::: "memory");
    tk_uart_clear_interrupt();
    PLIC_CLAIM = PLIC_CLAIM;
}

/* The architecture has no register for it. Starting over sets up all that this firmware uses. */
void tk_core_reset(void)
{
    Reset_Handler();
}
