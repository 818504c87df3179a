/* Convolution for Helium: blocks of three pixels by four output channels. */
#ifndef TK_CONV2D_HELIUM_H
#define TK_CONV2D_HELIUM_H

#include "tk_conv2d.h"
#include "tk_matvec_helium.h"
#include "tk_window_helium.h"

/* Copies what the windows of `count` pixels from `pixel` on see to patches, one after the other. */
TK_INLINE void tk_helium_patches(const int8_t *in, int32_t pixel, int32_t count, int8_t *patches,
                                 const tk_conv2d_params *p)
{
    const tk_window *const at = &p->at;
    const int32_t depth = at->filter_h * at->filter_w * at->in_c;
    if (at->filter_h == 1 && at->filter_w == 1 && at->stride_h == 1 && at->stride_w == 1 && at->pad_top == 0 &&
        at->pad_left == 0 && at->out_w == at->in_w) { /* the pixels as they lie */
        tk_helium_copy(in + pixel * depth, patches, count * depth);
        return;
    }
    int32_t oy = pixel / at->out_w, ox = pixel % at->out_w;
    TK_ROLLED
    for (int32_t i = 0; i < count; i++) {
        tk_helium_window_gather(in, at, oy, ox, (int8_t)p->fill, patches + i * depth);
        if (++ox == at->out_w) {
            ox = 0;
            oy++;
        }
    }
}

/* Sums go from core registers to vectors by fours, of one pixel each, for the output stage.
 *
 * in:      int8 [in_h][in_w][in_c]
 * filter:  int8 [out_c][filter_h][filter_w][in_c]
 * scale:   int32 [out_c / 4, rounded up][9], per four channels: bias[4], with -zero_point * sum(filter) of the
 *          input's zero point added; multiplier[4]; one word of four bytes: minus the shifts to the right, -31..-1
 * patches: int8 [3][filter_h][filter_w][in_c], scratch; [1] for a single pixel
 * out:     int8 [out_h][out_w][out_c]. May be written over the input like that of tk_conv2d_s8, where a block's
 *          outputs are written after the input of its three pixels was read. */
TK_KERNEL void tk_conv2d_s8_helium(const int8_t *in, const int8_t *filter, const int32_t *scale, int8_t *patches,
                                   int8_t *out, const tk_conv2d_params *p)
{
    const int32_t depth = p->at.filter_h * p->at.filter_w * p->at.in_c;
    const int32_t pixels = p->at.out_h * p->at.out_w;
    const int32_t last_block = (pixels - 1) / 3 * 3;
    out += p->backwards ? last_block * p->out_c : 0;
    TK_ROLLED
    for (int32_t done = 0; done < pixels; done += 3) {
        const int32_t pixel = p->backwards ? last_block - done : done;
        const int32_t count = pixels - pixel < 3 ? pixels - pixel : 3;
        tk_helium_patches(in, pixel, count, patches, p);
        const int8_t *rows = filter;
        const int32_t *s = scale;
        int8_t *to = out;
        TK_ROLLED
        for (int32_t left = p->out_c; left > 0; left -= 4, rows += 4 * depth, s += 9, to += 4) {
            const int32_t channels = p->out_c % 4 == 0 ? 4 : left; /* 4 or more: four */
            __asm__("" : "+r"(to), "+r"(s), "+r"(rows)); /* one register each: copies with offsets would be spilled */
            if (pixels % 3 == 1 && count == 1) {
                const int32x4_t acc = tk_helium_four_rows(s, rows, channels - 1, patches, depth);
                const int32x4_t m = vldrwq_s32(s + 4), n = vldrbq_s32((const int8_t *)(s + 8));
                tk_helium_write_4(tk_helium_scaled(acc, m, n, &p->to), channels, to, &p->to);
                continue;
            }
            int32x4_t acc[3]; /* of pixels that the last block lacks: whatever lies in patches */
            tk_helium_half_block(1, s, rows, channels - 1, patches, depth, acc);
            tk_helium_half_block(0, s, rows, channels - 1, patches, depth, acc);
            const int32x4_t m = vldrwq_s32(s + 4), n = vldrbq_s32((const int8_t *)(s + 8));
            tk_helium_write_4(tk_helium_scaled(acc[0], m, n, &p->to), channels, to, &p->to);
            tk_helium_write_4(tk_helium_scaled(acc[1], m, n, &p->to), channels, to + p->out_c, &p->to);
            if (pixels % 3 == 0 || count > 2) {
                tk_helium_write_4(tk_helium_scaled(acc[2], m, n, &p->to), channels, to + 2 * p->out_c, &p->to);
            }
        }
        out += p->backwards ? -3 * p->out_c : 3 * p->out_c;
    }
}

#endif
