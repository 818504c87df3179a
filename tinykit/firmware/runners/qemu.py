"""QEMU as the device: started by `flash`, reached at a TCP port, living on after the command ends.

Its serial port listens on 127.0.0.1 and takes one client after the other, as a real port does. QEMU
counts virtual time by instructions (`-icount`), so what the board's timer says is exact. It sleeps
while the firmware sleeps; a time limit ends one that was forgotten.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinykit import programs
from tinykit.board import Board
from tinykit.errors import DeviceError, ToolError
from tinykit.firmware.build import Firmware
from tinykit.firmware.runners import LIFETIME_S, Running, forget, load, save

_START_S = 20.0
_STOP_S = 5.0
_LOG = "qemu.log"

# Processes started by this Python: kept, because dropping one that still runs is a warning, and
# waited for when they end, or they would stay as zombies.
_children: dict[str, subprocess.Popen[bytes]] = {}


class Qemu:
    """The runner of boards with an `[emulator]` table."""

    name = "qemu"
    emulates = True

    def runs(self, board: Board) -> bool:
        """Whether the board is an emulated one."""
        return board.emulator is not None

    def flash(
        self,
        firmware: Firmware,
        state: Path,
        port: str = "",
        *,
        before_start: Callable[[str], None] = lambda port: None,
        lifetime_s: float = LIFETIME_S,
    ) -> Running:
        """Start the board with `firmware`, in place of the one that ran for this folder before.

        Parameters
        ----------
        port : str
            Not used: the system chooses a free one.
        before_start : callable
            Called with the port before the first instruction: a client that connects there misses
            no byte.
        lifetime_s : float
            Wall-clock limit of the emulator's life, in seconds.

        Raises
        ------
        ToolError
            When QEMU is not installed or does not start; with what it said.
        """
        self.stop(state)
        state.mkdir(parents=True, exist_ok=True)
        token = f"tinykit-{secrets.token_hex(8)}"
        pidfile = state / f"{token}.pid"
        # Sockets are opened here and inherited, so no other process can take the port in between.
        with socket.create_server(("127.0.0.1", 0)) as serial:
            monitor, monitor_of_qemu = socket.socketpair()
            with monitor, monitor_of_qemu:
                url = f"socket://127.0.0.1:{serial.getsockname()[1]}"
                command = [
                    *_limited(lifetime_s),
                    *_command(firmware, token, pidfile, serial.fileno(), monitor_of_qemu.fileno()),
                ]
                with (state / _LOG).open("wb") as log:
                    _children[token] = subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        pass_fds=(serial.fileno(), monitor_of_qemu.fileno()),
                        start_new_session=True,  # a Ctrl-C later on is not meant for it
                    )
                monitor_of_qemu.close()
                try:
                    greet(monitor)
                    running = Running(
                        board=firmware.board.id,
                        environment=firmware.environment,
                        runner=self.name,
                        port=url,
                        firmware_id=firmware.id,
                        elf_sha256=firmware.sha256,
                        pid=int(pidfile.read_text()),
                        token=token,
                    )
                    save(state, running)
                    before_start(url)
                    execute(monitor, "cont")
                except BaseException as reason:
                    _children[token].terminate()
                    _reap(token)
                    forget(state)
                    if isinstance(reason, (OSError, EOFError, ValueError)):
                        raise ToolError(
                            f"QEMU did not start {firmware.board.id}: {_said(state)}",
                            "is the ELF file one for this board? Try: tinykit build",
                        ) from None
                    raise
                finally:
                    pidfile.unlink(missing_ok=True)
        return running

    def check(self, running: Running, state: Path) -> None:
        """Raise `DeviceError` when the emulator has ended, with its last words."""
        if not _is_ours(running.pid, running.token):
            raise DeviceError(
                f"the emulated {running.board} no longer runs: {_said(state)}",
                f"start it again: tinykit flash (it is ended after {LIFETIME_S // 60} minutes)",
            )

    def stop(self, state: Path) -> bool:
        """End the emulator that was started for folder `state`, and no other process."""
        running = load(state)
        if running is None or running.runner != self.name:
            return False
        alive = _is_ours(running.pid, running.token)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if _is_ours(running.pid, running.token):
                os.kill(running.pid, number)
                _wait_until_gone(running)
        _reap(running.token)
        forget(state)
        return alive


RUNNER = Qemu()


def greet(monitor: socket.socket) -> None:
    """Take QEMU's greeting on the QMP socket and enter command mode."""
    monitor.settimeout(_START_S)
    _receive(monitor)
    execute(monitor, "qmp_capabilities")


def execute(monitor: socket.socket, command: str) -> Any:
    """Run a QMP command and return its result; events on the way are dropped."""
    monitor.sendall(json.dumps({"execute": command}).encode() + b"\n")
    while True:
        message = _receive(monitor)
        if "error" in message:
            raise ValueError(f"QMP {command}: {message['error'].get('desc')}")
        if "return" in message:
            return message["return"]


def _receive(monitor: socket.socket) -> dict[str, Any]:
    """Return one message: a line of JSON. Byte by byte, so that nothing behind it is taken."""
    line = b""
    while not line.endswith(b"\n"):
        byte = monitor.recv(1)
        if not byte:
            raise EOFError
        line += byte
    return json.loads(line)


def _command(firmware: Firmware, token: str, pidfile: Path, serial: int, monitor: int) -> list[str]:
    emulator, architecture = firmware.board.emulator, firmware.board.processor.architecture
    assert emulator is not None and architecture is not None
    return [
        programs.require(architecture.qemu),
        *("-name", token),
        *("-machine", emulator.machine),
        *("-icount", f"shift={emulator.icount_shift},sleep=off"),
        *("-display", "none", "-monitor", "none"),
        *("-chardev", f"socket,id=serial,fd={serial},server=on,wait=off,nodelay=on"),
        *("-serial", "chardev:serial"),
        *("-chardev", f"socket,id=monitor,fd={monitor}"),
        *("-mon", "chardev=monitor,mode=control"),
        *("-pidfile", str(pidfile)),
        *("-kernel", str(firmware.elf)),
        "-S",  # wait for `cont`
    ]


def _limited(seconds: float) -> list[str]:
    """Return the words before a command that end it after `seconds`; none where that is unknown."""
    program = shutil.which("timeout")  # GNU coreutils; macOS has none
    return [program, "--kill-after=5", str(seconds)] if program else []


def _said(state: Path) -> str:
    """Return the last line that QEMU wrote to stderr, without its own news of being ended."""
    try:
        lines = (state / _LOG).read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    told = [line.strip() for line in lines if line.strip() and "no active timers" not in line]
    return told[-1] if told else "it said nothing"


def _is_ours(pid: int, token: str) -> bool:
    """Whether process `pid` runs and has `token` in its command line: ids are used again."""
    if pid <= 0 or not token:
        return False
    try:
        return token.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        if Path("/proc/self/cmdline").exists():
            return False
    except OSError:
        return False
    listed = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, check=False)
    return token.encode() in listed.stdout


def _wait_until_gone(running: Running) -> None:
    end = time.monotonic() + _STOP_S
    while _is_ours(running.pid, running.token) and time.monotonic() < end:
        time.sleep(0.01)


def _reap(token: str) -> None:
    """Collect the exit code of a process that this Python started."""
    child = _children.pop(token, None)
    if child is not None:
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
