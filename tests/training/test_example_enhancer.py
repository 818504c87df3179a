"""The trained enhancer among the examples: the one that was measured, and as good as that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from tinykit import paths
from tinykit.audio import wav
from tinykit.compiler.golden import Golden
from tinykit.compiler.reader import read_tflite
from tinykit.evaluate.enhancement import quality
from tinykit.pipeline.enhancing import spectrum_spec
from tinykit.quantize.enhancement import by_frame
from tinykit.recipes.enhanced_audio import enhanced

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "examples" / "speech-enhancement" / "enhancer.tflite"
LEDGER = ROOT / "docs" / "results" / "enhancement-device.jsonl"


def test_it_is_the_one_that_was_measured() -> None:
    """On a board, held-out speakers and VoiceBank-DEMAND's pairs, exact to the sample."""
    name = paths.sha256_bytes(MODEL.read_bytes())
    rows = [json.loads(line) for line in LEDGER.read_text().splitlines()]
    measured = [row for row in rows if row["model_sha256"] == name]
    assert {key for row in measured for key in row["quality"]} == {"0", "5", "10", "pairs"}
    assert not any(row["mismatches"] for row in measured)


@pytest.mark.recorded
def test_noisy_recordings_become_better(shared_data: Path) -> None:
    """Of a speaker whom it never heard: less noise, and not harder to understand."""
    data = MODEL.read_bytes()
    spec = spectrum_spec(read_tflite(data))
    assert spec
    files = sorted((shared_data / "enhancement").rglob("clean.flac"))
    clean = [wav.read(file, spec.sample_rate_hz) for file in files]
    noisy = [wav.read(file.with_name("noisy.flac"), spec.sample_rate_hz) for file in files]
    with Golden(data) as golden:
        made = [enhanced(one, spec, by_frame(golden)) for one in noisy]
    before, after = (quality(given, clean, spec.sample_rate_hz) for given in (noisy, made))
    assert len(files) == 6
    assert after.si_sdr_db > before.si_sdr_db + 2.0
    if before.stoi is not None:  # the quality extra is there
        assert after.stoi is not None and after.stoi > before.stoi
