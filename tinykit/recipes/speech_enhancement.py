"""Speech enhancement: from clean speech and noise to an integer .tflite with its golden vectors.

Three stages, each from files of the build folder to files of the build folder.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit import paths
from tinykit.audio import enhancement_sources, enhancer, mixtures
from tinykit.audio.mixtures import Sources
from tinykit.audio.stft_spec import StftSpec
from tinykit.board import Board
from tinykit.compiler.golden import Golden
from tinykit.compress.prune_units import prune
from tinykit.compress.skip_updates import as_heard, gated, teach
from tinykit.config import Config
from tinykit.errors import ConfigError, DataError
from tinykit.models import enhancers
from tinykit.progress import Progress, silent
from tinykit.quantize import enhancement
from tinykit.quantize import nodes as folded
from tinykit.recipes import artifacts
from tinykit.recipes.enhanced_audio import (
    by_ratio,
    enhanced,
    enhanced_in_float,
    features_of,
    test_mixtures,
)
from tinykit.search.budget import Cost, limits, require
from tinykit.search.cost import measure
from tinykit.train.backend import keras, seed_everything
from tinykit.train.enhance import batch, fit
from tinykit.train.enhancement_task import EnhancementTask

CALIBRATION_MIXTURES = 64  # of the training split
QUANTIZATION_RATE = 0.1  # of the learning rate of training, on the integers' grids
SKIPPING_RATE = 0.3  # of the learning rate of fine-tuning, while an enhancer learns to skip


def train(config: Config, folder: Path, build: Path, progress: Progress = silent) -> None:
    """Train the float model on mixtures that are drawn as they are needed.

    Writes `data.json`, `features.npz` (what quantizing and measuring need), `model.keras`,
    `train.json`. After an interruption, the next call goes on from the last whole epoch.

    Parameters
    ----------
    folder : Path
        The project, from which relative paths in `[mixtures]` start.
    build : Path
        Where artifacts lie.
    """
    _check(config)
    spec, settings = config.spectrum, config.mixtures
    sources = enhancement_sources.load(settings, spec.sample_rate_hz, folder, progress)
    seed_everything(config.train.seed)
    model = enhancers.build(config.model, spec)
    checkpoint = build / artifacts.CHECKPOINT
    history = fit(
        model, sources, settings, spec, config.train, config.enhance, progress, checkpoint
    )
    calibration = [
        mixtures.draw(sources, "training", settings, "calibration", number).noisy
        for number in range(CALIBRATION_MIXTURES)
    ]
    tested = test_mixtures(sources, settings.seed)
    arrays = {
        "calibration": np.stack([features_of(noisy, spec) for noisy in calibration]),
        "noisy": np.stack([one.noisy for one in tested]),
        "clean": np.stack([one.clean for one in tested]),
        "snr_db": np.array([one.snr_db for one in tested]),
    }
    artifacts.save_arrays(build / "features.npz", arrays)
    artifacts.save_json(build / "data.json", statistics(sources))
    artifacts.save_model(build / "model.keras", model)
    artifacts.save_json(
        build / "train.json",
        {
            "architecture": config.model.architecture,
            **_size(model),
            "seed": config.train.seed,
            "epochs": history.epochs,
            "best_epoch": history.best_epoch,
        },
    )
    artifacts.forget_checkpoints(build)


def compress(config: Config, board: Board, build: Path, progress: Progress = silent) -> None:
    """Hold the model to the budget, by default the board's memory.

    Prunes it, and teaches it to skip inferences, where that is asked for: both train on the
    mixtures; relative paths in `[mixtures]` start at the folder that `build` is in. Reads
    `model.keras` and `features.npz`; writes `compressed.keras` and `compress.json`.

    Raises
    ------
    ConfigError
        When a technique is asked for that enhancers do not have.
    BudgetError
        When no model within the limits can be reached.
    """
    _check(config)
    settings, allowed = config.compress, limits(config.budget, board)
    seed_everything(config.train.seed)
    model = artifacts.load_model(build / "model.keras")
    features = load_arrays(build / "features.npz")

    optimize = config.compile.optimize

    def cost(candidate: keras.Model) -> Cost:
        data = _quantize(gated(candidate) if settings.skip else candidate, features, config)
        return measure(data, board.processor, optimize)

    smaller, report = model, dict[str, Any](technique="none")
    if settings.technique == "none":
        hint = 'a smaller [model], or [compress] technique = "prune_units"'
        require(cost(model), allowed, "compress: the network needs", hint)
    else:
        smaller, report = prune(
            model,
            _task(config, build, progress),
            allowed,
            cost,
            (settings.pruning_epochs, settings.epochs),
            (settings.learning_rate, settings.learning_rate),
            progress,
            build / artifacts.CHECKPOINT,
        )
    if settings.skip:
        smaller, report["skipping"] = _skipping(smaller, config, build, progress)
        after = measure(_quantize(smaller, features, config), board.processor, optimize)
        require(after, allowed, "compress: with its gate the network needs", "allow a little more")
    artifacts.save_model(build / "compressed.keras", smaller)
    artifacts.save_json(build / "compress.json", {**report, **_size(smaller)})
    artifacts.forget_checkpoints(build)


def quantize(config: Config, build: Path, progress: Progress = silent) -> None:
    """Quantize the model and record what it answers, and how it sounds.

    Reads `compressed.keras` and `features.npz`; writes `model.tflite`, `vectors.npz`,
    `mixtures.npz` and `quantize.json`. Measures are those of the golden interpreter's gains in the
    integer transforms, as on the device.
    """
    model = artifacts.load_model(build / "compressed.keras")
    features, spec = load_arrays(build / "features.npz"), config.spectrum
    epochs, checkpoint = config.enhance.quantization_epochs, build / artifacts.CHECKPOINT
    if epochs:
        task = _task(config, build, progress)
        rate = config.train.learning_rate * QUANTIZATION_RATE
        data = _quantize(
            model,
            features,
            config,
            lambda network: task.fit(
                network, epochs, rate, "train int8", progress, checkpoint, None
            ),
        )
    else:
        data = _quantize(model, features, config)
    recordings = list(features["noisy"])
    heard = as_heard(model, spec.scale)
    floating = enhanced_in_float(heard, recordings, spec)
    integer = []
    with Golden(data) as golden:
        for number, one in enumerate(recordings):
            answers = enhancement.by_frame(golden)
            integer.append(
                enhanced(one, spec, answers if heard is model else enhancer.Skipping(answers))
            )
            progress("int8 model", number + 1, len(recordings))
        frames = _spread(recordings, spec, config.test.vectors)
        expected = enhancement.from_rest(golden, frames)
    paths.write_bytes(build / "model.tflite", data)
    artifacts.save_arrays(build / "vectors.npz", {"x": frames, "y": expected})
    mixed = {name: features[name] for name in ("noisy", "clean", "snr_db")}
    artifacts.save_arrays(build / "mixtures.npz", {**mixed, "float": np.stack(floating)})
    sounds = {"noisy": recordings, "float": floating, "int8": integer}
    wide = config.enhance.activations == "int16"
    artifacts.save_json(
        build / "quantize.json",
        {
            "method": (f"trained for {epochs} epochs" if epochs else "post-training")
            + ", weights int8 per channel, activations and states "
            + ("int16" if wide else "int8")
            + (", learned ranges" if epochs else ", ranges by minimum and maximum"),
            "calibration_clips": len(features["calibration"]),
            "tflite_bytes": len(data),
            "sha256": paths.sha256_bytes(data),
            "quality": by_ratio(sounds, features["clean"], features["snr_db"], spec),
        },
    )
    artifacts.forget_checkpoints(build)


def _spread(recordings: list[NDArray[np.int16]], spec: StftSpec, count: int) -> NDArray[np.int8]:
    """Return `count` frames of features out of all recordings; 0: all frames."""
    frames = np.concatenate([features_of(one, spec) for one in recordings])
    return frames[:: max(1, len(frames) // count)][:count] if count else frames


def statistics(sources: Sources) -> dict[str, Any]:
    """Return what the report says of the data."""
    rate_hz = sources.sample_rate_hz

    def seconds(parts: Any) -> float:
        return round(sum(map(len, parts.values())) / rate_hz, 1)

    return {
        "source": "synthetic" if sources.synthetic else "recordings",
        "mixtures": {
            split: {
                "speakers": len(sources.speech[split]),
                "speech_seconds": seconds(sources.speech[split]),
                "noises": len(sources.noise[split]),
                "noise_seconds": seconds(sources.noise[split]),
            }
            for split in sources.speech
        },
    }


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Load what `train` put aside, or raise DataError."""
    names = ("calibration", "noisy", "clean", "snr_db")
    try:
        with path.open("rb") as opened, np.load(opened) as file:
            return {name: file[name] for name in names}
    except Exception as reason:  # a damaged file fails in many ways
        raise DataError(f"{path}: damaged: {reason}", "delete it and train again") from None


def _task(config: Config, build: Path, progress: Progress) -> EnhancementTask:
    """Return the task; relative paths in `[mixtures]` start at the folder that `build` is in."""
    rate_hz = config.spectrum.sample_rate_hz
    sources = enhancement_sources.load(config.mixtures, rate_hz, build.parent, progress)
    return EnhancementTask(sources, config.mixtures, config.spectrum, config.train, config.enhance)


def _check(config: Config) -> None:
    """Refuse what enhancers cannot be compressed by, before anything is trained."""
    settings = config.compress
    if settings.technique not in ("none", "prune_units"):
        raise ConfigError(
            f"[compress] {settings.technique} is not for enhancers",
            'technique = "prune_units", or "none" and a smaller [model] size or width',
        )
    if settings.skip and config.enhance.quantization_epochs:
        raise ConfigError(
            "[enhance] quantization_epochs: an enhancer that skips cannot be trained on the "
            "integers' grids",
            "quantization_epochs = 0, or [compress] skip = 0",
        )


def _skipping(
    model: keras.Model, config: Config, build: Path, progress: Progress
) -> tuple[keras.Model, dict[str, Any]]:
    """Return the model that has learned to skip inferences, and what was done."""
    settings, task = config.compress, _task(config, build, progress)
    numbers = list(range(task.mixtures.validation))
    x, _ = batch(task.sources, "validation", task.mixtures, task.spec, numbers)
    return teach(
        model,
        task,
        x,
        settings.skip,
        task.spec.scale,
        settings.skipping_epochs,
        settings.learning_rate * SKIPPING_RATE,
        progress,
        (build / artifacts.CHECKPOINT).with_suffix(".skip.npz"),
    )


def _quantize(
    model: keras.Model,
    features: dict[str, NDArray[Any]],
    config: Config,
    train: Callable[[keras.Model], object] | None = None,
) -> bytes:
    wide = config.enhance.activations == "int16"
    calibration = features["calibration"]
    return enhancement.quantize(model, calibration, config.spectrum, wide=wide, train=train)


def _size(model: keras.Model) -> dict[str, int]:
    """Return the parameters, and the multiply-accumulates of a frame, of the folded network."""
    nodes = enhancement.folded(model)
    return {"parameters": folded.parameters(nodes), "macs": folded.macs(nodes)}
