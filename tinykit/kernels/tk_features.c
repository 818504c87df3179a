/* The streaming front end: collects samples into windows and writes a row of features for each. */
#include "tk_features.h"

#include "tk_features_tables.h"

/* The window that is being collected, in order: nothing wraps around inside it. */
static TK_ALIGNED(4) int16_t window[TK_FEATURES_WINDOW_SAMPLES];
static uint32_t filled;

#if TK_FEATURES_MICRO

static uint32_t bins[TK_FEATURES_FFT_SIZE / 2];
static uint32_t noise[TK_FEATURES_MEL_BINS]; /* its estimate in each filter */

static void forget(void)
{
    memset(noise, 0, sizeof noise);
}

static void compute_row(int8_t *row)
{
    const uint32_t shift = tk_micro_room(window, &tk_features_fft);

    tk_micro_fft_energies(window, shift, bins, &tk_features_fft);
    tk_micro_row(bins, shift, noise, row, &tk_features_micro);
}

#else

static tk_fft_bin bins[TK_FEATURES_FFT_SIZE / 2];

/* Rows do not depend on those before. */
static void forget(void)
{
}

static void compute_row(int8_t *row)
{
    int32_t logarithms[TK_FEATURES_MEL_BINS];

    tk_fft_power(window, bins, &tk_features_fft);
    tk_frontend_log_mel(bins, logarithms, &tk_features_bands);
#if TK_FEATURES_CEPSTRUM
    tk_frontend_cepstrum(logarithms, row, &tk_features_bands);
#else
    tk_frontend_quantize(logarithms, row, &tk_features_bands);
#endif
}

#endif

void tk_features_reset(void)
{
    filled = 0;
    forget();
}

/* Keep what the next window shares with this one. In pieces of a hop, so that no piece overlaps its target. */
static void advance(void)
{
    filled = TK_FEATURES_WINDOW_SAMPLES - TK_FEATURES_HOP_SAMPLES;
    for (uint32_t at = 0; at < filled; at += TK_FEATURES_HOP_SAMPLES) {
        const uint32_t rest = filled - at;
        const uint32_t count = rest < TK_FEATURES_HOP_SAMPLES ? rest : TK_FEATURES_HOP_SAMPLES;
        memcpy(window + at, window + at + TK_FEATURES_HOP_SAMPLES, count * sizeof window[0]);
    }
}

uint32_t tk_features_push(const int16_t *samples, uint32_t count, int8_t *rows, uint32_t max_rows, uint32_t *used)
{
    uint32_t taken = 0;
    uint32_t made = 0;

    while (taken < count && made < max_rows) {
        const uint32_t room = TK_FEATURES_WINDOW_SAMPLES - filled;
        const uint32_t piece = count - taken < room ? count - taken : room;
        memcpy(window + filled, samples + taken, piece * sizeof window[0]);
        taken += piece;
        filled += piece;
        if (filled == TK_FEATURES_WINDOW_SAMPLES) {
            compute_row(rows + made * TK_FEATURES_WIDTH);
            made++;
            advance();
        }
    }
    *used = taken;
    return made;
}
