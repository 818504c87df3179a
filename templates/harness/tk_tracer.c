#include "tk_tracer.h"

#ifdef TK_TRACE

#include <setjmp.h>
#include <string.h>

#include "tk_crc.h"
#include "tk_hal.h"
#include "tk_measure.h"
#include "tk_model.h"

#define NO_OP UINT32_MAX

void tk_trace(uint32_t op, const void *data, uint32_t bytes); /* called by tk_model.c */

static tk_tracer_record records[TK_MODEL_OPS + 1]; /* one more: C has no empty arrays */
static uint32_t count;
static uint32_t overhead;
static uint32_t resumed; /* the counter when the op began */

static jmp_buf stopped;
static uint32_t stop_op = NO_OP;
static uint32_t stop_output;
static const uint8_t *output;
static uint32_t output_bytes;

/* Ops have numbers that need not be dense, and outputs that come one after the other. */
static void record(uint32_t op, const void *data, uint32_t bytes, uint32_t ticks)
{
    tk_tracer_record *last;

    if (count == 0 || records[count - 1].op != op) {
        if (count == TK_MODEL_OPS) {
            return;
        }
        records[count++].op = op;
    }
    last = &records[count - 1];
    last->bytes += bytes;
    last->crc = tk_crc32(last->crc, data, bytes);
    last->ticks += ticks;
}

void tk_trace(uint32_t op, const void *data, uint32_t bytes)
{
    uint32_t ticks = tk_measure_ticks(tk_hal_counter() - resumed);

    if (op == NO_OP) {
        overhead = ticks;
    } else {
        record(op, data, bytes, ticks);
    }
    if (op == stop_op && op != NO_OP && stop_output-- == 0) {
        output = data;
        output_bytes = bytes;
        /* Leave the inference here: the ops that follow would reuse this output's memory. */
        longjmp(stopped, 1);
    }
    resumed = tk_hal_counter();
}

static void start(void)
{
    memset(records, 0, sizeof records);
    count = 0;
    output = 0;
    output_bytes = 0;
    resumed = tk_hal_counter();
    tk_trace(NO_OP, 0, 0); /* an op that does nothing: what measuring costs */
    resumed = tk_hal_counter();
}

void tk_tracer_invoke(void)
{
    start();
    tk_model_invoke();
}

uint32_t tk_tracer_invoke_until(uint32_t op, uint32_t which)
{
    stop_op = op;
    stop_output = which;
    if (setjmp(stopped) == 0) {
        tk_tracer_invoke();
    }
    stop_op = NO_OP;
    return output_bytes;
}

const uint8_t *tk_tracer_output(uint32_t *bytes)
{
    *bytes = output_bytes;
    return output;
}

const tk_tracer_record *tk_tracer_record_at(uint32_t position)
{
    return position < count ? &records[position] : 0;
}

uint32_t tk_tracer_overhead(void)
{
    return overhead;
}

#else

typedef int tk_tracer_is_empty; /* ISO C wants a declaration in every file */

#endif
