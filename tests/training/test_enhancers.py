"""Enhancers: in a stream they compute what they were trained as, and training teaches them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tinykit.audio import float_stft, stft
from tinykit.audio.mixtures import Sources
from tinykit.audio.stft_spec import StftSpec
from tinykit.config import Enhance, Mixtures, Model, Train
from tinykit.errors import ConfigError
from tinykit.evaluate import enhancement as measures
from tinykit.models import enhancers
from tinykit.models.enhancers import streaming
from tinykit.models.enhancers._layers import CELL_LIMIT, Lstm
from tinykit.quantize.scheme import CELL_SCALE
from tinykit.train import enhance
from tinykit.train.backend import keras, seed_everything
from tinykit.train.enhancement_loss import EnhancementLoss, si_sdr_db, signal, targets

SPEC = StftSpec(window_samples=128, hop_samples=64, bands=16)


@pytest.fixture(scope="module", params=enhancers.names())
def network(request: pytest.FixtureRequest) -> Any:
    """A narrow network with weights and averages as after training."""
    seed_everything(1)
    model = enhancers.build(Model(architecture=request.param, width=0.25), SPEC)
    rng = np.random.default_rng(0)
    for weights in model.weights:
        value = np.asarray(weights)
        if value.ndim == 1:  # biases and averages begin with nothing to get wrong
            drawn = (
                rng.uniform(0.5, 1.5, value.shape)
                if value.any()
                else rng.normal(0, 0.3, value.shape)
            )
            weights.assign(drawn.astype(np.float32))
    return model


def _rest(network: Any) -> list[np.ndarray]:
    """Return the states of a network at rest."""
    return [
        np.zeros((1, *layer.state_shape()), np.float32) for layer in streaming.stateful(network)
    ]


def _features(frames: int) -> np.ndarray:
    return np.random.default_rng(2).normal(-3, 3, (frames, SPEC.bands)).astype(np.float32)


def test_a_stream_computes_what_the_sequence_does(network: Any) -> None:
    """One frame a call with the states kept gives the gains of the whole sequence at once."""
    features = _features(12)
    whole = np.asarray(keras.ops.convert_to_numpy(network(features[None])))[0]
    frames = np.stack(list(streaming.frame_by_frame(network, features)))
    assert frames.shape == (12, SPEC.bands)
    assert np.abs(whole - frames).max() < 1e-5
    assert np.ptp(frames, axis=0).max() > 1e-3  # the gains do move


def test_what_a_streamed_network_learns_comes_back(network: Any) -> None:
    """Every weight of the streamed network changes, and then the one over sequences is that one."""
    before = network.get_weights()
    frame = streaming.streamed(network)
    for weights in frame.trainable_weights:
        weights.assign(np.asarray(weights) * 0.9)
    streaming.copy_weights(frame, network)
    features = _features(6)
    whole = np.asarray(keras.ops.convert_to_numpy(network(features[None])))[0]
    frames = np.stack(list(streaming.frame_by_frame(network, features)))
    given = np.asarray(frame([features[:1, None], *_rest(network)])[0])[0, 0]
    network.set_weights(before)
    assert np.abs(whole - frames).max() < 1e-5
    assert np.abs(given - frames[0]).max() < 1e-5


def test_gains_are_causal(network: Any) -> None:
    """What comes later changes nothing."""
    features = _features(10)
    changed = features.copy()
    changed[6:] += 3.0
    both = np.asarray(keras.ops.convert_to_numpy(network(np.stack([features, changed]))))
    assert np.abs(both[0, :6] - both[1, :6]).max() < 1e-6
    assert np.abs(both[0, 6:] - both[1, 6:]).max() > 1e-5


def test_a_saved_model_is_the_same(network: Any, tmp_path: Any) -> None:
    """`.keras` keeps layers with states."""
    network.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    features = _features(5)[None]
    assert np.array_equal(np.asarray(network(features)), np.asarray(again(features)))


def test_the_cell_of_an_lstm_ends_where_the_devices_does() -> None:
    """Told to add one at each frame for ever, it stops at 16: int16 in steps of 2^-11."""
    layer = Lstm(1)
    layer.build((None, None, 1, 1))
    layer.bias.assign(np.full((1, 4), 20.0))  # all gates open, the candidate one
    y, state = layer(np.zeros((1, 40, 1, 1), np.float32), np.zeros((1, 1, 2), np.float32))
    assert float(state[0, 0, 1]) == CELL_LIMIT == CELL_SCALE * 2**15
    assert float(y[0, -1, 0, 0]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "size", "parameters"), [("lstm", "l", 0.97e6), ("crn", "s", 50e3)]
)
def test_sizes_are_as_stated(name: str, size: str, parameters: float) -> None:
    """TinyLSTMs' 0.97 M; the small one has at most 50 thousand once averages are folded in."""
    spec = StftSpec(**enhancers.module(name).SPECTRUM)
    model = enhancers.build(Model(architecture=name, size=size), spec)
    averages = sum(
        3 * int(layer.gamma.shape[0])
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    assert model.count_params() - averages <= 1.01 * parameters


def test_an_unknown_architecture_is_refused() -> None:
    """With the nearest name."""
    with pytest.raises(ConfigError, match="unknown enhancer") as error:
        enhancers.build(Model(architecture="crm"), SPEC)
    assert "crn" in error.value.hint


def _speech(count: int) -> np.ndarray:
    """A few harmonics that come and go."""
    time = np.arange(count) / 16000
    voice = sum(np.sin(2 * np.pi * 200 * n * time) / n for n in range(1, 12))
    return (4000 * voice * (np.sin(2 * np.pi * 3 * time) > 0)).astype(np.int16)


def test_the_signal_of_a_loss_is_the_devices() -> None:
    """All gains one give the input back, as late as the device does."""
    sound = _speech(64 * 50)
    spectrum = float_stft.spectra((sound / 32768).astype(np.float32), SPEC)[None]
    window = float_stft.window(SPEC)
    found = np.asarray(signal((spectrum.real, spectrum.imag), window, SPEC))[0] * 32768
    spectra = stft.analyse(stft.frames(sound, SPEC), SPEC)
    gains = np.full((50, SPEC.bands), stft.GAIN_ONE)
    device = stft.synthesize(stft.apply(spectra, stft.bin_gains(gains, SPEC)), SPEC)
    assert np.abs(found - device).max() < 4.0


def test_si_sdr_of_the_loss_is_the_measure() -> None:
    """In Keras's operations and in numpy."""
    rng = np.random.default_rng(5)
    wanted = rng.standard_normal(4000)
    given = 0.3 * wanted + 0.1 * rng.standard_normal(4000)
    found = float(np.asarray(si_sdr_db(given[None].astype("f"), wanted[None].astype("f")))[0])
    assert found == pytest.approx(measures.si_sdr_db(given, wanted), abs=1e-3)
    assert found == pytest.approx(20 * np.log10(3), abs=0.3)


@pytest.mark.parametrize(
    "weights", [(1, 0, 0), (0, 1, 0), (0, 0, 1)], ids=["si", "compressed", "mask"]
)
def test_every_loss_prefers_good_gains(weights: tuple[float, float, float]) -> None:
    """The ideal ratio of each band beside all gains one."""
    clean = (_speech(6400) / 32768).astype(np.float32)
    noisy = clean + 0.05 * np.random.default_rng(1).standard_normal(6400).astype(np.float32)
    spectra = [float_stft.spectra(one, SPEC)[None] for one in (noisy, clean)]
    bands = [np.abs(one) ** 2 @ float_stft.energy_matrix(SPEC) + 1e-9 for one in spectra]
    ideal = np.sqrt(np.minimum(bands[1] / bands[0], 1.0)).astype(np.float32)
    loss = EnhancementLoss(SPEC, Enhance(si_sdr=weights[0], compressed=weights[1], mask=weights[2]))
    wanted = targets(*spectra, SPEC)
    assert float(loss(wanted, ideal)) < 0.95 * float(loss(wanted, np.ones_like(ideal))) + 0.0


def test_lost_speech_counts_more() -> None:
    """With `asymmetry`: what is taken from a clean recording, and not what is left of noise."""
    clean = (_speech(6400) / 32768).astype(np.float32)
    quiet, loud = (float_stft.spectra(size * clean, SPEC)[None] for size in (1.0, 2.0))
    half = np.full((1, quiet.shape[1], SPEC.bands), 0.5, np.float32)

    def loss(noisy: Any, gains: Any, asymmetry: float) -> float:
        table = Enhance(si_sdr=0, asymmetry=asymmetry)
        return float(EnhancementLoss(SPEC, table)(targets(noisy, quiet, SPEC), gains))

    lost, left = loss(quiet, half, 1.0), loss(loud, 2 * half, 1.0)
    assert loss(loud, 2 * half, 3.0) == left
    # 0.7 of the loss are magnitudes, which differ as much as the spectra: the phase is the same
    assert loss(quiet, half, 3.0) == pytest.approx((0.7 * 3 + 0.3) * lost, rel=0.01)


def _sources() -> Sources:
    rng = np.random.default_rng(4)
    speech = {split: {split: _speech(48000)} for split in ("training", "validation", "testing")}
    noise = {
        split: {split: (2000 * rng.standard_normal(48000)).astype(np.int16)} for split in speech
    }
    return Sources(speech, noise, 16000)


SETTINGS = Mixtures(seconds=0.5, per_epoch=16, validation=4)
TRAIN = Train(epochs=2, batch_size=4, learning_rate=3e-3, patience=0)


def _fit(**options: Any) -> tuple[Any, enhance.History]:
    seed_everything(0)
    model = enhancers.build(Model(architecture="gru", width=0.25), SPEC)
    history = enhance.fit(model, _sources(), SETTINGS, SPEC, TRAIN, Enhance(), **options)
    return model, history


def test_training_goes_on_where_it_was_interrupted(tmp_path: Any) -> None:
    """A resumed run learns, and ends with the weights of one that was not interrupted."""
    model, history = _fit()
    losses = [epoch.validation_loss for epoch in history.epochs]
    assert losses[-1] < losses[0]

    class Stop(Exception):
        pass

    def interrupt(what: str, done: int, total: int, **figures: float) -> None:
        if done == 6:  # in the second epoch
            raise Stop

    with pytest.raises(Stop):
        _fit(checkpoint=tmp_path / "c.npz", progress=interrupt)
    again, resumed = _fit(checkpoint=tmp_path / "c.npz")
    assert [epoch.loss for epoch in resumed.epochs] == [epoch.loss for epoch in history.epochs]
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(one, other)
