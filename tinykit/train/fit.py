"""Fitting a classifier: a flat loop over epochs and batches.

The order of the clips and their augmentation depend on the seed and the epoch alone, so a run that
was interrupted and resumed gives the same model as one that was not.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit.config import Train
from tinykit.errors import TinykitError
from tinykit.progress import Progress, silent
from tinykit.train import checkpoint as checkpoints
from tinykit.train.augment import augment
from tinykit.train.backend import keras, seed_everything
from tinykit.train.checkpoint import Checkpoint, Epoch, History, State
from tinykit.train.features import Features
from tinykit.train.metrics import predict
from tinykit.train.schedule import schedule


def fit(
    model: keras.Model,
    features: Features,
    config: Train,
    progress: Progress = silent,
    checkpoint: Path | None = None,
    what: str = "train",
) -> History[Epoch]:
    """Train `model` in place and leave it with the weights of its best epoch.

    The best epoch is the one with the highest validation accuracy, of equals the one with the
    lowest validation loss; with `config.keep = "last"` the last one counts as the best.

    Parameters
    ----------
    model : keras.Model
        (N, frames, width, 1) -> logits (N, classes).
    features : Features
        Its training and validation splits are used.
    config : Train
        Settings; `patience` epochs without a better one end the training.
    progress : Progress
        Called after each batch with the epoch's running loss and accuracy, and the best
        validation accuracy so far.
    checkpoint : Path, optional
        File (.npz) kept up to date after each epoch. When it exists and belongs to the same model,
        data and settings, training goes on from there. The caller removes it.
    what : str
        Name of the work for `progress`.

    Raises
    ------
    TinykitError
        When the loss becomes infinite or not a number.
    """
    seed_everything(config.seed)
    seen_clips = min(len(features.y["training"]), config.clips_per_epoch or sys.maxsize)
    steps = math.ceil(seen_clips / config.batch_size)
    _compile(model, config, steps)
    identity = _identity(model, features, config)
    now = _restore(model, checkpoint, identity) or Checkpoint[Epoch](State(identity, [], -1))
    x, targets = features.real("training"), _one_hot(features)
    history = now.state.history
    for epoch in range(len(history), config.epochs):
        if now.state.patience_is_over(config.patience):
            break
        random = np.random.default_rng((config.seed, epoch))
        order = random.permutation(len(x))[:seen_clips]
        best = history[now.state.best_epoch].validation_accuracy if history else 0.0
        sums, seen = np.zeros(2), 0
        for step in range(steps):
            batch = order[step * config.batch_size : (step + 1) * config.batch_size]
            clips, wanted = augment(x[batch], targets[batch], config, random)
            model.reset_metrics()
            sums += len(batch) * np.array(model.train_on_batch(clips, wanted), float)
            seen += len(batch)
            loss, accuracy = (sums / seen).tolist()
            if not math.isfinite(loss):
                raise TinykitError(
                    f"{what}: the loss became {loss} in epoch {epoch + 1}, step {step + 1}",
                    f"lower the learning rate ([train] learning_rate = {config.learning_rate:g})",
                )
            progress(
                what,
                epoch * steps + step + 1,
                config.epochs * steps,
                epoch=epoch + 1,
                loss=loss,
                accuracy=accuracy,
                validation=best,
            )
        validation = _validate(model, features)
        rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
        history.append(Epoch(loss, accuracy, *validation, rate))
        now.state.best_epoch = _best(history) if config.keep == "best" else epoch
        checkpoints.keep(model, now)
        if now.state.best_epoch == epoch:
            now.best = model.get_weights()
        if checkpoint:
            now.save(checkpoint)
    if now.best:
        model.set_weights(now.best)
    return History(history, now.state.best_epoch)


def _best(history: list[Epoch]) -> int:
    return max(
        range(len(history)),
        key=lambda i: (history[i].validation_accuracy, -history[i].validation_loss),
    )


def _compile(model: keras.Model, config: Train, steps: int) -> None:
    rate = schedule(config, steps * config.epochs)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=config.weight_decay),
        keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=config.label_smoothing
        ),
        metrics=["accuracy"],
        jit_compile=False,  # XLA on a CPU was 3 to 5 times slower
    )
    model.optimizer.build(model.trainable_variables)


def _validate(model: keras.Model, features: Features) -> tuple[float, float]:
    """Return the mean cross-entropy (no label smoothing) and the accuracy."""
    logits, expected = predict(model, features, "validation"), features.y["validation"]
    highest = logits.max(axis=1)
    log_total = highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))
    loss = log_total - logits[np.arange(len(logits)), expected]
    return float(loss.mean()), float((logits.argmax(axis=1) == expected).mean())


def _one_hot(features: Features) -> NDArray[np.float32]:
    return np.eye(len(features.labels), dtype=np.float32)[features.y["training"]]


def _identity(model: keras.Model, features: Features, config: Train) -> str:
    """Return a hash of all that determines the result."""
    data = b"".join(
        array.tobytes()
        for split in ("training", "validation")
        for array in (features.x[split], features.y[split])
    )
    return checkpoints.identity(model, data, msgspec.json.encode(config))


def _restore(model: keras.Model, path: Path | None, identity: str) -> Checkpoint[Epoch] | None:
    found = checkpoints.load(path, identity, Epoch) if path else None
    if found:
        checkpoints.restore(model, found)
    return found
