/* A microphone for a board that QEMU plays: it hears a file of the host, by semihosting ("Semihosting
 * for AArch32 and AArch64", Arm). When the file is at its end, so is the program. */
#include "microphone.h"

#include "semihosting.h"

static int file;

void microphone_start(void)
{
    file = semihosting_open("audio.raw", SEMIHOSTING_READ);
}

uint32_t microphone_read(int16_t *samples)
{
    const uint32_t count = semihosting_read(file, samples, MICROPHONE_MOST_SAMPLES * 2u) / 2u;

    if (count == 0) {
        semihosting_exit();
    }
    return count;
}
