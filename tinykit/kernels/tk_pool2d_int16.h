/* Average and maximum pooling, int16. Input and output have the same scale. */
#ifndef TK_POOL2D_INT16_H
#define TK_POOL2D_INT16_H

#include "tk_pool2d.h"

/* The mean of the inputs under each window, padding not counted, rounded half away from zero.
 * Works in place at a distance: each output is written after its inputs were read.
 *
 * in:  int16 [in_h][in_w][in_c]
 * out: int16 [out_h][out_w][in_c] */
TK_KERNEL void tk_average_pool2d_s16(const int16_t *in, int16_t *out, const tk_pool2d_params *p)
{
    const int32_t channels = p->at.in_c;
    for (int32_t oy = 0; oy < p->at.out_h; oy++) {
        const int32_t y0 = tk_pool_first(oy, p->at.stride_h, p->at.pad_top);
        const int32_t y1 = tk_pool_end(oy, p->at.stride_h, p->at.pad_top, p->at.filter_h, p->at.in_h);
        for (int32_t ox = 0; ox < p->at.out_w; ox++) {
            const int32_t x0 = tk_pool_first(ox, p->at.stride_w, p->at.pad_left);
            const int32_t x1 = tk_pool_end(ox, p->at.stride_w, p->at.pad_left, p->at.filter_w, p->at.in_w);
            const int32_t count = (y1 - y0) * (x1 - x0);
            for (int32_t c = 0; c < channels; c++) {
                int32_t sum = 0;
                for (int32_t y = y0; y < y1; y++) {
                    for (int32_t x = x0; x < x1; x++) {
                        sum += in[(y * p->at.in_w + x) * channels + c];
                    }
                }
                const int32_t mean = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
                *out++ = (int16_t)tk_clamp(mean, p->low, p->high);
            }
        }
    }
}

/* The largest input under each window. Arguments and overlap as tk_average_pool2d_s16. */
TK_KERNEL void tk_max_pool2d_s16(const int16_t *in, int16_t *out, const tk_pool2d_params *p)
{
    const int32_t channels = p->at.in_c;
    for (int32_t oy = 0; oy < p->at.out_h; oy++) {
        const int32_t y0 = tk_pool_first(oy, p->at.stride_h, p->at.pad_top);
        const int32_t y1 = tk_pool_end(oy, p->at.stride_h, p->at.pad_top, p->at.filter_h, p->at.in_h);
        for (int32_t ox = 0; ox < p->at.out_w; ox++) {
            const int32_t x0 = tk_pool_first(ox, p->at.stride_w, p->at.pad_left);
            const int32_t x1 = tk_pool_end(ox, p->at.stride_w, p->at.pad_left, p->at.filter_w, p->at.in_w);
            for (int32_t c = 0; c < channels; c++) {
                int32_t largest = INT16_MIN;
                for (int32_t y = y0; y < y1; y++) {
                    for (int32_t x = x0; x < x1; x++) {
                        const int32_t v = in[(y * p->at.in_w + x) * channels + c];
                        largest = v > largest ? v : largest;
                    }
                }
                *out++ = (int16_t)tk_clamp(largest, p->low, p->high);
            }
        }
    }
}

#endif
