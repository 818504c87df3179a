"""import and export: a project from a manifest, and a manifest from a project."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from tinykit import scaffold
from tinykit.compiler.golden import least_arena
from tinykit.compiler.reader import read_tflite
from tinykit.errors import DataError, UsageError
from tinykit.interop import esphome, esphome_stream
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

    What is not given comes from the manifest that the project was imported from; the arena's size,
    without one, is measured. A window model that the project streams becomes a streaming .tflite.

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
    words = [name for name in plan.get("labels", ()) if not name.startswith("_")]
    if not plan.get("listening") or len(words) != 1:
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
    data = project.path(files.TFLITE).read_bytes()
    if plan["hop_rows"] is not None:
        data = esphome_stream.streamed(data, plan["labels"])
        if len(plan["labels"]) == 2:  # here, the word is the more probable of the two as well
            threshold = max(0.5, decision.threshold)
            decision = msgspec.structs.replace(decision, threshold=threshold)
    author = author or (known.author if known else "")
    languages = languages or (known.trained_languages if known else [])
    arena = tensor_arena_size or (known.micro.tensor_arena_size if known else 0)
    needed: dict[str, object] = {
        "--author NAME": author,
        "--language en": languages,
    }
    missing = [option for option, value in needed.items() if not value]
    if missing:
        raise UsageError(
            "a manifest says who made the model, and for which languages",
            f"give {' '.join(missing)}",
        )
    (word,) = words
    esphome.check(read_tflite(data), word)
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
            tensor_arena_size=arena or least_arena(data),
            minimum_esphome_version=(known.micro.minimum_esphome_version if known else "2024.7.0"),
        ),
    )
    stem = "".join(c if c.isalnum() else "_" for c in word.lower()).strip("_") or "model"
    return esphome.write(folder, stem, manifest, data)


def _imported(project: Project) -> Manifest | None:
    path = project.path(MANIFEST)
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as reason:
        raise DataError(f"{path}: {reason}", "restore it, or delete it") from None
