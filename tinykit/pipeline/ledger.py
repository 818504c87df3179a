"""`build/stages.json`: from which inputs each stage made its outputs."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from tinykit import paths
from tinykit.pipeline import fingerprint
from tinykit.pipeline.stage import Stage
from tinykit.project import Project

FILE = "stages.json"


class Record(msgspec.Struct):
    """What a stage read and wrote when it last ran; `complete` is false while it runs."""

    inputs: dict[str, str]
    outputs: dict[str, str]
    seconds: float = 0.0
    complete: bool = True


class Ledger:
    """The records of a project, kept in its build folder."""

    def __init__(self, build: Path) -> None:
        self._path = build / FILE
        try:
            self._records = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Record])
        except (OSError, msgspec.DecodeError):  # none yet, or spoilt: everything is made anew
            self._records = {}

    def record(self, stage: Stage) -> Record | None:
        """Return what is known of the stage's last run."""
        return self._records.get(stage.name)

    def write(self, stage: Stage, record: Record | None) -> None:
        """Replace the stage's record; None forgets it."""
        if record is None:
            self._records.pop(stage.name, None)
        else:
            self._records[stage.name] = record
        text = json.dumps(msgspec.to_builtins(self._records), indent=1)
        paths.write_text(self._path, text + "\n")

    def theirs(self, stage: Stage, project: Project) -> list[str]:
        """Return the stage's outputs that the user put in place of what the stage wrote.

        A file that is there and that no finished run of the stage wrote is the user's. While a run
        is incomplete nothing can be said, and the stage is simply run again.
        """
        record = self.record(stage)
        if record and not record.complete:
            return []
        written = record.outputs if record else {}
        found = {name: fingerprint.of_path(project.path(name)) for name in stage.writes}
        return [name for name, now in found.items() if now and now != written.get(name)]

    def why_stale(self, stage: Stage, project: Project) -> str:
        """Say in a few words why the stage has to run; empty when it has not."""
        record = self.record(stage)
        if record is None:
            return "not run yet"
        if not record.complete:
            return "was interrupted"
        missing = [name for name in stage.writes if not project.path(name).exists()]
        if missing:
            return f"{_list(missing)} missing"
        now = inputs(stage, project)
        changed = [
            name for name in {**record.inputs, **now} if record.inputs.get(name) != now.get(name)
        ]
        return f"{_list(changed)} changed" if changed else ""


def inputs(stage: Stage, project: Project) -> dict[str, str]:
    """Return the fingerprint of everything the stage depends on, by name."""
    found = {
        name: fingerprint.of_path(project.path(name)) for name in (*stage.reads, *stage.may_read)
    }
    found |= {name: fingerprint.of_value(value) for name, value in stage.settings(project).items()}
    if stage.code:
        found["tinykit's code"] = fingerprint.of_code(stage.code)
    return found


def outputs(stage: Stage, project: Project) -> dict[str, str]:
    """Return the fingerprint of everything the stage has written, by name."""
    return {name: fingerprint.of_path(project.path(name)) for name in stage.writes}


def _list(names: list[str], most: int = 2) -> str:
    """Name the first few: `c, plan.json and 3 more`."""
    listed = ", ".join(name.removeprefix("build/") for name in names[:most])
    return listed + (f" and {len(names) - most} more" if len(names) > most else "")
