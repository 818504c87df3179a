/* Depthwise convolution for the Arm DSP extension: channel by channel, four outputs of a column at a time.
 *
 * A depthwise convolution multiplies along rows and columns, but neighbours in memory are channels. So the columns of one
 * channel are copied to a plane where each lies in one piece, as int16: two rows are a word there, and one SMLAD takes two
 * taps. Outputs on even and on odd rows need the taps paired in two ways:
 *
 *   even:  (w0, w1) (w2, w3) ...      odd:  (0, w0) (w1, w2) ...
 *
 * Four outputs of a column then take 6 instructions for 8 MACs, loads included. Where rows are dilated, a column is kept as
 * so many columns of every such row, one behind the other. Height and width may be exchanged by the caller: what is called
 * a column here is whatever the filter is longer along. Weights are doubled, see tk_dsp.h. */
#ifndef TK_DEPTHWISE_CONV2D_DSP_H
#define TK_DEPTHWISE_CONV2D_DSP_H

#include "tk_dsp.h"
#include "tk_window.h"

typedef struct {
    tk_window at;                                  /* dilation_h or stride_h is 1 */
    int32_t in_row, in_column, out_row, out_column; /* bytes from one to the next */
    int32_t multiplicity;                          /* outputs per input channel: out_c = in_c * multiplicity */
    int32_t fill;                                  /* the input's zero point: what padding reads as */
    int32_t span;                                  /* pairs of rows that an output sees */
    int32_t pairs;                                 /* of rows in a column of the plane, for each phase of the dilation */
    int32_t columns;                               /* that the plane has room for: at least those of a window */
    tk_output to;
} tk_depthwise_conv2d_dsp_params;

/* Whether columns have three taps or two. Then (w0, w1) and (w1, w2) do for even and odd outputs: a third of the taps is
 * multiplied with one half of a pair of rows. */
TK_INLINE int32_t tk_dsp_few_taps(const tk_depthwise_conv2d_dsp_params *p)
{
    return p->at.filter_h == 2 || p->at.filter_h == 3;
}

/* Words that the taps of a column take. */
TK_INLINE int32_t tk_dsp_tap_words(const tk_depthwise_conv2d_dsp_params *p)
{
    return tk_dsp_few_taps(p) ? 2 : 2 * p->span;
}

/* From a column of taps, bytes from top to bottom, the pairs for even and odd outputs, doubled: taps[span][2], or with few
 * taps (w0, w1), (w1, w2). */
TK_INLINE const uint32_t *tk_dsp_unpack_column(const uint32_t *packed, uint32_t *taps,
                                               const tk_depthwise_conv2d_dsp_params *p)
{
    if (tk_dsp_few_taps(p)) {
        const uint32_t w02 = tk_double_pair(tk_widen_even(*packed)), w1 = tk_double_pair(tk_widen_odd(*packed));
        taps[0] = tk_pack_lows(w02, w1);
        taps[1] = tk_pack_low_high(w1, w02);
        return packed + 1;
    }
    uint32_t before = 0, even[2] = {0, 0};
    for (int32_t j = 0; j < p->span; j++, taps += 2) {
        if (j % 2 == 0) {
            const uint32_t w02 = tk_double_pair(tk_widen_even(*packed)), w13 = tk_double_pair(tk_widen_odd(*packed));
            even[0] = tk_pack_lows(w02, w13);
            even[1] = tk_pack_highs(w02, w13);
            packed++;
        }
        taps[0] = even[j % 2];
        taps[1] = tk_pack_lows(before >> 16, even[j % 2]);
        before = even[j % 2];
    }
    return packed;
}

/* Copies column x of a channel, or padding where there is none. The rows above and below the image stay as they are.
 *
 * in: int8, the channel at row 0, column 0
 * to: uint32 [dilation_h][pairs] */
TK_INLINE void tk_dsp_fill_column(const int8_t *in, int32_t x, uint32_t *to, const tk_depthwise_conv2d_dsp_params *p)
{
    const int32_t phases = p->at.dilation_h;
    if (x < 0 || x >= p->at.in_w) {
        for (int32_t i = 0; i < phases * p->pairs; i++) {
            to[i] = (uint32_t)(uint16_t)p->fill * 0x00010001u;
        }
        return;
    }
    for (int32_t phase = 0; phase < phases; phase++) {
        const int32_t above = phase < p->at.pad_top ? (p->at.pad_top - phase + phases - 1) / phases : 0;
        const int32_t y = phase + above * phases - p->at.pad_top;
        const int32_t rows = tk_clamp((p->at.in_h - y + phases - 1) / phases, 0, 2 * p->pairs - above);
        const int8_t *from = in + y * p->in_row + x * p->in_column;
        int16_t *row = (int16_t *)(to + phase * p->pairs) + above;
        const int32_t step = phases * p->in_row;
        int32_t left = rows;
        TK_ROLLED
        for (; left > 3; left -= 4, from += 4 * step, row += 4) {
            row[0] = from[0];
            row[1] = from[step];
            row[2] = from[2 * step];
            row[3] = from[3 * step];
        }
        TK_ROLLED
        for (; left > 0; left--, from += step) {
            *row++ = *from;
        }
    }
}

/* The next pair of taps of outputs 0..3 with stride 1: words x[0] and x[1] of a column. */
TK_INLINE void tk_dsp_four_taps(const uint32_t **x, const uint32_t **taps, int32_t sums[4])
{
#if TK_DSP_ASSEMBLY
    uint32_t x0, x1, even, odd;
    __asm__ volatile("ldrd %[x0], %[x1], [%[x]], #4\n\t"
                     "ldrd %[even], %[odd], [%[taps]], #8\n\t"
                     "smlad %[s0], %[x0], %[even], %[s0]\n\t"
                     "smlad %[s1], %[x0], %[odd], %[s1]\n\t"
                     "smlad %[s2], %[x1], %[even], %[s2]\n\t"
                     "smlad %[s3], %[x1], %[odd], %[s3]"
                     : [s0] "+r"(sums[0]), [s1] "+r"(sums[1]), [s2] "+r"(sums[2]), [s3] "+r"(sums[3]), [x] "+r"(*x),
                       [taps] "+r"(*taps), [x0] "=&r"(x0), [x1] "=&r"(x1), [even] "=&r"(even), [odd] "=&r"(odd)
                     :
                     : "memory");
#else
    const uint32_t *const pair = (*x)++, *const w = *taps;
    sums[0] = tk_smlad(pair[0], w[0], sums[0]);
    sums[1] = tk_smlad(pair[0], w[1], sums[1]);
    sums[2] = tk_smlad(pair[1], w[0], sums[2]);
    sums[3] = tk_smlad(pair[1], w[1], sums[3]);
    *taps += 2;
#endif
}

/* The sum of up to three taps of an output whose first row is the upper of x[0], or with odd the lower. */
TK_INLINE int32_t tk_dsp_three_taps(const uint32_t *x, const uint32_t *taps, int32_t odd, int32_t sum)
{
    return odd ? tk_smlad(x[1], taps[1], tk_smlatb(x[0], taps[0], sum))
               : tk_smlabt(x[1], taps[1], tk_smlad(x[0], taps[0], sum));
}

/* `count` sums of a column, 2 or 4, starting from an even one whose first row is x. */
TK_INLINE void tk_dsp_column_sums(const uint32_t *x, const uint32_t *taps, int32_t count, int32_t sums[4],
                                  const tk_depthwise_conv2d_dsp_params *p)
{
    const int32_t stride = p->at.stride_h, parity = stride % 2;
    if (tk_dsp_few_taps(p)) {
        _Pragma("GCC unroll 5")
        for (int32_t kx = 0; kx < p->at.filter_w; kx++, taps += 2) {
            TK_UNROLLED
            for (int32_t i = 0; i < count; i++) {
                sums[i] = tk_dsp_three_taps(x + i * stride / 2, taps, i * stride % 2, sums[i]);
            }
            x += p->at.dilation_w * p->at.dilation_h * p->pairs;
        }
        return;
    }
    for (int32_t kx = 0; kx < p->at.filter_w; kx++) {
        _Pragma("GCC unroll 16")
        for (int32_t j = 0; j < p->span; j++) {
            if (stride == 1 && count == 4) {
                tk_dsp_four_taps(&x, &taps, sums);
                continue;
            }
            sums[0] = tk_smlad(x[0], taps[0], sums[0]);
            sums[1] = tk_smlad(x[stride / 2], taps[parity], sums[1]);
            if (count == 4) {
                sums[2] = tk_smlad(x[stride], taps[0], sums[2]);
                sums[3] = tk_smlad(x[stride + stride / 2], taps[parity], sums[3]);
            }
            x++, taps += 2;
        }
        x += p->at.dilation_w * p->at.dilation_h * p->pairs - p->span;
    }
}

/* The outputs of one column of windows whose first rows are in `window`, from top to bottom.
 *
 * n:  of them
 * to: the first one, `step` bytes before the next */
TK_INLINE void tk_dsp_column_outputs(const uint32_t *window, const uint32_t *taps, int32_t bias, tk_dsp_scale scale,
                                     int32_t n, int8_t *to, int32_t step, const tk_depthwise_conv2d_dsp_params *p)
{
    int32_t left = n;
    TK_ROLLED
    for (; left > 2; left -= 4, to += 4 * step, window += 2 * p->at.stride_h) {
        int32_t sums[4] = {bias, bias, bias, bias};
        tk_dsp_column_sums(window, taps, 4, sums, p);
        to[0] = tk_output_doubled_s8(sums[0], scale, &p->to);
        to[step] = tk_output_doubled_s8(sums[1], scale, &p->to);
        to[2 * step] = tk_output_doubled_s8(sums[2], scale, &p->to);
        if (n % 4 != 3 || left > 3) {
            to[3 * step] = tk_output_doubled_s8(sums[3], scale, &p->to);
        }
    }
    if (left > 0) {
        int32_t sums[4] = {bias, bias, 0, 0};
        tk_dsp_column_sums(window, taps, 2, sums, p);
        to[0] = tk_output_doubled_s8(sums[0], scale, &p->to);
        if (left > 1) {
            to[step] = tk_output_doubled_s8(sums[1], scale, &p->to);
        }
    }
}

/* in:      int8 [in_h][in_w][in_c]
 * packed:  uint32 [out_c][3 + filter_w * ceil(span / 2)]: 2 * bias with -zero_point * sum(filter) of the input's zero
 *          point added; multiplier; shift - 1; every column of taps as bytes from top to bottom, zeros to the end of
 *          its last word. With few taps, shift - 1 is the last byte of the first word of taps instead
 * scratch: uint32 [filter_w * (2 with few taps, else 2 * span) + columns * dilation_h * pairs]
 * out:     int8 [out_h][out_w][out_c]. It may be in where multiplicity is 1, if `columns` are all that windows cover, or
 *          out has the shape of in, or columns are rows of the image and outputs are no more than inputs either way
 * Shifts are 1..22 (to.any_shift is 0). */
TK_KERNEL void tk_depthwise_conv2d_s8_dsp(const int8_t *in, const uint32_t *packed, uint32_t *scratch, int8_t *out,
                                          const tk_depthwise_conv2d_dsp_params *p)
{
    const tk_window *const at = &p->at;
    const int32_t words = at->dilation_h * p->pairs, reach = (at->filter_w - 1) * at->dilation_w + 1;
    const int32_t all = (at->out_w - 1) * at->stride_w + reach;
    uint32_t *const taps = scratch;
    uint32_t *const plane = scratch + at->filter_w * tk_dsp_tap_words(p);
    for (int32_t i = 0; i < p->columns * words; i++) {
        plane[i] = (uint32_t)(uint16_t)p->fill * 0x00010001u;
    }
    TK_ROLLED
    for (int32_t c = 0; c < at->in_c * p->multiplicity; c++) {
        const int32_t bias = (int32_t)packed[0];
        const uint32_t shift_1 = tk_dsp_few_taps(p) ? packed[2] >> 24 : packed[2];
        const tk_dsp_scale scale = tk_dsp_scale_of(packed[1], shift_1, &p->to);
        packed += tk_dsp_few_taps(p) ? 2 : 3;
        for (int32_t kx = 0; kx < at->filter_w; kx++) {
            packed = tk_dsp_unpack_column(packed, taps + kx * tk_dsp_tap_words(p), p);
        }
        int32_t first = 0, end = 0; /* of the columns in the plane, counted with the padding */
        TK_ROLLED
        for (int32_t ox = 0; ox < at->out_w; ox++) {
            const int32_t left = ox * at->stride_w;
            if (left + reach - first > p->columns) { /* what is still needed moves to the front */
                tk_dsp_move_down(plane + (left - first) * words, plane, (end - left) * words);
                first = left;
                end = end > left ? end : left;
            }
            TK_ROLLED
            for (const int32_t until = p->columns == all ? all : left + reach; end < until; end++) {
                tk_dsp_fill_column(in + c / p->multiplicity, end - at->pad_left, plane + (end - first) * words, p);
            }
            for (int32_t phase = 0; phase < at->dilation_h; phase++) {
                tk_dsp_column_outputs(plane + (left - first) * words + phase * p->pairs, taps, bias, scale,
                                      (at->out_h - phase + at->dilation_h - 1) / at->dilation_h,
                                      out + phase * p->out_row + ox * p->out_column + c, at->dilation_h * p->out_row,
                                      p);
            }
        }
    }
}

#endif
