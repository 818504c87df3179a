"""Cycles of an enhancer's hop: the model's are modelled, the rest is assumed."""

from __future__ import annotations

import pytest

from tinykit.cycles import Modelled
from tinykit.pipeline.realtime import cycles_per_instruction


@pytest.mark.parametrize(
    ("cycles", "expected"),
    [
        (1200, (1200 + 500 * 1.5) / 1300),  # slower than an instruction a cycle: all of it is
        (600, (600 + 500 * 1.0) / 1300),  # two at once: that holds for the model alone
    ],
)
def test_what_is_around_the_model_takes_a_cycle_or_more(cycles: int, expected: float) -> None:
    """A hop of 1,300 instructions, 800 of which are the model's."""
    found, method = cycles_per_instruction(1300, Modelled({0: 700, -1: 100}, {0: cycles}, "so"))
    assert found == pytest.approx(expected)
    assert "(so)" in method and "assumption" in method


def test_without_a_timing_an_instruction_is_a_cycle() -> None:
    """And the method says that it is an assumption."""
    found, method = cycles_per_instruction(1300, None)
    assert found == 1.0
    assert "assumption" in method
