/* Depthwise 2-D convolution with int16 activations for the Arm DSP extension: channel by channel, taps in pairs. */
#ifndef TK_DEPTHWISE_CONV2D_INT16_DSP_H
#define TK_DEPTHWISE_CONV2D_INT16_DSP_H

#include "tk_depthwise_conv2d_int16.h"
#include "tk_dsp_int16.h"

/* A filter of up to 3 rows of up to 4 taps, kept in registers: pairs of int16. */
typedef struct {
    uint32_t row[3][2];
} tk_small_filter;

/* words: those of the filter's rows, one after the other, `pairs` each; both counts are literal */
TK_INLINE tk_small_filter tk_small_filter_of(const uint32_t *words, int32_t rows, int32_t pairs)
{
    tk_small_filter w = {{{words[0], 0}, {0, 0}, {0, 0}}};
    w.row[0][1] = pairs > 1 ? words[1] : 0;
    if (rows > 1) {
        w.row[1][0] = words[pairs];
        w.row[1][1] = pairs > 1 ? words[pairs + 1] : 0;
    }
    if (rows > 2) {
        w.row[2][0] = words[2 * pairs];
        w.row[2][1] = pairs > 1 ? words[2 * pairs + 1] : 0;
    }
    return w;
}

/* acc + the products of a row of taps */
TK_INLINE int32_t tk_small_row(const int16_t *x, const uint32_t *w, int32_t pairs, int32_t acc)
{
    acc = tk_smlad(tk_pair_s16(x), w[0], acc);
    return pairs > 1 ? tk_smlad(tk_pair_s16(x + 2), w[1], acc) : acc;
}

TK_INLINE int32_t tk_small_window(const int16_t *x, int32_t step, const tk_small_filter *w, int32_t rows,
                                  int32_t pairs, int32_t acc)
{
    acc = tk_small_row(x, w->row[0], pairs, acc);
    acc = rows > 1 ? tk_small_row(x + step, w->row[1], pairs, acc) : acc;
    return rows > 2 ? tk_small_row(x + 2 * step, w->row[2], pairs, acc) : acc;
}

TK_INLINE int32_t tk_large_window(const int16_t *x, int32_t step, const uint32_t *w, int32_t rows, int32_t pairs,
                                  int32_t acc)
{
    for (int32_t y = 0; y < rows; y++, x += step) {
        TK_UNROLLED
        for (int32_t k = 0; k < pairs; k++) {
            acc = tk_smlad(tk_pair_s16(x + 2 * k), *w++, acc);
        }
    }
    return acc;
}

/* As tk_depthwise_conv2d_by_channel_s16(), in place when out is in; dilation_w is 1.
 *
 * in:     int16 [in_h][in_w][in_c]
 * packed: uint32 [in_c][2 + filter_h * pairs]: bias, multiplier of tk_output_to_s16(), rounding once, and each row's
 *         taps as pairs of int16, an odd one filled up with zero
 * plane:  int16 [plane_h * plane_w + 1], scratch: a pair may reach one beyond
 * out:    int16 [out_h][out_w][in_c] */
TK_KERNEL void tk_depthwise_conv2d_s16_dsp(const int16_t *in, const uint32_t *packed, int16_t *plane, int16_t *out,
                                           const tk_depthwise_conv2d_s16_params *p)
{
    const int32_t channels = p->at.in_c, filter_h = p->at.filter_h, pairs = (p->at.filter_w + 1) / 2;
    const int32_t step = p->at.dilation_h * p->plane_w;
    /* the part of the input that the plane holds: strided windows may end before the input does */
    const int32_t rows = tk_clamp(p->plane_h - p->at.pad_top, 0, p->at.in_h);
    const int32_t columns = tk_clamp(p->plane_w - p->at.pad_left, 0, p->at.in_w);

    memset(plane, 0, sizeof(int16_t) * (size_t)(p->plane_h * p->plane_w + 1)); /* the border stays */
    for (int32_t c = 0; c < channels; c++) {
        for (int32_t y = 0; y < rows; y++) {
            int16_t *to = plane + (y + p->at.pad_top) * p->plane_w + p->at.pad_left;
            const int16_t *from = in + y * p->at.in_w * channels + c;
            for (int32_t x = 0; x < columns; x++, from += channels) {
                *to++ = *from;
            }
        }
        const int32_t bias = (int32_t)packed[0];
        const uint32_t multiplier = packed[1];
        const uint32_t *const words = packed + 2;
        const int32_t is_small = filter_h <= 3 && pairs <= 2;
        const tk_small_filter w = is_small ? tk_small_filter_of(words, filter_h, pairs) : (tk_small_filter){{{0, 0}}};
        int16_t *to = out + c;
        for (int32_t oy = 0; oy < p->at.out_h; oy++) {
            const int16_t *x = plane + oy * p->at.stride_h * p->plane_w;
            for (int32_t ox = 0; ox < p->at.out_w; ox++, x += p->at.stride_w, to += channels) {
                const int32_t acc = is_small ? tk_small_window(x, step, &w, filter_h, pairs, bias)
                                             : tk_large_window(x, step, words, filter_h, pairs, bias);
                *to = tk_dsp_output_s16(acc, multiplier, &p->to);
            }
        }
        packed += 2 + filter_h * pairs;
    }
}

#endif
