/* From an accumulator to an int16 output, in the two ways of TensorFlow Lite Micro.
 *
 * Layers with int64 biases, or none, are summed in 64 bits, scaled by 16 bits of the multiplier, and rounded once,
 * half up: round(acc * m * 2^-s) with m in 0..2^15-1 and s in 8..46. Layers with int32 biases are summed in 32 bits and
 * rounded twice, as int8 is (tk_requantize.h).
 *
 * Where the compiler has proved that sums fit 32 bits, whatever the input, and s is 16..32, the first way is one high
 * multiply: round(acc * (m * 2^(32 - s)) * 2^-32), the same number. */
#ifndef TK_REQUANTIZE_INT16_H
#define TK_REQUANTIZE_INT16_H

#include "tk_requantize.h"

/* How an op's accumulators become its outputs; literal in every call. */
typedef struct {
    int32_t low, high; /* the fused activation, as output codes: -32768..32767 */
    int32_t twice;     /* 1: rounded twice; 0: once, by tk_high_mul_rounded() */
} tk_output_s16;

/* How many products of int16 and int8 are summed in 32 bits at a time: 508 * 128 * 32768 < 2^31. */
enum { TK_CHUNK_S16 = 508 };

/* round(a * b / 2^32), half up. */
TK_INLINE int32_t tk_high_mul_rounded(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
}

/* round(acc * multiplier / 2^shift), half up.  acc: below 2^47 in magnitude, multiplier: 0..2^15-1, shift: 8..46; the
 * compiler has proved that the result fits 32 bits. */
TK_INLINE int32_t tk_requantize_wide(int64_t acc, int32_t multiplier, int32_t shift)
{
    return (int32_t)((acc * multiplier + ((int64_t)1 << (shift - 1))) >> shift);
}

/* acc scaled and limited.
 * multiplier: m * 2^(32 - s); shift: not used. With to->twice both are those of tk_requantize_any(). */
TK_INLINE int16_t tk_output_to_s16(int32_t acc, int32_t multiplier, int32_t shift, const tk_output_s16 *to)
{
    const int32_t v =
        to->twice ? tk_requantize_any(acc, multiplier, shift) : tk_high_mul_rounded(acc, multiplier);
    return (int16_t)tk_clamp(v, to->low, to->high);
}

/* The same for 64-bit sums; arguments of tk_requantize_wide(). */
TK_INLINE int16_t tk_wide_output_to_s16(int64_t acc, int32_t multiplier, int32_t shift, const tk_output_s16 *to)
{
    return (int16_t)tk_clamp(tk_requantize_wide(acc, multiplier, shift), to->low, to->high);
}

#endif
