/* Depthwise convolution for the Arm DSP extension: four channels, two rows of the input at a time.
 *
 * A depthwise convolution multiplies along rows and columns, but neighbours in memory are channels. So rows 2r and
 * 2r + 1 of four channels are taken apart and put together as vertical pairs of int16: (upper row, lower row), one
 * word a column. Two pairs in a column, rows 0..3, make two outputs of it with four instructions for six MACs:
 *
 *   even output, taps on rows 0 1 2:  SMLAD (0, 1) by (w0, w1),   SMLABT 2 by w2
 *   odd output,  taps on rows 1 2 3:  SMLATB 1 by w0,             SMLAD (2, 3) by (w1, w2)
 *
 * With stride 2 every output is an even one. Inputs are read before the outputs that they make are written, group after
 * group of channels, so the output may take the input's place. Weights are doubled, see tk_dsp.h. */
#ifndef TK_DEPTHWISE_CONV2D_DSP_H
#define TK_DEPTHWISE_CONV2D_DSP_H

#include "tk_depthwise_conv2d.h"
#include "tk_dsp.h"

/* Moves a column's lower pair up and puts `next` below. */
TK_INLINE void tk_dsp_push(uint32_t *pairs, uint32_t next)
{
    pairs[0] = pairs[1];
    pairs[1] = next;
}

/* Pushes the pairs of rows y and y + 1 of four channels; the padding columns keep theirs.
 *
 * in:    int8, the first of the channels at row 0, column 0
 * fill:  four bytes of what lies outside the input
 * pairs: uint32 [4][plane_w][2] */
TK_INLINE void tk_dsp_push_rows(const int8_t *in, int32_t y, const uint32_t *fill, uint32_t *pairs,
                                const tk_depthwise_conv2d_params *p)
{
    const int32_t columns = tk_clamp(p->plane_w - p->at.pad_left, 0, p->at.in_w);
    const int32_t row = p->at.in_w * p->at.in_c;
    const int32_t has_upper = y >= 0 && y < p->at.in_h, has_lower = y + 1 >= 0 && y + 1 < p->at.in_h;
    const int8_t *upper = has_upper ? in + y * row : (const int8_t *)fill;
    const int8_t *lower = has_lower ? in + (y + 1) * row : (const int8_t *)fill;
    const int32_t upper_step = has_upper ? p->at.in_c : 0, lower_step = has_lower ? p->at.in_c : 0;
    pairs += 2 * p->at.pad_left;
    for (int32_t x = 0; x < columns; x++, upper += upper_step, lower += lower_step, pairs += 2) {
        uint32_t u, l;
        memcpy(&u, upper, 4);
        memcpy(&l, lower, 4);
        const uint32_t u02 = tk_widen_even(u), u13 = tk_widen_odd(u);
        const uint32_t l02 = tk_widen_even(l), l13 = tk_widen_odd(l);
        tk_dsp_push(pairs, tk_pack_lows(u02, l02));
        tk_dsp_push(pairs + 2 * p->plane_w, tk_pack_lows(u13, l13));
        tk_dsp_push(pairs + 4 * p->plane_w, tk_pack_highs(u02, l02));
        tk_dsp_push(pairs + 6 * p->plane_w, tk_pack_highs(u13, l13));
    }
}

/* What the inner loop needs of a channel, unpacked: w01[i] = (w0, w1) and w12[i] = (w1, w2) of column i, doubled. */
typedef struct {
    uint32_t w01[3], w12[3];
    int32_t bias; /* doubled */
    tk_dsp_scale scale;
} tk_dsp_3x3_channel;

TK_INLINE void tk_dsp_unpack_3x3(const uint32_t *packed, tk_dsp_3x3_channel *to, const tk_output *output)
{
    for (int32_t i = 0; i < 3; i++) {
        const uint32_t w02 = tk_double_pair(tk_widen_even(packed[i])), w1 = tk_double_pair(tk_widen_odd(packed[i]));
        to->w01[i] = tk_pack_lows(w02, w1);
        to->w12[i] = tk_pack_low_high(w1, w02);
    }
    to->bias = (int32_t)packed[3];
    to->scale = tk_dsp_scale_of(packed[4], packed[0] >> 24, output);
}

#if TK_DSP_ASSEMBLY
/* One column of taps: its pairs to x (upper) and y (lower), added to what the sums are so far. */
#define TK_DSP_3X3_COLUMN(pairs, w01, w12, even, odd)                                                        \
    "ldrd %[x], %[y], " pairs "\n\t"                                                                         \
    "smlad %[even], %[x], %[" w01 "], %[" even "]\n\t"                                                       \
    "smlatb %[odd], %[x], %[" w01 "], %[" odd "]\n\t"                                                        \
    "smlabt %[even], %[y], %[" w12 "], %[even]\n\t"                                                          \
    "smlad %[odd], %[y], %[" w12 "], %[odd]\n\t"

/* The same where there is no odd output. */
#define TK_DSP_3X3_COLUMN_EVEN(pairs, w01, w12, even)                                                        \
    "ldrd %[x], %[y], " pairs "\n\t"                                                                         \
    "smlad %[even], %[x], %[" w01 "], %[" even "]\n\t"                                                       \
    "smlabt %[even], %[y], %[" w12 "], %[even]\n\t"

#define TK_DSP_3X3_TAPS                                                                                      \
    [a0] "r"(a0), [a1] "r"(a1), [a2] "r"(a2), [b0] "r"(b0), [b1] "r"(b1), [b2] "r"(b2), [bias] "r"(bias)

/* An even and an odd output, with stride 1; column moves by one. */
#define TK_DSP_3X3_BOTH                                                                                      \
    __asm__ volatile(TK_DSP_3X3_COLUMN("[%[column]], #8", "a0", "b0", "bias", "bias")                        \
                     TK_DSP_3X3_COLUMN("[%[column]]", "a1", "b1", "even", "odd")                             \
                     TK_DSP_3X3_COLUMN("[%[column], #8]", "a2", "b2", "even", "odd")                         \
                     : [even] "=&r"(even), [odd] "=&r"(odd), [x] "=&r"(x), [y] "=&r"(y),                     \
                       [column] "+r"(column)                                                                 \
                     : TK_DSP_3X3_TAPS                                                                       \
                     : "memory")

/* An even output, with stride 2; column moves by two. */
#define TK_DSP_3X3_EVEN                                                                                      \
    __asm__ volatile(TK_DSP_3X3_COLUMN_EVEN("[%[column]], #16", "a0", "b0", "bias")                          \
                     TK_DSP_3X3_COLUMN_EVEN("[%[column], #-8]", "a1", "b1", "even")                          \
                     TK_DSP_3X3_COLUMN_EVEN("[%[column]]", "a2", "b2", "even")                               \
                     : [even] "=&r"(even), [x] "=&r"(x), [y] "=&r"(y), [column] "+r"(column)                 \
                     : TK_DSP_3X3_TAPS                                                                       \
                     : "memory")
#else
#define TK_DSP_3X3_COLUMN(w01, w12)                                                                          \
    (x = column[0], y = column[1], column += 2, even = tk_smlabt(y, w12, tk_smlad(x, w01, even)),            \
     odd = tk_smlad(y, w12, tk_smlatb(x, w01, odd)))
#define TK_DSP_3X3_BOTH                                                                                      \
    (even = bias, odd = bias, TK_DSP_3X3_COLUMN(a0, b0), TK_DSP_3X3_COLUMN(a1, b1),                          \
     TK_DSP_3X3_COLUMN(a2, b2), column -= 4)
#define TK_DSP_3X3_EVEN (TK_DSP_3X3_BOTH, column += 2)
#endif

/* 3x3, stride 1 or 2 both ways.
 *
 * in:      int8 [in_h][in_w][in_c], in_c a multiple of 4
 * packed:  uint32 [in_c][5]: the three columns of taps as bytes w0, w1, w2 of a word, shift - 1 in byte 3 of the
 *          first; 2 * bias with -zero_point * sum(filter) of the input's zero point added; multiplier
 * scratch: uint32 [40 + 8 * plane_w]
 * out:     int8 [out_h][out_w][in_c], may be in
 * Shifts are 1..22 (to.any_shift is 0). Only two pairs of rows are held. */
TK_KERNEL void tk_depthwise_conv2d_3x3_s8_dsp(const int8_t *in, const uint32_t *packed, uint32_t *scratch,
                                              int8_t *out, const tk_depthwise_conv2d_params *p)
{
    const int32_t channels = p->at.in_c, row = p->at.out_w * channels, stride = p->at.stride_h;
    const uint32_t fill = (uint32_t)(uint8_t)p->fill * 0x01010101u;
    const uint32_t border = (uint32_t)(uint16_t)p->fill * 0x00010001u;
    tk_dsp_3x3_channel *const group = (tk_dsp_3x3_channel *)(void *)scratch;
    uint32_t *const pairs = scratch + 40;
    for (int32_t i = 0; i < 8 * p->plane_w; i++) {
        pairs[i] = border;
    }
    for (int32_t c = 0; c < channels; c += 4, packed += 20) {
        for (int32_t k = 0; k < 4; k++) {
            tk_dsp_unpack_3x3(packed + 5 * k, group + k, &p->to);
        }
        tk_dsp_push_rows(in + c, -p->at.pad_top, &fill, pairs, p);
        for (int32_t oy = 0; oy < p->at.out_h; oy += 3 - stride) {
            tk_dsp_push_rows(in + c, oy * stride - p->at.pad_top + 2, &fill, pairs, p);
            /* where there is no odd row, what would be there goes to the even one, before it */
            const int32_t odd_row = oy + 1 < p->at.out_h ? row : 0;
            const uint32_t *column = pairs;
            int8_t *to = out + c + oy * row;
            for (int32_t k = 0; k < 4; k++) {
                const tk_dsp_3x3_channel *const channel = group + k;
                const uint32_t a0 = channel->w01[0], a1 = channel->w01[1], a2 = channel->w01[2];
                const uint32_t b0 = channel->w12[0], b1 = channel->w12[1], b2 = channel->w12[2];
                const int32_t bias = channel->bias;
                const uint32_t *const end = column + 2 * stride * p->at.out_w;
                do {
                    int32_t even, odd;
                    uint32_t x, y;
                    if (stride == 1) {
                        TK_DSP_3X3_BOTH;
                        to[odd_row] = tk_output_doubled_s8(odd, channel->scale, &p->to);
                    } else {
                        TK_DSP_3X3_EVEN;
                    }
                    to[0] = tk_output_doubled_s8(even, channel->scale, &p->to);
                    to += channels;
                } while (column != end);
                column += 2 * (p->plane_w - stride * p->at.out_w);
                to += 1 - row;
            }
        }
    }
}

typedef struct {
    tk_depthwise_conv2d_params conv;
    int32_t span;  /* pairs of rows that an output sees: filter_h / 2 + 1 */
    int32_t pairs; /* of rows in the plane, to the last that an output sees */
} tk_depthwise_conv2d_plane_params;

/* Takes all rows of four channels apart.
 *
 * in:    int8, the first of the channels at row 0, column 0
 * plane: uint32 [4][plane_w][pairs], the padding columns left alone */
TK_INLINE void tk_dsp_fill_plane(const int8_t *in, uint32_t *plane, const tk_depthwise_conv2d_plane_params *p)
{
    const tk_window *const at = &p->conv.at;
    const uint32_t fill = (uint32_t)(uint8_t)p->conv.fill * 0x01010101u;
    const int32_t columns = tk_clamp(p->conv.plane_w - at->pad_left, 0, at->in_w);
    const int32_t row = at->in_w * at->in_c, channel = p->conv.plane_w * p->pairs;
    for (int32_t r = 0; r < p->pairs; r++) {
        const int32_t y = 2 * r - at->pad_top;
        const int32_t has_upper = y >= 0 && y < at->in_h, has_lower = y + 1 >= 0 && y + 1 < at->in_h;
        const int8_t *upper = has_upper ? in + y * row : (const int8_t *)&fill;
        const int8_t *lower = has_lower ? in + (y + 1) * row : (const int8_t *)&fill;
        uint32_t *to = plane + at->pad_left * p->pairs + r;
        for (int32_t x = 0; x < columns; x++, to += p->pairs) {
            uint32_t u, l;
            memcpy(&u, upper, 4);
            memcpy(&l, lower, 4);
            upper += has_upper ? at->in_c : 0;
            lower += has_lower ? at->in_c : 0;
            const uint32_t u02 = tk_widen_even(u), u13 = tk_widen_odd(u);
            const uint32_t l02 = tk_widen_even(l), l13 = tk_widen_odd(l);
            to[0] = tk_pack_lows(u02, l02);
            to[channel] = tk_pack_lows(u13, l13);
            to[2 * channel] = tk_pack_highs(u02, l02);
            to[3 * channel] = tk_pack_highs(u13, l13);
        }
    }
}

/* From a column of taps, bytes from top to bottom, the pairs for even and odd outputs, doubled: taps[span][2]. */
TK_INLINE const uint32_t *tk_dsp_unpack_column(const uint32_t *packed, uint32_t *taps, int32_t span)
{
    uint32_t before = 0, even[2] = {0, 0};
    for (int32_t j = 0; j < span; j++, taps += 2) {
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

/* Any filter, vertical stride 1 or 2. Meant for convolutions over time, whose planes are small.
 *
 * in:      int8 [in_h][in_w][in_c], in_c a multiple of 4
 * packed:  uint32 [in_c][3 + filter_w * ceil(span / 2)]: 2 * bias with -zero_point * sum(filter) of the input's zero
 *          point added; multiplier; shift - 1; every column of taps as bytes from top to bottom, zeros to the end of
 *          its last word
 * scratch: uint32 [2 * filter_w * span + 4 * plane_w * pairs]
 * out:     int8 [out_h][out_w][in_c], may be in
 * Shifts are 1..22 (to.any_shift is 0). */
TK_KERNEL void tk_depthwise_conv2d_plane_s8_dsp(const int8_t *in, const uint32_t *packed, uint32_t *scratch,
                                                int8_t *out, const tk_depthwise_conv2d_plane_params *p)
{
    const tk_window *const at = &p->conv.at;
    const int32_t channels = at->in_c, row = at->out_w * channels;
    uint32_t *const taps = scratch;
    uint32_t *const plane = scratch + 2 * at->filter_w * p->span;
    for (int32_t i = 0; i < 4 * p->conv.plane_w * p->pairs; i++) {
        plane[i] = (uint32_t)(uint16_t)p->conv.fill * 0x00010001u;
    }
    for (int32_t c = 0; c < channels; c++) {
        if (c % 4 == 0) {
            tk_dsp_fill_plane(in + c, plane, p);
        }
        const int32_t bias = (int32_t)packed[0];
        const tk_dsp_scale scale = tk_dsp_scale_of(packed[1], packed[2], &p->conv.to);
        packed += 3;
        for (int32_t kx = 0; kx < at->filter_w; kx++) {
            packed = tk_dsp_unpack_column(packed, taps + 2 * kx * p->span, p->span);
        }
        const uint32_t *const columns = plane + c % 4 * p->conv.plane_w * p->pairs;
        for (int32_t oy = 0; oy < at->out_h; oy += 3 - at->stride_h) {
            const uint32_t *window = columns + (at->stride_h == 1 ? oy / 2 : oy);
            int8_t *to = out + oy * row + c;
            for (int32_t ox = 0; ox < at->out_w; ox++) {
                int32_t even = bias, odd = bias;
                for (int32_t kx = 0; kx < at->filter_w; kx++) {
                    const uint32_t *const x = window + kx * p->pairs, *const w = taps + 2 * kx * p->span;
                    for (int32_t j = 0; j < p->span; j++) {
                        even = tk_smlad(x[j], w[2 * j], even);
                        odd = tk_smlad(x[j], w[2 * j + 1], odd);
                    }
                }
                if (at->stride_h == 1 && oy + 1 < at->out_h) {
                    to[row] = tk_output_doubled_s8(odd, scale, &p->conv.to);
                }
                to[0] = tk_output_doubled_s8(even, scale, &p->conv.to);
                to += channels;
                window += at->stride_w * p->pairs;
            }
        }
    }
}

#endif
