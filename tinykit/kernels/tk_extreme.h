/* The largest or the smallest value over some axes of a tensor, int8. */
#ifndef TK_EXTREME_H
#define TK_EXTREME_H

#include "tk_common.h"

typedef struct {
    int32_t keep_count[3], keep_step[3]; /* axes of the output: elements, and their distance in the input */
    int32_t gone_count[3], gone_step[3]; /* axes over which is picked */
    int32_t smallest;                    /* 1: the smallest value, 0: the largest */
} tk_extreme_params;

/* Each output is written after its inputs were read: in place at a distance.
 *
 * in:  int8, indexed by the steps
 * out: int8 [keep_count[0]][keep_count[1]][keep_count[2]] */
TK_KERNEL void tk_extreme_s8(const int8_t *in, int8_t *out, const tk_extreme_params *p)
{
    for (int32_t i = 0; i < p->keep_count[0]; i++) {
        for (int32_t j = 0; j < p->keep_count[1]; j++) {
            for (int32_t k = 0; k < p->keep_count[2]; k++) {
                const int8_t *const from = in + i * p->keep_step[0] + j * p->keep_step[1] + k * p->keep_step[2];
                int8_t picked = *from;
                for (int32_t x = 0; x < p->gone_count[0]; x++) {
                    for (int32_t y = 0; y < p->gone_count[1]; y++) {
                        for (int32_t z = 0; z < p->gone_count[2]; z++) {
                            const int8_t v = from[x * p->gone_step[0] + y * p->gone_step[1] + z * p->gone_step[2]];
                            picked = (p->smallest ? v < picked : v > picked) ? v : picked;
                        }
                    }
                }
                *out++ = picked;
            }
        }
    }
}

#endif
