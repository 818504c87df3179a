/* Energies of the spectrum of a real frame in 16 bits, with the rounding of KISS FFT; the twin of
 * tinykit/audio/micro_fft.py, which says what is rounded where.
 *
 * In place in `half` words: complex numbers of twice 16 bits first, energies in the end. */
#ifndef TK_MICRO_FFT_H
#define TK_MICRO_FFT_H

#include <stdint.h>

#include "tk_common.h"
#include "tk_fixed_point.h"
#include "tk_pair.h"

/* All but the pointers are literals. */
typedef struct {
    const int16_t *window;         /* [window_samples] Q12 */
    const uint16_t *order;         /* [half / radix] first input of each butterfly of the first stage */
    const tk_q15x2 *twiddle;       /* [3 half / 4] exp(-2 pi i k / half) */
    const tk_q15x2 *split_twiddle; /* [half / 2] exp(-pi i ((k + 1) / half + 1 / 2)) */
    uint32_t window_samples;       /* a multiple of 4, at most 2 * half */
    uint32_t half;                 /* length of the complex FFT */
    uint32_t radix;                /* of the first stage: 4 or 2 */
} tk_micro_fft_params;

/* Samples 2 index and 2 index + 1, windowed; zero past the window. */
TK_INLINE tk_q15x2 tk_micro_input(const int16_t *samples, uint32_t index, const tk_micro_fft_params *p)
{
    if (2 * index >= p->window_samples) {
        return 0;
    }
    const tk_q15x2 pair = tk_load_pair(samples + 2 * index);
    const tk_q15x2 window = tk_load_pair(p->window + 2 * index);
    return tk_pair((tk_low(pair) * tk_low(window)) >> 12, (tk_high(pair) * tk_high(window)) >> 12);
}

/* By how many bits the windowed samples can be shifted left. -32768 does not count: it has no absolute value. */
TK_INLINE uint32_t tk_micro_room(const int16_t *samples, const tk_micro_fft_params *p)
{
    uint32_t used = 0;
    for (uint32_t index = 0; index < p->window_samples / 2; index++) {
        const tk_q15x2 pair = tk_micro_input(samples, index, p);
        const int32_t low = tk_low(pair);
        const int32_t high = tk_high(pair);
        used |= (uint32_t)(low < 0 ? -low : low) | (uint32_t)(high < 0 ? -high : high);
    }
    used &= 0x7FFFu;
    return used ? tk_leading_zeros(used) - 17 : 15;
}

TK_INLINE tk_q15x2 tk_micro_shifted(tk_q15x2 pair, uint32_t shift)
{
    const uint32_t low = (pair << shift) & 0xFFFFu;
    return low | ((pair & 0xFFFF0000u) << shift);
}

/* The four sums of a radix-4 butterfly, stored `span` words apart. */
TK_INLINE void tk_micro_combine(uint32_t *z, uint32_t span, tk_q15x2 a, tk_q15x2 b, tk_q15x2 c, tk_q15x2 d)
{
    const tk_q15x2 sum = tk_pair_sum(a, c);
    const tk_q15x2 difference = tk_pair_difference(a, c);
    const tk_q15x2 both = tk_pair_sum(b, d);
    const tk_q15x2 turn = tk_pair_difference(b, d);
    z[0] = tk_pair_sum(sum, both);
    z[span] = tk_pair_minus_turned(difference, turn);
    z[2 * span] = tk_pair_difference(sum, both);
    z[3 * span] = tk_pair_plus_turned(difference, turn);
}

/* Complex input `index`, as the first stage takes it. */
TK_INLINE tk_q15x2 tk_micro_leg(const int16_t *samples, uint32_t index, uint32_t shift, const tk_micro_fft_params *p)
{
    return tk_pair_scaled(tk_micro_shifted(tk_micro_input(samples, index, p), shift), 32767 / (int32_t)p->radix);
}

/* The first stage's factors stand for one, and leave what was divided as it is. It windows the samples on the way. */
TK_INLINE void tk_micro_first_stage(const int16_t *samples, uint32_t shift, uint32_t *z, const tk_micro_fft_params *p)
{
    const uint32_t step = p->half / p->radix;
    for (uint32_t i = 0; i < step; i++) {
        const uint32_t index = p->order[i];
        const tk_q15x2 a = tk_micro_leg(samples, index, shift, p);
        const tk_q15x2 b = tk_micro_leg(samples, index + step, shift, p);
        if (p->radix == 2) {
            z[2 * i] = tk_pair_sum(a, b);
            z[2 * i + 1] = tk_pair_difference(a, b);
        } else {
            const tk_q15x2 c = tk_micro_leg(samples, index + 2 * step, shift, p);
            const tk_q15x2 d = tk_micro_leg(samples, index + 3 * step, shift, p);
            tk_micro_combine(z + 4 * i, 1, a, b, c, d);
        }
    }
}

/* Combine transforms of `span` words, four at a time. */
TK_INLINE void tk_micro_stage(uint32_t *z, uint32_t span, const tk_micro_fft_params *p)
{
    const uint32_t groups = p->half / (4 * span);
    const uint32_t step = p->half / (4 * span); /* in the table, for the angle pi / (2 span) */
    const int32_t quarter = 32767 / 4;
    for (uint32_t k = 0; k < span; k++, z++) {
        const tk_q15x2 w1 = p->twiddle[k * step];
        const tk_q15x2 w2 = p->twiddle[2 * k * step];
        const tk_q15x2 w3 = p->twiddle[3 * k * step];
        uint32_t *at = z;
        for (uint32_t group = 0; group < groups; group++, at += 4 * span) {
            tk_micro_combine(at, span, tk_pair_scaled(at[0], quarter),
                             tk_pair_product(tk_pair_scaled(at[span], quarter), w1),
                             tk_pair_product(tk_pair_scaled(at[2 * span], quarter), w2),
                             tk_pair_product(tk_pair_scaled(at[3 * span], quarter), w3));
        }
    }
}

/* The energy of half a spectrum of 17 bits. */
TK_INLINE uint32_t tk_micro_energy(int32_t re, int32_t im)
{
    return tk_pair_energy(tk_pair(re >> 1, im >> 1));
}

/* From the complex spectrum to the energies of bins 1 to half - 1 of the real frame. */
TK_INLINE void tk_micro_split(uint32_t *z, const tk_micro_fft_params *p)
{
    const tk_q15x2 *twiddle = p->split_twiddle;
    uint32_t *low = z + 1;
    uint32_t *high = z + p->half - 1;
    for (; low <= high; low++, high--, twiddle++) {
        const tk_q15x2 u = tk_pair_scaled(*low, 32767 / 2);
        const tk_q15x2 v = tk_pair_scaled(tk_pair(tk_low(*high), -tk_high(*high)), 32767 / 2);
        const tk_q15x2 even = tk_pair_sum(u, v);
        const tk_q15x2 odd = tk_pair_product(tk_pair_difference(u, v), *twiddle);
        *low = tk_micro_energy(tk_low(even) + tk_low(odd), tk_high(even) + tk_high(odd));
        *high = tk_micro_energy(tk_low(even) - tk_low(odd), tk_high(odd) - tk_high(even));
    }
}

/* Energies of bins 1 to half - 1 of the windowed samples, shifted left by `shift`, in z. */
TK_INLINE void tk_micro_fft_energies(const int16_t *samples, uint32_t shift, uint32_t *z, const tk_micro_fft_params *p)
{
    tk_micro_first_stage(samples, shift, z, p);
    /* Not a loop: each call is compiled for its span. */
    tk_micro_stage(z, p->radix, p);
    tk_micro_stage(z, 4 * p->radix, p);
    if (p->half > 16 * p->radix) {
        tk_micro_stage(z, 16 * p->radix, p);
    }
    if (p->half > 64 * p->radix) {
        tk_micro_stage(z, 64 * p->radix, p);
    }
    tk_micro_split(z, p);
}

#endif
