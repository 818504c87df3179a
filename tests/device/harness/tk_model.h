/* A small model with everything that can go wrong: two inputs that it overwrites, two outputs,
 * state, an op with two outputs. Its twin is `model` in tests/device/conftest.py. */
#ifndef TK_MODEL_H
#define TK_MODEL_H

#include <stdint.h>

#define TK_MODEL_INPUTS 2
#define TK_MODEL_OUTPUTS 2
#define TK_MODEL_INPUT_SIZES {300, 3}
#define TK_MODEL_OUTPUT_SIZES {280, 2}
#define TK_MODEL_OPS 3
#define TK_MODEL_ARENA_BYTES 600
#define TK_MODEL_STATE_BYTES 1
#define TK_MODEL_SCRATCH_BYTES 0
#define TK_MODEL_SHA256 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

void tk_model_reset(void);
int8_t *tk_model_input(int index);
void tk_model_invoke(void);
const int8_t *tk_model_output(int index);

#endif
