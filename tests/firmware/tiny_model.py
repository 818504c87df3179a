"""A model and a front end small enough to know by heart, with the C interface of generated ones."""

from __future__ import annotations

from collections.abc import Mapping

from tinykit import board
from tinykit.audio.decision import Listener
from tinykit.board import Board
from tinykit.firmware.project import Project

SHA256 = "ab" * 32

_HEADER = """\
#ifndef TK_MODEL_H
#define TK_MODEL_H

#include <stdint.h>

#define TK_MODEL_SHA256 "%(sha256)s"
#define TK_MODEL_INPUTS 1
#define TK_MODEL_OUTPUTS 1
#define TK_MODEL_OPS 1
#define TK_MODEL_INPUT_BYTES %(inputs)d
#define TK_MODEL_OUTPUT_BYTES %(outputs)d
#define TK_MODEL_INPUT_SIZES {TK_MODEL_INPUT_BYTES}
#define TK_MODEL_OUTPUT_SIZES {TK_MODEL_OUTPUT_BYTES}
#define TK_MODEL_ARENA_BYTES (TK_MODEL_INPUT_BYTES + TK_MODEL_OUTPUT_BYTES)
#define TK_MODEL_STATE_BYTES 0
#define TK_MODEL_SCRATCH_BYTES 0

void tk_model_reset(void);
int8_t *tk_model_input(int index);
void tk_model_invoke(void);
const int8_t *tk_model_output(int index);

#endif
"""

_SOURCE = """\
#include "tk_model.h"

#ifdef TK_TRACE
void tk_trace(uint32_t op, const void *data, uint32_t bytes);
#endif

static int8_t input[TK_MODEL_INPUT_BYTES], output[TK_MODEL_OUTPUT_BYTES];
%(statics)s

void tk_model_reset(void) {}
int8_t *tk_model_input(int index) { return input + 0 * index; }
const int8_t *tk_model_output(int index) { return output + 0 * index; }

/* Each output is the bitwise complement of an input; 1,000 bytes of stack are used on the way. */
void tk_model_invoke(void)
{
    volatile int8_t work[1000];

    for (int i = 0; i < 1000; i++)
        work[i] = input[i %% TK_MODEL_INPUT_BYTES];
    for (int i = 0; i < TK_MODEL_OUTPUT_BYTES; i++)
        output[i] = (int8_t)~work[i];
#ifdef TK_TRACE
    tk_trace(0, output, TK_MODEL_OUTPUT_BYTES);
#endif
}
"""

FEATURES: Mapping[str, str] = {
    "tk_features.h": """\
#ifndef TK_FEATURES_H
#define TK_FEATURES_H

#include <stdint.h>

#define TK_FEATURES_SAMPLE_RATE_HZ 16000
#define TK_FEATURES_WINDOW_SAMPLES 4
#define TK_FEATURES_HOP_SAMPLES 4
#define TK_FEATURES_FRAMES 8
#define TK_FEATURES_WIDTH 2

void tk_features_reset(void);
uint32_t tk_features_push(const int16_t *samples, uint32_t count, int8_t *rows, uint32_t max_rows,
                          uint32_t *used);

#endif
""",
    "tk_features.c": """\
#include "tk_features.h"

static uint32_t held;

void tk_features_reset(void) { held = 0; }

/* A row is the low byte of the last of its 4 samples, twice. */
uint32_t tk_features_push(const int16_t *samples, uint32_t count, int8_t *rows, uint32_t max_rows,
                          uint32_t *used)
{
    uint32_t made = 0;

    for (*used = 0; *used < count && made < max_rows; (*used)++) {
        if (++held == TK_FEATURES_HOP_SAMPLES) {
            held = 0;
            rows[2 * made] = rows[2 * made + 1] = (int8_t)(samples[*used] & 0x7F);
            made++;
        }
    }
    return made;
}
""",
}


def model(inputs: int = 16, outputs: int = 3, statics: str = "") -> dict[str, str]:
    """Return the C sources of a model with `inputs` and `outputs` bytes, and more variables."""
    values = {"sha256": SHA256, "inputs": inputs, "outputs": outputs, "statics": statics}
    return {"tk_model.h": _HEADER % values, "tk_model.c": _SOURCE % values}


def tensors_only(board_id: str, **changes: object) -> Project:
    """Return a project for a board without a front end."""
    chosen: Board = board.find(board_id)
    values: dict[str, object] = {"name": "tiny", "board": chosen, "model": model()}
    return Project(**(values | changes))  # type: ignore[arg-type]


LISTENER = Listener(
    labels=("yes", "no", "_silence_"),
    window_rows=8,
    first_row=8,
    step_rows=5,
    warm_up_rows=8,
    average=3,
    refractory_rows=50,
    threshold=538,
    zero_point=-128,
    unsigned=False,
    window_samples=4,
    hop_samples=4,
    sample_rate_hz=16000,
)
"""Every 5 rows the model runs over 8; three outputs above 0.7 on average are a keyword."""


def keyword_spotter(board_id: str, listener: Listener = LISTENER) -> Project:
    """Return a keyword spotting project for a board."""
    return tensors_only(
        board_id,
        features=FEATURES,
        app="keyword_spotting",
        listener=listener,
        facts={"MACs": "0"},
    )
