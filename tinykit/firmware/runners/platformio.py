"""Real boards: `pio run --target upload` with the uploader of the board's own platform."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from tinykit.board import Board
from tinykit.errors import DeviceError, UsageError
from tinykit.firmware import pio
from tinykit.firmware.build import Firmware
from tinykit.firmware.runners import Running, forget, load, save

_REAPPEAR_S = 15.0  # a board with USB of its own vanishes and comes back after a reset


class PlatformIo:
    """The runner of all boards that are no emulators."""

    name = "platformio"
    emulates = False

    def runs(self, board: Board) -> bool:
        """Whether the board is a real one."""
        return board.emulator is None

    def flash(
        self, firmware: Firmware, state: Path, port: str = "", *, lifetime_s: float = 0.0
    ) -> Running:
        """Upload `firmware` through `port`, or through the only USB serial port there is.

        Raises
        ------
        DeviceError
            When there is no such port, no permission for it, or the upload fails.
        UsageError
            When several ports could be meant.
        """
        board = firmware.board
        port = port or _only_port(firmware)
        _check_port(port)
        words = ["run", "--environment", firmware.environment, "--target", "upload"]
        code, output = pio.run([*words, "--upload-port", port], firmware.project, board)
        if code != 0:
            told = [line.strip() for line in output.splitlines() if line.strip()][-6:]
            raise DeviceError(
                f"uploading to {board.id} on {port} failed:" + "".join(f"\n  {t}" for t in told),
                "is it the right port, is the board powered, does another program hold the port?",
            )
        _wait_for(port)
        running = Running(
            board=board.id,
            environment=firmware.environment,
            runner=self.name,
            port=port,
            firmware_id=firmware.id,
            elf_sha256=firmware.sha256,
        )
        save(state, running)
        return running

    def check(self, running: Running, state: Path) -> None:
        """Raise `DeviceError` when the port is no longer there."""
        _check_port(running.port)

    def stop(self, state: Path) -> bool:
        """Forget the board: it runs on."""
        running = load(state)
        if running is None or running.runner != self.name:
            return False
        forget(state)
        return False


RUNNER = PlatformIo()


def ports(output: str) -> list[str]:
    """Return the USB serial ports in the output of `pio device list --json-output`."""
    start = output.find("[")
    try:
        found = json.loads(output[start:]) if start >= 0 else []
    except ValueError:
        found = []
    return sorted(item["port"] for item in found if "VID:PID" in item.get("hwid", ""))


def _only_port(firmware: Firmware) -> str:
    words = ["device", "list", "--serial", "--json-output"]
    _, output = pio.run(words, firmware.project, firmware.board)
    found = ports(output)
    if not found:
        raise DeviceError(
            f"no USB serial port: {firmware.board.id} is not connected, or has no driver here",
            "connect the board by a cable that carries data, or give its port: --port /dev/ttyACM0",
        )
    if len(found) > 1:
        raise UsageError(
            "several USB serial ports: " + ", ".join(found), f"choose one: --port {found[0]}"
        )
    return found[0]


def _check_port(port: str) -> None:
    """Check a port that is a path of this system: there, and ours to use."""
    if not port.startswith("/dev/"):
        return
    if not Path(port).exists():
        raise DeviceError(
            f"no serial port {port}", "connect the board; ports that are there: ls /dev/tty*"
        )
    if not os.access(port, os.R_OK | os.W_OK):
        raise DeviceError(
            f"no permission for serial port {port}",
            "sudo usermod --append --groups dialout $USER, then log out and in again",
        )


def _wait_for(port: str) -> None:
    end = time.monotonic() + _REAPPEAR_S
    while port.startswith("/dev/") and not Path(port).exists() and time.monotonic() < end:
        time.sleep(0.1)
