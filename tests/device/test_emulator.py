"""The whole road to emulated boards: generated firmware, serial port, client, comparison."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import spotter
from emulated import EMULATED

from tinykit import board as boards
from tinykit.compiler import compile_model
from tinykit.compiler.golden import Golden
from tinykit.compiler.host import HostModel
from tinykit.device.client import Client
from tinykit.device.divergence import first_divergence
from tinykit.device.fake import Fault, FaultyTransport
from tinykit.device.transport import SerialTransport
from tinykit.device.validate import run_tensors, validate
from tinykit.device.vectors import Vectors
from tinykit.errors import DeviceError
from tinykit.firmware.build import Firmware, build
from tinykit.firmware.generate import render
from tinykit.firmware.project import Project
from tinykit.firmware.runners.qemu import RUNNER

pytestmark = pytest.mark.emulator

BOARD = boards.find("mps2-an386")


class Emulator:
    """Starts firmware and opens its port; nothing is left running or open."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._open: list[SerialTransport] = []

    def start(self, firmware: Firmware) -> SerialTransport:
        """Boot `firmware` afresh."""
        self.close()
        running = RUNNER.flash(firmware, self.state, lifetime_s=120)
        self._open.append(SerialTransport(running.port))
        return self._open[-1]

    def close(self) -> None:
        """Close the port, end the emulator."""
        while self._open:
            self._open.pop().close()
        RUNNER.stop(self.state)


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    """An emulator that ends with the test."""
    made = Emulator(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware project of the spotter."""
    made = tmp_path_factory.mktemp("spotter")
    render(spotter.project(BOARD)[1], made)
    return made


@pytest.fixture(scope="module")
def firmware(folder: Path) -> Firmware:
    """Its release build."""
    return build(folder, BOARD)


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    """Golden vectors, one of them from audio."""
    return spotter.vectors(5, 1)


def test_exact_and_repeatable(emulator: Emulator, firmware: Firmware, vectors: Vectors) -> None:
    """Features and audio give the golden bytes; every figure is the same in a second run."""
    results = []
    for _ in range(2):
        client = Client(emulator.start(firmware))
        result = validate(
            client,
            vectors,
            model_sha256=spotter.project(BOARD)[0].sha256,
            board=BOARD.id,
            build=firmware.id,
        )
        result.require_exact()
        results.append(result.to_json() | {"port": ""})
    assert results[0] == results[1]
    first = results[0]
    assert (first["inputs_tested"], first["accuracy"], first["unit"]) == (6, 1.0, "instructions")
    assert first["front_end"]["clips"] == 1
    # More than one instruction for 16 multiply-accumulates, fewer than 100 for each.
    macs = spotter.project(BOARD)[0].macs
    assert macs / 16 < first["instructions_min"] <= first["instructions"] < macs * 100
    assert 0 < first["stack_bytes"] < 2048
    assert 1000 < first["front_end"]["instructions_per_hop"] < 1_000_000


@pytest.mark.parametrize("name", EMULATED)
def test_every_emulated_board(name: str, emulator: Emulator, tmp_path: Path) -> None:
    """All compute the same bytes from features and audio, in as many instructions each time."""
    board = boards.find(name)
    render(spotter.project(board)[1], tmp_path / "firmware")
    client = Client(emulator.start(build(tmp_path / "firmware", board)))
    first, second = (validate(client, spotter.vectors(2, 1), board=name) for _ in range(2))
    first.require_exact()
    assert first.inputs_tested == 3
    assert first.to_json()["instructions"] == second.to_json()["instructions"]


def test_trace_build(emulator: Emulator, folder: Path, vectors: Vectors) -> None:
    """A trace build gives what each op gives on the host, and names the one that should differ."""
    client = Client(emulator.start(build(folder, BOARD, trace=True)))
    x = vectors.x[3]
    # Portable kernels on the host, those for the core's DSP extension on the device.
    with HostModel(compile_model(spotter.tflite(), boards.CORES["cortex-m3"])) as host:
        expected = host.trace([x[None]])
    assert first_divergence(client, [x], expected) is None
    costs = [client.info.cost(op.ticks, op.overhead_ticks) for op in client.trace([x])]
    assert len(costs) == len(expected) and min(costs) > 0
    op, data = expected[1]
    wrong = [expected[0], (op, data[:-1] + bytes([data[-1] ^ 1])), *expected[2:]]
    found = first_divergence(client, [x], wrong)
    assert found is not None
    assert (found.op, found.index, found.differing_bytes) == (op, len(data) - 1, 1)


def test_own_tensors(emulator: Emulator, firmware: Firmware, vectors: Vectors) -> None:
    """The user's tensors come back as the golden interpreter computes them."""
    (y,) = run_tensors(Client(emulator.start(firmware)), [vectors.x])
    assert np.array_equal(y.reshape(vectors.y.shape), vectors.y)


def test_faulty_line(emulator: Emulator, firmware: Firmware, vectors: Vectors) -> None:
    """Bytes lost and changed between host and device are repaired."""
    faults = [Fault("flip", "to_device", at) for at in range(99, 4000, 701)]
    faults += [Fault("flip", "to_host", at) for at in range(99, 4000, 401)]
    faults.append(Fault("drop", "to_device", 1500))
    client = Client(FaultyTransport(emulator.start(firmware), faults))
    assert validate(client, Vectors(vectors.x, vectors.y)).exact


def test_reboot(emulator: Emulator, firmware: Firmware, vectors: Vectors) -> None:
    """A reboot of the device is noticed in the middle of a session, and survived by the next."""
    client = Client(emulator.start(firmware))
    client.hello()
    client.write([vectors.x[0]])
    client.reboot()
    with pytest.raises(DeviceError, match="was reset in the middle"):
        client.reset()
    assert validate(client, Vectors(vectors.x[:1], vectors.y[:1])).exact


def test_emulator_ends_in_the_middle(
    emulator: Emulator, firmware: Firmware, vectors: Vectors
) -> None:
    """A device that goes away while testing is an error that says how far it got."""
    client = Client(emulator.start(firmware))

    def stop_at_two(what: str, done: int, total: int, **_: float) -> None:
        if done == 2:
            RUNNER.stop(emulator.state)

    with pytest.raises(DeviceError, match=r"went away .*\(after 2 of 6 inputs\)"):
        validate(client, vectors, progress=stop_at_two)


def test_firmware_that_faults(emulator: Emulator, tmp_path: Path) -> None:
    """A fault in the middle of an inference is told at once, with the address of the fault."""
    compiled, project = spotter.project(BOARD)
    code = compiled.sources["tk_model.c"]
    broken = code.replace(
        "void tk_model_invoke(void)\n{",
        'void tk_model_invoke(void)\n{\n    __asm volatile("udf #0"); /* undefined */',
    )
    assert broken != code
    sources = {**compiled.sources, "tk_model.c": broken}
    render(dataclasses.replace(project, model=sources), tmp_path / "firmware")
    client = Client(emulator.start(build(tmp_path / "firmware", BOARD)))
    with pytest.raises(DeviceError, match=r"stopped on a fault: pc 0x.*`write` \(frame") as error:
        client.infer([np.zeros(490, np.int8)])
    assert "addr2line -e firmware.elf 0x0000" in error.value.hint


def test_wrong_firmware(emulator: Emulator, firmware: Firmware, vectors: Vectors) -> None:
    """Firmware of another model is refused before anything is compared."""
    with pytest.raises(DeviceError, match="wrong firmware: the device runs model") as error:
        validate(Client(emulator.start(firmware)), vectors, model_sha256="0" * 64)
    assert "tinykit flash" in error.value.hint


@pytest.mark.public_models
def test_public_model(emulator: Emulator, shared_models: Path, tmp_path: Path) -> None:
    """The public keyword spotting reference model: three vectors, byte for byte."""
    data = (shared_models / "kws_ref.tflite").read_bytes()
    compiled = compile_model(data, BOARD.processor, name="kws_ref")
    render(Project("kws_ref", BOARD, model=compiled.sources), tmp_path / "firmware")
    (tensor,) = (compiled.graph.tensors[key] for key in compiled.graph.inputs)
    x = np.random.default_rng(0).integers(-128, 128, (3, *tensor.shape[1:])).astype(np.int8)
    with Golden(data) as golden:
        y = np.stack([golden.run([row[None]])[0][0] for row in x])
    client = Client(emulator.start(build(tmp_path / "firmware", BOARD)))
    result = validate(client, Vectors(x, y), model_sha256=compiled.sha256, board=BOARD.id)
    result.require_exact()
    assert result.inputs_tested == 3
