"""generate, build, flash: from C sources to a device that runs them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinykit import board as boards
from tinykit import paths
from tinykit.compiler.toolchain import model_flags
from tinykit.errors import DeviceError
from tinykit.firmware import build as builder
from tinykit.firmware import generate as generator
from tinykit.firmware import runners
from tinykit.firmware.build import Firmware
from tinykit.firmware.project import Project as FirmwareProject
from tinykit.firmware.runners import Running
from tinykit.pipeline import compiling, files, listening
from tinykit.progress import Progress
from tinykit.project import Project

_WALL_PER_AUDIO = 20.0
"""An emulator on a busy computer hears a second of audio in less time than this, in seconds."""


def generate(project: Project, progress: Progress) -> None:
    """Write the firmware project; files that its owner changed are kept, or it is an error."""
    progress("generate", 0, 1)
    generator.render(firmware_project(project), project.path(files.FIRMWARE))
    progress("generate", 1, 1)


def firmware_project(project: Project) -> FirmwareProject:
    """Return what the firmware is made of."""
    plan = files.read_json(project.path(files.PLAN))
    sources = project.path(files.SOURCES)
    features = _texts(sources / compiling.FEATURES_FOLDER)
    listener = listening.for_plan(listening.decision(project), plan)
    spectrum = _texts(sources / compiling.SPECTRUM_FOLDER)
    app = "keyword_spotting" if listener else "speech_enhancement" if spectrum else "model"
    return FirmwareProject(
        name=project.config.project.name,
        board=project.board,
        model=_texts(sources / compiling.MODEL_FOLDER),
        features=features or None,
        app=app,
        optimize=project.config.compile.optimize,
        listener=listener,
        spectrum=spectrum or None,
        facts=_facts(plan),
    )


def _facts(plan: dict[str, Any]) -> dict[str, str]:
    """Return the rows of the table in the firmware's README."""
    ram = sum(plan.get(key) or 0 for key in ("arena_bytes", "scratch_bytes", "state_bytes"))
    facts = {
        "Model": f"sha256 {plan['sha256']}",
        "MACs": f"{plan['macs']:,}",
        "RAM without stack": f"{ram + (plan.get('static_bytes') or 0):,} B",
    }
    if plan.get("code_bytes"):
        facts["Flash"] = f"{plan['code_bytes'] + plan['const_bytes']:,} B"
    return facts


def _texts(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        return {}
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


def build(project: Project, progress: Progress) -> None:
    """Compile and link the firmware with PlatformIO."""
    progress("build", 0, 1)
    made = builder.build(project.path(files.FIRMWARE), project.board)
    with paths.atomic_path(project.path(files.ELF)) as temporary:
        shutil.copyfile(made.elf, temporary)
    flags = model_flags(project.board.processor, project.config.compile.optimize)
    files.write_json(
        project.path(files.BUILD),
        {
            "board": project.board.id,
            "environment": made.environment,
            "firmware_id": made.id,
            "elf_sha256": made.sha256,
            "flash_bytes": made.flash_bytes,
            "ram_bytes": made.ram_bytes,
            "flags": list(flags),
        },
    )
    progress("build", 1, 1)


def firmware(project: Project) -> Firmware:
    """Return the firmware that `build` made."""
    made = files.read_json(project.path(files.BUILD))
    return Firmware(
        project=project.path(files.FIRMWARE),
        board=project.board,
        environment=made["environment"],
        elf=project.path(files.ELF),
        id=made["firmware_id"],
        sha256=paths.sha256_file(project.path(files.ELF)),
        flash_bytes=made["flash_bytes"],
        ram_bytes=made["ram_bytes"],
    )


def flash(project: Project, progress: Progress) -> None:
    """Put the firmware on the device and start it, unless it already runs there."""
    progress("flash", 0, 1)
    made = firmware(project)
    now = running(project)
    if not (now and now.elf_sha256 == made.sha256 and project.port in ("", now.port)):
        runners.runner(project.board).flash(made, project.build, project.port)
    progress("flash", 1, 1)


def restart(project: Project, audio_s: float) -> None:
    """Start the device afresh; an emulator lives long enough to hear `audio_s` seconds of audio."""
    runners.runner(project.board).flash(
        firmware(project),
        project.build,
        project.port,
        lifetime_s=runners.LIFETIME_S + _WALL_PER_AUDIO * audio_s,
    )


def running(project: Project) -> Running | None:
    """Return what runs of this project on its board; None when nothing does."""
    try:
        return runners.running(project.board, project.build)
    except DeviceError:
        return None


def stop(project: Project) -> bool:
    """End the project's emulator; return whether one ran."""
    found = runners.load(project.build)
    if found is None:
        return False
    board = project.board if found.board == project.board.id else boards.find(found.board)
    return runners.runner(board).stop(project.build)


@contextmanager
def ended_afterwards(project: Project) -> Iterator[None]:
    """End the emulator after the block, unless the project's ran before it."""
    before = running(project)
    try:
        yield
    finally:
        now = runners.load(project.build)
        if now and now.pid and before is None:
            stop(project)
