/* From energies to a row of int8 features as TensorFlow Lite Micro's audio front end makes them; the twin of
 * tinykit/audio/micro.py: filter bank, square root, noise reduction, gain control (PCAN), logarithm. */
#ifndef TK_MICRO_H
#define TK_MICRO_H

#include <stdint.h>

#include "tk_common.h"
#include "tk_fixed_point.h"

typedef struct {
    const uint16_t *band_bins; /* [mel_bins + 1] bins between two neighbouring mel edges */
    const uint16_t *weights;   /* of the falling filter, Q12, for each of those bins */
    const int16_t *gain;       /* [125] two values, then value, slope, curve, 0 for each power of two */
    const uint16_t *log;       /* [129] 2**16 (log2(1 + i / 128) - i / 128) */
    uint32_t first_bin;
    uint32_t mel_bins;
    uint32_t smoothing_bits;   /* fraction bits of the noise */
    uint32_t even_smoothing;   /* Q14, as the next two */
    uint32_t odd_smoothing;
    uint32_t least;            /* share of the signal that is always left */
    uint32_t snr_shift;
    uint32_t correction_bits;
    uint32_t log_shift;
    int64_t multiplier;        /* int8 = (value * multiplier + bias) >> 40 */
    int64_t bias;
} tk_micro_params;

TK_INLINE uint32_t tk_bit_length(uint32_t x)
{
    return x ? 32 - tk_leading_zeros(x) : 0;
}

/* The square root of 0 <= x < 2**62, rounded, two bits of x at a time; below 2**32 it never is 2**16. */
TK_INLINE uint32_t tk_micro_root(uint64_t x)
{
    const uint32_t top = (uint32_t)(x >> 32);
    uint32_t pairs = (tk_bit_length(top ? top : (uint32_t)x) + 1) / 2;
    uint32_t root = 0;
    uint32_t rest = 0; /* of the digits so far, less root squared: at most twice the root */
    if (top) {
        for (; pairs > 0; pairs--) {
            const uint32_t trial = 4 * root + 1;
            rest = rest << 2 | ((top >> (2 * pairs - 2)) & 3u);
            root *= 2;
            if (rest >= trial) {
                rest -= trial;
                root++;
            }
        }
        pairs = 16;
    }
    for (; pairs > 0; pairs--) {
        const uint32_t trial = 4 * root + 1;
        rest = rest << 2 | (((uint32_t)x >> (2 * pairs - 2)) & 3u);
        root *= 2;
        if (rest >= trial) {
            rest -= trial;
            root++;
        }
    }
    if (rest > root && (top || root != 0xFFFFu)) {
        root++;
    }
    return root;
}

/* The gain for a noise: between two powers of two a parabola. */
TK_INLINE uint32_t tk_micro_gain(uint32_t noise, const int16_t *table)
{
    if (noise <= 2) {
        return (uint32_t)table[noise];
    }
    const uint32_t bits = tk_bit_length(noise);
    const int16_t *piece = table + 4 * bits - 6;
    const int32_t place = (int32_t)((bits < 11 ? noise << (11 - bits) : noise >> (bits - 11)) & 0x3FFu);
    const int32_t rise = (((piece[2] * place) >> 5) + piece[1] * 32) * place;
    return (uint32_t)(int32_t)(int16_t)(piece[0] + ((rise + (1 << 14)) >> 15));
}

/* Signal divided by noise, Q12, to Q6: a square below 2, a line above. */
TK_INLINE uint32_t tk_micro_shrunk(uint32_t ratio)
{
    return ratio < 2u << 12 ? (ratio * ratio) >> 20 : (ratio >> 6) - (1u << 6);
}

/* 2**log_shift ln(x) in 16 bits; 0 for 0 and 1. */
TK_INLINE uint32_t tk_micro_logarithm(uint32_t x, const tk_micro_params *p)
{
    if (x <= 1) {
        return 0;
    }
    const uint32_t exponent = tk_bit_length(x) - 1;
    const uint32_t mantissa = x - ((uint32_t)1 << exponent);
    const uint32_t fraction = exponent < 16 ? mantissa << (16 - exponent) : mantissa >> (exponent - 16);
    const uint16_t *segment = p->log + (fraction >> 9);
    /* The original shifts by 16 where linear interpolation would by 9: next to nothing is added. */
    const int32_t rise = ((segment[1] - segment[0]) * (int32_t)(fraction & 511u)) >> 16;
    const uint32_t log2 = (exponent << 16) + fraction + segment[0] + (uint32_t)rise;
    const uint32_t natural = (uint32_t)(((uint64_t)log2 * 45426u + (1u << 15)) >> 16); /* times ln 2 */
    const uint32_t scaled = ((natural << p->log_shift) + (1u << 15)) >> 16;
    return scaled < 0xFFFFu ? scaled : 0xFFFFu;
}

/* One filter: its amplitude to int8, the noise estimate moved on. */
TK_INLINE int8_t tk_micro_value(uint32_t signal, uint32_t smoothing, uint32_t *noise, const tk_micro_params *p)
{
    const uint32_t scaled = signal << p->smoothing_bits;
    const uint32_t estimate =
        (uint32_t)(((uint64_t)scaled * smoothing + (uint64_t)*noise * ((1u << 14) - smoothing)) >> 14);
    *noise = estimate;
    const uint32_t subtracted = (estimate > scaled ? 0 : scaled - estimate) >> p->smoothing_bits;
    const uint32_t floor = (uint32_t)(((uint64_t)signal * p->least) >> 14);
    const uint32_t clean = subtracted > floor ? subtracted : floor;
    const uint32_t ratio = (uint32_t)(((uint64_t)clean * tk_micro_gain(estimate, p->gain)) >> p->snr_shift);
    const uint32_t level = tk_micro_logarithm(tk_micro_shrunk(ratio) << p->correction_bits, p);
    const int32_t value = (int32_t)(((int64_t)level * p->multiplier + p->bias) >> 40);
    return (int8_t)tk_clamp(value, -128, 127);
}

/* Energies of bins, made from samples shifted left by `shift`, to a row. A bin adds weight * energy to the filter that
 * falls there and the rest of its energy to the one that rises. */
TK_INLINE void tk_micro_row(const uint32_t *energies, uint32_t shift, uint32_t *noise, int8_t *row,
                            const tk_micro_params *p)
{
    const uint32_t *bin = energies + p->first_bin;
    const uint16_t *weight = p->weights;
    uint64_t rising_before = 0;
    for (uint32_t band = 0; band <= p->mel_bins; band++) {
        uint64_t falling = 0;
        uint64_t total = 0;
        for (const uint32_t *end = bin + p->band_bins[band]; bin < end; bin++, weight++) {
            falling += (uint64_t)*bin * *weight;
            total += *bin;
        }
        if (band > 0) {
            const uint32_t m = band - 1;
            const uint32_t signal = tk_micro_root(rising_before + falling) >> shift;
            row[m] = tk_micro_value(signal, m % 2 ? p->odd_smoothing : p->even_smoothing, &noise[m], p);
        }
        rising_before = (total << 12) - falling;
    }
}

#endif
