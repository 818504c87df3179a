/* Depthwise convolution for Helium: 16 channels at a time.
 *
 * Lanes are channels. VMULLB and VMULLT multiply 16 pairs of int8 to int16, the even channels and the odd ones; as
 * many products as cannot leave int16, whatever the input, are added there before they are widened to int32. So the
 * sums lie in four vectors in this order of channels, and narrowing them puts the channels back in theirs:
 *   0 4 8 12,  2 6 10 14,  1 5 9 13,  3 7 11 15 */
#ifndef TK_DEPTHWISE_CONV2D_HELIUM_H
#define TK_DEPTHWISE_CONV2D_HELIUM_H

#include "tk_depthwise_conv2d.h"
#include "tk_helium.h"

typedef struct {
    tk_depthwise_conv2d_params conv; /* multiplicity is 1 */
    int32_t span;                    /* rows that a window covers: (filter_h - 1) * dilation_h + 1 */
    int32_t run;                     /* products that are added as int16 */
} tk_depthwise_conv2d_helium_params;

/* Where a tap's 16 inputs lie, from those of tap 0 on. */
TK_INLINE int32_t tk_helium_tap_offset(int32_t tap, const tk_depthwise_conv2d_params *p)
{
    const int32_t ky = tap / p->at.filter_w, kx = tap % p->at.filter_w;
    return 16 * (ky * p->at.dilation_h * p->plane_w + kx * p->at.dilation_w);
}

/* 16 int8 at an address that is a multiple of 4: loads of words reach further with a literal offset. */
TK_INLINE int8x16_t tk_helium_words(const int8_t *from)
{
    return vreinterpretq_s8_s32(vldrwq_s32((const int32_t *)from));
}

/* Adds the products of taps tap..end - 1 to the sums. x: inputs of tap 0; w: weights of tap 0 */
TK_INLINE void tk_helium_add_taps(const int8_t *x, const int8_t *w, int32_t tap, int32_t end, int32x4_t sums[4],
                                  const tk_depthwise_conv2d_params *p)
{
    int8x16_t a = tk_helium_words(x + tk_helium_tap_offset(tap, p)), b = tk_helium_words(w + 16 * tap);
    int16x8_t even = vmullbq_int_s8(a, b), odd = vmulltq_int_s8(a, b);
    _Pragma("GCC unroll 16")
    for (int32_t t = tap + 1; t < end; t++) {
        a = tk_helium_words(x + tk_helium_tap_offset(t, p));
        b = tk_helium_words(w + 16 * t);
        even = vaddq_s16(even, vmullbq_int_s8(a, b));
        odd = vaddq_s16(odd, vmulltq_int_s8(a, b));
    }
    sums[0] = vaddq_s32(sums[0], vmovlbq_s16(even));
    sums[1] = vaddq_s32(sums[1], vmovltq_s16(even));
    sums[2] = vaddq_s32(sums[2], vmovlbq_s16(odd));
    sums[3] = vaddq_s32(sums[3], vmovltq_s16(odd));
    /* now, not when the next taps have taken all registers */
    __asm__("" : "+w"(sums[0]), "+w"(sums[1]), "+w"(sums[2]), "+w"(sums[3]));
}

/* Two vectors of sums scaled, with the zero point added, as int16. scale: multiplier, in the order of the sums */
TK_INLINE int16x8_t tk_helium_halves(const int32x4_t sums[2], const int32_t *multiplier, const int8_t *left,
                                     const tk_output *to)
{
    const int32x4_t v = tk_helium_scaled(sums[0], vldrwq_s32(multiplier), vldrbq_s32(left), to);
    const int32x4_t w = tk_helium_scaled(sums[1], vldrwq_s32(multiplier + 4), vldrbq_s32(left + 4), to);
    const int16x8_t halves = vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(v), v), w);
    return to->zero_point == 0 ? halves : vqaddq_n_s16(halves, (int16_t)to->zero_point);
}

/* One row of the padded plane: `pixels` from column pad_left on, the rest of it is there already.
 * lanes: of the 16 channels those that exist */
TK_INLINE void tk_helium_load_row(const int8_t *in, int8_t *row, int32_t pixels, int32_t channels, mve_pred16_t lanes)
{
    TK_ROLLED
    for (int32_t x = 0; x < pixels; x++, in += channels, row += 16) {
        vstrbq_s8(row, channels % 16 == 0 ? vldrbq_s8(in) : vldrbq_z_s8(in, lanes));
    }
}

/* By groups of 16 channels, each from the first row to the last. The rows that a window covers are kept, padded, in
 * scratch, so the output may be the input's own memory: no channel needs another, and what is overwritten was copied.
 *
 * in:         int8 [in_h][in_w][channels]
 * filter:     int8 [channels / 16, rounded up][filter_h * filter_w][16], 0 for channels that do not exist
 * bias:       int32 [groups of 16][16], in the order above, with -zero_point * sum(filter) of the input's added
 * multiplier: int32 [groups][16], in that order
 * left:       int8 [groups][16], in that order: minus the shifts to the right, -31..-1
 * rows:       int8 [span][plane_w][16], scratch
 * out:        int8 [out_h][out_w][channels] */
TK_KERNEL void tk_depthwise_conv2d_s8_helium(const int8_t *in, const int8_t *filter, const int32_t *bias,
                                             const int32_t *multiplier, const int8_t *left, int8_t *rows, int8_t *out,
                                             const tk_depthwise_conv2d_helium_params *params)
{
    const tk_depthwise_conv2d_params *const p = &params->conv;
    const tk_window *const at = &p->at;
    const int32_t channels = at->in_c, taps = at->filter_h * at->filter_w, row_bytes = 16 * p->plane_w;
    const int32_t kept = tk_clamp(params->span - at->stride_h, 0, params->span);
    const int32_t columns = tk_clamp(p->plane_w - at->pad_left, 0, at->in_w);

    TK_ROLLED
    for (int32_t c = 0; c < channels; c += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(channels - c));
        int8_t *to = out + c;
        TK_ROLLED
        for (int32_t oy = 0; oy < at->out_h; oy++) {
            const int32_t old = oy == 0 ? 0 : kept;
            tk_helium_copy(rows + (params->span - old) * row_bytes, rows, old * row_bytes);
            TK_ROLLED
            for (int32_t i = old; i < params->span; i++) {
                const int32_t y = oy * at->stride_h + i - at->pad_top;
                int8_t *const row = rows + i * row_bytes;
                tk_helium_fill(row, (int8_t)p->fill, row_bytes);
                if (y >= 0 && y < at->in_h) {
                    tk_helium_load_row(in + y * at->in_w * channels + c, row + 16 * at->pad_left, columns, channels,
                                       lanes);
                }
            }
            const int8_t *x = rows;
            TK_ROLLED
            for (int32_t ox = 0; ox < at->out_w; ox++, x += 16 * at->stride_w, to += channels) {
                /* one register each: addresses taken out of the loop would be spilled */
                __asm__("" : "+r"(filter), "+r"(bias), "+r"(multiplier), "+r"(left));
                int32x4_t sums[4] = {vldrwq_s32(bias), vldrwq_s32(bias + 4), vldrwq_s32(bias + 8),
                                     vldrwq_s32(bias + 12)};
                if (taps <= 16) { /* every offset is a literal then */
                    _Pragma("GCC unroll 16")
                    for (int32_t tap = 0; tap < taps; tap += params->run) {
                        tk_helium_add_taps(x, filter, tap, tk_clamp(tap + params->run, 0, taps), sums, p);
                    }
                } else {
                    TK_ROLLED
                    for (int32_t tap = 0; tap < taps; tap += params->run) {
                        tk_helium_add_taps(x, filter, tap, tk_clamp(tap + params->run, 0, taps), sums, p);
                    }
                }
                const int16x8_t even = tk_helium_halves(sums, multiplier, left, &p->to);
                const int16x8_t odd = tk_helium_halves(sums + 2, multiplier + 8, left + 8, &p->to);
                int8x16_t v = vqmovntq_s16(vqmovnbq_s16(vreinterpretq_s8_s16(even), even), odd);
                v = tk_helium_limited(v, p->to.low, p->to.high);
                if (channels % 16 == 0) {
                    vstrbq_s8(to, v);
                } else {
                    vstrbq_p_s8(to, v, lanes);
                }
            }
        }
        filter += 16 * taps;
        bias += 16;
        multiplier += 16;
        left += 16;
    }
}

#endif
