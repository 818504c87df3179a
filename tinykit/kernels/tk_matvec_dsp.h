/* Four rows of an int8 matrix times an int8 vector, for the Arm DSP extension: 16 instructions for 16 MACs. */
#ifndef TK_MATVEC_DSP_H
#define TK_MATVEC_DSP_H

#include "tk_dsp.h"

#if TK_DSP_ASSEMBLY
/* Four inputs, as x (even) and y (odd), against four rows. Weights in r4..r7: rows 0, 1 and rows 2, 3 for x, then the
 * same for y. */
#define TK_DSP_ROWS_STEP(load)                                                                               \
    load "ldmia %[q]!, {r4, r5, r6, r7}\n\t"                                                                 \
         "smlad %[r0], r4, %[x], %[r0]\n\t"                                                                  \
         "smlad %[r1], r5, %[x], %[r1]\n\t"                                                                  \
         "smlad %[r0], r6, %[y], %[r0]\n\t"                                                                  \
         "smlad %[r1], r7, %[y], %[r1]\n\t"                                                                  \
         "sxtb16 r4, r4\n\t"                                                                                 \
         "sxtb16 r5, r5\n\t"                                                                                 \
         "sxtb16 r6, r6\n\t"                                                                                 \
         "sxtb16 r7, r7\n\t"                                                                                 \
         "smlad %[l0], r4, %[x], %[l0]\n\t"                                                                  \
         "smlad %[l1], r5, %[x], %[l1]\n\t"                                                                  \
         "smlad %[l0], r6, %[y], %[l0]\n\t"                                                                  \
         "smlad %[l1], r7, %[y], %[l1]\n\t"
#define TK_DSP_ROWS_STEPS_4(load)                                                                            \
    TK_DSP_ROWS_STEP(load) TK_DSP_ROWS_STEP(load) TK_DSP_ROWS_STEP(load) TK_DSP_ROWS_STEP(load)
#define TK_DSP_WIDE "ldrd %[x], %[y], [%[s]], #8\n\t"
#define TK_DSP_NARROW                                                                                        \
    "ldr %[y], [%[s]], #4\n\t"                                                                               \
    "sxtb16 %[x], %[y]\n\t"                                                                                  \
    "sxtb16 %[y], %[y], ror #8\n\t"
#define TK_DSP_ROWS_LOOP(steps)                                                                              \
    __asm__ volatile("1:\n\t" steps                                                                          \
                     "ldr %[x], %[end]\n\t"                                                                   \
                     "cmp %[s], %[x]\n\t"                                                                 \
                     "bne 1b\n\t"                                                                            \
                     : [r0] "+r"(r0), [l0] "+r"(l0), [r1] "+r"(r1), [l1] "+r"(l1), [q] "+r"(q),              \
                       [s] "+r"(s), [x] "=&r"(x), [y] "=&r"(y)                                               \
                     : [end] "m"(end)                                                                        \
                     : "r4", "r5", "r6", "r7", "memory", "cc")
#else
#define TK_DSP_ROWS_STEP(load) load
#define TK_DSP_ROWS_STEPS_4(load) load
#define TK_DSP_WIDE (memcpy(&x, s, 4), memcpy(&y, s + 4, 4), s += 8)
#define TK_DSP_NARROW (memcpy(&x, s, 4), y = tk_widen_odd(x), x = tk_widen_even(x), s += 4)
#define TK_DSP_ROWS_LOOP(load)                                                                               \
    do {                                                                                                     \
        load;                                                                                                \
        r0 = tk_smlad(q[2], y, tk_smlad(q[0], x, r0));                                                       \
        r1 = tk_smlad(q[3], y, tk_smlad(q[1], x, r1));                                                       \
        l0 = tk_smlad(tk_widen_even(q[2]), y, tk_smlad(tk_widen_even(q[0]), x, l0));                         \
        l1 = tk_smlad(tk_widen_even(q[3]), y, tk_smlad(tk_widen_even(q[1]), x, l1));                         \
        q += 4;                                                                                              \
    } while (s != end)
#endif

/* sums[r] = 2 * (bias[r] + sum of matrix[r][k] * x[k]), for four rows.
 *
 * packed:  uint32 [4 + depth4]: bias[1], bias[0], bias[3], bias[2], then the weights as TK_DSP_ROWS_STEP takes them, 0
 *          beyond depth; biases doubled when wide
 * x:       int8 [depth], or with wide uint32 [depth4 / 2] as tk_dsp_widen() makes it
 * chunk:   a multiple of 4. The sum of any chunk of row 1 or 3, doubled when wide, is less than 2^23 in magnitude
 * Returns the end of what it read of packed. */
TK_INLINE const uint32_t *tk_dsp_four_rows(const uint32_t *packed, const void *x_in, int32_t depth, int32_t wide,
                                           int32_t chunk, int32_t sums[4])
{
    const uint32_t *q = packed + 4;
    const int8_t *s = (const int8_t *)x_in;
    int32_t high0 = (int32_t)packed[0], l0 = (int32_t)packed[1], high1 = (int32_t)packed[2], l1 = (int32_t)packed[3];
    int32_t r0 = l0, r1 = l1;
    uint32_t x, y;
    const int32_t whole = wide ? (depth + 3) & ~3 : depth & ~3;
    for (int32_t k = 0; k < whole; k += chunk) {
        const int32_t count = whole - k < chunk ? whole - k : chunk;
        if (k > 0) { /* take out what the high halves have reached, before it grows too large to tell apart */
            high0 += (r0 - l0) >> 8, high1 += (r1 - l1) >> 8;
            r0 = l0, r1 = l1;
        }
        if (count >= 16) {
            const int8_t *const end = s + (count & ~15) * (wide ? 2 : 1);
            if (wide) {
                TK_DSP_ROWS_LOOP(TK_DSP_ROWS_STEPS_4(TK_DSP_WIDE));
            } else {
                TK_DSP_ROWS_LOOP(TK_DSP_ROWS_STEPS_4(TK_DSP_NARROW));
            }
        }
        if (count % 16 != 0) {
            const int8_t *const end = s + count % 16 * (wide ? 2 : 1);
            if (wide) {
                TK_DSP_ROWS_LOOP(TK_DSP_ROWS_STEP(TK_DSP_WIDE));
            } else {
                TK_DSP_ROWS_LOOP(TK_DSP_ROWS_STEP(TK_DSP_NARROW));
            }
        }
    }
    if (!wide && depth % 4 != 0) {
        uint32_t rest = 0;
        memcpy(&rest, s, (size_t)(depth % 4));
        s = (const int8_t *)&rest;
        const int8_t *const end = s + 4;
        TK_DSP_ROWS_LOOP(TK_DSP_ROWS_STEP(TK_DSP_NARROW));
    }
    const int32_t twice = wide ? 1 : 2;
    sums[0] = twice * l0;
    sums[1] = twice * (high0 + ((r0 - l0) >> 8));
    sums[2] = twice * l1;
    sums[3] = twice * (high1 + ((r1 - l1) >> 8));
    return q;
}

#endif
