/* Fully connected layer with int16 activations for the Arm DSP extension: four outputs at a time. */
#ifndef TK_FULLY_CONNECTED_INT16_DSP_H
#define TK_FULLY_CONNECTED_INT16_DSP_H

#include "tk_dsp_int16.h"
#include "tk_fully_connected_int16.h"

/* in:     int16 [rows][in_c]
 * packed: uint32. With one scale for all outputs, first its multiplier. Then per four outputs, the last filled up with
 *         zeros: what tk_dsp_four_rows_s16() takes and, with a scale for each output, four multipliers
 * out:    int16 [rows][out_c]
 * Multipliers are those of tk_output_to_s16(), rounding once. */
TK_KERNEL void tk_fully_connected_s16_dsp(const int16_t *in, const uint32_t *packed, int16_t *out,
                                          const tk_fully_connected_s16_params *p)
{
    for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
        const uint32_t *q = packed + (p->per_channel ? 0 : 1);
        for (int32_t left = p->out_c; left > 0; left -= 4) {
            int32_t sums[4];
            q = tk_dsp_four_rows_s16(q, in, p->in_c, sums);
            TK_UNROLLED
            for (int32_t i = 0; i < 4; i++) {
                const uint32_t multiplier = p->per_channel ? q[i] : packed[0];
                if (i < left) {
                    *out++ = tk_dsp_output_s16(sums[i], multiplier, &p->to);
                }
            }
            q += p->per_channel ? 4 : 0;
        }
    }
}

#endif
