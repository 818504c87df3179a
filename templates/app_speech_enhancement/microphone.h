/* Where the audio comes from. */
#ifndef MICROPHONE_H
#define MICROPHONE_H

#include <stdint.h>

#define MICROPHONE_MOST_SAMPLES 320 /* in one call of microphone_read() */

void microphone_start(void);

/* Write the mono samples that have come since the last call, at the spectrum's sample rate, to
 * `samples` and return how many (0: none yet). Never waits. */
uint32_t microphone_read(int16_t *samples);

#endif
