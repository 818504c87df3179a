"""A keyword spotter of the usual shape with random weights, small enough to build in a test."""

from __future__ import annotations

import numpy as np

from tinykit.audio import frontend, frontend_c
from tinykit.audio.spec import FeatureSpec
from tinykit.board import Board
from tinykit.compiler import compile_model
from tinykit.compiler.compiled import CompiledModel
from tinykit.compiler.golden import Golden
from tinykit.compiler.writer import TfliteWriter
from tinykit.device.vectors import Vectors
from tinykit.firmware.project import Project

SPEC = FeatureSpec()
CHANNELS, CLASSES = 8, 4


def tflite() -> bytes:
    """Convolution, depthwise convolution, fully connected, softmax: 49 x 10 in, 4 out."""
    rng = np.random.default_rng(0)
    writer = TfliteWriter()

    def layer(
        builtin: str,
        source: int,
        source_scale: float,
        filters: tuple[int, ...],
        axis: int,
        shape: tuple[int, ...],
        **options: int,
    ) -> int:
        units = filters[axis]
        scales = np.linspace(0.01, 0.02, units).astype(np.float32)
        weights = rng.integers(-127, 128, filters).astype(np.int8)
        bias = rng.integers(-500, 500, units).astype(np.int32)
        w = writer.constant("w", weights, scale=scales, axis=axis)
        b = writer.constant("b", bias, scale=scales * np.float32(source_scale))
        y = writer.tensor("y", shape, np.int8, scale=0.25, zero_point=-20)
        table = {"CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions"}
        writer.op(
            builtin, [source, w, b], [y], table.get(builtin, "FullyConnectedOptions"), **options
        )
        return y

    shape = (1, SPEC.frames, SPEC.width, 1)
    x = writer.tensor("x", shape, np.int8, scale=SPEC.scale, zero_point=0)
    small = (1, -(-SPEC.frames // 2), -(-SPEC.width // 2), CHANNELS)
    a = layer("CONV_2D", x, SPEC.scale, (CHANNELS, 10, 4, 1), 0, small, strideH=2, strideW=2)
    d = layer(
        "DEPTHWISE_CONV_2D",
        a,
        0.25,
        (1, 3, 3, CHANNELS),
        3,
        small,
        strideH=1,
        strideW=1,
        depthMultiplier=1,
        fusedActivationFunction=1,
    )
    f = layer("FULLY_CONNECTED", d, 0.25, (CLASSES, int(np.prod(small))), 0, (1, CLASSES))
    y = writer.tensor("p", (1, CLASSES), np.int8, scale=1 / 256, zero_point=-128)
    writer.op("SOFTMAX", [f], [y], "SoftmaxOptions", beta=1.0)
    return writer.build([x], [y])


def project(board: Board) -> tuple[CompiledModel, Project]:
    """Return the model compiled for `board`, and the firmware with it and its front end."""
    compiled = compile_model(tflite(), board.processor, name="spotter")
    features = frontend_c.sources(SPEC)
    return compiled, Project("spotter", board, model=compiled.sources, features=features)


def vectors(inputs: int, clips: int) -> Vectors:
    """Return golden vectors, the first `clips` of them from audio: noise of rising loudness."""
    rng = np.random.default_rng(1)
    loudness = np.geomspace(30, 60_000, max(1, clips))[:clips, None]
    audio = np.clip(rng.normal(0, 1, (clips, SPEC.clip_samples)) * loudness, -32768, 32767)
    audio = audio.astype(np.int16)
    noise = rng.integers(-128, 128, (inputs - clips, SPEC.frames, SPEC.width)).astype(np.int8)
    x = np.concatenate([frontend.features(audio, SPEC), noise])[..., None]
    with Golden(tflite()) as golden:
        y = np.stack([golden.run([row[None]])[0][0] for row in x])
    return Vectors(x, y, y.argmax(axis=1).astype(np.int32), audio)
