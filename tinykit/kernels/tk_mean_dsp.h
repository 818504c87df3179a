/* The mean over some axes of a tensor for the Arm DSP extension: four outputs at a time. */
#ifndef TK_MEAN_DSP_H
#define TK_MEAN_DSP_H

#include "tk_dsp.h"
#include "tk_mean.h"

/* As tk_mean_s8, where neighbours along the last axis stay neighbours (keep_step[2] is 1, keep_count[2] a multiple of 4),
 * at most 255 elements are averaged, so that their sum fits an int16, and the shift is 1..22. Four outputs are written
 * after the inputs of all four were read. */
TK_KERNEL void tk_mean_s8_dsp(const int8_t *in, int8_t *out, const tk_mean_params *p)
{
    const int32_t origin = p->in_zero_point * p->sum_count[0] * p->sum_count[1] * p->sum_count[2];
    const tk_dsp_scale scale = tk_dsp_scale_of((uint32_t)p->multiplier, (uint32_t)p->shift - 1, &p->to);
    for (int32_t i = 0; i < p->keep_count[0]; i++) {
        for (int32_t j = 0; j < p->keep_count[1]; j++) {
            const int8_t *const block = in + i * p->keep_step[0] + j * p->keep_step[1];
            TK_ROLLED
            for (int32_t k = 0; k < p->keep_count[2]; k += 4, out += 4) {
                uint32_t even = 0, odd = 0;
                for (int32_t x = 0; x < p->sum_count[0]; x++) {
                    for (int32_t y = 0; y < p->sum_count[1]; y++) {
                        const int8_t *from = block + k + x * p->sum_step[0] + y * p->sum_step[1];
                        TK_UNROLLED
                        for (int32_t z = 0; z < p->sum_count[2]; z++, from += p->sum_step[2]) {
                            uint32_t v;
                            memcpy(&v, from, 4);
                            even = tk_add_even(even, v);
                            odd = tk_add_odd(odd, v);
                        }
                    }
                }
                out[0] = tk_output_doubled_s8(2 * ((int16_t)even - origin), scale, &p->to);
                out[1] = tk_output_doubled_s8(2 * ((int16_t)odd - origin), scale, &p->to);
                out[2] = tk_output_doubled_s8(2 * (((int32_t)even >> 16) - origin), scale, &p->to);
                out[3] = tk_output_doubled_s8(2 * (((int32_t)odd >> 16) - origin), scale, &p->to);
            }
        }
    }
}

#endif
