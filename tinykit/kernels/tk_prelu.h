/* Parametric rectifier, int8: below zero, each value is multiplied by a slope. */
#ifndef TK_PRELU_H
#define TK_PRELU_H

#include "tk_requantize.h"

typedef struct {
    int32_t count;
    int32_t slopes; /* value i has slope i modulo this; it divides count */
    int32_t zero_point, slope_zero_point;
    int32_t above_multiplier, above_shift; /* of tk_requantize_any(), from zero on */
    int32_t below_multiplier, below_shift; /* of products with slopes */
    tk_output to;
} tk_prelu_params;

/* Works in place.
 *
 * in:    int8 [count]
 * slope: int8 [slopes]
 * out:   int8 [count] */
TK_KERNEL void tk_prelu_s8(const int8_t *in, const int8_t *slope, int8_t *out, const tk_prelu_params *p)
{
    for (int32_t start = 0; start < p->count; start += p->slopes) {
        for (int32_t i = 0; i < p->slopes; i++) {
            const int32_t v = in[start + i] - p->zero_point;
            const int32_t scaled =
                v >= 0 ? tk_requantize_any(v, p->above_multiplier, p->above_shift)
                       : tk_requantize_any(v * (slope[i] - p->slope_zero_point), p->below_multiplier, p->below_shift);
            out[start + i] = tk_limited_s8(scaled, &p->to);
        }
    }
}

#endif
