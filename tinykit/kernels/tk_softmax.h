/* Softmax, int8 to int8 with output scale 1/256 and zero point -128, in fixed point as TensorFlow Lite Micro. */
#ifndef TK_SOFTMAX_H
#define TK_SOFTMAX_H

#include "tk_requantize.h"

typedef struct {
    int32_t rows, depth;
    int32_t entries; /* of the table: 1..256 */
} tk_softmax_params;

/* 1 / (1 + a) for a = 0..1, both Q0.31: three Newton-Raphson steps from 48/17 - 32/17 d, in Q2.29.
 * a: 0..2^31-1 */
TK_INLINE int32_t tk_one_over_one_plus(int32_t a)
{
    const int32_t half_denominator = (int32_t)(((int64_t)a + INT32_MAX + 1) >> 1);
    int32_t x = 1515870810 + tk_doubling_high_mul(half_denominator, -1010580540);
    TK_ROLLED
    for (int32_t i = 0; i < 3; i++) {
        const int32_t rest = (1 << 29) - tk_doubling_high_mul(half_denominator, x);
        x += tk_doubling_high_mul(x, rest) * 4;
    }
    return x > INT32_MAX / 2 ? INT32_MAX : x * 2;
}

/* Works in place: each input is read for the last time just before its output is written.
 *
 * in:    int8 [rows][depth]
 * table: int32 [entries], exp(-beta * scale * d) in Q0.31 for the distance d = 0, 1, ... of an input from the row's
 *        maximum. Distances beyond it are so small that they count as nothing.
 * out:   int8 [rows][depth] */
TK_KERNEL void tk_softmax_s8(const int8_t *in, const int32_t *table, int8_t *out, const tk_softmax_params *p)
{
    for (int32_t r = 0; r < p->rows; r++) {
        int32_t largest = INT8_MIN;
        TK_ROLLED
        for (int32_t i = 0; i < p->depth; i++) {
            largest = in[i] > largest ? in[i] : largest;
        }
        int32_t sum = 0; /* Q12.19: up to 4,095 terms of at most 1 */
        TK_ROLLED
        for (int32_t i = 0; i < p->depth; i++) {
            const int32_t d = largest - in[i];
            sum += d < p->entries ? tk_rounding_shift(table[d], 12) : 0;
        }
        /* sum = 2^over * (1 + a): normalised, so that the reciprocal keeps 31 bits */
        int32_t zeros = 0;
        TK_ROLLED
        while (((uint32_t)sum << zeros) < 1u << 31) {
            zeros++;
        }
        const int32_t scale = tk_one_over_one_plus((int32_t)(((uint32_t)sum << zeros) - (1u << 31)));
        const int32_t shift = 12 - zeros + 31 - 8;
        TK_ROLLED
        for (int32_t i = 0; i < p->depth; i++) {
            const int32_t d = largest - in[i];
            const int32_t v =
                d < p->entries ? tk_rounding_shift(tk_doubling_high_mul(scale, table[d]), shift) : 0;
            out[i] = (int8_t)tk_clamp(v - 128, INT8_MIN, INT8_MAX);
        }
        in += p->depth;
        out += p->depth;
    }
}

#endif
