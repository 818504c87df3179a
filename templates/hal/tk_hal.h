/* The hardware layer: all that the application and the test harness ask of a board. */
#ifndef TK_HAL_H
#define TK_HAL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Clock, serial port and counter. Call it once, before anything else of this header. */
void tk_hal_init(void);

/* One byte from the serial port, or -1 when none has arrived. Never waits. */
int tk_hal_read(void);

/* Send `count` bytes; returns when the last one is handed to the port. */
void tk_hal_write(const uint8_t *data, uint32_t count);

/* Ticks, counting up and wrapping at 2^32; subtract two readings as unsigned. What a tick is
 * stands in tk_board.h. It may stand still inside tk_hal_idle(). */
uint32_t tk_hal_counter(void);

/* Sleep until a byte may have arrived. May return early: read again, then come back. */
void tk_hal_idle(void);

/* Restart the device; does not return. */
void tk_hal_reboot(void);

#ifdef __cplusplus
}
#endif

#endif
