"""Cycles of a model, op by op: counted instructions times what Arm says each takes.

cycles = sum over blocks of executions * (sum of the instructions' cycles) + jumps * refill
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from tinykit.board import Board
from tinykit.compiler.compiled import CompiledModel
from tinykit.cycles import cortex_m4
from tinykit.cycles.counts import Block, count

CORES = frozenset({"cortex-m4f"})
"""Cores with a published table. Arm publishes none for Cortex-M7, M33 and M55."""

METHOD = (
    "modelled: executed instructions counted by a QEMU plugin, times the cycles of Arm 100166 "
    f"(Cortex-M4 TRM) 3.3; no wait states, pipeline refill {cortex_m4.REFILL}"
)


@dataclass(frozen=True)
class Modelled:
    """Instructions and modelled cycles of one inference, by op number; -1: outside of any op."""

    instructions: dict[int, int]
    cycles: dict[int, int]

    @property
    def total(self) -> int:
        """Modelled cycles of the inference."""
        return sum(self.cycles.values())


def modelled(compiled: CompiledModel, board: Board) -> Modelled | None:
    """Run one inference on the emulated `board` and model its cycles.

    Returns None for boards that are not emulated, and for cores without a published table.

    Raises
    ------
    ToolError
        When a compiler or QEMU is missing or fails.
    """
    if board.emulator is None or board.core not in CORES:
        return None
    counted = count(compiled, board)
    program = cortex_m4.parse(counted.disassembly)
    addresses = [one.address for one in program]
    instructions: dict[int, int] = {}
    spent: dict[int, int] = {}
    for block in counted.blocks:
        first = bisect.bisect_left(addresses, block.address)
        length = _cycles(program[first : first + block.instructions])
        cost = block.executions * length + block.jumps * cortex_m4.REFILL
        spent[block.op] = spent.get(block.op, 0) + cost
        instructions[block.op] = instructions.get(block.op, 0) + _executed(block)
    return Modelled(instructions, spent)


def _executed(block: Block) -> int:
    return block.executions * block.instructions


def _cycles(block: list[cortex_m4.Instruction]) -> int:
    pairs = zip(block, [None, *block[:-1]], strict=True)
    return sum(cortex_m4.cycles(one, before) for one, before in pairs)
