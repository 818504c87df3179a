/* USART of the STM32F1, F2 and F4 (registers: ST RM0090, chapter 30.6).
 *
 * Written for QEMU's model of the part, which has no clock tree and no pin multiplexer. On silicon
 * the port's clock (RCC) and its two pins (GPIO alternate function) must be switched on first. */
#include "uart.h"

#include "../register.h"
#include "tk_board.h"

#define SR  REGISTER(TK_BOARD_UART_BASE + 0x00u)
#define DR  REGISTER(TK_BOARD_UART_BASE + 0x04u)
#define BRR REGISTER(TK_BOARD_UART_BASE + 0x08u)
#define CR1 REGISTER(TK_BOARD_UART_BASE + 0x0Cu)

#define SR_RXNE   (1u << 5)
#define SR_TXE    (1u << 7)
#define CR1_RE     (1u << 2)
#define CR1_TE     (1u << 3)
#define CR1_RXNEIE (1u << 5)
#define CR1_UE     (1u << 13)

void tk_uart_init(void)
{
    BRR = (TK_BOARD_CLOCK_HZ + TK_BOARD_BAUD / 2u) / TK_BOARD_BAUD; /* oversampling by 16 */
    CR1 = CR1_UE | CR1_TE | CR1_RE | CR1_RXNEIE;
    (void)DR; /* drop what arrived before, and its flag */
}

int tk_uart_read(void)
{
    return (SR & SR_RXNE) != 0u ? (int)(DR & 0xFFu) : -1;
}

void tk_uart_write(uint8_t byte)
{
    while ((SR & SR_TXE) == 0u) {
    }
    DR = byte;
}

void tk_uart_clear_interrupt(void)
{
    /* The request is the RXNE flag itself: reading the byte takes it back. */
}
