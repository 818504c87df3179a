/* Trace builds (TK_TRACE): what each op gave and cost, and stopping after one of them. */
#ifndef TK_TRACER_H
#define TK_TRACER_H

#include <stdint.h>

typedef struct {
    uint32_t op;    /* its number in the .tflite */
    uint32_t bytes; /* of all its outputs */
    uint32_t crc;   /* CRC-32 of them, one after the other */
    uint32_t ticks; /* tk_tracer_overhead() included */
} tk_tracer_record;

/* One inference; every op is recorded. */
void tk_tracer_invoke(void);

/* One inference up to output `output` of op `op`. Returns its bytes, 0 when it never came. */
uint32_t tk_tracer_invoke_until(uint32_t op, uint32_t output);

/* The output at which tk_tracer_invoke_until() stopped; 0 and no bytes after an inference. */
const uint8_t *tk_tracer_output(uint32_t *bytes);

/* The op that was executed as number `position`; 0: there were fewer. */
const tk_tracer_record *tk_tracer_record_at(uint32_t position);
uint32_t tk_tracer_overhead(void);

#endif
