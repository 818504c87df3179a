"""The files of a firmware project: which there are, and what stands in them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import jinja2
import pytest
import tiny_model

from tinykit import board
from tinykit.compiler.toolchain import STRICT_FLAGS, model_flags
from tinykit.errors import UsageError
from tinykit.firmware import project
from tinykit.firmware.project import files, suitable_boards

TREE = """\
.gitignore
README.md
include/tk_app.h
include/tk_build.h
include/tk_hal.h
include/tk_stack.h
lib/tk_features/library.json
lib/tk_features/tk_features.c
lib/tk_features/tk_features.h
lib/tk_listener/library.json
lib/tk_listener/tk_listener.c
lib/tk_listener/tk_listener.h
lib/tk_listener/tk_listener_config.h
lib/tk_model/library.json
lib/tk_model/tk_model.c
lib/tk_model/tk_model.h
platformio.ini
platforms/tinykit/builder/main.py
platforms/tinykit/platform.json
platforms/tinykit/platform.py
scripts/firmware_id.py
src/hal/arduino/hal.cpp
src/hal/bare_metal/core.h
src/hal/bare_metal/cortex_m/core.c
src/hal/bare_metal/cortex_m/cortex_m.h
src/hal/bare_metal/cortex_m/fault.c
src/hal/bare_metal/cortex_m/startup.c
src/hal/bare_metal/fault.c
src/hal/bare_metal/hal.c
src/hal/bare_metal/register.h
src/hal/bare_metal/riscv/core.c
src/hal/bare_metal/riscv/csr.h
src/hal/bare_metal/riscv/fault.c
src/hal/bare_metal/riscv/startup.c
src/hal/bare_metal/stack.c
src/hal/bare_metal/timer/timer.h
src/hal/bare_metal/uart/uart.h
src/main.c
src/microphone.c
src/microphone.h
"""


def test_tree_of_a_keyword_spotting_project():
    """Every file there is, but the harness, the drivers and the boards, which other tests count."""
    tree = files(tiny_model.keyword_spotter("mps2-an386"))
    elsewhere = r"lib/tk_harness/|boards/|src/hal/bare_metal/(uart|timer)/.*\.c"
    listed = [name for name in tree if not re.match(elsewhere, name)]
    assert "".join(f"{name}\n" for name in listed) == TREE


def test_each_suitable_board_brings_its_files_and_its_drivers():
    """Registers for every board; linker script and description for those we build ourselves."""
    tree = files(tiny_model.keyword_spotter("mps2-an386"))
    expected = set()
    for found in suitable_boards(board.find("mps2-an386")):
        expected.add(f"boards/{found.id}/tk_board.h")
        if found.emulator:
            expected |= {f"boards/{found.id}/firmware.ld", f"boards/{found.id}.json"}
            assert f"src/hal/bare_metal/uart/{found.hal.uart}.c" in tree
            assert f"src/hal/bare_metal/timer/{found.hal.timer}.c" in tree
    assert {name for name in tree if name.startswith("boards/")} == expected


def test_all_of_the_harness_is_there(root):
    """The harness is copied as it is, with the library file beside it."""
    tree = files(tiny_model.tensors_only("mps2-an386"))
    ours = {path.name: path.read_text() for path in (root / "templates/harness").iterdir()}
    assert ours.keys() >= {"tk_harness.c", "tk_wire.h"}
    found = {name[15:]: text for name, text in tree.items() if name.startswith("lib/tk_harness/")}
    assert json.loads(found.pop("library.json"))["build"]["flags"] == list(STRICT_FLAGS)
    assert found == ours


def test_a_model_without_front_end_gets_the_plain_application():
    """Bring your own model: no front end, and a main.c that needs none."""
    tree = files(tiny_model.tensors_only("mps2-an386"))
    assert not any("tk_features" in name for name in tree)
    assert "tk_features" not in tree["src/main.c"]
    assert "#define TK_BUILD_FEATURES 0 " in tree["include/tk_build.h"]


def test_rendering_is_deterministic():
    """The same project gives the same bytes; nothing of this computer is in them."""
    first, second = (files(tiny_model.keyword_spotter("mps2-an386")) for _ in range(2))
    assert first == second
    assert not any(str(Path.home()) in text or "/work/" in text for text in first.values())


def test_the_chosen_board_is_the_default_environment():
    """`pio run` without arguments builds for the board that was asked for."""
    text = files(tiny_model.tensors_only("netduinoplus2"))["platformio.ini"]
    assert "default_envs = netduinoplus2\n" in text


def test_the_ini_has_each_suitable_board_and_its_trace_build():
    """Emulated and real boards whose core runs the code, each with a _trace variant."""
    text = files(tiny_model.tensors_only("mps2-an386"))["platformio.ini"]
    names = [line[5:-1] for line in text.splitlines() if line.startswith("[env:")]
    suitable = [found.id for found in suitable_boards(board.find("mps2-an386"))]
    assert names == [name + variant for name in suitable for variant in ("", "_trace")]
    assert "; ST Nucleo-F446RE: never run by the authors of tinykit\n[env:nucleo_f446re]" in text


def test_code_for_a_small_core_suits_every_board():
    """Portable C runs everywhere; code for the DSP extension on cores that have it, only there."""
    everywhere = {found.id for found in suitable_boards(board.find("pico"))}
    assert everywhere == set(board.ids())
    dsp = [found.id for found in suitable_boards(board.find("mps2-an386"))]
    assert dsp[0] == "mps2-an386"
    assert {"mps2-an500", "mps3-an547", "nano33ble", "netduinoplus2", "nucleo_f446re"} <= set(dsp)
    assert not {"pico", "esp32-s3-devkitc-1"} & set(dsp)


def test_linker_script_has_the_memory_of_the_board_file():
    """Origins and sizes come from the TOML, so the linker enforces them."""
    script = files(tiny_model.tensors_only("netduinoplus2"))["boards/netduinoplus2/firmware.ld"]
    assert "FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 1048576" in script
    assert "RAM   (rw) : ORIGIN = 0x20000000, LENGTH = 131072" in script


def test_the_model_is_compiled_as_it_was_measured():
    """The library's flags and those of its core are exactly the ones that `measure` uses."""
    made = tiny_model.tensors_only("mps2-an386", optimize="size")
    core = made.board.processor
    tree = files(made)
    library = json.loads(tree["lib/tk_model/library.json"])["build"]["flags"]
    manifest = json.loads(tree["boards/mps2-an386.json"])["build"]["core_flags"]
    assert [*manifest, *library] == list(model_flags(core, "size"))


def test_unknown_application_is_refused():
    """A wrong application name lists the ones there are."""
    with pytest.raises(UsageError, match="no firmware application 'toaster'") as caught:
        files(tiny_model.tensors_only("mps2-an386", app="toaster"))
    assert caught.value.hint == "known: keyword_spotting, model, speech_enhancement"


def test_application_that_needs_a_front_end_is_refused_without_one():
    """Keyword spotting without a front end would not compile: said before it is written."""
    with pytest.raises(UsageError, match="needs a front end"):
        files(tiny_model.tensors_only("mps2-an386", app="keyword_spotting"))


def test_a_missing_value_is_an_error_not_an_empty_string(tmp_path):
    """Templates are strict: a name that is not given fails."""
    (tmp_path / "main.c.j2").write_text("{{ project.nothing }}")
    with pytest.raises(jinja2.UndefinedError):
        project._copied(tmp_path, "src", {"project": object()})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kws v1.2", "kws_v1.2"),
        ('a"*/\nb', "a_b"),
        ("x" * 60, "x" * 48),
        ("日本", "_"),
        ("", "firmware"),
    ],
)
def test_project_name_is_made_safe(name, expected):
    """What the device reports can stand in C, INI and Markdown."""
    tree = files(tiny_model.tensors_only("mps2-an386", name=name))
    assert f'#define TK_BUILD_APP "{expected}"\n' in tree["include/tk_build.h"]
    assert tree["src/main.c"].startswith(f"/* {expected}: ")


@pytest.mark.host
def test_any_label_survives_as_a_c_string(tmp_path):
    """Quotes, backslashes, trigraphs and UTF-8 come out of the C program as they went in."""
    label = 'a"b\\c??/d\te\N{SNOWMAN}1'
    source = tmp_path / "label.c"
    literal = project._c_string(label)
    source.write_text(
        f"#include <stdio.h>\nint main(void) {{ return fputs({literal}, stdout) < 0; }}\n"
    )
    program = tmp_path / "label"
    command = ["gcc", "-std=c99", "-pedantic", "-Wall", "-Werror", str(source), "-o", str(program)]
    subprocess.run(command, check=True)
    assert subprocess.run([program], capture_output=True, check=True).stdout == label.encode()
