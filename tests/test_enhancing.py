"""The road of an enhancer: audio to the device and back, every sample the twin's."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import enhancer_model
import numpy as np
import pytest
import small_model

from tinykit import project as projects
from tinykit.audio import wav
from tinykit.cli import run as cli
from tinykit.errors import DataError
from tinykit.evaluate import enhancement
from tinykit.evaluate.enhancement import si_sdr_db
from tinykit.pipeline import files, mixtures

SPEC = enhancer_model.SPEC


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """The command line takes over SIGTERM; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(autouse=True)
def only_si_sdr(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these mixtures hold is no speech: STOI and PESQ have nothing to say of it."""
    monkeypatch.setattr(enhancement, "available", lambda: [])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with an enhancer and mixtures of its quantize stage."""
    made = enhancer_model.project(tmp_path_factory.mktemp("road") / "enhance", enhancer_model.gru())
    clean = np.stack([enhancer_model.noisy(0.4, seed=seed) for seed in range(3)])
    noise = np.random.default_rng(0).normal(0, 900, clean.shape)
    noisy = np.clip(clean + noise, -32768, 32767).astype(np.int16)
    np.savez(
        made / "build/mixtures.npz", noisy=noisy, clean=clean, float=clean // 2, snr_db=[0.0] * 3
    )
    return made


@pytest.fixture
def ask(folder: Path, capfd: pytest.CaptureFixture[str]):
    """Run a command in the project; return its exit code and its document."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        capfd.readouterr()
        code = cli.run([*words, "-C", str(folder), "--json"])
        return code, json.loads(capfd.readouterr().out)

    return run


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    """A recording at the model's rate."""
    path = tmp_path / "noisy.wav"
    wav.write(path, enhancer_model.noisy(0.5), SPEC.sample_rate_hz)
    return path


@pytest.mark.emulator
def test_the_device_gives_the_twins_samples(folder: Path, ask) -> None:
    """The first mixtures go in; all that comes out is compared, kept, and its cost known."""
    code, device = ask("test")
    assert code == 0
    found = device["enhancer"]
    assert (device["exact"], found["mismatches"], found["recordings"]) == (True, 0, 2)
    assert found["recordings_from"] == "mixtures of speech and noise, held out"
    samples = int(0.4 * SPEC.sample_rate_hz) + SPEC.delay_samples
    assert found["samples"] == 2 * samples
    assert found["hops"] == 2 * (samples // SPEC.hop_samples)
    steps = found["instructions_per_hop"]
    assert set(steps) == {"analysis", "model", "synthesis"}
    assert steps["model"] == pytest.approx(device["instructions"], rel=0.01)
    assert max(steps["analysis"], steps["synthesis"]) < 14_000  # measured: 13,255 and 12,607
    assert sum(steps.values()) <= found["most_instructions_per_hop"] < 1.2 * sum(steps.values())
    assert found["delay_ms"] == 16.0
    assert found["stack_bytes"] > 0
    assert "Cortex-M4 TRM" in found["real_time"]["method"]
    cycles = found["most_instructions_per_hop"] * found["real_time"]["cycles_per_instruction"]
    assert found["real_time"]["factor"] == pytest.approx(0.008 * 25e6 / cycles)
    with np.load(folder / "build/enhanced.npz") as kept:
        assert kept["device"].shape == kept["noisy"].shape == (2, samples - SPEC.delay_samples)
        ratios = [si_sdr_db(*pair) for pair in zip(kept["device"], kept["clean"][:2], strict=True)]
    assert found["quality"]["device"] == found["quality"]["host"]
    assert found["quality"]["device"]["si_sdr_db"] == pytest.approx(np.mean(ratios))


@pytest.mark.emulator
def test_a_changed_library_is_a_mismatch(folder: Path, ask) -> None:
    """Gains that are shut too early: exit 1, and the first sample that differs."""
    source = folder / "firmware/lib/tk_enhancer/tk_enhancer.c"
    good = source.read_text()
    source.write_text(good.replace("value < 0 ? 0", "value < 20000 ? 0"))
    try:
        code, document = ask("test")
        assert code == 1
        assert (
            "2 of 2 enhanced recordings differ from the twin's; first: recording 0, sample"
            in (document["error"])
        )
        device = json.loads((folder / "build/device.json").read_text())
        assert (device["exact"], device["mismatches"]) == (False, 0)
    finally:
        source.write_text(good)


@pytest.mark.emulator
def test_a_device_skips_the_inferences_that_its_twin_skips(
    tmp_path: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every sample is the twin's, and a hop costs on average as much less as runs are left out."""
    made = enhancer_model.project(tmp_path / "skips", enhancer_model.skipping())
    shutil.copy(folder / "build/mixtures.npz", made / "build")
    capfd.readouterr()
    code = cli.run(["test", "-C", str(made), "--json"])
    device = json.loads(capfd.readouterr().out)
    assert code == 0
    found = device["enhancer"]
    assert (device["exact"], found["mismatches"]) == (True, 0)
    assert 0.2 < found["inferences"] / found["hops"] < 0.8
    whole = device["instructions"] * found["inferences"] / found["hops"]
    assert whole < found["instructions_per_hop"]["model"] < whole + 1000


@pytest.mark.emulator
@pytest.mark.slow
@pytest.mark.parametrize("kind", enhancer_model.KINDS)
@pytest.mark.parametrize(
    "board",
    [
        *("mps2-an385", "mps2-an500", "mps3-an547"),
        pytest.param("riscv-virt", marks=pytest.mark.riscv),
    ],
)
def test_every_core_gives_the_twins_samples(
    board: str, kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With DSP instructions and without, with Helium, and where the compiler is another one."""
    made = enhancer_model.project(tmp_path / "e", enhancer_model.KINDS[kind](), board)
    assert cli.run(["test", "-C", str(made), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)["enhancer"]
    assert (found["mismatches"], found["recordings"]) == (0, 2)


@pytest.mark.emulator
def test_a_recording_comes_back_from_the_device(noisy: Path, tmp_path: Path, ask) -> None:
    """`enhance --device` writes what `enhance` writes: as long as the recording, and in step."""
    code, here = ask("enhance", str(noisy), str(tmp_path / "here.wav"))
    assert (code, here["by"], here["seconds"]) == (0, "this computer", 0.5)
    code, there = ask("enhance", str(noisy), str(tmp_path / "there.wav"), "--device")
    assert (code, there["by"]) == (0, "mps2-an386")
    assert (tmp_path / "here.wav").read_bytes() == (tmp_path / "there.wav").read_bytes()
    given, heard = (wav.read(path, 16000) for path in (tmp_path / "here.wav", noisy))
    assert len(given) == len(heard)
    both = np.correlate(given.astype(float), heard.astype(float), "full")
    assert abs(int(both.argmax()) - (len(heard) - 1)) <= 2


@pytest.mark.emulator
def test_a_recording_of_another_rate_is_refused(noisy: Path, ask) -> None:
    """With both rates; nothing is resampled behind the user's back."""
    wav.write(noisy, np.zeros(100, np.int16), 44100)
    code, document = ask("enhance", str(noisy), "out.wav")
    assert code == 1
    assert "44100 Hz, this model works at 16000 Hz" in document["error"]


@pytest.mark.emulator
@pytest.mark.parametrize("content", [None, b"", b"no wave", "silent"])
def test_a_recording_that_holds_nothing_is_refused(
    content: bytes | str | None, noisy: Path, ask
) -> None:
    """Missing, empty, of another format, or without a sample: an error that names the file."""
    noisy.unlink()
    if content == "silent":
        wav.write(noisy, np.zeros(0, np.int16), 16000)
    elif isinstance(content, bytes):
        noisy.write_bytes(content)
    code, document = ask("enhance", str(noisy), "out.wav")
    assert code == 1
    assert "noisy.wav" in document["error"]
    assert "16000 Hz" in document["hint"]


@pytest.mark.emulator
def test_a_model_that_does_not_enhance_says_so(tmp_path: Path, noisy: Path, capfd) -> None:
    """What is missing, and what would have it."""
    folder = enhancer_model.project(tmp_path / "other", small_model.build())
    assert cli.run(["enhance", str(noisy), "out.wav", "-C", str(folder)]) == 1
    assert "does not enhance audio" in capfd.readouterr().err


def test_without_mixtures_sounds_are_made(tmp_path: Path) -> None:
    """A model of the user's own: noise of every level, and tones at full scale."""
    found = projects.load(enhancer_model.project(tmp_path / "own", enhancer_model.gru()))
    made = mixtures.load(found, SPEC)
    assert made.noisy.shape == (2, 16000)
    assert (made.clean, made.origin) == (None, "noise and tones")
    assert np.abs(made.noisy.astype(int)).max() >= 32767


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clean": None}, "'clean is not a file in the archive'"),
        ({"clean": np.zeros((2, 99), np.int16)}, r"\(2, 99\)"),
        ({"noisy": np.zeros((2, 100))}, "are int16"),
        ({"snr_db": np.zeros(3)}, r"2 mixtures, snr_db has \(3,\)"),
    ],
)
def test_mixtures_that_do_not_fit_together(tmp_path: Path, change: dict, said: str) -> None:
    """A file of another making is refused by name."""
    found = projects.load(enhancer_model.project(tmp_path / "own", enhancer_model.gru()))
    arrays: dict[str, Any] = {
        **{name: np.zeros((2, 100), np.int16) for name in ("noisy", "clean", "float")},
        "snr_db": np.zeros(2),
        **change,
    }
    kept = {name: array for name, array in arrays.items() if array is not None}
    np.savez(found.path(files.MIXTURES), **kept)
    with pytest.raises(DataError, match=said):
        mixtures.load(found, SPEC)
