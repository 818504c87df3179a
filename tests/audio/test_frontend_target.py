"""The front end on emulated cores: the same bytes, in the instructions and memory it promises."""

import frontend_target
import numpy as np
import pytest
from frontend_signals import SPECS, signals

from tinykit.audio import frontend
from tinykit.audio.spec import FeatureSpec

pytestmark = pytest.mark.emulator


@pytest.mark.parametrize("core", frontend_target.CORES)
@pytest.mark.parametrize("name", ["default", "8_khz_25_10_ms", "log_mel_40", "micro"])
def test_equals_numpy_on_each_core(name, core, tmp_path):
    """DSP instructions, 64-bit products and the M0's 16-bit ones all give the twin's bytes."""
    spec = SPECS[name]
    for signal in ("fading", "extreme_noise"):
        samples = signals(spec.clip_samples)[signal]
        measured = frontend_target.measure(tmp_path, spec, samples, core)
        np.testing.assert_array_equal(measured.rows, frontend.features(samples, spec))


def test_promised_cost_on_cortex_m4f(tmp_path):
    """One hop of the default features: at most 30,000 instructions, 4 kB of RAM, 5 kB of flash."""
    spec = FeatureSpec()
    samples = signals(spec.clip_samples)["noise"]
    measured = frontend_target.measure(tmp_path, spec, samples, "cortex-m4f")
    assert measured.instructions <= 30_000
    assert measured.static_bytes + measured.stack_bytes <= 4096
    assert measured.code_bytes + measured.const_bytes <= 5000


def test_instructions_hardly_depend_on_the_audio(tmp_path):
    """Silence and full-scale noise take the same number of instructions within 2 %."""
    spec = FeatureSpec(clip_ms=200)
    counts = [
        frontend_target.measure(tmp_path, spec, samples, "cortex-m4f").instructions
        for name, samples in signals(spec.clip_samples).items()
        if name in ("silence", "noise", "nyquist")
    ]
    assert max(counts) <= 1.02 * min(counts)
