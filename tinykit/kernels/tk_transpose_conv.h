/* Transposed 2-D convolution, int8 with one scale per output channel. */
#ifndef TK_TRANSPOSE_CONV_H
#define TK_TRANSPOSE_CONV_H

#include "tk_requantize.h"
#include "tk_window.h"

typedef struct {
    tk_window at; /* slides over the output: its in_* are the output's sizes, its out_* the image's */
    int32_t image_c;
    int32_t zero_point; /* of the image */
    tk_output to;
} tk_transpose_conv_params;

/* Output by output: the image pixels whose patches reach it are summed. Pixels that do not exist add nothing, so the
 * zero point cannot be folded into the bias.
 *
 * image:      int8 [out_h][out_w][image_c]
 * filter:     int8 [in_c][filter_h][filter_w][image_c]
 * bias:       int32 [in_c]
 * multiplier: int32 [in_c], 2^30..2^31-1 or 0
 * shift:      int8 [in_c], to the right: -30..31
 * out:        int8 [in_h][in_w][in_c]; must not overlap image */
TK_KERNEL void tk_transpose_conv_s8(const int8_t *image, const int8_t *filter, const int32_t *bias,
                                    const int32_t *multiplier, const int8_t *shift, int8_t *out,
                                    const tk_transpose_conv_params *p)
{
    const int32_t taps = p->at.filter_h * p->at.filter_w;
    for (int32_t y = 0; y < p->at.in_h; y++) {
        for (int32_t x = 0; x < p->at.in_w; x++) {
            for (int32_t c = 0; c < p->at.in_c; c++) {
                int32_t acc = bias[c];
                for (int32_t ky = 0; ky < p->at.filter_h; ky++) {
                    const int32_t dy = y + p->at.pad_top - ky;
                    if (dy < 0 || dy % p->at.stride_h || dy / p->at.stride_h >= p->at.out_h) {
                        continue;
                    }
                    for (int32_t kx = 0; kx < p->at.filter_w; kx++) {
                        const int32_t dx = x + p->at.pad_left - kx;
                        if (dx < 0 || dx % p->at.stride_w || dx / p->at.stride_w >= p->at.out_w) {
                            continue;
                        }
                        const int32_t pixel = dy / p->at.stride_h * p->at.out_w + dx / p->at.stride_w;
                        const int8_t *from = image + pixel * p->image_c;
                        const int8_t *w = filter + (c * taps + ky * p->at.filter_w + kx) * p->image_c;
                        for (int32_t k = 0; k < p->image_c; k++) {
                            acc += (from[k] - p->zero_point) * w[k];
                        }
                    }
                }
                *out++ = tk_output_s8(acc, multiplier[c], shift[c], &p->to);
            }
        }
    }
}

#endif
