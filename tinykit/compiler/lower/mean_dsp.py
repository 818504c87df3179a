"""The mean for the Arm DSP extension: four neighbours at a time."""

from __future__ import annotations

import math
from dataclasses import replace

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import (
    InPlace,
    Kernel,
    Lowering,
    _distance,
    _dsp,
    _reduce,
    _strides,
    mean,
)
from tinykit.compiler.ops import mean as meaning

_BLOCK = 4
_MAX_ELEMENTS = 255  # in a mean: their sum fits 16 bits


def _matches(graph: Graph, op: Op) -> bool:
    if not _reduce.few_axes(graph, op):
        return False
    kept, summed = _reduce.axes(graph, op)
    _, shift = meaning.RULE.scaling(graph, op)
    return (
        bool(kept)
        and kept[-1].steps == (1,)
        and kept[-1].count % _BLOCK == 0
        and math.prod(axis.count for axis in summed) <= _MAX_ELEMENTS
        and -_dsp.MAX_SHIFT <= shift <= -1
    )


def _lower(graph: Graph, op: Op) -> Lowering:
    (call,) = mean.lower(graph, op).calls
    kept, _ = _reduce.axes(graph, op)
    reads = _strides.offsets(kept, 0)[::_BLOCK]
    written = range(_BLOCK, _BLOCK * (reads.size + 1), _BLOCK)
    distance = _distance.streaming(reads, written, reads_first=True)
    renamed = replace(call, function="tk_mean_s8_dsp")
    return Lowering((renamed,), in_place=(InPlace(distance=distance),))


KINDS = ("mean",)
KERNELS = (Kernel("mean_s8_dsp", "tk_mean_dsp.h", _lower, variant="dsp", matches=_matches),)
