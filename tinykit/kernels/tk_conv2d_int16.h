/* 2-D convolution, int16 activations and int8 weights with one scale per output channel. */
#ifndef TK_CONV2D_INT16_H
#define TK_CONV2D_INT16_H

#include "tk_matvec_int16.h"
#include "tk_window.h"

typedef struct {
    tk_window at; /* its in_c counts bytes: two for each channel */
    int32_t out_c;
    tk_output_s16 to;
} tk_conv2d_s16_params;

/* Copies what the window at output pixel (oy, ox) sees into patch; padding reads as 0, which is the zero point. */
TK_INLINE void tk_window_gather_s16(const int16_t *in, const tk_window *at, int32_t oy, int32_t ox, int16_t *patch)
{
    tk_window_gather((const int8_t *)in, at, oy, ox, 0, (int8_t *)patch);
}

/* Pixel by pixel, as tk_conv2d_s8(): the output may be written over the input at a distance.
 *
 * in:     int16 [in_h][in_w][channels]
 * filter: int8 [out_c][filter_h][filter_w][channels]
 * bias:   int32 [out_c]
 * multiplier, shift: [out_c], of tk_matvec_s16()
 * patch:  int16 [filter_h][filter_w][channels], scratch
 * out:    int16 [out_h][out_w][out_c] */
TK_KERNEL void tk_conv2d_s16(const int16_t *in, const int8_t *filter, const int32_t *bias, const int32_t *multiplier,
                             const int8_t *shift, int16_t *patch, int16_t *out, const tk_conv2d_s16_params *p)
{
    const int32_t depth = p->at.filter_h * p->at.filter_w * p->at.in_c / 2;
    for (int32_t oy = 0; oy < p->at.out_h; oy++) {
        for (int32_t ox = 0; ox < p->at.out_w; ox++) {
            tk_window_gather_s16(in, &p->at, oy, ox, patch);
            tk_matvec_s16(filter, patch, p->out_c, depth, bias, multiplier, shift, 1, out, &p->to);
            out += p->out_c;
        }
    }
}

/* The same with bias int64 [out_c], where sums may need more than 32 bits. */
TK_KERNEL void tk_conv2d_wide_s16(const int16_t *in, const int8_t *filter, const int64_t *bias,
                                  const int32_t *multiplier, const int8_t *shift, int16_t *patch, int16_t *out,
                                  const tk_conv2d_s16_params *p)
{
    const int32_t depth = p->at.filter_h * p->at.filter_w * p->at.in_c / 2;
    for (int32_t oy = 0; oy < p->at.out_h; oy++) {
        for (int32_t ox = 0; ox < p->at.out_w; ox++) {
            tk_window_gather_s16(in, &p->at, oy, ox, patch);
            tk_matvec_wide_s16(filter, patch, p->out_c, depth, bias, multiplier, shift, 1, out, &p->to);
            out += p->out_c;
        }
    }
}

#endif
