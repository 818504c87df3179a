"""The emulator as the device: boots, answers later clients, ends when told, never stays behind."""

from __future__ import annotations

import dataclasses
import functools
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny_model
from emulated import EMULATED

from tinykit import board
from tinykit.device.client import Client
from tinykit.device.transport import SerialTransport
from tinykit.errors import DeviceError, ToolError
from tinykit.firmware import runners
from tinykit.firmware.build import Firmware, build
from tinykit.firmware.generate import render
from tinykit.firmware.runners import qemu

pytestmark = pytest.mark.emulator
BOARD = board.find("mps2-an386")


def made(folder: Path, name: str = "mps2-an386", main: str = "", trace: bool = False) -> Firmware:
    """Build the tiny model for a board, with another main.c when given."""
    project = tiny_model.keyword_spotter(name)
    render(project, folder)
    if main:
        (folder / "src/main.c").write_text(main)
    return build(folder, project.board, trace=trace)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Firmware]:
    """The tiny model for a board by its id, built when it is first asked for."""
    return functools.cache(lambda name: made(tmp_path_factory.mktemp("firmware"), name))


@pytest.fixture
def firmware(built) -> Firmware:
    """One firmware for the tests that are about the emulator."""
    return built("mps2-an386")


def runs(pid: int) -> bool:
    """Whether a process runs; one that only waits for its parent does not."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def wait_for_end(pid: int) -> None:
    """Wait until a process has ended."""
    end = time.monotonic() + 30
    while runs(pid) and time.monotonic() < end:
        time.sleep(0.01)
    assert not runs(pid)


def until(line: bytes, connection: socket.socket) -> bytes:
    """Return all that came up to and with `line`."""
    connection.settimeout(20)
    got = b""
    while line not in got:
        piece = connection.recv(4096)
        assert piece, got
        got += piece
    return got


def connect(port: str) -> socket.socket:
    """Connect to a `socket://` port."""
    host, number = port.removeprefix("socket://").split(":")
    return socket.create_connection((host, int(number)), timeout=20)


@pytest.mark.parametrize("name", EMULATED)
def test_every_emulated_board_runs_the_model_and_the_front_end(built, start, name):
    """Generated, built, flashed: the device says who it is, and computes the model and the rows."""
    firmware = built(name)
    transport = SerialTransport(start(firmware).port)
    try:
        client = Client(transport)
        said = client.hello()
        assert (said.board, said.app, said.build) == (name, "tiny", firmware.id)
        assert (said.model_sha256, said.unit) == (tiny_model.SHA256, "instructions")
        inputs = np.arange(-8, 8, dtype=np.int8)
        first, second = (client.infer([inputs]) for _ in range(2))
        assert first.outputs[0].tolist() == (~inputs[:3]).tolist()
        counts = [said.cost(run.ticks, run.overhead_ticks) for run in (first, second)]
        assert counts[0] == counts[1]
        assert counts[0] > 3000  # a thousand rounds of a loop
        assert 1000 <= first.stack_bytes <= 1100
        audio = np.arange(32, dtype=np.int16)
        assert client.features(audio).tolist() == [[i, i] for i in range(3, 32, 4)]
    finally:
        transport.close()


def test_both_machines_with_the_same_core_count_the_same(built, start):
    """Instructions are instructions: timer and -icount shift of the board files agree exactly."""
    counts = []
    for name in ("mps2-an386", "netduinoplus2"):
        transport = SerialTransport(start(built(name)).port)
        client = Client(transport)
        runs = [client.infer([np.full(16, value, np.int8)]) for value in range(5)]
        counts.append([client.info.cost(run.ticks, run.overhead_ticks) for run in runs])
        transport.close()
    assert counts[0] == counts[1]
    assert len(set(counts[0])) == 1


def test_trace_build_tells_what_each_op_gave(tmp_path, start):
    """The _trace environment is built with TK_TRACE."""
    transport = SerialTransport(start(made(tmp_path / "firmware", trace=True)).port)
    client = Client(transport)
    (traced,) = client.trace([np.zeros(16, np.int8)])
    assert traced.bytes == 3
    assert client.op_output([np.zeros(16, np.int8)], 0) == b"\xff\xff\xff"
    transport.close()


PROBE = """\
#include "tk_app.h"
#include "tk_hal.h"
static uint32_t stored = 7;
static uint32_t zero;
static volatile float two = 2.0f;
void tk_app_setup(void)
{
    tk_hal_init();
    if (stored == 7 && zero == 0 && two * 3.0f == 6.0f)
        tk_hal_write((const uint8_t *)"ready\\n", 6);
    stored = 0;
    zero = 1;
}
#define NOPS(n) \\
    start = tk_hal_counter(); \\
    __asm volatile(".rept " #n "\\n nop\\n .endr"); \\
    ticks[count++] = tk_hal_counter() - start;
__attribute__((noinline)) static void count_instructions(void) /* gcc takes .rept for one line */
{
    uint32_t start, ticks[7], count = 0;

    /* The first two are not told: QEMU counts an instruction twice that it translates again
     * because it found a device access in the middle of a block. */
    NOPS(0) NOPS(0) NOPS(0) NOPS(1) NOPS(2) NOPS(999) NOPS(1000)
    tk_hal_write((const uint8_t *)(ticks + 2), 20);
    tk_hal_write((const uint8_t *)"done\\n", 5);
}
void tk_app_loop(void)
{
    int byte = tk_hal_read();
    if (byte == 'r')
        tk_hal_reboot();
    else if (byte == 'f')
        __builtin_trap(); /* an instruction that no core knows */
    else if (byte == 'c')
        count_instructions();
    else if (byte >= 0)
        tk_hal_write((const uint8_t[]){(uint8_t)byte}, 1);
    else
        tk_hal_idle();
}
"""


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Firmware]:
    """The firmware above for a board by its id."""
    return functools.cache(lambda name: made(tmp_path_factory.mktemp("probe"), name, PROBE))


@pytest.mark.parametrize("name", EMULATED)
def test_boot_reset_echo_and_fault_over_serial(probe, start, name):
    """Memory and FPU are set up at every start; no byte is lost; a fault says where it was."""
    opened: list[socket.socket] = []
    start(probe(name), before_start=lambda port: opened.append(connect(port)))
    with opened[0] as connection:
        assert until(b"ready\n", connection) == b"ready\n"
        connection.sendall(b"r")
        assert until(b"ready\n", connection) == b"ready\n"
        data = bytes(range(ord("s"), 256)) * 20
        connection.sendall(data + b"\n")
        assert until(b"\n", connection) == data + b"\n"
        connection.sendall(b"f")
        assert until(b"fault: pc 0x", connection).startswith(b"\r\nfault")


@pytest.mark.parametrize("name", EMULATED)
def test_counter_counts_instructions_one_by_one(probe, start, name):
    """One instruction more is one more: the ratio in the board file is exact."""
    opened: list[socket.socket] = []
    start(probe(name), before_start=lambda port: opened.append(connect(port)))
    with opened[0] as connection:
        until(b"ready\n", connection)  # a byte that comes before the port is set up is lost
        connection.sendall(b"c")
        said = until(b"done\n", connection)
    ratio = board.find(name).counter
    ticks = struct.unpack_from("<5I", said)
    counts = [round(value * ratio.numerator / ratio.denominator) for value in ticks]
    assert [count - counts[0] for count in counts] == [0, 1, 2, 999, 1000]


@pytest.mark.parametrize("name", EMULATED)
def test_waiting_costs_no_processor_time(built, start, name):
    """An emulator that nobody talks to sleeps, because its firmware does."""
    running = start(built(name))
    transport = SerialTransport(running.port)
    Client(transport).hello()

    def ticks() -> int:
        fields = Path(f"/proc/{running.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(1.0)
    assert ticks() - before <= 0.2 * os.sysconf("SC_CLK_TCK")
    transport.close()


def test_a_second_client_gets_an_answer_after_the_first_has_left(firmware, start):
    """The port is like a real one: opened, closed, opened again."""
    port = start(firmware).port
    for _ in range(3):
        transport = SerialTransport(port)
        assert Client(transport).hello().build == firmware.id
        transport.close()


def test_outlives_the_process_that_started_it(firmware, tmp_path):
    """`tinykit flash` ends, `tinykit test` finds the device by run.json; anyone may stop it."""
    script = (
        "import sys; from pathlib import Path; from tinykit import board;"
        "from tinykit.firmware.build import build; from tinykit.firmware.runners import runner;"
        "made = build(Path(sys.argv[1]), board.find('mps2-an386'));"
        "runner(made.board).flash(made, Path(sys.argv[2]))"
    )
    arguments = [sys.executable, "-c", script, str(firmware.project), str(tmp_path)]
    try:
        subprocess.run(arguments, check=True, timeout=120)
        running = runners.running(BOARD, tmp_path)
        assert running.elf_sha256 == firmware.sha256
        transport = SerialTransport(running.port)
        assert Client(transport).hello().build == firmware.id
        transport.close()
    finally:
        assert qemu.RUNNER.stop(tmp_path)
    assert not runs(running.pid)


def test_flashing_again_replaces_the_emulator(firmware, start, tmp_path):
    """One emulator for one project: the old one ends."""
    first = start(firmware)
    second = start(firmware)
    assert not runs(first.pid)
    assert runners.running(BOARD, tmp_path / "state") == second


def test_stop_ends_it_and_says_whether_it_ran(firmware, start, tmp_path):
    """After stop there is no process, no run.json, and nothing to stop."""
    running = start(firmware)
    state = tmp_path / "state"
    assert qemu.RUNNER.stop(state)
    assert not runs(running.pid)
    assert not qemu.RUNNER.stop(state)
    with pytest.raises(DeviceError, match="nothing was flashed yet") as caught:
        runners.running(BOARD, state)
    assert "tinykit flash" in caught.value.hint


def test_another_process_with_the_recorded_id_is_left_alone(tmp_path):
    """A stale run.json whose process id was used again by somebody else."""
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        stale = runners.Running(
            board=BOARD.id,
            environment=BOARD.id,
            runner="qemu",
            port="socket://127.0.0.1:9",
            firmware_id="0",
            elf_sha256="0",
            pid=bystander.pid,
            token="tinykit-0123456789abcdef",
        )
        runners.save(tmp_path, stale)
        with pytest.raises(DeviceError, match="no longer runs"):
            runners.running(BOARD, tmp_path)
        assert not qemu.RUNNER.stop(tmp_path)
        assert bystander.poll() is None
        assert not (tmp_path / "run.json").exists()
    finally:
        bystander.kill()
        bystander.wait()


def test_an_emulator_that_died_is_reported_with_its_last_words(firmware, start, tmp_path):
    """Killed from outside: the next command says so instead of waiting for a reply."""
    running = start(firmware)
    os.kill(running.pid, signal.SIGTERM)
    wait_for_end(running.pid)
    with pytest.raises(DeviceError, match=r"no longer runs: .*terminating on signal 15"):
        runners.running(BOARD, tmp_path / "state")


def test_a_forgotten_emulator_ends_by_itself(firmware, tmp_path):
    """The wall-clock limit is real."""
    running = qemu.RUNNER.flash(firmware, tmp_path, lifetime_s=0.5)
    wait_for_end(running.pid)
    qemu.RUNNER.stop(tmp_path)


def test_firmware_that_qemu_refuses_is_reported_with_its_words(firmware, tmp_path):
    """An ELF file that does not load: QEMU's own message, and nothing stays behind."""
    wrong = dataclasses.replace(firmware, elf=tmp_path / "none.elf")
    with pytest.raises(ToolError, match=r"did not start mps2-an386: .*none\.elf"):
        qemu.RUNNER.flash(wrong, tmp_path / "state")
    assert list((tmp_path / "state").iterdir()) == [tmp_path / "state/qemu.log"]


def test_missing_qemu_gives_the_command_that_installs_it(firmware, tmp_path, monkeypatch):
    """An empty PATH: the error has the whole apt command."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="qemu-system-arm is not on the PATH") as caught:
        qemu.RUNNER.flash(firmware, tmp_path / "state")
    assert "install" in caught.value.hint
    assert "qemu-system-arm" in caught.value.hint


def test_the_board_that_was_flashed_is_the_one_that_is_tested(firmware, start, tmp_path):
    """Asking for another board than the one that runs is an error, not a wrong result."""
    start(firmware)
    with pytest.raises(DeviceError, match="flashed last is mps2-an386, not netduinoplus2"):
        runners.running(board.find("netduinoplus2"), tmp_path / "state")
