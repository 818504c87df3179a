/* Commands of the enhancer: noisy audio in, enhanced audio out, and what each step of it cost. */
#include "tk_build.h"
#include "tk_commands.h"
#include "tk_frame.h"
#include "tk_measure.h"

#if TK_BUILD_ENHANCER

#include <string.h>

#include "tk_enhancer.h"

#define STEPS 3

/* What tk_enhancer_push() does at each hop, to be measured one by one. */
static void (*const steps[STEPS])(void) = {tk_enhancer_analyse, tk_enhancer_infer, tk_enhancer_synthesize};

static struct {
    uint32_t hops;
    uint64_t ticks[STEPS];
    uint32_t most; /* of a whole hop */
    uint32_t stack_bytes;
} spent; /* since reset */

void tk_commands_reset_enhancer(void)
{
    tk_enhancer_reset();
    memset(&spent, 0, sizeof spent);
}

static void work(void)
{
    uint32_t ticks = 0;

    for (uint32_t step = 0; step < STEPS; step++) {
        const tk_measurement cost = tk_measure(steps[step]);

        spent.ticks[step] += cost.ticks;
        ticks += cost.ticks;
        if (cost.stack_bytes > spent.stack_bytes) {
            spent.stack_bytes = cost.stack_bytes;
        }
    }
    spent.hops++;
    if (ticks > spent.most) {
        spent.most = ticks;
    }
}

uint8_t tk_handle_enhance(const uint8_t *request, uint32_t length)
{
    static int16_t samples[TK_WIRE_CHUNK_BYTES / 2];
    const uint32_t count = length / 2;

    if (length % 2 != 0) {
        return TK_STATUS_BAD_LENGTH;
    }
    tk_get_samples(request, count, samples);
    for (uint32_t at = 0; at < count;) {
        at += tk_enhancer_exchange(samples + at, count - at, samples + at);
        if (tk_enhancer_due()) {
            work();
        }
    }
    for (uint32_t at = 0; at < count; at++) {
        tk_reply_u16((uint16_t)samples[at]);
    }
    return TK_STATUS_OK;
}

uint8_t tk_handle_enhance_cost(const uint8_t *request, uint32_t length)
{
    (void)request;
    (void)length;
    tk_reply_u32(spent.hops);
    for (uint32_t step = 0; step < STEPS; step++) {
        tk_reply_u64(spent.ticks[step]);
    }
    tk_reply_u32(spent.most);
    tk_reply_u32(tk_measure_overhead());
    tk_reply_u32(spent.stack_bytes);
    return TK_STATUS_OK;
}

#else

void tk_commands_reset_enhancer(void)
{
}

uint8_t tk_handle_enhance(const uint8_t *request, uint32_t length)
{
    (void)request;
    (void)length;
    return TK_STATUS_UNSUPPORTED;
}

uint8_t tk_handle_enhance_cost(const uint8_t *request, uint32_t length)
{
    return tk_handle_enhance(request, length);
}

#endif
