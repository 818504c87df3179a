/* Elementwise int16 ops of two tensors, with broadcasting. Zero points are 0. */
#ifndef TK_BINARY_INT16_H
#define TK_BINARY_INT16_H

#include "tk_binary.h"

TK_INLINE int32_t tk_operand_scaled_s16(int32_t v, const tk_operand *from)
{
    return tk_requantize_any(v * (1 << 15), from->multiplier, from->shift);
}

TK_INLINE int16_t tk_binary_element_s16(int32_t a, int32_t b, const tk_binary_params *p)
{
    int32_t v = 0;
    switch (p->kind) {
    case TK_MAXIMUM:
        return (int16_t)(a > b ? a : b);
    case TK_MINIMUM:
        return (int16_t)(a < b ? a : b);
    case TK_PRODUCT:
        v = a * b;
        break;
    case TK_SUM:
        v = tk_operand_scaled_s16(a, &p->first) + tk_operand_scaled_s16(b, &p->second);
        break;
    default:
        v = tk_operand_scaled_s16(a, &p->first) - tk_operand_scaled_s16(b, &p->second);
        break;
    }
    return (int16_t)tk_clamp(tk_requantize_any(v, p->multiplier, p->shift), p->to.low, p->to.high);
}

/* In place over an input that is not broadcast. Arguments as of tk_binary_s8(), int16. */
TK_KERNEL void tk_binary_s16(const int16_t *first, const int16_t *second, int16_t *out, const tk_binary_params *p)
{
    for (int32_t i = 0; i < p->count[0]; i++) {
        for (int32_t j = 0; j < p->count[1]; j++) {
            for (int32_t k = 0; k < p->count[2]; k++) {
                const int16_t *a = first + i * p->first_step[0] + j * p->first_step[1] + k * p->first_step[2];
                const int16_t *b = second + i * p->second_step[0] + j * p->second_step[1] + k * p->second_step[2];
                for (int32_t l = 0; l < p->count[3]; l++) {
                    *out++ = tk_binary_element_s16(*a, *b, p);
                    a += p->first_step[3];
                    b += p->second_step[3];
                }
            }
        }
    }
}

#endif
