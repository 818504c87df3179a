"""What the reader accepts, what it refuses, and what it says then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
import pytest
import single_op

from tinykit.compiler import flatfile, reference, schema
from tinykit.compiler.golden import Golden
from tinykit.compiler.reader import read_tflite
from tinykit.compiler.writer import TfliteWriter
from tinykit.errors import ModelError
from tinykit.paths import sha256_bytes


def edited(data: bytes, edit: Callable[[Any], None]) -> bytes:
    """Return a model after `edit` has changed its object tree."""
    tables = schema.module()
    model = tables.ModelT.InitFromObj(tables.Model.GetRootAs(data, 0))
    edit(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def refusal(data: bytes) -> ModelError:
    """Return the error with which a model is refused."""
    with pytest.raises(ModelError) as caught:
        read_tflite(data)
    return caught.value


def two_layers() -> bytes:
    """Two fully connected layers, with metadata and an unused tensor."""
    writer = TfliteWriter()
    x = writer.tensor("x", (1, 4), np.int8, scale=0.1)
    w = writer.constant("w", np.ones((4, 4), np.int8), scale=0.1)
    h = writer.tensor("h", (1, 4), np.int8, scale=0.2)
    y = writer.tensor("y", (1, 4), np.int8, scale=0.2, zero_point=-7)
    writer.tensor("unused", (3,), np.float32)
    writer.op("FULLY_CONNECTED", [x, w, None], [h], "FullyConnectedOptions")
    writer.op("FULLY_CONNECTED", [h, w], [y], "FullyConnectedOptions")
    writer.metadata({"tinykit": b'{"hop": 320}', "empty": b""})
    return writer.build([x], [y])


def test_reads_tensors_ops_and_metadata() -> None:
    """The graph says what the file says; what nothing uses is gone."""
    data = two_layers()
    graph = read_tflite(data, "two")
    assert graph.name == "two"
    assert graph.sha256 == sha256_bytes(data)
    assert graph.metadata == {"tinykit": b'{"hop": 320}', "empty": b""}
    assert (graph.inputs, graph.outputs) == ([0], [3])
    assert [str(op) for op in graph.ops] == ["op 0 fully_connected", "op 1 fully_connected"]
    assert graph.ops[0].inputs == (0, 1, None)
    assert {tensor.name for tensor in graph.tensors.values()} == {"x", "w", "h", "y"}
    assert graph.tensors[3].zero_point == -7
    assert graph.tensors[3].scale == np.float32(0.2)


def test_constants_cannot_be_changed_by_accident() -> None:
    """The data of a constant is read-only: passes copy."""
    data = read_tflite(two_layers()).tensors[1].data
    assert data is not None
    with pytest.raises(ValueError, match="read-only"):
        data[0, 0] = 5


def test_open_batch_of_one_is_accepted() -> None:
    """Converters leave the batch open (-1) in the signature; the shape says 1."""

    def edit(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors[:1]:
            tensor.shapeSignature = np.array([-1, 4], np.int32)

    assert read_tflite(edited(two_layers(), edit)).tensors[0].shape == (1, 4)


def _set(path: str, value: Any) -> Callable[[Any], None]:
    """Return an edit that sets one field: "subgraphs.0.tensors.2.buffer"."""

    def edit(model: Any) -> None:
        *steps, last = path.split(".")
        place = model
        for step in steps:
            place = place[int(step)] if step.isdigit() else getattr(place, step)
        setattr(place, last, value)

    return edit


def _drop_w(model: Any) -> None:
    tensor = model.subgraphs[0].tensors[1]
    model.buffers[tensor.buffer].data = np.ones(15, np.uint8)


def _reverse_ops(model: Any) -> None:
    model.subgraphs[0].operators.reverse()


def _cycle(model: Any) -> None:
    ops = model.subgraphs[0].operators
    ops[0].inputs, ops[0].outputs = ints([3, 1, -1]), ints([2])


def _float(key: int) -> Callable[[Any], None]:
    return _set(f"subgraphs.0.tensors.{key}.type", 0)


def _builtin(number: int) -> Callable[[Any], None]:
    def edit(model: Any) -> None:
        model.operatorCodes[0].builtinCode = number
        model.operatorCodes[0].deprecatedBuiltinCode = min(number, 127)

    return edit


def _custom(model: Any) -> None:
    _builtin(32)(model)
    model.operatorCodes[0].customCode = b"MyOp"


T, Q = "subgraphs.0.tensors", "quantization"


def ints(values: list[int]) -> np.ndarray:
    """Return an int32 vector, as the schema has them."""
    return np.array(values, np.int32)


BAD: dict[str, tuple[Callable[[Any], None], str]] = {
    # what is wrong -> (edit, what the message must say)
    "version": (_set("version", 4), "schema version 4"),
    "no-subgraph": (_set("subgraphs", []), "no subgraph"),
    "no-inputs": (_set("subgraphs.0.inputs", None), "no input"),
    "no-outputs": (_set("subgraphs.0.outputs", None), "no output"),
    "no-tensors": (_set("subgraphs.0.tensors", None), "input is tensor 0, the file has 0"),
    "no-buffers": (_set("buffers", None), "tensor 0 'x' is in buffer 0, the file has 0"),
    "no-ops": (_set("subgraphs.0.operators", None), "output tensor 3 is never written"),
    "input-out-of-range": (_set("subgraphs.0.inputs", ints([99])), "input is tensor 99"),
    "output-negative": (_set("subgraphs.0.outputs", ints([-1])), "output is tensor -1"),
    "input-twice": (_set("subgraphs.0.inputs", ints([0, 0])), "one tensor is two of its inputs"),
    "input-constant": (_set("subgraphs.0.inputs", ints([1])), "input of the model and a constant"),
    "op-input-out-of-range": (
        _set("subgraphs.0.operators.1.inputs", ints([2, 77])),
        "op 1 FULLY_CONNECTED: inputs (2, 77)",
    ),
    "op-input-below-optional": (
        _set("subgraphs.0.operators.1.inputs", ints([-2, 1])),
        "op 1 FULLY_CONNECTED: inputs (-2, 1)",
    ),
    "op-output-missing": (_set("subgraphs.0.operators.1.outputs", ints([-1])), "op 1 FULLY_"),
    "op-no-inputs": (_set("subgraphs.0.operators.1.inputs", None), "op 1 fully_connected"),
    "op-no-outputs": (_set("subgraphs.0.operators.1.outputs", None), "op 1 fully_connected"),
    "op-code-out-of-range": (_set("subgraphs.0.operators.1.opcodeIndex", 9), "code 9 of 1"),
    "op-no-options": (_set("subgraphs.0.operators.1.builtinOptionsType", 0), "has no options"),
    "op-other-options": (
        lambda model: (
            _set("subgraphs.0.operators.1.builtinOptionsType", 9)(model),
            _set("subgraphs.0.operators.1.builtinOptions", schema.module().SoftmaxOptionsT())(
                model
            ),
        )[0],
        "has SoftmaxOptions, needs FullyConnectedOptions",
    ),
    "wrong-order": (_reverse_ops, "op 0 fully_connected reads tensor 2 before anything wrote it"),
    "cycle": (_cycle, "op 0 fully_connected reads tensor 3 before anything wrote it"),
    "written-twice": (_set("subgraphs.0.operators.1.outputs", ints([2])), "already has a value"),
    "writes-input": (_set("subgraphs.0.operators.1.outputs", ints([0])), "already has a value"),
    "writes-constant": (_set("subgraphs.0.operators.1.outputs", ints([1])), "already has a value"),
    "buffer-out-of-range": (_set(f"{T}.1.buffer", 50), "tensor 1 'w' is in buffer 50"),
    "buffer-too-short": (_drop_w, "shape (4, 4): 16 B, its buffer has 15 B"),
    "shape-negative": (_set(f"{T}.2.shape", ints([1, -4])), "tensor 2 'h' has the dynamic shape"),
    "shape-empty": (_set(f"{T}.2.shape", ints([0, 4])), "tensor 2 'h' has the empty shape"),
    "shape-giant": (_set(f"{T}.2.shape", ints([1 << 30, 1 << 30])), "the limit is 16,777,216 B"),
    "shape-rank": (_set(f"{T}.2.shape", ints([1] * 9)), "has 9 values, the limit is 8"),
    "signature": (_set(f"{T}.2.shapeSignature", ints([1, -1])), "dynamic shape (1, -1)"),
    "float": (_float(2), "op 0 FULLY_CONNECTED: tensor 2 'h' is float32, not int8"),
    "uint8": (_set(f"{T}.2.type", 3), "its output 'h' is uint8, not int8"),
    "unknown-type": (_set(f"{T}.2.type", 99), "tensor 2 'h' is number 99"),
    "int16": (_set(f"{T}.2.type", 7), "'x' is int8, 'h' is int16"),
    "not-quantized": (_set(f"{T}.2.{Q}", None), "'h' has no single scale"),
    "scale-nan": (_set(f"{T}.2.{Q}.scale", np.array([np.nan], "f")), "not a positive number"),
    "scale-negative": (_set(f"{T}.2.{Q}.scale", np.array([-1], "f")), "not a positive number"),
    "scale-infinite": (_set(f"{T}.2.{Q}.scale", np.array([np.inf], "f")), "not a positive number"),
    "zero-point-range": (_set(f"{T}.2.{Q}.zeroPoint", np.array([128])), "outside -128 to 127"),
    "zero-point-missing": (_set(f"{T}.2.{Q}.zeroPoint", None), "1 scales and 0 zero points"),
    "scales-wrong": (_set(f"{T}.1.{Q}.scale", np.ones(3, "f")), "3 scales along axis 0"),
    "custom-quantization": (
        lambda model: (
            _set(f"{T}.1.{Q}.detailsType", 1)(model),
            _set(f"{T}.1.{Q}.details", schema.module().CustomQuantizationT())(model),
        )[0],
        "custom quantization",
    ),
    "filter-zero-point": (_set(f"{T}.1.{Q}.zeroPoint", np.array([3])), "zero point other than 0"),
    "filter-computed": (_set(f"{T}.1.buffer", 0), "reads tensor 1 before anything wrote it"),
    "sparse": (_set(f"{T}.1.sparsity", schema.module().SparsityParametersT()), "stored sparsely"),
    "external": (_set("buffers.1.offset", 4096), "outside the flatbuffer"),
    "metadata-buffer": (_set("metadata.0.buffer", 1000), "metadata 'tinykit' is in buffer 1000"),
    "activation": (
        _set("subgraphs.0.operators.1.builtinOptions.fusedActivationFunction", 4),
        "op 1 fully_connected: fused activation 4",
    ),
    "unsupported": (_builtin(109), "op 0 WHERE"),
    "unknown-builtin": (_builtin(30000), "op 0 number 30000, op 1 number 30000: not supported"),
    "custom": (_custom, "op 0 CUSTOM 'MyOp'"),
    "dynamic-op": (_builtin(77), "the model computes shapes at run time"),
    "dequantize": (_builtin(6), "only partly quantized"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_models_are_refused_by_name(name: str) -> None:
    """The message names the op or tensor and the values; the hint says what to do."""
    edit, expected = BAD[name]
    error = refusal(edited(two_layers(), edit))
    assert expected in error.message


def test_unsupported_op_lists_what_is_supported() -> None:
    """The hint of an unsupported op is the list of supported ones."""
    error = refusal(edited(two_layers(), _builtin(7)))
    assert "EMBEDDING_LOOKUP" in error.message
    assert "CONV_2D" in error.hint and "SOFTMAX" in error.hint


def test_float_model_says_how_to_quantize() -> None:
    """The hint of a float model is full-integer quantization."""
    assert "full-integer int8" in refusal(edited(two_layers(), _float(0))).hint


@pytest.mark.parametrize("data", [b"", b"TFL3", b"not a model at all", b"\0" * 64, b"PK\3\4" * 9])
def test_other_files_are_refused(data: bytes) -> None:
    """What is no flatbuffer is called so."""
    assert "not a .tflite file" in refusal(data).message


def test_huge_files_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file larger than any microcontroller's flash is not even parsed."""
    monkeypatch.setattr(flatfile, "MAX_FILE_BYTES", 100)
    assert "the limit is 100 B" in refusal(two_layers()).message


def test_vectors_that_claim_too_much_are_refused() -> None:
    """A length beyond the file is not believed, whatever it would take to allocate."""
    data = two_layers()
    graph = schema.module().Model.GetRootAs(data, 0).Subgraphs(0)
    position = graph._tab.Vector(graph._tab.Offset(4)) - 4  # of the tensors
    hostile = data[:position] + (0xFFFFFFF0).to_bytes(4, "little") + data[position + 4 :]
    assert "the file claims 4,294,967,280 tensors" in refusal(hostile).message


def test_accumulator_overflow_is_refused() -> None:
    """A bias with which a 32-bit accumulator can overflow: C would leave the result undefined."""
    writer = TfliteWriter()
    x = writer.tensor("x", (1, 4), np.int8, scale=0.1)
    w = writer.constant("w", np.ones((2, 4), np.int8), scale=0.1)
    b = writer.constant("b", np.array([0, 2**31 - 1], np.int32), scale=0.01)
    y = writer.tensor("y", (1, 2), np.int8, scale=0.2)
    writer.op("FULLY_CONNECTED", [x, w, b], [y], "FullyConnectedOptions")
    assert (
        "channel 1 can overflow its 32-bit accumulator" in refusal(writer.build([x], [y])).message
    )


def test_options_that_an_op_does_not_need_are_ignored() -> None:
    """MINIMUM has no options; a file that gives it some is read all the same."""

    def edit(model: Any) -> None:
        _set("subgraphs.0.operators.0.builtinOptionsType", 9)(model)
        _set("subgraphs.0.operators.0.builtinOptions", schema.module().SoftmaxOptionsT())(model)

    q = (0.1, 0)
    data = edited(single_op.binary("MINIMUM", (1, 4), (1, 4), q, q, q), edit)
    assert read_tflite(data).ops[0].attrs.activation == "none"


def test_state_starts_as_real_zero() -> None:
    """A variable tensor without a given value holds its zero point."""
    writer = TfliteWriter()
    x = writer.tensor("x", (1, 2), np.int8, scale=0.1, zero_point=5)
    state = writer.tensor("s", (1, 2), np.int8, scale=0.1, zero_point=5, variable=True)
    y = writer.tensor("y", (1, 4), np.int8, scale=0.1, zero_point=5)
    writer.op("CONCATENATION", [x, state], [y], "ConcatenationOptions", axis=1)
    graph = read_tflite(writer.build([x], [y]))
    assert graph.tensors[state].state
    outputs, _ = reference.run(graph, [np.array([[1, 2]], np.int8)])
    np.testing.assert_array_equal(outputs[0], [[1, 2, 5, 5]])
    outputs, _ = reference.run(
        graph, [np.array([[1, 2]], np.int8)], {state: np.array([[8, 9]], np.int8)}
    )
    np.testing.assert_array_equal(outputs[0], [[1, 2, 8, 9]])


WRONG_OPS: dict[str, tuple[Callable[[], bytes], str]] = {
    "conv-output-shape": (
        lambda: edited(single_op.conv2d(), _set("subgraphs.0.tensors.3.shape", ints([1, 6, 5, 5]))),
        "op 0 conv2d",
    ),
    "conv-grouped": (
        lambda: edited(single_op.conv2d(), _set("subgraphs.0.tensors.0.shape", ints([1, 6, 5, 6]))),
        "reads 3 of 6 input channels",
    ),
    "conv-batch": (
        lambda: edited(single_op.conv2d(), _set("subgraphs.0.tensors.0.shape", ints([2, 6, 5, 3]))),
        "its batch is 2, not 1",
    ),
    "conv-stride": (
        lambda: edited(
            single_op.conv2d(), _set("subgraphs.0.operators.0.builtinOptions.strideW", 0)
        ),
        "stride (1, 0)",
    ),
    "depthwise-multiplier": (
        lambda: edited(
            single_op.depthwise_conv2d(),
            _set("subgraphs.0.operators.0.builtinOptions.depthMultiplier", 2),
        ),
        "depth multiplier of 2",
    ),
    "pool-requantizes": (
        lambda: edited(
            single_op.pool2d("MAX_POOL_2D"),
            _set("subgraphs.0.tensors.1.quantization.scale", np.array([0.3], "f")),
        ),
        "op 0 max_pool2d: cannot requantize",
    ),
    "logistic-scale": (
        lambda: single_op.unary("LOGISTIC", (1, 4), (0.1, 0), (1 / 256, 0)),
        "its output has scale",
    ),
    "softmax-scale": (
        lambda: single_op.softmax((1, 4), 0.1, (1 / 255, -128)),
        "op 0 softmax: its output has scale",
    ),
    "logistic-output-tiny-scale": (
        lambda: single_op.unary("LOGISTIC", (1, 4), (0.1, 0), (1e-38, -128)),
        "its output has scale",
    ),
    "hard-swish-tiny-scale": (
        lambda: single_op.unary("HARD_SWISH", (1, 4), (1e-38, 0), (1e-38, 0)),
        "out of range",
    ),
    "fully-connected-scalar": (
        lambda: edited(
            single_op.fully_connected((1, 4), 1), _set("subgraphs.0.tensors.3.shape", None)
        ),
        "its output is a scalar",
    ),
    "add-scales": (
        lambda: single_op.binary("ADD", (1, 4), (1, 4), (1e9, 0), (0.1, 0), (0.1, 0)),
        "too far apart",
    ),
    "add-shapes": (
        lambda: edited(
            single_op.binary("ADD", (1, 4), (1, 4), (0.1, 0), (0.1, 0), (0.1, 0)),
            _set("subgraphs.0.tensors.1.shape", ints([1, 3])),
        ),
        "(1, 4) and (1, 3) do not broadcast",
    ),
    "transpose-permutation": (
        lambda: single_op.unary(
            "TRANSPOSE", (1, 4), (0.1, 0), (0.1, 0), shape=(4, 1), parameters=[[1, 1]]
        ),
        "is no permutation",
    ),
    "axis": (
        lambda: (
            single_op.mean((1, 4), (0,), (0.1, 0), (0.1, 0))
            and single_op.joined("PACK", [(2, 3)], (1, 2, 3), 7)
        ),
        "axis 7 of a tensor with 3 dimensions",
    ),
    "slice-outside": (
        lambda: single_op.unary(
            "SLICE", (1, 4), (0.1, 0), (0.1, 0), shape=(1, 3), parameters=[[0, 2], [1, 3]]
        ),
        "elements 2 to 4 of axis 1, which has 4",
    ),
    "strided-slice-index": (
        lambda: single_op.strided_slice((1, 4), (0, 9), (1, 10), (1, 1), (1,), shrinkAxisMask=2),
        "index 9 of axis 1, which has 4",
    ),
    "pad-count": (
        lambda: single_op.unary(
            "PAD", (1, 4), (0.1, 0), (0.1, 0), shape=(1, 4), parameters=[[0, 0, 0]]
        ),
        "padding [0, 0, 0] for 2 dimensions",
    ),
    "split-uneven": (
        lambda: single_op.unary(
            "SPLIT",
            (1, 4),
            (0.1, 0),
            (0.1, 0),
            shape=(1, 2),
            parameters=[1],
            parameters_first=True,
            outputs=3,
            options="SplitOptions",
        ),
        "into 3 parts",
    ),
}


@pytest.mark.parametrize("name", WRONG_OPS)
def test_illegal_ops_are_refused(name: str) -> None:
    """Shapes, scales and options that do not fit are named."""
    build, expected = WRONG_OPS[name]
    error = refusal(build())
    assert expected in error.message
    assert error.message.startswith("op 0 ")


LSTM_VARIANTS: dict[str, tuple[dict[int, int], str]] = {  # position of an input: what is there
    "coupled-gates": ({1: -1, 5: -1, 12: -1}, "coupled input and forget gates are not supported"),
    "peephole": ({9: 5, 10: 5, 11: 5}, "peephole is not supported"),
    "projection": ({16: 5}, "projection is not supported"),
    "layer-normalization": ({20: 5}, "layer normalization is not supported"),
}


@pytest.mark.parametrize("name", LSTM_VARIANTS)
def test_lstm_variants_are_refused_by_name(name: str) -> None:
    """Those that the golden interpreter does not run: nothing could prove them."""
    inputs, message = LSTM_VARIANTS[name]

    def rewire(model: Any) -> None:
        (op,) = model.subgraphs[0].operators
        op.inputs = np.array([inputs.get(i, key) for i, key in enumerate(op.inputs)], np.int32)

    data = edited(single_op.lstm(), rewire)
    assert message in refusal(data).message
    with Golden(single_op.lstm()) as golden, pytest.raises(ModelError, match="golden interpreter"):
        golden.load(data)
