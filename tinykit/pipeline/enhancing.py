"""Enhancing audio: what a model says of its spectrum, and the project's device on this computer."""

from __future__ import annotations

import msgspec
import numpy as np

from tinykit.audio.spec import METADATA_KEY, SPECTRUM_KEY
from tinykit.audio.stft_spec import StftSpec
from tinykit.compiler.ir import Graph, Tensor
from tinykit.errors import ConfigError, ModelError

GAINS = {"int8": (1 / 256, -128), "int16": (1 / 32768, 0)}
"""Scale and zero point that an enhancer's output must have, by its type."""

_TOLERANCE = 1e-5  # of a scale: float32 in the file, and as decimals in the metadata


def spectrum_spec(graph: Graph) -> StftSpec | None:
    """Return the spectrum between which the model stands; None when it is no enhancer.

    Parameters
    ----------
    graph : Graph
        As read.

    Raises
    ------
    ModelError
        When the metadata is not a `StftSpec`, or its bands are not what the model takes and gives.
    """
    raw = graph.metadata.get(SPECTRUM_KEY)
    if raw is None:
        return None
    try:
        spec = msgspec.json.decode(raw, type=StftSpec)
    except (msgspec.DecodeError, ConfigError) as reason:
        raise ModelError(
            f"metadata {SPECTRUM_KEY}: {reason}", "made by another version of tinykit? Train again"
        ) from None
    _check(graph, spec)
    return spec


def _check(graph: Graph, spec: StftSpec) -> None:
    hint = f"correct or remove the metadata {SPECTRUM_KEY}"
    if METADATA_KEY in graph.metadata:
        raise ModelError(f"metadata {METADATA_KEY} and {SPECTRUM_KEY}: a model has one of them")
    if (len(graph.inputs), len(graph.outputs)) != (1, 1):
        raise ModelError(
            f"an enhancer takes features of a frame and gives gains; this model has "
            f"{len(graph.inputs)} inputs and {len(graph.outputs)} outputs",
            "keep its state inside of it: a fused LSTM, or resource variables",
        )
    given, gains = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    for what, tensor in (("takes", given), ("gives", gains)):
        if tensor.size != spec.bands:
            raise ModelError(
                f"the spectrum has {spec.bands} bands, the model {what} {tensor.size} values", hint
            )
    if given.dtype != np.int8 or not _has(given, spec.scale, spec.zero_point):
        raise ModelError(
            f"the spectrum's features are int8, scale {spec.scale:g}, zero point "
            f"{spec.zero_point}; the model takes {_written(given)}",
            hint,
        )
    known = GAINS.get(gains.dtype.name)
    if known is None or not _has(gains, *known):
        raise ModelError(
            f"gains are int8, scale 1/256, zero point -128, or int16, scale 1/32768; the model "
            f"gives {_written(gains)}",
            "end it with LOGISTIC: its output has that quantization",
        )


def _has(tensor: Tensor, scale: float, zero_point: int) -> bool:
    found = tensor.quantization
    if found is None:
        return False
    return (
        abs(float(found.scale[0]) / scale - 1) < _TOLERANCE
        and int(found.zero_point[0]) == zero_point
    )


def _written(tensor: Tensor) -> str:
    found = tensor.quantization
    if found is None:
        return f"{tensor.dtype} without quantization"
    return f"{tensor.dtype}, scale {float(found.scale[0]):g}, zero point {int(found.zero_point[0])}"
