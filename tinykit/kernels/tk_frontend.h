/* From a power spectrum to a row of int8 features; the twin of tinykit/audio/frontend.py. */
#ifndef TK_FRONTEND_H
#define TK_FRONTEND_H

#include <stdint.h>

#include "tk_common.h"
#include "tk_fft.h"
#include "tk_fixed_point.h"

typedef struct {
    const uint16_t *band_bins; /* [mel_bins + 1] bins between two neighbouring mel edges */
    const uint16_t *weights;   /* of the rising filter, Q15, for each of those bins */
    const uint16_t *log2;      /* [33] */
    const int16_t *dct;        /* [coefficients][(mel_bins + 1) / 2], its first half, odd rows backwards */
    uint32_t first_bin;
    uint32_t mel_bins;
    uint32_t coefficients;
    uint32_t floor_log2; /* of the energy added to each filter */
    int32_t multiplier;  /* to the int8 scale, see tk_requantize_q31 */
    int64_t bias_first;  /* for coefficient 0 */
    int64_t bias;
    uint32_t shift;
} tk_frontend_params;

/* log2(1 + energy / floor) of each mel filter, units of 2**-16.
 *
 * A bin adds weight * power to the filter that rises there and the rest of its power to the one that falls. A power
 * has up to 60 bits and a weight 16: their sum is kept as two of 32 x 16 bits, exact for up to 2**16 bins. */
TK_INLINE void tk_frontend_log_mel(const tk_fft_bin *z, int32_t *logarithms, const tk_frontend_params *p)
{
    const tk_fft_bin *bin = z + p->first_bin;
    const uint16_t *weight = p->weights;
    uint64_t rising_before = 0;
    for (uint32_t band = 0; band <= p->mel_bins; band++) {
        uint64_t low = 0;
        uint64_t high = 0;
        uint64_t total = 0;
        for (const tk_fft_bin *end = bin + p->band_bins[band]; bin < end; bin++, weight++) {
            const uint32_t factor = *weight;
            low += (uint64_t)bin->power.low * factor;
            high += (uint64_t)bin->power.high * factor;
            total += (uint64_t)bin->power.high << 32 | bin->power.low;
        }
        const uint64_t rising = (high << 17) + (low >> 15);
        if (band > 0) {
            const uint64_t energy = rising_before + (total - rising) + ((uint64_t)1 << p->floor_log2);
            logarithms[band - 1] = tk_log2_q16(energy, p->log2) - (int32_t)(p->floor_log2 << 16);
        }
        rising_before = rising;
    }
}

/* The logarithms, to int8. */
TK_INLINE void tk_frontend_quantize(const int32_t *logarithms, int8_t *row, const tk_frontend_params *p)
{
    for (uint32_t m = 0; m < p->mel_bins; m++) {
        row[m] = tk_requantize_q31(logarithms[m], p->multiplier, p->bias, p->shift);
    }
}

/* Liftered DCT-II of the logarithms, to int8. Even rows of the matrix are symmetric and odd rows antisymmetric, so the
 * logarithms are folded first, in place: sums in the first half, differences, backwards, in the second. */
TK_INLINE void tk_frontend_cepstrum(int32_t *logarithms, int8_t *row, const tk_frontend_params *p)
{
    const uint32_t columns = (p->mel_bins + 1) / 2;
    const uint32_t last = p->mel_bins - 1;
    for (uint32_t m = 0; m < p->mel_bins / 2; m++) {
        const int32_t a = logarithms[m];
        const int32_t b = logarithms[last - m];
        logarithms[m] = a + b;
        logarithms[last - m] = a - b;
    }
    const int16_t *factor = p->dct;
    for (uint32_t k = 0; k < p->coefficients; k++) {
        const int32_t *folded = k % 2 ? logarithms + p->mel_bins - columns : logarithms;
        int32_t sum = 0;
        for (uint32_t m = 0; m < columns; m++) {
            sum = tk_mla_low(folded[m], (uint16_t)*factor++, sum);
        }
        row[k] = tk_requantize_q31(sum, p->multiplier, k ? p->bias : p->bias_first, p->shift);
    }
}

#endif
