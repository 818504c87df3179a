"""What a firmware project is made of: every file, as text, before anything is written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import jinja2

from tinykit import board as boards
from tinykit import paths
from tinykit.audio.decision import Listener
from tinykit.board import OFFLINE_PLATFORM, Board
from tinykit.compiler.lower import Mode
from tinykit.compiler.toolchain import STRICT_FLAGS, model_flags
from tinykit.errors import UsageError

STACK_LEAST_BYTES = 2048
"""RAM that the linker keeps free for the stack: less is a link error, not a crash."""

STACK_PAINTED_BYTES = 32768
"""The deepest use of the stack that painting can see."""


@dataclass(frozen=True)
class Project:
    """All that a firmware project says about one model on one board.

    Parameters
    ----------
    name : str
        Of the project; the device reports `device_name(name)`.
    board : Board
        The one that `pio run` builds for; the other environments are for boards that can run the
        same code.
    model : mapping of file name to text
        The compiler's C sources (`CompiledModel.sources`).
    features : mapping of file name to text, optional
        The front end's C sources; without them the device takes tensors only.
    app : str
        A folder `templates/app_<app>`: `model` for any model, or a task's own.
    optimize : {"speed", "balanced", "size"}
        For what the model is compiled; as it was for the compiler.
    listener : Listener, optional
        How the model's outputs become keywords; `None` where nothing listens.
    spectrum : mapping of file name to text, optional
        The C sources of an enhancer's transforms (`spectrum_c.sources`); the enhancer comes along.
    facts : mapping of str to str
        Rows of a table in the project's README (`{"MACs": "2,656,768"}`).
    """

    name: str
    board: Board
    model: Mapping[str, str]
    features: Mapping[str, str] | None = None
    app: str = "model"
    optimize: Mode = "balanced"
    listener: Listener | None = None
    spectrum: Mapping[str, str] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def device_name(name: str) -> str:
    """Return `name` as the firmware says it: what is safe in C, INI and Markdown, 48 at most."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name)[:48] or "firmware"


def suitable_boards(board: Board) -> list[Board]:
    """Return `board`, then every board of the kit that can run code made for it.

    Code is made for the first kernel variant of the board's core; a core that also has that variant
    runs it.
    """
    variant = board.processor.kernels[0]
    known = [boards.find(name) for name in boards.ids() if name != board.id]
    return [board, *(other for other in known if variant in other.processor.kernels)]


def files(project: Project) -> dict[str, str]:
    """Return the text of every file of the project, by its path with `/`.

    Raises
    ------
    UsageError
        When there is no such application, or it needs what this model does not have.
    """
    share = paths.share_dir("templates")
    app = share / f"app_{project.app}"
    if not app.is_dir():
        known = ", ".join(sorted(path.name[4:] for path in share.glob("app_*")))
        raise UsageError(f"no firmware application {project.app!r}", f"known: {known}")
    _check_needs(app, project)
    project = replace(project, name=device_name(project.name))
    suitable = suitable_boards(project.board)
    values = {"project": project, "boards": suitable}
    tree = {
        "platformio.ini": _render(share / "firmware/platformio.ini.j2", values),
        "README.md": _render(share / "firmware/README.md.j2", values),
        ".gitignore": (share / "firmware/dot_gitignore").read_text(),
        "include/tk_build.h": _render(share / "firmware/include/tk_build.h.j2", values),
    }
    tree |= _copied(share / "firmware/scripts", "scripts", values)
    tree |= _copied(share / "firmware/platforms", "platforms", values)
    tree |= _copied(share / "hal", "include", values)
    tree |= _copied(app, "src", values)
    harness = _copied(share / "harness", "", values)
    tree |= _library("tk_harness", harness, "serial test harness", STRICT_FLAGS)
    # Without the core's flags, which each environment's platform gives.
    core = project.board.processor
    flags = [flag for flag in model_flags(core, project.optimize) if flag not in core.gcc_flags]
    tree |= _library("tk_model", project.model, "the model", flags)
    if project.features is not None:
        tree |= _library("tk_features", project.features, "audio front end", flags)
    if project.listener is not None:
        listener = _copied(share / "listener", "", {"listener": project.listener})
        tree |= _library("tk_listener", listener, "from audio to keywords", STRICT_FLAGS)
    if project.spectrum is not None:
        enhancer = _copied(share / "enhancer", "", values)
        tree |= _library("tk_spectrum", project.spectrum, "audio to a spectrum and back", flags)
        tree |= _library("tk_enhancer", enhancer, "from noisy to enhanced audio", STRICT_FLAGS)
    for template in sorted({other.hal.template for other in suitable}):
        tree |= _copied(share / f"hal_{template}", f"src/hal/{template}", values)
    for other in suitable:
        tree |= _board_files(share / "firmware/board", other)
    return dict(sorted(tree.items()))


def _check_needs(app: Path, project: Project) -> None:
    """Refuse an application that includes a library which `project` does not have."""
    text = "".join(path.read_text(encoding="utf-8") for path in app.iterdir())
    for header, needed, there in (
        (
            "tk_listener.h",
            "a front end and the names of the classes, and this model has not both",
            project.listener is not None and project.features is not None,
        ),
        (
            "tk_enhancer.h",
            "a model that names its spectrum, and this one does not",
            project.spectrum is not None,
        ),
    ):
        if header in text and not there:
            raise UsageError(
                f"application {project.app} needs {needed}",
                "use the application `model`, which takes tensors",
            )


def _board_files(templates: Path, board: Board) -> dict[str, str]:
    """Return what the C and PlatformIO need to know of one board."""
    values = {
        "board": board,
        "stack_least_bytes": STACK_LEAST_BYTES,
        "stack_painted_bytes": STACK_PAINTED_BYTES,
    }
    folder = f"boards/{board.id}"
    tree = {f"{folder}/tk_board.h": _render(templates / "tk_board.h.j2", values)}
    if board.platformio.platform == OFFLINE_PLATFORM:
        script = f"{folder}/firmware.ld"
        tree[script] = _render(templates / "firmware.ld.j2", values)
        tree[f"boards/{board.platformio.board}.json"] = _json(_manifest(board, script))
    return tree


def _manifest(board: Board, script: str) -> dict[str, object]:
    """Return PlatformIO's description of a board."""
    architecture = board.processor.architecture
    assert architecture is not None  # checked when the board file was read
    manifest: dict[str, object] = {
        "name": board.name,
        "vendor": board.vendor,
        "url": board.url,
        "build": {
            "mcu": board.mcu.lower(),
            "f_cpu": f"{board.clock_hz}L",
            "tool_prefix": architecture.prefix,
            "core_flags": board.processor.gcc_flags,
            "link_flags": architecture.link_flags,
            "ldscript": script,
        },
        "upload": {
            "maximum_size": board.memory.flash_bytes,
            "maximum_ram_size": board.memory.ram_bytes,
        },
    }
    if board.emulator:
        manifest["emulator"] = {
            "program": architecture.qemu,
            "machine": board.emulator.machine,
            "icount_shift": board.emulator.icount_shift,
        }
    return manifest


def _library(
    name: str, sources: Mapping[str, str], description: str, flags: Sequence[str]
) -> dict[str, str]:
    """Return a PlatformIO library: `sources` in `lib/<name>/`, compiled with `flags` added."""
    manifest = {
        "name": name,
        "version": "1.0.0",
        "description": description,
        "build": {"flags": list(flags), "libArchive": False},
    }
    tree = {f"lib/{name}/{file}": text for file, text in sources.items()}
    return tree | {f"lib/{name}/library.json": _json(manifest)}


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


def _copied(source: Path, target: str, values: Mapping[str, object]) -> dict[str, str]:
    """Return every file under `source` as a file under `target`; `.j2` are rendered."""
    tree = {}
    for path in sorted(source.rglob("*")):
        if path.is_dir() or "__pycache__" in path.parts:
            continue
        name = path.relative_to(source).as_posix()
        text = _render(path, values) if path.suffix == ".j2" else path.read_text(encoding="utf-8")
        tree[(f"{target}/" if target else "") + name.removesuffix(".j2")] = text
    return tree


def _render(template: Path, values: Mapping[str, object]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # C, INI and Markdown, not HTML
    )
    environment.filters["c_string"] = _c_string
    return environment.get_template(template.name).render(values)


def _c_string(text: str) -> str:
    """Return `text` as a C string literal: no trigraphs, UTF-8 beyond ASCII as octal escapes."""
    plain = {byte: chr(byte) for byte in range(0x20, 0x7F)} | {
        0x3F: "\\?",
        0x22: '\\"',
        0x5C: "\\\\",
    }
    return '"' + "".join(plain.get(byte, f"\\{byte:03o}") for byte in text.encode()) + '"'
