"""A project whose stages have all left their manifests."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_sample import manifests, write

from tinykit import project, scaffold
from tinykit.project import Project


@pytest.fixture
def made(tmp_path: Path) -> Project:
    """A project with all manifests in its build folder."""
    folder = scaffold.create(tmp_path / "lights", "keyword-spotting", "mps2-an386")
    found = project.load(folder)
    write(found, manifests())
    return found
