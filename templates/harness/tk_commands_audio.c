/* Commands of the front end: audio in, rows into input 0 of the model. */
#include "tk_build.h"
#include "tk_commands.h"
#include "tk_frame.h"
#include "tk_measure.h"
#include "tk_model.h"

#if TK_BUILD_FEATURES

#include "tk_features.h"
#if TK_BUILD_LISTENER
#include "tk_listener.h"
#endif

static int16_t samples[TK_WIRE_CHUNK_BYTES / 2];

static struct {
    uint32_t rows; /* made since reset */
    uint64_t ticks;
    uint32_t calls;
    uint32_t stack_bytes;
} features;

static struct {
    const int16_t *samples;
    uint32_t count;
    int8_t *row;
    uint32_t rows;
    uint32_t used;
} push; /* arguments and results of push_once(), which tk_measure() can give none */

static void push_once(void)
{
    push.rows = tk_features_push(push.samples, push.count, push.row, 1, &push.used);
}

void tk_commands_reset_audio(void)
{
#if TK_BUILD_LISTENER
    tk_listener_reset();
#endif
    tk_features_reset();
    features.rows = 0;
    features.ticks = 0;
    features.calls = 0;
    features.stack_bytes = 0;
}

uint8_t tk_handle_push_audio(const uint8_t *request, uint32_t length)
{
    static const uint32_t input_sizes[TK_MODEL_INPUTS] = TK_MODEL_INPUT_SIZES;
    const uint32_t places = input_sizes[0] / TK_FEATURES_WIDTH; /* of a stream: those of a hop */
    const uint32_t count = length / 2;

    if (length % 2 != 0) {
        return TK_STATUS_BAD_LENGTH;
    }
    if (places == 0) {
        return TK_STATUS_UNSUPPORTED; /* this model does not take the front end's rows */
    }
    tk_get_samples(request, count, samples);
    for (uint32_t at = 0; at < count && features.rows < TK_FEATURES_FRAMES; at += push.used) {
        tk_measurement cost;

        push.samples = samples + at;
        push.count = count - at;
        push.row = tk_model_input(0) + features.rows % places * TK_FEATURES_WIDTH;
        cost = tk_measure(push_once);
        features.ticks += cost.ticks;
        features.calls++;
        if (cost.stack_bytes > features.stack_bytes) {
            features.stack_bytes = cost.stack_bytes;
        }
        features.rows += push.rows;
        if (push.used == 0 && push.rows == 0) {
            break; /* a front end that takes nothing must not hang the harness */
        }
    }
    tk_reply_u16(features.rows);
    return TK_STATUS_OK;
}

uint8_t tk_handle_features_cost(const uint8_t *request, uint32_t length)
{
    (void)request;
    (void)length;
    tk_reply_u16(features.rows);
    tk_reply_u64(features.ticks);
    tk_reply_u32(features.calls);
    tk_reply_u32(tk_measure_overhead());
    tk_reply_u32(features.stack_bytes);
    return TK_STATUS_OK;
}

#else

void tk_commands_reset_audio(void)
{
}

uint8_t tk_handle_push_audio(const uint8_t *request, uint32_t length)
{
    (void)request;
    (void)length;
    return TK_STATUS_UNSUPPORTED;
}

uint8_t tk_handle_features_cost(const uint8_t *request, uint32_t length)
{
    return tk_handle_push_audio(request, length);
}

#endif

#if TK_BUILD_LISTENER

#define DETECTION_BYTES 12
#define MOST_DETECTIONS (TK_WIRE_CHUNK_BYTES / DETECTION_BYTES)

uint8_t tk_handle_listen(const uint8_t *request, uint32_t length)
{
    tk_detection found[MOST_DETECTIONS];
    const uint32_t count = length / 2;
    uint32_t heard = 0;
    uint32_t at = 0;

    if (length % 2 != 0) {
        return TK_STATUS_BAD_LENGTH;
    }
    tk_get_samples(request, count, samples);
    while (at < count && heard < MOST_DETECTIONS) {
        uint32_t used = 0;

        heard += (uint32_t)tk_listener_push(samples + at, count - at, &used, &found[heard]);
        at += used;
    }
    tk_reply_u16(at);
    tk_reply_u32(tk_listener_rows());
    for (uint32_t i = 0; i < heard; i++) {
        tk_reply_u32(found[i].row);
        tk_reply_u32(found[i].label);
        tk_reply_u32((uint32_t)found[i].score);
    }
    return TK_STATUS_OK;
}

#else

uint8_t tk_handle_listen(const uint8_t *request, uint32_t length)
{
    (void)request;
    (void)length;
    return TK_STATUS_UNSUPPORTED;
}

#endif
