"""A wake word model of the microWakeWord family with random weights, and its ESPHome manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tinykit.compiler.writer import TfliteWriter

STRIDE, KEPT, FILTERS = 3, 2, 4
MANIFEST: dict[str, Any] = {
    "type": "micro",
    "wake_word": "Hey Lumen",
    "author": "A. Tester",
    "website": "https://example.org/",
    "model": "lumen.tflite",
    "trained_languages": ["en", "de"],
    "version": 2,
    "micro": {
        "probability_cutoff": 0.6,
        "feature_step_size": 10,
        "sliding_window_size": 5,
        "tensor_arena_size": 22348,
        "minimum_esphome_version": "2024.7.0",
    },
}


def tflite(
    output: Any = np.uint8, channels: int = 40, scale: float = 26 / 255, state: bool = True
) -> bytes:
    """3 new rows and 2 kept in a variable, convolution, fully connected, logistic, QUANTIZE."""
    rng = np.random.default_rng(8)
    writer = TfliteWriter()
    quantized = {"scale": scale, "zero_point": -128}
    x = writer.tensor("x", (1, STRIDE, channels), np.int8, **quantized)
    rows = writer.tensor("rows", (1, STRIDE, 1, channels), np.int8, **quantized)
    shape = writer.constant("shape", np.array([1, STRIDE, 1, channels], np.int32))
    writer.op("RESHAPE", [x, shape], [rows], "ReshapeOptions")
    count, source = STRIDE, rows
    if state:
        count += KEPT
        first = np.full((1, KEPT, 1, channels), -128, np.int8)
        handle = writer.variable("ring", first, **quantized)
        old = writer.tensor("old", first.shape, np.int8, **quantized)
        writer.op("READ_VARIABLE", [handle], [old], "ReadVariableOptions")
        source = writer.tensor("joined", (1, count, 1, channels), np.int8, **quantized)
        writer.op("CONCATENATION", [old, rows], [source], "ConcatenationOptions", axis=1)
        new = writer.tensor("new", first.shape, np.int8, **quantized)
        at = [
            writer.constant(name, np.array(values, np.int32))
            for name, values in (
                ("begin", [0, STRIDE, 0, 0]),
                ("end", [1, count, 1, channels]),
                ("strides", [1, 1, 1, 1]),
            )
        ]
        writer.op("STRIDED_SLICE", [source, *at], [new], "StridedSliceOptions")
        writer.op("ASSIGN_VARIABLE", [handle, new], [], "AssignVariableOptions")

    def weights(name: str, size: tuple[int, ...]) -> int:
        return writer.constant(name, rng.integers(-127, 128, size).astype(np.int8), scale=0.02)

    def bias(units: int, of: float) -> int:
        return writer.constant("b", np.zeros(units, np.int32), scale=0.02 * of)

    c = writer.tensor("c", (1, 1, 1, FILTERS), np.int8, scale=0.5, zero_point=-128)
    conv = [source, weights("w", (FILTERS, count, 1, channels)), bias(FILTERS, scale)]
    options = {"padding": 1, "strideH": 1, "strideW": 1, "fusedActivationFunction": 1}
    writer.op("CONV_2D", conv, [c], "Conv2DOptions", **options)
    f = writer.tensor("f", (1, 1), np.int8, scale=0.1, zero_point=0)
    dense = [c, weights("v", (1, FILTERS)), bias(1, 0.5)]
    writer.op("FULLY_CONNECTED", dense, [f], "FullyConnectedOptions")
    p = writer.tensor("p", (1, 1), np.int8, scale=1 / 256, zero_point=-128)
    writer.op("LOGISTIC", [f], [p])
    if output == np.int8:
        return writer.build([x], [p])
    y = writer.tensor("y", (1, 1), np.uint8, scale=1 / 256, zero_point=0)
    writer.op("QUANTIZE", [p], [y], "QuantizeOptions")
    return writer.build([x], [y])


def write(folder: Path, changes: dict[str, Any] | None = None, model: bytes | None = None) -> Path:
    """Write model and manifest; return the manifest's path. Changes of None remove a field."""
    document = json.loads(json.dumps(MANIFEST))
    for name, value in (changes or {}).items():
        table = document
        if "." in name:
            table, name = document["micro"], name.split(".")[1]
        if value is None:
            del table[name]
        else:
            table[name] = value
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lumen.tflite").write_bytes(tflite() if model is None else model)
    path = folder / "lumen.json"
    path.write_text(json.dumps(document))
    return path
