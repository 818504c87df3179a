/* Depthwise convolution with one output pixel, for the Arm DSP extension: four channels at a time.
 *
 * Streams in time end in it: the newest output of a layer over its last rows. A word of the input and one of the filter
 * hold the same four channels of a tap; widened, their halfwords are multiplied one by one, since neighbours belong to
 * different outputs. */
#ifndef TK_DEPTHWISE_CONV2D_COLUMN_DSP_H
#define TK_DEPTHWISE_CONV2D_COLUMN_DSP_H

#include "tk_dsp.h"

typedef struct {
    int32_t taps;     /* of the filter */
    int32_t step;     /* bytes from one tap's pixel to the next's */
    int32_t channels; /* a multiple of 4 */
    tk_output to;
} tk_depthwise_conv2d_column_params;

/* The output of channel i of four. */
TK_INLINE int8_t tk_dsp_column_output(int32_t sum, const uint32_t *scales, int32_t i, const tk_output *to)
{
    const tk_dsp_scale scale = tk_dsp_scale_of(scales[i], scales[4] >> 8 * i & 0xFF, to);
    return tk_output_doubled_s8(2 * sum, scale, to);
}

/* in:     int8, the pixel of the first tap; 4-byte aligned, step is a multiple of 4
 * packed: uint32, per four channels: four biases, four multipliers, a word of four bytes shift - 1, then for each tap
 *         a word of four weights
 * out:    int8 [channels]; it may be where the input is
 * Shifts are 1..22 (to.any_shift is 0). */
TK_KERNEL void tk_depthwise_conv2d_column_s8_dsp(const int8_t *in, const uint32_t *packed, int8_t *out,
                                                 const tk_depthwise_conv2d_column_params *p)
{
    TK_ROLLED
    for (int32_t channel = 0; channel < p->channels; channel += 4, in += 4, out += 4) {
        int32_t sum0 = (int32_t)packed[0], sum1 = (int32_t)packed[1];
        int32_t sum2 = (int32_t)packed[2], sum3 = (int32_t)packed[3];
        const uint32_t *const scales = packed + 4;
        packed += 9;
        const int8_t *pixel = in;
        _Pragma("GCC unroll 16") /* taps are few: a loop and its remainder would cost more than they save */
        for (int32_t tap = 0; tap < p->taps; tap++, pixel += p->step) {
            uint32_t x;
            memcpy(&x, pixel, 4);
            const uint32_t w = *packed++;
            const uint32_t even = tk_widen_even(x), even_w = tk_widen_even(w);
            sum0 = tk_smlabb(even, even_w, sum0);
            sum2 = tk_smlatt(even, even_w, sum2);
            const uint32_t odd = tk_widen_odd(x), odd_w = tk_widen_odd(w);
            sum1 = tk_smlabb(odd, odd_w, sum1);
            sum3 = tk_smlatt(odd, odd_w, sum3);
        }
        out[0] = tk_dsp_column_output(sum0, scales, 0, &p->to);
        out[1] = tk_dsp_column_output(sum1, scales, 1, &p->to);
        out[2] = tk_dsp_column_output(sum2, scales, 2, &p->to);
        out[3] = tk_dsp_column_output(sum3, scales, 3, &p->to);
    }
}

#endif
