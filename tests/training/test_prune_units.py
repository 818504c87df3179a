"""Pruning of hidden units: what leaves, that nothing else changes, and that limits hold exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tinykit.compress import units
from tinykit.compress.prune_units import kept, prune
from tinykit.compress.thresholds import Thresholded
from tinykit.errors import BudgetError, ModelError
from tinykit.progress import silent
from tinykit.search.budget import Cost, Limit, Limits
from tinykit.train import checkpoint as checkpoints
from tinykit.train.backend import keras, seed_everything

layers = keras.layers
FRAMES, BANDS = 12, 10
MACS: Limits = {"macs": Limit(900, "[budget] macs")}


def network() -> keras.Model:
    """A network with a layer of each kind."""
    seed_everything(0)
    return keras.Sequential(
        [
            keras.Input((FRAMES, BANDS)),
            layers.LSTM(16, return_sequences=True, name="lstm"),
            layers.GRU(12, return_sequences=True, name="gru"),
            layers.Dense(12, use_bias=False, name="dense"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.Dense(BANDS, activation="sigmoid", name="mask"),
        ]
    )


def dense() -> keras.Model:
    """A network that trains fast, for what does not depend on the kind of layer."""
    seed_everything(0)
    return keras.Sequential(
        [
            keras.Input((FRAMES, BANDS)),
            layers.Dense(32, activation="relu", name="first"),
            layers.Dense(32, activation="tanh", name="second"),
            layers.Dense(BANDS, activation="sigmoid", name="mask"),
        ]
    )


def clips(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs, and a smoothed function of them as the target."""
    x = np.random.default_rng(seed).normal(size=(count, FRAMES, BANDS)).astype(np.float32)
    past = np.cumsum(x, axis=1) / np.arange(1, FRAMES + 1)[:, None]
    return x, 1 / (1 + np.exp(-3 * past.astype(np.float32)))


class Smoothing:
    """A small task that stops after `until` epochs, as if by an interruption."""

    def __init__(self, until: int = 1000) -> None:
        self.data, self.until, self.epochs = clips(64, 1), until, 0

    def fit(self, model: Any, epochs, learning_rate, what, progress, checkpoint, enough) -> None:
        """Train with Adam, from the checkpoint when there is one."""
        model.compile(keras.optimizers.Adam(5 * learning_rate), "mse", jit_compile=False)
        model(self.data[0][:1])
        model.optimizer.build(model.trainable_variables)
        variables = [*model.variables, *model.optimizer.variables]
        found = checkpoints.load(checkpoint, what, checkpoints.Epoch) if checkpoint else None
        done = 0
        if found:
            done = found.state.best_epoch
            for variable, value in zip(variables, found.variables, strict=True):
                variable.assign(value)
        for epoch in range(done, epochs):
            if enough and enough():
                return
            if self.epochs == self.until:
                raise KeyboardInterrupt
            self.epochs += 1
            for _ in range(5):
                model.train_on_batch(*self.data)
            progress(what, epoch + 1, epochs)
            if checkpoint:
                values = [np.asarray(v) for v in variables]
                state = checkpoints.State(what, [], epoch + 1)
                checkpoints.Checkpoint(state, values).save(checkpoint)

    def validate(self, model: keras.Model) -> dict[str, float]:
        """Return the error."""
        x, y = clips(32, 2)
        return {"error": float(np.mean((np.asarray(model(x)) - y) ** 2))}


def weights_cost(model: keras.Model) -> Cost:
    """A cost that needs no C compiler."""
    kernels = sum(
        axis.weight.shape[-1] * axis.weight.shape[-2] for axis in units.axes(model) if axis.kernel
    )
    return Cost(model.count_params() + 1000, sum(units.widths(model).values()) * 4, kernels)


def test_a_unit_leaves_all_gates_its_recurrent_row_and_its_reader() -> None:
    """Each weight of the smaller network has the shape that a layer of so many units has."""
    left = {"lstm": np.arange(5), "gru": np.arange(6), "dense": np.arange(7)}
    smaller = units.rebuild(network(), left)
    shapes = [tuple(weight.shape) for layer in smaller.layers for weight in layer.weights]
    assert shapes == [
        *[(BANDS, 20), (5, 20), (20,)],
        *[(5, 18), (6, 18), (2, 18)],
        *[(6, 7), (7,), (7,), (7,), (7,)],
        *[(7, BANDS), (BANDS,)],
    ]


def test_the_smaller_network_computes_what_the_masked_one_does() -> None:
    """Removing units whose mask is zero changes no output; the masks do change it."""
    model = network()
    masked = Thresholded(model, MACS)
    x, _ = clips(4, 3)
    model.get_layer("norm").moving_mean.assign(np.linspace(-1, 1, 12))
    np.testing.assert_allclose(masked(x), model(x), atol=1e-6)
    masked.thresholds.assign(np.array([0.2, 0.2, 0.2]))
    left = {name: np.flatnonzero(margin >= 0) for name, margin in masked.margins().items()}
    assert all(0 < len(left[name]) < width for name, width in units.widths(model).items())
    smaller = units.rebuild(model, left)
    np.testing.assert_allclose(smaller(x), masked(x), atol=1e-6)
    assert np.abs(smaller(x) - model(x)).max() > 1e-3


def test_the_penalty_raises_thresholds_only_while_the_cost_is_over_a_limit() -> None:
    """Over its limit the estimate pushes every threshold up; within it, it does not."""
    x, y = clips(16, 3)
    moved = {}
    for limit in (500, 10**6):
        masked = Thresholded(dense(), {"macs": Limit(limit, "test")})
        masked.strength.assign(100.0)
        before = np.asarray(masked.thresholds).copy()
        masked.compile(
            keras.optimizers.Adam(1e-3), lambda wanted, given: 0 * given, run_eagerly=True
        )
        for _ in range(3):
            masked.train_on_batch(x, y)
        moved[limit] = np.asarray(masked.thresholds) - before
    assert (moved[500] > 1e-3).all()
    assert (moved[10**6] == 0).all()


def test_the_estimate_is_the_measured_cost_where_it_was_measured() -> None:
    """The excess over each limit is exact for the widths of the anchor."""
    model = network()
    limits: Limits = {"flash_bytes": Limit(2000, "a"), "macs": Limit(1000, "b")}
    masked = Thresholded(model, limits)
    cost = Cost(flash_bytes=5000, ram_bytes=700, macs=4000)
    masked.anchor(units.widths(model), cost)
    excess = np.asarray(masked._excess(units.widths(model)))
    np.testing.assert_allclose(excess, [1.5, -1.0, 3.0], rtol=1e-5)


def test_units_are_kept_in_blocks_by_their_margin() -> None:
    """What is above the threshold stays, filled up to a multiple of four by the next best."""
    margins = {"a": np.array([0.1, -0.3, 0.2, -0.1, 0.3, -0.2, 0.5, 0.4, -0.5], np.float32)}
    np.testing.assert_array_equal(kept(margins)["a"], [0, 1, 2, 3, 4, 5, 6, 7])
    np.testing.assert_array_equal(kept(margins, 0.25)["a"], [2, 4, 6, 7])
    np.testing.assert_array_equal(kept(margins, 9.0)["a"], [2, 4, 6, 7])


def test_pruning_goes_on_until_the_limit_holds() -> None:
    """The result is within every limit, dense and smaller, and better than nothing learned."""
    model, training = dense(), Smoothing()
    training.fit(model, 5, 1e-3, "train", silent, None, None)
    before = training.validate(model)
    smaller, report = prune(model, training, MACS, weights_cost, epochs=(30, 12))
    cost = weights_cost(smaller)
    assert cost.macs <= 900 < weights_cost(model).macs
    assert report["lift"] <= 0.0, "the penalty alone reached the limit"
    assert cost.macs > 750, "and the limit is used"
    assert report["steps"][0]["widths"] == report["widths_before"], "at first nothing is gone"
    assert report["after"]["macs"] == cost.macs
    assert report["after"]["error"] < report["pruned"]["error"] + 1e-6
    assert report["after"]["error"] < 2 * before["error"]
    assert units.widths(smaller) == report["widths_after"]


def test_thresholds_rise_together_when_the_epochs_run_out() -> None:
    """Without an epoch of training the limit holds all the same."""
    smaller, report = prune(dense(), Smoothing(), MACS, weights_cost, epochs=(0, 0))
    assert weights_cost(smaller).macs <= 900
    assert report["lift"] > 0


def test_a_network_within_the_limits_is_returned_itself() -> None:
    """Nothing is done where nothing needs to be."""
    model = dense()
    same, report = prune(model, Smoothing(), {"macs": Limit(10**9, "x")}, weights_cost)
    assert same is model
    assert not report["changed"]


def test_a_limit_that_cannot_be_met_names_the_smallest_dense() -> None:
    """The error says what the smallest network needs, and by how much that is too much."""
    with pytest.raises(
        BudgetError, match=r"4 units in every layer .* MACs, over \[budget\]"
    ) as error:
        prune(dense(), Smoothing(), {"macs": Limit(10, "[budget] macs")}, weights_cost)
    assert "the smallest that pruning reaches is" in error.value.hint


def test_an_interrupted_pruning_goes_on_to_the_same_network(tmp_path) -> None:
    """Interrupted while units go and again while fine-tuning, the result is the same."""
    training = Smoothing()
    whole, _ = prune(dense(), training, MACS, weights_cost, epochs=(30, 3))
    path = tmp_path / "checkpoint.npz"
    for until in (1, training.epochs - 2):  # while units go; before the last epoch of all
        with pytest.raises(KeyboardInterrupt):
            prune(dense(), Smoothing(until), MACS, weights_cost, epochs=(30, 3), checkpoint=path)
    resumed, _ = prune(dense(), Smoothing(), MACS, weights_cost, epochs=(30, 3), checkpoint=path)
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    again, _ = prune(dense(), Smoothing(0), MACS, weights_cost, epochs=(30, 3), checkpoint=path)
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)  # what was whole is not trained again


def test_units_that_something_else_reads_stay() -> None:
    """Units are followed through a concatenation; what a sum reads stays, and the output."""
    source = keras.Input((FRAMES, BANDS))
    first = layers.GRU(8, return_sequences=True, name="first")(source)
    second = layers.GRU(12, return_sequences=True, name="second")(first)
    both = layers.Concatenate()([first, second])
    left = layers.BatchNormalization()(layers.Dense(8, name="left")(both))
    right = layers.Dense(8, name="right")(layers.Dense(4, name="inner")(both))
    model = keras.Model(source, layers.Dense(3, name="out")(layers.Add()([left, right])))
    assert units.widths(model) == {"first": 8, "second": 12, "inner": 4}
    gone = {"first": [0, 5], "second": [2], "inner": [1]}
    left_over = {
        name: np.setdiff1d(np.arange(units.widths(model)[name]), g) for name, g in gone.items()
    }
    smaller = units.rebuild(model, left_over)
    for name, units_gone in gone.items():  # nobody reads them: no output may change
        for axis in units.axes(model):
            first_row = 0
            for part, count in axis.rows:
                if part == name:
                    weight = np.asarray(axis.weight).copy()
                    weight[..., first_row + np.array(units_gone), :] = 0
                    axis.weight.assign(weight)
                first_row += count
    x, _ = clips(3, 1)
    np.testing.assert_allclose(smaller(x), model(x), atol=1e-6)


def test_a_network_without_such_units_is_named() -> None:
    """The error says which network, and whose units can go."""
    model = keras.Sequential([keras.Input((FRAMES, BANDS)), layers.Dense(8)], name="tiny")
    with pytest.raises(ModelError, match="'tiny'"):
        units.widths(model)
