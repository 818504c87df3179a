"""Content hashes of what a stage reads: files, folders, settings and the kit's own code."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from tinykit import paths

_PACKAGE = Path(__file__).resolve().parents[1]
_KIT_FOLDERS = ("boards", "templates")
ABSENT = ""
"""The fingerprint of a file that is not there."""


def of_path(path: Path) -> str:
    """Return the hash of a file's bytes, or of every file in a folder with its name; or `ABSENT`.

    Names that begin with a dot are left out: they are temporary files and build caches. So is the
    bytecode that Python leaves beside the scripts of a firmware project.
    """
    if path.is_file():
        return paths.sha256_file(path)
    if not path.is_dir():
        return ABSENT
    digest = hashlib.sha256()
    for file in _files(path):
        name = file.relative_to(path).as_posix()
        digest.update(f"{name}\0{paths.sha256_file(file)}\n".encode())
    return digest.hexdigest()


def of_value(value: Any) -> str:
    """Return the hash of a setting: anything msgspec can turn into JSON."""
    text = json.dumps(msgspec.to_builtins(value), sort_keys=True)
    return paths.sha256_bytes(text.encode())


@functools.cache
def of_code(parts: tuple[str, ...]) -> str:
    """Return the hash of the kit's own sources of `parts`: modules, packages, or shared folders.

    The code that makes an artifact is one of its inputs: a new version of the kit makes it anew.
    """
    digest = hashlib.sha256()
    for part in parts:
        root = paths.share_dir(part) if part.split("/")[0] in _KIT_FOLDERS else _PACKAGE / part
        for file in [root] if root.is_file() else _files(root):
            digest.update(f"{file.relative_to(root.parent)}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    """Return the files in a folder and below, in order, without hidden ones and bytecode."""

    def counts(file: Path) -> bool:
        parts = file.relative_to(folder).parts
        return not any(part.startswith(".") or part == "__pycache__" for part in parts)

    return [file for file in sorted(folder.rglob("*")) if file.is_file() and counts(file)]
