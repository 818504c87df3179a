"""Keyword spotting: from a data set of words to an int8 .tflite with its golden vectors.

Three stages, each from files of the build folder to files of the build folder.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np

from tinykit import models, paths
from tinykit.audio import datasets, rooms
from tinykit.audio.datasets.dataset import Dataset
from tinykit.audio.datasets.features import features as compute_features
from tinykit.board import Board
from tinykit.config import Config
from tinykit.errors import ConfigError
from tinykit.progress import Progress, silent
from tinykit.quantize import golden
from tinykit.quantize import nodes as folded
from tinykit.quantize.fold import fold
from tinykit.quantize.post_training import quantize as quantize_model
from tinykit.recipes import artifacts
from tinykit.search.budget import Cost, limits
from tinykit.search.cost import measure as measure_tflite
from tinykit.train import features as feature_files
from tinykit.train.backend import keras, seed_everything
from tinykit.train.features import Features
from tinykit.train.fit import fit
from tinykit.train.metrics import evaluate_float

CALIBRATION_CLIPS = 400  # of the training split, clean and augmented alike


def train(config: Config, folder: Path, build: Path, progress: Progress = silent) -> None:
    """Make the features and train the float model.

    Writes `data.json`, `features.npz`, `model.keras`, `train.json`. After an interruption, the
    next call goes on from the last whole epoch.

    Parameters
    ----------
    folder : Path
        The project, from which relative paths in `[data]` start.
    build : Path
        Where artifacts lie.
    """
    check(config)
    dataset = datasets.load(config.data, config.features, folder, progress)
    train_on(dataset, config, folder, build, progress)


def train_on(
    dataset: Dataset, config: Config, folder: Path, build: Path, progress: Progress = silent
) -> None:
    """Make the features of a data set and train the float model, as `train` does."""
    seed, rate_hz = config.data.seed, config.features.sample_rate_hz
    arrays = compute_features(
        dataset,
        config.features,
        config.augment,
        seed,
        progress,
        config.test.audio_clips,
        rooms.load(config.augment, rate_hz, seed, folder, progress),
    )
    features = feature_files.from_arrays(arrays, config.features, "features")
    seed_everything(config.train.seed)
    model = models.build(config.model, config.features, len(features.labels))
    history = fit(model, features, config.train, progress, build / artifacts.CHECKPOINT)
    artifacts.save_arrays(build / "features.npz", arrays)
    artifacts.save_json(build / "data.json", dataset.statistics())
    artifacts.save_model(build / "model.keras", model)
    artifacts.save_json(
        build / "train.json",
        {
            "architecture": config.model.architecture,
            **_size(model),
            "seed": config.train.seed,
            "epochs": history.epochs,
            "best_epoch": history.best_epoch,
            "evaluation": evaluate_float(model, features, "testing"),
            "validation": evaluate_float(model, features, "validation"),
        },
    )
    artifacts.forget_checkpoints(build)


def compress(config: Config, board: Board, build: Path, progress: Progress = silent) -> None:
    """Make the model smaller until it keeps the budget; by default the board's memory.

    Reads `model.keras` and `features.npz`; writes `compressed.keras` and `compress.json`.

    Raises
    ------
    ConfigError
        When a technique is asked for that spotters do not have.
    BudgetError
        When no model within the limits can be reached.
    """
    check(config)
    seed_everything(config.train.seed)  # before any layer is made: Dropout draws its own seed then
    model = artifacts.load_model(build / "model.keras")
    features = feature_files.load(build / "features.npz", config.features)

    def measure(candidate: keras.Model) -> Cost:
        data = _quantize(candidate, features)
        return measure_tflite(data, board.processor, config.compile.optimize)

    technique = importlib.import_module(f"tinykit.compress.{config.compress.technique}")
    smaller, report = technique.compress(
        model,
        features,
        limits(config.budget, board),
        measure,
        config,
        progress,
        build / artifacts.CHECKPOINT,
    )
    artifacts.save_model(build / "compressed.keras", smaller)
    artifacts.save_json(
        build / "compress.json",
        {**report, **_size(smaller), "evaluation": evaluate_float(smaller, features, "testing")},
    )
    artifacts.forget_checkpoints(build)


def quantize(config: Config, build: Path, progress: Progress = silent) -> None:
    """Quantize the model to int8 and record what it answers.

    Reads `compressed.keras` and `features.npz`; writes `model.tflite`, `vectors.npz`,
    `quantize.json`. Accuracy is that of the golden interpreter.
    """
    model = artifacts.load_model(build / "compressed.keras")
    features = feature_files.load(build / "features.npz", config.features)
    data = _quantize(model, features)
    answers = {
        split: golden.outputs(data, features.x[split], progress, f"int8 model, {split}")
        for split in ("validation", "testing")
    }
    floating = evaluate_float(model, features, "testing")
    paths.write_bytes(build / "model.tflite", data)
    artifacts.save_arrays(
        build / "vectors.npz", golden.vectors(features, answers["testing"], config.test.vectors)
    )
    artifacts.save_json(
        build / "quantize.json",
        {
            "method": "post-training, int8, weights per channel, ranges by minimum and maximum",
            "calibration_clips": len(_calibration(features)),
            "tflite_bytes": len(data),
            "sha256": paths.sha256_bytes(data),
            "evaluation": golden.evaluate_int8(answers["testing"], features, "testing"),
            "validation": golden.evaluate_int8(answers["validation"], features, "validation"),
            "float_accuracy": floating.accuracy,
        },
    )


def check(config: Config) -> None:
    """Refuse what spotters cannot be compressed by, before anything is trained."""
    if config.compress.technique == "prune_units":
        raise ConfigError(
            "[compress] prune_units is for enhancers",
            'technique = "prune_channels", or "none" and a smaller [model] size or width',
        )
    if config.compress.skip:
        raise ConfigError(
            f"[compress] skip = {config.compress.skip:g} is for enhancers",
            "leave it out; a spotter that takes one hop at a time is [compile] stream = true",
        )


def _quantize(model: keras.Model, features: Features) -> bytes:
    return quantize_model(model, _calibration(features), features.spec, features.labels)


def _calibration(features: Features) -> np.ndarray:
    """Return clips spread evenly over the training split, clean and augmented ones."""
    x = features.x["training"]
    return x[:: max(1, len(x) // CALIBRATION_CLIPS)][:CALIBRATION_CLIPS]


def _size(model: keras.Model) -> dict[str, int]:
    """Return the parameters and multiply-accumulates of the folded network."""
    nodes = fold(model)
    return {"parameters": folded.parameters(nodes), "macs": folded.macs(nodes)}
