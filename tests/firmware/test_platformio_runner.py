"""Flashing real boards: no board here, so PlatformIO's part is played by a script."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tinykit import board
from tinykit.errors import DeviceError, UsageError
from tinykit.firmware import pio, runners
from tinykit.firmware.build import Firmware
from tinykit.firmware.runners import platformio

BOARD = board.find("nucleo_f446re")
TWO = (
    'Warning\n[{"port": "/dev/ttyACM1", "hwid": "USB VID:PID=0483:374B"},'
    ' {"port": "/dev/ttyS0", "hwid": "n/a"}, {"port": "/dev/ttyACM0", "hwid": "USB VID:PID=1:2"}]'
)
ONE = '[{"port": "%s", "hwid": "USB VID:PID=0483:374B"}, {"port": "/dev/ttyS0", "hwid": "PNP0501"}]'


@pytest.fixture
def firmware(tmp_path) -> Firmware:
    """A firmware as `build` returns it."""
    return Firmware(tmp_path, BOARD, BOARD.id, tmp_path / "firmware.elf", "ab", "cd", 1, 1)


@pytest.fixture
def play(monkeypatch):
    """Answer PlatformIO's commands from a table of first word -> (exit code, output)."""
    calls: list[list[str]] = []

    def _play(**answers: tuple[int, str]) -> list[list[str]]:
        def run(arguments, project, chosen):
            calls.append(arguments)
            return answers[arguments[0]]

        monkeypatch.setattr(pio, "run", run)
        return calls

    return _play


def test_real_boards_are_served_by_platformio_and_emulated_ones_by_qemu():
    """Which runner follows from the board file alone."""
    for name in board.ids():
        chosen = board.find(name)
        found = runners.runner(chosen)
        assert found.name == ("qemu" if chosen.emulator else "platformio")
        assert found.emulates == bool(chosen.emulator)


def test_uploads_through_the_only_usb_port(firmware, play, tmp_path):
    """One board connected: nothing to choose; run.json says where it is."""
    port = tmp_path / "ttyACM0"
    port.touch()
    calls = play(device=(0, ONE % port), run=(0, "SUCCESS"))
    running = runners.runner(BOARD).flash(firmware, tmp_path)
    assert running.port == str(port)
    assert calls[1] == [
        *("run", "--environment", "nucleo_f446re"),
        *("--target", "upload", "--upload-port", str(port)),
    ]
    assert runners.running(BOARD, tmp_path) == running


def test_no_board_connected(firmware, play, tmp_path):
    """A serial port that is not USB is no board."""
    play(device=(0, '[{"port": "/dev/ttyS0", "hwid": "PNP0501"}]'))
    with pytest.raises(DeviceError, match="no USB serial port") as caught:
        runners.runner(BOARD).flash(firmware, tmp_path)
    assert "--port" in caught.value.hint


def test_several_boards_connected(firmware, play, tmp_path):
    """Which one is the user's to say."""
    play(device=(0, TWO))
    with pytest.raises(UsageError, match="/dev/ttyACM0, /dev/ttyACM1") as caught:
        runners.runner(BOARD).flash(firmware, tmp_path)
    assert "--port /dev/ttyACM0" in caught.value.hint


@pytest.mark.parametrize("output", ["", "Error", "[{"])
def test_list_of_ports_that_cannot_be_read_is_an_empty_one(output):
    """PlatformIO may write anything around its JSON."""
    assert platformio.ports(output) == []


def test_port_that_is_not_there(firmware, play, tmp_path):
    """A typing error in --port is found before anything is uploaded."""
    calls = play()
    with pytest.raises(DeviceError, match="no serial port /dev/ttyNONE"):
        runners.runner(BOARD).flash(firmware, tmp_path, "/dev/ttyNONE")
    assert calls == []


def test_port_without_permission(firmware, play, tmp_path, monkeypatch):
    """The usual first stumble on Linux: the group that owns serial ports."""
    play()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(DeviceError, match="no permission for serial port /dev/null") as caught:
        runners.runner(BOARD).flash(firmware, tmp_path, "/dev/null")
    assert "dialout" in caught.value.hint


def test_upload_that_fails_shows_what_the_tool_said(firmware, play, tmp_path):
    """The last lines of PlatformIO, and no run.json of a board that runs something else."""
    play(run=(1, "Configuring\n\nError: no ST-LINK found\n*** [upload] Error 1\n"))
    with pytest.raises(DeviceError, match=r"uploading to nucleo_f446re on COM3 failed") as caught:
        runners.runner(BOARD).flash(firmware, tmp_path, "COM3")
    assert "Error: no ST-LINK found" in caught.value.message
    assert not (tmp_path / "run.json").exists()


def test_stop_leaves_a_real_board_alone(firmware, play, tmp_path):
    """There is no process to end; the record of it goes."""
    play(run=(0, ""))
    runner = runners.runner(BOARD)
    runner.flash(firmware, tmp_path, "COM3")
    assert not runner.stop(tmp_path)
    assert not Path(tmp_path / "run.json").exists()
