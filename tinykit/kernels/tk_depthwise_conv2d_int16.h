/* Depthwise 2-D convolution, int16 activations and int8 weights: two ways through the tensor, as for int8. */
#ifndef TK_DEPTHWISE_CONV2D_INT16_H
#define TK_DEPTHWISE_CONV2D_INT16_H

#include "tk_conv2d_int16.h"

typedef struct {
    tk_window at;             /* its in_c counts bytes by pixel, channels by channel */
    int32_t multiplicity;     /* outputs per input channel */
    int32_t plane_h, plane_w; /* by channels only: what all windows together cover, padding included */
    tk_output_s16 to;
} tk_depthwise_conv2d_s16_params;

/* Channel by channel, in place when out is in, as tk_depthwise_conv2d_by_channel_s8(): one channel with its padding is
 * copied to plane, then convolved back to where it was. multiplicity is 1, and sums fit 32 bits.
 *
 * in:     int16 [in_h][in_w][in_c]
 * filter: int8 [in_c][filter_h][filter_w]
 * bias:   int32 [in_c]
 * multiplier, shift: [in_c], of tk_output_to_s16()
 * plane:  int16 [plane_h][plane_w], scratch
 * out:    int16 [out_h][out_w][in_c] */
TK_KERNEL void tk_depthwise_conv2d_by_channel_s16(const int16_t *in, const int8_t *filter, const int32_t *bias,
                                                  const int32_t *multiplier, const int8_t *shift, int16_t *plane,
                                                  int16_t *out, const tk_depthwise_conv2d_s16_params *p)
{
    const int32_t channels = p->at.in_c;
    /* the part of the input that the plane holds: strided windows may end before the input does */
    const int32_t rows = tk_clamp(p->plane_h - p->at.pad_top, 0, p->at.in_h);
    const int32_t columns = tk_clamp(p->plane_w - p->at.pad_left, 0, p->at.in_w);

    memset(plane, 0, (size_t)(2 * p->plane_h * p->plane_w)); /* the border stays, the middle changes */
    for (int32_t c = 0; c < channels; c++) {
        for (int32_t y = 0; y < rows; y++) {
            const int16_t *from = in + y * p->at.in_w * channels + c;
            int16_t *to = plane + (y + p->at.pad_top) * p->plane_w + p->at.pad_left;
            for (int32_t x = 0; x < columns; x++) {
                to[x] = from[x * channels];
            }
        }
        const int8_t *w = filter + c * p->at.filter_h * p->at.filter_w;
        for (int32_t oy = 0; oy < p->at.out_h; oy++) {
            for (int32_t ox = 0; ox < p->at.out_w; ox++) {
                const int16_t *window = plane + oy * p->at.stride_h * p->plane_w + ox * p->at.stride_w;
                int32_t acc = bias[c];
                for (int32_t ky = 0; ky < p->at.filter_h; ky++) {
                    for (int32_t kx = 0; kx < p->at.filter_w; kx++) {
                        acc += window[ky * p->at.dilation_h * p->plane_w + kx * p->at.dilation_w] *
                               w[ky * p->at.filter_w + kx];
                    }
                }
                out[(oy * p->at.out_w + ox) * channels + c] =
                    tk_output_to_s16(acc, multiplier[c], shift[c], &p->to);
            }
        }
    }
}

/* Pixel by pixel, for any multiplicity: what the window sees is copied to patch, then each output channel reads its
 * own input channel from it. The output may follow the input at a distance. Sums fit 32 bits.
 *
 * in, out:    as above, out int16 [out_h][out_w][out_c], out_c = channels * multiplicity
 * filter:     int8 [filter_h][filter_w][out_c]
 * bias, multiplier, shift: as above, [out_c]
 * patch:      int16 [filter_h][filter_w][channels], scratch */
TK_KERNEL void tk_depthwise_conv2d_by_pixel_s16(const int16_t *in, const int8_t *filter, const int32_t *bias,
                                                const int32_t *multiplier, const int8_t *shift, int16_t *patch,
                                                int16_t *out, const tk_depthwise_conv2d_s16_params *p)
{
    const int32_t in_c = p->at.in_c / 2, out_c = in_c * p->multiplicity;
    const int32_t taps = p->at.filter_h * p->at.filter_w;
    for (int32_t oy = 0; oy < p->at.out_h; oy++) {
        for (int32_t ox = 0; ox < p->at.out_w; ox++) {
            tk_window_gather_s16(in, &p->at, oy, ox, patch);
            for (int32_t o = 0; o < out_c; o++) {
                const int16_t *x = patch + o / p->multiplicity;
                int32_t acc = bias[o];
                for (int32_t k = 0; k < taps; k++) {
                    acc += x[k * in_c] * filter[k * out_c + o];
                }
                *out++ = tk_output_to_s16(acc, multiplier[o], shift[o], &p->to);
            }
        }
    }
}

/* The same with bias int64 [out_c], where sums may need more than 32 bits; multiplier, shift: of
 * tk_requantize_wide(). */
TK_KERNEL void tk_depthwise_conv2d_wide_s16(const int16_t *in, const int8_t *filter, const int64_t *bias,
                                            const int32_t *multiplier, const int8_t *shift, int16_t *patch,
                                            int16_t *out, const tk_depthwise_conv2d_s16_params *p)
{
    const int32_t in_c = p->at.in_c / 2, out_c = in_c * p->multiplicity;
    const int32_t taps = p->at.filter_h * p->at.filter_w;
    for (int32_t oy = 0; oy < p->at.out_h; oy++) {
        for (int32_t ox = 0; ox < p->at.out_w; ox++) {
            tk_window_gather_s16(in, &p->at, oy, ox, patch);
            for (int32_t o = 0; o < out_c; o++) {
                const int16_t *x = patch + o / p->multiplicity;
                int64_t acc = bias[o];
                for (int32_t k = 0; k < taps; k++) {
                    acc += x[k * in_c] * filter[k * out_c + o];
                }
                *out++ = tk_wide_output_to_s16(acc, multiplier[o], shift[o], &p->to);
            }
        }
    }
}

#endif
