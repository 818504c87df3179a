/* Depthwise 2-D convolution, int8 with one scale per channel: two ways through the tensor. */
#ifndef TK_DEPTHWISE_CONV2D_H
#define TK_DEPTHWISE_CONV2D_H

#include "tk_requantize.h"
#include "tk_window.h"

typedef struct {
    tk_window at;
    int32_t multiplicity;     /* outputs per input channel: out_c = in_c * multiplicity */
    int32_t fill;             /* the input's zero point: what padding reads as */
    int32_t plane_h, plane_w; /* by channels only: what all windows together cover, padding included */
    tk_output to;
} tk_depthwise_conv2d_params;

/* Channel by channel: one channel with its padding is copied to a small plane, then convolved back to where it was.
 * In place when out is in: a channel's outputs are written only after all its inputs were copied, and no other
 * channel needs them. The inner loops see no border and no stride between channels. multiplicity is 1.
 *
 * in:         int8 [in_h][in_w][in_c]
 * filter:     int8 [in_c][filter_h][filter_w]
 * bias:       int32 [in_c], with -zero_point * sum(filter) of the input's zero point added
 * multiplier: int32 [in_c], 2^30..2^31-1 or 0
 * shift:      int8 [in_c], to the right: 1..31, or -30..31 with to.any_shift
 * plane:      int8 [plane_h][plane_w], scratch
 * out:        int8 [out_h][out_w][in_c] */
TK_KERNEL void tk_depthwise_conv2d_by_channel_s8(const int8_t *in, const int8_t *filter, const int32_t *bias,
                                                 const int32_t *multiplier, const int8_t *shift, int8_t *plane,
                                                 int8_t *out, const tk_depthwise_conv2d_params *p)
{
    const int32_t channels = p->at.in_c;
    /* the part of the input that the plane holds: strided windows may end before the input does */
    const int32_t rows = tk_clamp(p->plane_h - p->at.pad_top, 0, p->at.in_h);
    const int32_t columns = tk_clamp(p->plane_w - p->at.pad_left, 0, p->at.in_w);

    memset(plane, (int8_t)p->fill, (size_t)(p->plane_h * p->plane_w)); /* the border stays, the middle changes */
    for (int32_t c = 0; c < channels; c++) {
        for (int32_t y = 0; y < rows; y++) {
            const int8_t *from = in + y * p->at.in_w * channels + c;
            int8_t *to = plane + (y + p->at.pad_top) * p->plane_w + p->at.pad_left;
            for (int32_t x = 0; x < columns; x++) {
                to[x] = from[x * channels];
            }
        }
        const int8_t *w = filter + c * p->at.filter_h * p->at.filter_w;
        for (int32_t oy = 0; oy < p->at.out_h; oy++) {
            for (int32_t ox = 0; ox < p->at.out_w; ox++) {
                const int8_t *window = plane + oy * p->at.stride_h * p->plane_w + ox * p->at.stride_w;
                int32_t acc = bias[c];
                for (int32_t ky = 0; ky < p->at.filter_h; ky++) {
                    for (int32_t kx = 0; kx < p->at.filter_w; kx++) {
                        acc += window[ky * p->at.dilation_h * p->plane_w + kx * p->at.dilation_w] *
                               w[ky * p->at.filter_w + kx];
                    }
                }
                out[(oy * p->at.out_w + ox) * channels + c] =
                    tk_output_s8(acc, multiplier[c], shift[c], &p->to);
            }
        }
    }
}

/* Pixel by pixel, for any multiplicity: what the window sees is copied to patch, then each output channel reads its
 * own input channel from it. The output may follow the input at a distance, as in tk_conv2d_s8.
 *
 * in, out:    as above, out int8 [out_h][out_w][in_c * multiplicity]
 * filter:     int8 [filter_h][filter_w][in_c * multiplicity]
 * bias, multiplier, shift: as above, [in_c * multiplicity]
 * patch:      int8 [filter_h][filter_w][in_c], scratch */
TK_KERNEL void tk_depthwise_conv2d_by_pixel_s8(const int8_t *in, const int8_t *filter, const int32_t *bias,
                                               const int32_t *multiplier, const int8_t *shift, int8_t *patch,
                                               int8_t *out, const tk_depthwise_conv2d_params *p)
{
    const int32_t in_c = p->at.in_c;
    const int32_t out_c = in_c * p->multiplicity;
    const int32_t taps = p->at.filter_h * p->at.filter_w;
    for (int32_t oy = 0; oy < p->at.out_h; oy++) {
        for (int32_t ox = 0; ox < p->at.out_w; ox++) {
            tk_window_gather(in, &p->at, oy, ox, (int8_t)p->fill, patch);
            for (int32_t c = 0; c < in_c; c++) {
                for (int32_t m = 0; m < p->multiplicity; m++) {
                    const int32_t o = c * p->multiplicity + m;
                    int32_t acc = bias[o];
                    for (int32_t k = 0; k < taps; k++) {
                        acc += patch[k * in_c + c] * filter[k * out_c + o];
                    }
                    out[o] = tk_output_s8(acc, multiplier[o], shift[o], &p->to);
                }
            }
            out += out_c;
        }
    }
}

#endif
