"""Runs a model once in QEMU and counts, for each op, how often each block of its code runs."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tinykit import programs
from tinykit.board import Board
from tinykit.compiler import toolchain
from tinykit.compiler.compiled import CompiledModel
from tinykit.compiler.measure import ENTRY_POINTS

_HERE = Path(__file__).parent
_SCRIPT = """\
ENTRY(once_start)
MEMORY {{
  flash (rx) : ORIGIN = {flash}, LENGTH = {flash_bytes}
  ram (rwx) : ORIGIN = {ram}, LENGTH = {ram_bytes}
}}
SECTIONS {{
  .text : {{ KEEP(*(.vectors)) *(.text .text.*) *(.rodata .rodata.*) }} > flash
  .ARM.exidx : {{ *(.ARM.exidx .ARM.exidx.*) }} > flash
  .data : {{ *(.data .data.*) }} > ram
  .bss (NOLOAD) : {{ *(.bss .bss.* COMMON) }} > ram
  once_stack_top = ORIGIN(ram) + LENGTH(ram);
}}
"""
_SYMBOL = re.compile(r"^([0-9a-f]+) [tT] (\S+)$", re.MULTILINE)
_OP = re.compile(r"op(\d+)_")


@dataclass(frozen=True)
class Block:
    """A run of instructions, always executed from its first to its last.

    op : the op's number in the .tflite; -1 for what runs before the first.
    jumps : how often something else than the next instruction in memory followed.
    """

    op: int
    address: int
    instructions: int
    executions: int
    jumps: int


@dataclass(frozen=True)
class Counted:
    """The blocks of one inference and the program's disassembly, as objdump prints it."""

    blocks: list[Block]
    disassembly: str


def count(compiled: CompiledModel, board: Board) -> Counted:
    """Build `compiled` for an emulated `board`, run one inference on noise and count.

    The code is what the firmware has: same compiler, same flags.

    Raises
    ------
    ToolError
        When a compiler or QEMU is missing or fails.
    """
    assert board.emulator is not None and board.processor.architecture is not None
    core, architecture = board.processor, board.processor.architecture
    gcc = toolchain.tool(core, "gcc")
    with tempfile.TemporaryDirectory(prefix="tinykit-cycles-") as name:
        folder = Path(name)
        for file, text in compiled.sources.items():
            (folder / file).write_text(text, encoding="utf-8")
        memory = board.memory
        (folder / "once.ld").write_text(
            _SCRIPT.format(
                flash=memory.flash_origin,
                flash_bytes=memory.flash_bytes,
                ram=memory.ram_origin,
                ram_bytes=memory.ram_bytes,
            )
        )
        flags = toolchain.model_flags(core, compiled.target.mode)
        toolchain.run([gcc, *flags, "-c", "tk_model.c"], folder)
        own: list[str | Path] = [
            *core.gcc_flags,
            "-std=c99",
            "-O1",
            "-I",
            ".",
            "-c",
            _HERE / "once.c",
        ]
        toolchain.run([gcc, *own, "-o", "once.o"], folder)
        link = [*core.gcc_flags, *architecture.link_flags, "-nostartfiles", "-T", "once.ld"]
        toolchain.run([gcc, *link, "once.o", "tk_model.o", "-o", "once.elf"], folder)
        plugin: list[str | Path] = [
            toolchain.host_compiler(),
            "-shared",
            "-fPIC",
            "-O2",
            _HERE / "blocks.c",
        ]
        toolchain.run([*plugin, "-o", "blocks.so"], folder)
        symbols = toolchain.run([toolchain.tool(core, "nm"), "once.elf"], folder)
        parts = dict(_parts(symbols))
        entries = "+".join(f"{address:x}" for address in parts)
        toolchain.run(
            [
                programs.require(architecture.qemu),
                *("-machine", board.emulator.machine, "-display", "none", "-monitor", "none"),
                *("-serial", "none", "-semihosting-config", "enable=on,target=native"),
                *("-kernel", "once.elf"),
                *("-plugin", f"file=./blocks.so,out=blocks.txt,entries={entries}"),
            ],
            folder,
        )
        objdump = toolchain.tool(core, "objdump")
        disassembly = toolchain.run([objdump, "-d", "--no-show-raw-insn", "once.elf"], folder)
        counted = (folder / "blocks.txt").read_text()
    return Counted(list(_blocks(counted, list(parts.values()))), disassembly)


def _parts(symbols: str) -> Iterator[tuple[int, int | None]]:
    """Yield the address at which each part begins, and its op; None for what is not the model."""
    known = {ENTRY_POINTS[2]: -1, "once_done": None}
    for address, name in _SYMBOL.findall(symbols):
        op = _OP.match(name)
        if op:
            yield int(address, 16) & ~1, int(op[1])
        elif name in known:
            yield int(address, 16) & ~1, known[name]


def _blocks(text: str, ops: list[int | None]) -> Iterator[Block]:
    for line in text.splitlines():
        part, address, *rest = line.split()
        op = ops[int(part)]
        if op is not None:
            instructions, executions, jumps = map(int, rest)
            yield Block(op, int(address, 16), instructions, executions, jumps)
