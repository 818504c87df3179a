"""How each op becomes C: kernels, found by discovery, and what they ask of the planner.

A module defines `KINDS`, the op kinds it serves, and `KERNELS`, a tuple of `Kernel`: ways to carry
them out, best first. A core lists kernel variants in order of preference; the first kernel of the
first variant whose `matches` accepts the op is used. Faster kernels for a core are therefore new
modules (`conv2d_dsp.py`), and no existing file changes. The C functions are files in
`tinykit/kernels`.

An op that is made of other ops has `compose(graph, op, target)` in place of `KERNELS`: it returns a
kernel made of those that the target has for them.

A kernel's `lower` returns a `Lowering`: the C calls with their constants, laid out in flash as
this kernel wants them, the scratch memory it needs and how its output may share memory with its
input.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinykit.board import Core
from tinykit.compiler.ir import Graph, Op
from tinykit.errors import ModelError

Mode = Literal["speed", "balanced", "size"]
MODES: tuple[Mode, ...] = ("speed", "balanced", "size")

HOST_VARIANTS = frozenset({"portable", "dsp"})
"""Kernel variants that any C compiler takes: the DSP instructions are there as plain C, too."""


@dataclass(frozen=True)
class Target:
    """What kernels are chosen for."""

    core: Core
    mode: Mode = "balanced"


@dataclass(frozen=True)
class Varying:
    """A number that changes from round to round of a `Loop`."""

    values: tuple[int, ...]


@dataclass(frozen=True)
class Input:
    """Argument: pointer to the op's input at `position`, `offset` bytes in."""

    position: int = 0
    offset: int = 0
    as_bytes: bool = False  # int8_t *, whatever the tensor is made of
    moves: Varying | None = None  # in a `Loop`: further bytes


@dataclass(frozen=True)
class Output:
    """Argument: pointer to the op's output at `position`, `offset` bytes in."""

    position: int = 0
    offset: int = 0
    as_bytes: bool = False
    moves: Varying | None = None  # in a `Loop`: further bytes


@dataclass(frozen=True)
class Scratch:
    """Argument: pointer into the op's scratch, `offset` bytes in."""

    offset: int = 0
    ctype: str = "int8_t"
    moves: Varying | None = None


@dataclass(frozen=True, eq=False)
class Constant:
    """Argument: a constant array in flash, `static const <ctype> wNN_<role>[]`."""

    role: str  # "filter", "bias", "multiplier", "shift", "table"
    data: NDArray[Any]  # its dtype is the array's; the rows of a 2-D array become lines
    align: int = 4
    moves: Varying | None = None  # elements

    @property
    def ctype(self) -> str:
        """The C type of an element: "int8_t"."""
        return f"{self.data.dtype.name}_t"


Argument: TypeAlias = Input | Output | Scratch | Constant
Params: TypeAlias = Mapping[str, "int | Varying | str | tuple[int | Varying, ...] | Params"]
"""Initialisers of a struct: a number, the name of a C constant, an array, or a struct inside."""


def varies(params: Params) -> bool:
    """Whether some number in `params` is a `Varying`."""

    def changes(value: object) -> bool:
        if isinstance(value, tuple):
            return any(map(changes, value))
        return isinstance(value, Varying) or (isinstance(value, Mapping) and varies(value))

    return any(map(changes, params.values()))


@dataclass(frozen=True)
class Operand:
    """What an `Element` is given.

    kind : of an argument of the chain, the element that it is about, or the only one there is, or
        all of the array; or the result of an earlier element.
    position : of the argument, or of the earlier element.
    """

    kind: Literal["element", "only", "array", "result"]
    position: int


@dataclass(frozen=True)
class Element:
    """A step of a chain: `function(operands..., &params)` gives one element."""

    function: str
    operands: tuple[Operand, ...]
    struct: str
    params: Params


@dataclass(frozen=True)
class Call:
    """One kernel call: `function(arguments..., &params)`.

    `params` are the designated initialisers of a const `struct`, literal values all, but in a
    `Loop`. Calls with equal function and literal params share one specialised copy of the kernel.
    """

    function: str
    arguments: tuple[Argument, ...]
    struct: str  # "tk_conv2d_params"; "": the function has no such argument
    params: Params
    when: Varying | None = None  # in a `Loop`: the rounds that make the call, 1, or not, 0
    chain: tuple[
        Element, ...
    ] = ()  # the function is generated: these for each of `params["count"]`


@dataclass(frozen=True)
class Loop:
    """Calls `first` to `end` of a lowering, `end` excluded, are made `count` times.

    Round `i` has the i-th value of what is `Varying` in them.
    """

    first: int
    end: int
    count: int


@dataclass(frozen=True)
class InPlace:
    """A permission: this output may share memory with this input, if the input dies here.

    The output may start up to anywhere at or below `input start - distance`: a kernel that reads
    ahead of what it writes tolerates an input that begins `distance` bytes into the output. With
    `backwards`, for kernels that go from the last byte to the first, it may start anywhere at or
    above `input start + distance` instead.
    Distance 0 is the plain in-place op. With `exact`, only equal starts are safe (kernels that
    jump about, one channel after the other). `_distance.streaming` computes distances.
    """

    input: int = 0  # position in op.inputs
    output: int = 0  # position in op.outputs
    distance: int = 0
    exact: bool = False
    backwards: bool = False


@dataclass(frozen=True)
class Lowering:
    """An op carried out by one kernel."""

    calls: tuple[Call, ...] = ()
    scratch_bytes: int = 0
    in_place: tuple[InPlace, ...] = ()
    view: bool = False  # output 0 lies where input 0 does: another shape of it, or its next value
    loops: tuple[Loop, ...] = ()


def _any(graph: Graph, op: Op) -> bool:
    return True


@dataclass(frozen=True)
class Kernel:
    """One way to carry out an op.

    With `element`, an op whose tensors have equally many elements can be part of a chain: it
    returns a call that gives one element of the output, in which an `Input` is the element there.
    """

    name: str  # in plan.json and reports: "conv2d_s8"
    header: str  # file in tinykit/kernels that defines what the calls name; "" when there are none
    lower: Callable[[Graph, Op], Lowering]
    variant: str = "portable"  # a kernel variant of `tinykit.board.Core`
    modes: tuple[Mode, ...] = MODES  # of optimization that it is meant for
    reads: str | None = "int8"  # dtype of the op's first input; None: it is only moved
    matches: Callable[[Graph, Op], bool] = _any  # ops it can carry out exactly
    parts: tuple[Kernel, ...] = ()  # the kernels that it is made of
    uneven: bool = False  # some part of it works in several ways, by turns: the compiler fixes none
    also: frozenset[str] = frozenset()  # headers of what it calls between them
    anywhere: bool = False  # at.pad_top may be below 0: the window begins further down in the image
    element: Callable[[Graph, Op], Call] | None = None  # of an elementwise op

    @property
    def runs_on_host(self) -> bool:
        """Whether the development computer can compile and run it."""
        return self.variant in HOST_VARIANTS and all(part.runs_on_host for part in self.parts)

    @property
    def headers(self) -> frozenset[str]:
        """The files in tinykit/kernels that define what its calls name."""
        own = self.also | ({self.header} if self.header else set())
        return own.union(*(part.headers for part in self.parts))

    def accepts(self, graph: Graph, op: Op) -> bool:
        """Whether it can carry out `op` exactly."""
        assert op.inputs[0] is not None
        dtype = graph.tensors[op.inputs[0]].dtype
        return self.reads in (None, dtype.name) and self.matches(graph, op)


def select(graph: Graph, op: Op, target: Target) -> Kernel:
    """Return the kernel for `op`.

    Raises
    ------
    ModelError
        When no kernel accepts the op.
    """
    composer = _composers().get(op.kind)
    if composer is not None:
        return composer(graph, op, target)
    for variant in target.core.kernels:
        for kernel in kernels(op.kind):
            if (
                kernel.variant == variant
                and target.mode in kernel.modes
                and kernel.accepts(graph, op)
            ):
                return kernel
    raise ModelError(
        f"{op}: no kernel can carry it out on {target.core.name}",
        "open an issue and attach the model",
    )


def kernels(kind: str) -> tuple[Kernel, ...]:
    """Return every kernel for ops of `kind`, of all variants."""
    return _registry().get(kind, ())


@functools.cache
def _registry() -> dict[str, tuple[Kernel, ...]]:
    found: dict[str, tuple[Kernel, ...]] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for kind in getattr(module, "KINDS", ()):
            found[kind] = found.get(kind, ()) + tuple(getattr(module, "KERNELS", ()))
    return found


@functools.cache
def _composers() -> dict[str, Callable[[Graph, Op, Target], Kernel]]:
    found = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "compose"):
            found.update(dict.fromkeys(module.KINDS, module.compose))
    return found


def dims(graph: Graph, key: int | None) -> tuple[int, ...]:
    """Return the shape of tensor `key`."""
    assert key is not None
    return graph.tensors[key].shape


def int8(values: Any) -> NDArray[np.int8]:
    """Return `values`, which must fit, as int8."""
    array = np.asarray(values)
    assert array.size == 0 or (array.min() >= -128 and array.max() <= 127)
    return array.astype(np.int8)
