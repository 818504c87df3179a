/* What the kernels for the Arm DSP extension (Cortex-M4, M7, M33) share.
 *
 * SMLAD multiplies two pairs of int16 and adds both products: two MACs in one instruction. int8 operands must be
 * widened for it, and the widening is where the instructions go. So activations are widened once for all output
 * channels, into scratch, and weights are stored so that widening them is nearly free:
 *
 *   one 32-bit word holds four weights, of two output channels ("lo" and "hi") for two inputs x0, x1:
 *       halfword 0 = lo[x0] + 256 * hi[x0],   halfword 1 = lo[x1] + 256 * hi[x1]
 *   r += SMLAD(word, x)            sums lo + 256 * hi
 *   l += SMLAD(SXTB16(word), x)    sums lo
 *   (r - l) / 256 is the sum of hi, exact although r may wrap, as long as |sum of hi| < 2^23.
 *
 * Activations are stored doubled, because TFLM's first rounding, round(acc * m / 2^31), is then one SMMLAR of the
 * doubled accumulator, which adds the output's zero point too. The input's zero point is folded into the bias when the model is compiled. */
#ifndef TK_DSP_H
#define TK_DSP_H

#include "tk_dsp_instructions.h"
#include "tk_requantize.h"

/* Widens and doubles int8 from[depth4] (a multiple of 4): per four values the pairs (0, 2) and (1, 3), each `stride`
 * words after the other. */
TK_INLINE void tk_dsp_widen(const int8_t *from, uint32_t *to, int32_t depth4, int32_t stride)
{
    _Pragma("GCC unroll 2")
    for (int32_t k = 0; k < depth4; k += 4, to += 2 * stride) {
        uint32_t v;
        memcpy(&v, from + k, 4);
        to[0] = tk_double_pair(tk_widen_even(v));
        to[stride] = tk_double_pair(tk_widen_odd(v));
    }
}

/* The same side by side, for any depth: the last pairs are filled up with zeros. */
TK_INLINE void tk_dsp_widen_any(const int8_t *from, uint32_t *to, int32_t depth)
{
    const int32_t whole = depth & ~3;
    tk_dsp_widen(from, to, whole, 1);
    if (whole != depth) {
        int8_t rest[4] = {0, 0, 0, 0};
        memcpy(rest, from + whole, (size_t)(depth - whole));
        tk_dsp_widen(rest, to + whole / 2, 4, 1);
    }
}

/* The sum of hi, given r (which may have wrapped) and l, the sum of lo. */
TK_INLINE int32_t tk_dsp_high_sum(int32_t r, int32_t l)
{
    return (int32_t)((uint32_t)r - (uint32_t)l) >> 8;
}

/* Copies words from the first on. gcc knows such loops and would call memmove(): hidden values prevent it. */
TK_INLINE void tk_dsp_move_down(const uint32_t *from, uint32_t *to, int32_t count)
{
    TK_ROLLED
    for (int32_t i = 0; i < count; i++) {
        uint32_t word = from[i];
        __asm__("" : "+r"(word));
        to[i] = word;
    }
}

/* The same from the last on. */
TK_INLINE void tk_dsp_move_up(const uint32_t *from, uint32_t *to, int32_t count)
{
    TK_ROLLED
    for (int32_t i = count - 1; i >= 0; i--) {
        uint32_t word = from[i];
        __asm__("" : "+r"(word));
        to[i] = word;
    }
}

/* What requantizing the outputs of one channel needs. */
typedef struct {
    int32_t multiplier;
    int32_t shift;  /* 1..31 */
    int32_t offset; /* half an output step plus the zero point, before the shift */
} tk_dsp_scale;

/* shift_1: the shift minus one, as it is stored. */
TK_INLINE tk_dsp_scale tk_dsp_scale_of(uint32_t multiplier, uint32_t shift_1, const tk_output *to)
{
    return (tk_dsp_scale){(int32_t)multiplier, (int32_t)shift_1 + 1,
                          (int32_t)((uint32_t)(2 * to->zero_point + 1) << shift_1)};
}

/* tk_output_s8() of acc, given 2 * acc: the same two roundings.
 * Halves are rounded away from zero by adding the sign before the shift. The sign of the accumulator serves, because
 * where the product rounds to 0 one more or less does not reach the next step; and where the activation cuts off what
 * is below the zero point, negative values need no rounding at all. */
TK_INLINE int8_t tk_output_doubled_s8(int32_t twice_acc, tk_dsp_scale scale, const tk_output *to)
{
    const int32_t away = to->low >= to->zero_point ? 0 : twice_acc >> 31;
    const int32_t v = tk_smmlar(twice_acc, scale.multiplier, scale.offset + away) >> scale.shift;
    if (to->low > -128 || to->high < 127) {
        return (int8_t)tk_clamp(v, to->low, to->high);
    }
    return tk_ssat8(v);
}

#endif
