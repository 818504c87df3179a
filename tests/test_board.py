"""Board files: what they must say, and what is told when they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinykit import board, paths
from tinykit.errors import BoardError

GOOD = """\
name = "My board"
vendor = "Me"
mcu = "AN386"
core = "cortex-m4f"
clock_hz = 25_000_000
url = "https://example.org"
proven = "never"

[memory]
flash_origin = 0x0000_0000
flash_bytes = 65_536
ram_origin = 0x2000_0000
ram_bytes = 16_384

[hal]
template = "bare_metal"
uart = "cmsdk"
uart_base = 0x4000_4000
timer = "cmsdk"
timer_base = 0x4000_0000

[counter]
unit = "instructions"
numerator = 5
denominator = 16

[platformio]
platform = "tinykit"
board = "my-board"

[emulator]
machine = "mps2-an386"
icount_shift = 7
"""


@pytest.fixture
def write(tmp_path: Path):
    """Write a board file with one piece of the good one replaced."""

    def _write(old: str = "", new: str = "", name: str = "my-board.toml") -> Path:
        assert old in GOOD
        path = tmp_path / name
        path.write_text(GOOD.replace(old, new, 1) if old else GOOD)
        return path

    return _write


@pytest.mark.parametrize("name", board.ids())
def test_every_board_of_the_kit_is_valid(name):
    """Each file in boards/ passes its own checks and keeps its name."""
    assert board.find(name).id == name


def test_the_promised_boards_are_there():
    """An emulated board for each core of the matrix, and four real ones, come with the kit."""
    emulated = {name for name in board.ids() if board.find(name).emulator}
    assert emulated == {
        "microbit",
        "mps2-an385",
        "mps2-an386",
        "mps2-an500",
        "mps2-an505",
        "mps3-an547",
        "netduinoplus2",
        "riscv-virt",
    }
    assert set(board.ids()) - emulated == {
        "esp32-s3-devkitc-1",
        "nano33ble",
        "nucleo_f446re",
        "pico",
    }


@pytest.mark.parametrize("name", [n for n in board.ids() if board.find(n).proven == "never"])
def test_a_board_that_never_ran_says_so_in_its_first_lines(name):
    """Who reads the file sees that it was not tried."""
    text = (paths.share_dir("boards") / f"{name}.toml").read_text()
    comment = " ".join(line[2:] for line in text.splitlines()[:2] if line.startswith("# "))
    assert "never built or run by the authors of tinykit" in comment


def test_a_file_of_the_users_own_is_found_by_its_path(write):
    """A name that ends in .toml is a path."""
    found = board.find(str(write()))
    assert (found.id, found.memory.ram_bytes) == ("my-board", 16_384)


def test_unknown_board_suggests_the_nearest():
    """A typing error in a board's id is answered with the id meant."""
    with pytest.raises(BoardError, match="unknown board 'mps2-an368'") as caught:
        board.find("mps2-an368")
    assert "did you mean `mps2-an386`?" in caught.value.hint
    assert caught.value.exit_code == 2


def test_missing_file_is_named(tmp_path):
    """A path that is not there is said with the system's reason."""
    with pytest.raises(BoardError, match=r"none\.toml: No such file"):
        board.find(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("ram_bytes", "ram_byte", "ram_byte", "did you mean `ram_bytes`?"),
        ('vendor = "Me"', 'vendr = "Me"', "vendr", "did you mean `vendor`?"),
        ("icount_shift = 7", "icount_shift = 7\nicont = 1", "icont", "known keys: machine"),
        ('vendor = "Me"\n', "", "vendor", ""),
        ("clock_hz = 25_000_000", 'clock_hz = "fast"', "clock_hz", ""),
        ("[memory]", "[memory", "not valid TOML", ""),
        ('name = "My board"', 'name = "a */ b"', "name must be one line", ""),
        ('name = "My board"', 'name = "a\\nb"', "name must be one line", ""),
        ("cortex-m4f", "cortex-m4x", "unknown core 'cortex-m4x'", "did you mean `cortex-m4`?"),
        ("clock_hz = 25_000_000", "clock_hz = 0", "clock_hz is 0", ""),
        ("ram_bytes = 16_384", "ram_bytes = -4", "memory.ram_bytes is -4", ""),
        ("flash_bytes = 65_536", "flash_bytes = 0", "memory.flash_bytes is 0", ""),
        ("denominator = 16", "denominator = 0", "counter.denominator is 0", ""),
        ('unit = "instructions"', 'unit = "cycles"', "cycles", ""),
        ('"bare_metal"', '"bare_metl"', "unknown hal.template", "did you mean `bare_metal`?"),
        ('uart = "cmsdk"', 'uart = "cmsdc"', "unknown hal.uart 'cmsdc'", "did you mean `cmsdk`?"),
        ('timer = "cmsdk"\n', "", "hal.timer: template bare_metal needs one of: cmsdk", ""),
        ("flash_origin = 0x0000_0000\n", "", "memory.flash_origin", "linker script"),
        ("ram_origin = 0x2000_0000", "ram_origin = 0x0000_8000", "overlap", ""),
        ("ram_origin = 0x2000_0000", "ram_origin = 0x2000_0002", "whole number of words", ""),
        ("ram_origin = 0x2000_0000", "ram_origin = 0xFFFF_F000", "32-bit address space", ""),
        ("icount_shift = 7", "icount_shift = 11", "icount_shift is 11", ""),
        ('platform = "tinykit"', 'platform = "ststm32"', "platformio.framework is missing", ""),
        (
            'platform = "tinykit"',
            'platform = "ststm32"\nframework = "arduino"',
            'an emulated board needs platformio.platform = "tinykit"',
            "",
        ),
        ("cortex-m4f", "xtensa-lx7", "builds for Cortex-M and RISC-V, not xtensa-lx7", ""),
    ],
)
def test_wrong_file_is_refused_with_the_reason(write, old, new, message, hint):
    """Each kind of mistake names the file, the key and what would be right."""
    path = write(old, new)
    with pytest.raises(BoardError) as caught:
        board.load(path)
    assert str(path) in caught.value.message
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_drivers_where_the_template_has_none_are_refused(write):
    """A UART driver for an Arduino board is a mistake, not ignored."""
    with pytest.raises(BoardError, match=r"hal\.uart: template arduino needs nothing there"):
        board.load(write('"bare_metal"', '"arduino"'))


def test_file_name_must_be_a_board_id(write):
    """The id goes into C, INI and file names."""
    with pytest.raises(BoardError, match="board id 'My Board'"):
        board.load(write(name="My Board.toml"))
