"""The generated C: its bytes are pinned, its interface is the documented one, its style strict."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import networks
import numpy as np
import pytest
import single_op

import tinykit
from tinykit.board import CORES
from tinykit.compiler import CompiledModel, compile_model, ctext, toolchain

GOLDEN = Path(__file__).parent / "golden"
CORE = CORES["cortex-m4f"]
PORTABLE = CORES["cortex-m3"]
HOSTILE = 'x */ int evil; /* \\" \n ??/ #include <stdio.h> // %s'


@pytest.fixture(scope="module")
def compiled() -> CompiledModel:
    """A small DS-CNN."""
    return compile_model(networks.ds_cnn(), PORTABLE, name="tiny")


@pytest.mark.parametrize("file", ["tk_model.c", "tk_model.h", "tk_model_weights.h"])
def test_generated_files_are_pinned(file: str, compiled: CompiledModel) -> None:
    """A change of the emitter shows in review. Update with TINYKIT_UPDATE_GOLDEN=1."""
    path = GOLDEN / file
    text = compiled.sources[file].replace(f"tinykit {tinykit.__version__}", "tinykit VERSION")
    text = text.replace(compiled.sha256, "SHA256")
    if os.environ.get("TINYKIT_UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


def test_same_model_same_bytes() -> None:
    """Two compilations give the same files in the same order: no dates, no addresses."""
    first, second = (compile_model(networks.ds_cnn(), CORE).sources for _ in "ab")
    assert list(first.items()) == list(second.items())


def test_no_path_of_this_computer(compiled: CompiledModel) -> None:
    """Generated files can be published."""
    for text in compiled.sources.values():
        assert str(Path.cwd()) not in text
        assert str(Path.home()) not in text


def test_only_the_kernels_in_use_are_among_the_sources(compiled: CompiledModel) -> None:
    """Every include is there, and every file is included."""
    included = set()
    for text in compiled.sources.values():
        included |= set(re.findall(r'#include "([^"]+)"', text))
    assert included == set(compiled.sources) - {"tk_model.c"}
    assert "tk_mean.h" not in included


def _strict(compiler: list[str], folder: Path, flags: tuple[str, ...] = ()) -> None:
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not installed")
    command = [*compiler, "-std=c99", *toolchain.STRICT_FLAGS, "-Werror", *flags]
    done = subprocess.run(
        [*command, "-c", "tk_model.c", "-o", "tk_model.o"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.host
@pytest.mark.parametrize(
    "compiler",
    [["gcc"], ["clang"], ["arm-none-eabi-gcc", *CORE.gcc_flags]],
    ids=lambda command: command[0],
)
def test_compiles_without_a_warning(compiler: list[str], tmp_path: Path) -> None:
    """Strict flags, with and without trace, for speed and for size."""
    for name, data in (("net", networks.ds_cnn()), ("ends", networks.two_ends())):
        compile_model(data, PORTABLE).write(tmp_path / name)
        _strict(compiler, tmp_path / name, ("-O3",))
        _strict(compiler, tmp_path / name, ("-Os", "-DTK_TRACE"))


@pytest.mark.host
def test_general_copies_compile_without_a_warning(tmp_path: Path) -> None:
    """Kernels that read their shape from a struct are as strict as specialised ones."""
    compile_model(_many_shapes(9), PORTABLE, "size").write(tmp_path / "c")
    _strict(["gcc"], tmp_path / "c", ("-Os",))


@pytest.mark.host
def test_header_serves_cpp(compiled: CompiledModel, tmp_path: Path) -> None:
    """Arduino sketches are C++."""
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed")
    compiled.write(tmp_path / "c")
    (tmp_path / "c/main.cpp").write_text('#include "tk_model.h"\nint main() { tk_model_invoke(); }')
    command = ["g++", "-std=c++11", "-Wall", "-Werror", "-c", "main.cpp", "-o", "main.o"]
    subprocess.run(command, cwd=tmp_path / "c", check=True, timeout=60)


def test_names_from_the_file_cannot_become_code(tmp_path: Path) -> None:
    """Tensor and model names end up in comments and strings only, and cannot leave them."""
    compiled = compile_model(networks.ds_cnn(name=HOSTILE), PORTABLE, name=HOSTILE)
    text = compiled.sources["tk_model.c"] + compiled.sources["tk_model.h"]
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    assert "evil" not in re.sub(r'"[^"\n]*"', "", code)
    compiled.write(tmp_path / "c")
    _strict(["gcc"], tmp_path / "c")


def test_header_states_the_sizes() -> None:
    """What the firmware needs to know of inputs, outputs and memory is in the header."""
    compiled = compile_model(networks.two_ends(), PORTABLE)
    header = compiled.sources["tk_model.h"]
    defines = dict(re.findall(r"#define (TK_MODEL_\w+) (.+?)(?: /\*.*)?$", header, re.MULTILINE))
    assert defines["TK_MODEL_INPUTS"] == defines["TK_MODEL_OUTPUTS"] == "2"
    assert defines["TK_MODEL_INPUT_BYTES"] == "20"
    assert defines["TK_MODEL_INPUT_SIZES"] == "{10, 10}"
    assert defines["TK_MODEL_SHA256"] == f'"{compiled.sha256}"'
    assert int(defines["TK_MODEL_ARENA_BYTES"]) == compiled.plan.arena_bytes


@pytest.mark.host
def test_only_the_entry_points_are_visible(compiled: CompiledModel, tmp_path: Path) -> None:
    """Everything else is static."""
    compiled.write(tmp_path / "c")
    _strict([toolchain.host_compiler()], tmp_path / "c", ("-O2",))
    listed = subprocess.run(
        ["nm", "--defined-only", "--extern-only", "tk_model.o"],
        cwd=tmp_path / "c",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    names = {line.split()[-1] for line in listed.splitlines()}
    assert names == {"tk_model_reset", "tk_model_input", "tk_model_invoke", "tk_model_output"}


def test_equal_shapes_share_one_copy_of_a_kernel(compiled: CompiledModel) -> None:
    """The two pointwise layers call one specialised function, with their own weights."""
    text = compiled.sources["tk_model.c"]
    assert text.count("tk_conv2d_s8(") == 2  # the first layer, and the copy for both others
    assert len(re.findall(r"^    conv2d_s8_1\(", text, re.MULTILINE)) == 2


def test_many_shapes_share_a_general_copy_when_size_matters() -> None:
    """With nine different convolutions, -Os has one copy that reads its shape from a struct."""
    text = compile_model(_many_shapes(9), PORTABLE, "size").sources["tk_model.c"]
    assert text.count("tk_table_s8(") == 1
    assert "const tk_table_params *params" in text
    specialised = compile_model(_many_shapes(9), PORTABLE).sources["tk_model.c"]
    assert specialised.count("tk_table_s8(") == 9


def _many_shapes(count: int) -> bytes:
    from tinykit.compiler.writer import TfliteWriter

    writer = TfliteWriter()
    ends = []
    for i in range(count):
        x = writer.tensor(f"x{i}", (1, i + 2), np.int8, scale=0.05)
        y = writer.tensor(f"y{i}", (1, i + 2), np.int8, scale=0.05)
        writer.op("RELU", [x], [y])
        ends.append((x, y))
    return writer.build([x for x, _ in ends], [y for _, y in ends])


def test_equal_constants_are_stored_once() -> None:
    """Nine ReLUs of one scale need one table."""
    text = compile_model(_many_shapes(9), PORTABLE).sources["tk_model_weights.h"]
    assert text.count("static const int8_t") == 1


def test_write_replaces_the_folder_whole(compiled: CompiledModel, tmp_path: Path) -> None:
    """Files of an earlier model do not stay behind."""
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "tk_old.h").write_text("left over")
    compiled.write(folder)
    assert {path.name for path in folder.iterdir()} == set(compiled.sources)


def test_arrays_are_in_columns() -> None:
    """Rows begin on lines of their own, values are aligned, lines are short."""
    data = np.arange(-60, 60, dtype=np.int8).reshape(2, 60)
    lines = ctext.array("w", data, 4).splitlines()
    assert lines[0] == "static const int8_t w[2 * 60] TK_ALIGNED(4) = {"
    assert max(map(len, lines)) <= 112
    assert [int(value) for line in lines[1:-1] for value in line.split(",")[:-1]] == list(
        range(-60, 60)
    )
    assert len({line.index(",") for line in lines[1:-1]}) == 1


def test_constants_of_any_rank_are_operands() -> None:
    """A constant image that an op reads is an array as any other."""
    shape = (2, 2, 2, 3)
    data = single_op.binary("ADD", shape, shape, (0.1, 0), (0.2, 3), (0.3, 1), constant=True)
    text = compile_model(data, CORES["cortex-m3"]).sources["tk_model_weights.h"]
    assert "[2 * 2 * 2 * 3]" in text
