"""Quantization of an enhancer: one frame of features in, gains of the bands out."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit.audio.enhancer import Model
from tinykit.audio.spec import SPECTRUM_KEY
from tinykit.audio.stft_spec import StftSpec
from tinykit.compiler.golden import Golden
from tinykit.errors import DataError, ModelError
from tinykit.quantize import export
from tinykit.quantize.fold import fold
from tinykit.quantize.nodes import Node, Reshape
from tinykit.quantize.ranges import calibrate_stream
from tinykit.quantize.scheme import Quantization
from tinykit.quantize.training import FakeQuantized
from tinykit.train.backend import keras


def folded(model: keras.Model) -> list[Node]:
    """Return the operations of one frame: (bands,) -> (bands,)."""
    nodes = fold(model)
    bands = int(np.prod(nodes[-1].shape))
    return [*nodes, Reshape("frame_gains", (bands,), inputs=(len(nodes) - 1,))]


def quantize(
    model: keras.Model,
    calibration: NDArray[np.int8],
    spec: StftSpec,
    *,
    wide: bool = False,
    train: Callable[[keras.Model], object] | None = None,
) -> bytes:
    """Return an enhancer as a full-integer .tflite that is given a frame at a time.

    Input int8 (1, bands), the features of `stft.features`. Output (1, bands), gains from 0 to 1:
    int8 with scale 1/256 and zero point -128, or with `wide` int16 with scale 1/32768. The states
    are the model's own, kept between inferences; `spec` travels in the file.

    Parameters
    ----------
    model : keras.Model
        Of `tinykit.models.enhancers`, (frames, bands) -> (frames, bands).
    calibration : int8 (N, frames, bands)
        Features of recordings, from which the ranges of activations and states are taken.
    spec : StftSpec
        What the features are.
    wide : bool
        Whether activations and states are int16 (weights are int8 all the same).
    train : callable, optional
        Trains the network that it is given, (frames, bands) -> (frames, bands) on integer grids,
        before it is written; without it, weights are rounded and ranges are those of calibration.

    Raises
    ------
    ModelError
        When a layer has no integer counterpart, or the model is one for other bands.
    DataError
        When there is nothing to calibrate with.
    """
    if model.inputs[0].shape[1:] != (None, spec.bands):
        raise ModelError(
            f"model {model.name!r} reads {tuple(model.inputs[0].shape[1:])}, "
            f"not any number of frames of {spec.bands} bands",
            "it was trained with another [spectrum] table: train again",
        )
    if not calibration.size:
        raise DataError("quantize: there are no frames to calibrate with")
    nodes = folded(model)
    ranges = calibrate_stream(nodes, to_real(calibration, spec))
    if train:
        given = Quantization(np.float32(spec.scale), spec.zero_point)
        network = FakeQuantized(nodes, ranges, given, wide=wide, frames=True)
        train(network)
        nodes, ranges = network.learned()
    metadata = {SPECTRUM_KEY: msgspec.json.encode(spec)}
    return export.write(
        nodes, ranges, (spec.bands,), spec.scale, spec.zero_point, metadata, wide=wide
    )


def to_real(features: NDArray[np.int8], spec: StftSpec) -> NDArray[np.float32]:
    """Return int8 features in natural-log units, float32 of the same shape."""
    return (features.astype(np.float32) - spec.zero_point) * np.float32(spec.scale)


def by_frame(golden: Golden) -> Model:
    """Return the golden interpreter's answers as `audio.enhancer.enhance` asks for them."""
    golden.reset()
    return lambda features: golden.run_many([features[:, None]])[0][:, 0]


def from_rest(golden: Golden, features: NDArray[np.int8]) -> NDArray[np.integer]:
    """Return the answers to frames (N, bands), each the first after a reset: golden vectors."""
    answers = []
    for frame in features:
        golden.reset()
        answers.append(golden.run([frame[None]])[0][0])
    return np.stack(answers)
