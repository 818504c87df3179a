"""The client against a device in Python and against the C harness, over clean and faulty lines."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import pytest
from device_twin import (
    FRAMES,
    HOP,
    INPUTS,
    OUTPUTS,
    SHA256,
    WIDTH,
    WINDOW,
    Device,
    HarnessProcess,
    fake_device,
    front_end,
    model,
    random_inputs,
)

from tinykit.device import framing, wire
from tinykit.device.client import Client
from tinykit.device.fake import FakeDevice, Fault, FaultyTransport
from tinykit.device.wire import CounterUnit, Flag, Space, Status
from tinykit.errors import DeviceError

AUDIO = np.random.default_rng(1).integers(-32768, 32768, 999).astype(np.int16)


def _expected(inputs: list[np.ndarray]) -> list[bytes]:
    return [data for _, data in model([array.tobytes() for array in inputs])[-2:]]


def _outputs(client: Client, inputs: list[np.ndarray]) -> list[bytes]:
    return [output.tobytes() for output in client.infer(inputs).outputs]


def test_hello(device: Device) -> None:
    """The device says what it is, field by field."""
    hello = Client(device).hello()
    assert (hello.board, hello.app, hello.build) == ("host", "fake", "0123456789abcdef")
    assert hello.model_sha256 == SHA256
    assert (hello.input_bytes, hello.output_bytes, hello.ops) == (INPUTS, OUTPUTS, 3)
    assert (hello.arena_bytes, hello.state_bytes, hello.scratch_bytes) == (600, 1, 0)
    assert (hello.frames, hello.width) == (FRAMES, WIDTH)
    assert hello.flags == Flag.FEATURES | Flag.ENHANCER
    assert (hello.counter_unit, hello.unit) == (CounterUnit.INSTRUCTIONS, "instructions")


@pytest.mark.parametrize("seed", range(5))
def test_infer(device: Device, seed: int) -> None:
    """Inputs longer than a frame arrive whole, outputs come back whole."""
    inputs = random_inputs(seed)
    assert _outputs(Client(device), inputs) == _expected(inputs)


def test_read_back_input(device: Device) -> None:
    """What was written to the inputs can be read before the inference."""
    client, inputs = Client(device), random_inputs(1)
    client.write(inputs)
    assert client.read(Space.INPUT, 0) == inputs[0].tobytes()
    assert client.read(Space.INPUT, 1) == inputs[1].tobytes()


@pytest.mark.parametrize("samples", [0, 1, WINDOW - 1, WINDOW, WINDOW + HOP, 999])
def test_features(device: Device, samples: int) -> None:
    """Audio of any length gives the front end's rows."""
    client = Client(device)
    rows = client.features(AUDIO[:samples])
    assert rows.tobytes() == front_end(AUDIO[:samples].tobytes())
    assert client.features_cost().rows == len(rows)


def test_features_start_anew(device: Device) -> None:
    """The rows of a clip do not depend on the clip before."""
    client = Client(device)
    client.features(AUDIO[:500])
    assert client.features(AUDIO[500:]).tobytes() == front_end(AUDIO[500:].tobytes())


def test_audio_beyond_the_clip(device: Device) -> None:
    """What follows the last row is dropped and leaves the rows alone."""
    audio = np.resize(AUDIO, WINDOW + HOP * (FRAMES + 20))
    rows = Client(device).features(audio)
    assert rows.shape == (FRAMES, WIDTH)
    assert rows.tobytes() == front_end(audio.tobytes())


@pytest.mark.parametrize("places", [1, 2, 7])
def test_features_of_a_stream(places: int) -> None:
    """Where the input holds a few rows, those of a clip are read while they are made."""
    device = fake_device()
    device.input_bytes = (places * WIDTH,)
    device.restart()
    device.run = lambda inputs: [(0, b"")]
    client = Client(device)
    assert client.features(AUDIO).tobytes() == front_end(AUDIO.tobytes())
    assert client.features_cost().rows == len(front_end(AUDIO.tobytes())) // WIDTH


@pytest.mark.host
def test_features_of_a_stream_in_c(harness_program: Callable) -> None:
    """The harness begins anew at the first place of the input after the last."""
    device = HarnessProcess(harness_program("-DTK_FEATURES_FRAMES=400"))
    audio = np.resize(AUDIO, WINDOW + HOP * 250)
    expected = [front_end(audio[at * HOP :][:WINDOW].tobytes()) for at in range(251)]
    assert Client(device).features(audio).tobytes() == b"".join(expected)
    device.close()


def test_infer_on_features(device: Device) -> None:
    """The rows lie where the model reads its input."""
    client = Client(device)
    audio = np.resize(AUDIO, WINDOW + HOP * (FRAMES - 1))
    client.write(random_inputs(3))
    rows = client.features(audio)
    outputs = [output.tobytes() for output in client.infer_in_place().outputs]
    assert outputs == _expected([rows, random_inputs(3)[1]])


def test_trace(trace_device: Device) -> None:
    """A trace build gives the size and checksum of each op's outputs."""
    client, inputs = Client(trace_device), random_inputs(2)
    expected = {0: b"", 4: b"", 7: b""}
    for op, data in model([array.tobytes() for array in inputs]):
        expected[op] += data
    assert [(trace.op, trace.bytes, trace.crc) for trace in client.trace(inputs)] == [
        (op, len(data), zlib.crc32(data)) for op, data in expected.items()
    ]


def test_op_output(trace_device: Device) -> None:
    """A trace build stops after any op and shows any of its outputs."""
    client, inputs = Client(trace_device), random_inputs(2)
    seen: dict[int, int] = {}
    for op, data in model([array.tobytes() for array in inputs]):
        assert client.op_output(inputs, op, seen.get(op, 0)) == data
        seen[op] = seen.get(op, 0) + 1
        client.reset()
    assert _outputs(client, inputs) == _expected(inputs)


@pytest.mark.parametrize(("op", "output"), [(3, 0), (0, 1), (65535, 0)])
def test_op_output_that_is_not_there(trace_device: Device, op: int, output: int) -> None:
    """An op or output that does not exist is refused."""
    with pytest.raises(DeviceError, match="lies outside"):
        Client(trace_device).op_output(random_inputs(1), op, output)


@pytest.mark.parametrize("call", [lambda c: c.trace([]), lambda c: c.op_output([], 0)])
def test_no_trace_build(device: Device, call: Callable[[Client], object]) -> None:
    """Asking a release build for a trace says what to do."""
    with pytest.raises(DeviceError, match="no trace build") as error:
        call(Client(device))
    assert "TK_TRACE" in error.value.hint


def test_no_front_end() -> None:
    """Sending audio to firmware without a front end says so."""
    device = fake_device()
    device.front_end = None
    with pytest.raises(DeviceError, match="no front end"):
        Client(device).features(AUDIO)


def test_input_of_other_size(device: Device) -> None:
    """Inputs that are not the model's are refused, with both sizes, before anything is sent."""
    client = Client(device)
    with pytest.raises(DeviceError, match=r"300 \+ 3 bytes, given 299 \+ 3"):
        client.infer([np.zeros(299, np.int8), np.zeros(3, np.int8)])


REFUSED = {
    "write index": ("write", {"index": 2, "offset": 0, "data": b""}),
    "write past the end": ("write", {"index": 1, "offset": 2, "data": b"12"}),
    "write far away": ("write", {"index": 0, "offset": 0xFFFFFFFF, "data": b"12"}),
    "read index": ("read", {"space": 1, "index": 2, "offset": 0, "length": 1}),
    "read space": ("read", {"space": 9, "index": 0, "offset": 0, "length": 1}),
    "read past the end": ("read", {"space": 1, "index": 1, "offset": 1, "length": 2}),
    "read far away": ("read", {"space": 1, "index": 1, "offset": 0xFFFFFFFF, "length": 1}),
    "read too much": ("read", {"space": 0, "index": 0, "offset": 0, "length": 257}),
    "invoke nothing": ("invoke", {"count": 0}),
    "tensor index": ("tensor", {"space": 0, "index": 2}),
    "no trace": ("read", {"space": 2, "index": 0, "offset": 0, "length": 1}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_out_of_range(device: Device, case: str) -> None:
    """Whatever lies outside the model is refused with its status text, and the session goes on."""
    client = Client(device)
    client.hello()
    name, values = REFUSED[case]
    with pytest.raises(DeviceError, match=Status.OUT_OF_RANGE.text):
        client._link.request(name, **values)
    client.reset()


def _raw(device: Device, command: int, payload: bytes) -> framing.Frame:
    device.write(framing.encode(framing.Frame(200, command, 0, payload)))
    (frame,) = framing.Decoder().feed(device.read(5))
    assert isinstance(frame, framing.Frame)
    return frame


@pytest.mark.parametrize("command", wire.COMMANDS, ids=lambda command: command.name)
def test_no_session(device: Device, command: wire.Command) -> None:
    """Before `hello`, every other command is refused; `hello` is not."""
    reply = _raw(device, command.code, bytes(command.request_bytes))
    expected = Status.OK if command.name == "hello" else Status.NO_SESSION
    assert (reply.command, reply.status) == (command.code | wire.REPLY, expected)


@pytest.mark.parametrize("command", wire.COMMANDS, ids=lambda command: command.name)
def test_payload_of_other_length(device: Device, command: wire.Command) -> None:
    """A payload a byte too short or too long is refused."""
    Client(device).hello()
    lengths = {command.request_bytes - 1}
    if not command.request_has_data:
        lengths.add(command.request_bytes + 1)
    if command.name == "push_audio":
        lengths.add(3)  # half a sample
    for length in lengths - {-1}:
        reply = _raw(device, command.code, bytes(length))
        assert (reply.status, reply.payload) == (Status.BAD_LENGTH, b"")


def test_unknown_command(device: Device) -> None:
    """A command that is not in the table is refused."""
    Client(device).hello()
    assert _raw(device, 0x7F, b"").status == Status.UNKNOWN_COMMAND


def test_repeated_request_runs_once(device: Device) -> None:
    """The same frame again gets the same reply, and the model does not run twice."""
    client = Client(device)
    client.hello()
    client.write(random_inputs(4))
    frame = framing.encode(framing.Frame(250, wire.BY_NAME["invoke"].code, 0, b"\1\0"))
    replies = []
    for _ in range(3):
        device.write(frame)
        replies.append(device.read(5))
    assert replies[0] == replies[1] == replies[2]
    # Run a second time, the model would have worked on what the first had left in its inputs.
    assert client.read(Space.OUTPUT, 0) == _expected(random_inputs(4))[0]


def test_reply_survives_damaged_repeat(device: Device) -> None:
    """A damaged repeat is refused without losing the reply that the next repeat gets."""
    client = Client(device)
    client.hello()
    frame = framing.encode(framing.Frame(250, wire.BY_NAME["tensor"].code, 0, b"\1\1"))
    device.write(frame)
    reply = device.read(5)
    device.write(frame[:-3] + bytes([frame[-3] ^ 4]) + frame[-2:])
    (refused,) = framing.Decoder().feed(device.read(5))
    assert refused == framing.Frame(0, wire.REPLY, Status.BAD_CRC)
    device.write(frame)
    assert device.read(5) == reply


def test_echoed_reply_is_ignored(device: Device) -> None:
    """A reply that the line sends back does not make the device talk to itself."""
    Client(device).hello()
    device.write(framing.encode(framing.Frame(1, 0x86)))
    assert _raw(device, wire.BY_NAME["reset"].code, b"").sequence == 200


def test_reboot(device: Device) -> None:
    """After a reboot the session is gone, and `hello` starts another."""
    client = Client(device)
    client.hello()
    client.reboot()
    inputs = random_inputs(5)
    assert _outputs(client, inputs) == _expected(inputs)


def test_bye(device: Device) -> None:
    """After `bye` the session is over, saying it twice is harmless, and `hello` starts another."""
    client = Client(device)
    client.hello()
    client.bye()
    client.bye()
    assert _raw(device, wire.BY_NAME["reset"].code, b"").status == Status.NO_SESSION
    assert client.hello().board == "host"


def test_bye_with_lost_reply() -> None:
    """The device ends the session though its reply is lost: that is no reset."""
    device = fake_device()
    clean = FaultyTransport(device)
    client = Client(clean)
    client.hello()
    client._link.transport = FaultyTransport(device, [Fault("truncate", "to_host", 3)])
    client.bye()
    assert _raw(device, wire.BY_NAME["reset"].code, b"").status == Status.NO_SESSION


def test_session_ends_with_the_block() -> None:
    """Leaving the block says `bye`, even on Ctrl-C; not to a device that does not answer."""
    for error, spoken in ((None, True), (KeyboardInterrupt(), True), (DeviceError("gone"), False)):
        device = fake_device()
        try:
            with Client(device) as client:
                client.hello()
                if error:
                    raise error
        except (KeyboardInterrupt, DeviceError):
            pass
        assert device._session is not spoken


def _conversation(device: Device, faults: list[Fault] | None = None) -> FaultyTransport:
    """Exchange every kind of frame and check every result."""
    line = FaultyTransport(device, faults or [])
    client, inputs = Client(line), random_inputs(6)
    client.hello()
    client.reset()
    assert _outputs(client, inputs) == _expected(inputs)
    assert client.features(AUDIO[:130]).tobytes() == front_end(AUDIO[:130].tobytes())
    return line


WAYS = ("to_device", "to_host")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["drop", "flip", "insert", "truncate", "delay"])
def test_every_byte_harmed(kind: str, way: str) -> None:
    """Whichever byte is lost, changed, added or late: everything comes out right all the same."""
    length = _conversation(fake_device()).passed[way]
    step = 3 if kind in ("insert", "delay") else 1
    for at in range(0, length, step):
        _conversation(fake_device(), [Fault(kind, way, at)])  # type: ignore[arg-type]


@pytest.mark.host
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["flip", "insert"])
def test_bytes_harmed_to_harness(kind: str, way: str, harness_program: Callable) -> None:
    """The C harness recovers from harm to bytes all over the conversation, as the Python one."""
    device = HarnessProcess(harness_program())
    length = _conversation(device).passed[way]
    faults = [Fault(kind, way, at) for at in range(11, 3 * length, 397)]  # type: ignore[arg-type]
    for _ in range(3):
        _conversation(device, faults)
    device.close()


@pytest.mark.host
@pytest.mark.parametrize("kind", ["drop", "truncate"])
def test_bytes_lost_to_harness(kind: str, harness_program: Callable) -> None:
    """The C harness finds the next frame after lost bytes."""
    device = HarnessProcess(harness_program())
    for at in (5, 80, 300, 700):
        _conversation(device, [Fault(kind, "to_device", at)])  # type: ignore[arg-type]
        _conversation(device, [Fault(kind, "to_host", at)])  # type: ignore[arg-type]
    device.close()


def test_reset_in_the_middle() -> None:
    """A device that is reset anywhere after `hello` is noticed and named, with what came last."""
    clean = FaultyTransport(fake_device())
    Client(clean).hello()
    start = clean.passed["to_device"]
    length = _conversation(fake_device()).passed["to_device"]
    for at in range(start, length):
        device = fake_device()
        line = FaultyTransport(device, [Fault("reset", "to_device", at)], device.restart)
        client = Client(line)
        client.hello()
        with pytest.raises(DeviceError, match=r"was reset in the middle.*acknowledged last: `"):
            client.reset()
            client.infer(random_inputs(6))
            client.features(AUDIO[:130])


def test_silent_in_the_middle(device: Device) -> None:
    """A device that falls silent ends in an error with what was acknowledged last."""
    client = Client(device)
    client.hello()
    client.write(random_inputs(1))
    client._link.transport = FaultyTransport(device, [Fault("mute", "to_host", 0)])
    with pytest.raises(DeviceError, match=r"`invoke`: 3x no reply.*last: `write` \(frame") as error:
        client.infer_in_place()
    assert "hangs" in error.value.hint


def test_nobody_there() -> None:
    """A port where nothing answers is an error that tells what to check."""
    line = FaultyTransport(fake_device(), [Fault("mute", "to_device", 0)])
    with pytest.raises(DeviceError, match="no valid reply to `hello`: 12x no reply") as error:
        Client(line).hello()
    assert "tinykit flash" in error.value.hint


def test_line_that_corrupts_everything() -> None:
    """A line that damages every frame is told from a silent one."""
    faults = [Fault("flip", "to_host", at) for at in range(0, 100_000, 5)]
    line = FaultyTransport(fake_device(), faults)
    with pytest.raises(DeviceError, match="12x reply damaged") as error:
        Client(line).hello()
    assert "baud rate" in error.value.hint


def test_requests_that_all_arrive_damaged() -> None:
    """The message tells which direction is bad."""
    faults = [Fault("flip", "to_device", at) for at in range(0, 100_000, 5)]
    with pytest.raises(DeviceError, match="12x request damaged on the way"):
        Client(FaultyTransport(fake_device(), faults)).hello()


class Loop:
    """A line whose two ends are bridged."""

    name = "loop"

    def __init__(self) -> None:
        self.sent = b""

    def write(self, data: bytes) -> None:
        """Keep what is sent."""
        self.sent += data

    def read(self, timeout_s: float) -> bytes:
        """Send it back."""
        data, self.sent = self.sent, b""
        return data

    def close(self) -> None:
        """Nothing to let go of."""


def test_bridged_line() -> None:
    """An echo of our own request is not taken for a device."""
    with pytest.raises(DeviceError, match="straight back"):
        Client(Loop()).hello()


def test_noise_before_hello() -> None:
    """What the device printed while starting does not keep the session from starting."""
    device = fake_device()
    device._sent = b"\xffrst:0x1 (POWERON)\r\nboot ok\r\n"
    assert Client(device).hello().board == "host"


def test_firmware_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that firmware writes on a fault is told at once, with the address to look up."""
    device = fake_device()
    client = Client(device)
    client.hello()
    text = b"\r\nfault: pc 0x000012a4 lr 0x00001001 cfsr 0x00008200 hfsr 0x40000000\r\n"
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    monkeypatch.setattr(device, "read", lambda timeout_s: pieces.pop(0))
    with pytest.raises(
        DeviceError, match=r"stopped on a fault: pc 0x000012a4 lr .*`tensor`"
    ) as error:
        client.reset()
    assert "addr2line -e firmware.elf 0x000012a4" in error.value.hint


def test_other_protocol_version() -> None:
    """Firmware with another version of the protocol is told to be renewed."""
    device = fake_device()
    device.hello["version"] = wire.VERSION + 1
    with pytest.raises(DeviceError, match=r"speaks version 02 .* version 01") as error:
        Client(device).hello()
    assert "flash" in error.value.hint


def test_other_counter_unit() -> None:
    """A reply to `hello` with a unit we do not know is an error, not a traceback."""
    device = fake_device()
    device.hello["counter_unit"] = 77
    with pytest.raises(DeviceError, match="77"):
        Client(device).hello()


def test_reply_of_another_shape() -> None:
    """A reply that does not have its fields is an error, not a traceback."""
    device = fake_device()
    client = Client(device)
    client.hello()
    device._execute = lambda frame: b"\1\2\3"  # type: ignore[method-assign]
    with pytest.raises(DeviceError, match="`reset` is malformed"):
        client.reset()


def test_frames_are_told() -> None:
    """The hook sees every frame in both directions, in order."""
    seen: list[tuple[str, object]] = []
    client = Client(fake_device(), on_frame=lambda way, frame: seen.append((way, frame)))
    client.hello()
    assert [way for way, _ in seen] == ["->", "<-"] * 5  # hello, 2 inputs, 2 outputs
    assert all(isinstance(frame, framing.Frame) for _, frame in seen)


def test_late_replies_are_ignored() -> None:
    """Replies to requests that were sent twice do not answer a later request."""
    line = FaultyTransport(
        fake_device(), [Fault("delay", "to_host", at) for at in range(50, 5000, 90)]
    )
    client = Client(line)
    for seed in range(10):
        assert _outputs(client, random_inputs(seed)) == _expected(random_inputs(seed))


def test_sequence_wraps() -> None:
    """More requests than sequence numbers: each still gets its own reply; 0 is never used."""
    sequences = set()
    client = Client(
        fake_device(),
        on_frame=lambda way, frame: sequences.add(frame.sequence),  # type: ignore[union-attr]
    )
    for seed in range(100):
        assert _outputs(client, random_inputs(seed)) == _expected(random_inputs(seed))
    assert sequences == set(range(1, 256))


def test_microseconds_keep_their_fraction() -> None:
    """Time is not rounded to whole microseconds, and never negative."""
    device = fake_device()
    device.hello |= {
        "counter_numerator": 1,
        "counter_denominator": 84,
        "counter_unit": CounterUnit.US,
    }
    hello = Client(device).hello()
    assert hello.cost(142, 100) == 0.5
    assert hello.cost(3, 4) == 0


def test_stack_that_is_not_known() -> None:
    """A board that cannot measure its stack says None, not a huge number."""
    device = fake_device()
    device.stack_bytes = wire.STACK_UNKNOWN
    assert Client(device).infer(random_inputs(1)).stack_bytes is None


def test_listening_sends_everything_and_collects_detections() -> None:
    """Samples go in order, in chunks; each detection comes back once, with its row and score."""
    heard: list[bytes] = []

    def listener(samples: bytes) -> tuple[int, list[tuple[int, int, int]]]:
        heard.append(samples)
        rows = len(samples) // 200
        return rows, [(row, row % 3, -row) for row in range(1, rows + 1, 4)]

    device = FakeDevice(lambda _: [(0, b"")], [1], [0], listener=listener)
    audio = np.arange(1000, dtype=np.int16)
    assert Client(device).listen(audio) == [(1, 1, -1), (5, 2, -5), (9, 0, -9)]
    assert heard[-1] == audio.tobytes()


def test_firmware_that_does_not_listen_says_so() -> None:
    """A device without decisions is a DeviceError with a hint, not a wrong answer."""
    device = FakeDevice(lambda _: [(0, b"")], [1], [0])
    with pytest.raises(DeviceError, match="does not listen") as caught:
        Client(device).listen(np.zeros(10, np.int16))
    assert caught.value.hint
