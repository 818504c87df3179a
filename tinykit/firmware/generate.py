"""Write a firmware project, and write it again without losing what its owner changed.

`.tinykit.json` in the project remembers the hash of each file as we wrote it. Comparing that, the
file on disk and the new text tells whose change is whose, as in a three-way merge of whole files.
"""

from __future__ import annotations

import json
from pathlib import Path

from tinykit import paths
from tinykit.errors import UsageError
from tinykit.firmware.project import Project, files

MANIFEST = ".tinykit.json"


def render(project: Project, folder: Path, *, force: bool = False) -> list[str]:
    """Write the PlatformIO project into `folder`; return the paths of the files that changed.

    A file its owner changed stays as it is while our text for it is the one it was made from. Files
    of ours that are no longer part of the project are removed, unless they were changed. Every file
    is written whole or not at all, and an interrupted run is completed by the next.

    Parameters
    ----------
    force : bool
        Take our text where both the owner and we changed a file.

    Raises
    ------
    UsageError
        When both changed a file and `force` is not given; nothing is written then.
    """
    tree = files(project)
    ours = _read_manifest(folder)
    now = {name: _hash_on_disk(folder / name) for name in tree.keys() | ours.keys()}
    new = {name: paths.sha256_bytes(text.encode()) for name, text in tree.items()}
    edited = {name for name, found in now.items() if found and found not in ours.get(name, ())}
    stale = {name for name in tree if now[name] != new[name]}
    kept = {name for name in stale & edited if new[name] in ours.get(name, ())}
    conflicts = (stale & edited) - kept
    if conflicts and not force:
        listed = "\n".join(f"  {folder / name}" for name in sorted(conflicts))
        raise UsageError(
            "these files were changed by hand, and there is a new version of each:\n" + listed,
            "move your versions aside and run it again: the new ones take their place",
        )
    changed = stale - kept
    # Until all is written, old and new text are both ours: the next run completes this one.
    both = {name: [*ours.get(name, ()), *([new[name]] if name in new else [])] for name in now}
    _write_manifest(folder, project, both)
    for name in sorted(changed):
        paths.write_text(folder / name, tree[name])
    gone = {name for name in ours.keys() - tree.keys() if now[name] and name not in edited}
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    _write_manifest(folder, project, {name: [value] for name, value in new.items()})
    return sorted(changed | gone)


def _hash_on_disk(path: Path) -> str | None:
    return paths.sha256_file(path) if path.is_file() else None


def _write_manifest(folder: Path, project: Project, hashes: dict[str, list[str]]) -> None:
    document = {"board": project.board.id, "files": dict(sorted(hashes.items()))}
    paths.write_text(folder / MANIFEST, json.dumps(document, indent=1) + "\n")


def _read_manifest(folder: Path) -> dict[str, list[str]]:
    """Return the hashes of each file as we wrote it, the last one or more; {} for a new folder."""
    try:
        recorded = json.loads((folder / MANIFEST).read_text())["files"]
        return {str(name): [str(value) for value in values] for name, values in recorded.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{folder / MANIFEST} is damaged: it no longer tells your changes from ours",
            "move your changed files aside, delete the rest, and generate again",
        ) from None
