/* A fully connected layer over time, split into filters over features and over time; int8 with an int16 state. */
#ifndef TK_SVDF_H
#define TK_SVDF_H

#include "tk_requantize.h"

typedef struct {
    int32_t depth, memory, units, rank; /* units * rank filters */
    int32_t state_multiplier, state_shift; /* of tk_requantize_any(), into the state */
    int32_t multiplier, shift;             /* and from the state to the output */
    tk_output to;
} tk_svdf_params;

/* in:           int8 [depth]
 * feature:      int8 [units][rank][depth]
 * feature_bias: int32 [units][rank], -zero_point * sum(feature) of the input's zero point
 * time:         int16 [units][rank][memory]
 * bias:         int32 [units]
 * state:        int16 [units][rank][memory], oldest first
 * out:          int8 [units]; must not overlap in */
TK_KERNEL void tk_svdf_s8(const int8_t *in, const int8_t *feature, const int32_t *feature_bias, const int16_t *time,
                          const int32_t *bias, int16_t *state, int8_t *out, const tk_svdf_params *p)
{
    for (int32_t u = 0; u < p->units; u++) {
        int32_t sum = bias[u];
        for (int32_t r = 0; r < p->rank; r++) {
            int32_t acc = *feature_bias++;
            TK_UNROLLED
            for (int32_t k = 0; k < p->depth; k++) {
                acc += in[k] * feature[k];
            }
            feature += p->depth;
            for (int32_t t = 0; t + 1 < p->memory; t++) {
                state[t] = state[t + 1];
                sum += state[t] * time[t];
            }
            const int32_t newest = tk_requantize_any(acc, p->state_multiplier, p->state_shift);
            state[p->memory - 1] = (int16_t)tk_clamp(newest, INT16_MIN, INT16_MAX);
            sum += state[p->memory - 1] * time[p->memory - 1];
            state += p->memory;
            time += p->memory;
        }
        out[u] = tk_output_s8(sum, p->multiplier, p->shift, &p->to);
    }
}

#endif
