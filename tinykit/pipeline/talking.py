"""Opening the port of the device that runs the project's firmware."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tinykit.device.client import Client
from tinykit.device.transport import SerialTransport
from tinykit.firmware import runners
from tinykit.project import Project


@contextmanager
def client(project: Project) -> Iterator[Client]:
    """Open the port of the device that runs the project's firmware.

    Raises
    ------
    DeviceError
        When nothing was flashed, or the port cannot be opened.
    """
    port = project.port or runners.running(project.board, project.build).port
    with SerialTransport(port, project.board.baud) as transport, Client(transport) as device:
        yield device
