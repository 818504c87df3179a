/* Four rows of an int8 matrix times an int8 vector, for the Arm DSP extension: 11 instructions for 16 MACs, and what it
 * takes to load the vector.
 *
 * The sums of lo + 256 * hi are those of tk_dsp.h. The sums of lo alone come from half as many products, by S. Winograd's
 * identity for inner products (1968), since the instruction that sign-extends a weight adds an input to it for nothing:
 *
 *   (x1 + lo0) * (x0 + lo1) = x0 * lo0 + x1 * lo1 + x0 * x1 + lo0 * lo1
 *
 * x0 * x1 is the same for all rows: it is summed once for the vector ("cross"). lo0 * lo1 is the same for all vectors: it
 * is folded into the biases when the model is compiled. Both also lie in the difference of the two sums from which hi is
 * read; there the compiler adds the second to the high bias, in units of 256, rounded up. */
#ifndef TK_MATVEC_DSP_H
#define TK_MATVEC_DSP_H

#include "tk_dsp.h"

#include <stddef.h>

/* A vector as tk_dsp_four_rows() takes it; all but the addresses are literals. */
typedef struct {
    const void *x; /* int8 [depth], or with wide uint32 [depth4 / 2] as tk_dsp_widen_any() makes it */
    int32_t depth; /* depth4: rounded up to a multiple of 4 */
    int32_t wide;
    int32_t chunk;  /* a multiple of 4. The high sums of any chunk of inputs, doubled when wide, stay below 2^23 - 2^16 */
    int32_t *cross; /* [number of chunks], set by tk_dsp_cross() */
} tk_dsp_vector;

/* Of the inputs from `k` on: how many make up one chunk. */
TK_INLINE int32_t tk_dsp_chunk(const tk_dsp_vector *v, int32_t k)
{
    const int32_t whole = v->wide ? (v->depth + 3) & ~3 : v->depth & ~3;
    return whole - k < v->chunk ? whole - k : v->chunk;
}

/* Reads four inputs: the even ones, then the odd ones. */
TK_INLINE const int8_t *tk_dsp_four_inputs(const int8_t *s, int32_t wide, uint32_t *x, uint32_t *y)
{
    memcpy(x, s, 4);
    if (wide) {
        memcpy(y, s + 4, 4);
        return s + 8;
    }
    *y = tk_widen_odd(*x);
    *x = tk_widen_even(*x);
    return s + 4;
}

/* The last depth % 4 inputs, and zeros. */
TK_INLINE uint32_t tk_dsp_rest(const tk_dsp_vector *v)
{
    uint32_t rest = 0;
    memcpy(&rest, (const int8_t *)v->x + (v->depth & ~3), (size_t)(v->depth % 4));
    return rest;
}

/* Sets v->cross: for each chunk the sum of x[k] * x[k + 1] over the even k. */
TK_INLINE void tk_dsp_cross(const tk_dsp_vector *v)
{
    const int8_t *s = (const int8_t *)v->x;
    int32_t *to = v->cross;
    uint32_t x, y;
    to[0] = 0; /* there may be less than one chunk */
    for (int32_t k = 0; k < (v->wide ? v->depth : v->depth & ~3); k += v->chunk) {
        int32_t sum = 0;
        for (int32_t left = tk_dsp_chunk(v, k); left > 0; left -= 4) {
            s = tk_dsp_four_inputs(s, v->wide, &x, &y);
            sum = tk_smlad(x, y, sum);
        }
        *to++ = sum;
    }
    if (!v->wide && v->depth % 4 != 0) {
        const uint32_t rest = tk_dsp_rest(v);
        to -= v->depth >= 4 ? 1 : 0;
        *to = tk_smlad(tk_widen_even(rest), tk_widen_odd(rest), *to);
    }
}

#if TK_DSP_ASSEMBLY
/* Four inputs, as x (even) and y (odd), against four rows. Weights in r8..r11: rows 0, 1 and rows 2, 3 for x, then the
 * same for y. */
#define TK_DSP_ROWS_STEP                                                                                     \
    "ldmia %[q]!, {r8, r9, r10, r11}\n\t"                                                                      \
    "smlad %[r0], r8, %[x], %[r0]\n\t"                                                                       \
    "smlad %[r1], r9, %[x], %[r1]\n\t"                                                                       \
    "smlad %[r0], r10, %[y], %[r0]\n\t"                                                                       \
    "smlad %[r1], r11, %[y], %[r1]\n\t"                                                                       \
    "sxtab16 r8, %[y], r8\n\t"                                                                               \
    "sxtab16 r9, %[y], r9\n\t"                                                                               \
    "sxtab16 r10, %[x], r10\n\t"                                                                               \
    "sxtab16 r11, %[x], r11\n\t"                                                                               \
    "smlad %[l0], r8, r10, %[l0]\n\t"                                                                         \
    "smlad %[l1], r9, r11, %[l1]\n\t"
#define TK_DSP_ROWS_WIDE "ldrd %[x], %[y], [%[s]], #8\n\t" TK_DSP_ROWS_STEP
#define TK_DSP_ROWS_NARROW                                                                                   \
    "ldr %[y], [%[s]], #4\n\t"                                                                               \
    "sxtb16 %[x], %[y]\n\t"                                                                                  \
    "sxtb16 %[y], %[y], ror #8\n\t" TK_DSP_ROWS_STEP
#define TK_DSP_ROWS_LOOP(steps)                                                                              \
    __asm__ volatile("1:\n\t" steps                                                                          \
                     "cmp %[s], %[end]\n\t"                                                                  \
                     "bne 1b\n\t"                                                                            \
                     : [r0] "+r"(r0), [l0] "+r"(l0), [r1] "+r"(r1), [l1] "+r"(l1), [q] "+r"(q),              \
                       [s] "+r"(s), [x] "=&r"(x), [y] "=&r"(y)                                               \
                     : [end] "r"(end)                                                                        \
                     : "r8", "r9", "r10", "r11", "memory", "cc")
#define TK_DSP_ROWS_LOOP_4(step) TK_DSP_ROWS_LOOP(step step step step)
#else
/* The sum of lo * x for four inputs, with their cross. */
TK_INLINE int32_t tk_dsp_add_winograd(uint32_t even, uint32_t odd, uint32_t x, uint32_t y, int32_t sum)
{
    return tk_smlad(tk_add_even(y, even), tk_add_even(x, odd), sum);
}
#define TK_DSP_ROWS_WIDE 1
#define TK_DSP_ROWS_NARROW 0
#define TK_DSP_ROWS_LOOP(wide)                                                                               \
    do {                                                                                                     \
        s = tk_dsp_four_inputs(s, wide, &x, &y);                                                             \
        r0 = tk_smlad(q[2], y, tk_smlad(q[0], x, r0));                                                       \
        r1 = tk_smlad(q[3], y, tk_smlad(q[1], x, r1));                                                       \
        l0 = tk_dsp_add_winograd(q[0], q[2], x, y, l0);                                                      \
        l1 = tk_dsp_add_winograd(q[1], q[3], x, y, l1);                                                      \
        q += 4;                                                                                              \
    } while (s != end)
#define TK_DSP_ROWS_LOOP_4 TK_DSP_ROWS_LOOP
#endif

/* sums[r] = 2 * (bias[r] + sum of matrix[r][k] * x[k]), for four rows.
 *
 * packed: uint32 [4 + depth4]: high bias, low bias of rows 0 and 1, the same of rows 2 and 3, then the weights as
 *         TK_DSP_ROWS_STEP takes them, 0 beyond depth. Biases are doubled when wide. With c the sum over a chunk of
 *         lo[k] * lo[k + 1], k even: the low bias, of rows 0 and 2, is less by all c; the high one, of rows 1 and 3, more
 *         by each c / 256 rounded up
 * Returns the end of what it read of packed. */
TK_INLINE const uint32_t *tk_dsp_four_rows(const uint32_t *packed, const tk_dsp_vector *v, int32_t sums[4])
{
    const uint32_t *q = packed + 4;
    const int8_t *s = (const int8_t *)v->x;
    int32_t high0 = (int32_t)packed[0], l0 = (int32_t)packed[1], high1 = (int32_t)packed[2], l1 = (int32_t)packed[3];
    int32_t r0 = l0, r1 = l1;
    uint32_t x, y;
    const int32_t *cross = v->cross;
    l0 -= *cross, l1 -= *cross;
    for (int32_t k = 0; k < (v->wide ? v->depth : v->depth & ~3); k += v->chunk) {
        const int32_t count = tk_dsp_chunk(v, k);
        if (k > 0) { /* take out what the high halves have reached, before it grows too large to tell apart */
            high0 += tk_dsp_high_sum(r0, l0), high1 += tk_dsp_high_sum(r1, l1);
            r0 = l0, r1 = l1;
            cross++;
            l0 -= *cross, l1 -= *cross;
        }
        if (count >= 16) {
            const int8_t *const end = s + (count & ~15) * (v->wide ? 2 : 1);
            if (v->wide) {
                TK_DSP_ROWS_LOOP_4(TK_DSP_ROWS_WIDE);
            } else {
                TK_DSP_ROWS_LOOP_4(TK_DSP_ROWS_NARROW);
            }
        }
        if (count % 16 != 0) {
            const int8_t *const end = s + count % 16 * (v->wide ? 2 : 1);
            if (v->wide) {
                TK_DSP_ROWS_LOOP(TK_DSP_ROWS_WIDE);
            } else {
                TK_DSP_ROWS_LOOP(TK_DSP_ROWS_NARROW);
            }
        }
    }
    if (!v->wide && v->depth % 4 != 0) {
        const uint32_t rest = tk_dsp_rest(v);
        s = (const int8_t *)&rest;
        const int8_t *const end = s + 4;
        TK_DSP_ROWS_LOOP(TK_DSP_ROWS_NARROW);
    }
    const int32_t twice = v->wide ? 1 : 2;
    sums[0] = twice * l0;
    sums[1] = twice * (high0 + tk_dsp_high_sum(r0, l0));
    sums[2] = twice * l1;
    sums[3] = twice * (high1 + tk_dsp_high_sum(r1, l1));
    return q;
}

#endif
