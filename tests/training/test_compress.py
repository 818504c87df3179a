"""Channel pruning: what it removes, and that budgets hold exactly."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tests.training.conftest import LABELS, QUICK, SPEC
from tinykit import board
from tinykit.compress import channels, importance, none, prune_channels, widths
from tinykit.config import Budget, Compress, Config, Project
from tinykit.errors import BudgetError, ModelError
from tinykit.quantize.fold import fold
from tinykit.quantize.nodes import Linear
from tinykit.quantize.post_training import quantize
from tinykit.search.budget import Cost, Limit, limits
from tinykit.search.cost import measure
from tinykit.train.backend import keras
from tinykit.train.features import Features
from tinykit.train.fit import fit
from tinykit.train.metrics import predict

layers = keras.layers
BOARD = board.find("mps2-an386")
CONFIG = Config(
    project=Project(name="t", task="keyword-spotting", board=BOARD.id),
    train=QUICK,
    compress=Compress(epochs=1, learning_rate=1e-2),
)


def weights_cost(model: keras.Model) -> Cost:
    """A cost that needs no C compiler: bytes of weights, of the largest activation, and MACs."""
    linear = [node for node in fold(model) if isinstance(node, Linear)]
    return Cost(
        flash_bytes=sum(node.weights.size + 12 * len(node.bias) for node in linear),
        ram_bytes=max(int(np.prod(node.shape)) for node in linear),
        macs=sum(node.macs for node in linear),
    )


def flattened() -> keras.Model:
    """A network in which a flattened image is read by a dense layer, and that by another."""
    return keras.Sequential(
        [
            keras.Input((SPEC.frames, SPEC.width, 1)),
            layers.Conv2D(6, 3, strides=4, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.Flatten(name="flat"),
            layers.Dense(8, activation="relu", name="hidden"),
            layers.Dense(len(LABELS), name="logits"),
        ]
    )


def silence(model: keras.Model, group: channels.Group, gone: list[int]) -> None:
    """Zero the weights with which a group's consumer reads the channels `gone`."""
    consumer = model.get_layer(group.consumer)
    kernel, *rest = consumer.get_weights()
    by_channel = kernel.reshape(*kernel.shape[:-2], group.positions, group.width, kernel.shape[-1])
    by_channel[..., gone, :] = 0
    consumer.set_weights([kernel, *rest])


@pytest.mark.parametrize("build", ["ds_cnn", "flattened"])
def test_removing_channels_that_nobody_reads_changes_nothing(build, trained, features):
    """The smaller network computes exactly what the larger one does without those channels."""
    model = keras.models.clone_model(trained) if build == "ds_cnn" else flattened()
    if build == "ds_cnn":
        model.set_weights(trained.get_weights())
    kept = {}
    for group in channels.groups(model):
        gone = [1, group.width - 2]
        silence(model, group, gone)
        kept[group.name] = np.setdiff1d(np.arange(group.width), gone)
    smaller = channels.rebuild(model, kept)
    assert smaller.count_params() < model.count_params()
    np.testing.assert_allclose(
        predict(smaller, features, "testing"), predict(model, features, "testing"), atol=1e-5
    )


def test_groups_follow_channels_to_their_reader(trained):
    """Each convolution's channels belong to the next pointwise or dense layer; classes stay."""
    pairs = [(group.name, group.consumer) for group in channels.groups(trained)]
    assert pairs == [
        ("stem_conv", "block1_pointwise"),
        ("block1_pointwise", "block2_pointwise"),
        ("block2_pointwise", "logits"),
    ]


def test_layer_that_hides_channels_is_named():
    """A reshape that mixes channels with places is an error naming the layer."""
    model = keras.Sequential(
        [
            keras.Input((SPEC.frames, SPEC.width, 1)),
            layers.Conv2D(4, 3, padding="same", name="conv"),
            layers.Reshape((SPEC.frames, 4, SPEC.width), name="mixed"),
            layers.Conv2D(4, 3, name="next"),
        ]
    )
    with pytest.raises(ModelError, match="'mixed'"):
        channels.groups(model)


def test_constant_and_unread_channels_have_no_share(trained, features):
    """A channel that never changes, or that nobody reads, matters not at all; shares sum to 1."""
    model = keras.models.clone_model(trained)
    model.set_weights(trained.get_weights())
    groups = channels.groups(model)
    silence(model, groups[0], [3])
    gamma, *rest = model.get_layer("block1_pointwise_norm").get_weights()
    gamma[5] = 0  # the normalization now gives a constant
    model.get_layer("block1_pointwise_norm").set_weights([gamma, *rest])
    shares = importance.shares(fold(model), groups, features.real("training"))
    assert shares["stem_conv"][3] == 0
    # its depthwise filter still sees the border of the image
    assert shares["block1_pointwise"][5] < np.median(shares["block1_pointwise"])
    assert all(np.isclose(share.sum(), 1) for share in shares.values())


@pytest.mark.parametrize("metric", ["flash_bytes", "ram_bytes", "macs"])
def test_path_only_narrows_and_ends_at_the_smallest(metric, trained, features):
    """Along the path every width and every cost falls or stays, down to four channels each."""
    groups, nodes = channels.groups(trained), fold(trained)
    shares = importance.shares(nodes, groups, features.real("training"))
    cost = weights_cost(trained)
    path = widths.by_importance(nodes, groups, shares, cost, {metric: Limit(1, "test")})
    assert path[0] == {group.name: group.width for group in groups}
    assert set(path[-1].values()) == {widths.SMALLEST}
    for wider, narrower in itertools.pairwise(path):
        changed = [name for name in wider if wider[name] != narrower[name]]
        assert len(changed) == 1
        assert narrower[changed[0]] < wider[changed[0]]


def test_even_path_keeps_layers_alike(trained):
    """Every group has the same width, a multiple of four, down to the smallest."""
    path = widths.evenly(channels.groups(trained))
    assert [set(step.values()) for step in path] == [{8}, {4}]


def test_path_spares_what_the_limit_does_not_concern(trained, features):
    """Channels after the last convolution's pooling cost no MACs there: others go first."""
    groups, nodes = channels.groups(trained), fold(trained)
    equal = {group.name: np.full(group.width, 1 / group.width) for group in groups}
    macs = widths.by_importance(
        nodes, groups, equal, weights_cost(trained), {"macs": Limit(1, "test")}
    )
    assert macs[1]["stem_conv"] < macs[0]["stem_conv"]  # read and filtered at every place


@pytest.mark.emulator
def test_pruning_meets_an_exact_budget(trained, features):
    """Flash, RAM and MACs, compiled and linked for the board, are within the budget."""

    def exact(model: keras.Model) -> Cost:
        data = quantize(model, features.x["training"][:64], SPEC, LABELS)
        return measure(data, BOARD.processor, "size")  # one copy of a kernel for all widths

    before = exact(trained)
    budget = Budget(
        flash_kib=(before.flash_bytes - 150) / 1024,
        ram_kib=(before.ram_bytes - 40) / 1024,
        macs=before.macs // 2,
    )
    allowed = limits(budget, BOARD)
    kept = [weight.copy() for weight in trained.get_weights()]
    smaller, report = prune_channels.compress(trained, features, allowed, exact, CONFIG)

    after = exact(smaller)
    assert after.flash_bytes <= before.flash_bytes - 150
    assert after.ram_bytes <= before.ram_bytes - 40
    assert after.macs <= before.macs // 2
    assert (
        report["after"].items()
        >= {
            "flash_bytes": after.flash_bytes,
            "ram_bytes": after.ram_bytes,
            "macs": after.macs,
        }.items()
    )
    assert report["changed"]
    for old, now in zip(kept, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(old, now)  # the model given is left alone


def test_pruned_network_still_knows_the_task(trained, features):
    """Half the multiplications, one epoch of fine-tuning: far above chance (one in three)."""
    allowed = {"macs": Limit(weights_cost(trained).macs // 2, "test")}
    _, report = prune_channels.compress(trained, features, allowed, weights_cost, CONFIG)
    assert report["after"]["validation_accuracy"] > 0.6
    assert len(report["fine_tuning"]) == 1


def test_model_within_the_budget_is_returned_as_it_is(trained, features):
    """No limit exceeded: the same object, no training, and a report that says so."""
    allowed = limits(Budget(), BOARD)
    same, report = prune_channels.compress(trained, features, allowed, weights_cost, CONFIG)
    assert same is trained
    assert not report["changed"]
    assert report["before"] == report["after"]


def test_impossible_budget_says_the_smallest_reachable(trained, features):
    """The error gives each limit that is missed and what the smallest network costs."""
    allowed = limits(Budget(flash_kib=0.05, macs=10), BOARD)
    with pytest.raises(BudgetError) as error:
        prune_channels.compress(trained, features, allowed, weights_cost, CONFIG)
    smallest = channels.rebuild(
        trained, {group.name: np.arange(4) for group in channels.groups(trained)}
    )
    cost = weights_cost(smallest)
    assert f"{cost.macs:,} MACs, over [budget] macs by {cost.macs - 10:,}" in error.value.message
    assert "[budget] flash_kib" in error.value.message
    assert f"the smallest that pruning reaches is {cost}" in error.value.hint


def test_cost_that_grows_in_fine_tuning_takes_another_step(trained, features, monkeypatch):
    """Scales change a few bytes of code: when that breaks the limit, pruning goes further."""
    limit = weights_cost(trained).flash_bytes * 3 // 4
    tuned = []

    def costlier_once(model: keras.Model) -> Cost:
        cost = weights_cost(model)
        extra = limit if len(tuned) == 1 else 0
        return dataclasses.replace(cost, flash_bytes=cost.flash_bytes + extra)

    def counted(model: keras.Model, *rest: Any, **named: Any) -> Any:
        tuned.append(model)
        return fit(model, *rest, **named)

    monkeypatch.setattr(prune_channels, "fit", counted)
    allowed = {"flash_bytes": Limit(limit, "test")}
    config = msgspec.structs.replace(CONFIG, compress=Compress(epochs=0))
    smaller, _ = prune_channels.compress(trained, features, allowed, costlier_once, config)
    first, second, *_ = (weights_cost(model).flash_bytes for model in tuned)
    assert second < first <= limit
    assert any(smaller is model for model in tuned[1:])


def test_path_that_validates_best_is_kept(trained, features, monkeypatch):
    """Both paths end in a tuned network; the one returned has the higher validation accuracy."""
    seen: list[keras.Model] = []

    def better_last(model: keras.Model, features: Features) -> float:
        if not any(model is one for one in seen):
            seen.append(model)
        return len(seen) / 10

    monkeypatch.setattr(prune_channels, "accuracy", better_last)
    allowed = {"flash_bytes": Limit(weights_cost(trained).flash_bytes * 3 // 4, "test")}
    smaller, report = prune_channels.compress(trained, features, allowed, weights_cost, CONFIG)
    assert report["validation_accuracy_by_path"] == [0.1, 0.2]
    assert smaller is seen[1]
    assert report["widths_after"] != report["widths_before"]


def test_no_technique_fails_over_budget(trained, features):
    """With technique "none" a model over budget is an error that names the alternative."""
    allowed = limits(Budget(macs=10), BOARD)
    with pytest.raises(BudgetError, match="over \\[budget\\] macs") as error:
        none.compress(trained, features, allowed, weights_cost, CONFIG)
    assert "prune_channels" in error.value.hint
    assert none.compress(trained, features, limits(Budget(), BOARD), weights_cost, CONFIG)[0] is (
        trained
    )
