/* Audio to a spectrum and a model's input, the model's gains to audio: one hop at a time. */
#include "tk_spectrum.h"

#include "tk_fft.h"
#include "tk_frontend.h"
#include "tk_spectrum_tables.h"
#include "tk_stft.h"

/* The frame, in order: nothing wraps around inside it. */
static TK_ALIGNED(4) int16_t frame[TK_SPECTRUM_WINDOW_SAMPLES];
static tk_fft_bin spectrum[TK_SPECTRUM_WINDOW_SAMPLES / 2];
static tk_fft_bin work[TK_SPECTRUM_WINDOW_SAMPLES / 2]; /* powers, then the inverse transform */
static int32_t sums[TK_SPECTRUM_WINDOW_SAMPLES - TK_SPECTRUM_HOP_SAMPLES];

void tk_spectrum_reset(void)
{
    memset(frame, 0, sizeof frame);
    memset(sums, 0, sizeof sums);
}

void tk_spectrum_analyse(const int16_t *hop, int8_t *features)
{
    int32_t logarithms[TK_SPECTRUM_BANDS];

    for (uint32_t at = TK_SPECTRUM_HOP_SAMPLES; at < TK_SPECTRUM_WINDOW_SAMPLES; at += TK_SPECTRUM_HOP_SAMPLES) {
        memcpy(frame + at - TK_SPECTRUM_HOP_SAMPLES, frame + at, TK_SPECTRUM_HOP_SAMPLES * sizeof frame[0]);
    }
    memcpy(frame + TK_SPECTRUM_WINDOW_SAMPLES - TK_SPECTRUM_HOP_SAMPLES, hop,
           TK_SPECTRUM_HOP_SAMPLES * sizeof frame[0]);
    tk_stft_analyse(frame, spectrum, &tk_spectrum_fft);
    tk_stft_power(spectrum, work, &tk_spectrum_fft);
    tk_frontend_log_mel(work, logarithms, &tk_spectrum_bands);
    tk_frontend_quantize(logarithms, features, &tk_spectrum_bands);
}

void tk_spectrum_synthesize(const int16_t *gains, int16_t *hop)
{
    tk_stft_apply(spectrum, gains, &tk_spectrum_fft, &tk_spectrum_bands);
    tk_stft_inverse(spectrum, work, &tk_spectrum_fft);
    tk_stft_overlap(work, sums, hop, &tk_spectrum_fft, &tk_spectrum_stft);
}
