"""The parts around fitting: features from file, metrics, masking, architectures."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tests.training.conftest import LABELS, SPEC
from tinykit import models
from tinykit.audio.spec import FeatureSpec
from tinykit.config import Model
from tinykit.errors import ConfigError, DataError
from tinykit.quantize.fold import fold
from tinykit.quantize.nodes import Linear
from tinykit.train import features as feature_files
from tinykit.train.augment import mask_time
from tinykit.train.metrics import evaluate


def arrays(count: int = 4) -> dict[str, np.ndarray]:
    """Return the content of a small, sound `features.npz`."""
    found: dict[str, np.ndarray] = {"labels": np.array(LABELS)}
    for split in ("training", "validation", "testing"):
        found[f"x_{split}"] = np.zeros((count, SPEC.frames, SPEC.width), np.int8)
        found[f"y_{split}"] = np.arange(count, dtype=np.int32) % len(LABELS)
    return found


def test_features_file_is_read_back(tmp_path):
    """Labels, arrays and audio come back as they were written."""
    audio = np.ones((2, SPEC.clip_samples), np.int16)
    np.savez(tmp_path / "f.npz", audio_testing=audio, **arrays())
    found = feature_files.load(tmp_path / "f.npz", SPEC)
    assert found.labels == LABELS
    np.testing.assert_array_equal(found.audio, audio)
    np.testing.assert_array_equal(found.y["testing"], [0, 1, 2, 0])


def test_int8_features_become_real_values():
    """real = (int8 - zero point) * scale, with a channel axis."""
    spec = msgspec.structs.replace(SPEC, scale=0.5, zero_point=-3)
    x = np.full((2, SPEC.frames, SPEC.width), 7, np.int8)
    real = feature_files.to_real(x, spec)
    assert real.shape == (2, SPEC.frames, SPEC.width, 1)
    assert real.dtype == np.float32
    assert np.all(real == 5.0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: a.pop("y_testing"), "lacks y_testing"),
        (lambda a: a.update(x_training=a["x_training"][:, 1:]), "x_training is int8"),
        (lambda a: a.update(x_training=a["x_training"].astype(float)), "x_training is float64"),
        (lambda a: a.update(y_validation=a["y_validation"] + 2), "class outside 0..2"),
        (
            lambda a: a.update(x_training=a["x_training"][:0], y_training=a["y_training"][:0]),
            "the training split has no clips",
        ),
    ],
)
def test_features_that_do_not_fit_are_refused(change, says):
    """A missing array, another shape or type, a class out of range, an empty split: an error."""
    broken = arrays()
    change(broken)
    with pytest.raises(DataError, match=says):
        feature_files.from_arrays(broken, SPEC, "f.npz")


@pytest.mark.parametrize("content", [None, b"nonsense", b"PK\x03\x04 nonsense"])
def test_features_file_that_is_missing_or_damaged(content, tmp_path):
    """No file, or one that is no archive, is an error that names it."""
    file = tmp_path / "f.npz"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match=r"f\.npz: (no such file|damaged)"):
        feature_files.load(file, SPEC)


def test_evaluation_counts():
    """Rows are what was said, columns what was heard; a class without clips has no recall."""
    found = evaluate(np.array([0, 0, 0, 2]), np.array([0, 0, 1, 2]), ["a", "b", "c"])
    assert found.confusion == [[2, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert found.recall == [pytest.approx(2 / 3), None, 1.0]
    assert (found.accuracy, found.clips) == (0.75, 4)


def test_evaluation_of_nothing():
    """No clips: accuracy 0, not a number that is none."""
    assert evaluate(np.zeros(0, int), np.zeros(0, int), ["a"]).accuracy == 0.0


def test_mask_hides_one_run_of_frames():
    """At most `longest` neighbouring frames of a clip are replaced by its mean frame."""
    random = np.random.default_rng(1)
    x = random.normal(size=(50, 20, 4, 1)).astype(np.float32)
    masked = mask_time(x, 6, random)
    changed = (masked != x).any(axis=(2, 3))
    assert changed.any()
    for row, clip, after in zip(changed, x, masked, strict=True):
        places = np.flatnonzero(row)
        assert len(places) <= 6
        assert len(places) == 0 or len(places) == places[-1] - places[0] + 1
        np.testing.assert_allclose(after[row], np.broadcast_to(clip.mean(0), after[row].shape))


def test_mask_of_nothing_changes_nothing():
    """`longest` 0 leaves the clips alone."""
    x = np.random.default_rng(0).normal(size=(3, 5, 2, 1)).astype(np.float32)
    np.testing.assert_array_equal(mask_time(x, 0, np.random.default_rng(0)), x)


def test_ds_cnn_has_the_size_of_the_benchmarks():
    """64 channels, 4 blocks, 49 x 10 features, 12 classes: MLPerf Tiny's 2,656,768 MACs."""
    nodes = fold(models.build(Model(), FeatureSpec(), 12))
    linear = [node for node in nodes if isinstance(node, Linear)]
    assert sum(node.macs for node in linear) == 2_656_768


def test_widths_can_be_given_one_by_one():
    """A list sizes the stem and each block."""
    nodes = fold(models.build(Model(channels=[4, 8, 12], blocks=2), SPEC, 3))
    widths = [node.shape[-1] for node in nodes if isinstance(node, Linear)]
    assert widths == [4, 4, 8, 8, 12, 3]  # stem, then depthwise and pointwise of each block


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (Model(architecture="ds_cn"), "unknown architecture 'ds_cn'"),
        (Model(blocks=0), "blocks is 0"),
        (Model(channels=0), "must be positive"),
        (Model(channels=[8, 8], blocks=2), "lists 2 widths"),
    ],
)
def test_model_table_that_cannot_be_built(config, says):
    """An unknown architecture or impossible widths: an error about [model]."""
    with pytest.raises(ConfigError, match=says):
        models.build(config, SPEC, 3)


def test_unknown_architecture_suggests_the_nearest():
    """The hint names what was probably meant."""
    with pytest.raises(ConfigError) as error:
        models.build(Model(architecture="ds_cn"), SPEC, 3)
    assert "did you mean `ds_cnn`?" in error.value.hint
