"""Pointwise convolutions that grow their pixels: from the last to the first, over their input."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import single_op
from image_network import ImageNetwork
from time_network import SAME

from tinykit.board import CORES
from tinykit.compiler import compile_model

Exact = Callable[..., None]

CASES = {
    "whole blocks": ((1, 4, 4, 8), 12),
    "a last block of one": ((1, 3, 3, 4), 20),
    "a last block of two": ((1, 2, 5, 4), 6),
    "a last block of three": ((1, 1, 7, 12), 13),
    "odd channels": ((1, 5, 3, 5), 7),
    "one pixel more than a matrix has": ((1, 5, 1, 4), 8),
    "one channel": ((1, 6, 5, 1), 3),
}


@pytest.mark.host
@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4f"])
@pytest.mark.parametrize("name", CASES)
def test_growth_over_the_input_is_exact(name: str, core: str, exact: Exact) -> None:
    """Portable and DSP kernels, at the overlap that the planner chose, under the sanitizers."""
    image, channels = CASES[name]
    data = single_op.conv2d(image=image, filters=(channels, 1, 1))
    plan = compile_model(data, CORES[core]).plan
    assert any(pair.backwards for step in plan.steps for pair in step.lowering.in_place)
    exact(data, core=core, sanitize=True)


def test_widths_that_shrink_and_grow_live_in_one_buffer() -> None:
    """A pruned network needs what its widest layer needs, not more than before it was pruned."""
    net = ImageNetwork((1, 20, 5, 4)).conv(16, (3, 3), padding=SAME)
    for channels in (8, 12, 8, 16):
        net.conv(channels, (1, 1), padding=SAME).leaky()
    plan = compile_model(net.build(), CORES["cortex-m3"], stripes="off").plan
    pixels = 20 * 5
    assert max(span.offset + span.bytes for span in plan.spans) <= pixels * 16 + 5 * 16 + 16
