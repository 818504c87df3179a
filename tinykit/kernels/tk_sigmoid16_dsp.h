/* The functions of tk_sigmoid16.h without branches, for the Arm DSP extension. */
#ifndef TK_SIGMOID16_DSP_H
#define TK_SIGMOID16_DSP_H

#include "tk_dsp.h"

/* tk_sigmoid_between(magnitude) - 2^(15 + bits), for magnitude < 2^(8 + bits).
 *
 * Between two entries, low * (2^bits - part) + high * part is one SMLAD. The entries are 2^15..2^16 - 1, so that
 * as int16 they are less by 2^16; the weights' sum is 2^bits, which makes it up. */
TK_INLINE int32_t tk_sigmoid_between_dsp(int32_t magnitude, int32_t bits, const uint16_t *table)
{
    uint32_t entries;
    memcpy(&entries, table + (magnitude >> bits), 4);
    const uint32_t part = (uint32_t)magnitude & ((1u << bits) - 1);
    const uint32_t weights = (part << 16) - part + (1u << bits);
    return tk_smlad(entries, weights, 1 << (15 + bits));
}

/* The functions of negative x are mirrored ones, rounded as such: where u comes from the magnitude, -u - 1 is ~u. */
TK_INLINE int32_t tk_mirrored(int32_t u, int32_t x)
{
    return u ^ x >> 31;
}

/* tk_logistic_s16().
 *
 * tripled: -98304..98304
 * table:   uint16 [257], of tk_sigmoid_between() and its last entry again */
TK_INLINE int32_t tk_logistic_s16_dsp(int32_t tripled, const uint16_t *table)
{
    const int32_t u = tk_sigmoid_between_dsp(tripled < 0 ? -tripled : tripled, 9, table);
    return (tk_mirrored(u, tripled) + (1 << 24) + (1 << 9)) >> 10;
}

/* tk_tanh_s16(). Beyond the last entry, the last two are one. */
TK_INLINE int32_t tk_tanh_s16_dsp(int32_t tripled, const uint16_t *table)
{
    const int32_t u = tk_sigmoid_between_dsp(tk_usat16(tripled < 0 ? -tripled : tripled), 8, table);
    return (tk_mirrored(u, tripled) + (1 << 7)) >> 8;
}

#endif
