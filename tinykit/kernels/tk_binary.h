/* Elementwise int8 ops of two tensors, with broadcasting. */
#ifndef TK_BINARY_H
#define TK_BINARY_H

#include "tk_requantize.h"

enum { TK_SUM, TK_DIFFERENCE, TK_PRODUCT, TK_MAXIMUM, TK_MINIMUM };

/* How an input of a sum comes to the common scale: centred, shifted left by 20 bits, scaled. */
typedef struct {
    int32_t zero_point;
    int32_t multiplier, shift; /* of tk_requantize_any(); for sums and differences only */
} tk_operand;

typedef struct {
    int32_t kind;           /* TK_SUM, ... */
    int32_t count[4];       /* elements of the output along each axis, outermost first */
    int32_t first_step[4];  /* elements from one to the next in the first input; 0 where it is broadcast */
    int32_t second_step[4]; /* and in the second */
    tk_operand first, second;
    int32_t multiplier, shift; /* from the sum or product to the output */
    tk_output to;
} tk_binary_params;

TK_INLINE int32_t tk_operand_scaled(int32_t v, const tk_operand *from)
{
    return tk_requantize_any((v - from->zero_point) * (1 << 20), from->multiplier, from->shift);
}

TK_INLINE int8_t tk_binary_element(int32_t a, int32_t b, const tk_binary_params *p)
{
    int32_t v = 0;
    switch (p->kind) {
    case TK_MAXIMUM:
        return (int8_t)(a > b ? a : b);
    case TK_MINIMUM:
        return (int8_t)(a < b ? a : b);
    case TK_PRODUCT:
        v = (a - p->first.zero_point) * (b - p->second.zero_point);
        break;
    case TK_SUM:
        v = tk_operand_scaled(a, &p->first) + tk_operand_scaled(b, &p->second);
        break;
    default:
        v = tk_operand_scaled(a, &p->first) - tk_operand_scaled(b, &p->second);
        break;
    }
    return tk_output_s8(v, p->multiplier, p->shift, &p->to);
}

/* In place over an input that is not broadcast.
 *
 * first, second: int8, indexed by the steps
 * out:           int8 [count[0]][count[1]][count[2]][count[3]] */
TK_KERNEL void tk_binary_s8(const int8_t *first, const int8_t *second, int8_t *out, const tk_binary_params *p)
{
    for (int32_t i = 0; i < p->count[0]; i++) {
        for (int32_t j = 0; j < p->count[1]; j++) {
            for (int32_t k = 0; k < p->count[2]; k++) {
                const int8_t *a = first + i * p->first_step[0] + j * p->first_step[1] + k * p->first_step[2];
                const int8_t *b = second + i * p->second_step[0] + j * p->second_step[1] + k * p->second_step[2];
                for (int32_t l = 0; l < p->count[3]; l++) {
                    *out++ = tk_binary_element(*a, *b, p);
                    a += p->first_step[3];
                    b += p->second_step[3];
                }
            }
        }
    }
}

#endif
