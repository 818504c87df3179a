/* Sums, differences and products of two int8 tensors for the Arm DSP extension: SMMLAR is the first rounding. */
#ifndef TK_BINARY_DSP_H
#define TK_BINARY_DSP_H

#include "tk_binary.h"
#include "tk_dsp.h"

/* Twice tk_operand_scaled(v), for shift 0..31. */
TK_INLINE int32_t tk_dsp_operand_doubled(int32_t v, const tk_operand *from)
{
    if (from->multiplier == 1 << 30 && from->shift == 0) { /* one half, exactly: the coarser of both inputs */
        return (v - from->zero_point) * (1 << 20);
    }
    const int32_t twice = (v - from->zero_point) * (1 << 21);
    if (from->shift == 0) {
        return 2 * tk_smmulr(twice, from->multiplier);
    }
    /* rounded twice with the sign trick of tk_output_doubled_s8() */
    return 2 * (tk_smmlar(twice, from->multiplier, (int32_t)(1u << (from->shift - 1)) + (twice >> 31)) >> from->shift);
}

/* Twice what is scaled to the output. */
TK_INLINE int32_t tk_dsp_combined_doubled(int32_t a, int32_t b, const tk_binary_params *p)
{
    if (p->kind == TK_PRODUCT) {
        return 2 * (a - p->first.zero_point) * (b - p->second.zero_point);
    }
    const int32_t x = tk_dsp_operand_doubled(a, &p->first), y = tk_dsp_operand_doubled(b, &p->second);
    return p->kind == TK_SUM ? x + y : x - y;
}

/* tk_binary_element() under the conditions of tk_binary_s8_dsp(). */
TK_INLINE int8_t tk_dsp_binary_element(int32_t a, int32_t b, const tk_binary_params *p)
{
    const tk_dsp_scale scale = tk_dsp_scale_of((uint32_t)p->multiplier, (uint32_t)p->shift - 1, &p->to);
    return tk_output_doubled_s8(tk_dsp_combined_doubled(a, b, p), scale, &p->to);
}

/* As tk_binary_s8 where kind is TK_SUM, TK_DIFFERENCE or TK_PRODUCT, shifts of the inputs are 0..31 and that of the
 * output is 1..22. */
TK_KERNEL void tk_binary_s8_dsp(const int8_t *first, const int8_t *second, int8_t *out, const tk_binary_params *p)
{
    const tk_dsp_scale scale = tk_dsp_scale_of((uint32_t)p->multiplier, (uint32_t)p->shift - 1, &p->to);
    for (int32_t i = 0; i < p->count[0]; i++) {
        for (int32_t j = 0; j < p->count[1]; j++) {
            for (int32_t k = 0; k < p->count[2]; k++) {
                const int8_t *a = first + i * p->first_step[0] + j * p->first_step[1] + k * p->first_step[2];
                const int8_t *b = second + i * p->second_step[0] + j * p->second_step[1] + k * p->second_step[2];
                TK_ROLLED
                for (int32_t l = 0; l < p->count[3]; l++) {
                    *out++ = tk_output_doubled_s8(tk_dsp_combined_doubled(*a, *b, p), scale, &p->to);
                    a += p->first_step[3];
                    b += p->second_step[3];
                }
            }
        }
    }
}

#endif
