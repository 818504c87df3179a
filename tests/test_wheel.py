"""The wheel, away from the repository and without the training extra."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import small_model

pytestmark = [pytest.mark.slow, pytest.mark.emulator]


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(root: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `tinykit` of a new environment in which only the wheel is installed."""
    folder = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    # The locked versions, but as constraints: the base install must be enough.
    lock = (root / "requirements.lock").read_text()
    locked = re.findall(r"(?m)^([\w.-]+==[^\\\n]+?) *\\?$", lock)  # with their markers
    (folder / "constraints.txt").write_text("\n".join(locked))
    pip = [folder / "venv/bin/pip", "install", "-q", "-c", folder / "constraints.txt", wheel]
    subprocess.run(pip, check=True)
    return folder / "venv/bin/tinykit"


@pytest.fixture(scope="module")
def ask(installed: Path, tmp_path_factory: pytest.TempPathFactory):
    """Run the installed command in an empty folder; return its exit code and its document."""
    empty = tmp_path_factory.mktemp("empty")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(empty),
        "TINYKIT_CACHE": str(empty / "cache"),
    }

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            [installed, *words, "--json"],
            cwd=empty,
            env=environment,
            capture_output=True,
            text=True,
        )
        return done.returncode, json.loads(done.stdout)

    (empty / "mine.tflite").write_bytes(small_model.build())
    return run


def test_the_wheel_has_what_is_no_python(wheel: Path, root: Path) -> None:
    """Every board, template, kernel header and page template travels in it."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        *(f"tinykit/_share/{file.relative_to(root)}" for file in (root / "boards").glob("*.toml")),
        *(
            f"tinykit/_share/{file.relative_to(root)}"
            for file in (root / "templates").rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        ),
        *(
            str(file.relative_to(root))
            for ending in ("*.h", "*.c", "*.j2", "*.css", "*.typed")
            for file in (root / "tinykit").rglob(ending)
        ),
    }
    assert sorted(wanted - inside) == []
    assert [name for name in inside if "__pycache__" in name or "/.pio/" in name] == []


def test_no_framework_is_installed(ask) -> None:
    """The base install is light: no TensorFlow, and `doctor` says that all required is there."""
    code, document = ask("doctor")
    found = {check["name"]: check["status"] for check in document["checks"]}
    assert (code, found["tensorflow-cpu"], found["keras"]) == (0, "missing", "missing")


def test_training_says_what_to_install(ask) -> None:
    """Without the extra, training fails with the command that installs it."""
    assert ask("new", "untrained")[0] == 0
    code, document = ask("train", "-C", "untrained")
    assert code == 1
    assert "tinykit[train]" in document["hint"]


def test_the_road_of_a_model_of_ones_own(ask) -> None:
    """new, compile, build, flash, test, stop: in an empty folder, every byte exact."""
    assert ask("new", "lights", "--board", "mps2-an386")[0] == 0
    assert ask("compile", "mine.tflite", "-C", "lights")[0] == 0
    for command in ("generate", "build", "flash"):
        assert ask(command, "-C", "lights")[0] == 0
    code, device = ask("test", "-C", "lights")
    assert (code, device["exact"], device["inputs_tested"]) == (0, True, 20)
    assert ask("stop", "-C", "lights") == (0, {"stopped": True})
    assert ask("report", "-C", "lights")[0] == 0
