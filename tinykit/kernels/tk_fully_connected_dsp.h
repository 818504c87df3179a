/* Fully connected layer for the Arm DSP extension: four outputs at a time. */
#ifndef TK_FULLY_CONNECTED_DSP_H
#define TK_FULLY_CONNECTED_DSP_H

#include "tk_matvec_dsp.h"

typedef struct {
    int32_t rows, in_c, out_c;
    int32_t per_channel;   /* 1: a scale for each output, 0: one for all */
    int32_t chunk, chunks; /* of a tk_dsp_vector, and how many of them */
    tk_output to;
} tk_fully_connected_dsp_params;

/* wide: where to widen each row of the input once, or NULL: it is widened anew for every four outputs */
TK_INLINE void tk_dsp_fully_connected(const int8_t *in, const uint32_t *packed, uint32_t *cross, uint32_t *wide,
                                      int8_t *out, const tk_fully_connected_dsp_params *p)
{
    for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
        const tk_dsp_vector vector = {wide ? (const void *)wide : (const void *)in, p->in_c, wide != NULL, p->chunk,
                                      (int32_t *)cross};
        const uint32_t *q = packed;
        tk_dsp_scale scale = {0, 0, 0};
        if (!p->per_channel) {
            scale = tk_dsp_scale_of(q[0], q[1], &p->to);
            q += 2;
        }
        if (wide) {
            tk_dsp_widen_any(in, wide, p->in_c);
        }
        tk_dsp_cross(&vector);
        for (int32_t left = p->out_c; left > 0; left -= 4) {
            int32_t sums[4];
            q = tk_dsp_four_rows(q, &vector, sums);
            for (int32_t i = 0; i < 4; i++) {
                if (p->per_channel) {
                    scale = tk_dsp_scale_of(q[i], q[4] >> 8 * i & 0xFF, &p->to);
                }
                if (i < left) {
                    *out++ = tk_output_doubled_s8(sums[i], scale, &p->to);
                }
            }
            q += p->per_channel ? 5 : 0;
        }
    }
}

/* in:      int8 [rows][in_c]
 * packed:  uint32. With one scale for all outputs: multiplier, shift - 1. Then per four outputs, the last filled up
 *          with zeros: what tk_dsp_four_rows() takes and, with a scale for each output, four multipliers and a word of
 *          four bytes shift - 1
 * scratch: uint32 [chunks]
 * out:     int8 [rows][out_c]
 * Shifts are 1..22 (to.any_shift is 0). */
TK_KERNEL void tk_fully_connected_s8_dsp(const int8_t *in, const uint32_t *packed, uint32_t *scratch, int8_t *out,
                                         const tk_fully_connected_dsp_params *p)
{
    tk_dsp_fully_connected(in, packed, scratch, NULL, out, p);
}

/* The same where in_c is small and out_c is not.
 *
 * scratch: uint32 [depth4 / 2 + chunks]; depth4 is in_c rounded up to a multiple of 4 */
TK_KERNEL void tk_fully_connected_wide_s8_dsp(const int8_t *in, const uint32_t *packed, uint32_t *scratch, int8_t *out,
                                              const tk_fully_connected_dsp_params *p)
{
    tk_dsp_fully_connected(in, packed, scratch + ((p->in_c + 3) & ~3) / 2, scratch, out, p);
}

#endif
