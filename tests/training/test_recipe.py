"""The keyword spotting recipe: from recordings to an int8 model with its golden vectors."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tests.training.conftest import SMALL
from tinykit import board
from tinykit.audio import frontend
from tinykit.audio.spec import FeatureSpec
from tinykit.audio.split import official
from tinykit.compiler.golden import Golden
from tinykit.config import Augment, Budget, Compress, Config, Data, Project, Test, Train
from tinykit.errors import ConfigError, ModelError
from tinykit.recipes import artifacts
from tinykit.recipes import keyword_spotting as recipe

BOARD = board.find("mps2-an386")
SPEC = FeatureSpec(clip_ms=330)
TONES = {"low": 400, "middle": 1200, "high": 3500}  # Hz: "words" that are easy to tell apart
SPEAKERS = {"training": 16, "validation": 5, "testing": 6}
CONFIG = Config(
    project=Project(name="tones", task="keyword-spotting", board=BOARD.id),
    data=Data(
        source="speech_commands",
        path="tones",
        words=list(TONES),
        unknown_percent=0,
        silence_percent=34,
    ),
    features=SPEC,
    augment=Augment(copies=2),
    model=SMALL,
    train=Train(epochs=3, batch_size=16, learning_rate=2e-2, time_mask=2),
    compress=Compress(epochs=2, learning_rate=1e-2),
    budget=Budget(macs=15_000),
    test=Test(vectors=10, audio_clips=4),
)


def speakers(split: str, count: int) -> list[str]:
    """Return names that the official rule puts into `split`."""
    names = (f"{number:08x}" for number in range(10_000))
    return [name for name in names if official(f"{name}_nohash_0.wav") == split][:count]


def record(folder: Path) -> None:
    """Write the tones, each "speaker" with a pitch and a loudness of its own."""
    random = np.random.default_rng(0)
    time = np.arange(SPEC.clip_samples) / SPEC.sample_rate_hz
    for word, hertz in TONES.items():
        (folder / word).mkdir(parents=True)
        for split, count in SPEAKERS.items():
            for name in speakers(split, count):
                pitch, loudness = random.uniform(0.9, 1.1), random.uniform(2000, 12000)
                tone = loudness * np.sin(2 * np.pi * hertz * pitch * time)
                samples = (tone + random.normal(0, 100, time.size)).astype("<i2")
                with wave.open(str(folder / word / f"{name}_nohash_0.wav"), "wb") as file:
                    file.setparams((1, 2, SPEC.sample_rate_hz, 0, "NONE", ""))
                    file.writeframes(samples.tobytes())


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a build folder in which train, compress and quantize have run."""
    project = tmp_path_factory.mktemp("project")
    record(project / "tones")
    recipe.train(CONFIG, project, project / "build")
    recipe.compress(CONFIG, BOARD, project / "build")
    recipe.quantize(CONFIG, project / "build")
    return project / "build"


def read(build: Path, name: str) -> dict:
    """Return a manifest."""
    return json.loads((build / f"{name}.json").read_text())


pytestmark = pytest.mark.emulator  # compress measures with the board's C compiler


def test_every_artifact_is_there_and_nothing_else(build):
    """The three stages leave the named artifacts, no checkpoint and no temporary file."""
    assert sorted(path.name for path in build.iterdir()) == [
        "compress.json",
        "compressed.keras",
        "data.json",
        "features.npz",
        "model.keras",
        "model.tflite",
        "quantize.json",
        "train.json",
        "vectors.npz",
    ]


def test_manifests_tell_what_was_done(build):
    """Accuracy, confusion matrix, cost and history are in the manifests, consistent."""
    train, compress, quantize = (read(build, name) for name in ("train", "compress", "quantize"))
    assert 1 <= len(train["epochs"]) <= 3
    assert compress["changed"]
    assert compress["after"]["macs"] <= 15_000 < compress["before"]["macs"] == train["macs"]
    assert compress["parameters"] < train["parameters"]
    for found in (train, compress, quantize):
        evaluation = found["evaluation"]
        hits = np.trace(np.array(evaluation["confusion"]))
        assert evaluation["clips"] == np.sum(evaluation["confusion"])
        assert evaluation["accuracy"] == pytest.approx(hits / evaluation["clips"])
        assert evaluation["labels"] == ["_silence_", *TONES]
    assert quantize["evaluation"]["accuracy"] > 0.6  # chance is one in four


def test_vectors_are_the_golden_interpreters(build):
    """`vectors.npz` holds test clips, what the golden interpreter gives for them, and audio."""
    vectors = np.load(build / "vectors.npz")
    features = np.load(build / "features.npz")
    np.testing.assert_array_equal(vectors["x"][..., 0], features["x_testing"][:10])
    np.testing.assert_array_equal(vectors["labels"], features["y_testing"][:10])
    with Golden((build / "model.tflite").read_bytes()) as golden:
        (answers,) = golden.run_many([vectors["x"][:, None]])
    np.testing.assert_array_equal(vectors["y"], answers[:, 0])
    rows = frontend.features(vectors["audio"], SPEC)
    np.testing.assert_array_equal(rows, vectors["x"][:4, ..., 0])


def test_int8_model_fits_as_the_report_says(build):
    """The .tflite itself, compiled and linked, costs what compress.json promised."""
    cost = recipe.measure_tflite(
        (build / "model.tflite").read_bytes(), BOARD.processor, CONFIG.compile.optimize
    )
    after = read(build, "compress")["after"]
    assert (cost.flash_bytes, cost.ram_bytes, cost.macs) == (
        after["flash_bytes"],
        after["ram_bytes"],
        after["macs"],
    )


@pytest.mark.parametrize("asked", [{"skip": 0.3}, {"technique": "prune_units"}])
def test_what_is_for_enhancers_is_refused_before_training(tmp_path, asked):
    """Not when the network is trained already: nothing was read, nothing is written."""
    config = msgspec.structs.replace(CONFIG, compress=Compress(**asked))
    with pytest.raises(ConfigError, match="is for enhancers"):
        recipe.train(config, tmp_path / "no data here", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_keras_model_is_refused(build, tmp_path):
    """A broken `compressed.keras` is an error that names the file, and leaves no artifact."""
    (tmp_path / "compressed.keras").write_bytes(b"PK\x03\x04 not a model")
    (tmp_path / "features.npz").write_bytes((build / "features.npz").read_bytes())
    with pytest.raises(ModelError, match=r"compressed\.keras: not a Keras model"):
        recipe.quantize(CONFIG, tmp_path)
    assert not (tmp_path / "model.tflite").exists()


def test_an_interrupted_training_leaves_the_old_model(build, tmp_path):
    """Ctrl-C while training keeps every artifact of the last run, and the checkpoint."""
    record(tmp_path / "tones")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "model.keras").write_bytes(b"the last good one")

    def interrupt(what: str, done: int, total: int, **figures: float) -> None:
        if figures.get("epoch") == 2:
            raise KeyboardInterrupt

    config = msgspec.structs.replace(CONFIG, augment=Augment(copies=0))
    with pytest.raises(KeyboardInterrupt):
        recipe.train(config, tmp_path, tmp_path / "build", interrupt)
    assert (tmp_path / "build" / "model.keras").read_bytes() == b"the last good one"
    assert sorted(path.name for path in (tmp_path / "build").iterdir()) == [
        artifacts.CHECKPOINT,
        "model.keras",
    ]
