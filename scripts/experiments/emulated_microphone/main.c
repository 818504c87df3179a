/* The keyword application without its test harness: microphone to listener, and each detection as a
 * record of three 32-bit words into a file of the host. */
#include "microphone.h"
#include "semihosting.h"
#include "tk_app.h"
#include "tk_hal.h"
#include "tk_listener.h"

static int detections;

void tk_app_setup(void)
{
    tk_hal_init();
    microphone_start();
    detections = semihosting_open("detections.bin", SEMIHOSTING_WRITE);
    tk_listener_reset();
}

void tk_app_loop(void)
{
    static int16_t samples[MICROPHONE_MOST_SAMPLES];
    const uint32_t count = microphone_read(samples);
    tk_detection found;
    uint32_t used;

    for (uint32_t at = 0; at < count; at += used) {
        if (tk_listener_push(samples + at, count - at, &used, &found)) {
            semihosting_write(detections, &found, sizeof found);
        }
    }
}
