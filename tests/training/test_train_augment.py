"""SpecAugment and mix-up on batches of features."""

from __future__ import annotations

import numpy as np

from tinykit.config import Train
from tinykit.train.augment import augment, mask_frequency, mask_time, mix_up


def _batch(count: int = 50) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    x = random.normal(size=(count, 20, 8, 1)).astype(np.float32)
    return x, np.eye(5, dtype=np.float32)[np.arange(count) % 5]


def test_frequency_mask_hides_one_run_of_columns() -> None:
    """At most `widest` neighbouring columns become their mean over time; the rest stays."""
    x, _ = _batch()
    masked = mask_frequency(x, 3, np.random.default_rng(2))
    changed = (masked != x).any(axis=(1, 3))
    assert changed.any()
    for row, clip, after in zip(changed, x, masked, strict=True):
        places = np.flatnonzero(row)
        assert len(places) <= 3
        assert len(places) == 0 or len(places) == places[-1] - places[0] + 1
        hidden = after[:, row]
        np.testing.assert_allclose(
            hidden, np.broadcast_to(clip[:, row].mean(0), hidden.shape), atol=1e-6
        )


def test_mix_up_mixes_clips_and_targets_alike() -> None:
    """A row is a weighted mean of itself and one other row, and its target has the same weights."""
    x, targets = _batch()
    mixed, wanted = mix_up(x, targets, 0.5, np.random.default_rng(3))
    np.testing.assert_allclose(wanted.sum(axis=1), 1, atol=1e-6)
    assert (wanted.argmax(axis=1) == targets.argmax(axis=1)).all()  # at least half of it is itself
    assert mixed.dtype == wanted.dtype == np.float32
    flat, before = mixed.reshape(len(x), -1), x.reshape(len(x), -1)
    for row, target, own in zip(flat, wanted, range(len(x)), strict=True):
        share = 1 - float(target[targets[own].argmax()])
        if not 0.05 < share < 0.45:
            continue
        other = (row - (1 - share) * before[own]) / share
        assert np.abs(before - other).max(axis=1).min() < 1e-3


def test_mix_up_in_another_class_moves_its_target() -> None:
    """Some targets are shared between two classes."""
    _, wanted = mix_up(*_batch(), 1.0, np.random.default_rng(4))
    assert ((wanted > 0.01).sum(axis=1) == 2).any()


def test_what_is_off_draws_nothing() -> None:
    """With the defaults a batch is time-masked alone, by the same draws as ever."""
    x, targets = _batch()
    found, wanted = augment(x, targets, Train(time_mask=6), np.random.default_rng(5))
    np.testing.assert_array_equal(found, mask_time(x, 6, np.random.default_rng(5)))
    np.testing.assert_array_equal(wanted, targets)


def test_the_same_seed_repeats() -> None:
    """Masks and mixtures are functions of the generator."""
    config = Train(frequency_mask=4, mix_up=0.3)
    first, again = (augment(*_batch(), config, np.random.default_rng(6)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
