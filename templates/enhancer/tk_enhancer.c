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
#if TK_MODEL_OUTPUT_BYTES != BANDS && TK_MODEL_OUTPUT_BYTES != 2 * BANDS
#error "the model's output is not a gain for each band, int8 or int16"
#endif

static int16_t collected[HOP]; /* of the input */
static int16_t leaving[HOP];   /* of the output */
static uint32_t filled;        /* samples of `collected` that are there, of `leaving` that are gone */

void tk_enhancer_reset(void)
{
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

void tk_enhancer_synthesize(void)
{
    int16_t gains[BANDS];
#if TK_MODEL_OUTPUT_BYTES == BANDS
    const int8_t *given = tk_model_output(0); /* steps of 1/256 above -128 */

    for (uint32_t band = 0; band < BANDS; band++) {
        gains[band] = (int16_t)((given[band] + 128) * 128);
    }
#else
    memcpy(gains, tk_model_output(0), sizeof gains);
    for (uint32_t band = 0; band < BANDS; band++) {
        if (gains[band] < 0) { /* int16 can hold them, a gain cannot be */
            gains[band] = 0;
        }
    }
#endif
    tk_spectrum_synthesize(gains, leaving);
    filled = 0;
}

void tk_enhancer_push(const int16_t *samples, uint32_t count, int16_t *enhanced)
{
    for (uint32_t at = 0; at < count;) {
        at += tk_enhancer_exchange(samples + at, count - at, enhanced + at);
        if (tk_enhancer_due()) {
            tk_enhancer_analyse();
            tk_model_invoke();
            tk_enhancer_synthesize();
        }
    }
}
