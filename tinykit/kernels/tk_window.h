/* The window that a convolution or pool slides over its input, and the copy of what it sees. */
#ifndef TK_WINDOW_H
#define TK_WINDOW_H

#include "tk_common.h"

/* Geometry of a sliding window over one NHWC image; literal in every call. */
typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w;
    int32_t filter_h, filter_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left; /* rows above and columns left of the input that the first window covers */
} tk_window;

/* Copies what one row of the window's taps sees of an input row, from column `left` on.
 *
 * row:   int8 [in_w][in_c]
 * fill:  what lies outside the input: its zero point
 * patch: int8 [filter_w][in_c] */
TK_INLINE void tk_window_gather_row(const int8_t *row, const tk_window *at, int32_t left, int8_t fill, int8_t *patch)
{
    const size_t pixel = (size_t)at->in_c;
    if (at->dilation_w == 1 && left >= 0 && left + at->filter_w <= at->in_w) { /* nearly always */
        memcpy(patch, row + left * at->in_c, (size_t)at->filter_w * pixel);
    } else if (at->dilation_w == 1) { /* the taps lie side by side: at most three runs */
        const int32_t before = tk_clamp(-left, 0, at->filter_w);
        const int32_t end = tk_clamp(at->in_w - left, before, at->filter_w);
        memset(patch, fill, (size_t)before * pixel);
        patch += before * at->in_c;
        memcpy(patch, row + (left + before) * at->in_c, (size_t)(end - before) * pixel);
        patch += (end - before) * at->in_c;
        memset(patch, fill, (size_t)(at->filter_w - end) * pixel);
    } else {
        for (int32_t kx = 0; kx < at->filter_w; kx++) {
            const int32_t x = left + kx * at->dilation_w;
            if (x < 0 || x >= at->in_w) {
                memset(patch, fill, pixel);
            } else {
                memcpy(patch, row + x * at->in_c, pixel);
            }
            patch += at->in_c;
        }
    }
}

/* Copies what the window at output pixel (oy, ox) sees into patch.
 *
 * in:    int8 [in_h][in_w][in_c]
 * patch: int8 [filter_h][filter_w][in_c] */
TK_INLINE void tk_window_gather(const int8_t *in, const tk_window *at, int32_t oy, int32_t ox, int8_t fill,
                                int8_t *patch)
{
    const int32_t top = oy * at->stride_h - at->pad_top, taps = at->filter_w * at->in_c;
    for (int32_t ky = 0; ky < at->filter_h; ky++, patch += taps) {
        const int32_t y = top + ky * at->dilation_h;
        if (y < 0 || y >= at->in_h) {
            memset(patch, fill, (size_t)taps);
        } else {
            tk_window_gather_row(in + y * at->in_w * at->in_c, at, ox * at->stride_w - at->pad_left, fill, patch);
        }
    }
}

#endif
