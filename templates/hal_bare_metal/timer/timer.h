/* A free-running 32-bit counter, counting up. */
#ifndef TIMER_H
#define TIMER_H

#include <stdint.h>

/* Run over the whole 32-bit range, so that the difference of two readings survives a wrap. */
void tk_timer_init(void);

uint32_t tk_timer_ticks(void);

/* Stand still, and go on from there. */
void tk_timer_pause(void);
void tk_timer_resume(void);

#endif
