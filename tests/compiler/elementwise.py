"""Elementwise ops on several tensors, as gates have them: a short way to write test models."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.writer import TfliteWriter

Quant = tuple[float, int]

UNIT: Quant = (1 / 256, -128)  # of LOGISTIC
TANH: Quant = (1 / 128, 0)
_PAIRS = ("ADD", "SUB", "MUL")


class Elementwise:
    """Values of one shape, each with a quantization of its own."""

    def __init__(self, *shape: int, dtype: type = np.int8) -> None:
        self.writer = TfliteWriter()
        self.shape, self.dtype = shape, dtype
        self.inputs: list[int] = []

    def value(self, quantization: Quant, *shape: int) -> int:
        scale, zero_point = quantization
        shape = shape or self.shape
        return self.writer.tensor("t", shape, self.dtype, scale=scale, zero_point=zero_point)

    def input(self, quantization: Quant = (0.05, 3), *shape: int) -> int:
        """Add an input of the model."""
        self.inputs.append(self.value(quantization, *shape))
        return self.inputs[-1]

    def constant(self, values: Any, quantization: Quant) -> int:
        data = np.array(values, self.dtype)
        return self.writer.constant("c", data, scale=quantization[0], zero_point=quantization[1])

    def op(self, builtin: str, *sources: int, to: Quant = (0.03, -20), activation: int = 0) -> int:
        result = self.value(to)
        if builtin in _PAIRS:
            options = {"fusedActivationFunction": activation}
            self.writer.op(builtin, sources, [result], f"{builtin.title()}Options", **options)
        else:
            self.writer.op(builtin, sources, [result])
        return result

    def reshape(self, source: int, quantization: Quant, *shape: int) -> int:
        self.shape = shape
        made = self.value(quantization)
        given = self.writer.constant("s", np.array(shape, np.int32))
        self.writer.op("RESHAPE", [source, given], [made], "ReshapeOptions")
        return made

    def data(self, *outputs: int) -> bytes:
        return self.writer.build(self.inputs, outputs)

    def graph(self, *outputs: int) -> Graph:
        return read_tflite(self.data(*outputs))


def gru_gates(units: int = 96) -> bytes:
    """The end of a GRU's step: `z * h + (1 - z) * tanh(n)`, z = logistic(a)."""
    net = Elementwise(1, units)
    a, n, h = net.input((0.04, 5)), net.input((0.03, 2)), net.input((1 / 120, -3))
    z = net.op("LOGISTIC", a, to=UNIT)
    rest = net.op("SUB", net.constant(127, UNIT), z, to=UNIT)
    new = net.op("MUL", rest, net.op("TANH", n, to=TANH), to=(1 / 125, 4))
    old = net.op("MUL", z, h, to=(1 / 122, 0))
    return net.data(net.op("ADD", old, new, to=(1 / 118, -2)))


def random_elementwise(seed: int) -> bytes:
    """Two to nine ops of three inputs: extreme zero points, values read twice, several outputs."""
    noise = random.Random(seed)
    net = Elementwise(1, noise.choice((1, 5, 36)), noise.choice((1, 2)))
    extremes = (-128, -128, 127, 127, -17, 0)
    values = {net.input((s, zero := noise.choice(extremes))): (s, zero) for s in (0.02, 0.05, 0.11)}
    for _ in range(noise.randint(2, 9)):
        keys = list(values)
        x, y = keys[-1], noise.choice(keys)
        kind = noise.choice((*_PAIRS, *_PAIRS, "LOGISTIC", "QUANTIZE", "MAXIMUM", "RESHAPE"))
        zero = noise.choice(extremes)
        scale = values[x][0] * values[y][0] * 60 if kind == "MUL" else values[x][0] + values[y][0]
        to = (scale * noise.choice((0.4, 1.0, 1.7)), zero)
        activation = noise.choice((0, 0, 1, 3))
        if kind == "LOGISTIC":
            to = UNIT
            made = net.op(kind, x, to=to)
        elif kind == "QUANTIZE":
            made = net.op(kind, x, to=to)
        elif kind == "RESHAPE":  # there and back
            shape = net.shape
            flat = net.reshape(x, values[x], 1, math.prod(shape))
            made = net.reshape(net.op("QUANTIZE", flat, to=to), to, *shape)
        elif kind == "MAXIMUM":
            to = values[x]
            made = net.op(kind, x, noise.choice([key for key in keys if values[key] == to]), to=to)
        else:
            made = net.op(kind, *noise.choice(((x, y), (y, x))), to=to, activation=activation)
        values[made] = to
    last = list(values)[-1]
    more = [key for key in list(values)[3:-1] if noise.random() < 0.1]
    return net.data(last, *more)
