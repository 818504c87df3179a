"""Damaged files: the reader returns a graph that runs, or a ModelError. Nothing else, ever."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import single_op

from tinykit.compiler import passes, reference
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.writer import TfliteWriter
from tinykit.errors import ModelError

KINDS = {  # one model of each structure: constants, options, axes, several inputs and outputs
    "conv2d": single_op.conv2d((1, 4, 3, 2), (2, 2, 2)),
    "strided_slice": single_op.strided_slice((1, 4, 3), (0, 1, 0), (1, 3, 3), (1, 1, 1), (1, 2, 3)),
    "concatenation": single_op.joined("CONCATENATION", [(1, 2), (1, 3)], (1, 5), 1),
    "add": single_op.binary("ADD", (1, 4), (4,), (0.1, 0), (0.2, 3), (0.3, 1), constant=True),
}


def survives(data: bytes) -> bool:
    """Read, transform and run a file; return whether it was accepted."""
    try:
        graph = read_tflite(data)
    except ModelError as error:
        assert error.message
        return False
    if sum(tensor.size for tensor in graph.tensors.values()) < 100_000:
        inputs = [
            np.zeros(graph.tensors[key].shape, graph.tensors[key].dtype) for key in graph.inputs
        ]
        try:
            reference.run(passes.run(graph), inputs)
        except ModelError:
            return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_every_truncation(kind: str) -> None:
    """No prefix of a file is mistaken for the file."""
    data = KINDS[kind]
    assert survives(data)
    assert not any(survives(data[:length]) for length in range(0, len(data) - 16, 3))


@pytest.mark.parametrize("kind", KINDS)
def test_every_byte_changed(kind: str) -> None:
    """Whatever one byte becomes, the reader survives it."""
    data = KINDS[kind]
    noise = random.Random(0)
    for position in range(len(data)):
        for value in (0xFF, data[position] ^ 1 << noise.randrange(8)):
            survives(data[:position] + bytes([value]) + data[position + 1 :])


@pytest.mark.parametrize("kind", KINDS)
def test_many_words_changed(kind: str) -> None:
    """Offsets and lengths of extreme values, several at a time."""
    noise = random.Random(1)
    words = [0, 1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFC, 1 << 16, 1 << 24]
    for _ in range(300):
        data = bytearray(KINDS[kind])
        for _ in range(noise.randint(1, 4)):
            position = noise.randrange(8, len(data) - 4) & ~3
            value = noise.choice([*words, noise.randrange(len(data))])
            data[position : position + 4] = value.to_bytes(4, "little")
        survives(bytes(data))


@pytest.mark.public_models
def test_damaged_public_model(shared_models: Path) -> None:
    """A real model, damaged in its first kilobytes, where the tables are, and anywhere."""
    original = (shared_models / "micro_speech.tflite").read_bytes()
    noise = random.Random(2)
    for trial in range(200):
        data = bytearray(original)
        limit = 2000 if trial % 2 else len(data)
        for _ in range(noise.randint(1, 8)):
            data[noise.randrange(8, limit)] = noise.randrange(256)
        try:
            read_tflite(bytes(data))
        except ModelError as error:
            assert error.message


def test_many_tensors_of_one_buffer() -> None:
    """Tensors may share a buffer: a small file must not become gigabytes of constants."""
    writer = TfliteWriter()
    shape, data = (1, 1 << 20), np.zeros((1, 1 << 20), np.int8)
    x, y = (writer.tensor(name, shape, np.int8, scale=0.05) for name in "xy")
    constants = [writer.constant(f"c{i}", data, scale=0.05) for i in range(100)]
    for key in constants:  # all in the buffer of the first
        writer._tensors[key].buffer = writer._tensors[constants[0]].buffer
    for i, key in enumerate(constants):
        made = writer.tensor(f"t{i}", shape, np.int8, scale=0.05) if i < 99 else y
        writer.op("ADD", [x, key], [made], "AddOptions")
    writer._buffers[2:] = []
    with pytest.raises(ModelError, match="the limit is 67,108,864 B"):
        read_tflite(writer.build([x], [y]))


def test_too_many_ops() -> None:
    """Planning takes time that grows with the square of the ops."""
    writer = TfliteWriter()
    x = writer.tensor("x", (1, 1), np.int8, scale=0.05)
    results = [writer.tensor("y", (1, 1), np.int8, scale=0.05) for _ in range(4001)]
    for y in results:
        writer.op("RELU", [x], [y])
    with pytest.raises(ModelError, match="4,001 ops, the limit is 4,000"):
        read_tflite(writer.build([x], results[:1]))
