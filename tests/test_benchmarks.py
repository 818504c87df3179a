"""The pages with figures say what was measured."""

from __future__ import annotations

import importlib.util
import json
import tomllib
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def tables(root: Path) -> ModuleType:
    """`scripts/bench_tables.py`."""
    spec = importlib.util.spec_from_file_location("bench_tables", root / "scripts/bench_tables.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def measured(tables: ModuleType) -> list[str]:
    """What is rendered of the figures as they are."""
    rows, peers = json.loads(tables.RESULTS.read_text()), tomllib.loads(tables.PEERS.read_text())
    return list(tables.sections(rows, peers))


def test_the_page_is_what_the_figures_render(tables: ModuleType, measured: list[str]) -> None:
    """`benchmarks/results.md`; else run scripts/bench_tables.py."""
    assert tables.PAGE.read_text() == tables.HEAD + "".join(f"\n{part}\n" for part in measured)


@pytest.mark.parametrize("board", ["mps2-an386", "mps3-an547"])
def test_the_readme_has_the_comparison(root: Path, measured: list[str], board: str) -> None:
    """The boards with a peer's figures for all that it compares."""
    place = next(i for i, part in enumerate(measured) if part.endswith(f"`{board}`"))
    assert measured[place + 2] in (root / "README.md").read_text()


def test_a_peer_without_a_stack_gives_a_bound(tables: ModuleType) -> None:
    """Its arena alone stands for its RAM, marked, and the ratio is the most that it can be."""
    sizes = ("arena", "state", "scratch", "stack", "static", "code", "const")
    row = {"model": "m.tflite", "instructions": 50} | {f"{size}_bytes": 10 for size in sizes}
    other = {"instructions": 100, "arena_bytes": 200}
    *_, line = tables.beside([(row, other)]).splitlines()
    assert line == "| m | 50 | 100 | 0.50 | 50 | 200+ | <= 0.25 | 20 |  |  |"


def test_a_miss_comes_with_its_floor(tables: ModuleType) -> None:
    """More than half of the peer's flash: how much of it the weights are."""
    sizes = ("arena", "state", "scratch", "stack", "static", "code")
    row = {"model": "m.tflite", "instructions": 1, "const_bytes": 60}
    row |= {f"{size}_bytes": 5 for size in sizes}
    (line,) = tables.misses([(row, {"code_bytes": 40, "model_bytes": 60})])
    assert line == "- m: 0.65 of the peer's flash. The floor is its weights, 60 B: 0.60 of it."
