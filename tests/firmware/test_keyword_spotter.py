"""The application's decisions, compiled for this computer: a model whose output is scripted."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest
import tiny_model

from tinykit.compiler.toolchain import STRICT_FLAGS
from tinykit.firmware.project import files

pytestmark = pytest.mark.host

YES, NO, SILENCE = range(3)
ROW = tiny_model.FEATURES["tk_features.h"].count("HOP_SAMPLES 4") * 4  # samples in a row
MODEL = """\
#include "tk_model.h"
static int8_t input[16], output[3];
int8_t next_output[3];
int8_t seen[16];
int inferences;
void tk_model_reset(void) {}
int8_t *tk_model_input(int index) { return input + 0 * index; }
const int8_t *tk_model_output(int index) { return output + 0 * index; }
void tk_model_invoke(void)
{
    inferences++;
    for (int i = 0; i < 16; i++) {
        seen[i] = input[i];
        input[i] = 99; /* as real ones do: the input is overwritten */
    }
    for (int i = 0; i < 3; i++)
        output[i] = next_output[i];
}
"""


class Spotter:
    """keyword_spotter.c with the scripted model, called from Python."""

    def __init__(self, folder: Path) -> None:
        tree = files(tiny_model.keyword_spotter("mps2-an386"))
        for name, text in tree.items():
            if name.startswith(("src/keyword_spotter", "lib/tk_model", "lib/tk_features")):
                (folder / Path(name).name).write_text(text)
        (folder / "tk_model.c").write_text(MODEL)
        library = folder / "spotter.so"
        flags = ["-std=c99", *STRICT_FLAGS, "-Werror", "-fPIC", "-shared"]
        names = ("keyword_spotter", "tk_model", "tk_features")
        sources = [str(folder / f"{name}.c") for name in names]
        subprocess.run(["gcc", *flags, *sources, "-o", str(library)], check=True)
        self.c = ctypes.CDLL(str(library))
        self.c.keyword_spotter_push.restype = ctypes.c_char_p
        self.c.keyword_spotter_reset()

    def hear(self, rows: int, output: tuple[int, int, int], sample: int = 0) -> list[str]:
        """Push `rows` rows one by one while the model says `output`; return the keywords."""
        (ctypes.c_int8 * 3).in_dll(self.c, "next_output")[:] = output
        samples = (ctypes.c_int16 * ROW)(*[sample] * ROW)
        said = [self.c.keyword_spotter_push(samples, ROW) for _ in range(rows)]
        return [word.decode() for word in said if word]

    @property
    def inferences(self) -> int:
        """How often the model ran."""
        return ctypes.c_int.in_dll(self.c, "inferences").value

    @property
    def seen(self) -> list[int]:
        """What the model last had as its input."""
        return list((ctypes.c_int8 * 16).in_dll(self.c, "seen"))


@pytest.fixture
def spotter(tmp_path):
    """A new one, in a library of its own."""
    return Spotter(tmp_path)


SURE_YES, SURE_NO, SURE_SILENCE = (127, -128, -128), (-128, 127, -128), (-128, -128, 127)
UNSURE = (40, -50, -118)


def test_model_waits_for_a_whole_window_then_runs_every_five_rows(spotter):
    """8 rows fill the window of this front end; the model runs at row 8, 13, 18."""
    assert ROW == 4
    counts = [spotter.hear(1, UNSURE) or spotter.inferences for _ in range(18)]
    assert counts == [0] * 7 + [1] * 5 + [2] * 5 + [3]


def test_model_sees_the_newest_rows_in_order(spotter):
    """The window slides: oldest row first, and what the model wrote over is not used again."""
    for value in range(13):
        spotter.hear(1, UNSURE, sample=value)
    assert spotter.inferences == 2
    assert spotter.seen == [value for value in range(5, 13) for _ in range(2)]


def test_a_sure_keyword_is_reported_once(spotter):
    """The third inference in a row makes the average high; then it is deaf for a while."""
    assert spotter.hear(40, SURE_YES) == ["yes"]


def test_it_is_reported_again_after_the_pause(spotter):
    """50 rows after row 18, where it was reported first, it counts again."""
    assert spotter.hear(100, SURE_NO) == ["no", "no"]


def test_one_sure_inference_between_unsure_ones_is_not_enough(spotter):
    """A single peak is averaged away: that is what the averaging is for."""
    assert spotter.hear(8, SURE_SILENCE) == []
    assert spotter.hear(5, SURE_YES) == []
    assert spotter.hear(30, SURE_SILENCE) == []


def test_unsure_is_never_reported(spotter):
    """Below the threshold nothing is said, however long it lasts."""
    assert spotter.hear(200, UNSURE) == []


def test_silence_is_no_keyword(spotter):
    """Classes whose names begin with _ are never reported."""
    assert spotter.hear(200, SURE_SILENCE) == []


def test_reset_forgets_what_was_heard(spotter):
    """After a reset a whole window is needed again."""
    spotter.hear(12, SURE_YES)
    spotter.c.keyword_spotter_reset()
    before = spotter.inferences
    assert spotter.hear(7, SURE_YES) == []
    assert spotter.inferences == before


def test_any_number_of_samples_at_a_time(spotter):
    """Chunks of a microphone need not be whole rows; the same audio gives the same decisions."""
    (ctypes.c_int8 * 3).in_dll(spotter.c, "next_output")[:] = SURE_YES
    samples = (ctypes.c_int16 * 160)(*range(160))
    said = []
    for first in range(0, 160, 32):
        chunk = (ctypes.c_int16 * 32)(*samples[first : first + 32])
        word = spotter.c.keyword_spotter_push(chunk, 32)
        said += [word] if word else []
    assert said == [b"yes"]
    assert spotter.inferences == 7  # rows 8, 13, ... 38 of 40
