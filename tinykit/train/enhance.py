"""Fitting an enhancer: a flat loop over mixtures that are made as they are needed.

The mixtures depend on the seed and their numbers alone, so a run that was interrupted and resumed
gives the same model as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit.audio import float_stft, mixtures
from tinykit.audio.mixtures import Sources
from tinykit.audio.split import Split
from tinykit.audio.stft_spec import StftSpec
from tinykit.audio.wav import FULL_SCALE
from tinykit.config import Enhance, Mixtures, Train
from tinykit.errors import TinykitError
from tinykit.progress import Progress, silent
from tinykit.train import checkpoint as checkpoints
from tinykit.train.backend import keras, seed_everything
from tinykit.train.checkpoint import Checkpoint, History, State
from tinykit.train.enhancement_loss import EnhancementLoss, targets
from tinykit.train.schedule import schedule

CLIP_NORM = 3.0
"""Of the gradient of all weights: a recurrence now and then has one that would undo much."""

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


class HeardEpoch(msgspec.Struct, frozen=True):
    """Figures of one epoch; losses are those that `[enhance]` weighs."""

    loss: float
    validation_loss: float
    learning_rate: float


def batch(
    sources: Sources,
    split: Split,
    settings: Mixtures,
    spec: StftSpec,
    numbers: list[int],
    seed: int = 0,
) -> Batch:
    """Return the mixtures of these numbers: features (N, frames, bands), and `targets` for them.

    Another seed mixes other ones.
    """
    made = [mixtures.draw(sources, split, settings, seed, number) for number in numbers]
    noisy, clean = (
        _spectra([getattr(one, what) for one in made], spec) for what in ("noisy", "clean")
    )
    return float_stft.features(noisy, spec), targets(noisy, clean, spec)


def fit(
    model: keras.Model,
    sources: Sources,
    settings: Mixtures,
    spec: StftSpec,
    config: Train,
    losses: Enhance,
    progress: Progress = silent,
    checkpoint: Path | None = None,
    what: str = "train",
    enough: Callable[[], bool] | None = None,
) -> History[HeardEpoch]:
    """Train `model` in place and leave it with the weights of its best epoch.

    The best epoch is the one with the lowest validation loss; with `config.keep = "last"` the last
    one counts as the best.

    Parameters
    ----------
    model : keras.Model
        Features (N, frames, bands) -> gains (N, frames, bands).
    sources, settings, spec
        What the mixtures are made of, and how; the transform.
    config : Train
        `epochs`, `batch_size`, `learning_rate`, `weight_decay`, `patience`, `keep` and `seed`.
    losses : Enhance
        What is made small.
    progress : Progress
        Called after each batch with the epoch's running loss and the best validation loss.
    checkpoint : Path, optional
        File (.npz) kept up to date after each epoch. When it exists and belongs to the same model,
        data and settings, training goes on from there. The caller removes it.
    what : str
        Name of the work for `progress`.
    enough : callable, optional
        Asked before each epoch whether to stop; it may change variables of the model.

    Raises
    ------
    TinykitError
        When the loss becomes infinite or not a number.
    """
    seed_everything(config.seed)
    steps = math.ceil(settings.per_epoch / config.batch_size)
    _compile(model, spec, config, losses, steps)
    identity = _identity(model, sources, [settings, spec, config, losses])
    found = checkpoints.load(checkpoint, identity, HeardEpoch) if checkpoint else None
    if found:
        checkpoints.restore(model, found)
    now = found or Checkpoint[HeardEpoch](State(identity, [], -1))
    history = now.state.history
    for epoch in range(len(history), config.epochs):
        if now.state.patience_is_over(config.patience):
            break
        if enough and enough():
            break
        best = history[now.state.best_epoch].validation_loss if history else math.nan
        total = 0.0
        for step in range(steps):
            first = (epoch * steps + step) * config.batch_size
            numbers = list(range(first, first + config.batch_size))
            mixed = batch(sources, "training", settings, spec, numbers, config.seed)
            total += float(model.train_on_batch(*mixed))
            model.reset_metrics()
            loss = total / (step + 1)
            if not math.isfinite(loss):
                raise TinykitError(
                    f"{what}: the loss became {loss} in epoch {epoch + 1}, step {step + 1}",
                    f"lower the learning rate ([train] learning_rate = {config.learning_rate:g})",
                )
            done = epoch * steps + step + 1
            progress(what, done, config.epochs * steps, epoch=epoch + 1, loss=loss, validation=best)
        validation = validate(model, sources, settings, spec, config.batch_size)
        rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
        history.append(HeardEpoch(loss, validation, rate))
        lowest = min(range(len(history)), key=lambda i: history[i].validation_loss)
        now.state.best_epoch = lowest if config.keep == "best" else epoch
        checkpoints.keep(model, now)
        if now.state.best_epoch == epoch:
            now.best = model.get_weights()
        if checkpoint:
            now.save(checkpoint)
    if now.best:
        model.set_weights(now.best)
    return History(history, now.state.best_epoch)


def validate(
    model: keras.Model, sources: Sources, settings: Mixtures, spec: StftSpec, batch_size: int
) -> float:
    """Return the mean loss of a compiled model on the validation mixtures."""
    total = 0.0
    for first in range(0, settings.validation, batch_size):
        numbers = list(range(first, min(first + batch_size, settings.validation)))
        x, wanted = batch(sources, "validation", settings, spec, numbers)
        total += len(x) * float(model.test_on_batch(x, wanted))
        model.reset_metrics()
    return total / settings.validation


def _spectra(parts: list[NDArray[np.int16]], spec: StftSpec) -> NDArray[np.complex64]:
    whole = len(parts[0]) // spec.hop_samples * spec.hop_samples
    samples = np.stack(parts)[:, :whole].astype(np.float32) / np.float32(FULL_SCALE)
    return float_stft.spectra(samples, spec)


def _compile(
    model: keras.Model, spec: StftSpec, config: Train, losses: Enhance, steps: int
) -> None:
    model.compile(
        keras.optimizers.AdamW(
            schedule(config, steps * config.epochs),
            weight_decay=config.weight_decay,
            global_clipnorm=CLIP_NORM,
        ),
        EnhancementLoss(spec, losses),
        # XLA is what JAX runs on; TensorFlow's on a CPU was 3 to 5 times slower than without
        jit_compile=keras.backend.backend() == "jax",
    )
    model.optimizer.build(model.trainable_variables)


def _identity(model: keras.Model, sources: Sources, settings: list[msgspec.Struct]) -> str:
    """Return a hash of all that determines the result."""
    data = b"".join(
        f"{split} {name} {len(samples)}".encode() + samples[:1000].tobytes()
        for kind in (sources.speech, sources.noise)
        for split, recordings in kind.items()
        for name, samples in recordings.items()
    )
    return checkpoints.identity(model, data, msgspec.json.encode(settings))
