/* Softmax, int16, by two tables as TensorFlow Lite Micro does it. */
#ifndef TK_SOFTMAX_INT16_H
#define TK_SOFTMAX_INT16_H

#include "tk_requantize.h"

typedef struct {
    int32_t rows, depth;
    int32_t multiplier, shift; /* of tk_requantize_any(): distances from the maximum to tenths of 65535 */
} tk_softmax_s16_params;

/* A table at v, from one end of its interval (-32768) to the other, interpolated.  table: int16 [513] */
TK_INLINE int32_t tk_look_up_s16(int32_t v, const int16_t *table)
{
    const int32_t index = 256 + (v >> 7), low = table[index];
    return low + (((table[index + 1] - low) * (v & 0x7F) + 64) >> 7);
}

/* Output scale 2^-15.  Works in place. out holds the exponentials meanwhile.
 *
 * in, out:      int16 [rows][depth]; depth: 1..65535
 * exponentials: int16 [513], exp from -10 to 0 with 15 fraction bits
 * reciprocals:  int16 [513], 1 / (1 + x) for x from 0 to 1 */
TK_KERNEL void tk_softmax_s16(const int16_t *in, const int16_t *exponentials, const int16_t *reciprocals, int16_t *out,
                              const tk_softmax_s16_params *p)
{
    for (int32_t r = 0; r < p->rows; r++) {
        int32_t largest = INT16_MIN;
        TK_ROLLED
        for (int32_t i = 0; i < p->depth; i++) {
            largest = in[i] > largest ? in[i] : largest;
        }
        int32_t sum = 0; /* 15 fraction bits; at least the maximum's, almost 1 */
        TK_ROLLED
        for (int32_t i = 0; i < p->depth; i++) {
            const int32_t d = tk_requantize_any(in[i] - largest, p->multiplier, p->shift);
            /* limited first: d may be as low as -2^31 */
            out[i] = (int16_t)tk_look_up_s16(tk_clamp(d, -65535, 0) + 32767, exponentials);
            sum += out[i];
        }
        int32_t right = 30;               /* 2^right <= sum */
        uint32_t leading = (uint32_t)sum; /* moved up: sum * 2^(30 - right) */
        TK_ROLLED
        while (leading < 1u << 30) {
            leading <<= 1;
            right--;
        }
        /* sum * 2^-right, from 1 to 2, less the 1 */
        const int32_t over = (int32_t)((leading + (1u << 13)) >> 14) - 3 * (1 << 15);
        const int32_t scale = tk_look_up_s16(tk_clamp(over, INT16_MIN, INT16_MAX), reciprocals);
        TK_ROLLED
        for (int32_t i = 0; i < p->depth; i++) {
            out[i] = (int16_t)tk_clamp((out[i] * scale + (1 << (right - 1))) >> right, 0, INT16_MAX);
        }
        in += p->depth;
        out += p->depth;
    }
}

#endif
