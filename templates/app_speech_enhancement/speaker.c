/* A board without a speaker, as the emulated ones are: over serial the host gets the audio.
 *
 * To connect one (or a radio, or a codec), start its driver in speaker_start(), with a circular DMA
 * buffer that is one hop ahead, and copy into that buffer in speaker_write(). */
#include "speaker.h"

void speaker_start(void)
{
}

void speaker_write(const int16_t *samples, uint32_t count)
{
    (void)samples;
    (void)count;
}
