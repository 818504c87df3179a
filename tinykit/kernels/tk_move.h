/* Moving bytes: slices, concatenation, splitting, transposition, padding. */
#ifndef TK_MOVE_H
#define TK_MOVE_H

#include "tk_common.h"

typedef struct {
    int32_t run;         /* bytes that lie side by side in both tensors */
    int32_t count[4];    /* of runs, along each axis, outermost first */
    int32_t in_step[4];  /* bytes from one run to the next in the input; negative to go backwards */
    int32_t out_step[4]; /* and in the output */
} tk_move_params;

/* Copies a regular grid of runs from one tensor into another.
 *
 * in:  the first run to read
 * out: where it goes */
TK_KERNEL void tk_move(const int8_t *in, int8_t *out, const tk_move_params *p)
{
    for (int32_t i = 0; i < p->count[0]; i++) {
        for (int32_t j = 0; j < p->count[1]; j++) {
            for (int32_t k = 0; k < p->count[2]; k++) {
                const int8_t *from = in + i * p->in_step[0] + j * p->in_step[1] + k * p->in_step[2];
                int8_t *to = out + i * p->out_step[0] + j * p->out_step[1] + k * p->out_step[2];
                for (int32_t l = 0; l < p->count[3]; l++) {
                    memcpy(to, from, (size_t)p->run);
                    from += p->in_step[3];
                    to += p->out_step[3];
                }
            }
        }
    }
}

typedef struct {
    int32_t bytes;
    int32_t value; /* -128..127 */
} tk_fill_params;

/* out: int8 [bytes] */
TK_KERNEL void tk_fill(int8_t *out, const tk_fill_params *p)
{
    memset(out, (int8_t)p->value, (size_t)p->bytes);
}

typedef struct {
    int32_t count;
    int32_t value; /* -32768..32767 */
} tk_fill_s16_params;

/* out: int16 [count] */
TK_KERNEL void tk_fill_s16(int16_t *out, const tk_fill_s16_params *p)
{
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = (int16_t)p->value;
    }
}

#endif
