"""Every architecture: folded exactly, exported to int8, compiled, and computed byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tinykit import models
from tinykit.audio.spec import FeatureSpec
from tinykit.board import find
from tinykit.compiler import compile_model
from tinykit.compiler.host import HostModel
from tinykit.config import Model
from tinykit.errors import ConfigError
from tinykit.quantize import floating, golden, nodes
from tinykit.quantize.fold import fold
from tinykit.quantize.post_training import quantize
from tinykit.train.backend import seed_everything
from tinykit.train.features import to_real

CORE = find("mps2-an386").processor
LABELS = ("yes", "no", "silence")
SPEC = FeatureSpec(kind="log_mel", clip_ms=770, mel_bins=12)  # 38 frames: enough for SVDF


@dataclass
class Made:
    """A narrow network with weights as after training, clips, and its int8 model."""

    model: Any
    clips: np.ndarray
    data: bytes


@pytest.fixture(scope="module", params=models.names())
def made(request: pytest.FixtureRequest) -> Made:
    """Return one architecture; its averages are those of its clips."""
    seed_everything(1)
    model = models.build(Model(architecture=request.param, width=0.25), SPEC, len(LABELS))
    random = np.random.default_rng(2)
    clips = random.integers(-90, 90, (24, SPEC.frames, SPEC.width)).astype(np.int8)
    for layer in model.layers:
        if hasattr(layer, "momentum"):
            layer.momentum = 0.0  # the averages are those of the one batch
    model(to_real(clips, SPEC), training=True)
    return Made(model, clips, quantize(model, clips, SPEC, LABELS))


def test_folded_network_computes_what_keras_computes(made):
    """Float results of the folded nodes equal Keras's to rounding."""
    x = to_real(made.clips, SPEC)
    *_, folded = floating.run(fold(made.model), x)
    np.testing.assert_allclose(folded, made.model.predict_on_batch(x), atol=2e-5, rtol=1e-3)


def test_compiled_network_is_exact_and_follows_the_float_one(made):
    """The compiled C gives the golden interpreter's bytes, and these the float probabilities."""
    clips = made.clips[:6]
    expected = golden.outputs(made.data, clips)
    with HostModel(compile_model(made.data, CORE)) as host:
        for clip, answer in zip(clips, expected, strict=True):
            host.reset()
            np.testing.assert_array_equal(host.run([clip[None, ..., None]])[0][0], answer)
    logits = made.model.predict_on_batch(to_real(clips, SPEC)).astype(float)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs((expected.astype(float) + 128) / 256 - probabilities).mean() < 0.02


@pytest.mark.parametrize("name", ["mixednet", "svdf"])
def test_networks_without_padding_stream(name):
    """One hop of the streamed model takes a small part of the window's work."""
    model = models.build(Model(architecture=name, width=0.25), SPEC, len(LABELS))
    clips = np.random.default_rng(0).integers(-90, 90, (4, SPEC.frames, SPEC.width))
    data = quantize(model, clips.astype(np.int8), SPEC, LABELS)
    assert compile_model(data, CORE, stream=True).macs * 10 < compile_model(data, CORE).macs


@pytest.mark.parametrize(
    ("name", "size", "macs"),
    [
        ("ds_cnn", "s", 2_656_768),  # MLPerf Tiny's reference
        ("ds_cnn", "m", 9_816_384),  # Hello Edge's 9.8 M and 28 M
        ("ds_cnn", "l", 28_327_812),
        ("micronet", "m", 15_556_352),  # Arm's file
    ],
)
def test_published_networks_have_their_published_size(name, size, macs):
    """49 x 10 features and 12 classes, as published: the same multiply-accumulates."""
    model = models.build(Model(architecture=name, size=size), FeatureSpec(), 12)
    assert nodes.macs(fold(model)) == macs


def test_width_scales_the_channels():
    """`width` multiplies what the size gives, to multiples of four."""
    model = models.build(Model(architecture="tc_resnet", width=0.6), SPEC, 3)
    widths = [model.get_layer(f"block{i}").output.shape[-1] for i in (1, 2, 3)]
    assert widths == [16, 20, 28]  # 24, 32, 48 times 0.6


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (Model(architecture="tc_resnet", size="9"), "no size '9'"),
        (Model(architecture="gru", blocks=3), "no key `blocks`"),
        (Model(architecture="lstm", channels=3), "no key `channels`"),
        (Model(architecture="svdf"), "reads 37 frames, a clip has 16"),
        (Model(architecture="mixednet"), "reads 25 frames, a clip has 16"),
    ],
)
def test_keys_and_clips_that_do_not_fit_are_refused(config, says):
    """A size or key that the architecture lacks, or too short a clip: an error that says so."""
    with pytest.raises(ConfigError, match=says):
        models.build(config, FeatureSpec(clip_ms=330), 3)
