"""The command line: help, exit codes, JSON purity, and messages instead of tracebacks."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tinykit import board, doctor, paths, scaffold
from tinykit.cli import run as cli
from tinykit.cli.app import ORDER
from tinykit.cli.stages import STAGES as DOCUMENTED
from tinykit.doctor import Check
from tinykit.errors import BudgetError
from tinykit.pipeline.stages import STAGES

BOARDS = (["boards", name] for name in ("list", "show", "check"))
DATA = (["data", name] for name in ("stats", "listen", "manifest", "synth", "record"))
COMMANDS = [[], *([name] for name in ORDER), *BOARDS, *DATA]


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command line takes over SIGTERM; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def lights(tmp_path: Path) -> Path:
    """A new project."""
    return scaffold.create(tmp_path / "lights", "keyword-spotting", "mps2-an386")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    """--help works everywhere, says what the command does and lists its options."""
    assert cli.run([*words, "--help"]) == 0
    out = capfd.readouterr().out
    assert "Usage: tinykit" in out
    assert "--help" in out


def test_help_loads_nothing_heavy() -> None:
    """`tinykit --help` imports neither TensorFlow nor numpy nor the compiler."""
    program = (
        "import sys; from tinykit.cli import run; run.run(['--help'])\n"
        "heavy = ('tensorflow', 'keras', 'numpy', 'tflite_micro', 'matplotlib', 'platformio')\n"
        "print('LOADED', [name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_every_stage_is_a_command_with_the_same_words() -> None:
    """The CLI's static list of stages is the pipeline's table."""
    table = {stage.name: stage.about for stage in STAGES}
    first_lines = {name: about.splitlines()[0] for name, about in DOCUMENTED.items()}
    assert {name: table[name] for name in DOCUMENTED} == first_lines
    assert set(table) - set(DOCUMENTED) == {"compile", "test"}
    assert [name for name in ORDER if name in table] == list(table)


def test_a_bare_tinykit_shows_its_help(capfd: pytest.CaptureFixture[str]) -> None:
    """Without a command: the help, and exit code 2."""
    assert cli.run([]) == 2
    seen = capfd.readouterr()
    assert "Usage: tinykit" in seen.out + seen.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["nope"], 2, "No such command 'nope'"),
        (["boards", "show"], 2, "Missing argument"),
        (["new"], 2, "Missing argument"),
        (["boards", "show", "mps2-an38"], 2, "unknown board 'mps2-an38'"),
        (["boards", "check", "no-such.toml"], 2, "no-such.toml"),
        (["new", "x", "--board", "none"], 2, "unknown board 'none'"),
        (["new", "9 lives"], 2, "project name '9 lives'"),
        (["new", "x", "--task", "wake-word"], 2, "a wake word project needs its word"),
        (["new", "x", "--word", "lumen"], 2, "--word is for wake words"),
        (["run", "-C", "no-such-folder"], 2, "no tinykit.toml"),
        (["stop"], 2, "no tinykit.toml"),
        (["compile", "m.tflite"], 2, "no tinykit.toml"),
        (["compile", "-o", "out"], 2, "--out needs a MODEL"),
        (["compile", "m.tflite", "-o", "out"], 2, "--out needs --board"),
        (["compile", "m.tflite", "-o", "out", "--phases"], 2, "--phases needs --stream"),
        (["compile", "--phases"], 2, "--phases needs --out"),
        (["compile", "no-such.tflite", "-o", "out", "-b", "mps2-an386"], 1, "no-such.tflite"),
        (["bench", "no-such.tflite"], 1, "no-such.tflite"),
        (["bench", "m.tflite", "--phases"], 2, "--phases needs --stream"),
        (["profile", "m.tflite", "--phases"], 2, "--phases needs --stream"),
        (["test", "--inputs", "x.npy"], 2, "go together"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_a_user_gets_wrong(
    words: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Exit code 1 or 2 and one message, the same for people and as JSON; no traceback."""
    monkeypatch.chdir(tmp_path)
    assert cli.run(words) == code
    seen = capfd.readouterr()
    assert message in seen.err
    assert "Traceback" not in seen.err
    assert seen.out == ""
    assert cli.run([*words, "--json"]) == code
    document = json.loads(capfd.readouterr().out)
    assert message in document["error"]
    assert set(document) == {"error", "hint"}


@pytest.mark.parametrize(
    ("wrong", "code", "message", "hint"),
    [
        ("[train]\nepoch = 3\n", 2, "epoch", "did you mean `epochs`?"),
        ("[trian]\n", 2, "trian", "did you mean `train`?"),
        ('[train]\nepochs = "many"\n', 2, "$.train.epochs", ""),
        ("[train\n", 2, "not valid TOML", ""),
    ],
)
def test_a_wrong_project_file(
    wrong: str, code: int, message: str, hint: str, lights: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A wrong key is named and the nearest known one suggested; so is a wrong type."""
    head = '[project]\nname = "lights"\ntask = "keyword-spotting"\nboard = "mps2-an386"\n'
    (lights / "tinykit.toml").write_text(head + wrong)
    assert cli.run(["run", "-C", str(lights), "--json"]) == code
    document = json.loads(capfd.readouterr().out)
    assert message in document["error"]
    assert hint in document["hint"]


@pytest.mark.parametrize(
    "words",
    [["boards"], ["boards", "list"], ["boards", "show", "mps2-an386"], ["doctor"]],
    ids=" ".join,
)
def test_json_is_the_only_thing_on_stdout(
    words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """--json: one document."""
    assert cli.run([*words, "--json"]) == 0
    assert isinstance(json.loads(capfd.readouterr().out), dict)


def test_json_survives_a_library_that_prints(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Even what is written to file descriptor 1 behind Python's back does not reach stdout."""

    def noisy() -> list[Check]:
        os.write(1, b"native noise\n")
        print("python noise")
        return []

    monkeypatch.setattr(doctor, "examine", noisy)
    assert cli.run(["doctor", "--json"]) == 0
    seen = capfd.readouterr()
    assert json.loads(seen.out)["checks"] == []
    assert "native noise" in seen.err
    assert "python noise" in seen.err


def test_doctor_fails_when_something_required_is_missing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, and the command that installs it; an optional tool is no failure."""
    missing = Check("qemu", "missing", "", "emulated boards", True, "apt-get install qemu")
    monkeypatch.setattr(doctor, "examine", lambda: [missing])
    assert cli.run(["doctor"]) == 1
    assert "apt-get install qemu" in capfd.readouterr().out
    optional = Check("keras", "missing", "", "train", False, "pip install keras")
    monkeypatch.setattr(doctor, "examine", lambda: [optional])
    assert cli.run(["doctor"]) == 0
    assert "pip install keras" in capfd.readouterr().out


def test_doctor_without_any_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On an empty PATH the programs are missing, each with what installs it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {check.name: check for check in doctor.examine()}
    for name in ("arm-none-eabi-gcc", "qemu-system-arm", "newlib"):
        assert found[name].status == "missing"
        assert found[name].install
    assert found["python"].status == "ok"


def test_doctor_knows_an_old_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A version below what we need is called old."""
    old = tmp_path / "qemu-system-arm"
    old.write_text("#!/bin/sh\necho 'QEMU emulator version 5.2.0 (Debian)'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = {check.name: check for check in doctor.examine()}
    assert (found["qemu-system-arm"].status, found["qemu-system-arm"].found) == ("old", "5.2.0")


def test_boards_lists_every_board(capfd: pytest.CaptureFixture[str]) -> None:
    """Each board file is in the list; which were never run is said."""
    assert cli.run(["boards"]) == 0
    out = capfd.readouterr().out
    assert [name for name in board.ids() if name not in out] == []
    assert cli.run(["boards", "show", "pico"]) == 0
    assert "run by us   never" in capfd.readouterr().out


def test_the_readme_is_honest_about_boards(root: Path) -> None:
    """What the README says of a board is what its file says of where it ran."""
    said = {"emulator": "in QEMU, by the tests", "hardware": "on hardware", "never": "never"}
    lines = (root / "README.md").read_text().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]
    boards = {row[0].split("`")[1]: row[-1] for row in rows}
    assert len(boards) >= 7
    assert boards == {name: said[board.find(name).proven] for name in boards}


def test_boards_check_takes_a_file_of_the_users(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A copy of a board file is fine; a wrong key in it is named with the nearest known one."""
    text = (paths.share_dir("boards") / "mps2-an386.toml").read_text()
    mine = tmp_path / "mine.toml"
    mine.write_text(text)
    assert cli.run(["boards", "check", str(mine), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["id"] == "mine"
    mine.write_text(text.replace("ram_bytes", "ram_byte"))
    assert cli.run(["boards", "check", str(mine)]) == 2
    assert "did you mean `ram_bytes`?" in capfd.readouterr().err


def test_new_makes_a_project_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The folder has a project file, a README and a .gitignore, and nothing is overwritten."""
    monkeypatch.chdir(tmp_path)
    assert cli.run(["new", "lights", "--board", "netduinoplus2", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["board"] == "netduinoplus2"
    made = sorted(path.name for path in (tmp_path / "lights").iterdir())
    assert made == [".gitignore", "README.md", "tinykit.toml"]
    assert cli.run(["new", "lights"]) == 2
    assert "exists already" in capfd.readouterr().err


def test_new_with_recorded_data(tmp_path: Path) -> None:
    """--data DIR makes a project that reads that folder; its path is absolute."""
    from tinykit import config

    speech = tmp_path / "speech"
    (speech / "yes").mkdir(parents=True)
    made = scaffold.create(tmp_path / "a", "keyword-spotting", "mps2-an386", speech)
    data = config.load(made).data
    assert (data.source, data.path) == ("speech_commands", str(speech))


@pytest.mark.parametrize("recorded", [False, True])
def test_new_makes_a_wake_word_project(tmp_path: Path, recorded: bool) -> None:
    """One phrase, spoken or from a folder; a model that streams, its decision to be fitted."""
    from tinykit import config

    phrase = 'hey "lumen"'
    folder = tmp_path if recorded else None
    made = scaffold.create(tmp_path / "a", "wake-word", "mps2-an386", folder, phrase)
    found = config.load(made)
    assert found.data.words == [phrase]
    assert found.data.source == ("recordings" if recorded else "synthetic_wake_word")
    assert bool(found.data.test_speakers_percent) == recorded
    assert found.compile.stream and found.fit.validation_minutes > 0
    assert ("no recorded person" in (made / "README.md").read_text()) != recorded


def test_a_stage_that_the_project_does_not_ask_for(
    lights: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Keyword spotting takes its decision from tinykit.toml, unless it has [fit]."""
    assert cli.run(["fit", "-C", str(lights)]) == 2
    assert "does not ask for this stage" in capfd.readouterr().err


def test_new_holds_speakers_out_where_the_data_has_no_test_split(tmp_path: Path) -> None:
    """Data without official test speakers gets some of its own; complete data does not."""
    from tinykit import config
    from tinykit.audio.split import official

    speech = tmp_path / "speech"
    (speech / "yes").mkdir(parents=True)
    names = [f"{number:08x}_nohash_0.wav" for number in range(60)]
    for name in names:
        if official(name) != "testing":
            (speech / "yes" / name).touch()
    held = scaffold.create(tmp_path / "a", "keyword-spotting", "mps2-an386", speech)
    assert config.load(held).data.test_speakers_percent == 10.0
    (speech / "yes" / next(name for name in names if official(name) == "testing")).touch()
    complete = scaffold.create(tmp_path / "b", "keyword-spotting", "mps2-an386", speech)
    assert config.load(complete).data.test_speakers_percent == 0.0


def test_the_template_names_only_known_keys_and_true_defaults(lights: Path) -> None:
    """What the template shows commented out is a key that exists, with its real default."""
    import re
    import tomllib

    import msgspec

    from tinykit import config

    text = (lights / "tinykit.toml").read_text()
    shown = re.sub(r"(?m)^# (?=\[?[a-z_]+(\]|\s*=))", "", text)
    shown = re.sub(r'(?m)^(source = "speech|path =|url =|sha256 =).*\n', "", shown)
    table = tomllib.loads(shown)
    found = msgspec.to_builtins(msgspec.convert(table, config.Config))
    plain = msgspec.to_builtins(config.Config(project=config.Project(**table["project"])))
    assert {key: found[key] for key in ("features", "augment")} == {
        key: plain[key] for key in ("features", "augment")
    }


@pytest.mark.parametrize(
    ("failure", "code", "message", "hint"),
    [
        (BudgetError("over by 3 B", "fewer channels"), 1, "over by 3 B", "fewer channels"),
        (OSError(errno.ENOSPC, "No space", "/x/y"), 1, "/x/y: the disk is full", "free some space"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 1, "/x: Permission denied", ""),
        (MemoryError(), 1, "out of memory", ""),
        (KeyboardInterrupt(), 130, "interrupted", "finished stages are kept"),
        (ZeroDivisionError("oops"), 1, "unexpected ZeroDivisionError: oops", "traceback is in"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
@pytest.mark.parametrize("as_json", [False, True])
def test_every_way_to_fail_is_a_message(
    failure: BaseException,
    code: int,
    message: str,
    hint: str,
    as_json: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Whatever a command raises: exit code, message, hint, and no traceback on the terminal."""

    def fails() -> list[Check]:
        raise failure

    monkeypatch.setenv("TINYKIT_CACHE", str(tmp_path))
    monkeypatch.setattr(doctor, "examine", fails)
    assert cli.run(["doctor", *(["--json"] if as_json else [])]) == code
    seen = capfd.readouterr()
    said = json.loads(seen.out) if as_json else {"error": seen.err, "hint": seen.err}
    assert message in said["error"]
    assert hint in said["hint"]
    assert "Traceback" not in seen.out + seen.err


def test_a_defect_leaves_its_traceback_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The traceback of an unexpected exception is kept; --debug shows it at once."""

    def fails() -> list[Check]:
        raise ZeroDivisionError("oops")

    monkeypatch.setenv("TINYKIT_CACHE", str(tmp_path))
    monkeypatch.setattr(doctor, "examine", fails)
    cli.run(["doctor"])
    (kept,) = (tmp_path / "crashes").iterdir()
    assert "ZeroDivisionError: oops" in kept.read_text()
    capfd.readouterr()
    cli.run(["doctor", "--debug"])
    assert "Traceback" in capfd.readouterr().err


def test_a_reader_that_goes_away_is_no_failure_to_report() -> None:
    """`tinykit boards | true`: no traceback and no message about the pipe."""
    script = f"{sys.executable} -m tinykit boards --json | true"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert done.stderr == ""


SLOW_STAGE = """
import signal, sys, time

signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
from tinykit.cli import run
from tinykit.pipeline import compiling

def slow(*arguments):
    print("working", file=sys.stderr, flush=True)
    time.sleep(60)

compiling.compile_for = slow
sys.exit(run.run(sys.argv[1:]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command(number: int, lights: Path) -> None:
    """Ctrl-C or SIGTERM in a stage: exit code 130, what to do next, the artifacts as they were."""
    (lights / "build").mkdir()
    (lights / "build/model.tflite").write_bytes(b"model")
    (lights / "build/plan.json").write_text("{}")
    child = subprocess.Popen(
        [sys.executable, "-c", SLOW_STAGE, "compile", "-C", str(lights)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr
    with child.stderr:
        while "working" not in (line := child.stderr.readline()):
            assert line
        child.send_signal(number)
        said = child.stderr.read()
        assert child.wait(20) == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert (lights / "build/plan.json").read_text() == "{}"
    assert list((lights / "build").glob(".tmp-*")) == []


def test_a_full_disk(lights: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    """A disk that fills up while an artifact is written: a message, and the old artifact stands."""

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    target = lights / "build/model.tflite"
    target.parent.mkdir()
    target.write_bytes(b"good")
    model = lights / "mine.tflite"
    model.write_bytes(b"new")
    monkeypatch.setattr(Path, "write_bytes", full)
    assert cli.run(["compile", str(model), "-C", str(lights)]) == 1
    assert "the disk is full" in capfd.readouterr().err
    assert target.read_bytes() == b"good"
    assert [path.name for path in target.parent.iterdir()] == ["model.tflite"]


def test_stop_without_an_emulator(lights: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing to stop is no failure."""
    assert cli.run(["stop", "-C", str(lights), "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"stopped": False}


def test_training_without_the_extra(
    lights: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without TensorFlow: what to install, or to bring a model."""
    from tinykit.pipeline import training

    monkeypatch.setattr(training, "_NEEDED", ("no_such_framework",))
    assert cli.run(["train", "-C", str(lights)]) == 1
    seen = capfd.readouterr().err
    assert "no_such_framework" in seen
    assert "tinykit[train]" in seen
