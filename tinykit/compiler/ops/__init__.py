"""What each op means: one module per op, found by discovery.

A module defines `RULE`, an instance of an `OpRule` subclass: how the op is parsed from the file,
what makes it legal, which shape it gives, what it computes (the executable specification in numpy
that every C kernel must match byte for byte) and what it costs. How an op becomes C is the business
of `tinykit.compiler.lower`.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from abc import ABC, abstractmethod
from typing import Any

from numpy.typing import NDArray

from tinykit.compiler.ir import Graph, Op
from tinykit.errors import ModelError

Array = NDArray[Any]


class OpRule(ABC):
    """The meaning of one op kind."""

    kind: str  # our name, snake case: "conv2d"
    builtin: str  # the name in the .tflite schema: "CONV_2D"; "" for an op that no file has
    options: str = ""  # the schema's options table that the op must have; "": none is needed
    operands: slice | tuple[int, ...] = slice(None)  # inputs that stay; `parse` has the rest
    states: tuple[int, ...] = ()  # inputs that it changes in place: they are outputs as well

    @abstractmethod
    def parse(self, options: Any, graph: Graph, op: Op) -> Any:
        """Return the attrs dataclass from the schema's options object.

        `options` is an instance of the object API of the table that `self.options` names, or None
        when the rule names none.

        `op` has all inputs of the file and no attrs yet. Only its `operands` stay its inputs: a
        parameter that comes as a constant tensor (an axis, a shape) becomes part of the attrs.
        Raises ModelError for illegal options.
        """

    @abstractmethod
    def check(self, graph: Graph, op: Op) -> None:
        """Raise ModelError unless ranks, shapes, dtypes, scales and zero points are legal."""

    @abstractmethod
    def reference(self, graph: Graph, op: Op, inputs: list[Array | None]) -> list[Array]:
        """Compute the outputs in numpy, byte for byte as the golden interpreter does."""

    def macs(self, graph: Graph, op: Op) -> int:
        """Return the multiply-accumulates of one execution."""
        return 0

    def updates(self, op: Op) -> dict[int, int]:
        """Return the states that the op changes: of each, the output that is its next value."""
        return {}


@functools.cache
def rules() -> dict[str, OpRule]:
    """Return every rule by kind."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        rule = getattr(importlib.import_module(f"{__name__}.{module.name}"), "RULE", None)
        if rule is not None:
            found[rule.kind] = rule
    return found


@functools.cache
def by_builtin() -> dict[str, OpRule]:
    """Return every rule by its name in the .tflite schema."""
    return {rule.builtin: rule for rule in rules().values() if rule.builtin}


def rule(op: Op) -> OpRule:
    """Return the rule of `op`.

    Raises
    ------
    ModelError
        When no module defines its kind.
    """
    try:
        return rules()[op.kind]
    except KeyError:
        raise ModelError(f"{op}: unknown op kind") from None
