"""Budgets: which limits are in force, and what an excess says."""

from __future__ import annotations

import pytest

from tinykit import board
from tinykit.config import Budget
from tinykit.errors import BudgetError
from tinykit.search.budget import Cost, Limit, exceeded, limits, require

BOARD = board.find("mps2-an386")


def test_without_a_budget_the_boards_memory_is_the_limit():
    """Zeros mean: the board's flash and RAM, and any number of MACs."""
    found = limits(Budget(), BOARD)
    assert found["flash_bytes"].value == BOARD.memory.flash_bytes
    assert found["ram_bytes"].value == BOARD.memory.ram_bytes
    assert "macs" not in found


def test_a_budget_replaces_the_boards_memory():
    """KiB become bytes, and the limit says which key set it."""
    found = limits(Budget(flash_kib=1.5, macs=10), BOARD)
    assert found["flash_bytes"] == Limit(1536, "[budget] flash_kib")
    assert found["macs"] == Limit(10, "[budget] macs")
    assert found["ram_bytes"].source == "the RAM of mps2-an386"


def test_a_limit_is_inclusive():
    """Exactly at the limit is within it; one byte more is not."""
    found = limits(Budget(ram_kib=1), BOARD)
    assert exceeded(Cost(0, 1024, 0), found) == []
    assert exceeded(Cost(0, 1025, 0), found) == ["ram_bytes"]


def test_an_excess_says_by_how_much_and_whose_limit():
    """The error names every limit missed, the value and the difference."""
    found = limits(Budget(flash_kib=2, macs=1000), BOARD)
    with pytest.raises(BudgetError) as error:
        require(Cost(2548, 10, 3500), found, "compress: the network needs", "try less")
    assert error.value.message == (
        "compress: the network needs: "
        "2,548 B flash (2.5 KiB), over [budget] flash_kib by 500; "
        "3,500 MACs, over [budget] macs by 2,500"
    )
    assert error.value.hint == "try less"
