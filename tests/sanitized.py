"""Runs many compiled models on the host in one program, under the sanitizers.

Each model is compiled with the strict warnings as errors; one link and one process serve all of
them, which makes a small model cost a tenth of a second. What comes out is held to the numpy
reference, op by op.
"""

from __future__ import annotations

import itertools
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinykit.compiler import reference, toolchain
from tinykit.compiler.compiled import CompiledModel
from tinykit.compiler.ir import Graph
from tinykit.compiler.measure import ENTRY_POINTS

TIME_LIMIT_S = 300

_MAIN = Path(__file__).with_name("sanitized_main.c")
_SANITIZERS = {
    "gcc": ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g1", "-O1"),
    # clang's runtime library is a package of its own: without it, undefined behaviour traps
    "clang": ("-fsanitize=undefined", "-fsanitize-trap=all", "-O1"),
}
_MODEL_OUTPUTS = 0xFFFFFFFF
_ROUNDS = 2

Inputs = Sequence[NDArray[np.generic]]  # an array per input, the rows stacked
Records = list[tuple[int, bytes]]  # (op number, its output) and at last the outputs of the model


@dataclass(frozen=True)
class Case:
    """A model for the host and the rows to run it on."""

    model: CompiledModel
    inputs: Inputs

    @property
    def rows(self) -> int:
        """Number of inferences."""
        return len(self.inputs[0])


def failures(
    cases: Mapping[str, Case], folder: Path, compiler: str = "gcc", processes: int = 2
) -> list[str]:
    """Compile and run `cases`; return what differs from the numpy reference, and where.

    `compiler` is "gcc" or "clang"; only gcc looks after addresses, too.

    Raises
    ------
    AssertionError
        When the sanitizers stop a case; with its name and what they found.
    ToolError
        When generated code does not compile without a warning.
    """
    given = {name: Case(case.model.for_host(), case.inputs) for name, case in cases.items()}
    ran = _run(given, folder, compiler, processes)
    wrong = []
    for name, case in given.items():
        # the second round starts from a reset, so it is the first one again
        for number, expected in enumerate(list(_expected(case.model.graph, case)) * _ROUNDS):
            got = next(ran)
            if got != expected:
                op = next(a[0] for a, b in zip(expected, got, strict=False) if a != b)
                where = "the outputs" if op == _MODEL_OUTPUTS else f"op {op}"
                wrong.append(f"{name}: inference {number}, {where}")
    return wrong


def _expected(graph: Graph, case: Case) -> Iterator[Records]:
    """Yield what the program shall write for each row, by the numpy reference."""
    states = None
    for row in range(case.rows):
        outputs, tensors = reference.run(graph, [values[row] for values in case.inputs], states)
        states = reference.next_states(graph, tensors)
        records = [(op.index, tensors[key].tobytes()) for op in graph.ops for key in op.outputs]
        yield [*records, (_MODEL_OUTPUTS, b"".join(output.tobytes() for output in outputs))]


def _run(
    cases: Mapping[str, Case], folder: Path, compiler: str, processes: int
) -> Iterator[Records]:
    """Build the program of all cases and run it; return what each inference wrote."""
    compiler, sanitizers = toolchain.host_compiler(compiler), _SANITIZERS[compiler]
    with ThreadPoolExecutor(processes) as pool:
        jobs = [
            pool.submit(_compile, case, number, folder, (compiler, *sanitizers))
            for number, case in enumerate(cases.values())
        ]
        objects = [job.result() for job in jobs]
    (folder / "sanitized.h").write_text(_table(list(cases.values())))
    flags = ["-std=c99", *toolchain.STRICT_FLAGS, *sanitizers, f"-I{folder}"]
    toolchain.run([compiler, *flags, _MAIN, *objects, "-o", "cases"], folder)
    rows = [
        values[row].tobytes()
        for case in cases.values()
        for row in range(case.rows)
        for values in case.inputs
    ]
    done = subprocess.run(
        [folder / "cases"],
        input=b"".join(rows),
        capture_output=True,
        timeout=TIME_LIMIT_S,
        check=False,
    )
    inferences = list(_inferences(done.stdout))
    if done.returncode != 0:
        ends = itertools.accumulate(_ROUNDS * case.rows for case in cases.values())
        complete = sum(end <= len(inferences) for end in ends)
        lines = done.stderr.decode(errors="replace").splitlines()
        found = next(
            (line for line in lines if "error" in line.lower()), f"exit code {done.returncode}"
        )
        raise AssertionError(f"{list(cases)[complete]}: {found}")
    return iter(inferences)


def _compile(case: Case, number: int, folder: Path, compiler: Sequence[str]) -> str:
    """Compile one model, its entry points and what fills its arena named for the case."""
    own = folder / f"case{number}"
    own.mkdir()
    for name, text in case.model.sources.items():
        (own / name).write_text(text, encoding="utf-8")
    # the arena is static: what fills it must be part of the same file
    (own / "case.c").write_text(_CASE.format(number=number))
    renamed = [f"-D{entry}=case{number}_{entry}" for entry in ENTRY_POINTS]
    flags = ["-std=c99", *toolchain.STRICT_FLAGS, "-Werror", "-fno-strict-aliasing", "-DTK_TRACE"]
    toolchain.run([*compiler, *flags, *renamed, "-c", "case.c"], own)
    return f"case{number}/case.o"


def _table(cases: Sequence[Case]) -> str:
    """Return `sanitized.h`."""
    lines = [_TYPES, f"#define CASES {len(cases)}u"]
    rows, total = [], 0
    for number, case in enumerate(cases):
        graph, name = case.model.graph, f"case{number}_tk_model_"
        sizes = [
            ", ".join(str(graph.tensors[key].nbytes) for key in keys)
            for keys in (graph.inputs, graph.outputs)
        ]
        lines.append(f"void {name}reset(void), {name}invoke(void), case{number}_scramble(void);")
        lines.append(f"int8_t *{name}input(int index);")
        lines.append(f"const int8_t *{name}output(int index);")
        rows.append(
            f"{{{name}reset, {name}input, {name}invoke, {name}output, case{number}_scramble, "
            f"{{{sizes[0]}}}, {{{sizes[1]}}}, {case.rows}}},"
        )
        total += sum(values.nbytes for values in case.inputs)
    lines += [f"#define INPUTS_BYTES {total}", "static const tk_case cases[] = {", *rows, "};"]
    return "\n".join(lines) + "\n"


_CASE = """#include "tk_model.c"
uint8_t tk_noise(void);
void case{number}_scramble(void);
void case{number}_scramble(void)
{{
    for (uint32_t i = 0; i < sizeof arena; i++) {{
        arena[i] = (int8_t)tk_noise();
    }}
}}
"""

_TYPES = """#include <stdint.h>
uint8_t tk_noise(void);
typedef struct {
    void (*reset)(void);
    int8_t *(*input)(int);
    void (*invoke)(void);
    const int8_t *(*output)(int);
    void (*scramble)(void);
    uint32_t input_bytes[32], output_bytes[32]; /* 0 ends them */
    uint32_t rows;
} tk_case;
"""


def _inferences(data: bytes) -> Iterator[Records]:
    """Yield what each inference that ended wrote."""
    records: Records = []
    at = 0
    while at + 8 <= len(data):
        op, size = struct.unpack_from("=II", data, at)
        records.append((op, data[at + 8 : at + 8 + size]))
        at += 8 + size
        if op == _MODEL_OUTPUTS:
            yield records
            records = []
