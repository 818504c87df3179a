"""A wake word from recorded people, from synthetic speech, and from it with a few recordings.

    python scripts/experiments/wake_word.py run       # four projects, from data to decisions
    python scripts/experiments/wake_word.py device    # the emulated device hears the test recording
    python scripts/experiments/wake_word.py table     # docs/results/wake-word.md

The word is "computer": 240 recordings of more than 50 people who are not named, so a person may
be in two splits though no recording is. Other speech: other phrases of the same collection,
keywords, LibriSpeech. One project is `examples/wake-word`, one what `tinykit new --task wake-word
--word computer` makes, the others are that with a few recordings of the training split beside. All
are tested on the same recorded people. Work lies in the kit's cache.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jinja2

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from tinykit import paths  # noqa: E402
from tinykit.evaluate.rates import poisson_upper  # noqa: E402

EXAMPLE = ROOT / "examples" / "wake-word"
WORK = paths.cache_dir() / "experiments" / "wake-word"
PAGE = ROOT / "docs" / "results" / "wake-word.md"
RECORDED, SYNTHETIC = WORK / "recorded", WORK / "synthetic"
FEW = (5, 10)
"""Recordings beside the synthetic speech, in projects of their own."""

STAGES = ("train", "compress", "quantize", "compile", "fit")
"""What a figure of the twin needs: no firmware."""

LIMITS = (0.5, 1, 2, 5, 10, 20, 50, 100)
"""False accepts per hour, of the DET table."""


def main() -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("run", "device", "table"))
    chosen = parser.parse_args().command
    if chosen == "run":
        make_projects()
        tinykit("run", "-C", str(RECORDED))
        tinykit("run", "-C", str(SYNTHETIC))
        evaluate(SYNTHETIC)
        for count in FEW:
            add_recordings(count)
            for stage in STAGES:
                tinykit(stage, "-C", str(with_few(count)))
            evaluate(with_few(count))
    elif chosen == "device":
        hear_in_emulator()
    else:
        paths.write_text(PAGE, page())
    return 0


def make_projects() -> None:
    """Write the example's project, and that of a user who has the word alone."""
    text = (EXAMPLE / "tinykit.toml").read_text(encoding="utf-8")
    shared = (EXAMPLE / "../../../shared/data").resolve()
    RECORDED.mkdir(parents=True, exist_ok=True)
    paths.write_text(RECORDED / "tinykit.toml", text.replace("../../../shared/data", str(shared)))
    if not SYNTHETIC.exists():
        tinykit("new", str(SYNTHETIC), "--task", "wake-word", "--word", "computer")


def with_few(count: int) -> Path:
    """Return the project of synthetic speech with `count` recordings beside it."""
    return WORK / f"synthetic-{count}"


def add_recordings(count: int) -> None:
    """Write the synthetic project again, with recordings that the example trains on."""
    from tinykit import config
    from tinykit.audio import datasets

    target, example = with_few(count), config.load(RECORDED)
    heard = datasets.load(example.data, example.features, RECORDED).clips["training"]
    words = [clip for clip in heard if clip.word == "computer"][:count]
    for clip in words:
        own = target / "own" / "computer" / Path(clip.source).name
        own.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(example.data.path) / clip.source, own)
    text = (SYNTHETIC / "tinykit.toml").read_text(encoding="utf-8")
    paths.write_text(target / "tinykit.toml", text.replace("[data]\n", '[data]\npath = "own"\n', 1))


def evaluate(project: Path) -> None:
    """Let a project hear the test recording of the other one; keep what it found."""
    stream = RECORDED / "build" / "streams" / "testing.wav"
    words = ["--stream", str(stream), "--labels", str(stream.with_suffix(".csv"))]
    tinykit("evaluate", *words, "-C", str(project))
    shutil.copy(project / "build" / "listening.json", project / "recorded-test.json")


def hear_in_emulator() -> None:
    """Let the emulated board hear the test recording; its detections must be the twin's."""
    from emulated_microphone import hear

    from tinykit import project as projects
    from tinykit.audio import wav
    from tinykit.audio.decision import decide
    from tinykit.pipeline import listening

    project = projects.load(RECORDED)
    twin = listening.Twin(project)
    stream = RECORDED / "build" / "streams" / "testing.wav"
    audio = wav.read(stream, twin.spec.sample_rate_hz)
    started = time.monotonic()
    theirs = hear(project, audio)
    seconds = time.monotonic() - started
    ours = decide(twin.outputs(twin.rows(audio)), twin.listener)
    found = {
        "board": project.board.id,
        "sha256": paths.sha256_file(stream),
        "model_sha256": read(RECORDED / "build" / "plan.json")["sha256"],
        "duration_s": len(audio) / twin.spec.sample_rate_hz,
        "detections": len(theirs),
        "twin": len(ours),
        "equal": theirs == ours,
        "seconds": round(seconds, 1),
    }
    paths.write_text(RECORDED / "device-hearing.json", json.dumps(found, indent=1) + "\n")
    print(found)


def tinykit(*words: str) -> None:
    """Run a command of this tree."""
    subprocess.run([sys.executable, "-m", "tinykit", *words], cwd=ROOT, check=True)


def read(path: Path) -> dict[str, Any]:
    """Return a JSON object."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def page() -> str:
    """Return docs/results/wake-word.md, from what the runs left."""
    rows = [
        _row("recorded people", RECORDED, "build/held_out.json"),
        _row("synthetic speech", SYNTHETIC, "recorded-test.json"),
        *(
            _row(f"synthetic, {count} recordings", with_few(count), "recorded-test.json")
            for count in FEW
        ),
    ]
    hours = rows[0]["found"]["duration_s"] / 3600
    for row in rows:
        row["upper"] = poisson_upper(row["found"]["false_accepts"]) / hours
    splits = read(RECORDED / "build" / "data.json")["splits"]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("wake_word.md.j2").render(
        rows=rows,
        hours=hours,
        limits=LIMITS,
        clips={split: found["classes"]["computer"] for split, found in splits.items()},
        of=read(RECORDED / "build" / "held_out.json")["composed_of"]["testing"],
        own=read(SYNTHETIC / "build" / "held_out.json"),
        heard=read(RECORDED / "device-hearing.json"),
        plan=read(RECORDED / "build" / "plan.json"),
        device=read(RECORDED / "build" / "device.json"),
    )


def _row(name: str, project: Path, judged: str) -> dict[str, Any]:
    found = read(project / judged)
    late = found["latency"]
    floating, int8 = (
        read(project / "build" / file)["evaluation"] for file in ("compress.json", "quantize.json")
    )
    return {
        "name": name,
        "found": found,
        "points": [_point(point) for point in found["operating"]],
        "median": f"{late['median_s']:.2f} s" if late else "none heard",
        "p90": f"{late['p90_s']:.2f} s" if late else "",
        "det": {
            limit: min((y for x, y in found["curve"] if x <= limit), default=1.0)
            for limit in LIMITS
        },
        "shares": [
            *(floating["accuracy"], int8["accuracy"]),
            *(floating["recall"][1], int8["recall"][1]),
        ],
    }


def _point(point: dict[str, Any]) -> str:
    if point["threshold"] is None:
        return "no threshold keeps it"
    return f"{100 * point['rate']:.1f} % [{100 * point['low']:.1f}, {100 * point['high']:.1f}]"


if __name__ == "__main__":
    sys.exit(main())
