"""import and export: a project from a manifest, and a manifest from a project."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from tinykit import scaffold
from tinykit.errors import DataError, UsageError
from tinykit.interop import esphome
from tinykit.interop.esphome import Manifest, Micro
from tinykit.pipeline import files, listening
from tinykit.project import Project

MANIFEST = "manifest.json"
"""The imported manifest, beside `tinykit.toml`."""


def take_in(manifest_path: Path, folder: Path, board_id: str) -> Path:
    """Make `folder` a project of the model that a manifest names.

    Raises
    ------
    DataError, ModelError
        When manifest or model are wrong.
    UsageError
        When the folder exists, its name does not suit, or there is no such board.
    """
    manifest, data = esphome.read(manifest_path)
    model = esphome.model(manifest, data)
    values = {
        "decision": esphome.decision(manifest),
        "wake_word": manifest.wake_word,
        "author": manifest.author,
    }

    def add(made: Path) -> None:
        (made / "build").mkdir()
        (made / files.TFLITE).write_bytes(model)
        shutil.copyfile(manifest_path, made / MANIFEST)

    return scaffold.render(folder, "project_imported", board_id, values, add)


def give_out(
    project: Project,
    folder: Path,
    author: str = "",
    website: str = "",
    languages: list[str] | None = None,
    tensor_arena_size: int = 0,
) -> list[Path]:
    """Write the project's model and its manifest into `folder`; return both paths.

    What is not given comes from the manifest that the project was imported from.

    Raises
    ------
    UsageError
        When something that a manifest needs is not known.
    ModelError
        When ESPHome could not run the model.
    DataError
        When the project was not compiled, or its model does not listen.
    """
    plan_path = project.path(files.PLAN)
    plan = files.read_json(plan_path) if plan_path.exists() else {}
    if not plan.get("listening") or len(plan["labels"]) != 1:
        raise DataError(
            f"{project.folder}: no compiled model with a front end and one wake word",
            "tinykit compile; ESPHome's models have one word and one output",
        )
    if plan["features"]["kind"] != "micro":
        raise DataError(
            f"the model's front end is {plan['features']['kind']!r}, ESPHome has `micro` only",
            'train it with [features] kind = "micro"',
        )
    known = _imported(project)
    decision = listening.decision(project)
    author = author or (known.author if known else "")
    languages = languages or (known.trained_languages if known else [])
    arena = tensor_arena_size or (known.micro.tensor_arena_size if known else 0)
    needed: dict[str, object] = {
        "--author NAME": author,
        "--language en": languages,
        "--tensor-arena-size 30000": arena,
    }
    missing = [option for option, value in needed.items() if not value]
    if missing:
        raise UsageError(
            "a manifest says who made the model, for which languages, and how much memory "
            "ESPHome's interpreter needs",
            f"give {' '.join(missing)} (ESPHome's log says at its start when memory is too little)",
        )
    word = plan["labels"][0]
    manifest = Manifest(
        wake_word=word,
        author=author,
        website=website or (known.website if known else ""),
        model="model.tflite",
        trained_languages=languages,
        micro=Micro(
            probability_cutoff=esphome.cutoff(
                decision, known.micro.probability_cutoff if known else None
            ),
            feature_step_size=plan["features"]["hop_ms"],
            sliding_window_size=decision.average,
            tensor_arena_size=arena,
            minimum_esphome_version=(known.micro.minimum_esphome_version if known else "2024.7.0"),
        ),
    )
    stem = "".join(c if c.isalnum() else "_" for c in word.lower()).strip("_") or "model"
    return esphome.write(folder, stem, manifest, project.path(files.TFLITE).read_bytes())


def _imported(project: Project) -> Manifest | None:
    path = project.path(MANIFEST)
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as reason:
        raise DataError(f"{path}: {reason}", "restore it, or delete it") from None
