"""Bringing a stage up to date: first what it is made from, each only where something changed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Protocol

from tinykit.errors import UsageError
from tinykit.pipeline import ledger as ledgers
from tinykit.pipeline.ledger import Ledger, Record
from tinykit.pipeline.lock import locked
from tinykit.pipeline.stage import Stage
from tinykit.progress import Progress
from tinykit.project import Project


class Observer(Protocol):
    """Told what the engine does; the CLI draws it."""

    def started(self, stage: Stage, why: str) -> Progress:
        """Return where the stage is to report its progress."""

    def finished(self, stage: Stage, seconds: float) -> None:
        """The stage ended well."""

    def kept(self, stage: Stage, why: str) -> None:
        """The stage did not need to run."""


class Engine:
    """Runs the stages of one project.

    Parameters
    ----------
    stages : iterable of Stage
        The table, in order.
    project : Project
    observer : Observer
    """

    def __init__(self, stages: Iterable[Stage], project: Project, observer: Observer) -> None:
        self._stages = {stage.name: stage for stage in stages if stage.wanted(project)}
        self._makers = {name: stage for stage in self._stages.values() for name in stage.writes}
        self._project = project
        self._observer = observer
        self._ledger = Ledger(project.build)
        self._settled: set[str] = set()

    def stage(self, name: str) -> Stage:
        """Return the stage of that name.

        Raises
        ------
        UsageError
            When this project does not have it.
        """
        if name not in self._stages:
            raise UsageError(
                f"{name}: tinykit.toml does not ask for this stage",
                f"see [{name}] in docs/listening.md" if name == "fit" else "",
            )
        return self._stages[name]

    def update(self, name: str, *, force: bool = False, force_all: bool = False) -> None:
        """Bring what the stage reads up to date, then the stage.

        Parameters
        ----------
        force : bool
            Run this stage though nothing has changed.
        force_all : bool
            Run every stage before it as well, but those for which the user's own files stand.

        Raises
        ------
        UsageError
            When an artifact is missing that its stage cannot make without overwriting a file of
            the user's, or another process is at work in this project.
        TinykitError
            What a stage raises.
        """
        forced = {name} if force else set()
        if force_all:
            every = self._stages.values()
            forced = {one.name for one in every if not self._ledger.theirs(one, self._project)}
        stage = self.stage(name)
        with locked(self._project.build):
            self._update(stage, forced)

    def run_alone(self, name: str) -> None:
        """Run one stage on the artifacts as they lie.

        Raises
        ------
        UsageError
            When an artifact that it reads is missing.
        """
        stage = self.stage(name)
        with locked(self._project.build):
            self._check_reads(stage)
            self._run(stage, "asked for")

    def _update(self, stage: Stage, forced: set[str]) -> None:
        if stage.name in self._settled:
            return
        self._settled.add(stage.name)
        theirs = self._ledger.theirs(stage, self._project)
        if theirs and stage.name not in forced:  # they stand for this stage and all before it
            self._observer.kept(stage, f"your own {', '.join(theirs)}")
            return
        for artifact in stage.reads:
            if artifact in self._makers:
                self._update(self._makers[artifact], forced)
        for name in stage.after:
            if name in self._stages:
                self._update(self._stages[name], forced)
        why = self._ledger.why_stale(stage, self._project)
        if stage.name in forced:
            why = "asked for"
        if not why:
            self._observer.kept(stage, "unchanged")
            return
        self._check_reads(stage)
        for name in stage.before:
            self._update(self._stages[name], {*forced, name})
        self._run(stage, why)

    def _check_reads(self, stage: Stage) -> None:
        for artifact in stage.reads:
            if not self._project.path(artifact).exists():
                maker = self._makers.get(artifact)
                own = ", ".join(self._ledger.theirs(maker, self._project)) if maker else ""
                instead = f"; it would overwrite your own {own}" if own else ""
                hint = f"tinykit {maker.name} makes it{instead}" if maker else ""
                raise UsageError(f"{stage.name}: {artifact} is missing", hint)

    def _run(self, stage: Stage, why: str) -> None:
        progress = self._observer.started(stage, why)
        previous = self._ledger.record(stage)
        before = ledgers.outputs(stage, self._project)
        read = ledgers.inputs(stage, self._project)
        self._ledger.write(stage, Record(read, {}, complete=False))
        start = time.monotonic()
        try:
            stage.run(self._project, progress)
        except BaseException:
            if ledgers.outputs(stage, self._project) == before:
                self._ledger.write(stage, previous)  # nothing was touched: nothing was forgotten
            raise
        seconds = time.monotonic() - start
        made = ledgers.outputs(stage, self._project)
        self._ledger.write(stage, Record(read, made, round(seconds, 3)))
        self._observer.finished(stage, seconds)
