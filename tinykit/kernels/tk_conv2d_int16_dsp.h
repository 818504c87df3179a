/* 2-D convolution with int16 activations for the Arm DSP extension: four pixels by two output channels at a time. */
#ifndef TK_CONV2D_INT16_DSP_H
#define TK_CONV2D_INT16_DSP_H

#include "tk_conv2d_int16.h"
#include "tk_dsp_int16.h"

/* Whether pixels can be read where they are, in whole words. */
TK_INLINE int32_t tk_conv2d_reads_pixels_s16(const tk_window *at)
{
    return at->filter_h == 1 && at->filter_w == 1 && at->stride_h == 1 && at->stride_w == 1 && at->in_c % 4 == 0;
}

/* Four pixels' windows are brought side by side into block before any of their outputs is written, so the output may
 * be written over the input at a distance.
 *
 * in:     int16 [in_h][in_w][channels]
 * packed: uint32, per two output channels, the last filled up with zeros: what tk_dsp_four_vectors_s16() takes, and two
 *         multipliers of tk_output_to_s16(), rounding once
 * block:  uint32, scratch: [pairs][4], where a pair is two of filter_h * filter_w * channels inputs, filled up to a
 *         multiple of 4; and, unless tk_conv2d_reads_pixels_s16(), [pairs] for a patch
 * out:    int16 [out_h][out_w][out_c] */
TK_KERNEL void tk_conv2d_s16_dsp(const int16_t *in, const uint32_t *packed, uint32_t *block, int16_t *out,
                                 const tk_conv2d_s16_params *p)
{
    const int32_t depth = p->at.filter_h * p->at.filter_w * p->at.in_c / 2, pairs = (depth + 3) / 4 * 2;
    const int32_t pixels = p->at.out_h * p->at.out_w, in_place = tk_conv2d_reads_pixels_s16(&p->at);
    int16_t *const patch = (int16_t *)(void *)(block + 4 * pairs);
    int32_t oy = 0, ox = 0;
    memset(block, 0, sizeof(uint32_t) * (size_t)(in_place ? 4 * pairs : 5 * pairs)); /* what is beyond the depth stays */
    for (int32_t first = 0; first < pixels; first += 4) {
        const int32_t count = pixels - first < 4 ? pixels - first : 4;
        for (int32_t i = 0; i < count; i++) {
            const int16_t *from = patch;
            if (in_place) {
                from = in + (first + i) * depth;
            } else {
                tk_window_gather_s16(in, &p->at, oy, ox, patch);
            }
            for (int32_t k = 0; k < (in_place ? depth / 2 : pairs); k++) {
                block[4 * k + i] = tk_pair_s16(from + 2 * k);
            }
            if (++ox == p->at.out_w) {
                ox = 0;
                oy++;
            }
        }
        const uint32_t *q = packed;
        for (int32_t c = 0; c < p->out_c; c += 2, q += 2) {
            int32_t sums[8];
            q = tk_dsp_four_vectors_s16(q, block, pairs, sums);
            TK_UNROLLED
            for (int32_t i = 0; i < 4; i++) {
                if (i < count) { /* of fewer than four pixels, the others' sums are of old inputs */
                    out[i * p->out_c + c] = tk_dsp_output_s16(sums[i], q[0], &p->to);
                    if (c + 1 < p->out_c) {
                        out[i * p->out_c + c + 1] = tk_dsp_output_s16(sums[4 + i], q[1], &p->to);
                    }
                }
            }
        }
        out += count * p->out_c;
    }
}

#endif
