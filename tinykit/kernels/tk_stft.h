/* Short-time Fourier transform and its inverse, with a gain for each bin between them; the twin of tinykit/audio/stft.py,
 * where the mathematics and the proof that nothing overflows are.
 *
 * A spectrum is `half` complex numbers: bins 1 to half - 1, and in place 0 the two real ones, bin 0 and bin half. */
#ifndef TK_STFT_H
#define TK_STFT_H

#include <stdint.h>

#include "tk_common.h"
#include "tk_fft.h"
#include "tk_fixed_point.h"
#include "tk_frontend.h"

typedef struct {
    uint32_t hop;
    uint32_t shift; /* from a windowed sample to the sums of overlapping frames */
    uint32_t bits;  /* from those sums to a sample */
} tk_stft_params;

/* Spectrum of windowed samples. */
TK_INLINE void tk_stft_analyse(const int16_t *samples, tk_fft_bin *z, const tk_fft_params *p)
{
    tk_fft_first_stage(samples, z, p);
    tk_fft_stages(z, p);
    const tk_complex first = z[0].spectrum;
    z[0].spectrum = (tk_complex){first.re + first.im, first.re - first.im};
    const tk_q15x2 *twiddle = p->twiddle + 1;
    tk_fft_bin *low = z + 1;
    tk_fft_bin *high = z + p->half - 1;
    for (; low < high; low++, high--, twiddle++) {
        tk_fft_split(&low->spectrum, &high->spectrum, *twiddle);
    }
    tk_complex mirrored = low->spectrum; /* the bin in the middle is its own partner */
    tk_fft_split(&low->spectrum, &mirrored, *twiddle);
}

/* Power of bins 1 to half - 1. */
TK_INLINE void tk_stft_power(const tk_fft_bin *z, tk_fft_bin *power, const tk_fft_params *p)
{
    for (uint32_t k = 1; k < p->half; k++) {
        tk_fft_square(power + k, z[k].spectrum.re, z[k].spectrum.im);
    }
}

TK_INLINE tk_complex tk_stft_scaled(tk_complex x, int32_t gain)
{
    return (tk_complex){tk_mul_q15(x.re, gain), tk_mul_q15(x.im, gain)};
}

/* Half of the spectrum times gains, Q15, one for each of the `mel_bins` bands: a bin's lies between those of the two
 * bands that it is in, and is that of the outermost band where there is none. */
TK_INLINE void tk_stft_apply(tk_fft_bin *z, const int16_t *gains, const tk_fft_params *p, const tk_frontend_params *bands)
{
    const int32_t last = gains[bands->mel_bins - 1];
    const uint16_t *weight = bands->weights;
    tk_fft_bin *bin = z + 1;
    int32_t below = gains[0];
    z[0].spectrum = (tk_complex){tk_mul_q15(z[0].spectrum.re, below), tk_mul_q15(z[0].spectrum.im, last)};
    for (; bin < z + bands->first_bin; bin++) {
        bin->spectrum = tk_stft_scaled(bin->spectrum, below);
    }
    for (uint32_t band = 0; band <= bands->mel_bins; band++) {
        const int32_t above = band < bands->mel_bins ? gains[band] : last;
        for (const tk_fft_bin *end = bin + bands->band_bins[band]; bin < end; bin++, weight++) {
            bin->spectrum = tk_stft_scaled(bin->spectrum, below + (((above - below) * (int32_t)*weight) >> 15));
        }
        below = above;
    }
    for (; bin < z + p->half; bin++) {
        bin->spectrum = tk_stft_scaled(bin->spectrum, last);
    }
}

/* From bins k and half - k to the conjugate of the complex spectrum that tk_fft_split() splits into them. */
TK_INLINE void tk_stft_join(tk_complex *low, tk_complex *high, tk_q15x2 twiddle)
{
    const tk_complex u = *low;
    const tk_complex v = *high;
    const tk_complex even = {(u.re + v.re) >> 1, (u.im - v.im) >> 1};
    const tk_complex odd = tk_fft_times_conjugate((tk_complex){u.re - v.re, u.im + v.im}, twiddle);
    *high = (tk_complex){even.re + odd.im, even.im - odd.re};
    *low = (tk_complex){even.re - odd.im, -(even.im + odd.re)};
}

/* Samples of a spectrum that tk_stft_apply() halved: y[n].re is sample 2 n, -y[n].im sample 2 n + 1. The spectrum is
 * lost. */
TK_INLINE void tk_stft_inverse(tk_fft_bin *z, tk_fft_bin *y, const tk_fft_params *p)
{
    const tk_complex first = z[0].spectrum;
    z[0].spectrum = (tk_complex){(first.re + first.im) >> 1, -((first.re - first.im) >> 1)};
    const tk_q15x2 *twiddle = p->twiddle + 1;
    tk_fft_bin *low = z + 1;
    tk_fft_bin *high = z + p->half - 1;
    for (; low < high; low++, high--, twiddle++) {
        tk_stft_join(&low->spectrum, &high->spectrum, *twiddle);
    }
    tk_complex mirrored = low->spectrum;
    tk_stft_join(&low->spectrum, &mirrored, *twiddle);

    const uint32_t step = p->half / p->radix;
    const uint32_t wrap = p->half - 1;
    for (uint32_t i = 0; i < step; i++) {
        const uint32_t index = p->order[i];
        const tk_complex a = z[index].spectrum;
        const tk_complex b = z[(index + step) & wrap].spectrum;
        if (p->radix == 2) {
            y[2 * i].spectrum = (tk_complex){a.re + b.re, a.im + b.im};
            y[2 * i + 1].spectrum = (tk_complex){a.re - b.re, a.im - b.im};
        } else {
            tk_fft_combine(y + 4 * i, 1, a, b, z[(index + 2 * step) & wrap].spectrum,
                           z[(index + 3 * step) & wrap].spectrum);
        }
    }
    tk_fft_stages(y, p);
}

/* Samples n and n + 1 of an inverse transform, n even, windowed, in the units of the overlapping sums: as re and im. */
TK_INLINE tk_complex tk_stft_windowed(const tk_fft_bin *y, uint32_t n, const tk_fft_params *p, const tk_stft_params *stft)
{
    const tk_complex value = y[n / 2].spectrum;
    const int32_t round = 1 << (stft->shift - 1);
    tk_complex windowed;
    if (n < p->half) {
        const tk_q15x2 window = tk_load_pair(p->window + n);
        windowed = (tk_complex){tk_mul_low(value.re, window), tk_mul_high(-value.im, window)};
    } else { /* the half that is not stored mirrors the one that is */
        const tk_q15x2 window = tk_load_pair(p->window + 2 * p->half - 2 - n);
        windowed = (tk_complex){tk_mul_high(value.re, window), tk_mul_low(-value.im, window)};
    }
    return (tk_complex){(windowed.re + round) >> stft->shift, (windowed.im + round) >> stft->shift};
}

TK_INLINE int16_t tk_stft_sample(int32_t sum, const tk_stft_params *stft)
{
    return tk_saturate_int16((sum + (1 << (stft->bits - 1))) >> stft->bits);
}

/* Add a frame to the sums of the earlier ones; the first hop of them is complete, and leaves. */
TK_INLINE void tk_stft_overlap(const tk_fft_bin *y, int32_t *sums, int16_t *out, const tk_fft_params *p,
                               const tk_stft_params *stft)
{
    const uint32_t kept = 2 * p->half - stft->hop;
    int32_t *moved = sums;
    for (uint32_t n = 0; n < stft->hop; n += 2) {
        const tk_complex part = tk_stft_windowed(y, n, p, stft);
        out[n] = tk_stft_sample(sums[n] + part.re, stft);
        out[n + 1] = tk_stft_sample(sums[n + 1] + part.im, stft);
    }
    for (uint32_t n = stft->hop; n < kept; n += 2) {
        const tk_complex part = tk_stft_windowed(y, n, p, stft);
        *moved++ = sums[n] + part.re;
        *moved++ = sums[n + 1] + part.im;
    }
    for (uint32_t n = kept; n < 2 * p->half; n += 2) {
        const tk_complex part = tk_stft_windowed(y, n, p, stft);
        *moved++ = part.re;
        *moved++ = part.im;
    }
}

#endif
