"""The enhancers of the experiments on a board: noisy audio in, and what comes back measured.

    python scripts/experiments/enhancement_device.py crn-s-4 int8
    python scripts/experiments/enhancement_device.py lstm-l-3-pruned trained --speakers 10
    python scripts/experiments/enhancement_device.py crn-s-4 int8 --pairs

The .tflite of that kind is the one that `enhancement.py evaluate` measured. The first SECONDS of
the held-out speakers, at each ratio, go over serial to an emulated Cortex-M7; what comes back is
compared with the twin's samples, and measured beside the float network's. With `--pairs` it is
VoiceBank-DEMAND's pairs of ../shared/data, whole, which no network was trained on. One row for
docs/results/enhancement-device.jsonl.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import enhancement_network  # noqa: E402
from enhancement import (  # noqa: E402
    CACHE,
    LEVEL_DB,
    NETWORKS,
    RESULTS,
    RUNS,
    SNRS_DB,
    SPEAKERS,
    pairs,
    sources,
    vars_of,
)

from tinykit import board as boards  # noqa: E402
from tinykit import paths  # noqa: E402
from tinykit.audio import enhancer, mixtures  # noqa: E402
from tinykit.audio.stft_spec import StftSpec  # noqa: E402
from tinykit.config import Config, Test  # noqa: E402
from tinykit.config import Project as ProjectTable  # noqa: E402
from tinykit.device.enhance import EnhancerResult, validate_enhancer  # noqa: E402
from tinykit.evaluate.enhancement import quality  # noqa: E402
from tinykit.pipeline import building, files  # noqa: E402
from tinykit.pipeline.engine import Engine, Observer  # noqa: E402
from tinykit.pipeline.enhancing import Twin  # noqa: E402
from tinykit.pipeline.realtime import real_time  # noqa: E402
from tinykit.pipeline.stages import STAGES  # noqa: E402
from tinykit.pipeline.talking import client  # noqa: E402
from tinykit.progress import silent  # noqa: E402
from tinykit.project import Project  # noqa: E402

LEDGER = RESULTS / "enhancement-device.jsonl"
BOARD = "mps2-an500"
SECONDS = 4.0
PAIRS = "pairs"

Recordings = list[NDArray[np.int16]]
Sounds = dict[str, list[tuple[NDArray[np.int16], NDArray[np.int16]]]]
"""Noisy and clean recordings, by what they are."""


def main() -> int:
    """Measure one network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=NETWORKS, metavar="NETWORK")
    parser.add_argument("kind", choices=enhancement_network.KINDS)
    parser.add_argument("--speakers", type=int, default=SPEAKERS, help="each at every ratio")
    parser.add_argument("--pairs", action="store_true", help="VoiceBank-DEMAND's pairs instead")
    chosen = parser.parse_args()
    spec = RUNS[enhancement_network.split(chosen.network)[0]][1]
    heard = {PAIRS: list(pairs().values())} if chosen.pairs else speakers(spec, chosen.speakers)
    row = measure(chosen.network, chosen.kind, heard)
    row |= {} if chosen.pairs else {"seconds": SECONDS}
    print(json.dumps(row, indent=1))
    with LEDGER.open("a") as ledger:
        ledger.write(json.dumps(row) + "\n")
    return 0


class Printed(Observer):
    """An observer that says which stage begins, and how far the device is."""

    def started(self, stage: Any, why: str) -> Any:
        """Name the stage."""
        print(stage.name, flush=True)
        return silent


def progress(what: str, done: int, total: int, **_: float) -> None:
    """Print how much audio the device has heard."""
    print(f"{what} {done:,}/{total:,} samples", flush=True)


def speakers(spec: StftSpec, most: int) -> Sounds:
    """Return the beginnings of what held-out speakers say in noise, by ratio."""
    found, count = sources(), round(SECONDS * spec.sample_rate_hz)
    mixed = {
        f"{snr:g}": mixtures.whole(found, "testing", snr, 0, LEVEL_DB, count)[:most]
        for snr in SNRS_DB
    }
    return {snr: [(one.noisy, one.clean) for one in group] for snr, group in mixed.items()}


def measure(name: str, kind: str, heard: Sounds) -> dict[str, Any]:
    """Return the row of one network, which has heard these."""
    from tinykit.recipes.enhanced_audio import enhanced_in_float

    run, form = enhancement_network.split(name)
    spec = RUNS[run][1]
    data = (CACHE / f"{name}-{kind}.tflite").read_bytes()
    noisy = [one for group in heard.values() for one, _ in group]
    network = enhancement_network.load(CACHE / f"{name}.keras", spec)
    by_float = enhanced_in_float(network.heard, noisy, spec)
    with tempfile.TemporaryDirectory(prefix="tinykit-enhancement-") as folder:
        about, result, expected, updates = _on_board(
            Path(folder), data, [enhancer.lengthened(one, spec) for one in noisy]
        )
    sounds = {
        "noisy": noisy,
        "float": by_float,
        "twin": _aligned(expected, spec),
        "device": _aligned(result.enhanced, spec),
    }
    measured: dict[str, Any] = {}
    first = 0
    for which, group in heard.items():
        rows, wanted = slice(first, first + len(group)), [clean for _, clean in group]
        measured[which] = {
            sound: vars_of(quality(given[rows], wanted, spec.sample_rate_hz))
            for sound, given in sounds.items()
        }
        first += len(group)
    row: dict[str, Any] = {"run": run, "form": form.removeprefix("-"), "kind": kind, **about}
    row |= {**result.to_json("instructions"), "inferences": updates}
    return {**row, "quality": measured}


def _on_board(
    folder: Path, data: bytes, recordings: Recordings
) -> tuple[dict[str, Any], EnhancerResult, Recordings, int]:
    """Return what is known of the firmware, what the device did, its twin's samples and updates."""
    table = ProjectTable(name="enhancement", task="speech-enhancement", board=BOARD)
    config = Config(project=table, test=Test(vectors=0, audio_clips=0))
    project = Project(folder, config, boards.find(BOARD))
    project.build.mkdir()
    paths.write_bytes(project.path(files.TFLITE), data)
    with building.ended_afterwards(project):
        Engine(STAGES, project, Printed()).update("flash")
        expected, updates = [], 0
        with Twin(project) as twin:
            hop = twin.spec.hop_samples
            for one in recordings:
                expected.append(twin.enhance(one))
                updates += twin.skipping.updates if twin.skipping else len(one) // hop
        seconds = sum(map(len, recordings)) / twin.spec.sample_rate_hz
        building.restart(project, seconds)
        with client(project) as device:
            result = validate_enhancer(device, recordings, expected, progress)
    made, plan = (
        files.read_json(project.path(files.BUILD)),
        files.read_json(project.path(files.PLAN)),
    )
    modelled = real_time(result.most_per_hop, "instructions", twin.spec, project)
    about = {
        "board": BOARD,
        "model_sha256": plan["sha256"],
        "model_flash_bytes": plan["code_bytes"] + plan["const_bytes"],
        "firmware_flash_bytes": made["flash_bytes"],
        "firmware_ram_bytes": made["ram_bytes"],
        "cycles_per_instruction": modelled["cycles_per_instruction"],
    }
    return about, result, expected, updates


def _aligned(recordings: Recordings, spec: StftSpec) -> Recordings:
    return [enhancer.aligned(one, spec) for one in recordings]


if __name__ == "__main__":
    sys.exit(main())
