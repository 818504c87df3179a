"""What a compiled model costs on a core, read from the linked program, not estimated."""

from __future__ import annotations

import functools
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tinykit.board import Core
from tinykit.compiler import toolchain
from tinykit.compiler.compiled import CompiledModel
from tinykit.compiler.lower import Mode
from tinykit.errors import ToolError

ENTRY_POINTS = ("tk_model_reset", "tk_model_input", "tk_model_invoke", "tk_model_output")

_SECTION = re.compile(r"^(\.\S+)\s+(\d+)\s+\d+$", re.MULTILINE)
_NODE = re.compile(r'node: \{ title: "([^"]+)" label: "[^"]*?(\d+) bytes \((\w+)')
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')


@dataclass(frozen=True)
class Footprint:
    """Bytes of a model and its runtime, nothing else, linked for a core.

    Flash is `code_bytes + const_bytes`; RAM is `arena_bytes + scratch_bytes + state_bytes +
    static_bytes` and the stack.
    """

    code_bytes: int
    const_bytes: int
    static_bytes: int  # variables other than arena and state
    arena_bytes: int
    scratch_bytes: int
    state_bytes: int
    stack_bytes: int | None  # of the deepest call chain, by the compiler's account; None: unknown

    @property
    def flash_bytes(self) -> int:
        """All flash."""
        return self.code_bytes + self.const_bytes

    @property
    def ram_bytes(self) -> int:
        """All RAM, the stack excluded."""
        return self.arena_bytes + self.scratch_bytes + self.state_bytes + self.static_bytes


def footprint(
    compiled: CompiledModel, core: Core | None = None, optimize: Mode | None = None
) -> Footprint:
    """Compile and link a model for `core`, with its four entry points as the only roots.

    Parameters
    ----------
    compiled : CompiledModel
    core, optimize :
        By default those that the model was compiled for.

    Raises
    ------
    ToolError
        When gcc for Arm is missing, fails, or the core is not an Arm one.
    """
    core = core or compiled.target.core
    optimize = optimize or compiled.target.mode
    if not core.name.startswith("cortex-m"):
        raise ToolError(
            f"the footprint on {core.name} cannot be measured: only Arm's gcc is supported",
            "choose a board with a Cortex-M core to see it",
        )
    plan = compiled.plan
    with tempfile.TemporaryDirectory(prefix="tinykit-measure-") as name:
        folder = Path(name)
        for file, text in compiled.sources.items():
            (folder / file).write_text(text, encoding="utf-8")
        flags = toolchain.model_flags(core, optimize)
        command = [toolchain.arm_tool("gcc"), *flags, "-fcallgraph-info=su", "-c", "tk_model.c"]
        toolchain.run(command, folder)
        roots = [f"-Wl,--undefined={entry}" for entry in ENTRY_POINTS]
        toolchain.run(
            [
                toolchain.arm_tool("gcc"),
                *core.gcc_flags,
                *toolchain.LINK_FLAGS,
                "-nostartfiles",
                f"-Wl,--entry={ENTRY_POINTS[2]}",
                *roots,
                "tk_model.o",
                "-o",
                "model.elf",
            ],
            folder,
        )
        report = toolchain.run([toolchain.arm_tool("size"), "-A", "model.elf"], folder)
        graph = (folder / "tk_model.ci").read_text()
    sizes = {section: int(size) for section, size in _SECTION.findall(report)}
    code = _sum(sizes, ".text")
    constants = _sum(sizes, ".rodata") + _sum(sizes, ".data") + _sum(sizes, ".ARM.exidx")
    variables = _sum(sizes, ".data") + _sum(sizes, ".bss") - plan.state_bytes - plan.total_bytes
    return Footprint(
        code_bytes=code,
        const_bytes=constants,
        static_bytes=variables,
        arena_bytes=plan.arena_bytes,
        scratch_bytes=plan.scratch_bytes,
        state_bytes=plan.state_bytes,
        stack_bytes=_stack_bytes(graph, ENTRY_POINTS[2]),
    )


def _sum(sizes: dict[str, int], prefix: str) -> int:
    return sum(n for name, n in sizes.items() if name == prefix or name.startswith(prefix + "."))


def _stack_bytes(call_graph: str, root: str) -> int | None:
    """Return the stack of the deepest call chain from `root`, or None when it has no bound.

    Library functions (memcpy, memset) are counted as using nothing.

    Parameters
    ----------
    call_graph : str
        What gcc's `-fcallgraph-info=su` writes.
    """
    own: dict[str, int] = {}
    for title, size, kind in _NODE.findall(call_graph):
        if kind != "static":
            return None
        own[title] = int(size)
    calls: dict[str, set[str]] = {}
    for caller, callee in _EDGE.findall(call_graph):
        calls.setdefault(caller, set()).add(callee)

    @functools.cache
    def depth(function: str) -> int:
        below = (depth(callee) for callee in calls.get(function, ()))
        return own.get(function, 0) + max(below, default=0)

    try:
        return depth(next(title for title in own if title.split(":")[-1] == root))
    except (StopIteration, RecursionError):
        return None
