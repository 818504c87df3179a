/* What the kernels for Helium (Cortex-M55, M85: the M-profile vector extension) share.
 *
 * A vector register holds 16 int8 or 4 int32. VMLADAVA multiplies 16 pairs of int8 and adds all products to one core
 * register: 16 MACs in one instruction, and no operand has to be widened or repacked. Loops whose length is not a
 * multiple of 16 end in a predicated pass: lanes beyond the end are neither read, nor added, nor written, so any
 * depth and any number of channels take the same path. DLSTP and LETP do this for a whole loop; gcc 12 does not make
 * them by itself, hence the assembly. */
#ifndef TK_HELIUM_H
#define TK_HELIUM_H

#include "tk_requantize.h"

#include <arm_mve.h>

/* Copies count bytes (0 or more) from `from` to `to`, upwards: to may lie below from and overlap it. */
TK_INLINE void tk_helium_copy(const int8_t *from, int8_t *to, int32_t count)
{
    __asm__ volatile("wlstp.8 lr, %[count], 2f\n"
                     "1:\n\t"
                     "vldrb.8 q0, [%[from]], #16\n\t"
                     "vstrb.8 q0, [%[to]], #16\n\t"
                     "letp lr, 1b\n"
                     "2:"
                     : [from] "+r"(from), [to] "+r"(to)
                     : [count] "r"(count)
                     : "lr", "q0", "memory", "cc");
}

/* Sets count bytes (0 or more). */
TK_INLINE void tk_helium_fill(int8_t *to, int8_t value, int32_t count)
{
    __asm__ volatile("wlstp.8 lr, %[count], 2f\n"
                     "1:\n\t"
                     "vstrb.8 %q[value], [%[to]], #16\n\t"
                     "letp lr, 1b\n"
                     "2:"
                     : [to] "+r"(to)
                     : [count] "r"(count), [value] "w"(vdupq_n_s8(value))
                     : "lr", "memory", "cc");
}

/* (a, b, c, d) as one vector, in two instructions. */
TK_INLINE int32x4_t tk_helium_four(int32_t a, int32_t b, int32_t c, int32_t d)
{
    int32x4_t v;
    __asm__("vmov %q0[2], %q0[0], %1, %2\n\t"
            "vmov %q0[3], %q0[1], %3, %4"
            : "=&w"(v)
            : "r"(a), "r"(c), "r"(b), "r"(d));
    return v;
}

/* Four accumulators scaled: the roundings of tk_requantize(), for any accumulator.
 * VQRDMULH rounds half up, as the first rounding must. VRSHL does, too, but the second must go away from zero:
 * negative values are one less before it. Where the activation cuts off what is below the zero point, how they are
 * rounded does not matter.
 *
 * left: minus the shift to the right: -31..-1 */
TK_INLINE int32x4_t tk_helium_scaled(int32x4_t acc, int32x4_t multiplier, int32x4_t left, const tk_output *to)
{
    int32x4_t v = vqrdmulhq_s32(acc, multiplier);
    if (to->low < to->zero_point) {
        v = vaddq_s32(v, vshrq_n_s32(v, 31));
    }
    return vrshlq_s32(v, left);
}

/* v, saturated already, limited to the activation. */
TK_INLINE int8x16_t tk_helium_limited(int8x16_t v, int32_t low, int32_t high)
{
    v = low > INT8_MIN ? vmaxq_s8(v, vdupq_n_s8((int8_t)low)) : v;
    return high < INT8_MAX ? vminq_s8(v, vdupq_n_s8((int8_t)high)) : v;
}

/* Writes the first `count` (4 or more: all) of four scaled values as int8. */
TK_INLINE void tk_helium_write_4(int32x4_t v, int32_t count, int8_t *out, const tk_output *to)
{
    v = to->zero_point == 0 ? v : vaddq_n_s32(v, to->zero_point);
    /* Saturated in the lowest byte of each lane. As intrinsics, each would come with a copy. */
    __asm__("vqmovnb.s32 %q0, %q0\n\t"
            "vqmovnb.s16 %q0, %q0"
            : "+w"(v));
    v = vreinterpretq_s32_s8(tk_helium_limited(vreinterpretq_s8_s32(v), to->low, to->high));
    if (count >= 4) {
        vstrbq_s32(out, v);
    } else {
        vstrbq_p_s32(out, v, vctp32q((uint32_t)count));
    }
}

#endif
