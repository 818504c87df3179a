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
#elif TK_MODEL_OUTPUT_BYTES == BANDS + 2 || TK_MODEL_OUTPUT_BYTES == 2 * (BANDS + 2)
#define SKIPS 2 /* beside the gains: what brings the next inference nearer, each hop and change */
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
static int8_t seen[BANDS];  /* its features */
static int32_t waited;      /* the sum of the increments since then */
static int32_t increment, sensitivity;
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

#if SKIPS
/* How far the features of this hop are from those of the last inference, in sixteenths of a step:
 * the mean over the bands, where a fall counts half. */
static int32_t change(void)
{
    const int8_t *now = tk_model_input(0);
    int32_t sum = 0;

    for (uint32_t band = 0; band < BANDS; band++) {
        const int32_t rise = now[band] - seen[band];

        sum += rise > 0 ? 2 * rise : -rise;
    }
    return 8 * sum / (int32_t)BANDS;
}

/* Whether the model has to run: it has waited long enough, or enough is new. */
static int is_due(void)
{
    return waited >= DUE || waited + (change() * sensitivity >> 7) >= DUE;
}
#endif

void tk_enhancer_reset(void)
{
#if SKIPS
    waited = DUE;
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
    if (is_due()) {
        memcpy(seen, tk_model_input(0), sizeof seen); /* the model may use its input's memory */
        tk_model_invoke();
        for (uint32_t band = 0; band < BANDS; band++) {
            held[band] = answer(band);
        }
        increment = answer(BANDS);
        if (increment < SMALLEST) {
            increment = SMALLEST;
        }
        sensitivity = answer(BANDS + 1);
        waited = 0;
    }
    waited += increment;
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
