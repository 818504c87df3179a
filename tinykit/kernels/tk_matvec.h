/* A row-major int8 matrix times an int8 vector: the inner loop of convolutions and fully connected layers. */
#ifndef TK_MATVEC_H
#define TK_MATVEC_H

#include "tk_requantize.h"

/* out[r] = output(bias[r] + sum of matrix[r][k] * x[k])
 *
 * matrix:     int8 [rows][depth]
 * x:          int8 [depth]; its zero point is folded into bias at compile time
 * bias:       int32 [rows]
 * multiplier: int32 [rows], or [1] when per_row is 0
 * shift:      int8 [rows], or [1]; to the right
 * out:        int8 [rows]; must not overlap x */
TK_INLINE void tk_matvec_s8(const int8_t *matrix, const int8_t *x, int32_t rows, int32_t depth, const int32_t *bias,
                            const int32_t *multiplier, const int8_t *shift, int32_t per_row, int8_t *out,
                            const tk_output *to)
{
    const int32_t fours = rows / 4 * 4; /* with few rows, gcc sees that the second loop is short, and does not warn */
    for (int32_t r = 0; r < fours; r += 4) { /* four rows share each load of x */
        const int8_t *w = matrix + r * depth;
        int32_t acc0 = bias[r], acc1 = bias[r + 1], acc2 = bias[r + 2], acc3 = bias[r + 3];
        TK_UNROLLED
        for (int32_t k = 0; k < depth; k++) {
            const int32_t v = x[k];
            acc0 += v * w[k];
            acc1 += v * w[k + depth];
            acc2 += v * w[k + 2 * depth];
            acc3 += v * w[k + 3 * depth];
        }
        const int32_t c = per_row ? r : 0;
        const int32_t step = per_row ? 1 : 0;
        out[r] = tk_output_s8(acc0, multiplier[c], shift[c], to);
        out[r + 1] = tk_output_s8(acc1, multiplier[c + step], shift[c + step], to);
        out[r + 2] = tk_output_s8(acc2, multiplier[c + 2 * step], shift[c + 2 * step], to);
        out[r + 3] = tk_output_s8(acc3, multiplier[c + 3 * step], shift[c + 3 * step], to);
    }
    for (int32_t r = fours; r < rows; r++) {
        const int8_t *w = matrix + r * depth;
        int32_t acc = bias[r];
        TK_UNROLLED
        for (int32_t k = 0; k < depth; k++) {
            acc += x[k] * w[k];
        }
        const int32_t c = per_row ? r : 0;
        out[r] = tk_output_s8(acc, multiplier[c], shift[c], to);
    }
}

#endif
