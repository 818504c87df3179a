"""Data sets: recorded words in folders, or words spoken by espeak-ng."""

from __future__ import annotations

from pathlib import Path

import tinykit.audio.datasets.recordings as recordings
import tinykit.audio.datasets.speech_commands as speech_commands
import tinykit.audio.datasets.synthetic as synthetic
import tinykit.audio.datasets.wake_word as wake_word
from tinykit.audio.datasets.classes import SILENCE, UNKNOWN
from tinykit.audio.datasets.dataset import Clip, Dataset
from tinykit.audio.spec import FeatureSpec
from tinykit.config import Data
from tinykit.progress import Progress, silent

__all__ = ["SILENCE", "UNKNOWN", "Clip", "Dataset", "load"]


def load(
    data: Data, spec: FeatureSpec, folder: Path = Path(), progress: Progress = silent
) -> Dataset:
    """Return the data set that `[data]` asks for.

    Parameters
    ----------
    data : Data
        The table `[data]` of `tinykit.toml`.
    spec : FeatureSpec
        Sample rate and clip length.
    folder : Path
        Where relative paths begin: the project.
    progress : Progress
        Told about downloads, checks and synthesis.

    Raises
    ------
    DataError
        When the data cannot be used: a file, a word, or a class without clips in a split.
    ToolError
        When a package that the source needs is missing.
    ConfigError
        When keys of `[data]` contradict each other.
    """
    if data.source == "synthetic":
        return synthetic.load(data, spec, progress)
    if data.source == "synthetic_wake_word":
        return wake_word.load(data, spec, folder, progress)
    if data.source == "recordings":
        return recordings.load(data, spec, folder, progress)
    return speech_commands.load(data, spec, folder, progress)
