"""Post-training quantization: a float Keras model and a calibration set become an int8 .tflite."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit.audio.spec import LABELS_KEY, METADATA_KEY, FeatureSpec
from tinykit.errors import DataError, ModelError
from tinykit.quantize import export
from tinykit.quantize.fold import fold
from tinykit.quantize.nodes import Node, Softmax
from tinykit.quantize.ranges import calibrate
from tinykit.train.backend import keras
from tinykit.train.features import to_real


def quantize(
    model: keras.Model,
    calibration: NDArray[np.int8],
    spec: FeatureSpec,
    labels: Sequence[str],
) -> bytes:
    """Return `model` as a full-integer .tflite that ends in a softmax.

    The input is int8 with the scale and zero point of the front end: features enter as they are.
    The output is int8 (1, classes) with scale 1/256 and zero point -128. The feature specification
    and the labels travel in the file.

    Parameters
    ----------
    model : keras.Model
        (N, frames, width, 1) -> (N, classes).
    calibration : int8 (N, frames, width)
        Features from which the ranges of the activations are taken; the more like real use, the
        better. 100 to 500 clips are enough.
    spec : FeatureSpec
        What the features are.
    labels : sequence of str
        The classes.

    Raises
    ------
    ModelError
        When a layer has no integer counterpart, or the model does not fit the features or labels.
    DataError
        When there are no calibration clips.
    """
    nodes = fold(model)
    _check(model, nodes, spec, labels)
    if not isinstance(nodes[-1], Softmax):
        nodes.append(Softmax("probabilities", nodes[-1].shape, inputs=(len(nodes) - 1,)))
    if not len(calibration):
        raise DataError("quantize: the calibration set has no clips")
    ranges = calibrate(nodes, to_real(calibration, spec))
    metadata = {
        METADATA_KEY: msgspec.json.encode(spec),
        LABELS_KEY: msgspec.json.encode(list(labels)),
    }
    shape = (spec.frames, spec.width, 1)
    return export.write(nodes, ranges, shape, spec.scale, spec.zero_point, metadata)


def _check(
    model: keras.Model, nodes: Sequence[Node], spec: FeatureSpec, labels: Sequence[str]
) -> None:
    expected = (spec.frames, spec.width, 1)
    found = tuple(model.inputs[0].shape[1:])
    if found != expected:
        raise ModelError(
            f"model {model.name!r} reads {found}, the features are {expected}",
            "it was trained with another [features] table: train again",
        )
    if not nodes:
        raise ModelError(f"model {model.name!r} has no layers")
    if nodes[-1].shape != (len(labels),):
        raise ModelError(
            f"model {model.name!r} ends in shape {nodes[-1].shape}, there are {len(labels)} labels"
        )
