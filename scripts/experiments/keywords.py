"""Keyword architectures side by side: same data, same recipe, three seeds, a ledger to resume from.

    python scripts/experiments/keywords.py features   # once: clips, versions, features (an .npz)
    python scripts/experiments/keywords.py run        # what the ledger lacks, one line each
    python scripts/experiments/keywords.py device     # seed 0 of each on the emulated board
    python scripts/experiments/keywords.py table      # the ledger as docs/results/keywords.md

Data: ../shared/data/keywords, 8 words + unknown + silence. `testing` are 10 % of the training
speakers, `validation` the official validation speakers; no run chooses anything by either: the
weights are those of the last step. `rooms` are both, reverberated and in noise that training never
heard. Training hears every clip of an unknown word; the other splits keep the usual 10 %.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from tinykit import paths  # noqa: E402
from tinykit.audio import datasets, frontend  # noqa: E402
from tinykit.audio.seeded import generator  # noqa: E402
from tinykit.audio.spec import FeatureSpec  # noqa: E402
from tinykit.config import Data, Model, Train  # noqa: E402

SHARED = ROOT.parent / "shared" / "data"
CACHE = paths.cache_dir() / "experiments" / "keywords"
RESULTS = ROOT / "docs" / "results"
LEDGER = RESULTS / "keywords.jsonl"
DEVICES = RESULTS / "keywords-device.json"
BOARD = "mps2-an386"
COPIES = 12
SEEDS = (0, 1, 2)
UNKNOWN_CLIPS = 90.0  # percent of the words' clips: more than there are, so all
TRAIN = Train(
    epochs=20,
    clips_per_epoch=5143,
    learning_rate=5e-3,
    weight_decay=1e-2,
    label_smoothing=0.1,
    time_mask=8,
    patience=0,
    keep="last",
)
MODELS = [  # the cheap ones first
    Model(architecture="ds_tc_resnet", size="m"),
    Model(architecture="tc_resnet", size="8"),
    Model(architecture="mixednet", size="m"),
    Model(architecture="svdf", size="s"),
    Model(architecture="ds_cnn", size="s"),
    Model(architecture="gru", size="s"),
    Model(architecture="espnet", size="s"),
    Model(architecture="lstm", size="s"),
    Model(architecture="bc_resnet", size="1"),
    Model(architecture="ds_tc_resnet", size="s"),
    Model(architecture="bc_resnet", size="2"),
    Model(architecture="micronet", size="s"),
]
SPECS = {kind: FeatureSpec(kind=kind) for kind in ("mfcc", "log_mel")}


def main() -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("features", "run", "device", "table"))
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--only", nargs="*", default=[], help="architectures")
    chosen = parser.parse_args()
    if chosen.command == "features":
        make_features()
    elif chosen.command == "run":
        for seed in chosen.seeds:
            for model in MODELS:
                if not chosen.only or model.architecture in chosen.only:
                    run(model, seed)
    elif chosen.command == "device":
        measure_devices()
    else:
        from keywords_table import page

        text = page(read_ledger(), read_devices(), labels(), TRAIN, COPIES, BOARD)
        paths.write_text(RESULTS / "keywords.md", text)
    return 0


def make_features() -> None:
    """Compute the features of both kinds, one file for each version of the training clips."""
    import strong_augmentation as strong

    CACHE.mkdir(parents=True, exist_ok=True)
    sets = {}
    for name, percent in (("usual", 10.0), ("all", UNKNOWN_CLIPS)):
        data = Data(
            source="speech_commands",
            path=str(SHARED / "keywords"),
            test_speakers_percent=10.0,
            unknown_percent=percent,
        )
        sets[name] = datasets.load(data, SPECS["mfcc"])
    usual = sets["usual"]
    tests = []
    for split in ("validation", "testing"):
        clips, audio = usual.clips[split], usual.audio(split, 0, len(usual.clips[split]))
        _save(split, audio, clips)
        for clip, samples in zip(clips, audio, strict=True):
            random = generator("rooms", clip.source)
            if clip.word != datasets.SILENCE:
                samples = strong.in_a_room(samples, usual.noise.parts["testing"], random)
            tests.append((clip, samples))
    _save("rooms", np.stack([samples for _, samples in tests]), [clip for clip, _ in tests])
    training = sets["all"].clips["training"]
    clean = sets["all"].audio("training", 0, len(training))
    _save("training", clean, training)
    noise = strong.noises(usual.noise.parts["training"], SHARED)
    for copy in range(COPIES):
        if (CACHE / f"training_{copy}.npz").exists():
            continue
        made = []
        for clip, samples in zip(training, clean, strict=True):
            random = generator("exp", "strong", copy, clip.source)
            if clip.word == datasets.SILENCE:
                made.append(strong.silence(len(samples), noise, random))
            else:
                made.append(strong.version(samples, noise, random))
        _save(f"training_{copy}", np.stack(made), training)
        print(f"version {copy + 1} of {COPIES}", file=sys.stderr)


def _save(name: str, audio: np.ndarray, clips: list[Any]) -> None:
    arrays = {kind: frontend.features(audio, spec) for kind, spec in SPECS.items()}
    arrays["y"] = np.array([clip.label for clip in clips], np.int32)
    arrays["speaker"] = np.array([clip.speaker for clip in clips])
    arrays["labels"] = np.array(labels())
    with paths.atomic_path(CACHE / f"{name}.npz") as temporary:
        np.savez(temporary, **arrays)


def labels() -> tuple[str, ...]:
    """Return the classes."""
    return (datasets.SILENCE, datasets.UNKNOWN, *Data().words)


def load(kind: str) -> Any:
    """Return the `Features`: training holds the clean clips and every version."""
    from tinykit.train.features import Features

    x: dict[Any, Any] = {}
    y: dict[Any, Any] = {}
    for split in ("validation", "testing", "rooms"):
        with np.load(CACHE / f"{split}.npz") as file:
            x[split], y[split] = file[kind], file["y"]
    parts = []
    for name in ("training", *(f"training_{copy}" for copy in range(COPIES))):
        with np.load(CACHE / f"{name}.npz") as file:
            parts.append((file[kind], file["y"]))
    x["training"] = np.concatenate([part for part, _ in parts])
    y["training"] = np.concatenate([part for _, part in parts])
    return Features(SPECS[kind], labels(), x, y)


def run(model: Model, seed: int) -> None:
    """Train, quantize and measure one network, unless the ledger has it; append one line."""
    import msgspec

    from tinykit import models
    from tinykit.board import find
    from tinykit.compiler import compile_model
    from tinykit.compiler.measure import footprint
    from tinykit.quantize import golden, nodes
    from tinykit.quantize.fold import fold
    from tinykit.quantize.post_training import quantize
    from tinykit.train.backend import seed_everything
    from tinykit.train.fit import fit
    from tinykit.train.metrics import predict

    train = msgspec.structs.replace(TRAIN, seed=seed)
    key = {
        "architecture": model.architecture,
        "size": model.size,
        "seed": seed,
        "epochs": train.epochs,
    }
    if any(key.items() <= line.items() for line in read_ledger()):
        return
    name = f"{model.architecture}-{model.size}-{seed}"
    kind = models.module(model.architecture).FEATURES["kind"]
    features = load(kind)
    seed_everything(seed)
    network = models.build(model, SPECS[kind], len(features.labels))
    started = time.time()
    checkpoint = CACHE / f"{name}.checkpoint.npz"
    history = fit(network, features, train, checkpoint=checkpoint)
    step = max(1, len(features.x["training"]) // 400)
    data = quantize(network, features.x["training"][::step][:400], SPECS[kind], features.labels)
    line: dict[str, Any] = {**key, "features": kind, "loss": history.epochs[-1].loss}
    for split in ("validation", "testing", "rooms"):
        wanted = features.y[split]
        integer = golden.outputs(data, features.x[split]).argmax(axis=1)
        floating = predict(network, features, split).argmax(axis=1)
        speakers = np.load(CACHE / f"{split}.npz")["speaker"]
        line[split] = {
            "clips": len(wanted),
            "float": float((floating == wanted).mean()),
            "int8": float((integer == wanted).mean()),
            "recall": [
                float((integer[wanted == label] == label).mean())
                for label in range(len(features.labels))
            ],
            **_by_speaker(speakers, wanted, integer),
        }
    compiled = compile_model(data, find(BOARD).processor)
    size = footprint(compiled)
    line |= {
        "parameters": nodes.parameters(fold(network)),
        "macs": compiled.macs,
        "flash_bytes": size.flash_bytes,
        "ram_bytes": size.ram_bytes + (size.stack_bytes or 0),
        "board": BOARD,
        "seconds": round(time.time() - started),
    }
    paths.write_bytes(CACHE / f"{name}.tflite", data)
    network.save(CACHE / f"{name}.keras")
    RESULTS.mkdir(exist_ok=True)
    with LEDGER.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    checkpoint.unlink(missing_ok=True)
    print(name, {s: round(100 * line[s]["int8"], 1) for s in ("validation", "testing", "rooms")})


def _by_speaker(speakers: np.ndarray, wanted: np.ndarray, found: np.ndarray) -> dict[str, Any]:
    """Return how unevenly speakers fare, over those with at least one clip.

    `interval` is the 95 % bootstrap interval of the accuracy with speakers drawn as wholes: clips
    of one speaker stand or fall together.
    """
    spoken = speakers != ""
    names, index = np.unique(speakers[spoken], return_inverse=True)
    right = np.bincount(index, (found == wanted)[spoken])
    clips = np.bincount(index)
    random = np.random.default_rng(0)
    drawn = random.integers(0, len(names), (2000, len(names)))
    accuracies = right[drawn].sum(axis=1) / clips[drawn].sum(axis=1)
    low, high = np.quantile(accuracies, [0.025, 0.975])
    several = clips >= 3
    return {
        "speakers": len(names),
        "speakers_without_error": float((right == clips).mean()),
        "worst_tenth": float(np.quantile((right / clips)[several], 0.1)),
        "interval": [float(low), float(high)],
    }


def read_ledger() -> list[dict[str, Any]]:
    """Return the runs that are done; a line that was cut off is left out."""
    found = []
    if LEDGER.exists():
        for text in LEDGER.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(text))
            except json.JSONDecodeError:
                continue
    return found


def measure_devices() -> None:
    """Run seed 0 of each network on the emulated board, unless that model was measured."""
    from keywords_device import measure

    from tinykit import models

    known = read_devices()
    for model in MODELS:
        name = f"{model.architecture} {model.size}"
        file = CACHE / f"{model.architecture}-{model.size}-0.tflite"
        if not file.exists() or known.get(name, {}).get("sha256") == paths.sha256_file(file):
            continue
        kind = models.module(model.architecture).FEATURES["kind"]
        with np.load(CACHE / "validation.npz") as split:
            found = measure(file, split[kind], split["y"], BOARD)
        version = ["git", "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(version, capture_output=True, text=True, cwd=ROOT, check=True)
        known[name] = {
            "sha256": paths.sha256_file(file),
            "commit": commit.stdout.strip(),
            **found,
        }
        paths.write_text(DEVICES, json.dumps(known, indent=1) + "\n")
        print(name, json.dumps(known[name]))


def read_devices() -> dict[str, Any]:
    """Return what `device` measured."""
    return json.loads(DEVICES.read_text(encoding="utf-8")) if DEVICES.exists() else {}


if __name__ == "__main__":
    sys.exit(main())
