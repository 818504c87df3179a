/* UART of the Arm Cortex-M System Design Kit (CMSDK), as in the MPS2 boards.
 * Registers: Arm DDI 0479, chapter 4.3. */
#include "uart.h"

#include "../register.h"
#include "tk_board.h"

#define DATA     REGISTER(TK_BOARD_UART_BASE + 0x00u)
#define STATE    REGISTER(TK_BOARD_UART_BASE + 0x04u)
#define CTRL     REGISTER(TK_BOARD_UART_BASE + 0x08u)
#define INTCLEAR REGISTER(TK_BOARD_UART_BASE + 0x0Cu)
#define BAUDDIV  REGISTER(TK_BOARD_UART_BASE + 0x10u) /* at least 16 */

#define STATE_TX_FULL      (1u << 0)
#define STATE_RX_FULL      (1u << 1)
#define CTRL_TX_ENABLE     (1u << 0)
#define CTRL_RX_ENABLE     (1u << 1)
#define CTRL_RX_INTERRUPT  (1u << 3)
#define INTCLEAR_RX        (1u << 1)

void tk_uart_init(void)
{
    BAUDDIV = TK_BOARD_CLOCK_HZ / TK_BOARD_BAUD;
    CTRL = CTRL_TX_ENABLE | CTRL_RX_ENABLE | CTRL_RX_INTERRUPT;
    (void)DATA; /* QEMU looks for the first byte only when asked; without this it comes a second late */
}

int tk_uart_read(void)
{
    return (STATE & STATE_RX_FULL) != 0u ? (int)(DATA & 0xFFu) : -1;
}

void tk_uart_write(uint8_t byte)
{
    while ((STATE & STATE_TX_FULL) != 0u) {
    }
    DATA = byte;
}

void tk_uart_clear_interrupt(void)
{
    INTCLEAR = INTCLEAR_RX;
}
