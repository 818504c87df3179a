/* tk_hal.h without an operating system: the core and the drivers of this board, joined. */
#include "tk_hal.h"

#include "core.h"
#include "timer/timer.h"
#include "tk_app.h"
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

/* The timer stands still meanwhile, because an emulator with a running timer never sleeps. */
void tk_hal_idle(void)
{
    tk_timer_pause();
    tk_core_sleep();
    tk_timer_resume();
}

void tk_hal_reboot(void)
{
    tk_core_reset();
}

int main(void)
{
    tk_app_setup();
    for (;;) {
        tk_app_loop();
    }
}
