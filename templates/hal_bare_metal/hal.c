/* tk_hal.h for a bare Cortex-M: the drivers of this board, joined. */
#include "tk_hal.h"

#include "cortex_m.h"
#include "timer/timer.h"
#include "tk_app.h"
#include "tk_board.h"
#include "uart/uart.h"

void tk_hal_init(void)
{
    tk_uart_init();
    tk_timer_init();
}

int tk_hal_read(void)
{
    return tk_uart_read();
}

void tk_hal_write(const uint8_t *data, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        tk_uart_write(data[i]);
    }
}

uint32_t tk_hal_counter(void)
{
    return tk_timer_ticks();
}

/* Sleep until the UART has a byte. Interrupts stay masked: a pending one wakes the core all the
 * same, so no handler runs. A byte that came before the sleep left its interrupt pending, and one
 * that comes after the clearing sets it again: none is missed.
 *
 * The timer stands still meanwhile, because an emulator with a running timer never sleeps. */
void tk_hal_idle(void)
{
    const uint32_t bit = 1u << (TK_BOARD_UART_IRQ % 32u);

    tk_timer_pause();
    __asm volatile("cpsid i" ::: "memory");
    NVIC_ENABLE(TK_BOARD_UART_IRQ) = bit;
    __asm volatile("dsb\n wfi\n isb" ::: "memory");
    NVIC_DISABLE(TK_BOARD_UART_IRQ) = bit;
    tk_uart_clear_interrupt();
    NVIC_CLEAR_PENDING(TK_BOARD_UART_IRQ) = bit;
    __asm volatile("cpsie i" ::: "memory");
    tk_timer_resume();
}

void tk_hal_reboot(void)
{
    __asm volatile("dsb" ::: "memory");
    SCB_AIRCR = 0x05FA0004u; /* key, SYSRESETREQ */
    for (;;) {
    }
}

int main(void)
{
    tk_app_setup();
    for (;;) {
        tk_app_loop();
    }
}
