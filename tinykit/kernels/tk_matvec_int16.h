/* A row-major int8 matrix times an int16 vector: the inner loop of convolutions and fully connected layers. */
#ifndef TK_MATVEC_INT16_H
#define TK_MATVEC_INT16_H

#include "tk_requantize_int16.h"

/* sums[i] += sum of w[i * stride + k] * x[k], for four rows, which share each load of x.  All sums fit 32 bits. */
TK_INLINE void tk_four_rows_s16(const int8_t *w, int32_t stride, const int16_t *x, int32_t depth, int32_t *sums)
{
    int32_t acc0 = sums[0], acc1 = sums[1], acc2 = sums[2], acc3 = sums[3];
    TK_UNROLLED
    for (int32_t k = 0; k < depth; k++) {
        const int32_t v = x[k];
        acc0 += v * w[k];
        acc1 += v * w[k + stride];
        acc2 += v * w[k + 2 * stride];
        acc3 += v * w[k + 3 * stride];
    }
    sums[0] = acc0;
    sums[1] = acc1;
    sums[2] = acc2;
    sums[3] = acc3;
}

/* acc + sum of w[k] * x[k].  All sums fit 32 bits. */
TK_INLINE int32_t tk_row_s16(const int8_t *w, const int16_t *x, int32_t depth, int32_t acc)
{
    TK_UNROLLED
    for (int32_t k = 0; k < depth; k++) {
        acc += x[k] * w[k];
    }
    return acc;
}

/* The same for 64-bit sums, which take in 32-bit ones. */
TK_INLINE void tk_four_rows_wide_s16(const int8_t *w, int32_t stride, const int16_t *x, int32_t depth, int64_t *sums)
{
    for (int32_t k = 0; k < depth; k += TK_CHUNK_S16) {
        const int32_t count = depth - k < TK_CHUNK_S16 ? depth - k : TK_CHUNK_S16;
        int32_t part[4] = {0, 0, 0, 0};
        tk_four_rows_s16(w + k, stride, x + k, count, part);
        for (int32_t i = 0; i < 4; i++) {
            sums[i] += part[i];
        }
    }
}

TK_INLINE int64_t tk_row_wide_s16(const int8_t *w, const int16_t *x, int32_t depth, int64_t acc)
{
    for (int32_t k = 0; k < depth; k += TK_CHUNK_S16) {
        acc += tk_row_s16(w + k, x + k, depth - k < TK_CHUNK_S16 ? depth - k : TK_CHUNK_S16, 0);
    }
    return acc;
}

/* out[r] = output(bias[r] + sum of matrix[r][k] * x[k]), for sums that fit 32 bits
 *
 * matrix:     int8 [rows][depth]
 * x:          int16 [depth]
 * bias:       int32 [rows]
 * multiplier: int32 [rows], or [1] when per_row is 0, of tk_output_to_s16()
 * shift:      int8 [rows], or [1]
 * out:        int16 [rows]; must not overlap x */
TK_INLINE void tk_matvec_s16(const int8_t *matrix, const int16_t *x, int32_t rows, int32_t depth, const int32_t *bias,
                             const int32_t *multiplier, const int8_t *shift, int32_t per_row, int16_t *out,
                             const tk_output_s16 *to)
{
    const int32_t fours = rows / 4 * 4, step = per_row ? 1 : 0;
    for (int32_t r = 0; r < fours; r += 4) {
        int32_t sums[4] = {bias[r], bias[r + 1], bias[r + 2], bias[r + 3]};
        tk_four_rows_s16(matrix + r * depth, depth, x, depth, sums);
        for (int32_t i = 0; i < 4; i++) {
            out[r + i] = tk_output_to_s16(sums[i], multiplier[(r + i) * step], shift[(r + i) * step], to);
        }
    }
    for (int32_t r = fours; r < rows; r++) {
        const int32_t acc = tk_row_s16(matrix + r * depth, x, depth, bias[r]);
        out[r] = tk_output_to_s16(acc, multiplier[r * step], shift[r * step], to);
    }
}

/* The same for any sums.
 *
 * bias:              int64 [rows]
 * multiplier, shift: of tk_requantize_wide() */
TK_INLINE void tk_matvec_wide_s16(const int8_t *matrix, const int16_t *x, int32_t rows, int32_t depth,
                                  const int64_t *bias, const int32_t *multiplier, const int8_t *shift,
                                  int32_t per_row, int16_t *out, const tk_output_s16 *to)
{
    const int32_t fours = rows / 4 * 4, step = per_row ? 1 : 0;
    for (int32_t r = 0; r < fours; r += 4) {
        int64_t sums[4] = {bias[r], bias[r + 1], bias[r + 2], bias[r + 3]};
        tk_four_rows_wide_s16(matrix + r * depth, depth, x, depth, sums);
        for (int32_t i = 0; i < 4; i++) {
            out[r + i] = tk_wide_output_to_s16(sums[i], multiplier[(r + i) * step], shift[(r + i) * step], to);
        }
    }
    for (int32_t r = fours; r < rows; r++) {
        const int64_t acc = tk_row_wide_s16(matrix + r * depth, x, depth, bias[r]);
        out[r] = tk_wide_output_to_s16(acc, multiplier[r * step], shift[r * step], to);
    }
}

#endif
