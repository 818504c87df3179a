"""The C harness: strict compilation, and nothing that arrives on the line can crash it."""

from __future__ import annotations

import random
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from device_twin import INCLUDES, ROOT, STRICT, HarnessProcess, random_inputs

from tinykit.device import framing, payload, wire
from tinykit.device.client import Client

BUILDS = [(), ("-DTK_TRACE",), ("-DTK_BUILD_FEATURES=0", "-DTK_BUILD_ENHANCER=0")]


def _run(program: Path, line: bytes) -> list[framing.Frame | framing.Damaged]:
    """Send `line` to the harness and return all it answers; it must end well."""
    done = subprocess.run([program], input=line, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    return list(framing.Decoder().feed(done.stdout))


def _hello() -> bytes:
    return framing.encode(framing.Frame(1, 0x01, 0, b"\1\2\3\4"))


@pytest.mark.host
@pytest.mark.parametrize("flags", BUILDS)
@pytest.mark.parametrize("seed", range(3))
def test_random_bytes(seed: int, flags: tuple[str, ...], harness_program: Callable) -> None:
    """Random bytes, with zeros rare or frequent, never crash it: it answers `hello` after them."""
    rng = random.Random(seed)
    zeros = (1, 10, 300)[seed]
    noise = bytes(rng.choice((0, *rng.randbytes(zeros))) for _ in range(50_000))
    replies = _run(harness_program(*flags), noise + _hello())
    assert isinstance(replies[-1], framing.Frame)
    assert (replies[-1].command, replies[-1].status) == (0x81, 0)


@pytest.mark.host
@pytest.mark.parametrize("flags", BUILDS)
@pytest.mark.parametrize("seed", range(3))
def test_random_requests(seed: int, flags: tuple[str, ...], harness_program: Callable) -> None:
    """Well-framed requests with any command and payload are each answered, once, and in order."""
    rng = random.Random(seed)
    line, sent = _hello(), [(1, 0x01)]
    for number in range(2000):
        command = rng.choice([*wire.BY_CODE, rng.randrange(128)])
        if command == wire.BY_NAME["reboot"].code:
            continue
        sent.append((number % 255 + 1, command))
        line += framing.encode(framing.Frame(*sent[-1], 0, _random_payload(rng, command)))
    replies = _run(harness_program(*flags), line)
    assert [(frame.sequence, frame.command) for frame in replies] == [
        (sequence, command | wire.REPLY) for sequence, command in sent
    ]


def _random_payload(rng: random.Random, code: int) -> bytes:
    """A payload near or far from what the command has: limits, and just beyond, are likely."""
    command = wire.BY_CODE.get(code)
    if command is None or rng.random() < 0.2:
        return rng.randbytes(rng.choice((0, 1, 5, rng.randrange(wire.PAYLOAD_MAX + 1))))
    values = {}
    for field in command.request:
        if field.type == "data":
            values[field.name] = rng.randbytes(rng.choice((0, 1, 2, 128, 256)))
        else:
            near = rng.choice((0, 1, 2, 3, 44, 255, 256, 257, 279, 280, 299, 300, 2**32 - 1))
            values[field.name] = near % 256**field.fixed_bytes
    if code == wire.BY_NAME["invoke"].code:
        values["count"] %= 4
    return payload.pack(command.request, values)


@pytest.mark.host
def test_damaged_requests(harness_program: Callable) -> None:
    """A frame with any one byte dropped, changed or cut off is refused, never taken."""
    whole = framing.encode(framing.Frame(9, wire.BY_NAME["write"].code, 0, bytes(range(9))))
    line = _hello()
    for at in range(1, len(whole) - 1):
        line += whole[:at] + whole[at + 1 :]
        line += whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        line += whole[:at] + b"\0"
    _, *replies = _run(harness_program(), line)
    assert len(replies) >= 3 * (len(whole) - 2) - 1  # nothing is left of the shortest
    allowed = {wire.Status.BAD_FRAME, wire.Status.BAD_CRC}
    assert {reply.status for reply in replies} == allowed  # type: ignore[union-attr]


@pytest.mark.host
@pytest.mark.parametrize("length", [0, 1, 253, 254, 255, 264])
def test_frame_lengths(length: int, harness_program: Callable) -> None:
    """Frames up to the longest are read and written right, whatever COBS makes of their length."""
    line = _hello() + framing.encode(framing.Frame(2, 0x70, 0, b"\1" * length))
    assert _run(harness_program(), line)[-1] == framing.Frame(2, 0xF0, wire.Status.UNKNOWN_COMMAND)


@pytest.mark.host
def test_frame_too_long(harness_program: Callable) -> None:
    """A frame a byte over the limit is refused, and the next one is answered."""
    body = bytes([2, 0x70, 0]) + b"\1" * (wire.PAYLOAD_MAX + 1)
    body += zlib.crc32(body).to_bytes(4, "little")
    line = b"\0" + framing.cobs_encode(body) + b"\0" + _hello()
    first, second = _run(harness_program(), line)
    assert first == framing.Frame(0, wire.REPLY, wire.Status.BAD_FRAME)
    assert (second.sequence, second.command) == (1, 0x81)  # type: ignore[union-attr]


@pytest.mark.host
def test_without_front_end(harness_program: Callable) -> None:
    """A build without front end says so in `hello`, refuses audio, and still infers."""
    device = HarnessProcess(harness_program("-DTK_BUILD_FEATURES=0", "-DTK_BUILD_ENHANCER=0"))
    client = Client(device)
    hello = client.hello()
    assert (hello.flags, hello.frames, hello.width) == (0, 0, 0)
    assert client.infer(random_inputs(1)).stack_bytes == 48
    for command in ("push_audio", "features_cost"):
        frame = framing.Frame(200, wire.BY_NAME[command].code)
        device.write(framing.encode(frame))
        (reply,) = framing.Decoder().feed(device.read(5))
        assert reply.status == wire.Status.UNSUPPORTED  # type: ignore[union-attr]
    device.close()


@pytest.mark.host
def test_measuring_costs_nothing(harness_program: Callable) -> None:
    """The ticks of measuring itself come off, also when the counter wraps; runs are summed."""
    device = HarnessProcess(harness_program())
    client = Client(device)
    hello = client.hello()
    for _ in range(4):  # host_hal.c's counter steps by 5 at each reading and starts near its end
        inference = client.infer(random_inputs(1))
        assert (inference.ticks, inference.overhead_ticks) == (5, 5)
        assert hello.cost(inference.ticks, inference.overhead_ticks) == 0
    assert client._link.request("invoke", count=7)["ticks"] == 35
    device.close()


@pytest.mark.host
@pytest.mark.parametrize(
    ("unit", "numerator", "denominator", "ticks"),
    [
        ("INSTRUCTIONS", 5, 16, 2),  # 5 ticks are 1.56 instructions
        ("INSTRUCTIONS", 3, 2, 8),
        ("US", 5, 16, 5),
    ],
)
def test_instructions_are_whole(
    unit: str, numerator: int, denominator: int, ticks: int, harness_program: Callable
) -> None:
    """Each measurement is rounded to whole instructions; time stays in ticks. Sums are exact."""
    program = harness_program(
        f"-DTK_BUILD_COUNTER_UNIT=TK_COUNTER_{unit}",
        f"-DTK_BUILD_COUNTER_NUMERATOR={numerator}",
        f"-DTK_BUILD_COUNTER_DENOMINATOR={denominator}",
    )
    device = HarnessProcess(program)
    client = Client(device)
    hello = client.hello()
    expected = (numerator, denominator) if unit == "US" else (1, 1)
    assert (hello.counter_numerator, hello.counter_denominator) == expected
    reply = client._link.request("invoke", count=100)
    assert (reply["ticks"], reply["overhead_ticks"]) == (100 * ticks, ticks)
    device.close()


@pytest.mark.host
def test_state_is_reset(harness_program: Callable) -> None:
    """`reset` and `hello` bring the model's state back to its start; an inference moves it on."""
    device = HarnessProcess(harness_program())
    client = Client(device)
    states = []
    for before in (client.hello, lambda: None, client.reset, lambda: None, client.hello):
        before()
        states.append(int(client.infer(random_inputs(1)).outputs[1][1]))
    assert states == [0, 1, 0, 1, 0]
    device.close()


@pytest.mark.parametrize("compiler", ["gcc", "clang", "arm-none-eabi-gcc"])
@pytest.mark.parametrize("flags", BUILDS)
def test_strict_compilation(compiler: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    """Every compiler takes the harness in C99 without a warning."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    sources = sorted((ROOT / "templates" / "harness").glob("*.c"))
    assert sources
    command = [compiler, *STRICT, "-O2", *flags, *(f"-I{folder}" for folder in INCLUDES), "-c"]
    subprocess.run([*command, *map(str, sources)], check=True, cwd=tmp_path)
