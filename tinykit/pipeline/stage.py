"""What a stage is: a function from named artifacts to named artifacts, and what it depends on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinykit.progress import Progress
from tinykit.project import Project

Settings = Callable[[Project], dict[str, Any]]


def _none(project: Project) -> dict[str, Any]:
    return {}


def _always(project: Project) -> bool:
    return True


@dataclass(frozen=True)
class Stage:
    """One step of the road from data to a report. Artifacts are paths relative to the project.

    Attributes
    ----------
    name : str
        The command's name.
    about : str
        One line of help.
    run : callable
        Does the work: reads and writes the artifacts named below, writes each atomically.
    reads, writes : tuple of str
        Artifacts that must be there before, and that are there after.
    may_read : tuple of str
        Artifacts that it reads when they are there; they are not made for its sake.
    settings : callable
        The part of the configuration and the board that it depends on, by name.
    code : tuple of str
        The parts of the kit whose code it runs.
    before : tuple of str
        Stages without artifacts that must hold while it runs: the device must be up.
    after : tuple of str
        Stages that are brought up to date first, in projects that have them.
    wanted : callable
        Whether a project has this stage.
    """

    name: str
    about: str
    run: Callable[[Project, Progress], None]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    may_read: tuple[str, ...] = ()
    settings: Settings = _none
    code: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    wanted: Callable[[Project], bool] = _always
