/* The serial test harness: answers the host's commands (docs/serial-protocol.md). */
#ifndef TK_HARNESS_H
#define TK_HARNESS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Answer what has arrived on the serial port, then sleep until more may have. Call it over and
 * over, after tk_hal_init(). */
void tk_harness_poll(void);

/* The same for ever. */
void tk_harness_run(void);

/* For firmware that reads the port itself: handle one received byte. */
void tk_harness_byte(uint8_t byte);

/* Whether a host is testing: then the model and the front end are its alone, and an application
 * that feeds them from a microphone has to pause, or the host would see mixed audio. */
int tk_harness_session(void);

#ifdef __cplusplus
}
#endif

#endif
