"""What a compiled model costs on a core, read from the linked program, not estimated."""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinykit.board import Core
from tinykit.compiler import toolchain
from tinykit.compiler.compiled import CompiledModel
from tinykit.compiler.lower import Mode
from tinykit.errors import ToolError

ENTRY_POINTS = ("tk_model_reset", "tk_model_input", "tk_model_invoke", "tk_model_output")

# The same four sections for every core, whatever its C library's own script does; addresses do not
# matter.
_LINKER_SCRIPT = """\
SECTIONS
{
  .text : { *(.text .text.*) }
  .rodata : { *(.rodata .rodata.* .srodata .srodata.* .ARM.exidx .ARM.exidx.*) }
  .data : { *(.data .data.* .sdata .sdata.*) }
  .bss : { *(.bss .bss.* .sbss .sbss.* COMMON) }
}
"""
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
        When the core's gcc is missing or fails, or the core has none that we can use.
    """
    core = core or compiled.target.core
    optimize = optimize or compiled.target.mode
    plan = compiled.plan
    linked = link(compiled.sources, "tk_model", ENTRY_POINTS, core, optimize)
    return Footprint(
        code_bytes=linked.code_bytes,
        const_bytes=linked.const_bytes,
        static_bytes=linked.variable_bytes - plan.state_bytes - plan.total_bytes,
        arena_bytes=plan.arena_bytes,
        scratch_bytes=plan.scratch_bytes,
        state_bytes=plan.state_bytes,
        stack_bytes=_stack_bytes(linked.call_graph, ENTRY_POINTS[2]),
    )


@dataclass(frozen=True)
class Linked:
    """Bytes of a program made of one C file, and who calls whom, as gcc writes it."""

    code_bytes: int
    const_bytes: int  # first values of variables included
    variable_bytes: int
    call_graph: str


def link(
    sources: Mapping[str, str], unit: str, roots: Sequence[str], core: Core, optimize: Mode
) -> Linked:
    """Compile and link `unit`.c, and what it needs of the C library, for `core`.

    Parameters
    ----------
    sources : mapping
        File name -> text, the headers included.
    roots : sequence of str
        Functions that are kept; what they do not reach is not.

    Raises
    ------
    ToolError
        When the core's gcc is missing or fails, or the core has none that we can use.
    """
    if core.architecture is None:
        raise ToolError(
            f"the footprint on {core.name} cannot be measured: there is no linker for it here",
            "choose a board with a Cortex-M or RISC-V core to see it",
        )
    with tempfile.TemporaryDirectory(prefix="tinykit-measure-") as name:
        folder = Path(name)
        for file, text in sources.items():
            (folder / file).write_text(text, encoding="utf-8")
        (folder / "sections.ld").write_text(_LINKER_SCRIPT)
        flags = toolchain.model_flags(core, optimize)
        command = [toolchain.tool(core, "gcc"), *flags, "-fcallgraph-info=su", "-c", f"{unit}.c"]
        toolchain.run(command, folder)
        toolchain.run(
            [
                toolchain.tool(core, "gcc"),
                *core.gcc_flags,
                *core.architecture.link_flags,
                "-nostartfiles",
                *("-T", "sections.ld"),
                f"-Wl,--entry={roots[0]}",
                *(f"-Wl,--undefined={root}" for root in roots),
                f"{unit}.o",
                "-o",
                "linked.elf",
            ],
            folder,
        )
        report = toolchain.run([toolchain.tool(core, "size"), "-A", "linked.elf"], folder)
        graph = (folder / f"{unit}.ci").read_text()
    sizes = {section: int(size) for section, size in _SECTION.findall(report)}
    return Linked(
        code_bytes=sizes.get(".text", 0),
        const_bytes=sizes.get(".rodata", 0) + sizes.get(".data", 0),
        variable_bytes=sizes.get(".data", 0) + sizes.get(".bss", 0),
        call_graph=graph,
    )


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
