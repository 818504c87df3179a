"""Build a firmware project with PlatformIO; turn what goes wrong into something to act on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tinykit import paths, programs
from tinykit.board import OFFLINE_PLATFORM, Board
from tinykit.errors import BudgetError, BuildError, ToolError
from tinykit.firmware import elf, pio

_MOST_ERRORS = 5
_UNQUOTABLE = re.compile(r"[$'\"`\\\n]")
_COMPILER = re.compile(r"^(\S[^:\n]*:\d+(?::\d+)?: (?:fatal )?error: .*)$", re.MULTILINE)
_LINKER = re.compile(
    r"^.*(undefined reference to .*|cannot find .*|multiple definition of .*)$", re.M
)
_OVERFLOW = re.compile(r"region [`'\"](\w+)['\"] overflowed by (\d+) bytes")
_TOO_BIG = re.compile(r"The (program|data) size \((\d+) bytes\) is greater than maximum.*?\((\d+)")


@dataclass(frozen=True)
class Firmware:
    """A firmware that was built and can be flashed.

    `flash_bytes` and `ram_bytes` are those of the whole firmware, test harness included; the stack
    is not in `ram_bytes`. `id` is the hash of its sources, which the device reports.
    """

    project: Path
    board: Board
    environment: str
    elf: Path
    id: str
    sha256: str
    flash_bytes: int
    ram_bytes: int


def build(project: Path, board: Board, *, trace: bool = False) -> Firmware:
    """Compile and link the firmware project in folder `project` for one of its boards.

    Parameters
    ----------
    trace : bool
        Build the variant that records what every op gives.

    Raises
    ------
    BudgetError
        When the firmware does not fit the board's flash or RAM.
    BuildError
        When the compiler or the linker refuses; the first errors are in the message.
    ToolError
        When a program is missing, or a real board's toolchain cannot be fetched.
    """
    if not (project / "platformio.ini").is_file():
        raise BuildError(f"{project}: no platformio.ini there", "run first: tinykit generate")
    if board.platformio.platform == OFFLINE_PLATFORM:
        programs.require(_gcc(board))
    where = str(project.resolve())
    if found := _UNQUOTABLE.search(where):
        raise BuildError(
            f"PlatformIO cannot build in a folder with {found[0]!r} in its path: {where}",
            "move the project to another folder",
        )
    environment = board.id + ("_trace" if trace else "")
    code, output = pio.run(["run", "--environment", environment], project, board)
    folder = project / ".pio" / "build" / environment
    if code != 0:
        log = project / ".pio" / f"{environment}.log"
        paths.write_text(log, output)
        raise _failure(output, board, environment, log)
    built = folder / "firmware.elf"
    size = elf.size(built)
    return Firmware(
        project=project,
        board=board,
        environment=environment,
        elf=built,
        id=_firmware_id(folder),
        sha256=paths.sha256_file(built),
        flash_bytes=size.flash_bytes,
        ram_bytes=size.ram_bytes,
    )


def _gcc(board: Board) -> str:
    """Return the name of the compiler that builds for an emulated board."""
    assert board.processor.architecture is not None  # checked when the board file was read
    return board.processor.architecture.prefix + "gcc"


def _firmware_id(folder: Path) -> str:
    """Return what scripts/firmware_id.py wrote for the build in `folder`."""
    header = folder / "tk_firmware_id.h"
    match = re.search(r'"([0-9a-f]+)"', header.read_text()) if header.is_file() else None
    if match is None:
        raise BuildError(
            f"{header}: no firmware id", "platformio.ini must run scripts/firmware_id.py"
        )
    return match[1]


def _failure(output: str, board: Board, environment: str, log: Path) -> BudgetError | ToolError:
    """Return the error that PlatformIO's output tells of."""
    over = [f"{region} by {int(most):,} B" for region, most in _overflows(output).items()]
    if over:
        return BudgetError(
            f"the firmware does not fit {board.id} (flash {board.memory.flash_bytes:,} B, RAM "
            f"{board.memory.ram_bytes:,} B): over its " + " and its ".join(over),
            'a smaller model (fewer channels), optimize = "size", or a larger board',
        )
    found = list(dict.fromkeys(_COMPILER.findall(output) or _LINKER.findall(output)))
    where = f"the whole output is in {log}"
    no_library = r"cannot find -lc|cannot read spec file|nosys\.specs"
    if board.processor.architecture and any(re.search(no_library, x) for x in [*found, output]):
        gcc = _gcc(board)
        return ToolError(f"{gcc} has no C library", programs.install(gcc))
    if "Unknown environment" in output or "UnknownEnvNamesError" in output:
        return BuildError(
            f"the project has no environment {environment!r}",
            f"generate it for this board: tinykit generate --board {board.id}",
        )
    if not found:
        found = _telling(output) or ["PlatformIO said nothing"]
    more = f"\n  ... and {len(found) - _MOST_ERRORS} more" if len(found) > _MOST_ERRORS else ""
    listed = "".join(f"\n  {line}" for line in found[:_MOST_ERRORS])
    return BuildError(f"building {environment} failed:{listed}{more}", where)


def _telling(output: str) -> list[str]:
    """Return the lines that may say what went wrong: those with `error`, or the last ones."""
    said = [line.strip() for line in output.splitlines()]
    said = [line for line in said if re.search(r"\w", line) and not re.search(r"={5}|FAILED", line)]
    said = [line for line in said if not re.match(r"Environment\s+Status", line)]
    errors = [line for line in said if re.search(r"\berror\b|exception", line, re.IGNORECASE)]
    return errors or said[-_MOST_ERRORS:]


def _overflows(output: str) -> dict[str, int]:
    """Return by how many bytes which memory is too small, by the linker or PlatformIO's check."""
    found: dict[str, int] = {}
    for region, count in _OVERFLOW.findall(output):
        name = "flash" if re.search(r"flash|rom|text|irom|drom", region, re.I) else "RAM"
        found[name] = max(found.get(name, 0), int(count))
    for kind, used, limit in _TOO_BIG.findall(output):
        found["flash" if kind == "program" else "RAM"] = int(used) - int(limit)
    return found
