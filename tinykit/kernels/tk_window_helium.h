/* The copy of what a sliding window sees, for Helium. */
#ifndef TK_WINDOW_HELIUM_H
#define TK_WINDOW_HELIUM_H

#include "tk_helium.h"
#include "tk_window.h"

/* tk_window_gather(), 16 bytes at a time. */
TK_INLINE void tk_helium_window_gather(const int8_t *in, const tk_window *at, int32_t oy, int32_t ox, int8_t fill,
                                       int8_t *patch)
{
    const int32_t top = oy * at->stride_h - at->pad_top;
    const int32_t left = ox * at->stride_w - at->pad_left;
    /* The taps of a row: `before` lie left of the image, those from `end` on right of it. */
    const int32_t before = tk_clamp(-left, 0, at->filter_w) * at->in_c;
    const int32_t end = tk_clamp(at->in_w - left, 0, at->filter_w) * at->in_c;
    const int32_t row = at->filter_w * at->in_c;
    TK_ROLLED
    for (int32_t ky = 0; ky < at->filter_h; ky++, patch += row) {
        const int32_t y = top + ky * at->dilation_h;
        const int8_t *const from = in + (y * at->in_w + left) * at->in_c;
        if (y < 0 || y >= at->in_h) {
            tk_helium_fill(patch, fill, row);
        } else if (at->dilation_w == 1) {
            tk_helium_fill(patch, fill, before);
            tk_helium_copy(from + before, patch + before, end - before);
            tk_helium_fill(patch + end, fill, row - end);
        } else {
            for (int32_t kx = 0; kx < at->filter_w; kx++) {
                const int32_t x = left + kx * at->dilation_w;
                if (x < 0 || x >= at->in_w) {
                    tk_helium_fill(patch + kx * at->in_c, fill, at->in_c);
                } else {
                    tk_helium_copy(from + kx * at->dilation_w * at->in_c, patch + kx * at->in_c, at->in_c);
                }
            }
        }
    }
}

#endif
