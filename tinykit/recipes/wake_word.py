"""A wake word: one word or phrase against everything else.

As keyword spotting, but that silence, noise and all other speech are one class: nothing has to
tell them apart. How sure the network must be, and for how long, is fitted on a long recording
afterwards (`[fit]`).
"""

from __future__ import annotations

from pathlib import Path

from tinykit.audio import datasets
from tinykit.audio.datasets.classes import one_against_all
from tinykit.config import Config
from tinykit.progress import Progress, silent
from tinykit.recipes import keyword_spotting
from tinykit.recipes.keyword_spotting import compress, quantize

__all__ = ["compress", "quantize", "train"]


def train(config: Config, folder: Path, build: Path, progress: Progress = silent) -> None:
    """Make the features and train the float model.

    Writes what `keyword_spotting.train` writes.

    Raises
    ------
    ConfigError
        When `[data]` has several words, or nothing to reject; when `[compress]` asks for what
        spotters do not have.
    """
    keyword_spotting.check(config)
    dataset = datasets.load(config.data, config.features, folder, progress)
    keyword_spotting.train_on(one_against_all(dataset), config, folder, build, progress)
