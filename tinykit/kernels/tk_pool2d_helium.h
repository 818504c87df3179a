/* Average and maximum pooling, int8, for Helium. */
#ifndef TK_POOL2D_HELIUM_H
#define TK_POOL2D_HELIUM_H

#include "tk_pool2d.h"

#include <arm_mve.h>

typedef struct {
    int32_t x0, x1, y0, y1; /* columns x0..x1 - 1 of rows y0..y1 - 1 */
} tk_helium_area;

/* The part of a window that lies inside the input. */
TK_INLINE tk_helium_area tk_helium_pool_area(int32_t oy, int32_t ox, const tk_window *at)
{
    return (tk_helium_area){tk_pool_first(ox, at->stride_w, at->pad_left),
                            tk_pool_end(ox, at->stride_w, at->pad_left, at->filter_w, at->in_w),
                            tk_pool_first(oy, at->stride_h, at->pad_top),
                            tk_pool_end(oy, at->stride_h, at->pad_top, at->filter_h, at->in_h)};
}

/* sum / count, rounded half away from zero, exact for counts up to 2884.
 * (|sum| + count / 2) / count is n / d with n = 2 * (|sum| + count / 2) + 1 and d = 2 * count. VMULH by
 * m = 2^32 / d + 1 gives it, because n * (m * d - 2^32) <= (258 * count + 1) * d stays below 2^32. */
TK_INLINE int32x4_t tk_helium_mean(int32x4_t sum, int32_t count)
{
    const uint32_t reciprocal = UINT32_MAX / (uint32_t)(2 * count) + 1;
    const uint32x4_t size = vreinterpretq_u32_s32(vabsq_s32(sum));
    const uint32x4_t n = vaddq_n_u32(vshlq_n_u32(size, 1), (uint32_t)(count / 2 * 2 + 1));
    const int32x4_t mean = vreinterpretq_s32_u32(vmulhq_u32(n, vdupq_n_u32(reciprocal)));
    return vnegq_m_s32(mean, mean, vcmpltq_n_s32(sum, 0));
}

/* Four channels at a time; arguments and overlap as tk_average_pool2d_s8, where a block's outputs are written after
 * its inputs were read. filter_h * filter_w is 2884 at most. */
TK_KERNEL void tk_average_pool2d_s8_helium(const int8_t *in, int8_t *out, const tk_pool2d_params *p)
{
    const int32_t channels = p->at.in_c;
    for (int32_t oy = 0; oy < p->at.out_h; oy++) {
        for (int32_t ox = 0; ox < p->at.out_w; ox++) {
            const tk_helium_area area = tk_helium_pool_area(oy, ox, &p->at);
            const int32_t count = (area.y1 - area.y0) * (area.x1 - area.x0);
            for (int32_t c = 0; c < channels; c += 4) {
                const mve_pred16_t lanes = vctp32q((uint32_t)(channels - c));
                int32x4_t sum = vdupq_n_s32(0);
                for (int32_t y = area.y0; y < area.y1; y++) {
                    const int8_t *from = in + (y * p->at.in_w + area.x0) * channels + c;
                    for (int32_t x = area.x0; x < area.x1; x++, from += channels) {
                        sum = vaddq_s32(sum, channels % 4 == 0 ? vldrbq_s32(from) : vldrbq_z_s32(from, lanes));
                    }
                }
                int32x4_t mean = tk_helium_mean(sum, count);
                mean = vminq_s32(vmaxq_s32(mean, vdupq_n_s32(p->low)), vdupq_n_s32(p->high));
                vstrbq_p_s32(out + c, mean, lanes);
            }
            out += channels;
        }
    }
}

/* 16 channels at a time; arguments and overlap as tk_max_pool2d_s8, where a block's outputs are written after its
 * inputs were read. */
TK_KERNEL void tk_max_pool2d_s8_helium(const int8_t *in, int8_t *out, const tk_pool2d_params *p)
{
    const int32_t channels = p->at.in_c;
    for (int32_t oy = 0; oy < p->at.out_h; oy++) {
        for (int32_t ox = 0; ox < p->at.out_w; ox++) {
            const tk_helium_area area = tk_helium_pool_area(oy, ox, &p->at);
            for (int32_t c = 0; c < channels; c += 16) {
                const mve_pred16_t lanes = vctp8q((uint32_t)(channels - c));
                int8x16_t largest = vdupq_n_s8((int8_t)p->low);
                for (int32_t y = area.y0; y < area.y1; y++) {
                    const int8_t *from = in + (y * p->at.in_w + area.x0) * channels + c;
                    for (int32_t x = area.x0; x < area.x1; x++, from += channels) {
                        largest = vmaxq_s8(largest, channels % 16 == 0 ? vldrbq_s8(from) : vldrbq_z_s8(from, lanes));
                    }
                }
                vstrbq_p_s8(out + c, vminq_s8(largest, vdupq_n_s8((int8_t)p->high)), lanes);
            }
            out += channels;
        }
    }
}

#endif
