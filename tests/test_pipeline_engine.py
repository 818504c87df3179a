"""The engine: what is run, what is kept, and what an interruption leaves behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tinykit import paths, project, scaffold
from tinykit.errors import DataError, UsageError
from tinykit.pipeline.engine import Engine
from tinykit.pipeline.stage import Stage
from tinykit.progress import Progress, silent
from tinykit.project import Project


@dataclass
class Log:
    """An observer that remembers."""

    ran: list[str] = field(default_factory=list)
    kept_: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    def started(self, stage: Stage, why: str) -> Progress:
        self.ran.append(stage.name)
        self.why[stage.name] = why
        return silent

    def finished(self, stage: Stage, seconds: float) -> None:
        assert seconds >= 0

    def kept(self, stage: Stage, why: str) -> None:
        self.kept_[stage.name] = why


def joined(*names: str, to: str):
    """A stage's work: write the text of `names`, joined, to `to`."""

    def run(project: Project, progress: Progress) -> None:
        text = "+".join(project.path(name).read_text() for name in names)
        paths.write_text(project.path(to), f"({text})")

    return run


def table(**replaced: Stage) -> list[Stage]:
    """source.txt -> a -> b -> c, where b depends on the setting `train.epochs` too."""
    stages = {
        "a": Stage("a", "", joined("source.txt", to="build/a"), ("source.txt",), ("build/a",)),
        "b": Stage(
            "b",
            "",
            joined("build/a", to="build/b"),
            ("build/a",),
            ("build/b",),
            settings=lambda project: {"[train]": project.config.train},
        ),
        "c": Stage("c", "", joined("build/b", to="build/c"), ("build/b",), ("build/c",)),
    }
    return list((stages | replaced).values())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A new project with a `source.txt`."""
    made = scaffold.create(tmp_path / "lights", "keyword-spotting", "mps2-an386")
    (made / "source.txt").write_text("s")
    return made


def update(folder: Path, name: str = "c", stages: list[Stage] | None = None, **options) -> Log:
    """Update a stage with a fresh engine, as a new process would."""
    log = Log()
    Engine(stages or table(), project.load(folder), log).update(name, **options)
    return log


def test_a_first_run_makes_everything_in_order(folder: Path) -> None:
    """Asked for the last artifact, every stage before it runs first."""
    assert update(folder).ran == ["a", "b", "c"]
    assert (folder / "build/c").read_text() == "(((s)))"


def test_nothing_runs_when_nothing_changed(folder: Path) -> None:
    """A second run keeps everything."""
    update(folder)
    log = update(folder)
    assert (log.ran, set(log.kept_.values())) == ([], {"unchanged"})


def test_a_stage_that_comes_first_where_it_is_wanted(folder: Path) -> None:
    """`after` is brought up to date before; a project without that stage does not miss it."""
    b = Stage("b", "", joined("build/a", to="build/b"), ("build/a",), ("build/b",), after=("d",))
    for wanted in (True, False):
        d = Stage(
            "d", "", joined("build/a", to="build/d"), ("build/a",), ("build/d",),
            wanted=lambda project, wanted=wanted: wanted,
        )  # fmt: skip
        log = update(folder, "b", [*table(b=b), d], force_all=True)
        assert log.ran == (["a", "d", "b"] if wanted else ["a", "b"])


def test_dates_do_not_count(folder: Path) -> None:
    """A file with the same bytes and another date is the same file."""
    update(folder)
    os.utime(folder / "source.txt", (1, 1))
    assert update(folder).ran == []


def test_a_changed_input_runs_what_depends_on_it(folder: Path) -> None:
    """A new source runs all; the reason names the file."""
    update(folder)
    (folder / "source.txt").write_text("t")
    log = update(folder)
    assert (log.ran, log.why["a"]) == (["a", "b", "c"], "source.txt changed")


def test_an_unchanged_output_ends_the_wave(folder: Path) -> None:
    """When a stage reruns to the same bytes, what depends on it is kept."""
    update(folder)
    settings = folder / "tinykit.toml"
    settings.write_text(re.sub(r"epochs = \d+", "epochs = 99", settings.read_text()))
    log = update(folder)
    assert (log.ran, log.why["b"], log.kept_["c"]) == (["b"], "[train] changed", "unchanged")


def test_a_setting_of_another_stage_does_not_count(folder: Path) -> None:
    """Only the tables that a stage names are its inputs."""
    update(folder)
    settings = folder / "tinykit.toml"
    settings.write_text(re.sub(r"vectors = \d+", "vectors = 11", settings.read_text()))
    assert update(folder).ran == []


def test_a_missing_output_is_made_again(folder: Path) -> None:
    """Deleting an artifact runs its stage alone."""
    update(folder)
    (folder / "build/b").unlink()
    log = update(folder)
    assert (log.ran, log.why["b"]) == (["b"], "b missing")


def test_force_runs_the_stage_though_nothing_changed(folder: Path) -> None:
    """A stage asked for by name runs; what it reads is only brought up to date."""
    update(folder)
    assert update(folder, "b", force=True).ran == ["b"]


def test_the_users_file_stands_in_for_its_stage(folder: Path) -> None:
    """A replaced artifact is kept, its stage and those before it do not run, later ones do."""
    update(folder)
    (folder / "build/b").write_text("mine")
    (folder / "source.txt").write_text("t")
    log = update(folder)
    assert (log.ran, log.kept_["b"]) == (["c"], "your own build/b")
    assert (folder / "build/c").read_text() == "(mine)"


def test_the_users_file_needs_no_earlier_stage(folder: Path) -> None:
    """With an artifact of the user's own, nothing before it has to exist."""
    (folder / "source.txt").unlink()
    (folder / "build").mkdir()
    (folder / "build/b").write_text("mine")
    assert update(folder).ran == ["c"]


def test_force_replaces_the_users_file(folder: Path) -> None:
    """Asking for a stage by name gives its artifact back to the stage."""
    update(folder)
    (folder / "build/b").write_text("mine")
    update(folder, "b", force=True)
    assert (folder / "build/b").read_text() == "((s))"


def test_a_stage_alone_needs_its_artifacts(folder: Path) -> None:
    """`run_alone` runs nothing before the stage and names what is missing and who makes it."""
    with pytest.raises(UsageError, match=r"b: build/a is missing") as caught:
        Engine(table(), project.load(folder), Log()).run_alone("b")
    assert "tinykit a" in caught.value.hint


def test_a_stage_alone_uses_stale_artifacts(folder: Path) -> None:
    """`run_alone` takes the artifacts as they lie."""
    update(folder)
    (folder / "source.txt").write_text("t")
    log = Log()
    Engine(table(), project.load(folder), log).run_alone("b")
    assert (log.ran, (folder / "build/b").read_text()) == (["b"], "((s))")


def test_a_failed_stage_that_wrote_nothing_is_forgotten(folder: Path) -> None:
    """A failure before the first write leaves the earlier run's record standing."""
    update(folder)

    def fails(project: Project, progress: Progress) -> None:
        raise DataError("no")

    with pytest.raises(DataError):
        update(folder, "b", table(b=Stage("b", "", fails, ("build/a",), ("build/b",))), force=True)
    assert update(folder).ran == []


def test_a_failed_stage_that_wrote_something_runs_again(folder: Path) -> None:
    """A half-finished run is not mistaken for the user's own file."""
    update(folder)

    def fails(project: Project, progress: Progress) -> None:
        paths.write_text(project.path("build/b"), "half")
        raise DataError("no")

    with pytest.raises(DataError):
        update(folder, "b", table(b=Stage("b", "", fails, ("build/a",), ("build/b",))), force=True)
    log = update(folder)
    assert (log.ran, log.why["b"]) == (["b"], "was interrupted")


def test_stages_that_must_hold_run_only_when_needed(folder: Path) -> None:
    """A `before` stage runs each time the stage that needs it runs, and not otherwise."""
    plug = Stage("plug", "", lambda project, progress: None, ("build/b",))
    c = Stage(
        "c", "", joined("build/b", to="build/c"), ("build/b",), ("build/c",), before=("plug",)
    )
    stages = table(plug=plug, c=c)
    assert update(folder, stages=stages).ran == ["a", "b", "plug", "c"]
    assert update(folder, stages=stages).ran == []
    assert update(folder, stages=stages, force=True).ran == ["plug", "c"]


def test_an_optional_input_counts_when_it_appears(folder: Path) -> None:
    """`may_read` is not made for the stage's sake, but its arrival is a change."""
    c = Stage(
        "c",
        "",
        joined("build/b", to="build/c"),
        ("build/b",),
        ("build/c",),
        may_read=("extra.txt",),
    )
    update(folder, stages=table(c=c))
    (folder / "extra.txt").write_text("x")
    log = update(folder, stages=table(c=c))
    assert log.why == {"c": "extra.txt changed"}


def test_a_folder_is_an_artifact(folder: Path) -> None:
    """A changed, added or removed file in a folder is a change; dot files are not."""
    (folder / "src").mkdir()
    (folder / "src/one").write_text("1")
    stage = Stage("d", "", joined("source.txt", to="build/d"), ("source.txt", "src"), ("build/d",))
    assert update(folder, "d", [stage]).ran == ["d"]
    (folder / "src/.cache").write_text("?")
    assert update(folder, "d", [stage]).ran == []
    (folder / "src/two").write_text("2")
    assert update(folder, "d", [stage]).why == {"d": "src changed"}


@pytest.mark.parametrize("spoilt", ["", "{", '{"a": 1}'])
def test_a_spoilt_ledger_is_no_failure(folder: Path, spoilt: str) -> None:
    """Without a readable record the files that lie there are taken for the user's: none is lost."""
    update(folder)
    (folder / "build/stages.json").write_text(spoilt)
    assert update(folder).kept_["c"] == "your own build/c"


def test_two_runs_in_one_project_do_not_mix(folder: Path) -> None:
    """A second process is told to wait."""

    def again(project: Project, progress: Progress) -> None:
        with pytest.raises(UsageError, match=f"already at work here \\(process {os.getpid()}\\)"):
            update(folder)

    update(folder, "a", [Stage("a", "", again)])


CHILD = """
import signal, sys, time
from pathlib import Path

signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
from test_pipeline_engine import Log, joined, table
from tinykit import paths, project
from tinykit.pipeline.engine import Engine
from tinykit.pipeline.stage import Stage

def slow(project, progress):
    paths.write_text(project.path("build/first"), "new")
    with paths.atomic_path(project.path("build/second")) as temporary:
        temporary.write_text("half")
        print("working", flush=True)
        time.sleep(60)

b = Stage("b", "", slow, ("build/a",), ("build/first", "build/second"))
Engine(table(b=b), project.load(Path(sys.argv[1])), Log()).update("b", force=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_stage_leaves_the_last_good_artifacts(folder: Path, number: int) -> None:
    """Ctrl-C, or a kill, in the middle of a write: the old file stands, the stage runs again."""
    two = ("build/first", "build/second")

    def both(project: Project, progress: Progress) -> None:
        for name in two:
            paths.write_text(project.path(name), "good")

    stages = table(b=Stage("b", "", both, ("build/a",), two))
    update(folder, "b", stages)
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parent,
        text=True,
    )
    assert child.stdout
    with child.stdout:
        assert child.stdout.readline() == "working\n"
        child.send_signal(number)
        child.wait(20)
    assert (folder / "build/second").read_text() == "good"
    if number == signal.SIGINT:
        assert [path.name for path in (folder / "build").glob(".tmp-*")] == []
    assert update(folder, "b", stages).why == {"b": "was interrupted"}
    assert (folder / "build/first").read_text() == "good"
