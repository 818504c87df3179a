"""The listener in C decides as its twin in Python: with a model whose outputs are scripted."""

from __future__ import annotations

import ctypes
import dataclasses
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from tinykit.audio.decision import Detection, Listener, decide
from tinykit.compiler.toolchain import STRICT_FLAGS
from tinykit.firmware.project import Project, files

pytestmark = pytest.mark.host

YES, NO, SILENCE = range(3)
HOP = 4  # samples in a row of the tiny front end
MODEL = """\
#include "tk_model.h"
static int8_t input[16], output[3];
int8_t script[4000][3];
int8_t seen[16];
int inferences;
void tk_model_reset(void) { inferences = 0; }
int8_t *tk_model_input(int index) { return input + 0 * index; }
const int8_t *tk_model_output(int index) { return output + 0 * index; }
void tk_model_invoke(void)
{
    for (int i = 0; i < 16; i++) {
        seen[i] = input[i];
        input[i] = 99; /* as real ones do: the input is overwritten */
    }
    for (int i = 0; i < 3; i++)
        output[i] = script[inferences][i];
    inferences++;
}
"""

WINDOW = tiny_model.LISTENER
STREAM = dataclasses.replace(
    WINDOW,
    window_rows=0,
    step_rows=8,
    warm_up_rows=30,
    average=1,
    threshold=180,
    refractory_rows=20,
)
CASES = {
    "window": WINDOW,
    "every_row": dataclasses.replace(WINDOW, step_rows=1, average=7, refractory_rows=0),
    "unsigned": dataclasses.replace(WINDOW, unsigned=True, zero_point=0, warm_up_rows=40),
    "stream": STREAM,
}


class _Found(ctypes.Structure):
    _fields_ = (("row", ctypes.c_uint32), ("label", ctypes.c_uint32), ("score", ctypes.c_int32))


class Compiled:
    """tk_listener.c with the scripted model, called from Python."""

    def __init__(self, folder: Path, listener: Listener) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        project: Project = tiny_model.keyword_spotter("mps2-an386", listener=listener)
        for name, text in files(project).items():
            if name.startswith(("lib/tk_listener", "lib/tk_model", "lib/tk_features")):
                (folder / Path(name).name).write_text(text)
        (folder / "tk_model.c").write_text(MODEL)
        library = folder / "listener.so"
        flags = ["-std=c99", *STRICT_FLAGS, "-Werror", "-fPIC", "-shared"]
        sources = [str(folder / f"{name}.c") for name in ("tk_listener", "tk_model", "tk_features")]
        subprocess.run(["gcc", *flags, *sources, "-o", str(library)], check=True)
        self.c = ctypes.CDLL(str(library))

    def hear(self, outputs: np.ndarray, rows: int, pieces: int = HOP) -> list[Detection]:
        """From a reset on, push `rows` rows in pieces while the model gives `outputs`."""
        self.c.tk_listener_reset()
        script = np.zeros((4000, 3), np.int8)
        script[: len(outputs)] = outputs.view(np.int8)
        ctypes.memmove(self.symbol("script", 12000), script.ctypes.data, 12000)
        audio = (np.arange(rows * HOP) // HOP).astype(np.int16)
        found, used, heard = _Found(), ctypes.c_uint32(), []
        at = 0
        while at < len(audio):
            piece = np.ascontiguousarray(audio[at : at + pieces])
            result = self.c.tk_listener_push(
                piece.ctypes.data_as(ctypes.c_void_p),
                ctypes.c_uint32(len(piece)),
                ctypes.byref(used),
                ctypes.byref(found),
            )
            assert 0 < used.value <= len(piece)
            at += used.value
            if result:
                heard.append(Detection(found.row, found.label, found.score))
        assert self.c.tk_listener_rows() == rows
        return heard

    def symbol(self, name: str, size: int) -> ctypes.Array:
        """Return a variable of the scripted model as bytes."""
        return (ctypes.c_int8 * size).in_dll(self.c, name)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compiled]:
    """The listener with each of CASES compiled in."""
    folder = tmp_path_factory.mktemp("listener")
    return {name: Compiled(folder / name, listener) for name, listener in CASES.items()}


def _steady(*output: int) -> np.ndarray:
    return np.tile(np.array(output, np.int8), (400, 1))


SURE_YES, SURE_SILENCE, UNSURE = (127, -128, -128), (-128, -128, 127), (40, -50, -118)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), sure=st.integers(1, 300), pieces=st.integers(1, 50))
def test_equals_the_twin(
    compiled: dict[str, Compiled], name: str, seed: int, sure: int, pieces: int
) -> None:
    """Any outputs, any pieces of audio: the same rows, classes and scores."""
    listener, rng = CASES[name], np.random.default_rng(seed)
    outputs = np.clip(rng.normal(-100, sure, (150, 3)), -128, 127).astype(np.int8)
    outputs = np.repeat(outputs, 3, axis=0)
    if listener.unsigned:
        outputs = (outputs.astype(np.int16) + 128).astype(np.uint8)
    rows = listener.first_row + listener.step_rows * (len(outputs) - 1)
    assert compiled[name].hear(outputs, rows, pieces) == decide(outputs, listener)


def test_model_sees_the_newest_rows_in_order(compiled: dict[str, Compiled]) -> None:
    """The window slides: oldest row first, and what the model wrote over is not used again."""
    compiled["window"].hear(_steady(*UNSURE), 13)
    assert list(compiled["window"].symbol("seen", 16)) == [
        v for v in range(5, 13) for _ in range(2)
    ]


def test_a_stream_takes_each_row_once(compiled: dict[str, Compiled]) -> None:
    """A model that remembers gets 8 new rows, then the next 8."""
    compiled["stream"].hear(_steady(*UNSURE), 16)
    assert list(compiled["stream"].symbol("seen", 16)) == [
        v for v in range(8, 16) for _ in range(2)
    ]


def test_a_sure_keyword_is_reported_once_and_again_after_the_pause(
    compiled: dict[str, Compiled],
) -> None:
    """The third inference in a row makes the average high: row 18, and row 68 again."""
    found = compiled["window"].hear(_steady(*SURE_YES), 100)
    assert [(d.row, d.label) for d in found] == [(18, YES), (68, YES)]


def test_one_sure_inference_between_unsure_ones_is_not_enough(
    compiled: dict[str, Compiled],
) -> None:
    """A single peak is averaged away: that is what the averaging is for."""
    outputs = _steady(*SURE_SILENCE)
    outputs[4] = SURE_YES
    assert compiled["window"].hear(outputs, 100) == []


@pytest.mark.parametrize("output", [UNSURE, SURE_SILENCE])
def test_what_is_no_keyword_is_never_reported(
    compiled: dict[str, Compiled], output: tuple[int, int, int]
) -> None:
    """Below the threshold, or a class whose name begins with _: nothing, however long it lasts."""
    assert compiled["window"].hear(_steady(*output), 300) == []


def test_warm_up_is_not_judged(compiled: dict[str, Compiled]) -> None:
    """The stream's first inference that counts is the one at row 32, the first after 30."""
    assert compiled["stream"].hear(_steady(*SURE_YES), 40)[0].row == 32


def test_time_of_a_row(compiled: dict[str, Compiled]) -> None:
    """In C in whole ms, in Python in seconds: when the row's last sample was heard."""
    assert compiled["window"].c.tk_listener_ms(4001) == 1000
    assert WINDOW.time_s(4001) == pytest.approx(1.00025)
