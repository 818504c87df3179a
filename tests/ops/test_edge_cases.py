"""The numpy reference of every op equals the golden interpreter on its edge cases."""

from __future__ import annotations

from collections.abc import Callable

import int16_cases
import pytest
import single_op

from tinykit.compiler import ops

CASES = single_op.cases() | int16_cases.cases()


@pytest.mark.parametrize("name", CASES)
def test_reference_equals_golden(name: str, agree: Callable[..., None]) -> None:
    """Every output byte is the golden interpreter's, extremes and noise alike."""
    agree(CASES[name])


def test_every_op_has_edge_cases() -> None:
    """No op can be added without a case here."""
    covered = {name.split("-")[0] for name in CASES}
    assert covered == {kind for kind, rule in ops.rules().items() if rule.builtin}
