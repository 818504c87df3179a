/* Functions of one value made of two straight lines: changes of scale and rectifiers, to or from int16. */
#ifndef TK_RESCALE_INT16_H
#define TK_RESCALE_INT16_H

#include "tk_requantize.h"

typedef struct {
    int32_t count;
    int32_t in_zero_point;
    int32_t multiplier, shift;             /* of centred inputs from 0 up, of tk_requantize_any() */
    int32_t below_multiplier, below_shift; /* of those below 0 */
    int32_t below_negated;                 /* 1: what is below 0 changes its sign after it was scaled */
    int32_t zero_point, low, high;         /* of the output, and its limits */
} tk_rescale_params;

TK_INLINE int32_t tk_rescaled(int32_t code, const tk_rescale_params *p)
{
    const int32_t v = code - p->in_zero_point;
    int32_t scaled;
    if (v >= 0) {
        scaled = tk_requantize_any(v, p->multiplier, p->shift);
    } else {
        scaled = tk_requantize_any(v, p->below_multiplier, p->below_shift);
        scaled = p->below_negated ? -scaled : scaled;
    }
    return tk_clamp(scaled, p->low - p->zero_point, p->high - p->zero_point) + p->zero_point;
}

/* in, out: int16 [count].  Works in place. */
TK_KERNEL void tk_rescale_s16(const int16_t *in, int16_t *out, const tk_rescale_params *p)
{
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = (int16_t)tk_rescaled(in[i], p);
    }
}

/* To int8 [count].  Works in place. */
TK_KERNEL void tk_rescale_s16_s8(const int16_t *in, int8_t *out, const tk_rescale_params *p)
{
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = (int8_t)tk_rescaled(in[i], p);
    }
}

/* From int8 [count], which may lie in the end of the output. */
TK_KERNEL void tk_rescale_s8_s16(const int8_t *in, int16_t *out, const tk_rescale_params *p)
{
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = (int16_t)tk_rescaled(in[i], p);
    }
}

#endif
