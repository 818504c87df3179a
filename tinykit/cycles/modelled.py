"""Cycles of a model, op by op: how often each block of its code runs, by a model of the core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tinykit.board import Board
from tinykit.compiler.compiled import CompiledModel
from tinykit.cycles import cortex_m4, cortex_m7
from tinykit.cycles.counts import count
from tinykit.cycles.disassembly import Instruction, block, parse


class Timing(Protocol):
    """A model of a core: a module of this folder.

    METHOD : in words, how cycles are known and what is left out.
    """

    METHOD: str

    def cycles(self, code: Sequence[Instruction], executions: int, jumps: int) -> int:
        """Return the cycles of a block, executed so often and left so often by a jump."""
        ...


TIMINGS: dict[str, Timing] = {"cortex-m4f": cortex_m4, "cortex-m7": cortex_m7}
"""By core: those whose instruction timing is published."""


@dataclass(frozen=True)
class Modelled:
    """Instructions and modelled cycles of one inference, by op number; -1: outside of any op.

    method : in words, how the cycles are known.
    """

    instructions: dict[int, int]
    cycles: dict[int, int]
    method: str

    @property
    def total(self) -> int:
        """Modelled cycles of the inference."""
        return sum(self.cycles.values())

    @property
    def per_instruction(self) -> float:
        """Modelled cycles for an instruction, on average."""
        return self.total / sum(self.instructions.values())


def modelled(compiled: CompiledModel, board: Board) -> Modelled | None:
    """Run one inference on the emulated `board` and model its cycles.

    Returns None for boards that are not emulated, and for cores without a published timing.

    Raises
    ------
    ToolError
        When a compiler or QEMU is missing or fails.
    """
    timing = TIMINGS.get(board.core)
    if board.emulator is None or timing is None:
        return None
    counted = count(compiled, board)
    program = parse(counted.disassembly)
    instructions: dict[int, int] = {}
    spent: dict[int, int] = {}
    for one in counted.blocks:
        code = block(program, one.address, one.instructions)
        cycles = timing.cycles(code, one.executions, one.jumps)
        spent[one.op] = spent.get(one.op, 0) + cycles
        instructions[one.op] = instructions.get(one.op, 0) + one.executions * one.instructions
    return Modelled(instructions, spent, timing.METHOD)
