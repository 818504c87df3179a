/* Fixed-point arithmetic of the front end; the twin of tinykit/audio/fixed_point.py.
 *
 * Right shifts of negative numbers round towards minus infinity: C leaves that to the compiler, and every
 * compiler that we build with does so. */
#ifndef TK_FIXED_POINT_H
#define TK_FIXED_POINT_H

#include <stdint.h>

#include "tk_common.h"

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
#include <arm_acle.h>
#endif

/* Two Q15 numbers in a word: `low` in bits 0 to 15, `high` in bits 16 to 31. */
typedef uint32_t tk_q15x2;

TK_INLINE int32_t tk_low(tk_q15x2 pair)
{
    return (int16_t)(pair & 0xFFFFu);
}

TK_INLINE int32_t tk_high(tk_q15x2 pair)
{
    return (int16_t)(pair >> 16);
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "pairs are loaded as words: little endian only"
#endif

/* Two neighbours in memory. */
TK_INLINE tk_q15x2 tk_load_pair(const int16_t *at)
{
    tk_q15x2 pair;
    memcpy(&pair, at, sizeof pair);
    return pair;
}

/* floor(x * factor / 65536), half the product with a Q15 factor. */
TK_INLINE int32_t tk_mul_q15(int32_t x, int32_t factor)
{
#if defined(__thumb__) && !defined(__thumb2__)
    /* Cortex-M0 has no 64-bit product. Exact without: the high half of x, and the carry out of its low half. */
    return (x >> 16) * factor + (((x & 0xFFFF) * factor) >> 16);
#else
    return (int32_t)(((int64_t)x * (factor * 65536)) >> 32); /* the high word of one product */
#endif
}

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP

/* arm_acle.h of gcc has SMLAWB and SMLAWT, but not SMULWB and SMULWT. */
TK_INLINE int32_t tk_mul_low(int32_t x, tk_q15x2 pair)
{
    int32_t product;
    __asm__("smulwb %0, %1, %2" : "=r"(product) : "r"(x), "r"(pair));
    return product;
}

TK_INLINE int32_t tk_mul_high(int32_t x, tk_q15x2 pair)
{
    int32_t product;
    __asm__("smulwt %0, %1, %2" : "=r"(product) : "r"(x), "r"(pair));
    return product;
}

TK_INLINE int32_t tk_mla_low(int32_t x, tk_q15x2 pair, int32_t sum)
{
    return __smlawb(x, (int32_t)pair, sum);
}

TK_INLINE int32_t tk_mla_high(int32_t x, tk_q15x2 pair, int32_t sum)
{
    return __smlawt(x, (int32_t)pair, sum);
}

/* The nearest number that int16 has. */
TK_INLINE int16_t tk_saturate_int16(int32_t x)
{
    int32_t limited; /* in assembly, because __ssat() of arm_acle.h converts signs behind the caller's back */
    __asm__("ssat %0, #16, %1" : "=r"(limited) : "r"(x));
    return (int16_t)limited;
}

#else

TK_INLINE int32_t tk_mul_low(int32_t x, tk_q15x2 pair)
{
    return tk_mul_q15(x, tk_low(pair));
}

TK_INLINE int32_t tk_mul_high(int32_t x, tk_q15x2 pair)
{
    return tk_mul_q15(x, tk_high(pair));
}

TK_INLINE int32_t tk_mla_low(int32_t x, tk_q15x2 pair, int32_t sum)
{
    return sum + tk_mul_q15(x, tk_low(pair));
}

TK_INLINE int32_t tk_mla_high(int32_t x, tk_q15x2 pair, int32_t sum)
{
    return sum + tk_mul_q15(x, tk_high(pair));
}

TK_INLINE int16_t tk_saturate_int16(int32_t x)
{
    return (int16_t)(x < -32768 ? -32768 : x > 32767 ? 32767 : x);
}

#endif

/* Leading zero bits of x > 0. */
TK_INLINE uint32_t tk_leading_zeros(uint32_t x)
{
#if defined(__GNUC__)
    return (uint32_t)__builtin_clz(x);
#else
    uint32_t count = 0;
    while (!(x & 0x80000000u)) {
        x <<= 1;
        count++;
    }
    return count;
#endif
}

/* log2(x) of 1 to 2**63 - 1 in units of 2**-16, by linear interpolation in table[i] = 2**15 log2(1 + i / 32). */
TK_INLINE int32_t tk_log2_q16(uint64_t x, const uint16_t *table)
{
    uint32_t top = (uint32_t)(x >> 32);
    uint32_t bottom = (uint32_t)x;
    int32_t exponent = 63;
    if (top == 0) {
        top = bottom;
        bottom = 0;
        exponent = 31;
    }
    const uint32_t zeros = tk_leading_zeros(top);
    top = top << zeros;
    if (zeros != 0) { /* a shift by 32 is undefined */
        top |= bottom >> (32 - zeros);
    }
    exponent -= (int32_t)zeros;
    const uint32_t interval = (top >> 26) & 31u;
    const uint32_t place = (top >> 10) & 0xFFFFu;
    const uint32_t low = table[interval];
    const uint32_t step = table[interval + 1] - low;
    return exponent * 65536 + (int32_t)((low << 1) + ((step * place) >> 15));
}

/* (x * multiplier + bias) >> shift, saturated; bias holds the rounding half. */
TK_INLINE int8_t tk_requantize_q31(int32_t x, int32_t multiplier, int64_t bias, uint32_t shift)
{
    const int64_t value = ((int64_t)x * multiplier + bias) >> shift;
    return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}

#endif
