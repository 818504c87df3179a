/* Power spectrum of a real frame: windowing, fixed-point FFT, split, squares; the twin of tinykit/audio/frontend_fft.py,
 * where the mathematics and the proof that nothing overflows are.
 *
 * In place in `fft_size / 2` bins of 8 bytes: complex numbers first, powers in the end. */
#ifndef TK_FFT_H
#define TK_FFT_H

#include <stdint.h>

#include "tk_common.h"
#include "tk_fixed_point.h"

typedef struct {
    int32_t re;
    int32_t im;
} tk_complex;

typedef union {
    tk_complex spectrum;
    struct {
        uint32_t low; /* two words: compilers multiply halves better than shifted 64-bit values */
        uint32_t high;
    } power;
} tk_fft_bin;

/* All but the pointers are literals, so that the kernel is compiled for one size. */
typedef struct {
    const int16_t *window;    /* [window_samples / 2] Q15, the first half; the second mirrors it */
    const uint16_t *order;    /* [half / radix] first input of each butterfly of the first stage */
    const tk_q15x2 *twiddle;  /* [half / 2 + 1] low: cos, high: -sin of 2 pi k / (2 half) */
    uint32_t window_samples;  /* a multiple of 4, at most 2 * half */
    uint32_t half;            /* length of the complex FFT, half the FFT size */
    uint32_t radix;           /* of the first stage: 4 or 2 */
    uint32_t shift;           /* of the windowed samples, Q30 >> shift */
} tk_fft_params;

/* Complex input `index`: samples 2 index and 2 index + 1, windowed; zero past the window. */
TK_INLINE tk_complex tk_fft_input(const int16_t *samples, uint32_t index, const tk_fft_params *p)
{
    const uint32_t pairs = p->window_samples / 2;
    if (index >= pairs) {
        return (tk_complex){0, 0};
    }
    const tk_q15x2 pair = tk_load_pair(samples + 2 * index);
    if (index < pairs / 2) {
        const tk_q15x2 window = tk_load_pair(p->window + 2 * index);
        return (tk_complex){(tk_low(pair) * tk_low(window)) >> p->shift, (tk_high(pair) * tk_high(window)) >> p->shift};
    }
    const tk_q15x2 window = tk_load_pair(p->window + 2 * (pairs - 1 - index));
    return (tk_complex){(tk_low(pair) * tk_high(window)) >> p->shift, (tk_high(pair) * tk_low(window)) >> p->shift};
}

/* The four sums of a radix-4 butterfly, stored `span` bins apart. */
TK_INLINE void tk_fft_combine(tk_fft_bin *z, uint32_t span, tk_complex a, tk_complex b, tk_complex c, tk_complex d)
{
    const tk_complex sum = {a.re + c.re, a.im + c.im};
    const tk_complex difference = {a.re - c.re, a.im - c.im};
    const tk_complex both = {b.re + d.re, b.im + d.im};
    const tk_complex turn = {b.re - d.re, b.im - d.im};
    z[0].spectrum = (tk_complex){sum.re + both.re, sum.im + both.im};
    z[span].spectrum = (tk_complex){difference.re + turn.im, difference.im - turn.re};
    z[2 * span].spectrum = (tk_complex){sum.re - both.re, sum.im - both.im};
    z[3 * span].spectrum = (tk_complex){difference.re - turn.im, difference.im + turn.re};
}

/* Half the product of x with w = low + i high. */
TK_INLINE tk_complex tk_fft_times(tk_complex x, tk_q15x2 w)
{
    return (tk_complex){tk_mul_low(x.re, w) - tk_mul_high(x.im, w), tk_mla_high(x.re, w, tk_mul_low(x.im, w))};
}

/* Half the product of x with the conjugate, low - i high. */
TK_INLINE tk_complex tk_fft_times_conjugate(tk_complex x, tk_q15x2 w)
{
    return (tk_complex){tk_mla_high(x.im, w, tk_mul_low(x.re, w)), tk_mul_low(x.im, w) - tk_mul_high(x.re, w)};
}

TK_INLINE tk_complex tk_fft_halved(tk_complex x)
{
    return (tk_complex){x.re >> 1, x.im >> 1};
}

/* The first stage has no factors, so it windows the samples on the way. */
TK_INLINE void tk_fft_first_stage(const int16_t *samples, tk_fft_bin *z, const tk_fft_params *p)
{
    const uint32_t step = p->half / p->radix;
    const uint32_t wrap = p->half - 1;
    for (uint32_t i = 0; i < step; i++) {
        const uint32_t index = p->order[i];
        const tk_complex a = tk_fft_input(samples, index, p);
        const tk_complex b = tk_fft_input(samples, (index + step) & wrap, p);
        if (p->radix == 2) {
            z[2 * i].spectrum = (tk_complex){a.re + b.re, a.im + b.im};
            z[2 * i + 1].spectrum = (tk_complex){a.re - b.re, a.im - b.im};
        } else {
            const tk_complex c = tk_fft_input(samples, (index + 2 * step) & wrap, p);
            const tk_complex d = tk_fft_input(samples, (index + 3 * step) & wrap, p);
            tk_fft_combine(z + 4 * i, 1, a, b, c, d);
        }
    }
}

/* Combine transforms of `span` bins, four at a time. */
TK_INLINE void tk_fft_stage(tk_fft_bin *z, uint32_t span, const tk_fft_params *p)
{
    const uint32_t groups = p->half / (4 * span);
    const uint32_t step = p->half / (2 * span); /* in the table, for the angle pi / (2 span) */
    const uint32_t quarter = span * step;
    tk_fft_bin *at = z;
    for (uint32_t group = 0; group < groups; group++, at += 4 * span) {
        tk_fft_combine(at, span, tk_fft_halved(at[0].spectrum), tk_fft_halved(at[span].spectrum),
                       tk_fft_halved(at[2 * span].spectrum), tk_fft_halved(at[3 * span].spectrum));
    }
    for (uint32_t k = step; k < quarter; k += step) {
        const tk_q15x2 once = p->twiddle[k];
        tk_q15x2 twice;
        if (2 * k <= quarter) {
            twice = p->twiddle[2 * k];
        } else { /* beyond the table: turn a quarter back, times -i */
            twice = p->twiddle[2 * k - quarter];
            twice = (twice >> 16) | ((0u - twice) << 16);
        }
        at = ++z;
        for (uint32_t group = 0; group < groups; group++, at += 4 * span) {
            tk_fft_combine(at, span, tk_fft_halved(at[0].spectrum), tk_fft_times(at[span].spectrum, once),
                           tk_fft_times(at[2 * span].spectrum, twice),
                           tk_fft_times_conjugate(at[3 * span].spectrum, once));
        }
    }
}

TK_INLINE void tk_fft_square(tk_fft_bin *bin, int32_t re, int32_t im)
{
    const int64_t power = (int64_t)re * re + (int64_t)im * im;
    bin->power.low = (uint32_t)power;
    bin->power.high = (uint32_t)(power >> 32);
}

/* From a pair of the complex spectrum to bins k and half - k of the real frame. */
TK_INLINE void tk_fft_split(tk_complex *low, tk_complex *high, tk_q15x2 twiddle)
{
    const tk_complex u = *low;
    const tk_complex v = *high;
    const tk_complex even = {(u.re + v.re) >> 1, (u.im - v.im) >> 1};
    const tk_complex odd = tk_fft_times((tk_complex){u.im + v.im, v.re - u.re}, twiddle);
    *high = (tk_complex){even.re - odd.re, odd.im - even.im};
    *low = (tk_complex){even.re + odd.re, even.im + odd.im};
}

/* All stages but the first. */
TK_INLINE void tk_fft_stages(tk_fft_bin *z, const tk_fft_params *p)
{
    /* Not a loop: each call is compiled for its span. */
    tk_fft_stage(z, p->radix, p);
    tk_fft_stage(z, 4 * p->radix, p);
    if (p->half > 16 * p->radix) {
        tk_fft_stage(z, 16 * p->radix, p);
    }
    if (p->half > 64 * p->radix) {
        tk_fft_stage(z, 64 * p->radix, p);
    }
}

/* Power of bins 1 to half - 1 of the windowed samples, in z. */
TK_INLINE void tk_fft_power(const int16_t *samples, tk_fft_bin *z, const tk_fft_params *p)
{
    tk_fft_first_stage(samples, z, p);
    tk_fft_stages(z, p);
    const tk_q15x2 *twiddle = p->twiddle + 1;
    tk_fft_bin *low = z + 1;
    tk_fft_bin *high = z + p->half - 1;
    for (; low <= high; low++, high--, twiddle++) {
        tk_complex a = low->spectrum;
        tk_complex b = high->spectrum;
        tk_fft_split(&a, &b, *twiddle);
        tk_fft_square(high, b.re, b.im);
        tk_fft_square(low, a.re, a.im);
    }
}

#endif
