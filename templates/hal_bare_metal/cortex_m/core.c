#include "../core.h"

#include "../uart/uart.h"
#include "cortex_m.h"
#include "tk_board.h"

/* Interrupts stay masked: a pending one wakes the core all the same. */
void tk_core_sleep(void)
{
    const uint32_t bit = 1u << (TK_BOARD_UART_IRQ % 32u);

    __asm volatile("cpsid i" ::: "memory");
    NVIC_ENABLE(TK_BOARD_UART_IRQ) = bit;
    __asm volatile("dsb\n wfi\n isb" ::: "memory");
    NVIC_DISABLE(TK_BOARD_UART_IRQ) = bit;
    tk_uart_clear_interrupt();
    NVIC_CLEAR_PENDING(TK_BOARD_UART_IRQ) = bit;
    __asm volatile("cpsie i" ::: "memory");
}

void tk_core_reset(void)
{
    __asm volatile("dsb" ::: "memory");
    SCB_AIRCR = 0x05FA0004u; /* key, SYSRESETREQ */
    for (;;) {
    }
}
