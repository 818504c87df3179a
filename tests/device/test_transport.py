"""Serial ports: what can go wrong with them, told in words, and that bytes pass."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import tty
from collections.abc import Callable, Iterator

import pytest
import serial
from device_twin import model, random_inputs

from tinykit.device.client import Client
from tinykit.device.transport import SerialTransport, ports
from tinykit.errors import DeviceError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="uses ptys")


@pytest.fixture
def pty() -> Iterator[tuple[int, str]]:
    """A pseudo terminal: our end, and the name of the other."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    yield ours, os.ttyname(theirs)
    os.close(theirs)
    os.close(ours)


def test_bytes_pass(pty: tuple[int, str]) -> None:
    """All 256 bytes pass a terminal in both directions, none translated."""
    ours, name = pty
    data = bytes(range(256))
    with SerialTransport(name) as transport:
        transport.write(data)
        assert os.read(ours, 1000) == data
        os.write(ours, data)
        got = b""
        while len(got) < len(data):
            piece = transport.read(5)
            assert piece
            got += piece
        assert got == data


def test_read_times_out(pty: tuple[int, str]) -> None:
    """Nothing to read is no bytes, not an error."""
    with SerialTransport(pty[1]) as transport:
        assert transport.read(0.0) == b""


@pytest.mark.host
def test_harness_on_a_pty(harness_program: Callable) -> None:
    """The whole road but the hardware: client, pyserial, terminal, harness in C."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    process = subprocess.Popen([harness_program()], stdin=ours, stdout=ours)
    try:
        with SerialTransport(os.ttyname(theirs)) as transport:
            inputs = random_inputs(1)
            outputs = Client(transport).infer(inputs).outputs
            expected = model([array.tobytes() for array in inputs])[-2:]
            assert [output.tobytes() for output in outputs] == [data for _, data in expected]
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


@pytest.mark.host
def test_harness_on_a_socket(harness_program: Callable) -> None:
    """The same over socket://, as an emulator offers it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with SerialTransport(f"socket://127.0.0.1:{server.getsockname()[1]}") as transport:
            line, _ = server.accept()
            process = subprocess.Popen([harness_program()], stdin=line, stdout=line)
            line.close()
            assert Client(transport).hello().board == "host"
        assert process.wait(timeout=20) == 0


def test_port_not_there() -> None:
    """A port that does not exist: the hint lists those that do."""
    with pytest.raises(DeviceError, match="/dev/ttyNONE: no such port") as error:
        SerialTransport("/dev/ttyNONE")
    assert "ports here: " + (", ".join(ports()) or "none") in error.value.hint


def test_port_busy(pty: tuple[int, str]) -> None:
    """A port that another one has open: says so."""
    with (
        SerialTransport(pty[1]),
        pytest.raises(DeviceError, match="busy, another program has it open"),
    ):
        SerialTransport(pty[1])


def test_port_without_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port the user may not open: names the group that helps."""

    def refuse(*_: object, **__: object) -> None:
        raise serial.SerialException(errno.EACCES, "could not open port: Permission denied")

    monkeypatch.setattr(serial, "serial_for_url", refuse)
    with pytest.raises(DeviceError, match="no permission") as error:
        SerialTransport("/dev/ttyACM0")
    assert "dialout" in error.value.hint


def test_not_a_port(tmp_path) -> None:
    """A file, or a URL with an unknown scheme, is not a port."""
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(DeviceError, match="cannot open it") as error:
        SerialTransport(str(file))
    assert "is it a serial port?" in error.value.hint
    with pytest.raises(DeviceError, match="not a port"):
        SerialTransport("telegraph://nowhere")


def test_nothing_listens() -> None:
    """A socket where nothing listens: asks for the emulator."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    with pytest.raises(DeviceError, match="cannot connect") as error:
        SerialTransport(f"socket://127.0.0.1:{number}")
    assert "tinykit flash" in error.value.hint


def test_port_goes_away_while_reading() -> None:
    """The other end closes in the middle: an error with what to do, not a traceback."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        SerialTransport(f"socket://127.0.0.1:{server.getsockname()[1]}") as transport,
    ):
        line, _ = server.accept()
        line.close()
        with pytest.raises(DeviceError, match="went away during a read") as error:
            transport.read(5)
    assert "unplugged" in error.value.hint


def test_terminal_goes_away() -> None:
    """An unplugged port fails the running request with the same error."""
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    with SerialTransport(name) as transport:
        os.close(theirs)
        os.close(ours)
        with pytest.raises(DeviceError, match="went away"):
            Client(transport).hello()
