"""How each op becomes C: one module per op kind, found by discovery.

A module defines `KERNELS`, a list of `Kernel`: the implementations of the op, fastest first. The
first one whose variant the core has and whose `matches` accepts the op is used. A kernel lays out
the weights for itself at compile time (`lower` returns them), says what scratch it needs and
whether it may write its output over an input. The C functions are real files in `tinykit/kernels`.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from tinykit.compiler.ir import Graph, Op
from tinykit.errors import ModelError


@dataclass(frozen=True)
class Constant:
    """A constant array in flash: `static const <ctype> wNN_<role>[]`."""

    role: str  # "filter", "bias", "multiplier", "shift", "table"
    ctype: str  # "int8_t", "int32_t", ...
    data: NDArray[Any]
    align: int = 4


@dataclass(frozen=True)
class Call:
    """One kernel call.

    `constants` are passed in order after the input pointers; then scratch (if any), the output
    pointers, and last `params`, the designated initialisers of `struct_name` with literal values.
    """

    constants: tuple[Constant, ...]
    struct_name: str  # "tk_conv2d_params"
    params: dict[str, int] = field(default_factory=dict)


def _none(graph: Graph, op: Op) -> int:
    return 0


def _no_pairs(graph: Graph, op: Op) -> tuple[tuple[int, int], ...]:
    return ()


@dataclass(frozen=True)
class Kernel:
    """One implementation of an op."""

    function: str  # C function, e.g. "tk_conv2d_s8"
    header: str  # file in tinykit/kernels, e.g. "tk_conv2d.h"
    lower: Callable[[Graph, Op], Call]
    variant: str = "portable"  # a kernel variant of `tinykit.board.Core`
    matches: Callable[[Graph, Op], bool] = lambda graph, op: True
    scratch_bytes: Callable[[Graph, Op], int] = _none
    in_place: Callable[[Graph, Op], tuple[tuple[int, int], ...]] = _no_pairs
    """Pairs (input, output) by position in op.inputs / op.outputs that may share memory."""


def select(graph: Graph, op: Op, variants: tuple[str, ...]) -> Kernel:
    """Return the kernel for `op` on a core that has `variants`, in the core's order of preference.

    Raises
    ------
    ModelError
        When no kernel accepts the op.
    """
    for variant in variants:
        for kernel in _kernels(op.kind):
            if kernel.variant == variant and kernel.matches(graph, op):
                return kernel
    raise ModelError(f"{op}: no kernel for it on this core", "open an issue with the model")


@functools.cache
def _kernels(kind: str) -> tuple[Kernel, ...]:
    try:
        return tuple(importlib.import_module(f"{__name__}.{kind}").KERNELS)
    except ModuleNotFoundError:
        return ()
