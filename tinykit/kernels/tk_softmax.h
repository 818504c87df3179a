/* Softmax, int8 to int8 or int16, in fixed point as TensorFlow Lite Micro does it. */
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

/* What the outputs of a row have in common. */
typedef struct {
    int32_t largest; /* input of the row */
    int32_t scale;   /* 1 / sum = scale * 2^(-31 - bits) */
    int32_t bits;
} tk_softmax_row;

/* in, table: as below, one row */
TK_INLINE tk_softmax_row tk_softmax_sum(const int8_t *in, const int32_t *table, const tk_softmax_params *p)
{
    tk_softmax_row row = {.largest = INT8_MIN};
    TK_ROLLED
    for (int32_t i = 0; i < p->depth; i++) {
        row.largest = in[i] > row.largest ? in[i] : row.largest;
    }
    int32_t sum = 0; /* Q12.19: up to 4,095 terms of at most 1 */
    TK_ROLLED
    for (int32_t i = 0; i < p->depth; i++) {
        const int32_t d = row.largest - in[i];
        sum += d < p->entries ? tk_rounding_shift(table[d], 12) : 0;
    }
    uint32_t leading = (uint32_t)sum; /* moved up to the top bit */
    row.bits = 12;
    TK_ROLLED
    while (leading < 1u << 31) {
        leading <<= 1;
        row.bits--;
    }
    row.scale = tk_one_over_one_plus((int32_t)(leading - (1u << 31)));
    return row;
}

/* exp(-d) / sum for input v, with `bits` fraction bits. */
TK_INLINE int32_t tk_softmax_of(int32_t v, tk_softmax_row row, int32_t bits, const int32_t *table,
                                const tk_softmax_params *p)
{
    const int32_t d = row.largest - v;
    return d < p->entries ? tk_rounding_shift(tk_doubling_high_mul(row.scale, table[d]), row.bits + 31 - bits) : 0;
}

/* Output scale 1/256, zero point -128. Works in place: each input is read last just before its output is written.
 *
 * in:    int8 [rows][depth]; depth: 1..511
 * table: int32 [entries], exp(-beta * scale * d) in Q0.31 for the distance d = 0, 1, ... of an input from the row's
 *        maximum. Distances beyond it are so small that they count as nothing.
 * out:   int8 [rows][depth] */
TK_KERNEL void tk_softmax_s8(const int8_t *in, const int32_t *table, int8_t *out, const tk_softmax_params *p)
{
    for (int32_t r = 0; r < p->rows; r++) {
        const tk_softmax_row row = tk_softmax_sum(in, table, p);
        TK_ROLLED
        for (int32_t i = 0; i < p->depth; i++) {
            out[i] = (int8_t)tk_clamp(tk_softmax_of(in[i], row, 8, table, p) - 128, INT8_MIN, INT8_MAX);
        }
        in += p->depth;
        out += p->depth;
    }
}

/* Output int16 with scale 1/65536, zero point -32768; depth: 1..4095. */
TK_KERNEL void tk_softmax_s8_s16(const int8_t *in, const int32_t *table, int16_t *out, const tk_softmax_params *p)
{
    for (int32_t r = 0; r < p->rows; r++) {
        const tk_softmax_row row = tk_softmax_sum(in, table, p);
        TK_ROLLED
        for (int32_t i = 0; i < p->depth; i++) {
            out[i] =
                (int16_t)tk_clamp(tk_softmax_of(in[i], row, 16, table, p) - 32768, INT16_MIN, INT16_MAX);
        }
        in += p->depth;
        out += p->depth;
    }
}

#endif
