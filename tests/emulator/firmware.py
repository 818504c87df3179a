"""Runs compiled models on an emulated Cortex-M, many in one firmware, without PlatformIO or serial.

All models are linked into one program with `cases_main.c`; QEMU ends by itself and leaves the
outputs in a file. That takes about a second for 25 small models, so every edge case of every kernel
can be run on every core.
"""

from __future__ import annotations

import functools
import math
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinykit import board as boards
from tinykit import paths
from tinykit.board import Board, Core
from tinykit.compiler import toolchain
from tinykit.compiler.compiled import CompiledModel
from tinykit.compiler.measure import ENTRY_POINTS

TIME_LIMIT_S = 60
"""Of the emulator, on the wall clock: a few million instructions need less than one."""

_GUARD = 64  # bytes between arenas
_RESULTS = "results.bin"
_MAIN = Path(__file__).with_name("cases_main.c")
_HAL = paths.share_dir("templates") / "hal_bare_metal"
_EXIT = {3: "fault: the processor took an exception", 4: "the results cannot be written"}

_MACHINES = {  # core -> board; the Cortex-M3's machine runs all code of a Cortex-M0 and has the RAM
    "cortex-m0": "mps2-an385",
    "cortex-m3": "mps2-an385",
    "cortex-m4f": "mps2-an386",
    "cortex-m7": "mps2-an500",
    "cortex-m33": "mps2-an505",
    "cortex-m55": "mps3-an547",
}

Rows = list[NDArray[np.generic]]


@dataclass(frozen=True)
class Case:
    """A model and the inputs to run it on: an array per input, the rows stacked.

    Each row starts from a reset, unless the model is to keep its state from row to row.
    """

    model: CompiledModel
    inputs: Sequence[NDArray[np.int8]]
    keep_state: bool = False


@dataclass(frozen=True)
class Ran:
    """What a case gave: per row, its outputs and how many instructions the inference took."""

    outputs: list[Rows]
    instructions: list[int]


def run(
    cases: Mapping[str, Case], folder: Path, *options: str, compiler: str = "gcc"
) -> dict[str, Ran]:
    """Build one firmware of all `cases`, which have one core, run it and return the results.

    `options` go to the compiler of the models ("gcc" or "clang") behind their flags.

    Raises
    ------
    AssertionError
        When a model faults or writes outside its arena; with its name.
    """
    (core,) = {case.model.target.core for case in cases.values()}
    board = boards.find(_MACHINES[core.name])
    assert board.emulator is not None
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(_compile, case, number, folder, options, compiler)
            for number, case in enumerate(cases.values())
        ]
        objects = [job.result() for job in jobs]
    _write_program(list(cases.values()), board, folder)
    flags = [
        *core.gcc_flags,
        "-std=gnu11",
        "-O1",
        "-ffunction-sections",
        f"-I{_HAL}",
        f"-I{folder}",
    ]
    sources = [_MAIN, _HAL / "timer" / f"{board.hal.timer}.c", folder / "inputs.S"]
    link = ["-nostartfiles", "-Wl,-T,cases.ld", *core.architecture.link_flags]
    gcc = toolchain.tool(core, "gcc")
    toolchain.run([gcc, *flags, *sources, *objects, *link, "-o", "cases.elf"], folder)
    qemu = shutil.which("qemu-system-arm")
    assert qemu is not None
    command = [qemu, "-M", board.emulator.machine, "-display", "none", "-monitor", "none"]
    command += ["-serial", "none", "-icount", f"shift={board.emulator.icount_shift},sleep=off"]
    command += ["-semihosting-config", "enable=on,target=native", "-kernel", "cases.elf"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False
    )
    if done.returncode >= 16:
        raise AssertionError(f"{list(cases)[done.returncode - 16]} wrote outside its arena")
    assert done.returncode == 0, _EXIT.get(done.returncode, done.stderr)
    return _read(cases, (folder / _RESULTS).read_bytes(), board)


def _compile(case: Case, number: int, folder: Path, options: Sequence[str], compiler: str) -> str:
    """Compile one model, its entry points and its arena named for the case."""
    own = folder / f"case{number}"
    own.mkdir()
    for name, text in case.model.sources.items():
        (own / name).write_text(text, encoding="utf-8")
    renamed = [f"-D{entry}=case{number}_{entry}" for entry in ENTRY_POINTS]
    arena = f'-DTK_ARENA_ATTRIBUTES=__attribute__((section(".bss.arena.{number}.")))'
    target = case.model.target
    flags = toolchain.model_flags(target.core, target.mode, compiler)
    program = [toolchain.tool(target.core, "gcc")] if compiler == "gcc" else _clang(target.core)
    command = [*program, *flags, "-Werror", *renamed, arena, *options, "-c", "tk_model.c"]
    toolchain.run(command, own)
    return f"case{number}/tk_model.o"


@functools.cache
def _clang(core: Core) -> list[str]:
    """Return clang's command for a Cortex-M: its own, with the C library of gcc."""
    gcc, clang = toolchain.tool(core, "gcc"), toolchain.host_compiler("clang")
    listed = subprocess.run(
        [gcc, "-E", "-M", "-xc", "-"],
        input="#include <string.h>",
        capture_output=True,
        text=True,
        check=True,
        timeout=TIME_LIMIT_S,
    )
    header = next(name for name in listed.stdout.split() if Path(name).name == "string.h")
    return [clang, "--target=arm-none-eabi", "-isystem", str(Path(header).parent)]


def _write_program(cases: Sequence[Case], board: Board, folder: Path) -> None:
    """Write the table of the cases, their inputs and the linker script."""
    lines = [
        '#include "case.h"',
        f'#define CASE_RESULTS "{_RESULTS}"',
        f"#define CASES {len(cases)}u",
    ]
    lines.append(f"#define CASE_FPU {int(board.processor.fpu)}")
    lines.append(f"#define CASE_GUARD_BYTES {_GUARD}u")
    lines.append("extern const uint8_t inputs[];")
    table, blob, arenas = [], b"", []
    for number, case in enumerate(cases):
        graph = case.model.graph
        name = f"case{number}_tk_model_"
        lines.append(f"void {name}reset(void), {name}invoke(void); int8_t *{name}input(int);")
        lines.append(f"const int8_t *{name}output(int);")
        lines.append(f"extern uint8_t case{number}_arena[], case{number}_end[];")
        sizes = [
            ", ".join(str(_bytes(case.model, key)) for key in keys)
            for keys in (graph.inputs, graph.outputs)
        ]
        rows = len(case.inputs[0])
        table.append(
            f"{{{name}reset, {name}input, {name}invoke, {name}output, "
            f"{{{sizes[0]}}}, {{{sizes[1]}}}, {rows}, inputs + {len(blob)}, "
            f"case{number}_arena, case{number}_end, {int(case.keep_state)}}},"
        )
        blob += b"".join(values[row].tobytes() for row in range(rows) for values in case.inputs)
        arenas.append(
            f". = ALIGN(8); . += {_GUARD}; case{number}_arena = .; *(.bss.arena.{number}.) "
            f"case{number}_end = .; . += {_GUARD};"
        )
    lines += ["static const tk_case cases[] = {", *table, "};"]
    (folder / "cases.h").write_text("\n".join(lines) + "\n")
    (folder / "case.h").write_text(_CASE_H)
    (folder / "tk_board.h").write_text(f"#define TK_BOARD_TIMER_BASE {board.hal.timer_base}u\n")
    (folder / "inputs.bin").write_bytes(blob)
    (folder / "inputs.S").write_text(
        '.section .rodata\n.balign 8\n.global inputs\ninputs: .incbin "inputs.bin"\n'
    )
    memory = board.memory
    (folder / "cases.ld").write_text(
        _SCRIPT.format(
            flash=f"ORIGIN = {memory.flash_origin}, LENGTH = {memory.flash_bytes}",
            ram=f"ORIGIN = {memory.ram_origin}, LENGTH = {memory.ram_bytes}",
            arenas="\n        ".join(arenas),
        )
    )


_CASE_H = """#include <stdint.h>
typedef struct {
    void (*reset)(void);
    int8_t *(*input)(int);
    void (*invoke)(void);
    const int8_t *(*output)(int);
    uint32_t input_bytes[16], output_bytes[16]; /* 0 ends them */
    uint32_t rows;
    const uint8_t *inputs;
    uint8_t *arena, *arena_end;
    int stateful;
} tk_case;
"""

_SCRIPT = """ENTRY(tk_start)
MEMORY {{
    flash (rx) : {flash}
    ram (rwx) : {ram}
}}
SECTIONS {{
    .text : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) . = ALIGN(8); }} > flash
    .ARM.exidx : {{ *(.ARM.exidx*) }} > flash
    .data : {{ *(.data*) }} > ram /* QEMU loads it where it is */
    .bss (NOLOAD) : {{
        {arenas}
        . = ALIGN(8);
        *(.bss*) *(COMMON)
        . = ALIGN(8);
    }} > ram
    end = .;
    tk_stack_top = ORIGIN(ram) + LENGTH(ram);
}}
"""


def _bytes(model: CompiledModel, key: int) -> int:
    tensor = model.graph.tensors[key]
    return math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize


def _read(cases: Mapping[str, Case], data: bytes, board: Board) -> dict[str, Ran]:
    """Cut the file of results into outputs and counts."""
    results, at = {}, 0
    scale = board.counter.numerator, board.counter.denominator
    for name, case in cases.items():
        ran = Ran([], [])
        for _ in range(len(case.inputs[0])):
            row: Rows = []
            for key in case.model.graph.outputs:
                tensor = case.model.graph.tensors[key]
                size = _bytes(case.model, key)
                values = np.frombuffer(data[at : at + size], tensor.dtype)
                row.append(values.reshape(tensor.shape))
                at += size
            ticks = int.from_bytes(data[at : at + 4], "little")
            at += 4
            ran.outputs.append(row)
            ran.instructions.append(round(ticks * scale[0] / scale[1]))
        results[name] = ran
    assert at == len(data)
    return results
