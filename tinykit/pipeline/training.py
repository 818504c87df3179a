"""train, compress, quantize: handed to the task's recipe, the only part that needs TensorFlow."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from tinykit.errors import ToolError
from tinykit.pipeline import fingerprint
from tinykit.progress import Progress
from tinykit.project import Project
from tinykit.search.budget import limits

_NEEDED = ("tensorflow", "keras")


def require_installed() -> None:
    """Raise ToolError when the train extra is not installed."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ToolError(
            f"training needs {' and '.join(missing)}, which is not installed",
            'pip install "tinykit[train]", or bring a model of your own: tinykit compile MODEL',
        )


def recipe(project: Project) -> ModuleType:
    """Return the module in `recipes` that knows the project's task.

    Raises
    ------
    ToolError
        When the train extra is not installed.
    """
    require_installed()
    return importlib.import_module(
        f"tinykit.recipes.{project.config.project.task.replace('-', '_')}"
    )


def train(project: Project, progress: Progress) -> None:
    """Load the data, compute features, train."""
    recipe(project).train(project.config, project.folder, project.build, progress)


def compress(project: Project, progress: Progress) -> None:
    """Make the model keep the budget."""
    recipe(project).compress(project.config, project.board, project.build, progress)


def quantize(project: Project, progress: Progress) -> None:
    """Make the int8 model and its golden vectors."""
    recipe(project).quantize(project.config, project.build, progress)


def train_settings(project: Project) -> dict[str, Any]:
    """Return what training depends on; recorded data by its content."""
    config = project.config
    tables = ("data", "features", "augment", "mixtures", "spectrum", "model", "train", "enhance")
    found: dict[str, Any] = {f"[{name}]": getattr(config, name) for name in tables}
    found["[test] audio_clips"] = config.test.audio_clips
    return found | recorded(project)


def recorded(project: Project) -> dict[str, str]:
    """Return the fingerprints of the recordings that the project names."""
    config = project.config
    found: dict[str, str] = {}
    named = (
        *(config.data.path, config.data.noise_path, config.augment.room_path),
        *(config.mixtures.speech, config.mixtures.noise),
    )
    for name in filter(None, named):
        path = project.folder / Path(name)
        # A manifest stands for the recordings beside it.
        found[f"the files in {name}"] = fingerprint.of_path(path.parent if path.is_file() else path)
    return found


def compress_settings(project: Project) -> dict[str, Any]:
    """Return what compression depends on: the limits in force and the core, not the board's id."""
    config, board = project.config, project.board
    tables = ("features", "mixtures", "spectrum", "enhance", "train", "compress", "compile")
    found: dict[str, Any] = {f"[{name}]": getattr(config, name) for name in tables}
    limit = limits(config.budget, board)
    found["limits"] = {metric: one.value for metric, one in limit.items()}
    found["core"] = board.processor
    return found


def quantize_settings(project: Project) -> dict[str, Any]:
    """Return what quantization depends on."""
    return {
        "[features]": project.config.features,
        "[spectrum]": project.config.spectrum,
        "[enhance]": project.config.enhance,
        "[mixtures]": project.config.mixtures,  # a quantized network may be trained
        "[train]": project.config.train,
        "[test] vectors": project.config.test.vectors,
        "[test] audio_clips": project.config.test.audio_clips,
    }
