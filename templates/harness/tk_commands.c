/* Commands of the model: its tensors, running it, tracing it. */
#include "tk_commands.h"

#include <string.h>

#include "tk_build.h"
#include "tk_frame.h"
#include "tk_measure.h"
#include "tk_model.h"
#include "tk_tracer.h"
#if TK_BUILD_FEATURES
#include "tk_features.h"
#define FLAG_FEATURES TK_FLAG_FEATURES
#define FRAMES TK_FEATURES_FRAMES
#define WIDTH TK_FEATURES_WIDTH
#else
#define FLAG_FEATURES 0
#define FRAMES 0
#define WIDTH 0
#endif

static const uint32_t input_sizes[TK_MODEL_INPUTS] = TK_MODEL_INPUT_SIZES;
static const uint32_t output_sizes[TK_MODEL_OUTPUTS] = TK_MODEL_OUTPUT_SIZES;

#ifdef TK_TRACE

#define FLAG_TRACE TK_FLAG_TRACE
#define INVOKE tk_tracer_invoke

uint8_t tk_handle_trace(const uint8_t *request, uint32_t length)
{
    const tk_tracer_record *record =
        tk_tracer_record_at(tk_get_u16(request + TK_AT_TRACE_POSITION));

    (void)length;
    if (record == 0) {
        return TK_STATUS_OUT_OF_RANGE;
    }
    tk_reply_u16(record->op);
    tk_reply_u32(record->bytes);
    tk_reply_u32(record->crc);
    tk_reply_u32(record->ticks);
    tk_reply_u32(tk_tracer_overhead());
    return TK_STATUS_OK;
}

uint8_t tk_handle_invoke_until(const uint8_t *request, uint32_t length)
{
    uint32_t bytes = tk_tracer_invoke_until(tk_get_u16(request + TK_AT_INVOKE_UNTIL_OP),
                                            request[TK_AT_INVOKE_UNTIL_OUTPUT]);

    (void)length;
    if (bytes == 0) {
        return TK_STATUS_OUT_OF_RANGE;
    }
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

uint8_t tk_handle_trace(const uint8_t *request, uint32_t length)
{
    (void)request;
    (void)length;
    return TK_STATUS_UNSUPPORTED;
}

uint8_t tk_handle_invoke_until(const uint8_t *request, uint32_t length)
{
    return tk_handle_trace(request, length);
}

static const uint8_t *traced(uint32_t *bytes)
{
    *bytes = 0;
    return 0;
}

#endif

#if TK_BUILD_LISTENER
#define FLAG_LISTENER TK_FLAG_LISTENER
#else
#define FLAG_LISTENER 0
#endif

#if TK_BUILD_ENHANCER
#define FLAG_ENHANCER TK_FLAG_ENHANCER
#else
#define FLAG_ENHANCER 0
#endif

static void reset(void)
{
    tk_model_reset();
    tk_commands_reset_audio();
    tk_commands_reset_enhancer();
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
    if (space == TK_SPACE_TRACE && index == 0) {
        return traced(bytes);
    }
    return 0;
}

uint8_t tk_handle_hello(const uint8_t *request, uint32_t length)
{
    (void)length;
    reset();
    tk_reply_u8(TK_WIRE_VERSION);
    tk_reply_u8(FLAG_FEATURES | FLAG_TRACE | FLAG_LISTENER | FLAG_ENHANCER);
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

uint8_t tk_handle_tensor(const uint8_t *request, uint32_t length)
{
    uint32_t bytes = 0;

    (void)length;
    if (tensor(request[TK_AT_TENSOR_SPACE], request[TK_AT_TENSOR_INDEX], &bytes) == 0) {
        return TK_STATUS_OUT_OF_RANGE;
    }
    tk_reply_u32(bytes);
    return TK_STATUS_OK;
}

uint8_t tk_handle_write(const uint8_t *request, uint32_t length)
{
    uint8_t index = request[TK_AT_WRITE_INDEX];
    uint32_t offset = tk_get_u32(request + TK_AT_WRITE_OFFSET);
    uint32_t count = length - TK_AT_WRITE_DATA;

    if (index >= TK_MODEL_INPUTS || offset > input_sizes[index] ||
        count > input_sizes[index] - offset) {
        return TK_STATUS_OUT_OF_RANGE;
    }
    memcpy(tk_model_input(index) + offset, request + TK_AT_WRITE_DATA, count);
    return TK_STATUS_OK;
}

uint8_t tk_handle_read(const uint8_t *request, uint32_t length)
{
    uint32_t bytes = 0;
    const uint8_t *data = tensor(request[TK_AT_READ_SPACE], request[TK_AT_READ_INDEX], &bytes);
    uint32_t offset = tk_get_u32(request + TK_AT_READ_OFFSET);
    uint32_t count = tk_get_u16(request + TK_AT_READ_LENGTH);

    (void)length;
    if (data == 0 || count > TK_WIRE_CHUNK_BYTES || offset > bytes || count > bytes - offset) {
        return TK_STATUS_OUT_OF_RANGE;
    }
    tk_reply_data(data + offset, count);
    return TK_STATUS_OK;
}

uint8_t tk_handle_invoke(const uint8_t *request, uint32_t length)
{
    uint32_t count = tk_get_u16(request + TK_AT_INVOKE_COUNT);
    uint64_t ticks = 0;
    uint32_t stack_bytes = 0;

    (void)length;
    if (count == 0) {
        return TK_STATUS_OUT_OF_RANGE;
    }
    while (count-- > 0) {
        tk_measurement cost = tk_measure(INVOKE);

        ticks += cost.ticks;
        if (cost.stack_bytes > stack_bytes) {
            stack_bytes = cost.stack_bytes;
        }
    }
    tk_reply_u64(ticks);
    tk_reply_u32(tk_measure_overhead());
    tk_reply_u32(stack_bytes);
    return TK_STATUS_OK;
}

uint8_t tk_handle_reset(const uint8_t *request, uint32_t length)
{
    (void)request;
    (void)length;
    reset();
    return TK_STATUS_OK;
}

uint8_t tk_handle_reboot(const uint8_t *request, uint32_t length)
{
    (void)request;
    (void)length;
    return TK_STATUS_OK;
}

uint8_t tk_handle_bye(const uint8_t *request, uint32_t length)
{
    return tk_handle_reset(request, length);
}
