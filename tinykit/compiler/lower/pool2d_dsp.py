"""Pooling for the Arm DSP extension: four channels at a time."""

from __future__ import annotations

import math

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    Call,
    InPlace,
    Input,
    Kernel,
    Lowering,
    Output,
    _distance,
    _window,
    dims,
)
from tinykit.compiler.ops import _pool

_CHANNELS = 4  # in a block
_MAX_PIXELS = 255  # under a window that is averaged: their sum fits 16 bits


def _matches(graph: Graph, op: Op) -> bool:
    fits = op.kind == "max_pool2d" or math.prod(op.attrs.window.size) <= _MAX_PIXELS
    return fits and dims(graph, op.inputs[0])[3] % _CHANNELS == 0


def _lower(graph: Graph, op: Op) -> Lowering:
    image, result = dims(graph, op.inputs[0]), dims(graph, op.outputs[0])
    low, high = _pool.output_range(graph, op)
    call = Call(
        f"tk_{op.kind}_s8_dsp",
        (Input(), Output()),
        "tk_pool2d_params",
        {"at": _window.params(graph, op, op.attrs.window), "low": low, "high": high},
    )
    # a step is a block of channels of one pixel: all its inputs are read, then it is written
    pixels = _distance.window_reads(op.attrs.window, image, result)
    reads = (pixels[:, None] + np.arange(0, image[3], _CHANNELS)[None, :]).reshape(-1)
    written = _CHANNELS * np.arange(1, reads.size + 1)
    distance = _distance.streaming(reads, written, reads_first=True)
    return Lowering((call,), in_place=(InPlace(distance=distance),))


KINDS = ("average_pool2d", "max_pool2d")
KERNELS = (Kernel("pool2d_s8_dsp", "tk_pool2d_dsp.h", _lower, variant="dsp", matches=_matches),)
