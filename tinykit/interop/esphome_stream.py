"""A window model of one wake word as the streaming model that ESPHome runs.

What the compiler does for C (`compile --stream`) is done to the file: older rows in resource
variables. ESPHome's interpreter knows twenty ops, SOFTMAX is none of them: that of two classes is
the logistic function of their difference, `e^w / (e^w + e^o) = 1 / (1 + e^(o - w))`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.streaming import stream
from tinykit.compiler.streaming.rewrite import Rewriter
from tinykit.compiler.writer import TfliteWriter
from tinykit.errors import ModelError

OPS = frozenset(
    {
        *("CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"),
        *("RESHAPE", "STRIDED_SLICE", "CONCATENATION", "PAD", "PACK", "SPLIT_V"),
        *("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "AVERAGE_POOL_2D", "MAX_POOL_2D"),
        *("MUL", "ADD", "MEAN", "LOGISTIC", "QUANTIZE"),
    }
)
"""What ESPHome's interpreter was given."""

MOST_VARIABLES = 20
"""Resource variables that ESPHome makes room for."""

_PROBABILITY: dict[str, Any] = {"scale": 1 / 256, "zero_point": -128}
_FARTHEST = 8.0
"""A difference at which the probability is within half a step of 1."""


def streamed(data: bytes, labels: Sequence[str]) -> bytes:
    """Return a window model as int8 (1, hop, width) in, uint8 (1, 1) out, with state.

    Parameters
    ----------
    data : bytes
        A .tflite whose output is a probability, or the softmax of two classes.
    labels : sequence of str
        Its classes; the one that does not begin with `_` is the wake word.

    Raises
    ------
    ModelError
        When it cannot be streamed, or ESPHome could not run it.
    """
    graph = stream(read_tflite(data)).graph
    body, scores = _end(graph, labels)
    (source,) = graph.inputs
    given = graph.tensors[source]
    assert given.quantization is not None
    writer = TfliteWriter()
    steps: dict[str, Any] = {"scale": given.scale, "zero_point": given.zero_point}
    shape = given.shape[:3]
    rows = writer.tensor("rows", shape, np.int8, **steps)
    image = writer.tensor("image", given.shape, np.int8, **steps)
    writer.op("RESHAPE", [rows, writer.constant("shape", np.array(given.shape, np.int32))], [image])
    rewriter = Rewriter(writer, graph, data, {source: image})
    rewriter.append(body)
    probability = rewriter.tensor(scores)
    if graph.tensors[scores].size == 2:
        word = next(i for i, name in enumerate(labels) if not name.startswith("_"))
        probability = _logistic(writer, graph, scores, probability, word)
    result = writer.tensor("probability", (1, 1), np.uint8, scale=1 / 256, zero_point=0)
    writer.op("QUANTIZE", [probability], [result], "QuantizeOptions")
    made = writer.build([rows], [result])
    _check(writer, body)
    return made


def _end(graph: Graph, labels: Sequence[str]) -> tuple[list[Op], int]:
    """Return the ops but a softmax at the end, and the tensor of the probability or the scores."""
    words = [name for name in labels if not name.startswith("_")]
    (output,) = graph.outputs
    if len(words) != 1 or len(labels) > 2 or graph.tensors[output].size != len(labels):
        raise ModelError(
            f"the model tells {', '.join(labels)} apart, ESPHome's have one word against all else",
            'train it for one word: task = "wake-word"',
        )
    last = graph.ops[-1]
    if len(labels) == 1:
        return graph.ops, output
    if last.kind != "softmax" or last.inputs[0] is None:
        raise ModelError(f"{last}: of two classes, the model ends in no softmax")
    return graph.ops[:-1], last.inputs[0]


def _logistic(writer: TfliteWriter, graph: Graph, scores: int, number: int, word: int) -> int:
    """Append the logistic function of the word's score less the other's; return its number."""
    scale = min(2 * float(graph.tensors[scores].scale), 2 * _FARTHEST / 255)
    weights = np.full((1, 2), -127, np.int8)
    weights[0, word] = 127
    sides = writer.constant("sides", weights, scale=1 / 127)
    zero = writer.constant(
        "zero", np.zeros(1, np.int32), scale=float(graph.tensors[scores].scale) / 127
    )
    difference = writer.tensor("difference", (1, 1), np.int8, scale=scale, zero_point=0)
    writer.op("FULLY_CONNECTED", [number, sides, zero], [difference], "FullyConnectedOptions")
    probability = writer.tensor("logistic", (1, 1), np.int8, **_PROBABILITY)
    writer.op("LOGISTIC", [difference], [probability])
    return probability


def _check(writer: TfliteWriter, body: Sequence[Op]) -> None:
    missing = sorted(writer.builtins - OPS)
    if missing:
        raise ModelError(
            f"ESPHome's interpreter has no {', '.join(missing)}",
            "choose an architecture without it: mixednet, svdf",
        )
    variables = sum(op.kind == "stream_push" for op in body)
    if variables > MOST_VARIABLES:
        raise ModelError(
            f"the stream keeps {variables} pieces of the past, ESPHome has room for "
            f"{MOST_VARIABLES}",
            "choose fewer layers over time",
        )
