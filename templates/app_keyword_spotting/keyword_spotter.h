/* From a stream of audio to keywords: front end, model, smoothing, decision. */
#ifndef KEYWORD_SPOTTER_H
#define KEYWORD_SPOTTER_H

#include <stdint.h>

/* Forget the audio heard so far. */
void keyword_spotter_reset(void);

/* Hear `count` more samples. Returns the keyword that was spoken, or 0. */
const char *keyword_spotter_push(const int16_t *samples, uint32_t count);

#endif
