/* The end of firmware that faulted: say where, and stop. */
#include "core.h"
#include "timer/timer.h"
#include "uart/uart.h"

static void write_text(const char *text)
{
    while (*text != '\0') {
        tk_uart_write((uint8_t)*text++);
    }
}

static void write_hex(uint32_t value)
{
    for (int shift = 28; shift >= 0; shift -= 4) {
        tk_uart_write((uint8_t)"0123456789abcdef"[(value >> shift) & 15u]);
    }
}

/* One line of text, which the host tells from the protocol's frames. */
void tk_fault_stop(const char *const names[TK_FAULT_WORDS], const uint32_t values[TK_FAULT_WORDS])
{
    write_text("\r\nfault:");
    for (int i = 0; i < TK_FAULT_WORDS; i++) {
        write_text(" ");
        write_text(names[i]);
        write_text(" 0x");
        write_hex(values[i]);
    }
    write_text("\r\n");
    tk_timer_pause(); /* an emulator with a running timer never sleeps */
    for (;;) {
        __asm volatile("wfi");
    }
}
