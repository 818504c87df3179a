"""Building with PlatformIO, offline: what comes out, and what is said when it fails."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_model
from emulated import EMULATED

from tinykit import board, paths
from tinykit.compiler.toolchain import STRICT_FLAGS, model_flags
from tinykit.errors import BudgetError, BuildError, ToolError
from tinykit.firmware import build as module
from tinykit.firmware import elf, pio
from tinykit.firmware.build import build
from tinykit.firmware.generate import render

BOARD = board.find("mps2-an386")


@pytest.mark.emulator
def test_same_sources_give_the_same_bytes_in_any_folder(tmp_path):
    """No path and no date gets into the firmware, and its id depends on the sources only."""
    made = []
    for folder in (tmp_path / "a", tmp_path / "deep/er"):
        render(tiny_model.tensors_only("mps2-an386"), folder)
        made.append(build(folder, BOARD))
    assert made[0].sha256 == made[1].sha256
    assert made[0].id == made[1].id
    assert made[0].elf.read_bytes() == made[1].elf.read_bytes()


@pytest.mark.emulator
def test_model_is_built_with_the_flags_it_was_measured_with(tmp_path):
    """What measure.py links and what is flashed come from the same command lines."""
    render(tiny_model.tensors_only("mps2-an386"), tmp_path)
    code, output = pio.run(["run", "--verbose", "-e", "mps2-an386"], tmp_path, BOARD)
    assert code == 0, output
    (compiled,) = (line.split() for line in output.splitlines() if line.endswith("tk_model.c"))
    (linked,) = (
        line.split()
        for line in output.splitlines()
        if "-o .pio/build/mps2-an386/firmware.elf" in line
    )
    assert set(model_flags(BOARD.processor, "balanced")) <= set(compiled)
    assert [flag for flag in compiled if flag.startswith("-O")][-1] == "-O2"
    assert BOARD.processor.architecture
    assert set(BOARD.processor.architecture.link_flags) <= set(linked)
    assert "warning:" not in output


@pytest.mark.emulator
def test_an_edit_changes_the_firmware_id(tmp_path):
    """The id is what tells a device with old firmware from one with new."""
    render(tiny_model.tensors_only("mps2-an386"), tmp_path)
    first = build(tmp_path, BOARD)
    assert build(tmp_path, BOARD) == first
    with (tmp_path / "src/main.c").open("a") as file:
        file.write("/* a word */\n")
    second = build(tmp_path, BOARD)
    assert second.id != first.id
    assert len(second.id) == 32


@pytest.mark.emulator
def test_sizes_are_those_of_the_linked_file(tmp_path):
    """A constant and a variable of known size show up in flash and in RAM."""
    sizes = []
    for statics in ("", "volatile int8_t grown[5000]; volatile int8_t stored[3000] = {1};"):
        extra = "" if not statics else "\nvoid tk_model_use(void);"
        sources = tiny_model.model(statics=statics)
        if statics:
            # Used, or the linker drops them.
            sources["tk_model.c"] = sources["tk_model.c"].replace(
                "void tk_model_reset(void) {}",
                "void tk_model_reset(void) { grown[0] = stored[0]; }" + extra,
            )
        render(tiny_model.tensors_only("mps2-an386", model=sources), tmp_path)
        sizes.append(build(tmp_path, BOARD))
    assert 8000 <= sizes[1].ram_bytes - sizes[0].ram_bytes <= 8016
    assert 3000 <= sizes[1].flash_bytes - sizes[0].flash_bytes <= 3100


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("statics", "memory", "over"),
    [
        ("static int8_t big[131072];", "RAM", 131072),
        ("static const int8_t big[1048576] = {1};", "flash", 1048576),
    ],
)
def test_firmware_that_does_not_fit_says_by_how_much(tmp_path, statics, memory, over):
    """The linker enforces the board's memory; the error gives the bytes over and the limits."""
    sources = tiny_model.model(statics=statics)
    sources["tk_model.c"] = sources["tk_model.c"].replace(
        "return output + 0 * index", "return index < 9 ? output : (const int8_t *)big"
    )
    render(tiny_model.tensors_only("netduinoplus2", model=sources), tmp_path)
    with pytest.raises(BudgetError) as caught:
        build(tmp_path, board.find("netduinoplus2"))
    message = caught.value.message
    assert "flash 1,048,576 B, RAM 131,072 B" in message
    told = int(message.split(f"over its {memory} by ")[1].split(" B")[0].replace(",", ""))
    assert 1000 < told < over


@pytest.mark.emulator
def test_compiler_errors_come_first_with_file_and_line(tmp_path):
    """The first errors stand in the message, the rest in a file it names."""
    render(tiny_model.tensors_only("mps2-an386"), tmp_path)
    (tmp_path / "src/main.c").write_text("".join(f"int a{i} = b{i};\n" for i in range(7)))
    with pytest.raises(BuildError) as caught:
        build(tmp_path, BOARD)
    assert "src/main.c:1:10: error: 'b0' undeclared" in caught.value.message
    assert caught.value.message.endswith("... and 2 more")
    log = tmp_path / ".pio/mps2-an386.log"
    assert str(log) in caught.value.hint
    assert "'b6' undeclared" in log.read_text()


@pytest.mark.emulator
def test_linker_errors_are_named(tmp_path):
    """A function that is nowhere is said by name."""
    render(tiny_model.tensors_only("mps2-an386"), tmp_path)
    with (tmp_path / "src/main.c").open("a") as file:
        file.write("void nowhere(void);\nvoid lost(void) { nowhere(); }\n")
        file.write("__attribute__((used)) static void (*const kept)(void) = lost;\n")
        file.write("void tk_model_reset(void) { kept(); }\n")
    with pytest.raises(BuildError, match=r"multiple definition of|undefined reference to"):
        build(tmp_path, BOARD)


@pytest.mark.emulator
def test_board_that_the_project_was_not_made_for(tmp_path):
    """A board without an environment is answered with the command that makes one."""
    render(tiny_model.tensors_only("mps2-an386"), tmp_path)
    other = replace_id(BOARD, "my-board")
    with pytest.raises(BuildError, match="no environment 'my-board'") as caught:
        build(tmp_path, other)
    assert "tinykit generate --board my-board" in caught.value.hint


@pytest.mark.emulator
def test_a_board_file_of_the_users_own_builds(tmp_path):
    """A board is one TOML file: nothing in the code knows its name."""
    text = (paths.share_dir("boards") / "mps2-an386.toml").read_text()
    own = tmp_path / "small_board.toml"
    own.write_text(
        text.replace('board = "mps2-an386"', 'board = "small_board"')
        .replace("flash_bytes = 4_194_304", "flash_bytes = 16_384")
        .replace("ram_bytes = 4_194_304", "ram_bytes = 8_192")
    )
    found = board.load(own)
    render(replace(tiny_model.tensors_only("mps2-an386"), board=found), tmp_path / "firmware")
    made = build(tmp_path / "firmware", found)
    assert made.environment == "small_board"
    assert made.flash_bytes < 16_384


@pytest.mark.emulator
def test_first_builds_at_the_same_time_do_not_disturb_each_other(tmp_path, monkeypatch):
    """Several processes may make PlatformIO's core folder at once."""
    monkeypatch.setenv("TINYKIT_CACHE", str(tmp_path / "cache"))
    threads = [
        threading.Thread(target=pio.install_scons, args=(tmp_path / "core",)) for _ in range(4)
    ]
    failed: list[str] = []

    def one(name: str) -> None:
        try:
            pio.install_scons(tmp_path / "core")
            render(tiny_model.tensors_only("mps2-an386"), tmp_path / name)
            build(tmp_path / name, BOARD)
        except BaseException as reason:
            failed.append(repr(reason))

    threads = [threading.Thread(target=one, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.mark.emulator
def test_spaces_and_umlauts_in_the_path_are_fine(tmp_path):
    """A folder may be called what people call folders."""
    folder = tmp_path / "my prüject" / "firm ware"
    render(tiny_model.tensors_only("mps2-an386"), folder)
    assert build(folder, BOARD).elf.is_file()


@pytest.mark.parametrize("name", ["a$b", "it's", 'so "called"'])
def test_a_path_that_platformio_cannot_take_is_said(tmp_path, name):
    """PlatformIO would fail with an unknown board or a shell's syntax error."""
    render(tiny_model.tensors_only("mps2-an386"), tmp_path / name)
    with pytest.raises(BuildError, match="cannot build in a folder with") as caught:
        build(tmp_path / name, BOARD)
    assert "move the project" in caught.value.hint


def test_folder_without_a_project_is_refused(tmp_path):
    """Building before generating says which command comes first."""
    with pytest.raises(BuildError, match=r"no platformio\.ini") as caught:
        build(tmp_path, BOARD)
    assert "tinykit generate" in caught.value.hint


def test_missing_compiler_gives_the_command_that_installs_it(tmp_path, monkeypatch):
    """An empty PATH: the error has the whole apt command."""
    render(tiny_model.tensors_only("mps2-an386"), tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="arm-none-eabi-gcc") as caught:
        build(tmp_path, BOARD)
    assert "gcc-arm-none-eabi libnewlib-arm-none-eabi" in caught.value.hint


def test_missing_c_library_gives_the_command_that_installs_it(tmp_path):
    """gcc without newlib fails at the link, with words that name neither."""
    output = "arm-none-eabi/bin/ld: cannot find -lc: No such file or directory\n"
    found = module._failure(output, BOARD, BOARD.id, tmp_path / "log")
    assert "no C library" in found.message
    assert "libnewlib-arm-none-eabi" in found.hint


def test_real_board_without_registry_fails_at_once_and_says_why(tmp_path, monkeypatch):
    """PlatformIO would try for a minute and say nothing; we look first."""
    real = board.find("nucleo_f446re")
    render(tiny_model.tensors_only("nucleo_f446re"), tmp_path)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens on the discard port
    monkeypatch.setattr(subprocess, "Popen", None)  # PlatformIO must not even start
    with pytest.raises(ToolError) as caught:
        build(tmp_path, real)
    assert "`ststm32`" in caught.value.message
    assert "registry cannot be reached" in caught.value.message
    assert "emulated boards need no download" in caught.value.hint


def test_missing_platformio_is_said(tmp_path, monkeypatch):
    """A Python without PlatformIO gets the pip command, not a traceback."""
    render(tiny_model.tensors_only("mps2-an386"), tmp_path)
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(ToolError, match="PlatformIO is not installed"):
        pio.run(["run"], tmp_path, BOARD)


def test_an_interrupted_build_leaves_no_process(tmp_path, monkeypatch):
    """Ctrl-C ends PlatformIO and all that it started."""
    render(tiny_model.tensors_only("mps2-an386"), tmp_path)
    started: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen):
        def communicate(self, *arguments: object, **options: object) -> tuple[str, str]:
            started.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        pio.run(["run"], tmp_path, BOARD)
    assert started[0].returncode == -signal.SIGKILL


@pytest.mark.emulator
def test_works_from_an_installed_package_in_an_empty_folder(tmp_path, root):
    """As in a wheel: boards and templates inside the package, no checkout around."""
    site = tmp_path / "site"
    shutil.copytree(
        root / "tinykit", site / "tinykit", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("boards", "templates"):
        shutil.copytree(root / name, site / "tinykit/_share" / name)
    shutil.copy(root / "tests/firmware/tiny_model.py", site)
    script = (
        "from pathlib import Path; import tiny_model, tinykit; from tinykit import paths;"
        "from tinykit.firmware.generate import render; from tinykit.firmware.build import build;"
        "project = tiny_model.keyword_spotter('mps2-an386'); render(project, Path('firmware'));"
        "print(tinykit.__file__, build(Path('firmware'), project.board).elf.is_file())"
    )
    work = tmp_path / "empty"
    work.mkdir()
    environment = os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=work, env=environment, capture_output=True, text=True
    )
    assert done.stdout == f"{site}/tinykit/__init__.py True\n", done.stderr


@pytest.mark.parametrize("name", EMULATED)
@pytest.mark.emulator
def test_hardware_layer_and_applications_compile_without_a_warning(tmp_path, name):
    """All of src/, and what listens, is C99 that the strictest warnings accept."""
    project = tiny_model.keyword_spotter(name)
    render(project, tmp_path)
    chosen = project.board
    (tmp_path / "tk_firmware_id.h").write_text('#define TK_FIRMWARE_ID "0"\n')
    libraries = ("lib/tk_model", "lib/tk_features", "lib/tk_harness", "lib/tk_listener")
    folders = ("", "include", f"boards/{name}", *libraries)
    flags = ["-std=c99", *STRICT_FLAGS, "-Werror", "-fsyntax-only"]
    hal = tmp_path / "src/hal/bare_metal"
    assert chosen.processor.architecture
    sources = [*(tmp_path / "src").glob("*.c"), *hal.glob("*.c")]
    sources += (hal / chosen.processor.architecture.name).glob("*.c")
    sources += [hal / f"uart/{chosen.hal.uart}.c", hal / f"timer/{chosen.hal.timer}.c"]
    sources.append(tmp_path / "lib/tk_listener/tk_listener.c")
    assert len(sources) == 11
    subprocess.run(
        [
            chosen.processor.architecture.prefix + "gcc",
            *chosen.processor.gcc_flags,
            *flags,
            *(f"-I{tmp_path / folder}" for folder in folders),
            *map(str, sources),
        ],
        check=True,
    )


def test_elf_that_is_none_is_refused(tmp_path):
    """Another file, and one cut short, are errors with the file's name."""
    path = tmp_path / "firmware.elf"
    path.write_bytes(b"MZ")
    with pytest.raises(BuildError, match="not a 32-bit little-endian ELF"):
        elf.size(path)
    path.write_bytes(b"\x7fELF\x01\x01\x01" + bytes(9))
    with pytest.raises(BuildError, match="cut short"):
        elf.size(path)


def replace_id(chosen: board.Board, name: str) -> board.Board:
    """Return the same board under another id."""
    import msgspec

    return msgspec.structs.replace(chosen, id=name)


def test_failure_without_a_known_error_shows_the_last_lines(tmp_path):
    """Whatever PlatformIO says last is better than nothing."""
    output = "one\n\ntwo\n===== [FAILED] =====\nEnvironment    Status\n----\nx   FAILED\n"
    found = module._failure(output, BOARD, "x", tmp_path / "log")
    assert found.message == "building x failed:\n  one\n  two"
    found = module._failure("one\nError: two\nthree\n", BOARD, "x", tmp_path / "log")
    assert found.message == "building x failed:\n  Error: two"


def test_output_of_a_full_arduino_board_is_understood(tmp_path):
    """PlatformIO's own size check, as real boards have it, counts as not fitting."""
    output = (
        "Error: The program size (540000 bytes) is greater than maximum allowed (524288 bytes)\n"
        "Warning! The data size (140000 bytes) is greater than maximum allowed (131072 bytes)\n"
    )
    found = module._failure(output, board.find("nucleo_f446re"), "x", Path("log"))
    assert isinstance(found, BudgetError)
    assert "over its flash by 15,712 B and its RAM by 8,928 B" in found.message
