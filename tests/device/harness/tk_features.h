/* A front end of few numbers: least, greatest and sum of each window. Its twin is `front_end` in
 * tests/device/conftest.py. */
#ifndef TK_FEATURES_H
#define TK_FEATURES_H

#include <stdint.h>

#define TK_FEATURES_WINDOW_SAMPLES 60
#define TK_FEATURES_HOP_SAMPLES 40
#ifndef TK_FEATURES_FRAMES /* more than fit into the model's input: as of a model that streams */
#define TK_FEATURES_FRAMES 100
#endif
#define TK_FEATURES_WIDTH 3

void tk_features_reset(void);
uint32_t tk_features_push(const int16_t *samples, uint32_t count, int8_t *rows, uint32_t max_rows,
                          uint32_t *used);

#endif
