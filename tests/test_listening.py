"""A device that listens to a recording decides as its twin; the command that shows it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import listening_model
import pytest

from tinykit import project as projects
from tinykit.audio import wav
from tinykit.audio.decision import decide
from tinykit.cli import run as cli
from tinykit.errors import MismatchError
from tinykit.pipeline import evaluation, listening
from tinykit.progress import silent

pytestmark = pytest.mark.emulator
SECONDS = 3.0


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command line takes over SIGTERM; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def _recording(folder: Path) -> tuple[str, str]:
    """Write audio, with two words that the model happens to hear in it."""
    sound, labels = folder / "long.wav", folder / "long.csv"
    wav.write(sound, listening_model.audio(SECONDS), 16000)
    labels.write_text("start_s,end_s,label\n0.2,0.5,go\n0.3,0.7,stop\n2.0,2.5,tree\n")
    return str(sound), str(labels)


@pytest.mark.parametrize(
    ("stream", "phases", "hop_rows"), [(False, False, None), (True, False, 2), (True, True, 1)]
)
def test_device_decides_as_the_twin(
    tmp_path: Path,
    stream: bool,
    phases: bool,
    hop_rows: int | None,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Window model, stream, and a row at a time: each row, class and score is the twin's."""
    folder = listening_model.project(tmp_path / "listen", stream, phases=phases)
    sound, labels = _recording(tmp_path)
    words = ["evaluate", "--stream", sound, "--labels", labels, "--device", "-C", str(folder)]
    words.append("--forms")
    assert cli.run([*words, "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["device"] == {
        "board": "mps2-an386",
        "detections": len(document["detections"]),
        "exact": True,
    }
    assert len(document["detections"]) >= 3
    assert document["other_labels"] == ["tree"]
    forms = {row.pop("form"): row for row in document["forms"]}
    assert "no float model" in forms["float"]["why_not"]
    window, streamed = forms["int8, window by window"], forms["int8, streamed"]
    if stream:
        assert window == streamed == forms["device: mps2-an386"]
    else:
        assert window == forms["device: mps2-an386"]
        assert streamed["why_not"] == "a hop is 2 rows, decisions fall every 5 after 28"
    assert json.loads((folder / "build" / "plan.json").read_text())["hop_rows"] == hop_rows


def test_fitted_decision_is_what_the_next_firmware_has(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """--fit keeps decision.json; `generate` compiles it in."""
    folder = listening_model.project(tmp_path / "listen")
    sound, labels = _recording(tmp_path)
    words = ["evaluate", "--stream", sound, "--labels", labels, "-C", str(folder), "--fit"]
    assert cli.run([*words, "--false-accepts-per-hour", "5000", "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["decision"] == document["fitted"]["decision"]
    assert document["decision_from"] == "build/decision.json"
    assert cli.run(["generate", "-C", str(folder)]) == 0
    header = (folder / "firmware/lib/tk_listener/tk_listener_config.h").read_text()
    threshold = document["fitted"]["reached"]["threshold"]
    assert f"#define TK_LISTENER_THRESHOLD {threshold} " in header
    assert f"#define TK_LISTENER_AVERAGE {document['decision']['average']} " in header


def test_a_difference_names_the_first_detection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that reports something else is a MismatchError with both decisions."""
    folder = listening_model.project(tmp_path / "listen")
    sound, labels = map(Path, _recording(tmp_path))
    assert cli.run(["compile", "-C", str(folder)]) == 0
    recording = evaluation.Recording(projects.load(folder), sound, labels, silent)
    ours = decide(recording.outputs, recording.twin.listener)
    monkeypatch.setattr(listening, "on_device", lambda *_: ours[:-1])
    with pytest.raises(MismatchError, match=f"number {len(ours)} differs: device none"):
        recording.compare(silent)


def test_front_end_of_a_stream_is_proven_and_measured(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A stream has room for the rows of one hop only; its front end is held to the twin's all the
    same, on noise where the model came without clips."""
    folder = listening_model.project(tmp_path / "listen", stream=True)
    assert cli.run(["test", "-C", str(folder), "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["exact"] and document["vectors_from"] == "random inputs as a stream"
    front = document["front_end"]
    assert (front["clips"], front["mismatches"]) == (1, 0)
    assert 20_000 < front["instructions_per_hop"] < 80_000
    plan = json.loads((folder / "build" / "plan.json").read_text())
    assert plan["front_end"]["static_bytes"] > 1000


def test_front_ends_are_measured_alone(capfd: pytest.CaptureFixture[str]) -> None:
    """`features bench`: the rows of a hop on a board, exact, with what they cost."""
    assert cli.run(["features", "bench", "--kind", "mfcc", "--json"]) == 0
    (found,) = json.loads(capfd.readouterr().out)["front_ends"]
    assert (found["kind"], found["exact"]) == ("mfcc", True)
    assert 10_000 < found["instructions_per_hop"] < 60_000
    assert found["instructions_per_second"] == pytest.approx(
        50 * found["instructions_per_hop"], 1e-3
    )
    assert cli.run(["features", "bench", "--kind", "plp"]) == 2
    assert "mfcc" in capfd.readouterr().err


def test_a_model_without_front_end_cannot_listen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """An error that says what is missing, exit code 1."""
    import small_model

    folder = listening_model.project(tmp_path / "listen")
    (folder / "build" / "model.tflite").write_bytes(small_model.build())
    sound, labels = _recording(tmp_path)
    assert cli.run(["evaluate", "--stream", sound, "--labels", labels, "-C", str(folder)]) == 1
    assert "cannot listen" in capfd.readouterr().err


def test_labels_of_another_recording_are_an_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A word beyond the end of the recording."""
    folder = listening_model.project(tmp_path / "listen")
    sound, labels = _recording(tmp_path)
    Path(labels).write_text("start_s,end_s,label\n100,101,go\n")
    assert cli.run(["evaluate", "--stream", sound, "--labels", labels, "-C", str(folder)]) == 1
    assert "ends at 101 s" in capfd.readouterr().err
