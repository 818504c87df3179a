/* Fully connected layer, int16 activations and int8 weights. */
#ifndef TK_FULLY_CONNECTED_INT16_H
#define TK_FULLY_CONNECTED_INT16_H

#include "tk_matvec_int16.h"

typedef struct {
    int32_t rows, in_c, out_c;
    int32_t per_channel; /* 1: a scale for each output, 0: one for all */
    tk_output_s16 to;
} tk_fully_connected_s16_params;

/* in:     int16 [rows][in_c]
 * filter: int8 [out_c][in_c]
 * bias:   int32 [out_c]
 * multiplier, shift: [out_c] or [1], of tk_matvec_s16()
 * out:    int16 [rows][out_c] */
TK_KERNEL void tk_fully_connected_s16(const int16_t *in, const int8_t *filter, const int32_t *bias,
                                      const int32_t *multiplier, const int8_t *shift, int16_t *out,
                                      const tk_fully_connected_s16_params *p)
{
    for (int32_t r = 0; r < p->rows; r++) {
        tk_matvec_s16(filter, in, p->out_c, p->in_c, bias, multiplier, shift, p->per_channel, out, &p->to);
        in += p->in_c;
        out += p->out_c;
    }
}

/* The same with bias int64 [out_c], where sums may need more than 32 bits. */
TK_KERNEL void tk_fully_connected_wide_s16(const int16_t *in, const int8_t *filter, const int64_t *bias,
                                           const int32_t *multiplier, const int8_t *shift, int16_t *out,
                                           const tk_fully_connected_s16_params *p)
{
    for (int32_t r = 0; r < p->rows; r++) {
        tk_matvec_wide_s16(filter, in, p->out_c, p->in_c, bias, multiplier, shift, p->per_channel, out, &p->to);
        in += p->in_c;
        out += p->out_c;
    }
}

#endif
