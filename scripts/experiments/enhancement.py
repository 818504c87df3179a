"""Enhancers side by side: same mixtures, held-out speakers and noises, a ledger.

    KERAS_BACKEND=jax python scripts/experiments/enhancement.py train crn-s
    python scripts/experiments/enhancement.py evaluate crn-s
    python scripts/experiments/enhancement.py table     # the ledger as docs/results/enhancement.md

Data: ../shared/data, LibriSpeech's sentences and all noise there, mixed at -5 to 20 dB. Of the
speakers and the noise recordings, some are held out of training: 20 speakers are mixed with those
noises at 0, 5 and 10 dB, all at -26 dB of full scale. Training may be interrupted; the same command
goes on. It runs on any backend of Keras; JAX's compiled loops are used here.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import enhancement_network  # noqa: E402

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
HEARD = {f"msnsd/noise/seg{number}.flac" for number in ("0339", "0356", "0399")}
"""Held-out noise that is in a training recording, too: `enhancement_leaks.py` found it."""

RATE_HZ = 16000
SNRS_DB = (0.0, 5.0, 10.0)
LEVEL_DB = -26.0
SPEAKERS = 20
CALIBRATION = 64  # training mixtures, for the ranges of activations
BOARD = "mps2-an386"

START = {
    "crn-s-2": "crn-s",
    "crn-s-3": "crn-s-2",
    "crn-s-4": "crn-s-3",
    "crn-s-5": "crn-s-4",
    "crn-s-6": "crn-s-4",
    "crn-s-7": "crn-s-6",
    "lstm-l-2": "lstm-l",
    "lstm-l-3": "lstm-l-2",
    "lstm-l-4": "lstm-l-3",
}
"""Runs that go on from the weights of another one, with other mixtures."""

SHOWN = ("lstm-l-4", "crn-s-5", "crn-s-6", "crn-s-7")
"""Runs of which there is a page: docs/results/enhancement.md."""


def _run(
    model: Model, bands: int, epochs: int, rate: float, seed: int, **losses: float
) -> tuple[Model, StftSpec, Train, Enhance]:
    """Return a run, in all else as the others."""
    settings = Train(
        epochs=epochs,
        batch_size=8,
        learning_rate=rate,
        weight_decay=1e-3,
        patience=0,
        keep="last",
        seed=seed,
    )
    return model, StftSpec(bands=bands), settings, Enhance(**losses)


_CRN, _LSTM = Model(architecture="crn", size="s"), Model(architecture="lstm", size="l")

RUNS = {
    "crn-s": _run(_CRN, 64, epochs=10, rate=3e-3, seed=0),
    "crn-s-2": _run(_CRN, 64, epochs=10, rate=2e-3, seed=1),
    "crn-s-3": _run(_CRN, 64, epochs=12, rate=1.5e-3, seed=2, si_sdr=2.0),
    "crn-s-4": _run(_CRN, 64, epochs=12, rate=1.5e-3, seed=3, si_sdr=2.0),
    "crn-s-5": _run(_CRN, 64, epochs=24, rate=1.5e-3, seed=4, si_sdr=2.0),
    "crn-s-6": _run(_CRN, 64, epochs=24, rate=1.5e-3, seed=4, si_sdr=2.0, asymmetry=3.0),
    "crn-s-7": _run(_CRN, 64, epochs=60, rate=2e-3, seed=5, si_sdr=2.0, asymmetry=3.0),
    "lstm-l": _run(_LSTM, 128, epochs=10, rate=2e-3, seed=0),
    "lstm-l-2": _run(_LSTM, 128, epochs=7, rate=1.5e-3, seed=1),
    "lstm-l-3": _run(_LSTM, 128, epochs=36, rate=2e-3, seed=2, si_sdr=2.0),
    "lstm-l-4": _run(_LSTM, 128, epochs=24, rate=1.5e-3, seed=3, si_sdr=2.0, asymmetry=3.0),
}

MIXED: dict[str, dict[str, Any]] = {
    "crn-s-4": {"babble_probability": 0.3},
    "crn-s-5": {"babble_probability": 0.5, "speed": (0.85, 1.15)},
    "crn-s-6": {"babble_probability": 0.5, "speed": (0.85, 1.15)},
    "crn-s-7": {"babble_probability": 0.4, "speed": (0.85, 1.15)},
    "lstm-l-4": {"babble_probability": 0.4, "speed": (0.85, 1.15)},
}
"""Keys of `[mixtures]` with which a run was trained, beside those of all runs."""

NETWORKS = [run + form for run in RUNS for form in enhancement_network.FORMS]


def main() -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("train", "evaluate", "table"))
    parser.add_argument("run", choices=NETWORKS, nargs="?", metavar="NETWORK")
    parser.add_argument("--kinds", nargs="*", default=["noisy", "float", "int8", "16x8"])
    chosen = parser.parse_args()
    if chosen.command == "table":
        from enhancement_table import page

        rows, device = (
            [json.loads(line) for line in ledger.read_text().splitlines()]
            for ledger in (LEDGER, LEDGER.with_stem("enhancement-device"))
        )
        last = {run: steps(run) for run in SHOWN}
        paths.write_text(RESULTS / "enhancement.md", page(rows, device, last))
    elif chosen.run not in (RUNS if chosen.command == "train" else NETWORKS):
        parser.error(f"which network? {', '.join(RUNS)}")
    elif chosen.command == "train":
        train(chosen.run)
    else:
        evaluate(chosen.run, chosen.kinds)
    return 0


def steps(run: str) -> int:
    """Return how many batches a run was trained on, the runs that it went on from included."""
    settings = RUNS[run][2]
    before = steps(START[run]) if run in START else 0
    return before + settings.epochs * -(-MIXTURES.per_epoch // settings.batch_size)


def mixtures_of(run: str) -> Mixtures:
    """Return what a run is trained on."""
    return msgspec.structs.replace(MIXTURES, **MIXED.get(run, {}))


def sources() -> enhancement_sources.Sources:
    """Return the recordings, split, without the held-out ones that training has HEARD."""
    found = enhancement_sources.load(MIXTURES, RATE_HZ, Path())
    noise = {
        split: {name: part for name, part in parts.items() if name not in HEARD}
        for split, parts in found.noise.items()
    }
    return dataclasses.replace(found, noise=noise)


def pairs() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return VoiceBank-DEMAND's noisy recordings beside which the clean one is: both, by name."""
    from tinykit.audio import wav

    return {
        file.parent.name: (
            wav.read(file.with_name("noisy.flac"), RATE_HZ),
            wav.read(file, RATE_HZ),
        )
        for file in sorted((SHARED / "enhancement").rglob("clean.flac"))
    }


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
        model,
        sources(),
        mixtures_of(name),
        spec,
        settings,
        losses,
        progress,
        CACHE / f"{name}.npz",
    )
    model.compile()
    model.save(CACHE / f"{name}.keras")
    epochs = [vars_of(epoch) for epoch in history.epochs]
    paths.write_text(CACHE / f"{name}.json", json.dumps(epochs, indent=1) + "\n")


def evaluate(name: str, kinds: list[str]) -> None:
    """Measure a trained network in float and as integers, and add a row for each to the ledger.

    A .tflite that is in the cache is taken as it is.
    """
    from tinykit.audio import mixtures
    from tinykit.board import find
    from tinykit.evaluate.enhancement import quality
    from tinykit.quantize import enhancement, nodes
    from tinykit.recipes.enhanced_audio import enhanced_in_float
    from tinykit.search.cost import measure

    run, form = enhancement_network.split(name)
    model_table, spec, settings, losses = RUNS[run]
    found = sources()
    network = enhancement_network.load(CACHE / f"{name}.keras", spec)
    folded = enhancement.folded(network.exported)
    about: dict[str, Any] = {
        "run": run,
        "form": form.removeprefix("-"),
        "model": vars_of(model_table),
        "spectrum": vars_of(spec),
        "train": vars_of(settings),
        "losses": vars_of(losses),
        "mixtures": {
            "seconds": MIXTURES.seconds,
            "per_epoch": MIXTURES.per_epoch,
            **MIXED.get(run, {}),
        },
        "start": START.get(run),
        "steps": steps(run),
        "parameters": nodes.parameters(folded),
        "macs_per_frame": nodes.macs(folded),
        "macs_per_second": round(nodes.macs(folded) * spec.sample_rate_hz / spec.hop_samples),
    }
    sets = {snr: mixtures.whole(found, "testing", snr, 0, LEVEL_DB)[:SPEAKERS] for snr in SNRS_DB}

    def add(kind: str, made: dict[float, list[np.ndarray]], cost: dict[str, Any]) -> None:
        measured = {
            f"{snr:g}": vars_of(quality(given, [one.clean for one in sets[snr]], 16000))
            for snr, given in made.items()
        }
        print(name, kind, json.dumps(measured), json.dumps(cost), flush=True)
        with LEDGER.open("a") as ledger:
            ledger.write(json.dumps({**about, "kind": kind, **cost, "quality": measured}) + "\n")

    noisy = {snr: [one.noisy for one in mixed] for snr, mixed in sets.items()}
    if "noisy" in kinds:
        add("noisy", noisy, {})
    if "float" in kinds:
        made = {
            snr: enhanced_in_float(network.heard, recordings, spec)
            for snr, recordings in noisy.items()
        }
        add("float", made, {})
    for kind in kinds:
        if kind not in enhancement_network.KINDS:
            continue
        path = CACHE / f"{name}-{kind}.tflite"
        if not path.exists():
            data = enhancement.quantize(
                network.exported, calibration(found, run), spec, wide=kind == "16x8"
            )
            paths.write_bytes(path, data)
        data = path.read_bytes()
        cost = measure(data, find(BOARD).processor, "balanced")
        made, updates = {}, []
        for snr, recordings in noisy.items():
            made[snr], share = enhancement_network.in_integers(data, spec, recordings)
            updates.append(share)
        memory = {"flash_bytes": cost.flash_bytes, "ram_bytes": cost.ram_bytes}
        add(kind, made, {"tflite_bytes": len(data), **memory, "updates": updates})


def calibration(found: enhancement_sources.Sources, run: str) -> np.ndarray:
    """Return the features of CALIBRATION training mixtures of a run, int8 (N, frames, bands)."""
    from tinykit.audio import mixtures
    from tinykit.recipes.enhanced_audio import features_of

    mixed, spec = mixtures_of(run), RUNS[run][1]
    drawn = [
        mixtures.draw(found, "training", mixed, "calibration", number)
        for number in range(CALIBRATION)
    ]
    return np.stack([features_of(one.noisy, spec) for one in drawn])


def vars_of(struct: object) -> dict[str, float]:
    """Return the fields of a record."""
    return {key: getattr(struct, key) for key in struct.__struct_fields__}


if __name__ == "__main__":
    sys.exit(main())
