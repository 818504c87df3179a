/* Arithmetic on pairs of 16-bit numbers, complex numbers among them: low is real, high imaginary. Sums wrap. */
#ifndef TK_PAIR_H
#define TK_PAIR_H

#include <stdint.h>

#include "tk_common.h"
#include "tk_fixed_point.h"

TK_INLINE tk_q15x2 tk_pair(int32_t low, int32_t high)
{
    return ((uint32_t)low & 0xFFFFu) | (uint32_t)high << 16;
}

#define TK_PAIR_HALF (1 << 14) /* added to a Q15 number before it is rounded down */

/* Both, given in Q15, rounded down to whole numbers. */
TK_INLINE tk_q15x2 tk_pair_floor(int32_t low, int32_t high)
{
    const uint32_t upper = (uint32_t)high << 1; /* its integer part is where it belongs */
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    tk_q15x2 pair;
    __asm__("pkhtb %0, %1, %2, asr #15" : "=r"(pair) : "r"(upper), "r"(low));
    return pair;
#else
    return ((uint32_t)(low >> 15) & 0xFFFFu) | (upper & 0xFFFF0000u);
#endif
}

/* Both times a Q15 factor, rounded. */
TK_INLINE tk_q15x2 tk_pair_scaled(tk_q15x2 x, int32_t factor)
{
    return tk_pair_floor(tk_low(x) * factor + TK_PAIR_HALF, tk_high(x) * factor + TK_PAIR_HALF);
}

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

TK_INLINE tk_q15x2 tk_pair_sum(tk_q15x2 a, tk_q15x2 b)
{
    return (tk_q15x2)__sadd16((int16x2_t)a, (int16x2_t)b);
}

TK_INLINE tk_q15x2 tk_pair_difference(tk_q15x2 a, tk_q15x2 b)
{
    return (tk_q15x2)__ssub16((int16x2_t)a, (int16x2_t)b);
}

/* a + i b */
TK_INLINE tk_q15x2 tk_pair_plus_turned(tk_q15x2 a, tk_q15x2 b)
{
    return (tk_q15x2)__sasx((int16x2_t)a, (int16x2_t)b);
}

/* a - i b */
TK_INLINE tk_q15x2 tk_pair_minus_turned(tk_q15x2 a, tk_q15x2 b)
{
    return (tk_q15x2)__ssax((int16x2_t)a, (int16x2_t)b);
}

/* The complex product with w in Q15, rounded. */
TK_INLINE tk_q15x2 tk_pair_product(tk_q15x2 x, tk_q15x2 w)
{
    return tk_pair_floor(__smlsd((int16x2_t)x, (int16x2_t)w, TK_PAIR_HALF),
                         __smladx((int16x2_t)x, (int16x2_t)w, TK_PAIR_HALF));
}

/* The square of the absolute value: below 2**31 for all but -32768 - 32768 i. */
TK_INLINE uint32_t tk_pair_energy(tk_q15x2 x)
{
    return (uint32_t)__smlad((int16x2_t)x, (int16x2_t)x, 0);
}

#else

TK_INLINE tk_q15x2 tk_pair_sum(tk_q15x2 a, tk_q15x2 b)
{
    return tk_pair(tk_low(a) + tk_low(b), tk_high(a) + tk_high(b));
}

TK_INLINE tk_q15x2 tk_pair_difference(tk_q15x2 a, tk_q15x2 b)
{
    return tk_pair(tk_low(a) - tk_low(b), tk_high(a) - tk_high(b));
}

/* a + i b */
TK_INLINE tk_q15x2 tk_pair_plus_turned(tk_q15x2 a, tk_q15x2 b)
{
    return tk_pair(tk_low(a) - tk_high(b), tk_high(a) + tk_low(b));
}

/* a - i b */
TK_INLINE tk_q15x2 tk_pair_minus_turned(tk_q15x2 a, tk_q15x2 b)
{
    return tk_pair(tk_low(a) + tk_high(b), tk_high(a) - tk_low(b));
}

/* The complex product with w in Q15, rounded. */
TK_INLINE tk_q15x2 tk_pair_product(tk_q15x2 x, tk_q15x2 w)
{
    return tk_pair_floor(tk_low(x) * tk_low(w) - tk_high(x) * tk_high(w) + TK_PAIR_HALF,
                         tk_low(x) * tk_high(w) + tk_high(x) * tk_low(w) + TK_PAIR_HALF);
}

/* The square of the absolute value: below 2**31 for all but -32768 - 32768 i. */
TK_INLINE uint32_t tk_pair_energy(tk_q15x2 x)
{
    return (uint32_t)(tk_low(x) * tk_low(x)) + (uint32_t)(tk_high(x) * tk_high(x));
}

#endif

#endif
