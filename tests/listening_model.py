"""A model that listens, with random weights: rows of the micro front end in, three classes out.

Its convolutions over time pad nothing, so it can be streamed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from tinykit.audio.spec import LABELS_KEY, METADATA_KEY, FeatureSpec
from tinykit.compiler.writer import TfliteWriter

SPEC = FeatureSpec(kind="micro", clip_ms=300)  # 28 rows of 40
LABELS = ["_silence_", "go", "stop"]


def tflite(labels: Sequence[str] = LABELS) -> bytes:
    """Convolution over 5 rows, stride 2, mean over time, fully connected, softmax."""
    classes = len(labels)
    rng = np.random.default_rng(3)
    writer = TfliteWriter()
    x = writer.tensor(
        "x", (1, SPEC.frames, SPEC.width, 1), np.int8, scale=SPEC.scale, zero_point=SPEC.zero_point
    )
    filters, rows = 6, 1 + (SPEC.frames - 5) // 2

    def weights(name: str, shape: tuple[int, ...]) -> int:
        return writer.constant(name, rng.integers(-127, 128, shape).astype(np.int8), scale=0.02)

    def bias(units: int, scale: float) -> int:
        values = rng.integers(-100, 100, units).astype(np.int32)
        return writer.constant("b", values, scale=0.02 * scale)

    c = writer.tensor("c", (1, rows, 1, filters), np.int8, scale=1.0, zero_point=-10)
    conv = [x, weights("w", (filters, 5, SPEC.width, 1)), bias(filters, SPEC.scale)]
    writer.op("CONV_2D", conv, [c], "Conv2DOptions", strideH=2, strideW=1, padding=1)
    axes = writer.constant("axes", np.array([1, 2], np.int32))
    m = writer.tensor("m", (1, filters), np.int8, scale=0.25, zero_point=0)
    writer.op("MEAN", [c, axes], [m], "ReducerOptions")
    f = writer.tensor("f", (1, classes), np.int8, scale=0.25, zero_point=0)
    dense = [m, weights("v", (classes, filters)), bias(classes, 0.25)]
    writer.op("FULLY_CONNECTED", dense, [f], "FullyConnectedOptions")
    y = writer.tensor("y", (1, classes), np.int8, scale=1 / 256, zero_point=-128)
    writer.op("SOFTMAX", [f], [y], "SoftmaxOptions", beta=1.0)
    writer.metadata(
        {METADATA_KEY: msgspec.json.encode(SPEC), LABELS_KEY: json.dumps(labels).encode()}
    )
    return writer.build([x], [y])


def project(
    folder: Path, stream: bool = False, board: str = "mps2-an386", phases: bool = False
) -> Path:
    """Write a project whose model this is, and return its folder."""
    (folder / "build").mkdir(parents=True)
    (folder / "build" / "model.tflite").write_bytes(tflite())
    (folder / "tinykit.toml").write_text(
        f'[project]\nname = "listen"\ntask = "keyword-spotting"\nboard = "{board}"\n'
        f"[compile]\nstream = {str(stream).lower()}\nphases = {str(phases).lower()}\n"
        "[decision]\naverage = 4\nthreshold = 0.5\nrefractory_ms = 400\ninterval_ms = 50\n"
    )
    return folder


def audio(seconds: float) -> np.ndarray:
    """Noise bursts of several colours and levels with pauses: int16 (samples,)."""
    rng = np.random.default_rng(4)
    count = int(seconds * 16000)
    level = np.repeat(10 ** rng.uniform(0, 3.8, count // 3200 + 1), 3200)[:count]
    noise = rng.standard_normal(count)
    smooth = np.convolve(noise, np.ones(8) / 3, "same")
    blend = np.repeat(rng.integers(0, 2, count // 3200 + 1), 3200)[:count]
    return np.clip(level * np.where(blend, smooth, noise), -32768, 32767).astype(np.int16)
