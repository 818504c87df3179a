/* Trace builds (TK_TRACE): what each op gave and cost, and stopping after one of them. */
#ifndef TK_TRACER_H
#define TK_TRACER_H

#include <stdint.h>

typedef struct {
    uint32_t bytes; /* of all outputs of the op; 0: it did not run */
    uint32_t crc;   /* CRC-32 of them, one after the other */
    uint32_t ticks; /* tk_tracer_overhead() included */
} tk_tracer_record;

/* One inference; every op is recorded. */
void tk_tracer_invoke(void);

/* One inference up to output `output` of op `op`. Returns its bytes, 0 when it never came. */
uint32_t tk_tracer_invoke_until(uint32_t op, uint32_t output);

/* The output at which tk_tracer_invoke_until() stopped; 0 and no bytes after an inference. */
const uint8_t *tk_tracer_output(uint32_t *bytes);

const tk_tracer_record *tk_tracer_op(uint32_t op); /* 0: no such op */
uint32_t tk_tracer_overhead(void);

#endif
