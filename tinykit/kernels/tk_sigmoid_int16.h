/* Logistic and tanh of int16 tensors, by the table of tk_sigmoid16.h. */
#ifndef TK_SIGMOID_INT16_H
#define TK_SIGMOID_INT16_H

#include "tk_sigmoid16.h"

typedef struct {
    int32_t count;
    int32_t multiplier, shift; /* the input to three times it with 12 fraction bits; the shift rounds, 0..30 */
} tk_sigmoid_s16_params;

TK_INLINE int32_t tk_tripled_s16(int32_t v, const tk_sigmoid_s16_params *p)
{
    return (v * p->multiplier + ((1 << p->shift) >> 1)) >> p->shift;
}

/* Output scale 2^-15.  Works in place.
 *
 * in, out: int16 [count]
 * table:   uint16 [256], of tk_sigmoid_between() */
TK_KERNEL void tk_logistics_s16(const int16_t *in, const uint16_t *table, int16_t *out,
                                const tk_sigmoid_s16_params *p)
{
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = (int16_t)tk_logistic_s16(tk_tripled_s16(in[i], p), table);
    }
}

/* The same for tanh. */
TK_KERNEL void tk_tanhs_s16(const int16_t *in, const uint16_t *table, int16_t *out, const tk_sigmoid_s16_params *p)
{
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = (int16_t)tk_tanh_s16(tk_tripled_s16(in[i], p), table);
    }
}

#endif
