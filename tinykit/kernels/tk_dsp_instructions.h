/* The instructions of the Arm DSP extension that kernels use, as functions: on a core that has them, one instruction
 * each; anywhere else plain C, so that the development computer can run the kernels under its sanitizers.
 *
 * A word holds two int16, the low and the high halfword, or four int8. Sums wrap. */
#ifndef TK_DSP_INSTRUCTIONS_H
#define TK_DSP_INSTRUCTIONS_H

#include "tk_common.h"

/* Whether the innermost loops are assembly that takes every register. clang and builds without optimization keep some
 * registers for themselves: they get the same loops in C. */
#ifndef TK_DSP_ASSEMBLY
#if defined(__ARM_FEATURE_DSP) && defined(__OPTIMIZE__) && !defined(__clang__)
#define TK_DSP_ASSEMBLY 1
#else
#define TK_DSP_ASSEMBLY 0
#endif
#endif

#ifdef __ARM_FEATURE_DSP

#include <arm_acle.h>

/* c + ((a * b + 2^31) >> 32) */
TK_INLINE int32_t tk_smmlar(int32_t a, int32_t b, int32_t c)
{
    int32_t r;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

/* (a * b + 2^31) >> 32 */
TK_INLINE int32_t tk_smmulr(int32_t a, int32_t b)
{
    int32_t r;
    __asm__("smmulr %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* v limited to an int8. Assembly, because __ssat() of arm_acle.h converts signs behind the caller's back. */
TK_INLINE int8_t tk_ssat8(int32_t v)
{
    int32_t r;
    __asm__("ssat %0, #8, %1" : "=r"(r) : "r"(v));
    return (int8_t)r;
}

/* v limited to an int16. */
TK_INLINE int32_t tk_ssat16(int32_t v)
{
    int32_t r;
    __asm__("ssat %0, #16, %1" : "=r"(r) : "r"(v));
    return r;
}

/* v limited to 0..65535. */
TK_INLINE int32_t tk_usat16(int32_t v)
{
    int32_t r;
    __asm__("usat %0, #16, %1" : "=r"(r) : "r"(v));
    return r;
}

/* a + the sum of the products of the low and of the high halfwords of x and w. */
TK_INLINE int32_t tk_smlad(uint32_t x, uint32_t w, int32_t a)
{
    return __smlad((int16x2_t)x, (int16x2_t)w, a);
}

/* a + the product of the low halfwords of x and w. */
TK_INLINE int32_t tk_smlabb(uint32_t x, uint32_t w, int32_t a)
{
    return __smlabb((int32_t)x, (int32_t)w, a);
}

/* a + the product of the low halfword of x and the high one of w. */
TK_INLINE int32_t tk_smlabt(uint32_t x, uint32_t w, int32_t a)
{
    int32_t r;
    __asm__("smlabt %0, %1, %2, %3" : "=r"(r) : "r"(x), "r"(w), "r"(a));
    return r;
}

/* a + the product of the high halfword of x and the low one of w. */
TK_INLINE int32_t tk_smlatb(uint32_t x, uint32_t w, int32_t a)
{
    int32_t r;
    __asm__("smlatb %0, %1, %2, %3" : "=r"(r) : "r"(x), "r"(w), "r"(a));
    return r;
}

/* a + the product of the high halfwords of x and w. */
TK_INLINE int32_t tk_smlatt(uint32_t x, uint32_t w, int32_t a)
{
    return __smlatt((int32_t)x, (int32_t)w, a);
}

/* Signed bytes 0 and 2 of v as a pair of int16: the low and the high halfword. */
TK_INLINE uint32_t tk_widen_even(uint32_t v)
{
    return (uint32_t)__sxtb16((int8x4_t)v);
}

/* Signed bytes 1 and 3. */
TK_INLINE uint32_t tk_widen_odd(uint32_t v)
{
    uint32_t r;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(r) : "r"(v));
    return r;
}

/* sums + the signed bytes 0 and 2 of v, halfword by halfword. */
TK_INLINE uint32_t tk_add_even(uint32_t sums, uint32_t v)
{
    uint32_t r;
    __asm__("sxtab16 %0, %1, %2" : "=r"(r) : "r"(sums), "r"(v));
    return r;
}

/* The same with bytes 1 and 3. */
TK_INLINE uint32_t tk_add_odd(uint32_t sums, uint32_t v)
{
    uint32_t r;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(r) : "r"(sums), "r"(v));
    return r;
}

/* Both halfwords doubled. */
TK_INLINE uint32_t tk_double_pair(uint32_t v)
{
    return (uint32_t)__sadd16((int16x2_t)v, (int16x2_t)v);
}

/* (low of a, low of b) */
TK_INLINE uint32_t tk_pack_lows(uint32_t a, uint32_t b)
{
    uint32_t r;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* (high of a, high of b) */
TK_INLINE uint32_t tk_pack_highs(uint32_t a, uint32_t b)
{
    uint32_t r;
    __asm__("pkhtb %0, %2, %1, asr #16" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* (low of a, high of b) */
TK_INLINE uint32_t tk_pack_low_high(uint32_t a, uint32_t b)
{
    uint32_t r;
    __asm__("pkhbt %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
}

/* The larger of a and b, byte by byte. */
TK_INLINE uint32_t tk_larger_bytes(uint32_t a, uint32_t b)
{
    uint32_t r;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(r) : "r"(a), "r"(b) : "cc");
    return r;
}

/* The smaller. */
TK_INLINE uint32_t tk_smaller_bytes(uint32_t a, uint32_t b)
{
    uint32_t r;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(r) : "r"(a), "r"(b) : "cc");
    return r;
}

#else

TK_INLINE int32_t tk_low_of(uint32_t v)
{
    return (int16_t)(uint16_t)v;
}

TK_INLINE int32_t tk_high_of(uint32_t v)
{
    return (int16_t)(uint16_t)(v >> 16);
}

TK_INLINE int32_t tk_wrapping_sum(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

TK_INLINE uint32_t tk_pair_of(int32_t low, int32_t high)
{
    return (uint32_t)(uint16_t)low | (uint32_t)(uint16_t)high << 16;
}

TK_INLINE int32_t tk_smmlar(int32_t a, int32_t b, int32_t c)
{
    return tk_wrapping_sum(c, (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32));
}

TK_INLINE int32_t tk_smmulr(int32_t a, int32_t b)
{
    return tk_smmlar(a, b, 0);
}

TK_INLINE int8_t tk_ssat8(int32_t v)
{
    return (int8_t)tk_clamp(v, INT8_MIN, INT8_MAX);
}

TK_INLINE int32_t tk_ssat16(int32_t v)
{
    return tk_clamp(v, INT16_MIN, INT16_MAX);
}

TK_INLINE int32_t tk_usat16(int32_t v)
{
    return tk_clamp(v, 0, UINT16_MAX);
}

TK_INLINE int32_t tk_smlabb(uint32_t x, uint32_t w, int32_t a)
{
    return tk_wrapping_sum(a, tk_low_of(x) * tk_low_of(w));
}

TK_INLINE int32_t tk_smlabt(uint32_t x, uint32_t w, int32_t a)
{
    return tk_wrapping_sum(a, tk_low_of(x) * tk_high_of(w));
}

TK_INLINE int32_t tk_smlatb(uint32_t x, uint32_t w, int32_t a)
{
    return tk_wrapping_sum(a, tk_high_of(x) * tk_low_of(w));
}

TK_INLINE int32_t tk_smlatt(uint32_t x, uint32_t w, int32_t a)
{
    return tk_wrapping_sum(a, tk_high_of(x) * tk_high_of(w));
}

TK_INLINE int32_t tk_smlad(uint32_t x, uint32_t w, int32_t a)
{
    return tk_smlatt(x, w, tk_smlabb(x, w, a));
}

TK_INLINE uint32_t tk_add_even(uint32_t sums, uint32_t v)
{
    return tk_pair_of(tk_low_of(sums) + (int8_t)(uint8_t)v, tk_high_of(sums) + (int8_t)(uint8_t)(v >> 16));
}

TK_INLINE uint32_t tk_add_odd(uint32_t sums, uint32_t v)
{
    return tk_add_even(sums, v >> 8);
}

TK_INLINE uint32_t tk_widen_even(uint32_t v)
{
    return tk_add_even(0, v);
}

TK_INLINE uint32_t tk_widen_odd(uint32_t v)
{
    return tk_add_odd(0, v);
}

TK_INLINE uint32_t tk_double_pair(uint32_t v)
{
    return tk_pair_of(2 * tk_low_of(v), 2 * tk_high_of(v));
}

TK_INLINE uint32_t tk_pack_lows(uint32_t a, uint32_t b)
{
    return tk_pair_of(tk_low_of(a), tk_low_of(b));
}

TK_INLINE uint32_t tk_pack_highs(uint32_t a, uint32_t b)
{
    return tk_pair_of(tk_high_of(a), tk_high_of(b));
}

TK_INLINE uint32_t tk_pack_low_high(uint32_t a, uint32_t b)
{
    return tk_pair_of(tk_low_of(a), tk_high_of(b));
}

TK_INLINE uint32_t tk_larger_bytes(uint32_t a, uint32_t b)
{
    uint32_t r = 0;
    for (int32_t i = 0; i < 32; i += 8) {
        const int8_t x = (int8_t)(uint8_t)(a >> i), y = (int8_t)(uint8_t)(b >> i);
        r |= (uint32_t)(uint8_t)(x > y ? x : y) << i;
    }
    return r;
}

TK_INLINE uint32_t tk_smaller_bytes(uint32_t a, uint32_t b)
{
    return ~tk_larger_bytes(~a, ~b);
}

#endif

#endif
