"""The exact cost of a model: compiled and linked for the core, not estimated."""

from __future__ import annotations

from tinykit.board import Core
from tinykit.compiler import compile_model
from tinykit.compiler.lower import Mode
from tinykit.compiler.measure import footprint
from tinykit.search.budget import Cost

STACK_RESERVE_BYTES = 64
"""Stack beside the compiler's bound, which knows neither the C library nor the caller: emulated
boards used 28 B more than it."""


def measure(data: bytes, core: Core, optimize: Mode) -> Cost:
    """Return what a .tflite takes on `core`.

    RAM includes the stack: the compiler's bound and `STACK_RESERVE_BYTES`. Where there is no C
    compiler for the core, only data is counted, and the cost's note says so.

    Raises
    ------
    ModelError
        When the compiler refuses the model.
    ToolError
        When the core's C compiler is missing.
    """
    compiled = compile_model(data, core, optimize)
    if not core.gcc_flags:
        constants = sum(t.nbytes for t in compiled.graph.tensors.values() if t.data is not None)
        memory = compiled.plan.total_bytes + compiled.plan.state_bytes
        note = f"code and stack not counted: no C compiler for {core.name}"
        return Cost(constants, memory, compiled.macs, note)
    size = footprint(compiled)
    stack = (size.stack_bytes or 0) + STACK_RESERVE_BYTES
    return Cost(size.flash_bytes, size.ram_bytes + stack, compiled.macs)
