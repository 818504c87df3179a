/* From noisy audio to enhanced audio: spectrum, model, gains, spectrum back. The twin of
 * tinykit/audio/enhancer.py, sample for sample. */
#ifndef TK_ENHANCER_H
#define TK_ENHANCER_H

#include <stdint.h>

#include "tk_spectrum.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A sample comes out so many samples after it went in. */
#define TK_ENHANCER_DELAY_SAMPLES TK_SPECTRUM_WINDOW_SAMPLES

/* Forget all audio: spectrum and model to their start. */
void tk_enhancer_reset(void);

/* Take `count` more samples, any number of them, and give as many, which may go to the same place.
 * Does a hop's work at once, whenever one is complete. */
void tk_enhancer_push(const int16_t *samples, uint32_t count, int16_t *enhanced);

/* The same step by step, for whoever measures the steps, or does the work somewhere else than
 * where the samples arrive. */

/* Take at most `count` samples, up to the end of the hop, and give as many of the last one. Returns
 * how many. */
uint32_t tk_enhancer_exchange(const int16_t *samples, uint32_t count, int16_t *enhanced);

/* Whether a hop is complete. Then: analyse, infer, synthesize, before the next exchange. */
int tk_enhancer_due(void);
void tk_enhancer_analyse(void);
/* tk_model_invoke(), but for a hop that a model with two outputs more than gains chose to sit out:
 * then the gains stay (docs/compression.md). */
void tk_enhancer_infer(void);
void tk_enhancer_synthesize(void);

#ifdef __cplusplus
}
#endif

#endif
