/* The mean over some axes of a tensor, int8, requantized. */
#ifndef TK_MEAN_H
#define TK_MEAN_H

#include "tk_requantize.h"

typedef struct {
    int32_t keep_count[3], keep_step[3]; /* axes of the output: elements, and their distance in the input */
    int32_t sum_count[3], sum_step[3];   /* axes that are averaged */
    int32_t in_zero_point;
    int32_t multiplier, shift; /* the division by the count is in them */
    tk_output to;
} tk_mean_params;

/* Each output is written after its inputs were read: in place at a distance.
 *
 * in:  int8, indexed by the steps
 * out: int8 [keep_count[0]][keep_count[1]][keep_count[2]] */
TK_KERNEL void tk_mean_s8(const int8_t *in, int8_t *out, const tk_mean_params *p)
{
    const int32_t elements = p->sum_count[0] * p->sum_count[1] * p->sum_count[2];
    for (int32_t i = 0; i < p->keep_count[0]; i++) {
        for (int32_t j = 0; j < p->keep_count[1]; j++) {
            for (int32_t k = 0; k < p->keep_count[2]; k++) {
                const int8_t *from = in + i * p->keep_step[0] + j * p->keep_step[1] + k * p->keep_step[2];
                int32_t sum = -p->in_zero_point * elements;
                for (int32_t x = 0; x < p->sum_count[0]; x++) {
                    for (int32_t y = 0; y < p->sum_count[1]; y++) {
                        for (int32_t z = 0; z < p->sum_count[2]; z++) {
                            sum += from[x * p->sum_step[0] + y * p->sum_step[1] + z * p->sum_step[2]];
                        }
                    }
                }
                *out++ = tk_output_s8(sum, p->multiplier, p->shift, &p->to);
            }
        }
    }
}

#endif
