/* UART compatible with the National Semiconductor 16550, registers one byte apart. */
#include "uart.h"

#include "tk_board.h"

#define REGISTER8(offset) (*(volatile uint8_t *)(TK_BOARD_UART_BASE + (offset)))
#define DATA         REGISTER8(0u)
#define IER          REGISTER8(1u)
#define DIVISOR_LOW  REGISTER8(0u) /* while LCR_DIVISOR is set */
#define DIVISOR_HIGH REGISTER8(1u)
#define LCR          REGISTER8(3u)
#define LSR          REGISTER8(5u)

#define IER_RX       (1u << 0)
#define LCR_8N1      3u
#define LCR_DIVISOR  (1u << 7)
#define LSR_RX_READY (1u << 0)
#define LSR_TX_EMPTY (1u << 5)

void tk_uart_init(void)
{
    const uint32_t divisor = TK_BOARD_CLOCK_HZ / (16u * TK_BOARD_BAUD);

    LCR = LCR_DIVISOR;
    DIVISOR_LOW = (uint8_t)divisor;
    DIVISOR_HIGH = (uint8_t)(divisor >> 8);
    LCR = LCR_8N1;
    IER = IER_RX;
}

int tk_uart_read(void)
{
    return (LSR & LSR_RX_READY) != 0u ? (int)DATA : -1;
}

void tk_uart_write(uint8_t byte)
{
    while ((LSR & LSR_TX_EMPTY) == 0u) {
    }
    DATA = byte;
}

void tk_uart_clear_interrupt(void)
{
    /* The request is the received byte itself: reading it takes it back. */
}
