/* From a 32-bit accumulator to an int8 output, rounding twice as TensorFlow Lite Micro does.
 *
 * A real factor is held as multiplier * 2^(-31 - shift), multiplier in 2^30..2^31-1 (or 0) and shift counted to the
 * right. The product is rounded to 32 bits (half up), then shifted (half away from zero). Rounding once would give
 * other numbers now and then; results must equal the interpreter's bit for bit, so both roundings are kept. */
#ifndef TK_REQUANTIZE_H
#define TK_REQUANTIZE_H

#include "tk_common.h"

/* How an op's accumulators become its outputs; literal in every call. */
typedef struct {
    int32_t zero_point; /* of the output: -128..127 */
    int32_t low, high;  /* the fused activation, as output codes: -128..127 */
    int32_t any_shift;  /* 0: tk_requantize() is safe for every channel; 1: tk_requantize_any() is needed */
} tk_output;

/* round(a * b / 2^31), half up.
 * The usual definition adds a sign-dependent nudge and truncates; floor with a constant nudge is the same number.
 * Not saturated: a and b must not both be -2^31. */
TK_INLINE int32_t tk_doubling_high_mul(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* round(v / 2^shift), half away from zero.  v: any, shift: 0..31. */
TK_INLINE int32_t tk_rounding_shift(int32_t v, int32_t shift)
{
    const int32_t mask = (int32_t)((1u << shift) - 1);
    const int32_t threshold = (mask >> 1) + (v < 0);
    return (v >> shift) + ((v & mask) > threshold);
}

/* acc scaled.  acc: -2^30..2^30, so that adding half an output step cannot overflow; shift: 1..31. */
TK_INLINE int32_t tk_requantize(int32_t acc, int32_t multiplier, int32_t shift)
{
    const int32_t v = tk_doubling_high_mul(acc, multiplier);
    return (v + (v >> 31) + (int32_t)(1u << (shift - 1))) >> shift;
}

/* acc scaled, saturated to 32 bits.  acc: any, shift: -30..31, negative to the left. */
TK_INLINE int32_t tk_requantize_any(int32_t acc, int32_t multiplier, int32_t shift)
{
    if (shift > 0) {
        return tk_rounding_shift(tk_doubling_high_mul(acc, multiplier), shift);
    }
    const int64_t v = ((int64_t)acc * multiplier + (1 << (30 + shift))) >> (31 + shift);
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

/* v, already scaled, moved to the zero point and limited to the activation. */
TK_INLINE int8_t tk_limited_s8(int32_t v, const tk_output *to)
{
    /* limited before the zero point is added: v may be saturated */
    return (int8_t)(tk_clamp(v, to->low - to->zero_point, to->high - to->zero_point) + to->zero_point);
}

/* acc scaled, moved to the zero point and limited to the activation. */
TK_INLINE int8_t tk_output_s8(int32_t acc, int32_t multiplier, int32_t shift, const tk_output *to)
{
    return tk_limited_s8(
        to->any_shift ? tk_requantize_any(acc, multiplier, shift) : tk_requantize(acc, multiplier, shift), to);
}

#endif
