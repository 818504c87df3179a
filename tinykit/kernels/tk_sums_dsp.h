/* A matrix times a part of its input, for the Arm DSP extension: four sums at a time. */
#ifndef TK_SUMS_DSP_H
#define TK_SUMS_DSP_H

#include "tk_matvec_dsp.h"

typedef struct {
    int32_t in_c, out_c;
    int32_t chunk; /* see tk_dsp_vector */
} tk_matrix_sums_dsp_params;

/* in:     int8 [in_c]
 * packed: uint32; what tk_dsp_four_rows() takes for every four sums, the last filled up with zeros, biases 0
 * cross:  int32 [chunks], scratch
 * sums:   int32 [out_c] */
TK_KERNEL void tk_matrix_sums_s8_dsp(const int8_t *in, const uint32_t *packed, int32_t *cross, int32_t *sums,
                                     const tk_matrix_sums_dsp_params *p)
{
    const tk_dsp_vector vector = {in, p->in_c, 0, p->chunk, cross};
    tk_dsp_cross(&vector);
    for (int32_t left = p->out_c; left > 0; left -= 4) {
        int32_t doubled[4];
        packed = tk_dsp_four_rows(packed, &vector, doubled);
        for (int32_t i = 0; i < 4; i++) {
            if (i < left) {
                *sums++ += doubled[i] / 2;
            }
        }
    }
}

#endif
