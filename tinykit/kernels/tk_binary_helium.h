/* Sums, differences and products of two int8 tensors for Helium: four elements at a time. */
#ifndef TK_BINARY_HELIUM_H
#define TK_BINARY_HELIUM_H

#include "tk_binary.h"
#include "tk_helium.h"

/* tk_operand_scaled() of four values, for shift 0..31. */
TK_INLINE int32x4_t tk_helium_operand(int32x4_t v, const tk_operand *from)
{
    v = from->zero_point == 0 ? v : vsubq_n_s32(v, from->zero_point);
    if (from->multiplier == 1 << 30 && from->shift == 0) { /* one half, exactly: the coarser of both inputs */
        return vshlq_n_s32(v, 19);
    }
    v = vqrdmulhq_n_s32(vshlq_n_s32(v, 20), from->multiplier);
    return from->shift == 0 ? v : vrshlq_s32(vaddq_s32(v, vshrq_n_s32(v, 31)), vdupq_n_s32(-from->shift));
}

/* Sums, differences or products before they are scaled to the output. */
TK_INLINE int32x4_t tk_helium_combined(int32x4_t a, int32x4_t b, const tk_binary_params *p)
{
    if (p->kind == TK_PRODUCT) {
        return vmulq_s32(vsubq_n_s32(a, p->first.zero_point), vsubq_n_s32(b, p->second.zero_point));
    }
    const int32x4_t x = tk_helium_operand(a, &p->first), y = tk_helium_operand(b, &p->second);
    return p->kind == TK_SUM ? vaddq_s32(x, y) : vsubq_s32(x, y);
}

/* Writes `count` elements, literal, 4 at most. */
TK_INLINE void tk_helium_binary_4(const int8_t *a, const int8_t *b, int32_t count, int8_t *out, int32x4_t multiplier,
                                  int32x4_t left, const tk_binary_params *p)
{
    const mve_pred16_t lanes = vctp32q((uint32_t)count);
    const int32x4_t x = !p->first_step[3] ? vdupq_n_s32(*a) : count < 4 ? vldrbq_z_s32(a, lanes) : vldrbq_s32(a);
    const int32x4_t y = !p->second_step[3] ? vdupq_n_s32(*b) : count < 4 ? vldrbq_z_s32(b, lanes) : vldrbq_s32(b);
    tk_helium_write_4(tk_helium_scaled(tk_helium_combined(x, y, p), multiplier, left, &p->to), count, out, &p->to);
}

/* As tk_binary_s8 where kind is TK_SUM, TK_DIFFERENCE or TK_PRODUCT, the last steps are 0 or 1, shifts of the inputs are
 * 0..31 and that of the output is 1..31. */
TK_KERNEL void tk_binary_s8_helium(const int8_t *first, const int8_t *second, int8_t *out, const tk_binary_params *p)
{
    const int32x4_t multiplier = vdupq_n_s32(p->multiplier), left = vdupq_n_s32(-p->shift);
    for (int32_t i = 0; i < p->count[0]; i++) {
        for (int32_t j = 0; j < p->count[1]; j++) {
            for (int32_t k = 0; k < p->count[2]; k++) {
                const int8_t *a = first + i * p->first_step[0] + j * p->first_step[1] + k * p->first_step[2];
                const int8_t *b = second + i * p->second_step[0] + j * p->second_step[1] + k * p->second_step[2];
                const int32_t whole = p->count[3] & ~3;
                TK_ROLLED
                for (int32_t l = 0; l < whole; l += 4) {
                    tk_helium_binary_4(a, b, 4, out, multiplier, left, p);
                    a += 4 * p->first_step[3];
                    b += 4 * p->second_step[3];
                    out += 4;
                }
                if (p->count[3] != whole) {
                    tk_helium_binary_4(a, b, p->count[3] - whole, out, multiplier, left, p);
                    out += p->count[3] - whole;
                }
            }
        }
    }
}

#endif
