/* A serial port, 8 data bits, no parity, 1 stop bit, at TK_BOARD_BAUD. One driver a part family. */
#ifndef UART_H
#define UART_H

#include <stdint.h>

void tk_uart_init(void);

/* One byte, or -1 when none has arrived. */
int tk_uart_read(void);

/* Send one byte; waits while the transmitter is full. */
void tk_uart_write(uint8_t byte);

/* Take back the port's interrupt request for received data. */
void tk_uart_clear_interrupt(void);

#endif
