/* From a stream of audio to keywords: front end, model, smoothing, decision. */
#ifndef TK_LISTENER_H
#define TK_LISTENER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t row;   /* of the front end, counted from 1 since the reset, at which it was decided */
    uint32_t label; /* index into tk_listener_labels */
    int32_t score;  /* sum of the averaged outputs, in steps above zero */
} tk_detection;

/* The names of the classes, in the order of the model's output. */
extern const char *const tk_listener_labels[];

/* Forget all audio: front end, model and decisions to their start. */
void tk_listener_reset(void);

/* Hear up to `count` more samples, of which *used are taken. Stops at a detection: then it returns 1
 * and fills *found. Returns 0 when all samples were heard. */
int tk_listener_push(const int16_t *samples, uint32_t count, uint32_t *used, tk_detection *found);

/* Rows heard since the reset. */
uint32_t tk_listener_rows(void);

/* How much audio, in ms, had been heard when `row` was complete. */
uint32_t tk_listener_ms(uint32_t row);

#ifdef __cplusplus
}
#endif

#endif
