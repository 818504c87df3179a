/* Convolution for the Arm DSP extension: blocks of four pixels by two output channels.
 *
 * The patches of four output pixels are widened into scratch, then every pair of output channels makes one pass
 * over them: per pair of inputs one weight word serves 16 MACs in 12 instructions. See tk_dsp.h for the packing. */
#ifndef TK_CONV2D_DSP_H
#define TK_CONV2D_DSP_H

#include "tk_conv2d.h"
#include "tk_dsp.h"

#if TK_DSP_ASSEMBLY
/* One weight word against four pixels.  Registers: r*, l* sums; w, l weights; x, y two pixels. */
#define TK_DSP_STEP                                                                                                  \
    "ldr %[w], [%[q]], #4\n\t"                                                                                       \
    "ldrd %[x], %[y], [%[s]], #8\n\t"                                                                                \
    "sxtb16 %[l], %[w]\n\t"                                                                                          \
    "smlad %[r0], %[w], %[x], %[r0]\n\t"                                                                             \
    "smlad %[l0], %[l], %[x], %[l0]\n\t"                                                                             \
    "smlad %[r1], %[w], %[y], %[r1]\n\t"                                                                             \
    "smlad %[l1], %[l], %[y], %[l1]\n\t"                                                                             \
    "ldrd %[x], %[y], [%[s]], #8\n\t"                                                                                \
    "smlad %[r2], %[w], %[x], %[r2]\n\t"                                                                             \
    "smlad %[l2], %[l], %[x], %[l2]\n\t"                                                                             \
    "smlad %[r3], %[w], %[y], %[r3]\n\t"                                                                             \
    "smlad %[l3], %[l], %[y], %[l3]\n\t"
#define TK_DSP_STEPS_2 TK_DSP_STEP TK_DSP_STEP
#define TK_DSP_STEPS_4 TK_DSP_STEPS_2 TK_DSP_STEPS_2
#define TK_DSP_STEPS_8 TK_DSP_STEPS_4 TK_DSP_STEPS_4
/* All 14 usable registers are taken: the end of the weights waits in memory. */
#define TK_DSP_LOOP(steps)                                                                                   \
    __asm__ volatile("1:\n\t" steps "ldr %[x], %[end]\n\t"                                                   \
                     "cmp %[q], %[x]\n\t"                                                                    \
                     "bne 1b\n\t"                                                                            \
                     : [r0] "+r"(r0), [l0] "+r"(l0), [r1] "+r"(r1), [l1] "+r"(l1), [r2] "+r"(r2),            \
                       [l2] "+r"(l2), [r3] "+r"(r3), [l3] "+r"(l3), [q] "+r"(q), [s] "+r"(s), [w] "=&r"(w), \
                       [l] "=&r"(l), [x] "=&r"(x), [y] "=&r"(y)                                              \
                     : [end] "m"(end)                                                                        \
                     : "memory", "cc")
#else
#define TK_DSP_LOOP(steps)                                                                                   \
    do {                                                                                                     \
        w = *q++, l = tk_widen_even(w);                                                                      \
        x = s[0], y = s[1];                                                                                  \
        r0 = tk_smlad(x, w, r0), l0 = tk_smlad(x, l, l0);                                                    \
        r1 = tk_smlad(y, w, r1), l1 = tk_smlad(y, l, l1);                                                    \
        x = s[2], y = s[3];                                                                                  \
        r2 = tk_smlad(x, w, r2), l2 = tk_smlad(x, l, l2);                                                    \
        r3 = tk_smlad(y, w, r3), l3 = tk_smlad(y, l, l3);                                                    \
        s += 4;                                                                                              \
    } while (q != end)
#endif

/* Inputs after which the high sums are taken out of the words when they may leave 23 bits: 2 * 128 * 128 * 240 < 2^23,
 * and a multiple of what any loop takes in one round. */
enum { TK_CONV2D_DSP_CHUNK = 240 };

typedef struct {
    tk_conv2d_params conv;
    int32_t chunked; /* 1: the high sums of the packing are taken out after each TK_CONV2D_DSP_CHUNK inputs */
} tk_conv2d_dsp_params;

/* Whether a pixel's window is that pixel, in words: then it is read in place, without a copy. */
TK_INLINE int32_t tk_conv2d_is_pointwise(const tk_window *at)
{
    return at->filter_h == 1 && at->filter_w == 1 && at->stride_h == 1 && at->stride_w == 1 && at->in_c % 4 == 0;
}

/* Whether the rows of a window are widened where they are, in words, but at the border. */
TK_INLINE int32_t tk_conv2d_in_rows(const tk_window *at)
{
    return at->filter_w * at->in_c % 4 == 0 && at->dilation_w == 1;
}

/* Widens what the window at output pixel (oy, ox) sees to every fourth word of `to`.
 *
 * patch: scratch, int8: a row of the window, or all of it unless tk_conv2d_in_rows() */
TK_INLINE void tk_conv2d_widen_window(const int8_t *in, const tk_window *at, int32_t oy, int32_t ox, int32_t fill,
                                      int8_t *patch, uint32_t *to)
{
    const int32_t taps = at->filter_w * at->in_c, left = ox * at->stride_w - at->pad_left;
    if (!tk_conv2d_in_rows(at)) {
        tk_window_gather(in, at, oy, ox, (int8_t)fill, patch);
        tk_dsp_widen(patch, to, (at->filter_h * taps + 3) & ~3, 4);
        return;
    }
    int32_t y = oy * at->stride_h - at->pad_top;
    TK_ROLLED
    for (int32_t ky = 0; ky < at->filter_h; ky++, y += at->dilation_h, to += 2 * taps) {
        const int8_t *row = in + (y * at->in_w + left) * at->in_c;
        if (y < 0 || y >= at->in_h) {
            memset(patch, (int8_t)fill, (size_t)taps);
            row = patch;
        } else if (left < 0 || left + at->filter_w > at->in_w) {
            tk_window_gather_row(row - left * at->in_c, at, left, (int8_t)fill, patch);
            row = patch;
        }
        tk_dsp_widen(row, to, taps, 4);
    }
}

/* in:      int8 [in_h][in_w][in_c]
 * packed:  uint32, per pair of output channels: 2 * (bias_lo + 256 * bias_hi), or when chunked 2 * bias_hi;
 *          2 * bias_lo; depth4 / 2 weight words; multiplier_lo, multiplier_hi, (shift_lo - 1) | (shift_hi - 1) << 8. The bias has -zero_point * sum(filter)
 *          added; depth4 is filter_h * filter_w * in_c rounded up to a multiple of 4 with weights of 0; an odd last
 *          channel has a partner of zeros
 * scratch: uint32, 8 * depth4 bytes; unless tk_conv2d_is_pointwise() as many more as the patch of
 *          tk_conv2d_widen_window()
 * out:     int8 [out_h][out_w][out_c]. May be written over the input like that of tk_conv2d_s8, where a
 *          block's outputs are written after the input of its four pixels was read.
 * Shifts are 1..31 (to.any_shift is 0). */
TK_KERNEL void tk_conv2d_s8_dsp(const int8_t *in, const uint32_t *packed, uint32_t *scratch, int8_t *out,
                                const tk_conv2d_dsp_params *params)
{
    const tk_conv2d_params *const p = &params->conv;
    const int32_t depth4 = (p->at.filter_h * p->at.filter_w * p->at.in_c + 3) & ~3;
    const int32_t pixels = p->at.out_h * p->at.out_w;
    int8_t *const patch = (int8_t *)(scratch + 2 * depth4);
    const int8_t *const image = in;
    int8_t *const result = out;
    int32_t oy = 0, ox = 0;

    const int32_t count = pixels < 4 ? pixels : 4;
    for (int32_t done = 0; done < pixels; done += 4) {
        int32_t first = 0, stop = count;
        if (p->backwards) {
            int32_t pixel = pixels - count - done;
            if (pixel < 0) { /* the first block, made last, is filled up with pixels of the one behind */
                pixel = 0;
                stop = pixels % 4;
                tk_dsp_move_up(scratch, scratch + stop, 2 * depth4 - stop);
            }
            in = image + (tk_conv2d_is_pointwise(&p->at) ? pixel * p->at.in_c : 0);
            out = result + pixel * p->out_c;
            oy = pixel / p->at.out_w, ox = pixel % p->at.out_w;
        } else if (pixels > 4 && pixels - done < 4) { /* the last block is filled up with pixels of the one before */
            first = 4 - pixels % 4;
            out -= first * p->out_c;
            tk_dsp_move_down(scratch + pixels % 4, scratch, 2 * depth4 - pixels % 4);
        }
        TK_ROLLED
        for (int32_t i = first; i < stop; i++) {
            if (tk_conv2d_is_pointwise(&p->at)) {
                tk_dsp_widen(in, scratch + i, depth4, 4);
                in += p->at.in_c;
            } else {
                tk_conv2d_widen_window(in, &p->at, oy, ox, p->fill, patch, scratch + i);
                if (++ox == p->at.out_w) {
                    ox = 0;
                    oy++;
                }
            }
        }
        /* Outputs of the pixels that a single incomplete block lacks go where pixel 0 is written last. */
        const int32_t step1 = count > 1 ? p->out_c : 0;
        const int32_t step2 = count > 2 ? 2 * p->out_c : 0;
        const int32_t step3 = count > 3 ? 3 * p->out_c : 0;
        const uint32_t *q = packed;
        for (int32_t c = 0; c < p->out_c; c += 2) {
            int32_t h0 = 0, l0 = (int32_t)q[1], r0 = (int32_t)q[0];
            if (params->chunked) {
                h0 = r0, r0 = l0;
            }
            int32_t r1 = r0, r2 = r0, r3 = r0, l1 = l0, l2 = l0, l3 = l0, h1 = h0, h2 = h0, h3 = h0;
            const uint32_t *s = scratch;
            uint32_t w, l, x, y;
            q += 2;
            const uint32_t *const last = q + depth4 / 2;
            TK_ROLLED
            for (int32_t left = depth4; left > 0; left -= TK_CONV2D_DSP_CHUNK) {
                const uint32_t *const end =
                    params->chunked && left > TK_CONV2D_DSP_CHUNK ? q + TK_CONV2D_DSP_CHUNK / 2 : last;
                if (depth4 % 16 == 0) {
                    TK_DSP_LOOP(TK_DSP_STEPS_8);
                } else if (depth4 % 8 == 0) {
                    TK_DSP_LOOP(TK_DSP_STEPS_4);
                } else {
                    TK_DSP_LOOP(TK_DSP_STEPS_2);
                }
                if (!params->chunked) {
                    break;
                }
                h0 += tk_dsp_high_sum(r0, l0), r0 = l0;
                h1 += tk_dsp_high_sum(r1, l1), r1 = l1;
                h2 += tk_dsp_high_sum(r2, l2), r2 = l2;
                h3 += tk_dsp_high_sum(r3, l3), r3 = l3;
            }
            int8_t *const to = out + c;
            const tk_dsp_scale lo = tk_dsp_scale_of(q[0], q[2] & 0xFF, &p->to);
            to[step3] = tk_output_doubled_s8(l3, lo, &p->to);
            to[step2] = tk_output_doubled_s8(l2, lo, &p->to);
            to[step1] = tk_output_doubled_s8(l1, lo, &p->to);
            to[0] = tk_output_doubled_s8(l0, lo, &p->to);
            if (p->out_c % 2 == 0 || c + 1 < p->out_c) {
                const tk_dsp_scale hi = tk_dsp_scale_of(q[1], q[2] >> 8, &p->to);
                to[step3 + 1] = tk_output_doubled_s8(h3 + tk_dsp_high_sum(r3, l3), hi, &p->to);
                to[step2 + 1] = tk_output_doubled_s8(h2 + tk_dsp_high_sum(r2, l2), hi, &p->to);
                to[step1 + 1] = tk_output_doubled_s8(h1 + tk_dsp_high_sum(r1, l1), hi, &p->to);
                to[1] = tk_output_doubled_s8(h0 + tk_dsp_high_sum(r0, l0), hi, &p->to);
            }
            q += 3;
        }
        out += count * p->out_c;
    }
}

#endif
