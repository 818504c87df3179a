/* 2-D convolution, int8 with one scale per output channel. */
#ifndef TK_CONV2D_H
#define TK_CONV2D_H

#include "tk_matvec.h"
#include "tk_window.h"

typedef struct {
    tk_window at;
    int32_t out_c;
    int32_t backwards; /* 1: from the last pixel to the first; for windows of one pixel and a stride of 1 */
    int32_t fill; /* the input's zero point: what padding reads as */
    tk_output to;
} tk_conv2d_params;

/* Pixel by pixel: what the window sees is copied to patch, then every output channel is one dot product with it.
 * Because a pixel's output is written only after its input was copied, the output may be written over the input as
 * long as it never reaches input that a later window needs; the compiler computes that distance. Where pixels grow,
 * the last is made first, and the output may begin where the input does.
 *
 * in:         int8 [in_h][in_w][in_c]
 * filter:     int8 [out_c][filter_h][filter_w][in_c]
 * bias:       int32 [out_c], with -zero_point * sum(filter) of the input's zero point added
 * multiplier: int32 [out_c], 2^30..2^31-1 or 0
 * shift:      int8 [out_c], to the right: 1..31, or -30..31 with to.any_shift
 * patch:      int8 [filter_h][filter_w][in_c], scratch
 * out:        int8 [out_h][out_w][out_c] */
TK_KERNEL void tk_conv2d_s8(const int8_t *in, const int8_t *filter, const int32_t *bias, const int32_t *multiplier,
                            const int8_t *shift, int8_t *patch, int8_t *out, const tk_conv2d_params *p)
{
    const int32_t depth = p->at.filter_h * p->at.filter_w * p->at.in_c;
    out += p->backwards ? (p->at.out_h * p->at.out_w - 1) * p->out_c : 0;
    for (int32_t i = 0; i < p->at.out_h; i++) {
        const int32_t oy = p->backwards ? p->at.out_h - 1 - i : i;
        for (int32_t j = 0; j < p->at.out_w; j++) {
            const int32_t ox = p->backwards ? p->at.out_w - 1 - j : j;
            tk_window_gather(in, &p->at, oy, ox, (int8_t)p->fill, patch);
            tk_matvec_s8(filter, patch, p->out_c, depth, bias, multiplier, shift, 1, out, &p->to);
            out += p->backwards ? -p->out_c : p->out_c;
        }
    }
}

#endif
