/* One hop is collected while the last one leaves: the delay is one hop for that, and the rest of a
 * window for the frames that overlap. */
#include "tk_enhancer.h"

#include <string.h>

#include "tk_model.h"

#define HOP TK_SPECTRUM_HOP_SAMPLES
#define BANDS TK_SPECTRUM_BANDS

#if TK_MODEL_INPUT_BYTES != BANDS
#error "the model's input is not the bands of this spectrum"
#endif
#if TK_MODEL_OUTPUT_BYTES == BANDS || TK_MODEL_OUTPUT_BYTES == 2 * BANDS
#define SKIPS 0
#elif TK_MODEL_OUTPUT_BYTES == BANDS + 1 || TK_MODEL_OUTPUT_BYTES == 2 * (BANDS + 1)
#define SKIPS 1 /* beside the gains: by how much each hop brings the next inference nearer */
#else
#error "the model's output is not a gain for each band, int8 or int16"
#endif
#define BYTES (TK_MODEL_OUTPUT_BYTES / (BANDS + SKIPS)) /* of a gain */

static int16_t collected[HOP]; /* of the input */
static int16_t leaving[HOP];   /* of the output */
static uint32_t filled;        /* samples of `collected` that are there, of `leaving` that are gone */

#if SKIPS
#define DUE (1 << 14)      /* 1/2 in Q15 */
#define SMALLEST (1 << 7)  /* 1/256: no model sits out more than 127 hops */
static int16_t held[BANDS]; /* gains of the last inference */
static int32_t due;         /* the model runs when it has reached DUE */
static int32_t increment;
#endif

/* The model's value `at` in Q15: int8 are steps of 1/256 above -128; int16 can be below 0, a gain
 * cannot. */
static int16_t answer(uint32_t at)
{
#if BYTES == 1
    return (int16_t)((tk_model_output(0)[at] + 128) * 128);
#else
    int16_t value;

    memcpy(&value, tk_model_output(0) + 2 * at, sizeof value);
    return value < 0 ? 0 : value;
#endif
}

void tk_enhancer_reset(void)
{
#if SKIPS
    due = DUE;
#endif
    tk_spectrum_reset();
    tk_model_reset();
    memset(leaving, 0, sizeof leaving);
    filled = 0;
}

uint32_t tk_enhancer_exchange(const int16_t *samples, uint32_t count, int16_t *enhanced)
{
    const uint32_t most = HOP - filled;

    if (count > most) {
        count = most;
    }
    memcpy(collected + filled, samples, count * sizeof samples[0]); /* first: both may be one place */
    memcpy(enhanced, leaving + filled, count * sizeof enhanced[0]);
    filled += count;
    return count;
}

int tk_enhancer_due(void)
{
    return filled == HOP;
}

void tk_enhancer_analyse(void)
{
    tk_spectrum_analyse(collected, tk_model_input(0));
}

void tk_enhancer_infer(void)
{
#if SKIPS
    if (due < DUE) {
        due += increment;
        return;
    }
    tk_model_invoke();
    for (uint32_t band = 0; band < BANDS; band++) {
        held[band] = answer(band);
    }
    increment = answer(BANDS);
    if (increment < SMALLEST) {
        increment = SMALLEST;
    }
    due = increment;
#else
    tk_model_invoke();
#endif
}

void tk_enhancer_synthesize(void)
{
#if SKIPS
    tk_spectrum_synthesize(held, leaving);
#else
    int16_t gains[BANDS];

    for (uint32_t band = 0; band < BANDS; band++) {
        gains[band] = answer(band);
    }
    tk_spectrum_synthesize(gains, leaving);
#endif
    filled = 0;
}

void tk_enhancer_push(const int16_t *samples, uint32_t count, int16_t *enhanced)
{
    for (uint32_t at = 0; at < count;) {
        at += tk_enhancer_exchange(samples + at, count - at, enhanced + at);
        if (tk_enhancer_due()) {
            tk_enhancer_analyse();
            tk_enhancer_infer();
            tk_enhancer_synthesize();
        }
    }
}
