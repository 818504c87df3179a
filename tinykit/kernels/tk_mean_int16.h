/* The mean over some axes of a tensor, int16, requantized. */
#ifndef TK_MEAN_INT16_H
#define TK_MEAN_INT16_H

#include "tk_mean.h"

/* As tk_mean_s8(), int16 and without a zero point. */
TK_KERNEL void tk_mean_s16(const int16_t *in, int16_t *out, const tk_mean_params *p)
{
    for (int32_t i = 0; i < p->keep_count[0]; i++) {
        for (int32_t j = 0; j < p->keep_count[1]; j++) {
            for (int32_t k = 0; k < p->keep_count[2]; k++) {
                const int16_t *from = in + i * p->keep_step[0] + j * p->keep_step[1] + k * p->keep_step[2];
                int32_t sum = 0;
                for (int32_t x = 0; x < p->sum_count[0]; x++) {
                    for (int32_t y = 0; y < p->sum_count[1]; y++) {
                        for (int32_t z = 0; z < p->sum_count[2]; z++) {
                            sum += from[x * p->sum_step[0] + y * p->sum_step[1] + z * p->sum_step[2]];
                        }
                    }
                }
                *out++ = (int16_t)tk_clamp(tk_requantize_any(sum, p->multiplier, p->shift), p->to.low, p->to.high);
            }
        }
    }
}

#endif
