/* A board without a microphone, as the emulated ones are: all audio comes over serial.
 *
 * To connect one, start its driver (I2S, PDM) with a circular DMA buffer in microphone_start(), copy
 * from that buffer in microphone_read(), and give it an interrupt, so that tk_hal_idle() wakes up. */
#include "microphone.h"

void microphone_start(void)
{
}

uint32_t microphone_read(int16_t *samples)
{
    (void)samples;
    return 0;
}
