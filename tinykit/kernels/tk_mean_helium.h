/* The mean over some axes of a tensor, int8, requantized, for Helium. */
#ifndef TK_MEAN_HELIUM_H
#define TK_MEAN_HELIUM_H

#include "tk_helium.h"
#include "tk_mean.h"

/* tk_mean_s8() for four outputs at a time that lie side by side in the input: keep_step[2] is 1.
 * Each block of outputs is written after its inputs were read: in place at a distance. shift is 1..31. */
TK_KERNEL void tk_mean_s8_helium(const int8_t *in, int8_t *out, const tk_mean_params *p)
{
    const int32_t elements = p->sum_count[0] * p->sum_count[1] * p->sum_count[2];
    const int32x4_t multiplier = vdupq_n_s32(p->multiplier), left = vdupq_n_s32(-p->shift);
    for (int32_t i = 0; i < p->keep_count[0]; i++) {
        for (int32_t j = 0; j < p->keep_count[1]; j++) {
            for (int32_t k = 0; k < p->keep_count[2]; k += 4) {
                const int8_t *const from = in + i * p->keep_step[0] + j * p->keep_step[1] + k;
                const int32_t count = p->keep_count[2] - k; /* 4 or more: four */
                const mve_pred16_t lanes = vctp32q((uint32_t)count);
                int32x4_t sum = vdupq_n_s32(-p->in_zero_point * elements);
                for (int32_t x = 0; x < p->sum_count[0]; x++) {
                    for (int32_t y = 0; y < p->sum_count[1]; y++) {
                        const int8_t *row = from + x * p->sum_step[0] + y * p->sum_step[1];
                        for (int32_t z = 0; z < p->sum_count[2]; z++, row += p->sum_step[2]) {
                            sum = vaddq_s32(sum, vldrbq_z_s32(row, lanes));
                        }
                    }
                }
                tk_helium_write_4(tk_helium_scaled(sum, multiplier, left, &p->to), count, out + k, &p->to);
            }
            out += p->keep_count[2];
        }
    }
}

#endif
