"""Every kernel that a core gets gives the reference's bytes on that core, emulated."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import dsp_cases
import int16_cases
import numpy as np
import pytest
import single_op
from firmware import Case, run

from tinykit.board import CORES
from tinykit.compiler import compile_model, reference
from tinykit.compiler.lower import Mode

pytestmark = pytest.mark.emulator

ROWS = 4
DSP = dsp_cases.cases()
EDGES = single_op.cases() | int16_cases.cases()
GROUPS = {
    "conv2d": ("conv2d-",),
    "depthwise": ("depthwise_conv2d-",),
    "fully-connected": ("fully_connected-",),
    "pools": ("average_pool2d-", "max_pool2d-", "mean-"),
    "rest": (),
}
"""What goes into one firmware: the cases whose names start so; `rest` takes what is left."""


def _group(models: Mapping[str, bytes], group: str) -> dict[str, bytes]:
    named = tuple(start for starts in GROUPS.values() for start in starts)
    starts = GROUPS[group]
    return {
        name: data
        for name, data in models.items()
        if (name.startswith(starts) if starts else not name.startswith(named))
    }


def _check(
    models: Mapping[str, bytes],
    core: str,
    mode: Mode,
    folder: Path,
    *options: str,
    compiler: str = "gcc",
) -> dict[str, Case]:
    """Run models on an emulated core; assert that each output is the reference's."""
    cases = {
        name: Case(compile_model(data, CORES[core], mode), single_op.inputs(data, ROWS))
        for name, data in models.items()
    }
    wrong = []
    for name, ran in run(cases, folder, *options, compiler=compiler).items():
        case = cases[name]
        for row in range(ROWS):
            inputs = [values[row] for values in case.inputs]
            expected, _ = reference.run(case.model.graph, inputs)
            pairs = zip(ran.outputs[row], expected, strict=True)
            if not all(np.array_equal(got, output) for got, output in pairs):
                wrong.append(f"{name}, input {row}")
    assert not wrong
    return cases


@pytest.mark.parametrize("group", GROUPS)
def test_edge_cases_on_cortex_m4f(group: str, tmp_path: Path) -> None:
    """Every op, in all the edge cases that the host's C is held to."""
    _check(_group(EDGES, group), "cortex-m4f", "speed", tmp_path)


@pytest.mark.parametrize("group", GROUPS)
def test_dsp_kernels_on_cortex_m4f(group: str, tmp_path: Path) -> None:
    """What the packing, the blocks and the roundings of the DSP kernels could get wrong."""
    cases = _check(
        _group({name: data for name, (_, data) in DSP.items()}, group),
        "cortex-m4f",
        "balanced",
        tmp_path,
    )
    taken = {
        name: [step.kernel.name for step in case.model.plan.steps] for name, case in cases.items()
    }
    assert taken == {name: [DSP[name][0]] for name in cases}


@pytest.mark.slow
@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m3", "cortex-m7", "cortex-m33"])
@pytest.mark.parametrize("group", GROUPS)
def test_edge_cases_on_other_cores(core: str, group: str, tmp_path: Path) -> None:
    """The same on every other core, the DSP kernels' cases included, for the smallest code."""
    models = EDGES | {name: data for name, (_, data) in DSP.items()}
    _check(_group(models, group), core, "size", tmp_path)


@pytest.mark.parametrize("core", ["cortex-m7", "cortex-m33"])
def test_dsp_kernels_on_other_cores(core: str, tmp_path: Path) -> None:
    """A sample of the DSP kernels' cases, each kernel in it, compiled for its other cores."""
    sample = {name: data for name, (_, data) in list(DSP.items())[::6]}
    cases = _check(sample, core, "speed", tmp_path)
    taken = {step.kernel.name for case in cases.values() for step in case.model.plan.steps}
    assert taken >= {dsp_cases.CONV, dsp_cases.DEPTHWISE}


@pytest.mark.parametrize("options", [("-DTK_DSP_ASSEMBLY=0",), ("-O0",)])
def test_dsp_kernels_without_assembly(options: tuple[str, ...], tmp_path: Path) -> None:
    """The loops that clang and debug builds get: the same bytes, without a warning at `-O0`."""
    sample = {name: data for name, (_, data) in list(DSP.items())[::5]}
    _check(sample, "cortex-m4f", "speed", tmp_path, *options)


def test_dsp_kernels_compiled_by_clang(tmp_path: Path) -> None:
    """The same bytes, and no warning: firmware may be built with it."""
    if shutil.which("clang") is None:
        pytest.skip("clang is not installed")
    sample = {name: data for name, (_, data) in list(DSP.items())[1::5]}
    _check(sample, "cortex-m4f", "balanced", tmp_path, compiler="clang")


@pytest.mark.parametrize("core", ["cortex-m4f", "cortex-m55"])
def test_growing_pixels_are_made_from_the_last_to_the_first(core: str, tmp_path: Path) -> None:
    """Incomplete blocks and odd channels, written over the input at the overlap planned."""
    shapes = [((1, 4, 4, 8), 12), ((1, 5, 5, 4), 20), ((1, 5, 2, 4), 6), ((1, 5, 3, 5), 7)]
    models = {
        f"{image}-{channels}": single_op.conv2d(image=image, filters=(channels, 1, 1))
        for image, channels in shapes
    }
    cases = _check(models, core, "balanced", tmp_path)
    assert all(
        pair.backwards
        for case in cases.values()
        for step in case.model.plan.steps
        for pair in step.lowering.in_place
    )
