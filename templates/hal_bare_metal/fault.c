/* What happens on a fault or an interrupt that nobody handles: say where, and stop. */
#include <stdint.h>

#include "cortex_m.h"
#include "timer/timer.h"
#include "uart/uart.h"

void tk_fault(void);
void tk_fault_report(const uint32_t *frame);

/* The core has pushed r0-r3, r12, lr, pc and xpsr: hand their address on. */
__attribute__((naked)) void tk_fault(void)
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

/* One line of text, which the host tells from the protocol's frames. */
__attribute__((used, noreturn)) void tk_fault_report(const uint32_t *frame)
{
    write_hex("\r\nfault: pc 0x", frame[6]);
    write_hex(" lr 0x", frame[5]);
    write_hex(" cfsr 0x", SCB_CFSR);
    write_hex(" hfsr 0x", SCB_HFSR);
    write_text("\r\n");
    tk_timer_pause(); /* an emulator with a running timer never sleeps */
    for (;;) {
        __asm volatile("wfi");
    }
}
