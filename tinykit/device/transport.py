"""Bytes to and from a device: the only place that knows pyserial.

A port is anything pyserial opens: ``/dev/ttyACM0``, ``COM3``, a pty, ``socket://127.0.0.1:4321``.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import serial
from serial.tools import list_ports

from tinykit.errors import DeviceError

_POLL_S = 0.05  # pyserial's read timeout; longer waits are made of these, so Ctrl-C is prompt
_WRITE_TIMEOUT_S = 10.0


class Transport(Protocol):
    """A byte pipe to one device."""

    name: str

    def write(self, data: bytes) -> None:
        """Send all of `data`."""

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived, waiting for at least one byte; ``b""`` after `timeout_s`."""

    def close(self) -> None:
        """Let go of the port; more than once is harmless."""


class SerialTransport:
    """A `Transport` over pyserial.

    Parameters
    ----------
    port : str
        Device name or pyserial URL.
    baud : int
        Bits per second; ignored by sockets and ptys.

    Raises
    ------
    DeviceError
        When the port is not there, busy, or not permitted; the hint lists the ports that are there.
    """

    def __init__(self, port: str, baud: int = 115200) -> None:
        self.name = port
        try:
            self._serial = serial.serial_for_url(
                port, baudrate=baud, timeout=_POLL_S, write_timeout=_WRITE_TIMEOUT_S, exclusive=True
            )
        except (OSError, ValueError) as reason:  # SerialException is an OSError
            raise _cannot_open(port, reason) from None

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        with self._gone("write"):
            self._serial.write(data)

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived, waiting for at least one byte; ``b""`` after `timeout_s`."""
        end = time.monotonic() + timeout_s
        with self._gone("read"):
            while True:
                data: bytes = self._serial.read(1)
                if data:
                    # Sockets report one waiting byte whatever has come: the caller reads again.
                    return data + self._serial.read(self._serial.in_waiting)
                if time.monotonic() >= end:
                    return b""

    def close(self) -> None:
        """Let go of the port."""
        # pyserial forgets to close a socket whose other end is gone already.
        connection = getattr(self._serial, "_socket", None)
        self._serial.close()
        if connection is not None:
            connection.close()

    def __enter__(self) -> SerialTransport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _gone(self, what: str) -> Iterator[None]:
        """Turn pyserial's errors on an open port into ours."""
        try:
            yield
        except serial.SerialTimeoutException:
            raise DeviceError(
                f"{self.name}: the device takes no bytes ({_WRITE_TIMEOUT_S:.0f} s)",
                "is flow control on, or the emulator stopped? reset the device, or flash again",
            ) from None
        except (
            OSError,
            TypeError,
        ) as reason:  # TypeError: pyserial, when the port is closed meanwhile
            raise DeviceError(
                f"{self.name}: the port went away during a {what}: {reason}",
                "was the board unplugged or the emulator stopped? connect it again, or run "
                "`tinykit flash`, then `tinykit test`",
            ) from None


def ports() -> list[str]:
    """Return the serial ports of this machine, with what they say they are."""
    return [
        port.device
        if port.description in ("n/a", port.device, "")
        else f"{port.device} ({port.description})"
        for port in sorted(list_ports.comports())
    ]


def _cannot_open(port: str, reason: Exception) -> DeviceError:
    number = getattr(reason, "errno", None)
    text = str(reason)
    here = "; ports here: " + (", ".join(ports()) or "none")
    if port.startswith("socket://"):
        return DeviceError(
            f"{port}: cannot connect: {text}",
            "is the emulator running? `tinykit flash` starts it",
        )
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO) or "FileNotFoundError" in text:
        return DeviceError(f"{port}: no such port", "is the board plugged in?" + here)
    if number == errno.EACCES or "PermissionError(13" in text:
        return DeviceError(
            f"{port}: no permission to open it",
            "on Linux: sudo usermod -aG dialout $USER, then log in again (or a udev rule); on "
            "Windows another program holds the port",
        )
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return DeviceError(
            f"{port}: busy, another program has it open",
            "close the serial monitor, or the other `tinykit test`",
        )
    if isinstance(reason, ValueError):
        return DeviceError(
            f"{port}: not a port: {text}",
            "use a device name or a URL such as socket://127.0.0.1:4321" + here,
        )
    return DeviceError(f"{port}: cannot open it: {text}", "is it a serial port?" + here)
