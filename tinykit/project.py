"""A project: a folder with `tinykit.toml`, the board it aims at, and where its artifacts lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from tinykit import board as boards
from tinykit import config
from tinykit.board import Board
from tinykit.config import Config


@dataclass(frozen=True)
class Project:
    """What every stage is given.

    Attributes
    ----------
    folder : Path
        Where `tinykit.toml` is; `path` makes every artifact's path from it.
    config : Config
        The file, with the board of the command line in place of its own where one was given.
    board : Board
        The board itself.
    port : str
        Serial port of a real board; empty for an emulated one, whose port the flash step chooses.
    """

    folder: Path
    config: Config
    board: Board
    port: str = ""

    def path(self, artifact: str) -> Path:
        """Return where `artifact`, a path relative to the project, lies."""
        return self.folder / artifact

    @property
    def build(self) -> Path:
        """The folder of artifacts."""
        return self.folder / "build"


def load(folder: Path, board_id: str = "", port: str = "") -> Project:
    """Read the project in `folder`; `board_id` replaces the board of its file.

    Raises
    ------
    ConfigError
        When `tinykit.toml` is missing or wrong.
    BoardError
        When there is no such board.
    """
    folder = folder.resolve()
    settings = config.load(folder)
    name = board_id or settings.project.board
    if name.endswith(".toml") and not board_id:
        name = str(folder / name)  # a board file of the project's own, relative to it
    changed = msgspec.structs.replace(settings.project, board=name)
    settings = msgspec.structs.replace(settings, project=changed)
    return Project(folder, settings, boards.find(name), port)
