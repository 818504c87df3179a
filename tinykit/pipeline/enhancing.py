"""Enhancing audio: what a model says of its spectrum, and the project's device on this computer."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit.audio import enhancer
from tinykit.audio.spec import METADATA_KEY, SPECTRUM_KEY
from tinykit.audio.stft_spec import StftSpec
from tinykit.compiler.golden import Golden
from tinykit.compiler.ir import Graph, Tensor
from tinykit.compiler.reader import read_tflite
from tinykit.errors import ConfigError, ModelError
from tinykit.pipeline import files
from tinykit.progress import Progress, silent
from tinykit.project import Project

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
    outputs = [spec.bands]
    if spec.bands > enhancer.GATE:  # else its bytes would be those of twice as wide gains
        outputs.append(spec.bands + enhancer.GATE)  # more: when it runs again
    for what, tensor, sizes in (("takes", given, [spec.bands]), ("gives", gains, outputs)):
        if tensor.size not in sizes:
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


class Twin:
    """The project's device on this computer: numpy around the golden interpreter.

    A context manager: the interpreter is a process of its own.

    Attributes
    ----------
    skipping : audio.enhancer.Skipping, optional
        What asks the model, where the model says when it runs again.

    Raises
    ------
    ModelError
        When the project's model is no enhancer, or the interpreter refuses it.
    """

    def __init__(self, project: Project) -> None:
        found = files.read_json(project.path(files.PLAN)).get("spectrum")
        if found is None:
            raise ModelError(
                f"this model does not enhance audio: its metadata has no {SPECTRUM_KEY}",
                "train it in a project for speech-enhancement",
            )
        self.spec = msgspec.convert(found, StftSpec)
        data = project.path(files.TFLITE).read_bytes()
        graph = read_tflite(data)
        self._shape = graph.tensors[graph.inputs[0]].shape
        self._golden = Golden(data)
        skips = graph.tensors[graph.outputs[0]].size > self.spec.bands
        self.skipping = enhancer.Skipping(self._answers) if skips else None

    def enhance(self, audio: NDArray[np.int16], progress: Progress = silent) -> NDArray[np.int16]:
        """Return what the device gives for a recording: int16 (samples,) -> the same, late."""
        self._golden.reset()
        if self.skipping:
            self.skipping.reset()
        return enhancer.enhance(audio, self.spec, self.skipping or self._answers, progress)

    def _answers(self, features: NDArray[np.int8]) -> NDArray[Any]:
        rows = features.reshape(len(features), *self._shape)
        return self._golden.run_many([rows])[0].reshape(len(features), -1)

    def __enter__(self) -> Twin:
        return self

    def __exit__(self, *_: object) -> None:
        self._golden.close()
