/* Where the enhanced audio goes. */
#ifndef SPEAKER_H
#define SPEAKER_H

#include <stdint.h>

void speaker_start(void);

/* Play mono samples at the spectrum's sample rate. Never waits: there are as many as the microphone
 * gave, but a hop's work lies between some of them, so a driver keeps a hop in store. */
void speaker_write(const int16_t *samples, uint32_t count);

#endif
