"""How long code takes on a Cortex-M7: two instructions a cycle at most, in order.

Arm publishes no timing of this core. Measured, and used here: J. Olejarz, "pipeline cycle test"
(github.com/jnk0le/random, Cortex-M7, on an STM32H743). Where that says nothing, LLVM's scheduling
model (ARMScheduleM7.td): saturation, division and table branches. Assumed here:

- a block begins with empty pipelines; one that jumps to its own start is in its steady state;
- the instruction behind a taken branch begins a new cycle;
- a branch is predicted the way it goes more often, a table branch never;
- two loads are in different banks only where base and offsets show it: otherwise they do not pair.

Left out: caches, wait states, the store buffer, unaligned accesses, floating point but for moves,
loads and stores.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinykit.cycles.cortex_m7.issue import duration
from tinykit.cycles.disassembly import Instruction

MISPREDICTED = 8
"""Cycles that a wrongly predicted branch costs."""

METHOD = (
    "modelled: executed instructions counted by a QEMU plugin, issued in pairs by the rules that "
    "J. Olejarz measured on a Cortex-M7 (pipeline cycle test; Arm publishes no table); no wait "
    f"states, caches or store buffer, mispredicted branch {MISPREDICTED}"
)


def cycles(code: Sequence[Instruction], executions: int, jumps: int) -> int:
    """Return the cycles of a block that runs `executions` times and is left by `jumps` jumps."""
    last = code[-1]
    if last.target == code[0].address:
        once = duration([*code] * 4) - duration([*code] * 3)
    else:
        once = duration(code)
    surprises = 0
    if last.chooses:
        surprises = min(jumps, executions - jumps)
    elif last.name in ("tbb", "tbh"):
        surprises = jumps
    return executions * once + surprises * MISPREDICTED
