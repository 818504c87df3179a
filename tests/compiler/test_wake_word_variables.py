"""Streaming models with resource variables: 500 steps equal the golden interpreter's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import firmware
import numpy as np
import pytest
import sanitized
from numpy.typing import NDArray
from wake_word_network import FEATURES, wake_word

from tinykit.board import CORES
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel

STEPS = 500
NETWORKS: Mapping[str, dict[str, Any]] = {
    "one-row": {"stride": 1},
    "two-rows": {"stride": 2, "first": (6, 16), "pooled": False},
    "three-rows": {"stride": 3},
    "no-ring-in-front": {
        "stride": 3,
        "first": (3, 16),
        "blocks": (((5,), 16), ((7, 9), 30), ((3, 4, 8), 32)),
    },
}


def _rows(stride: int, steps: int = STEPS) -> NDArray[np.int8]:
    """Return features of louder and softer moments, int8 (steps, 1, stride, 40)."""
    rng = np.random.default_rng(1)
    loudness = rng.normal(-20, 50, (steps, 1, 1, 1))
    values = loudness + rng.normal(0, 50, (steps, 1, stride, FEATURES))
    return np.clip(values, -128, 127).astype(np.int8)


@pytest.mark.host
@pytest.mark.parametrize("name", NETWORKS)
def test_500_steps_on_the_host(name: str) -> None:
    """Every probability, uint8; after a reset the first ones come again."""
    data, rows = wake_word(**NETWORKS[name]), _rows(NETWORKS[name]["stride"])
    with Golden(data) as golden:
        (expected,) = golden.run_many([rows])
    assert expected.dtype == np.uint8
    assert len(np.unique(expected)) > 10
    with HostModel(compile_model(data, CORES["cortex-m4f"])) as model:
        np.testing.assert_array_equal([model.run([row])[0] for row in rows], expected)
        model.reset()
        np.testing.assert_array_equal([model.run([row])[0] for row in rows[:40]], expected[:40])


@pytest.mark.host
def test_every_tensor_under_the_sanitizers(tmp_path: Path) -> None:
    """Op by op, over more steps than any ring holds."""
    cases = {}
    for number, (name, network) in enumerate(NETWORKS.items()):
        core = CORES[("cortex-m3", "cortex-m4f")[number % 2]]
        model = compile_model(wake_word(**network), core, "size")
        cases[name] = sanitized.Case(model, [_rows(network["stride"], 20)])
    assert sanitized.failures(cases, tmp_path) == []


@pytest.mark.emulator
@pytest.mark.parametrize(
    "core",
    [
        "cortex-m4f",
        pytest.param("cortex-m0", marks=pytest.mark.slow),
        pytest.param("cortex-m33", marks=pytest.mark.slow),
        pytest.param("cortex-m55", marks=pytest.mark.slow),
    ],
)
def test_500_steps_on_emulated_cores(core: str, tmp_path: Path) -> None:
    """The state is kept from step to step, and every byte is the golden interpreter's."""
    cases, expected = {}, {}
    for name, network in NETWORKS.items():
        data, rows = wake_word(**network), _rows(network["stride"])
        cases[name] = firmware.Case(compile_model(data, CORES[core]), [rows], keep_state=True)
        with Golden(data) as golden:
            (expected[name],) = golden.run_many([rows])
    for name, ran in firmware.run(cases, tmp_path).items():
        got = np.stack([outputs[0] for outputs in ran.outputs])
        np.testing.assert_array_equal(got, expected[name], err_msg=name)
