/* Fully connected layer for Helium: four outputs at a time. */
#ifndef TK_FULLY_CONNECTED_HELIUM_H
#define TK_FULLY_CONNECTED_HELIUM_H

#include "tk_fully_connected.h"
#include "tk_matvec_helium.h"

/* in:         int8 [rows][in_c]
 * filter:     int8 [out_c][in_c]
 * bias:       int32 [out4], with -zero_point * sum(filter) of the input's zero point added; out4 is out_c rounded up
 *             to a multiple of 4
 * multiplier: int32 [out4], or [1] unless per_channel
 * left:       int8 [out4] or [1], minus the shift to the right: -31..-1
 * out:        int8 [rows][out_c] */
TK_KERNEL void tk_fully_connected_s8_helium(const int8_t *in, const int8_t *filter, const int32_t *bias,
                                            const int32_t *multiplier, const int8_t *left, int8_t *out,
                                            const tk_fully_connected_params *p)
{
    int32x4_t m = vdupq_n_s32(multiplier[0]), s = vdupq_n_s32(left[0]);
    TK_ROLLED
    for (int32_t r = 0; r < p->rows; r++, in += p->in_c, out += p->out_c) {
        TK_ROLLED
        for (int32_t c = 0; c < p->out_c; c += 4) {
            const int32_t last = p->out_c - 1 - c; /* rows beyond it are read as copies of it */
            const int32x4_t acc =
                tk_helium_four_rows(bias + c, filter + c * p->in_c, last, in, p->in_c);
            if (p->per_channel) {
                m = vldrwq_s32(multiplier + c);
                s = vldrbq_s32(left + c);
            }
            tk_helium_write_4(tk_helium_scaled(acc, m, s, &p->to), last + 1, out + c, &p->to);
        }
    }
}

#endif
