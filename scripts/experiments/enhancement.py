"""Enhancers side by side: same mixtures, held-out speakers and noises, a ledger.

    KERAS_BACKEND=jax python scripts/experiments/enhancement.py train crn-s
    python scripts/experiments/enhancement.py evaluate crn-s
    python scripts/experiments/enhancement.py pairs crn-s  # VoiceBank-DEMAND's pairs there, int8
    python scripts/experiments/enhancement.py table     # the ledger as docs/results/enhancement.md

Data: ../shared/data, LibriSpeech's sentences and all noise there, mixed at -5 to 20 dB. Of the
speakers and the noise recordings, some are held out of training: 20 speakers are mixed with those
noises at 0, 5 and 10 dB, all at -26 dB of full scale. Training may be interrupted; the same command
goes on. It runs on any backend of Keras; JAX's compiled loops are used here.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from tinykit import paths  # noqa: E402
from tinykit.audio import enhancement_sources  # noqa: E402
from tinykit.audio.stft_spec import StftSpec  # noqa: E402
from tinykit.config import Enhance, Mixtures, Model, Train  # noqa: E402

SHARED = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "docs" / "results"
LEDGER = RESULTS / "enhancement.jsonl"
CACHE = paths.cache_dir() / "experiments" / "enhancement"
MIXTURES = Mixtures(
    speech=str(SHARED / "MANIFEST.csv"),
    speech_categories=["libri_train-clean-100"],
    noise=str(SHARED / "MANIFEST.csv"),
    noise_categories=["esc10", "msnsd_noise", "noise", "sc_bg"],
    test_percent=11.0,
    validation_percent=8.0,
    seconds=2.5,
    per_epoch=800,
    validation=64,
)
SNRS_DB = (0.0, 5.0, 10.0)
LEVEL_DB = -26.0
SPEAKERS = 20
CALIBRATION = 64  # training mixtures, for the ranges of activations
BOARD = "mps2-an386"

START = {"crn-s-2": "crn-s", "crn-s-3": "crn-s-2", "lstm-l-2": "lstm-l"}
"""Runs that go on from the weights of another one, with other mixtures."""

RUNS = {
    "crn-s": (
        Model(architecture="crn", size="s"),
        StftSpec(bands=64),
        Train(
            epochs=10,
            batch_size=8,
            learning_rate=3e-3,
            weight_decay=1e-3,
            patience=0,
            keep="last",
        ),
        Enhance(si_sdr=1.0, compressed=10.0),
    ),
    "crn-s-2": (
        Model(architecture="crn", size="s"),
        StftSpec(bands=64),
        Train(
            epochs=10,
            batch_size=8,
            learning_rate=2e-3,
            weight_decay=1e-3,
            patience=0,
            keep="last",
            seed=1,
        ),
        Enhance(si_sdr=1.0, compressed=10.0),
    ),
    "crn-s-3": (
        Model(architecture="crn", size="s"),
        StftSpec(bands=64),
        Train(
            epochs=12,
            batch_size=8,
            learning_rate=1.5e-3,
            weight_decay=1e-3,
            patience=0,
            keep="last",
            seed=2,
        ),
        Enhance(si_sdr=2.0, compressed=10.0),
    ),
    "lstm-l": (
        Model(architecture="lstm", size="l"),
        StftSpec(bands=128),
        Train(
            epochs=10, batch_size=8, learning_rate=2e-3, weight_decay=1e-3, patience=0, keep="last"
        ),
        Enhance(si_sdr=1.0, compressed=10.0),
    ),
    "lstm-l-2": (
        Model(architecture="lstm", size="l"),
        StftSpec(bands=128),
        Train(
            epochs=7,
            batch_size=8,
            learning_rate=1.5e-3,
            weight_decay=1e-3,
            patience=0,
            keep="last",
            seed=1,
        ),
        Enhance(si_sdr=1.0, compressed=10.0),
    ),
}


def main() -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("train", "evaluate", "pairs", "table"))
    parser.add_argument("run", choices=RUNS, nargs="?")
    chosen = parser.parse_args()
    if chosen.command == "table":
        from enhancement_table import page

        rows = [json.loads(line) for line in LEDGER.read_text().splitlines()]
        paths.write_text(RESULTS / "enhancement.md", page(rows))
    elif chosen.run is None:
        parser.error(f"which run? {', '.join(RUNS)}")
    elif chosen.command == "train":
        train(chosen.run)
    elif chosen.command == "pairs":
        print(json.dumps(pairs(chosen.run), indent=1))
    else:
        evaluate(chosen.run)
    return 0


def sources() -> enhancement_sources.Sources:
    """Return the recordings, split."""
    return enhancement_sources.load(MIXTURES, 16000, Path())


def train(name: str) -> None:
    """Train one enhancer into the cache: the model, and what happened."""
    from tinykit.models import enhancers
    from tinykit.train.backend import keras, seed_everything
    from tinykit.train.enhance import fit

    model_table, spec, settings, losses = RUNS[name]
    CACHE.mkdir(parents=True, exist_ok=True)
    seed_everything(settings.seed)
    model = enhancers.build(model_table, spec)
    if name in START:
        model.set_weights(keras.saving.load_model(CACHE / f"{START[name]}.keras").get_weights())
    print(name, keras.backend.backend(), f"{model.count_params():,} parameters", flush=True)
    started, busy, every = time.time(), time.process_time(), 20

    def progress(what: str, done: int, total: int, **figures: float) -> None:
        if done % every == 0 and what == "train":
            cpu_s, wall_s = time.process_time() - busy, time.time() - started
            shown = ", ".join(f"{key} {value:.4f}" for key, value in figures.items())
            print(f"{done}/{total} {shown}; {cpu_s:.0f} s CPU, {wall_s:.0f} s", flush=True)

    history = fit(
        model, sources(), MIXTURES, spec, settings, losses, progress, CACHE / f"{name}.npz"
    )
    model.compile()
    model.save(CACHE / f"{name}.keras")
    epochs = [vars_of(epoch) for epoch in history.epochs]
    paths.write_text(CACHE / f"{name}.json", json.dumps(epochs, indent=1) + "\n")


def evaluate(name: str) -> None:
    """Measure a trained enhancer in float, int8 and 16x8, and add a row for each to the ledger."""
    from tinykit.audio import mixtures
    from tinykit.board import find
    from tinykit.compiler.golden import Golden
    from tinykit.evaluate.enhancement import quality
    from tinykit.quantize import enhancement, nodes
    from tinykit.recipes import artifacts
    from tinykit.recipes import speech_enhancement as recipe
    from tinykit.search.cost import measure

    model_table, spec, settings, losses = RUNS[name]
    found = sources()
    model = artifacts.load_model(CACHE / f"{name}.keras")
    folded = enhancement.folded(model)
    about = {
        "run": name,
        "model": vars_of(model_table),
        "spectrum": vars_of(spec),
        "train": vars_of(settings),
        "losses": vars_of(losses),
        "mixtures": {"seconds": MIXTURES.seconds, "per_epoch": MIXTURES.per_epoch},
        "steps": settings.epochs * -(-MIXTURES.per_epoch // settings.batch_size),
        "parameters": nodes.parameters(folded),
        "macs_per_frame": nodes.macs(folded),
        "macs_per_second": round(nodes.macs(folded) * spec.sample_rate_hz / spec.hop_samples),
    }
    calibration = np.stack(
        [
            recipe.features_of(
                mixtures.draw(found, "training", MIXTURES, "calibration", n).noisy, spec
            )
            for n in range(CALIBRATION)
        ]
    )
    sets = {snr: mixtures.whole(found, "testing", snr, 0, LEVEL_DB)[:SPEAKERS] for snr in SNRS_DB}
    kinds = {"noisy": (lambda noisy: noisy, {})}
    kinds["float"] = (lambda noisy: recipe.enhanced_in_float(model, noisy, spec), {})
    goldens = []
    for kind, wide in (("int8", False), ("16x8", True)):
        data = enhancement.quantize(model, calibration, spec, wide=wide)
        paths.write_bytes(CACHE / f"{name}-{kind}.tflite", data)
        cost = measure(data, find(BOARD).processor, "balanced")
        golden = Golden(data)
        goldens.append(golden)
        memory = {"flash_bytes": cost.flash_bytes, "ram_bytes": cost.ram_bytes}
        computed = partial(with_golden, golden, spec)
        kinds[kind] = (computed, {"tflite_bytes": len(data), **memory})
    for kind, (computed, cost) in kinds.items():
        measured = {}
        for snr, mixed in sets.items():
            given = computed([one.noisy for one in mixed])
            measured[f"{snr:g}"] = vars_of(quality(given, [one.clean for one in mixed], 16000))
        row = {**about, "kind": kind, **cost, "quality": measured}
        print(kind, json.dumps(measured), flush=True)
        with LEDGER.open("a") as ledger:
            ledger.write(json.dumps(row) + "\n")
    for golden in goldens:
        golden.close()


def pairs(name: str) -> dict[str, dict[str, float]]:
    """Return the quality of VoiceBank-DEMAND's noisy recordings, and of what int8 makes of them."""
    from tinykit.audio import wav
    from tinykit.compiler.golden import Golden
    from tinykit.evaluate.enhancement import quality

    spec = RUNS[name][1]
    found = sorted((SHARED / "enhancement").rglob("clean.flac"))
    clean, noisy = (
        [wav.read(file.with_name(which), spec.sample_rate_hz) for file in found]
        for which in ("clean.flac", "noisy.flac")
    )
    with Golden((CACHE / f"{name}-int8.tflite").read_bytes()) as golden:
        given = {"noisy": noisy, "int8": with_golden(golden, spec, noisy)}
    return {
        kind: {"recordings": len(found), **vars_of(quality(made, clean, spec.sample_rate_hz))}
        for kind, made in given.items()
    }


def with_golden(golden: Any, spec: StftSpec, recordings: list[np.ndarray]) -> list[np.ndarray]:
    """Return recordings as the golden interpreter's gains make them."""
    from tinykit.quantize.enhancement import by_frame
    from tinykit.recipes.speech_enhancement import enhanced

    return [enhanced(one, spec, by_frame(golden)) for one in recordings]


def vars_of(struct: object) -> dict[str, float]:
    """Return the fields of a record."""
    return {key: getattr(struct, key) for key in struct.__struct_fields__}


if __name__ == "__main__":
    sys.exit(main())
