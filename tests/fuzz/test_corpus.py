"""What the fuzzer found, and a short run of its mutations: only named errors may come out."""

from __future__ import annotations

import random
from pathlib import Path

import damage
import int16_cases
import pytest
import single_op

from tinykit.board import CORES
from tinykit.compiler import compile_model
from tinykit.errors import TinykitError

HERE = Path(__file__).parent
CORPUS = sorted((HERE / "corpus").glob("*.tflite"))


def survives(data: bytes, core: str = "cortex-m4f") -> bool:
    """Compile a file; return whether it was accepted. Anything but a named error passes through."""
    try:
        compile_model(data, CORES[core])
    except TinykitError as error:
        assert error.message
        return False
    return True


@pytest.mark.parametrize("core", ["cortex-m4f", "cortex-m0", "cortex-m55"])
def test_corpus(core: str) -> None:
    """The smallest input of each outcome of a long run, and every finding."""
    assert len(CORPUS) > 100
    accepted = sum(survives(path.read_bytes(), core) for path in CORPUS)
    assert 0 < accepted < len(CORPUS)


def test_damaged_fields() -> None:
    """Models whose fields were changed: some are models still, most are refused."""
    noise = random.Random(0)
    cases = single_op.cases() | int16_cases.cases()
    models = [data for data in cases.values() if len(data) < 4000]
    found = [damage.sites(data) for data in models]
    accepted = 0
    for _ in range(600):
        i = noise.randrange(len(models))
        accepted += survives(
            damage.damage(models[i], noise, found[i], readable=noise.random() < 0.8)
        )
    assert 30 < accepted < 570


def test_every_part_of_a_file_is_reached() -> None:
    """The mutator finds shapes, indices, types, scales, constants and the structure itself."""
    kinds = {site.kind for site in damage.sites(single_op.conv2d())}
    assert kinds == {"byte", "int", "index", "size", "float", "long", "data"} | {
        "slot",
        "offset",
        "length",
    }
