"""The recipes for all of Speech Commands, tried on the part that lies in ../shared."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from tinykit import board as boards
from tinykit import config
from tinykit.audio.datasets.classes import label_names
from tinykit.cli import run as cli
from tinykit.recipes import keyword_spotting as recipe

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "examples" / "full-size"
KEYWORDS = ROOT.parent / "shared" / "data" / "keywords"
CLIPS = 30  # of each word; some have fewer
NAMES = ("speech-commands-12", "speech-commands-35")


@pytest.mark.parametrize(("name", "classes"), list(zip(NAMES, (12, 35), strict=True)))
def test_classes(name: str, classes: int) -> None:
    """The file is valid and has as many classes as it is named for; the archive is pinned."""
    found = config.load(RECIPES / name)
    assert len(label_names(found.data)) == classes
    assert found.data.url and found.data.sha256 and not found.data.path


def _part(folder: Path) -> Path:
    """Return a folder with some recordings of each word, and the noise."""
    for source in KEYWORDS.iterdir():
        (folder / source.name).mkdir(parents=True)
        for file in sorted(source.iterdir())[:CLIPS]:
            (folder / source.name / file.name).symlink_to(file)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(1200)  # the golden interpreter runs every clip
@pytest.mark.skipif(not KEYWORDS.is_dir(), reason="needs ../shared/data/keywords")
@pytest.mark.parametrize("name", NAMES)
def test_smoke(name: str, tmp_path: Path) -> None:
    """Everything but the data, the length of training and the copies: to C, within the budget."""
    found = config.load(RECIPES / name)
    part = _part(tmp_path / "words")
    data = msgspec.structs.replace(
        found.data,
        url="",
        sha256="",
        path=str(part),
        test_speakers_percent=25.0,  # of rare words too, some speaker is in every split then
        validation_speakers_percent=20.0,
    )
    short = msgspec.structs.replace(found.train, epochs=1, clips_per_epoch=500)
    few = msgspec.structs.replace(found.augment, copies=0)
    tried = msgspec.structs.replace(found, data=data, train=short, augment=few)
    build = tmp_path / "build"
    recipe.train(tried, tmp_path, build)
    recipe.compress(tried, boards.find(tried.project.board), build)
    recipe.quantize(tried, build)
    model = build / "model.tflite"
    words = ["compile", str(model), "--board", tried.project.board, "-o", str(tmp_path / "c")]
    assert cli.run(words) == 0
    plan = json.loads((tmp_path / "c" / "plan.json").read_text())
    assert plan["macs"] <= tried.budget.macs
    assert plan["arena_bytes"] + plan["scratch_bytes"] <= tried.budget.ram_kib * 1024
