"""Making a project folder from a template."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import jinja2

from tinykit import board, paths
from tinykit.audio.split import official
from tinykit.errors import DataError, UsageError


def create(
    folder: Path, task: str, board_id: str, data: Path | None = None, word: str = ""
) -> Path:
    """Make `folder` a project for `task` on the board; its last part names the project.

    Parameters
    ----------
    data : Path, optional
        Folder of recorded speech, one folder a word; without it the words are synthesized.
    word : str
        The wake word; other tasks have none.

    Raises
    ------
    UsageError
        When the name does not suit, the folder exists, there is no such task or board, or the word
        is missing or in vain.
    DataError
        When `data` is not a folder.
    """
    if data is not None and not data.is_dir():
        raise DataError(f"{data}: no such folder", "give the folder that holds one folder a word")
    if (task == "wake-word") != bool(word):
        raise UsageError(
            "a wake word project needs its word"
            if not word
            else f"--word is for wake words: {task} has none",
            'tinykit new lumen --task wake-word --word "hey lumen"',
        )
    values = {
        "task": task,
        "word": word,
        "data": str(data.resolve()) if data else "",
        "hold_out": data is not None and not _has_test_speakers(data),
    }
    return render(folder, f"project_{task.replace('-', '_')}", board_id, values)


def render(
    folder: Path,
    template: str,
    board_id: str,
    values: Mapping[str, object],
    add: Callable[[Path], None] = lambda made: None,
) -> Path:
    """Make `folder` a project from `templates/<template>`; `add` puts more into it.

    Raises
    ------
    UsageError
        When the name does not suit, the folder exists, or there is no such template or board.
    """
    name = folder.resolve().name
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,39}", name):
        raise UsageError(
            f"project name {name!r}: letters, digits, - and _ only, a letter first, 40 at most"
        )
    if folder.exists():
        raise UsageError(f"{folder} exists already", "choose another name")
    chosen = board.find(board_id)
    source = paths.share_dir("templates") / template
    if not source.is_dir():
        raise UsageError(f"no template {template!r}")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(source),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # TOML and Markdown, not HTML
    )
    own = {"name": name, "board": _board_value(board_id), "board_name": chosen.name}
    with paths.atomic_dir(folder) as temporary:
        for file in sorted(environment.list_templates(extensions=["j2"])):
            target = file.removesuffix(".j2")
            target = "." + target.removeprefix("dot_") if target.startswith("dot_") else target
            text = environment.get_template(file).render({**values, **own})
            (temporary / target).write_text(text, encoding="utf-8")
        add(temporary)
    return folder


def _has_test_speakers(data: Path) -> bool:
    """Whether a recording in a folder of words belongs to the official test split."""
    names = (file.name for word in data.iterdir() if word.is_dir() for file in word.iterdir())
    return any(official(name) == "testing" for name in names if "_nohash_" in name)


def _board_value(board_id: str) -> str:
    """Keep an id as it is; make the path of a user's board file absolute."""
    return str(Path(board_id).resolve()) if board_id.endswith(".toml") else board_id
