"""`tinykit data`: look at, listen to and make the data of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tinykit.cli.app import app
from tinykit.cli.console import Result, command
from tinykit.cli.options import Project

data = typer.Typer(help="Look at, listen to, synthesize and record data.", no_args_is_help=True)
app.add_typer(data, name="data", rich_help_panel="Before you start")


@command(data)
def stats(
    path: Annotated[
        Path | None,
        typer.Argument(help="A folder or a manifest; default: the project's data."),
    ] = None,
    project: Project = Path(),
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare each file with the manifest's checksum.")
    ] = False,
) -> Result:
    """Count clips, speakers, minutes and synthetic speech, by class and split."""
    from tinykit import config
    from tinykit.cli.drawing import drawing
    from tinykit.pipeline import data as work

    with drawing() as drawn:
        progress = drawn.progress("data")
        if path:
            found = work.of_folder(path, verify, progress)
        else:
            found = work.of_project(config.load(project), project, progress)
    return Result(found, [*_tables(found), *_summary(found)])


@command(data)
def listen(
    path: Annotated[
        Path | None,
        typer.Argument(help="A folder or a manifest; default: the project's data."),
    ] = None,
    project: Project = Path(),
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Default: build/listen.html; of a PATH, listen.html."),
    ] = None,
    each: Annotated[int, typer.Option(min=1, max=50, help="Clips of each class.")] = 4,
) -> Result:
    """Write a page with samples of each class, and one before and after each augmentation."""
    from tinykit import config
    from tinykit.cli.drawing import drawing
    from tinykit.pipeline import data as work

    with drawing() as drawn:
        found = work.as_project(path) if path else config.load(project)
        target = output or (Path(work.LISTEN.name) if path else project / work.LISTEN)
        work.listen(found, project, target, each, drawn.progress("data"))
    return Result({"page": str(target)}, [f"open {target} in a browser"])


@command(data)
def manifest(
    folder: Annotated[Path, typer.Argument(help="A folder of recordings.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: MANIFEST.csv in the folder.")
    ] = None,
    validation: Annotated[
        float, typer.Option(min=0, max=90, help="% of the training speakers to move there.")
    ] = 0.0,
    testing: Annotated[
        float, typer.Option(min=0, max=90, help="% of the training speakers to move there.")
    ] = 0.0,
    seed: int = 0,
) -> Result:
    """Write down what is in a folder: labels, splits by speaker, durations, checksums."""
    from tinykit.cli.drawing import drawing
    from tinykit.pipeline import data as work

    with drawing() as drawn:
        path, rows = work.write_manifest(
            folder, output, validation, testing, seed, drawn.progress("data")
        )
    return Result({"manifest": str(path), "rows": rows}, [f"{path}: {rows:,} recordings"])


@command(data)
def synth(
    word: Annotated[str, typer.Option(help="The wake word, as one would write it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.")],
    clips: Annotated[int, typer.Option(min=20, help="Clips of the word, over all splits.")] = 400,
    near: Annotated[int, typer.Option(min=0, help="Clips of phrases that sound alike.")] = 200,
    others: Annotated[int, typer.Option(min=0, help="Clips of other words.")] = 200,
    phrases: Annotated[int, typer.Option(min=1, help="How many phrases sound alike.")] = 24,
    clip_ms: Annotated[int, typer.Option(min=200, help="Length of a clip.")] = 1000,
    tts: Annotated[
        str, typer.Option(help="A program that speaks: text on stdin, {out} is its .wav, {voice}.")
    ] = "",
    voice: Annotated[list[str] | None, typer.Option(help="A voice of that program.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed speaks otherwise.")] = 0,
    project: Project = Path(),
) -> Result:
    """Speak a wake word in many voices, and what sounds almost like it; all of it is synthetic."""
    from tinykit import config
    from tinykit.cli.drawing import drawing
    from tinykit.pipeline import data as work

    table = config.load(project).synth if (project / config.FILE).is_file() else config.Synth()
    settings = work.Settings(
        word=word.strip(),
        clips=clips,
        near_misses=near,
        others=others,
        phrases=phrases,
        engines=work.engines(),
        command=tts or table.command,
        voices=voice or table.voices,
        clip_ms=clip_ms,
        seed=seed,
    )
    with drawing() as drawn:
        found = work.synthesize(settings, output, drawn.progress("data"))
    said = ", ".join(one["said"] for one in found["near_misses"])
    return Result(found, [*_tables(found), "", f"near misses: {said}", f"{found['manifest']}"])


@command(data)
def record(
    word: Annotated[str, typer.Option(help="What is said.")],
    speaker: Annotated[str, typer.Option(help="Who says it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A folder, new or not.")],
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many recordings.")] = 10,
    seconds: Annotated[float, typer.Option(min=0.2, max=60, help="Length of each.")] = 2.0,
    split: Annotated[
        Literal["training", "validation", "testing"], typer.Option(help="Where they belong.")
    ] = "training",
) -> Result:
    """Record from the microphone, into a folder of synthetic speech or a new one."""
    import sys

    from rich.console import Console

    from tinykit.pipeline import data as work

    console, files = Console(stderr=True, highlight=False), []
    for number in range(1, count + 1):
        console.print(f"{number} of {count}: press Enter, then say `{word}`", markup=False)
        if sys.stdin.isatty():
            sys.stdin.readline()
        files.append(str(work.record(output, word, speaker, seconds, split)))
    return Result({"files": files}, files)


def _tables(found: dict[str, Any]) -> list[Any]:
    """Return the classes by split, and what each split is like."""
    from rich.table import Table

    splits = {name: one for name, one in found["splits"].items() if one["clips"]}
    classes, totals = (Table(box=None, pad_edge=False) for _ in range(2))
    for table, columns in (
        (classes, ("class", *splits, "speakers", "minutes", "synthetic")),
        (totals, ("split", "clips", "speakers", "shortest", "median", "longest", "synthetic")),
    ):
        table.add_column(columns[0], no_wrap=True)
        for column in columns[1:]:
            table.add_column(column, justify="right", no_wrap=True)
    for label in dict.fromkeys(label for one in splits.values() for label in one["classes"]):
        parts = [one["classes"].get(label, _NOTHING) for one in splits.values()]
        clips, speakers = (sum(part[key] for part in parts) for key in ("clips", "speakers"))
        synthetic = sum(part["synthetic_share"] * part["clips"] for part in parts) / clips
        minutes = sum(part["seconds"] for part in parts) / 60
        counts = (f"{part['clips']:,}" for part in parts)
        classes.add_row(label, *counts, f"{speakers:,}", f"{minutes:.1f}", f"{synthetic:.0%}")
    for name, one in splits.items():
        lengths = (f"{one[key]:.2f} s" for key in ("shortest_s", "median_s", "longest_s"))
        shares = f"{one['synthetic_share']:.0%}"
        totals.add_row(name, f"{one['clips']:,}", f"{one['speakers']:,}", *lengths, shares)
    return [classes, "", totals]


_NOTHING = {"clips": 0, "speakers": 0, "seconds": 0.0, "synthetic_share": 0.0}


def _summary(found: dict[str, Any]) -> list[str]:
    """Return the balance of the classes, the noise, and what had to be said."""
    from tinykit.audio.datasets.statistics import imbalance

    lines = [""]
    training = found["splits"]["training"]["classes"]
    if len(training) > 1:
        times = imbalance(training)
        lines.append(f"training: the largest class has {times:.1f} times the clips of the smallest")
    for name, one in found["noise"].items():
        lines.append(f"noise, {name}: {one['recordings']} recordings, {one['seconds']:.0f} s")
    return [*lines, *(f"note: {note}" for note in found["notes"])]
