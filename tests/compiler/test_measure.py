"""What a model costs, read from the linked program."""

from __future__ import annotations

import networks
import numpy as np
import pytest

from tinykit.board import CORES
from tinykit.compiler import compile_model
from tinykit.compiler.measure import _stack_bytes, footprint
from tinykit.errors import ToolError

CORE = CORES["cortex-m4f"]

pytestmark = pytest.mark.emulator  # needs arm-none-eabi-gcc


def test_constants_are_the_weights() -> None:
    """Every weight byte is counted; the compiler may fold a single multiplier into the code."""
    compiled = compile_model(networks.ds_cnn(channels=16), CORES["cortex-m3"])
    size = footprint(compiled)
    stored = sum(
        constant.data.nbytes
        for step in compiled.plan.steps
        for call in step.lowering.calls
        for constant in call.arguments
        if hasattr(constant, "data")
    )
    assert stored - 16 <= size.const_bytes <= stored + 128


def test_ram_is_arena_and_nothing_else() -> None:
    """Generated code has no variables beside the arena and the state."""
    compiled = compile_model(networks.ds_cnn(), CORE)
    size = footprint(compiled)
    assert size.static_bytes == 0
    assert size.ram_bytes == compiled.plan.total_bytes


def test_optimizing_for_size_makes_smaller_code() -> None:
    """The modes do what they say."""
    data = networks.ds_cnn(channels=16, blocks=3)
    code = {
        mode: footprint(compile_model(data, CORE, mode)).code_bytes for mode in ("speed", "size")
    }
    assert code["size"] < code["speed"]


def test_unused_kernels_cost_nothing() -> None:
    """A model of one ReLU is a loop, a table and four entry points."""
    from tinykit.compiler.writer import TfliteWriter

    writer = TfliteWriter()
    x = writer.tensor("x", (1, 64), np.int8, scale=0.05)
    y = writer.tensor("y", (1, 64), np.int8, scale=0.05)
    writer.op("RELU", [x], [y])
    size = footprint(compile_model(writer.build([x], [y]), CORE))
    assert size.const_bytes == 256
    assert size.code_bytes < 200
    assert size.ram_bytes == 64


@pytest.mark.parametrize(
    "core", ["cortex-m0", "cortex-m3", "cortex-m4f", "cortex-m7", "cortex-m33"]
)
def test_every_core_links(core: str) -> None:
    """The flags of each core are ones that its gcc has a library for."""
    size = footprint(compile_model(networks.ds_cnn(), CORES[core]))
    assert size.code_bytes > 500


def test_stack_is_that_of_the_deepest_chain() -> None:
    """Frames along a chain add up; those of siblings do not."""
    graph = """
    node: { title: "f" label: "f\\nm.c:1:1\\n16 bytes (static)\\n0 dynamic objects" }
    node: { title: "g" label: "g\\nm.c:2:1\\n40 bytes (static)\\n0 dynamic objects" }
    node: { title: "h" label: "h\\nm.c:3:1\\n24 bytes (static)\\n0 dynamic objects" }
    edge: { sourcename: "f" targetname: "g" label: "m.c:1:2" }
    edge: { sourcename: "f" targetname: "h" label: "m.c:1:3" }
    edge: { sourcename: "h" targetname: "memcpy" label: "m.c:1:3" }
    """
    assert _stack_bytes(graph, "f") == 56


def test_stack_without_a_bound_is_unknown() -> None:
    """A frame whose size depends on data has no bound."""
    graph = 'node: { title: "f" label: "f\\nm.c:1:1\\n16 bytes (dynamic)\\n1 dynamic objects" }'
    assert _stack_bytes(graph, "f") is None


def test_stack_is_bounded_for_real_models() -> None:
    """Kernels have no variable-length arrays and no recursion."""
    stack = footprint(compile_model(networks.ds_cnn(), CORE)).stack_bytes
    assert stack is not None and 16 <= stack <= 512


def test_missing_gcc_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint is the command that installs it."""
    compiled = compile_model(networks.ds_cnn(), CORE)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="arm-none-eabi-gcc is not on the PATH") as caught:
        footprint(compiled)
    assert "gcc-arm-none-eabi libnewlib-arm-none-eabi" in caught.value.hint


def test_other_architectures_are_refused() -> None:
    """There is no linker here for the ESP32: say so instead of guessing."""
    compiled = compile_model(networks.ds_cnn(), CORES["xtensa-lx7"])
    with pytest.raises(ToolError, match="xtensa-lx7"):
        footprint(compiled)
