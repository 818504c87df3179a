/* Sums that grow stripe by stripe, for Helium: four at a time. */
#ifndef TK_SUMS_HELIUM_H
#define TK_SUMS_HELIUM_H

#include "tk_matvec_helium.h"
#include "tk_sums.h"

/* The first `left` (4 or more: all) of four sums, zeros behind them. */
TK_INLINE int32x4_t tk_helium_four_sums(const int32_t *sums, int32_t left)
{
    return vldrwq_z_s32(sums, vctp32q((uint32_t)left));
}

TK_INLINE void tk_helium_write_sums(int32_t *sums, int32x4_t value, int32_t left)
{
    vstrwq_p_s32(sums, value, vctp32q((uint32_t)left));
}

/* tk_matrix_sums_s8(); in_c is 1 or more. */
TK_KERNEL void tk_matrix_sums_s8_helium(const int8_t *in, const int8_t *filter, int32_t *sums,
                                        const tk_matrix_sums_params *p)
{
    static const int32_t none[4];
    TK_ROLLED
    for (int32_t left = p->out_c; left > 0; left -= 4, sums += 4, filter += 4 * p->in_c) {
        const int32x4_t part = tk_helium_four_rows(none, filter, left - 1, in, p->in_c);
        tk_helium_write_sums(sums, vaddq_s32(tk_helium_four_sums(sums, left), part), left);
    }
}

/* tk_channel_sums_s8(). */
TK_KERNEL void tk_channel_sums_s8_helium(const int8_t *in, int32_t *sums, const tk_channel_sums_params *p)
{
    TK_ROLLED
    for (int32_t c = 0; c < p->channels; c += 4, sums += 4) {
        const int32_t left = p->channels - c;
        const mve_pred16_t lanes = vctp32q((uint32_t)left);
        int32x4_t sum = tk_helium_four_sums(sums, left);
        for (int32_t i = 0; i < p->pixels; i++) {
            sum = vaddq_s32(sum, vldrbq_z_s32(in + i * p->channels + c, lanes));
        }
        tk_helium_write_sums(sums, sum, left);
    }
}

#endif
