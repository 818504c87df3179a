/* Pooling for the Arm DSP extension: four channels at a time; in averages, their sums are two pairs of int16. */
#ifndef TK_POOL2D_DSP_H
#define TK_POOL2D_DSP_H

#include "tk_dsp.h"
#include "tk_pool2d.h"

/* sum / count, rounded half away from zero, limited to the activation. */
TK_INLINE int8_t tk_pool_mean(int32_t sum, int32_t count, const tk_pool2d_params *p)
{
    return (int8_t)tk_clamp((sum > 0 ? sum + count / 2 : sum - count / 2) / count, p->low, p->high);
}

/* As tk_average_pool2d_s8, with in_c a multiple of 4 and windows of at most 255 pixels: 255 * 128 fits an int16. */
TK_KERNEL void tk_average_pool2d_s8_dsp(const int8_t *in, int8_t *out, const tk_pool2d_params *p)
{
    const int32_t channels = p->at.in_c;
    for (int32_t oy = 0; oy < p->at.out_h; oy++) {
        const int32_t y0 = tk_pool_first(oy, p->at.stride_h, p->at.pad_top);
        const int32_t y1 = tk_pool_end(oy, p->at.stride_h, p->at.pad_top, p->at.filter_h, p->at.in_h);
        for (int32_t ox = 0; ox < p->at.out_w; ox++) {
            const int32_t x0 = tk_pool_first(ox, p->at.stride_w, p->at.pad_left);
            const int32_t x1 = tk_pool_end(ox, p->at.stride_w, p->at.pad_left, p->at.filter_w, p->at.in_w);
            const int32_t count = (y1 - y0) * (x1 - x0);
            for (int32_t c = 0; c < channels; c += 4) {
                uint32_t even = 0, odd = 0;
                TK_ROLLED
                for (int32_t y = y0; y < y1; y++) {
                    const int8_t *from = in + (y * p->at.in_w + x0) * channels + c;
                    TK_UNROLLED
                    for (int32_t x = x0; x < x1; x++, from += channels) {
                        uint32_t v;
                        memcpy(&v, from, 4);
                        even = tk_add_even(even, v);
                        odd = tk_add_odd(odd, v);
                    }
                }
                *out++ = tk_pool_mean((int16_t)even, count, p);
                *out++ = tk_pool_mean((int16_t)odd, count, p);
                *out++ = tk_pool_mean((int32_t)even >> 16, count, p);
                *out++ = tk_pool_mean((int32_t)odd >> 16, count, p);
            }
        }
    }
}

/* As tk_max_pool2d_s8, with in_c a multiple of 4. */
TK_KERNEL void tk_max_pool2d_s8_dsp(const int8_t *in, int8_t *out, const tk_pool2d_params *p)
{
    const uint32_t low = (uint32_t)(uint8_t)p->low * 0x01010101u, high = (uint32_t)(uint8_t)p->high * 0x01010101u;
    const int32_t channels = p->at.in_c;
    for (int32_t oy = 0; oy < p->at.out_h; oy++) {
        const int32_t y0 = tk_pool_first(oy, p->at.stride_h, p->at.pad_top);
        const int32_t y1 = tk_pool_end(oy, p->at.stride_h, p->at.pad_top, p->at.filter_h, p->at.in_h);
        for (int32_t ox = 0; ox < p->at.out_w; ox++) {
            const int32_t x0 = tk_pool_first(ox, p->at.stride_w, p->at.pad_left);
            const int32_t x1 = tk_pool_end(ox, p->at.stride_w, p->at.pad_left, p->at.filter_w, p->at.in_w);
            for (int32_t c = 0; c < channels; c += 4, out += 4) {
                uint32_t largest = low;
                TK_ROLLED
                for (int32_t y = y0; y < y1; y++) {
                    const int8_t *from = in + (y * p->at.in_w + x0) * channels + c;
                    TK_ROLLED
                    for (int32_t x = x0; x < x1; x++, from += channels) {
                        uint32_t v;
                        memcpy(&v, from, 4);
                        largest = tk_larger_bytes(largest, v);
                    }
                }
                if (p->high < 127) {
                    largest = tk_smaller_bytes(largest, high);
                }
                memcpy(out, &largest, 4);
            }
        }
    }
}

#endif
