/* Pairs of int16 activations times pairs of int8 weights for the Arm DSP extension.
 *
 * Two activations lie in one word as they are. One word of weights is of two rows ("lo" and "hi") for two inputs:
 *     bytes lo[k], hi[k], lo[k + 1], hi[k + 1]
 * so that SXTB16 makes the pair of lo of it, and SXTB16 with a rotation that of hi: an SMLAD for each. Sums are of 32
 * bits: the compiler has proved for every layer that its sums fit, in any order. */
#ifndef TK_DSP_INT16_H
#define TK_DSP_INT16_H

#include "tk_dsp_instructions.h"
#include "tk_requantize_int16.h"

/* tk_output_to_s16() of a sum that is rounded once. gcc finds neither SMMULR nor SSAT by itself. */
TK_INLINE int16_t tk_dsp_output_s16(int32_t acc, uint32_t multiplier, const tk_output_s16 *to)
{
    const int32_t v = tk_smmulr(acc, (int32_t)multiplier);
    if (to->low > INT16_MIN || to->high < INT16_MAX) {
        return (int16_t)tk_clamp(v, to->low, to->high);
    }
    return (int16_t)tk_ssat16(v);
}

/* The pair x[0], x[1]. */
TK_INLINE uint32_t tk_pair_s16(const int16_t *x)
{
    uint32_t v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* One step of the sums below: four rows times two inputs. */
TK_INLINE void tk_dsp_four_rows_step(const uint32_t *q, uint32_t x, int32_t *sums)
{
    sums[0] = tk_smlad(x, tk_widen_even(q[0]), sums[0]);
    sums[1] = tk_smlad(x, tk_widen_odd(q[0]), sums[1]);
    sums[2] = tk_smlad(x, tk_widen_even(q[1]), sums[2]);
    sums[3] = tk_smlad(x, tk_widen_odd(q[1]), sums[3]);
}

/* Four rows times a vector: sums[i] = start[i] + sum of row i times x.
 *
 * q: uint32, four starts, then per two inputs two words of weights, of rows 0 and 1 and of rows 2 and 3; the depth is
 *    filled up with zeros to a multiple of 4. Returns what follows.
 * x: int16 [depth] */
TK_INLINE const uint32_t *tk_dsp_four_rows_s16(const uint32_t *q, const int16_t *x, int32_t depth, int32_t *sums)
{
    int32_t acc[4] = {(int32_t)q[0], (int32_t)q[1], (int32_t)q[2], (int32_t)q[3]};
    q += 4;
    TK_UNROLLED
    for (int32_t k = 0; k < depth / 4; k++, x += 4, q += 4) {
        tk_dsp_four_rows_step(q, tk_pair_s16(x), acc);
        tk_dsp_four_rows_step(q + 2, tk_pair_s16(x + 2), acc);
    }
    if (depth & 3) {
        int16_t rest[4] = {0, 0, 0, 0};
        memcpy(rest, x, sizeof(int16_t) * (size_t)(depth & 3));
        tk_dsp_four_rows_step(q, tk_pair_s16(rest), acc);
        tk_dsp_four_rows_step(q + 2, tk_pair_s16(rest + 2), acc);
        q += 4;
    }
    memcpy(sums, acc, sizeof acc);
    return q;
}

/* One step of the sums below: two rows times two inputs of four vectors. */
TK_INLINE void tk_dsp_four_vectors_step(uint32_t w, const uint32_t *x, int32_t *sums)
{
    const uint32_t lo = tk_widen_even(w), hi = tk_widen_odd(w);
    sums[0] = tk_smlad(x[0], lo, sums[0]);
    sums[4] = tk_smlad(x[0], hi, sums[4]);
    sums[1] = tk_smlad(x[1], lo, sums[1]);
    sums[5] = tk_smlad(x[1], hi, sums[5]);
    sums[2] = tk_smlad(x[2], lo, sums[2]);
    sums[6] = tk_smlad(x[2], hi, sums[6]);
    sums[3] = tk_smlad(x[3], lo, sums[3]);
    sums[7] = tk_smlad(x[3], hi, sums[7]);
}

/* Two rows times four vectors: sums[i] and sums[4 + i] are the lo and hi row's for vector i.
 *
 * q:     uint32, two starts, then per two inputs one word of weights. Returns what follows.
 * block: uint32 [pairs][4], pairs of inputs of the four vectors side by side; pairs is even */
TK_INLINE const uint32_t *tk_dsp_four_vectors_s16(const uint32_t *q, const uint32_t *block, int32_t pairs,
                                                  int32_t *sums)
{
    const int32_t lo = (int32_t)q[0], hi = (int32_t)q[1];
    int32_t acc[8] = {lo, lo, lo, lo, hi, hi, hi, hi};
    q += 2;
    TK_ROLLED
    for (int32_t k = pairs / 2; k > 0; k--, q += 2, block += 8) {
        tk_dsp_four_vectors_step(q[0], block, acc);
        tk_dsp_four_vectors_step(q[1], block + 4, acc);
    }
    memcpy(sums, acc, sizeof acc);
    return q;
}

#endif
