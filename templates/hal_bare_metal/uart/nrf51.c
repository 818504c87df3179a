/* UART of the nRF51. Registers: nRF51 Series Reference Manual 3.0, chapter 29.
 *
 * Written for QEMU's model of the part, which has no pins. On silicon the pins must be chosen first
 * (PSELRXD, PSELTXD, and their direction in GPIO). */
#include "uart.h"

#include "../register.h"
#include "tk_board.h"

#define TASK_STARTRX REGISTER(TK_BOARD_UART_BASE + 0x000u)
#define TASK_STARTTX REGISTER(TK_BOARD_UART_BASE + 0x008u)
#define EVENT_RXDRDY REGISTER(TK_BOARD_UART_BASE + 0x108u) /* a byte is in RXD */
#define EVENT_TXDRDY REGISTER(TK_BOARD_UART_BASE + 0x11Cu) /* the byte in TXD was sent */
#define INTENSET     REGISTER(TK_BOARD_UART_BASE + 0x304u)
#define ENABLE       REGISTER(TK_BOARD_UART_BASE + 0x500u)
#define RXD          REGISTER(TK_BOARD_UART_BASE + 0x518u)
#define TXD          REGISTER(TK_BOARD_UART_BASE + 0x51Cu)
#define BAUDRATE     REGISTER(TK_BOARD_UART_BASE + 0x524u)

#define INTEN_RXDRDY (1u << 2)
#define ENABLE_UART  4u

void tk_uart_init(void)
{
    /* Baud rate as a fraction of 16 MHz, times 2^32; the part uses its upper 20 bits. */
    BAUDRATE = (uint32_t)(((uint64_t)TK_BOARD_BAUD << 32) / 16000000u + 0x800u) & 0xFFFFF000u;
    ENABLE = ENABLE_UART;
    INTENSET = INTEN_RXDRDY;
    TASK_STARTTX = 1;
    TASK_STARTRX = 1;
}

int tk_uart_read(void)
{
    if (EVENT_RXDRDY == 0u) {
        return -1;
    }
    EVENT_RXDRDY = 0; /* before RXD is read: reading sets it again when another byte waits */
    return (int)(RXD & 0xFFu);
}

void tk_uart_write(uint8_t byte)
{
    EVENT_TXDRDY = 0;
    TXD = byte;
    while (EVENT_TXDRDY == 0u) {
    }
}

void tk_uart_clear_interrupt(void)
{
    /* The request is the RXDRDY event itself: tk_uart_read() takes it back. */
}
