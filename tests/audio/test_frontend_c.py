"""The generated C computes the same bytes as the numpy twin, for any audio in any pieces."""

import itertools
import re
import shutil
import subprocess

import numpy as np
import pytest
from frontend_host import STRICT, Library, sanitized, write
from frontend_signals import SPECS, signals
from hypothesis import given
from hypothesis import strategies as st

from tinykit.audio import frontend
from tinykit.audio.frontend_c import sources
from tinykit.audio.spec import FeatureSpec

pytestmark = pytest.mark.host

ARM = {
    "cortex-m0plus": ["-mcpu=cortex-m0plus"],
    "cortex-m3": ["-mcpu=cortex-m3"],
    "cortex-m4f": ["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
    "cortex-m55": ["-mcpu=cortex-m55", "-mfloat-abi=hard"],
}


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """The front end of each of SPECS as a host library."""
    folder = tmp_path_factory.mktemp("frontend")
    return {name: Library(folder / name, spec) for name, spec in SPECS.items()}


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("signal", signals(100))
def test_equals_numpy(name, signal, libraries):
    """Every byte of every row is equal, for signals at every extreme."""
    spec = SPECS[name]
    samples = signals(spec.clip_samples)[signal]
    np.testing.assert_array_equal(libraries[name].run(samples), frontend.features(samples, spec))


@given(
    name=st.sampled_from(list(SPECS)),
    seed=st.integers(0, 2**32 - 1),
    amplitude=st.floats(0, 15),
    colour=st.floats(0, 0.999),
    offset=st.integers(-32768, 32767),
    rows=st.integers(1, 12),
)
def test_equals_numpy_on_any_noise(libraries, name, seed, amplitude, colour, offset, rows):
    """Noise of any level, colour and offset, clipped: equal."""
    spec = SPECS[name]
    count = spec.window_samples + (rows - 1) * spec.hop_samples
    noise = np.random.default_rng(seed).standard_normal(count)
    decay = colour ** np.arange(min(count, 200))
    values = 2**amplitude * np.convolve(noise, decay)[:count] + offset
    samples = np.clip(np.round(values), -32768, 32767).astype(np.int16)
    np.testing.assert_array_equal(libraries[name].run(samples), frontend.stream(samples, spec))


@pytest.mark.recorded
@pytest.mark.parametrize("name", ["default", "log_mel_40", "fft_2048_64_bins"])
def test_equals_numpy_on_recorded_speech(name, libraries, shared_data):
    """Forty recorded words: equal."""
    soundfile = pytest.importorskip("soundfile")
    words = (sorted((shared_data / "keywords" / word).iterdir())[:10] for word in WORDS)
    for path in itertools.chain(*words):
        samples, _ = soundfile.read(path, dtype="int16")
        expected = frontend.stream(samples, SPECS[name])
        np.testing.assert_array_equal(libraries[name].run(samples), expected)


WORDS = ("yes", "no", "left", "right")


@given(
    name=st.sampled_from(list(SPECS)),
    pieces=st.lists(st.integers(0, 2000), min_size=1, max_size=12),
    max_rows=st.integers(1, 5),
)
def test_pieces_equal_one_push(libraries, name, pieces, max_rows):
    """However the samples are cut, and however few rows fit, the rows are those of one push."""
    spec, library = SPECS[name], libraries[name]
    samples = np.random.default_rng(len(pieces)).integers(-9000, 9000, sum(pieces)).astype(np.int16)
    library.reset()
    rows = [np.zeros((0, spec.width), np.int8)]
    for piece in np.split(samples, np.cumsum(pieces)[:-1]):
        used = 0
        while used < len(piece):
            found, taken = library.push(piece[used:], max_rows)
            assert taken > 0 and len(found) <= max_rows
            rows.append(found)
            used += taken
    np.testing.assert_array_equal(np.concatenate(rows), frontend.stream(samples, spec))


def test_no_room_consumes_nothing(libraries):
    """With max_rows 0 no sample is taken; a full row buffer stops at the sample that filled it."""
    library, spec = libraries["default"], SPECS["default"]
    samples = np.ones(2000, np.int16)
    library.reset()
    assert library.push(samples, 0)[1] == 0
    assert library.push(samples, 2)[1] == spec.window_samples + spec.hop_samples


def test_reset_forgets(libraries):
    """After a reset, samples pushed before do not matter."""
    library, spec = libraries["default"], SPECS["default"]
    library.push(np.full(333, 32767, np.int16))
    samples = signals(1600)["noise"]
    np.testing.assert_array_equal(library.run(samples), frontend.stream(samples, spec))


@pytest.mark.parametrize("name", SPECS)
def test_sanitizers_find_nothing(name, tmp_path):
    """ASan and UBSan are silent over all signals, and the rows are right."""
    spec = SPECS[name]
    program = sanitized(tmp_path, spec)
    every = signals(min(spec.clip_samples, 4 * spec.window_samples))
    samples = np.concatenate(list(every.values()))
    for piece in ("1000000", "37"):
        result = subprocess.run(
            [program, piece], input=samples.tobytes(), capture_output=True, timeout=60
        )
        assert result.returncode == 0, result.stderr.decode()
        rows = np.frombuffer(result.stdout, np.int8).reshape(-1, spec.width)
        np.testing.assert_array_equal(rows, frontend.stream(samples, spec))


@pytest.mark.parametrize("cc", ["gcc", "clang"])
@pytest.mark.parametrize("name", SPECS)
def test_compiles_without_warnings(cc, name, tmp_path):
    """gcc and clang accept the C under the strict flags, optimized."""
    if not shutil.which(cc):
        pytest.skip(f"no {cc}")
    write(tmp_path, SPECS[name])
    command = [cc, *STRICT, "-O3", "-c", "tk_features.c", "-o", "features.o"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)


@pytest.mark.emulator
@pytest.mark.parametrize("core", ARM)
def test_compiles_for_arm_without_float_or_library(core, tmp_path):
    """Every core: strict flags; only memcpy and the compiler's integer routines are called."""
    write(tmp_path, SPECS["default"])
    flags = [*STRICT, *ARM[core], "-mthumb", "-O2"]
    for command in (
        ["arm-none-eabi-gcc", *flags, "-c", "tk_features.c", "-o", "features.o"],
        ["arm-none-eabi-nm", "--undefined-only", "features.o"],
    ):
        result = subprocess.run(
            command, cwd=tmp_path, check=True, timeout=60, capture_output=True, text=True
        )
    needed = set(result.stdout.split()) - {"U"}
    assert needed <= {"memcpy", "__aeabi_lmul", "__aeabi_uidiv", "__aeabi_idiv", "__clzsi2"}


def test_no_floating_point():
    """No float type, literal or function in any source."""
    for name, text in sources(FeatureSpec()).items():
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        assert not re.search(r"\b(float|double)\b|\d\.\d|\bmath\.h|malloc", code), name


def test_sources_are_deterministic():
    """The same specification gives the same bytes; another kind gives others."""
    assert sources(FeatureSpec()) == sources(FeatureSpec())
    assert sources(FeatureSpec()) != sources(FeatureSpec(kind="log_mel"))


def test_header_states_the_contract():
    """The macros that the firmware uses are in tk_features.h."""
    header = sources(FeatureSpec())["tk_features.h"]
    for macro, value in {
        "SAMPLE_RATE_HZ": 16000,
        "CLIP_SAMPLES": 16000,
        "WINDOW_SAMPLES": 480,
        "HOP_SAMPLES": 320,
        "FRAMES": 49,
        "WIDTH": 10,
    }.items():
        assert re.search(rf"^#define TK_FEATURES_{macro} {value}\b", header, re.MULTILINE)
