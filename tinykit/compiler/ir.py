"""The intermediate representation: tensors with quantization, ops in execution order.

Passes take a `Graph` and return a `Graph`; `Graph.verify()` runs after each. Tensors are named by
small integers that stay stable through the passes, and an op remembers its index in the file so
that every message can name it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.errors import ModelError


@dataclass(frozen=True)
class Quantization:
    """`real = scale * (q - zero_point)`, per tensor (one element) or per channel along `axis`.

    scale : float32 (1,) or (channels,);  zero_point : int64, same shape.
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int = 0

    @property
    def per_tensor(self) -> bool:
        """Whether one scale serves the whole tensor."""
        return self.scale.size == 1


@dataclass(frozen=True)
class Tensor:
    """A value: an input, an activation, or, when `data` is set, a constant.

    Activations are NHWC, convolution filters OHWI, depthwise filters (1, H, W, C).
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    quantization: Quantization | None = None
    data: NDArray[Any] | None = None
    state: bool = False  # keeps its value from one inference to the next; `data` is the first

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.size * self.dtype.itemsize

    @property
    def scale(self) -> np.float32:
        """The scale of a per-tensor quantized tensor."""
        assert self.quantization is not None and self.quantization.per_tensor, self.name
        return self.quantization.scale[0]

    @property
    def zero_point(self) -> int:
        """The zero point of a per-tensor quantized tensor."""
        assert self.quantization is not None and self.quantization.per_tensor, self.name
        return int(self.quantization.zero_point[0])


@dataclass(frozen=True)
class Op:
    """One operation. `attrs` is the dataclass that its rule defines (strides, padding, ...)."""

    kind: str
    inputs: tuple[int | None, ...]  # tensor ids; None: an optional input left out
    outputs: tuple[int, ...]
    attrs: Any
    index: int  # position in the .tflite, for messages

    def __str__(self) -> str:
        return f"op {self.index} {self.kind}"


@dataclass
class Graph:
    """A model: tensors by id, ops in execution order, and what the file says about itself."""

    tensors: dict[int, Tensor]
    ops: list[Op]
    inputs: list[int]
    outputs: list[int]
    name: str = "model"
    sha256: str = ""
    metadata: dict[str, bytes] = field(default_factory=dict)

    def verify(self) -> None:
        """Check the invariants that every pass must keep.

        Every tensor an op reads is a constant, a state, an input of the graph or written by an
        earlier op; every activation is written once, a state as often as ops like; outputs are
        written; constants have the shape and dtype they claim; op kinds are known and their rules
        accept them.

        Raises
        ------
        ModelError
            Naming the op or tensor at fault.
        """
        from tinykit.compiler import ops

        self._verify_interface()
        written = set(self.inputs)
        for key, tensor in self.tensors.items():
            if tensor.data is not None or tensor.state:
                written.add(key)
        for op in self.ops:
            for read in op.inputs:
                if read is not None and read not in written:
                    raise ModelError(f"{op} reads tensor {read} before anything wrote it")
            for key in op.outputs:
                if key in written and not self.tensors[key].state:
                    raise ModelError(f"{op} writes tensor {key}, which already has a value")
                written.add(key)
            ops.rule(op).check(self, op)
        for key in self.outputs:
            if key not in written:
                raise ModelError(f"output tensor {key} is never written")

    def _verify_interface(self) -> None:
        """Check that every tensor named exists and is what it claims to be."""
        for key, tensor in self.tensors.items():
            if min(tensor.shape, default=1) < 1:
                raise ModelError(f"tensor {key} {tensor.name!r}: empty shape {tensor.shape}")
            if tensor.data is not None and (
                tensor.data.shape != tensor.shape or tensor.data.dtype != tensor.dtype
            ):
                raise ModelError(f"tensor {key} {tensor.name!r}: data is not what it claims")
        named = [("the graph", key) for key in self.inputs + self.outputs]
        named += [
            (str(op), key)
            for op in self.ops
            for key in (*op.inputs, *op.outputs)
            if key is not None
        ]
        for where, key in named:
            if key not in self.tensors:
                raise ModelError(f"{where} names tensor {key}, which does not exist")
        for key in self.inputs:
            if self.tensors[key].data is not None or self.inputs.count(key) > 1:
                raise ModelError(f"input tensor {key} is constant or an input twice")

    def consumers(self) -> dict[int, list[Op]]:
        """Return the ops that read each tensor, in order; an op once for each time it reads it."""
        found: dict[int, list[Op]] = {key: [] for key in self.tensors}
        for op in self.ops:
            for key in op.inputs:
                if key is not None:
                    found[key].append(op)
        return found

    def input_tensors(self, op: Op) -> list[Tensor | None]:
        """Return the tensors that `op` reads."""
        return [None if key is None else self.tensors[key] for key in op.inputs]

    def output_tensors(self, op: Op) -> list[Tensor]:
        """Return the tensors that `op` writes."""
        return [self.tensors[key] for key in op.outputs]


def dump(graph: Graph) -> str:
    """Return the graph as text: one line for each input, op and output.

    ::

        model kws sha256:aeea4368...
        in   t0[1,49,10,1]i8
        op 0 conv2d t35[1,25,5,64]i8 = t0 t13:const[64,10,4,1]i8 t2:const[64]i32
             Conv2D(window=Window(...), activation='relu')
        out  t34[1,12]i8
    """

    def describe(key: int | None) -> str:
        if key is None:
            return "none"
        tensor = graph.tensors[key]
        kind = ":state" if tensor.state else ":const" if tensor.data is not None else ""
        shape = ",".join(map(str, tensor.shape))
        return f"t{key}{kind}[{shape}]{tensor.dtype.kind}{8 * tensor.dtype.itemsize}"

    lines = [f"model {graph.name} sha256:{graph.sha256}"]
    lines += [f"in   {describe(key)}" for key in graph.inputs]
    for op in graph.ops:
        results = " ".join(describe(key) for key in op.outputs)
        lines.append(f"{op} {results} = {' '.join(describe(key) for key in op.inputs)}")
        lines.append(f"     {op.attrs}")
    lines += [f"out  {describe(key)}" for key in graph.outputs]
    return "\n".join(lines) + "\n"
