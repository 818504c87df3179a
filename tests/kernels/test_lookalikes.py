"""Models shaped like public ones: the C of every kind of core equals the interpreter."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tinykit.board import CORES
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel

pytestmark = [pytest.mark.slow, pytest.mark.training, pytest.mark.host]

NAMES = (
    *("resnet8", "mobilenet_vww", "mobilenet_v1"),
    *("micronet_kws_s", "micronet_kws_m", "micronet_kws_l", "ds_cnn_m", "ds_cnn_l"),
    *("rnnoise", "tc_resnet8", "bc_resnet", "mixednet"),
)
ROWS = 4


@pytest.fixture(scope="module")
def made(root: Path) -> dict[str, Path]:
    """The models by name; built once, then cached in the checkout."""
    spec = importlib.util.spec_from_file_location("lookalikes", root / "scripts/lookalikes.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.NAMES == NAMES
    return dict(zip(NAMES, module.build(list(NAMES)), strict=True))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m4f", "cortex-m55"])
@pytest.mark.parametrize("name", NAMES)
def test_outputs_equal_golden(name: str, core: str, made: dict[str, Path]) -> None:
    """After all passes, from the first inference of a stream on, no byte differs."""
    data = made[name].read_bytes()
    compiled = compile_model(data, CORES[core], name=name)
    shapes = [compiled.graph.tensors[key].shape for key in compiled.graph.inputs]
    rng = np.random.default_rng(0)
    with Golden(data) as golden, HostModel(compiled) as model:
        for _ in range(ROWS):
            inputs = [rng.integers(-128, 128, shape).astype(np.int8) for shape in shapes]
            for given, expected in zip(model.run(inputs), golden.run(inputs), strict=True):
                np.testing.assert_array_equal(given, expected)
