/* Sums and differences of two int8 tensors for the Arm DSP extension: SMMLAR is the first rounding. */
#ifndef TK_BINARY_DSP_H
#define TK_BINARY_DSP_H

#include "tk_binary.h"
#include "tk_dsp.h"

/* What tk_requantize() gives, for v below 2^30 in magnitude and shift 0..31. */
TK_INLINE int32_t tk_dsp_requantize(int32_t v, int32_t multiplier, int32_t shift)
{
    const int32_t x = tk_smmlar(2 * v, multiplier, 0);
    return shift == 0 ? x : (x + (x >> 31) + (int32_t)(1u << (shift - 1))) >> shift;
}

TK_INLINE int32_t tk_dsp_operand(int32_t v, const tk_operand *from)
{
    return tk_dsp_requantize((v - from->zero_point) * (1 << 20), from->multiplier, from->shift);
}

/* As tk_binary_s8 where kind is TK_SUM or TK_DIFFERENCE, neither input is broadcast (count[3] elements, one after the
 * other) and no shift is to the left. */
TK_KERNEL void tk_sum_s8_dsp(const int8_t *first, const int8_t *second, int8_t *out, const tk_binary_params *p)
{
    for (int32_t i = 0; i < p->count[3]; i++) {
        const int32_t a = tk_dsp_operand(first[i], &p->first), b = tk_dsp_operand(second[i], &p->second);
        const int32_t v = tk_dsp_requantize(p->kind == TK_SUM ? a + b : a - b, p->multiplier, p->shift);
        out[i] = (int8_t)tk_clamp(v + p->to.zero_point, p->to.low, p->to.high);
    }
}

#endif
