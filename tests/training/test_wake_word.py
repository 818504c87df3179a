"""A wake word from recordings to firmware: two classes, the decision fitted and compiled in."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tests.training.test_recipe import record
from tinykit import project as projects
from tinykit.audio import wav
from tinykit.audio.decision import decide
from tinykit.evaluate import events
from tinykit.pipeline import Engine, listening
from tinykit.pipeline.engine import Observer
from tinykit.pipeline.stage import Stage
from tinykit.pipeline.stages import STAGES
from tinykit.progress import Progress, silent

pytestmark = pytest.mark.emulator  # the C compiler of its board

TOML = """
[project]
name = "middle"
task = "wake-word"
board = "mps2-an386"
[data]
source = "recordings"
path = "tones"
words = ["middle"]
silence_percent = 50
unknown_percent = 1000.0
[features]
kind = "log_mel"
clip_ms = 330
[augment]
copies = 2
[model]
channels = 8
blocks = 2
[train]
epochs = 15
batch_size = 16
learning_rate = 2e-2
[compress]
technique = "none"
[fit]
validation_minutes = 2
testing_minutes = 3
false_accepts_per_hour = 120
"""


class Quiet(Observer):
    """Watches the stages and says nothing."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def started(self, stage: Stage, why: str) -> Progress:
        """Note the stage."""
        self.ran.append(stage.name)
        return silent


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> projects.Project:
    """A project brought up to its firmware; 400, 1200 and 3500 Hz, the middle one is the word."""
    folder = tmp_path_factory.mktemp("wake")
    record(folder / "tones")
    (folder / "tinykit.toml").write_text(TOML)
    found = projects.load(folder)
    watch = Quiet()
    Engine(STAGES, found, watch).update("generate")
    assert watch.ran == ["train", "compress", "quantize", "compile", "fit", "generate"]
    return found


def read(made: projects.Project, name: str) -> dict:
    """Return a manifest."""
    return json.loads((made.build / name).read_text())


def test_all_that_is_not_the_word_is_one_class(made: projects.Project) -> None:
    """Silence and the other tones together."""
    assert read(made, "plan.json")["labels"] == ["_unknown_", "middle"]
    counts = np.bincount(np.load(made.build / "features.npz")["y_testing"])
    np.testing.assert_array_equal(counts, [6 * 2 + 3, 6])


def test_the_fitted_decision_is_in_the_firmware(made: projects.Project) -> None:
    """`decision.json`, in the units of the device."""
    how = listening.for_plan(listening.decision(made), read(made, "plan.json"))
    assert how is not None
    text = (made.folder / "firmware/lib/tk_listener/tk_listener_config.h").read_text()
    assert f"#define TK_LISTENER_THRESHOLD {how.threshold}" in text
    assert f"#define TK_LISTENER_AVERAGE {how.average}" in text
    assert read(made, "decision.json")["decision"]["threshold"] != 0.7


def test_it_is_judged_on_people_it_was_not_fitted_on(made: projects.Project) -> None:
    """Both recordings lie there; the figures are those of the test recording, and repeatable."""
    found = read(made, "held_out.json")
    assert found["stream"].endswith("testing.wav")
    assert found["fitted"]["fitted_on"]["path"].endswith("validation.wav")
    said = {
        split: events.read(made.build / "streams" / f"{split}.csv")
        for split in ("validation", "testing")
    }
    assert (len(said["validation"]), len(said["testing"])) == (5, 6)
    assert not {e.speaker for e in said["validation"]} & {e.speaker for e in said["testing"]}
    assert found["keywords"] == 6 and found["composed_of"]["testing"]["others"] == 12
    assert found["false_accepts_per_hour_upper"] > found["false_accepts_per_hour"]
    twin = listening.Twin(made)
    audio = wav.read(made.build / "streams/testing.wav", 16000)
    again = decide(twin.outputs(twin.rows(audio)), twin.listener)
    assert [d.score for d in again] == [d["score"] for d in found["detections"]]


def test_nothing_is_fitted_twice(made: projects.Project) -> None:
    """Everything is up to date; another limit fits, and generates, anew."""
    watch = Quiet()
    Engine(STAGES, made, watch).update("generate")
    assert watch.ran == []
    (made.folder / "tinykit.toml").write_text(TOML.replace("hour = 120", "hour = 110"))
    Engine(STAGES, projects.load(made.folder), watch).update("generate")
    assert watch.ran[0] == "fit" and set(watch.ran) <= {"fit", "generate"}
