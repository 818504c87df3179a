"""What counts as a change of a folder that a stage reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinykit.pipeline import fingerprint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one script in a folder of its own."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/make.py").write_text("print()")
    return tmp_path


@pytest.mark.parametrize("name", ["scripts/__pycache__/make.cpython-311.pyc", ".pio/log", ".tmp-1"])
def test_what_tools_leave_behind_is_no_change(folder: Path, name: str) -> None:
    """Bytecode, build caches and temporary files do not make a stage run again."""
    before = fingerprint.of_path(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("x")
    assert fingerprint.of_path(folder) == before


def test_content_and_names_are_changes(folder: Path) -> None:
    """A file's bytes, its name, and one more file each give another fingerprint."""
    script = folder / "scripts/make.py"
    found = [fingerprint.of_path(folder)]
    script.write_text("print(1)")
    found.append(fingerprint.of_path(folder))
    script.rename(folder / "scripts/build.py")
    found.append(fingerprint.of_path(folder))
    (folder / "notes").write_text("")
    found.append(fingerprint.of_path(folder))
    assert len(set(found)) == 4


def test_nothing_there(tmp_path: Path) -> None:
    """A path that does not exist has the fingerprint of an absent file."""
    assert fingerprint.of_path(tmp_path / "none") == fingerprint.ABSENT
