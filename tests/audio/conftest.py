"""Small data sets on disk, made of sounds that are cheap and easy to tell apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sounds import RATE_HZ, names, tone

from tinykit.audio import wav
from tinykit.audio.noise import Noise
from tinykit.audio.split import SPLITS


@pytest.fixture
def words_folder(tmp_path: Path) -> Path:
    """Three words, each with 10 + 5 + 5 speakers (training, validation, testing), and noise."""
    root = tmp_path / "words"
    for index, word in enumerate(["go", "stop", "tree"]):
        chosen = names("training", 10) + names("validation", 5) + names("testing", 5)
        for number, name in enumerate(chosen):
            wav.write(root / word / name, tone(300 * (index + 1) + number), RATE_HZ)
    rng = np.random.default_rng(1)
    for name in ("tap", "fan"):
        recording = (rng.standard_normal(10 * RATE_HZ) * 500).astype(np.int16)
        wav.write(root / "_background_noise_" / f"{name}.wav", recording, RATE_HZ)
    return root


@pytest.fixture
def noise() -> Noise:
    """Two noise recordings a split, white."""
    rng = np.random.default_rng(2)
    return Noise(
        {
            split: {
                name: (rng.standard_normal(3 * RATE_HZ) * 1000).astype(np.int16)
                for name in ("a", "b")
            }
            for split in SPLITS
        }
    )
