/* The serial test harness: one handler for each command of tk_wire.h.
 *
 * A handler gets a payload whose length fits the wire table, appends its reply and returns a
 * status. Everything else (framing, repeats, sessions, lengths) is done once, in answer(). */
#include "tk_harness.h"

#include <string.h>

#include "tk_build.h"
#include "tk_cobs.h"
#include "tk_crc.h"
#include "tk_frame.h"
#include "tk_hal.h"
#include "tk_measure.h"
#include "tk_model.h"
#include "tk_tracer.h"
#if TK_BUILD_FEATURES
#include "tk_features.h"
#endif

static const uint32_t input_sizes[TK_MODEL_INPUTS] = TK_MODEL_INPUT_SIZES;
static const uint32_t output_sizes[TK_MODEL_OUTPUTS] = TK_MODEL_OUTPUT_SIZES;

static tk_cobs_decoder decoder;
static uint32_t last_crc; /* of the request that the kept reply answers */
static int session;       /* hello has come since the start; until then there is no last request */
static int reboot_next;

/* ---- the front end ---- */

#if TK_BUILD_FEATURES

#define FLAG_FEATURES TK_FLAG_FEATURES
#define FRAMES TK_FEATURES_FRAMES
#define WIDTH TK_FEATURES_WIDTH

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

static void features_reset(void)
{
    tk_features_reset();
    features.rows = 0;
    features.ticks = 0;
    features.calls = 0;
    features.stack_bytes = 0;
}

static uint8_t handle_push_audio(const uint8_t *request, uint32_t length)
{
    static int16_t samples[TK_WIRE_CHUNK_BYTES / 2];
    uint32_t count = length / 2;
    uint32_t at;

    if (length % 2 != 0)
        return TK_STATUS_BAD_LENGTH;
    if (input_sizes[0] < (uint32_t)FRAMES * WIDTH)
        return TK_STATUS_UNSUPPORTED; /* this model does not take the front end's rows */
    for (at = 0; at < count; at++) {
        uint16_t bits = tk_get_u16(request + 2 * at);

        samples[at] = (int16_t)(bits < 0x8000u ? bits : (int32_t)bits - 0x10000);
    }
    for (at = 0; at < count && features.rows < FRAMES; at += push.used) {
        tk_measurement cost;

        push.samples = samples + at;
        push.count = count - at;
        push.row = tk_model_input(0) + features.rows * WIDTH;
        cost = tk_measure(push_once);
        features.ticks += cost.ticks;
        features.calls++;
        if (cost.stack_bytes > features.stack_bytes)
            features.stack_bytes = cost.stack_bytes;
        features.rows += push.rows;
        if (push.used == 0 && push.rows == 0)
            break; /* a front end that takes nothing must not hang the harness */
    }
    tk_reply_u16(features.rows);
    return TK_STATUS_OK;
}

static uint8_t handle_features_cost(const uint8_t *request, uint32_t length)
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

#define FLAG_FEATURES 0
#define FRAMES 0
#define WIDTH 0

static void features_reset(void)
{
}

static uint8_t handle_push_audio(const uint8_t *request, uint32_t length)
{
    (void)request;
    (void)length;
    return TK_STATUS_UNSUPPORTED;
}

static uint8_t handle_features_cost(const uint8_t *request, uint32_t length)
{
    return handle_push_audio(request, length);
}

#endif

/* ---- trace ---- */

#ifdef TK_TRACE

#define FLAG_TRACE TK_FLAG_TRACE
#define INVOKE tk_tracer_invoke

static uint8_t handle_trace(const uint8_t *request, uint32_t length)
{
    const tk_tracer_record *record =
        tk_tracer_record_at(tk_get_u16(request + TK_AT_TRACE_POSITION));

    (void)length;
    if (record == 0)
        return TK_STATUS_OUT_OF_RANGE;
    tk_reply_u16(record->op);
    tk_reply_u32(record->bytes);
    tk_reply_u32(record->crc);
    tk_reply_u32(record->ticks);
    tk_reply_u32(tk_tracer_overhead());
    return TK_STATUS_OK;
}

static uint8_t handle_invoke_until(const uint8_t *request, uint32_t length)
{
    uint32_t bytes = tk_tracer_invoke_until(tk_get_u16(request + TK_AT_INVOKE_UNTIL_OP),
                                            request[TK_AT_INVOKE_UNTIL_OUTPUT]);

    (void)length;
    if (bytes == 0)
        return TK_STATUS_OUT_OF_RANGE;
    tk_reply_u32(bytes);
    return TK_STATUS_OK;
}

static const uint8_t *traced(uint32_t *bytes)
{
    return tk_tracer_output(bytes);
}

#else

#define FLAG_TRACE 0
#define INVOKE tk_model_invoke

static uint8_t handle_trace(const uint8_t *request, uint32_t length)
{
    (void)request;
    (void)length;
    return TK_STATUS_UNSUPPORTED;
}

static uint8_t handle_invoke_until(const uint8_t *request, uint32_t length)
{
    return handle_trace(request, length);
}

static const uint8_t *traced(uint32_t *bytes)
{
    *bytes = 0;
    return 0;
}

#endif

/* ---- the model ---- */

static void reset(void)
{
    tk_model_reset();
    features_reset();
}

/* What `space` and `index` name; 0 when there is no such tensor. */
static const uint8_t *tensor(uint8_t space, uint8_t index, uint32_t *bytes)
{
    if (space == TK_SPACE_INPUT && index < TK_MODEL_INPUTS) {
        *bytes = input_sizes[index];
        return (const uint8_t *)tk_model_input(index);
    }
    if (space == TK_SPACE_OUTPUT && index < TK_MODEL_OUTPUTS) {
        *bytes = output_sizes[index];
        return (const uint8_t *)tk_model_output(index);
    }
    if (space == TK_SPACE_TRACE && index == 0)
        return traced(bytes);
    return 0;
}

static uint8_t handle_hello(const uint8_t *request, uint32_t length)
{
    (void)length;
    session = 1;
    reset();
    tk_reply_u8(TK_WIRE_VERSION);
    tk_reply_u8(FLAG_FEATURES | FLAG_TRACE);
    tk_reply_u32(tk_get_u32(request + TK_AT_HELLO_NONCE));
    tk_reply_u8(TK_MODEL_INPUTS);
    tk_reply_u8(TK_MODEL_OUTPUTS);
    tk_reply_u16(TK_MODEL_OPS);
    tk_reply_u32(TK_MODEL_ARENA_BYTES);
    tk_reply_u32(TK_MODEL_STATE_BYTES);
    tk_reply_u32(TK_MODEL_SCRATCH_BYTES);
    tk_reply_u8(TK_BUILD_COUNTER_UNIT);
    tk_reply_u32(TK_MEASURE_NUMERATOR);
    tk_reply_u32(TK_MEASURE_DENOMINATOR);
    tk_reply_u16(FRAMES);
    tk_reply_u16(WIDTH);
    tk_reply_text(TK_MODEL_SHA256, TK_MOST_HELLO_MODEL_SHA256);
    tk_reply_text(TK_BUILD_BOARD, TK_MOST_HELLO_BOARD);
    tk_reply_text(TK_BUILD_APP, TK_MOST_HELLO_APP);
    tk_reply_text(TK_BUILD_HASH, TK_MOST_HELLO_BUILD);
    return TK_STATUS_OK;
}

static uint8_t handle_tensor(const uint8_t *request, uint32_t length)
{
    uint32_t bytes = 0;

    (void)length;
    if (tensor(request[TK_AT_TENSOR_SPACE], request[TK_AT_TENSOR_INDEX], &bytes) == 0)
        return TK_STATUS_OUT_OF_RANGE;
    tk_reply_u32(bytes);
    return TK_STATUS_OK;
}

static uint8_t handle_write(const uint8_t *request, uint32_t length)
{
    uint8_t index = request[TK_AT_WRITE_INDEX];
    uint32_t offset = tk_get_u32(request + TK_AT_WRITE_OFFSET);
    uint32_t count = length - TK_AT_WRITE_DATA;

    if (index >= TK_MODEL_INPUTS || offset > input_sizes[index] ||
        count > input_sizes[index] - offset)
        return TK_STATUS_OUT_OF_RANGE;
    memcpy(tk_model_input(index) + offset, request + TK_AT_WRITE_DATA, count);
    return TK_STATUS_OK;
}

static uint8_t handle_read(const uint8_t *request, uint32_t length)
{
    uint32_t bytes = 0;
    const uint8_t *data = tensor(request[TK_AT_READ_SPACE], request[TK_AT_READ_INDEX], &bytes);
    uint32_t offset = tk_get_u32(request + TK_AT_READ_OFFSET);
    uint32_t count = tk_get_u16(request + TK_AT_READ_LENGTH);

    (void)length;
    if (data == 0 || count > TK_WIRE_CHUNK_BYTES || offset > bytes || count > bytes - offset)
        return TK_STATUS_OUT_OF_RANGE;
    tk_reply_data(data + offset, count);
    return TK_STATUS_OK;
}

static uint8_t handle_invoke(const uint8_t *request, uint32_t length)
{
    uint32_t count = tk_get_u16(request + TK_AT_INVOKE_COUNT);
    uint64_t ticks = 0;
    uint32_t stack_bytes = 0;

    (void)length;
    if (count == 0)
        return TK_STATUS_OUT_OF_RANGE;
    while (count-- > 0) {
        tk_measurement cost = tk_measure(INVOKE);

        ticks += cost.ticks;
        if (cost.stack_bytes > stack_bytes)
            stack_bytes = cost.stack_bytes;
    }
    tk_reply_u64(ticks);
    tk_reply_u32(tk_measure_overhead());
    tk_reply_u32(stack_bytes);
    return TK_STATUS_OK;
}

static uint8_t handle_reset(const uint8_t *request, uint32_t length)
{
    (void)request;
    (void)length;
    reset();
    return TK_STATUS_OK;
}

static uint8_t handle_reboot(const uint8_t *request, uint32_t length)
{
    (void)request;
    (void)length;
    reboot_next = 1;
    return TK_STATUS_OK;
}

/* ---- every request ---- */

#define ROW(name, code, bytes, data) {handle_##name, bytes, code, data},
static const struct {
    uint8_t (*handle)(const uint8_t *request, uint32_t length);
    uint16_t bytes; /* of the request's fields */
    uint8_t code;
    uint8_t data; /* whether more bytes may follow the fields */
} commands[] = {TK_COMMANDS(ROW)};

static uint8_t execute(uint8_t code, const uint8_t *request, uint32_t length)
{
    uint32_t i;

    for (i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (commands[i].code != code)
            continue;
        if (!session && commands[i].handle != handle_hello)
            return TK_STATUS_NO_SESSION;
        if (length < commands[i].bytes || (length > commands[i].bytes && !commands[i].data))
            return TK_STATUS_BAD_LENGTH;
        return commands[i].handle(request, length);
    }
    return TK_STATUS_UNKNOWN_COMMAND;
}

static void answer(const uint8_t *body, uint32_t length)
{
    uint32_t crc;

    if (length < TK_WIRE_HEADER_BYTES + TK_WIRE_CRC_BYTES) {
        tk_reply_refuse(TK_STATUS_BAD_FRAME);
        return;
    }
    length -= TK_WIRE_CRC_BYTES;
    crc = tk_get_u32(body + length);
    if (crc != tk_crc32(0, body, length)) {
        tk_reply_refuse(TK_STATUS_BAD_CRC);
        return;
    }
    if (body[1] & TK_WIRE_REPLY)
        return; /* our own reply, echoed by the line */
    if (!session || crc != last_crc) {
        /* Not the last request again (the CRC covers its sequence number): do it. */
        tk_reply_begin(body[0], body[1]);
        tk_reply_end(execute(body[1], body + TK_WIRE_HEADER_BYTES, length - TK_WIRE_HEADER_BYTES));
        last_crc = crc;
    }
    tk_reply_send();
    if (reboot_next)
        tk_hal_reboot();
}

void tk_harness_byte(uint8_t byte)
{
    switch (tk_cobs_decode(&decoder, byte)) {
    case TK_COBS_FRAME:
        answer(decoder.body, decoder.length);
        break;
    case TK_COBS_BAD:
        tk_reply_refuse(TK_STATUS_BAD_FRAME);
        break;
    case TK_COBS_MORE:
        break;
    }
}

void tk_harness_poll(void)
{
    int byte;

    while ((byte = tk_hal_read()) >= 0)
        tk_harness_byte((uint8_t)byte);
    tk_hal_idle();
}

void tk_harness_run(void)
{
    for (;;)
        tk_harness_poll();
}
