/* Fully connected layer, int8. */
#ifndef TK_FULLY_CONNECTED_H
#define TK_FULLY_CONNECTED_H

#include "tk_matvec.h"

typedef struct {
    int32_t rows, in_c, out_c;
    int32_t per_channel; /* 1: a scale for each output, 0: one for all */
    tk_output to;
} tk_fully_connected_params;

/* in:         int8 [rows][in_c]
 * filter:     int8 [out_c][in_c]
 * bias:       int32 [out_c], with -zero_point * sum(filter) of the input's zero point added
 * multiplier: int32 [out_c] or [1], 2^30..2^31-1 or 0
 * shift:      int8 [out_c] or [1], to the right: 1..31, or -30..31 with to.any_shift
 * out:        int8 [rows][out_c] */
TK_KERNEL void tk_fully_connected_s8(const int8_t *in, const int8_t *filter, const int32_t *bias,
                                     const int32_t *multiplier, const int8_t *shift, int8_t *out,
                                     const tk_fully_connected_params *p)
{
    for (int32_t r = 0; r < p->rows; r++) {
        tk_matvec_s8(filter, in, p->out_c, p->in_c, bias, multiplier, shift, p->per_channel, out, &p->to);
        in += p->in_c;
        out += p->out_c;
    }
}

#endif
