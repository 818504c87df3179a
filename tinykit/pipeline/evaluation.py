"""evaluate: a project's model over a long recording with labels; its decisions fitted to one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit import paths
from tinykit.audio import wav
from tinykit.audio.decision import Decision, Detection, Listener, decide, listener, sums
from tinykit.errors import DataError, MismatchError
from tinykit.evaluate import events as labelled
from tinykit.evaluate import operating, tables
from tinykit.evaluate.events import Event
from tinykit.evaluate.fitting import fit
from tinykit.evaluate.matching import TOLERANCE_S, Heard, match
from tinykit.pipeline import files, listening
from tinykit.progress import Progress
from tinykit.project import Project

LIMITS_PER_HOUR = (0.5, 0.1)
"""Where the false reject rate is reported."""


class Recording:
    """A recording with its labels, heard by the project's twin.

    Raises
    ------
    DataError
        When recording or labels cannot be read, or are not of each other.
    ModelError
        When the project's model cannot listen.
    """

    def __init__(self, project: Project, stream: Path, labels: Path, progress: Progress) -> None:
        self.project = project
        self.stream = stream
        self.twin = listening.Twin(project)
        self.audio = wav.read(stream, self.twin.spec.sample_rate_hz)
        self.duration_s = len(self.audio) / self.twin.spec.sample_rate_hz
        keywords = {name for name in self.twin.listener.labels if not name.startswith("_")}
        every = labelled.read(labels, next(iter(keywords)) if len(keywords) == 1 else "")
        self.events = [event for event in every if event.label in keywords]
        self.others = sorted({event.label for event in every} - keywords)
        late = [event for event in every if event.end_s > self.duration_s]
        if late:
            raise DataError(
                f"{labels}: {late[0].label!r} ends at {late[0].end_s:g} s, "
                f"{stream} lasts {self.duration_s:g} s",
                "are these the labels of this recording? times are in seconds",
            )
        self.rows = self.twin.rows(self.audio)
        self.outputs = self.twin.outputs(self.rows, progress)

    def fit(self, limit_per_hour: float) -> dict[str, Any]:
        """Fit the decision, keep it in `build/decision.json`, and decide by it from now on."""
        project = self.project
        plan = files.read_json(project.path(files.PLAN))
        scale = plan["listening"]["scale"]

        def make(decision: Decision) -> Listener:
            return listener(decision, self.twin.spec, plan["labels"], **plan["listening"])

        start = project.config.decision
        found = fit(self.outputs, start, make, scale, self.events, self.duration_s, limit_per_hour)
        document = {
            "decision": msgspec.to_builtins(found.decision),
            "fitted_on": {"path": str(self.stream), "sha256": paths.sha256_file(self.stream)},
            "reached": dataclasses.asdict(found.reached),
        }
        files.write_json(project.path(files.DECISION), document)
        self.twin.listener = make(found.decision)
        return document

    def evaluate(self) -> dict[str, Any]:
        """Return what the decisions give on this recording, and what other thresholds would."""
        how, events = self.twin.listener, self.events
        found = decide(self.outputs, how)
        heard = _heard(found, how)
        matching = match(heard, events)
        judged, curve = self.judge(self.outputs)
        fitted = self.project.path(files.DECISION).exists()
        late = tables.latency(heard, events, matching)
        return {
            "model_sha256": files.read_json(self.project.path(files.PLAN))["sha256"],
            "stream": str(self.stream),
            "sha256": paths.sha256_file(self.stream),
            "duration_s": self.duration_s,
            "keywords": len(events),
            "other_labels": self.others,
            "tolerance_s": TOLERANCE_S,
            "decision": msgspec.to_builtins(listening.decision(self.project)),
            "decision_from": files.DECISION if fitted else "tinykit.toml",
            **judged,
            "curve": _points(curve) if events else [],
            "latency": dataclasses.asdict(late) if late else None,
            **{
                name: [dataclasses.asdict(row) for row in rows(events, matching)]
                for name, rows in (
                    ("by_label", tables.by_label),
                    ("by_snr", tables.by_snr),
                    ("by_speaker", tables.by_speaker),
                )
            },
            "detections": [
                {"time_s": h.time_s, "label": h.label, "score": d.score}
                for h, d in zip(heard, found, strict=True)
            ],
        }

    def judge(self, outputs: NDArray[Any]) -> tuple[dict[str, Any], operating.Curve]:
        """Return how good the decisions on `outputs` are, and the curve over all thresholds.

        Parameters
        ----------
        outputs : (inferences, classes)
            Of the project's model, or of another form of it, at the same times.
        """
        how, events = self.twin.listener, self.events
        matching = match(_heard(decide(outputs, how), how), events)
        curve = operating.curve(sums(outputs, how), how, events, self.duration_s)
        limits = LIMITS_PER_HOUR if events else ()
        return {
            "false_reject_rate": len(matching.missed) / len(events) if events else None,
            "false_accepts": len(matching.false_accepts),
            "false_accepts_per_hour": len(matching.false_accepts) * 3600 / self.duration_s,
            "operating": [
                dataclasses.asdict(operating.operating(curve, limit)) for limit in limits
            ],
        }, curve

    def compare(self, progress: Progress) -> dict[str, Any]:
        """Let the running device hear the recording; its decisions must be the twin's.

        Raises
        ------
        MismatchError
            When they are not.
        """
        theirs = listening.on_device(self.project, self.audio, progress)
        ours = decide(self.outputs, self.twin.listener)
        if theirs != ours:
            at = next(
                (i for i, (a, b) in enumerate(zip(theirs, ours, strict=False)) if a != b),
                min(len(theirs), len(ours)),
            )
            told = [str(found[at]) if at < len(found) else "none" for found in (theirs, ours)]
            raise MismatchError(
                f"{self.project.board.id}: of {len(ours)} detections, number {at + 1} differs: "
                f"device {told[0]}, twin {told[1]}",
                "tinykit test compares model and front end, and names the first op that differs",
            )
        return {"board": self.project.board.id, "detections": len(theirs), "exact": True}


def _heard(found: Sequence[Detection], how: Listener) -> list[Heard]:
    return [Heard(how.time_s(d.row), how.labels[d.label]) for d in found]


def _points(curve: operating.Curve) -> list[list[float]]:
    """Return (false accepts per hour, false reject rate), the corners only."""
    pairs = zip(curve.false_accepts_per_hour, curve.false_reject_rate, strict=True)
    corners: NDArray[np.float64] = np.unique(np.array(list(pairs)), axis=0)
    return [[float(x), float(y)] for x, y in corners]


def write(project: Project, document: dict[str, Any]) -> None:
    """Keep an evaluation for the report."""
    files.write_json(project.path(files.LISTENING), document)


__all__ = ["LIMITS_PER_HOUR", "Event", "Recording", "write"]
