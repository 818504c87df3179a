"""Enhancers with random weights: features of bands in, gains of bands out, state inside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from tinykit.audio.spec import SPECTRUM_KEY
from tinykit.audio.stft_spec import StftSpec
from tinykit.compiler.writer import TfliteWriter

SPEC = StftSpec(window_samples=256, hop_samples=128, bands=24, pitch="erb")
_GATE = 2.0**-12  # scale of what goes into a curve: -8 to 8 in int16
_STATE = 2.0**-15


def metadata(spec: StftSpec) -> Mapping[str, bytes]:
    """The entry by which a model says that it is an enhancer."""
    return {SPECTRUM_KEY: msgspec.json.encode(spec)}


def lstm(spec: StftSpec = SPEC, units: int = 12, seed: int = 0, skips: bool = False) -> bytes:
    """One fused LSTM with int8 gains; where it `skips`, the gate after them."""
    count = spec.bands + 2 * skips
    writer, rng = TfliteWriter(), np.random.default_rng(seed)
    x = writer.tensor("x", (1, spec.bands), np.int8, scale=spec.scale, zero_point=spec.zero_point)
    row = writer.tensor(
        "row", (1, 1, spec.bands), np.int8, scale=spec.scale, zero_point=spec.zero_point
    )
    writer.op("RESHAPE", [x, _numbers(writer, 1, 1, spec.bands)], [row], "ReshapeOptions")
    hidden = {"scale": 1 / 128, "zero_point": 0}
    y = writer.tensor("y", (1, 1, units), np.int8, **hidden)
    h = writer.tensor("h", (1, units), np.int8, variable=True, **hidden)
    c = writer.tensor("c", (1, units), np.int16, scale=2.0**-11, variable=True)
    filters = [
        writer.constant(
            f"w{i}",
            rng.integers(-127, 128, (units, spec.bands if i < 4 else units)).astype(np.int8),
            scale=0.004 if i < 4 else 0.012,
        )
        for i in range(8)
    ]
    biases = [
        writer.constant(
            f"b{i}", rng.integers(-1000, 1000, units).astype(np.int32), scale=spec.scale * 0.004
        )
        for i in range(4)
    ]
    writer.op(
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        [row, *filters, None, None, None, *biases, None, None, h, c, None, None, None, None],
        [y],
        "UnidirectionalSequenceLSTMOptions",
        fusedActivationFunction=4,
    )
    flat = writer.tensor("flat", (1, units), np.int8, **hidden)
    writer.op("RESHAPE", [y, _numbers(writer, 1, units)], [flat], "ReshapeOptions")
    weights = rng.integers(-127, 128, (count, units)).astype(np.int8)
    bias = rng.integers(-4000, 4000, count).astype(np.int32)
    if skips:
        bias[-2:] = -16000, 2000  # of steps of 1/6400: waits long, but for what changes
    f = writer.tensor("f", (1, count), np.int8, scale=0.06, zero_point=0)
    dense = [
        writer.constant("v", weights, scale=0.02),
        writer.constant("d", bias, scale=0.02 / 128),
    ]
    writer.op("FULLY_CONNECTED", [flat, *dense], [f], "FullyConnectedOptions")
    gains = writer.tensor("gains", (1, count), np.int8, scale=1 / 256, zero_point=-128)
    writer.op("LOGISTIC", [f], [gains])
    writer.metadata(metadata(spec))
    return writer.build([x], [gains])


def gru(spec: StftSpec = SPEC, units: int = 12, seed: int = 0) -> bytes:
    """One GRU of int16 activations, its state in a resource variable, with int16 gains."""
    writer, rng = TfliteWriter(), np.random.default_rng(seed)

    def value(name: str, width: int, scale: float) -> int:
        return writer.tensor(name, (1, width), np.int16, scale=scale)

    def dense(source: int, scale: float, shape: tuple[int, int], spread: float, to: float) -> int:
        weights = rng.integers(-127, 128, shape).astype(np.int8)
        bias = (rng.normal(0, 0.5, shape[0]) / (scale * spread)).astype(np.int64)
        w = writer.constant("w", weights, scale=spread)
        b = writer.constant("b", bias, scale=scale * spread)
        made = value("dense", shape[0], to)
        writer.op("FULLY_CONNECTED", [source, w, b], [made], "FullyConnectedOptions")
        return made

    def binary(builtin: str, first: int, second: int, scale: float) -> int:
        made = value(builtin.lower(), units, scale)
        writer.op(builtin, [first, second], [made], f"{builtin.title()}Options")
        return made

    def curve(builtin: str, source: int, width: int) -> int:
        made = value(builtin.lower(), width, _STATE)
        writer.op(builtin, [source], [made])
        return made

    def split(source: int) -> list[int]:
        parts = [value("part", units, _GATE) for _ in range(3)]
        writer.op("SPLIT", [axis, source], parts, "SplitOptions", numSplits=3)
        return parts

    x = writer.tensor("x", (1, spec.bands), np.int8, scale=spec.scale, zero_point=spec.zero_point)
    fine = spec.scale / 128
    x16 = value("x16", spec.bands, fine)
    writer.op("QUANTIZE", [x], [x16], "QuantizeOptions")
    handle = writer.variable("state", np.zeros((1, units), np.int16), scale=_STATE)
    h = value("h", units, _STATE)
    writer.op("READ_VARIABLE", [handle], [h], "ReadVariableOptions")
    axis = writer.constant("axis", np.array(1, np.int32))
    xz, xr, xc = split(dense(x16, fine, (3 * units, spec.bands), 0.15 / 127 / 5, _GATE))
    hz, hr, hc = split(dense(h, _STATE, (3 * units, units), 1.5 / 127 / units**0.5, _GATE))
    z = curve("LOGISTIC", binary("ADD", xz, hz, _GATE), units)
    r = curve("LOGISTIC", binary("ADD", xr, hr, _GATE), units)
    c = curve("TANH", binary("ADD", xc, binary("MUL", r, hc, _GATE), _GATE), units)
    kept = binary("MUL", z, binary("SUB", h, c, 2 * _STATE), 2 * _STATE)
    new = binary("ADD", c, kept, _STATE)
    writer.op("ASSIGN_VARIABLE", [handle, new], [], "AssignVariableOptions")
    f = dense(new, _STATE, (spec.bands, units), 6 / 127 / units**0.5, _GATE)
    gains = curve("LOGISTIC", f, spec.bands)
    writer.metadata(metadata(spec))
    return writer.build([x], [gains])


def skipping() -> bytes:
    """The LSTM, choosing when it runs."""
    return lstm(skips=True)


KINDS = {
    "lstm, int8 gains": lstm,
    "gru, int16 gains": gru,
    "lstm that skips": skipping,
}


def _numbers(writer: TfliteWriter, *values: int) -> int:
    return writer.constant("shape", np.array(values, np.int32))


def project(folder: Path, data: bytes, board: str = "mps2-an386") -> Path:
    """Write a project whose model this is, and return its folder."""
    (folder / "build").mkdir(parents=True)
    (folder / "build" / "model.tflite").write_bytes(data)
    (folder / "tinykit.toml").write_text(
        f'[project]\nname = "enhance"\ntask = "speech-enhancement"\nboard = "{board}"\n'
        "[test]\nvectors = 5\naudio_clips = 2\n"
    )
    return folder


def noisy(seconds: float, rate_hz: int = 16000, seed: int = 4) -> np.ndarray:
    """A voice-like buzz that comes and goes, in noise: int16 (samples,)."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate_hz)) / rate_hz
    buzz = sum(np.sin(2 * np.pi * 130 * k * time + k * k) / k for k in range(1, 20))
    voice = buzz * (np.sin(2 * np.pi * 3 * time) > 0) * 4000
    return np.clip(voice + rng.normal(0, 1200, len(time)), -32768, 32767).astype(np.int16)
