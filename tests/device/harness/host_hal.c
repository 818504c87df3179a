/* tk_hal.h and tk_stack.h on a host: the serial port is standard input and output. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tk_hal.h"
#include "tk_harness.h"
#include "tk_stack.h"

static uint8_t sent[4096];
static size_t sent_bytes;

static void flush(void)
{
    size_t at = 0;

    while (at < sent_bytes) {
        ssize_t done = write(1, sent + at, sent_bytes - at);

        if (done < 0)
            exit(0); /* nobody listens any more */
        at += (size_t)done;
    }
    sent_bytes = 0;
}

void tk_hal_init(void)
{
}

int tk_hal_read(void)
{
    uint8_t byte;

    flush();
    if (read(0, &byte, 1) != 1)
        exit(0);
    return byte;
}

void tk_hal_write(const uint8_t *data, uint32_t count)
{
    while (count-- > 0) {
        if (sent_bytes == sizeof sent)
            flush();
        sent[sent_bytes++] = *data++;
    }
}

uint32_t tk_hal_counter(void)
{
    static uint32_t ticks = UINT32_MAX - 20; /* about to wrap */

    return ticks += 5;
}

void tk_hal_idle(void)
{
}

void tk_hal_reboot(void)
{
    flush();
    execl("/proc/self/exe", "harness", (char *)0);
    exit(errno);
}

void tk_stack_paint(void)
{
}

uint32_t tk_stack_used(void)
{
    return 48;
}

int main(void)
{
    tk_hal_init();
    tk_harness_run();
}
