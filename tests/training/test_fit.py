"""Fitting: it learns, it repeats, it resumes."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tests.training.conftest import LABELS, QUICK, SMALL, SPEC, easy_features
from tinykit import models
from tinykit.errors import TinykitError
from tinykit.train.backend import keras, seed_everything
from tinykit.train.checkpoint import Checkpoint, State
from tinykit.train.fit import fit
from tinykit.train.metrics import evaluate_float


def build():
    """Return the network that `trained` started from."""
    seed_everything(0)
    return models.build(SMALL, SPEC, len(LABELS))


def test_fit_learns_the_easy_task(trained, features):
    """A few epochs lift accuracy on unseen clips far above chance (one in three)."""
    assert evaluate_float(trained, features, "testing").accuracy > 0.8


def test_same_seed_gives_the_same_weights(trained, features):
    """Training twice from one seed ends in equal weights, bit for bit."""
    again = build()
    fit(again, features, QUICK)
    for first, second in zip(trained.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_another_seed_gives_other_weights():
    """The seed matters: another one orders the clips differently."""
    few = easy_features(training=32)
    ends = []
    for seed in (0, 1):
        model = build()
        fit(model, few, msgspec.structs.replace(QUICK, epochs=1, seed=seed))
        ends.append(model.get_weights()[0])
    assert not np.array_equal(*ends)


def test_interrupted_training_resumes_to_the_same_model(trained, features, tmp_path):
    """Ctrl-C in the second epoch, then a rerun: the model equals one never interrupted."""
    file = tmp_path / "checkpoint.npz"

    def interrupt(what, done, total, **figures):
        if figures["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(build(), features, QUICK, interrupt, file)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz"]

    epochs = []
    resumed = build()
    history = fit(
        resumed, features, QUICK, lambda *a, **figures: epochs.append(figures["epoch"]), file
    )
    assert min(epochs) == 2
    assert len(history.epochs) == QUICK.epochs
    for first, second in zip(trained.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("content", [None, b"PK\x03\x04 nonsense"])
def test_foreign_checkpoint_is_not_resumed(content, tmp_path):
    """A checkpoint of other settings, or a damaged one, is ignored: training starts anew."""
    few = easy_features(training=5)  # less than a batch: one step an epoch
    file = tmp_path / "checkpoint.npz"
    config = msgspec.structs.replace(QUICK, epochs=1)
    if content is None:
        Checkpoint(State("another identity", [], -1)).save(file)
    else:
        file.write_bytes(content)
    steps = []
    fit(build(), few, config, lambda what, done, total, **f: steps.append(done), file)
    assert steps == [1]


def test_model_keeps_its_best_epoch(run, features):
    """After training, the model scores what the history says of the best epoch."""
    best = max(epoch.validation_accuracy for epoch in run.history.epochs)
    assert run.history.best.validation_accuracy == best
    assert evaluate_float(run.model, features, "validation").accuracy == pytest.approx(best)


def test_patience_ends_training_early(features):
    """With a learning rate of nothing, no epoch is better and patience stops the run."""
    config = msgspec.structs.replace(QUICK, epochs=9, learning_rate=0.0, patience=1)
    frozen = build()
    for layer in frozen.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 1.0  # else its moving averages would still change
    assert len(fit(frozen, features, config).epochs) == 2


def test_diverging_training_is_an_error_with_a_hint(features):
    """A loss that is no number stops the training and names the learning rate."""
    model = build()
    weights = model.get_weights()
    model.set_weights([np.full_like(weights[0], np.nan), *weights[1:]])
    with pytest.raises(TinykitError, match="nan in epoch 1") as error:
        fit(model, features, QUICK)
    assert "learning_rate" in error.value.hint


def test_progress_counts_every_batch(run):
    """Progress runs from 1 to the total, in steps of one batch."""
    total = 12 * QUICK.epochs  # 192 clips in batches of 16
    assert run.calls == [("train", step, total) for step in range(1, total + 1)]


def test_epoch_of_fewer_clips(features):
    """`clips_per_epoch` draws so many clips anew for each epoch."""
    config = msgspec.structs.replace(QUICK, epochs=2, clips_per_epoch=40)
    steps = []
    fit(build(), features, config, lambda what, done, total, **f: steps.append((done, total)))
    assert steps == [(step, 6) for step in range(1, 7)]  # 40 clips in batches of 16: 3 steps


def test_last_weights_are_kept_when_asked(features):
    """With `keep = "last"` no epoch is chosen by validation: the last one counts."""
    config = msgspec.structs.replace(QUICK, keep="last", patience=0)
    model = build()
    history = fit(model, features, config)
    assert history.best_epoch == QUICK.epochs - 1
    found = evaluate_float(model, features, "validation").accuracy
    assert found == pytest.approx(history.epochs[-1].validation_accuracy)
