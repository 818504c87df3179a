"""Audio to an enhancer and back, over clean and faulty lines: the client, the fake, the harness."""

from __future__ import annotations

import numpy as np
import pytest
from device_twin import ENHANCED_HOP, Device, enhancer, fake_device

from tinykit.device import framing, payload, wire
from tinykit.device.client import Client
from tinykit.device.enhance import validate_enhancer
from tinykit.device.fake import FakeDevice, Fault, FaultyTransport
from tinykit.device.wire import Status
from tinykit.errors import DeviceError

AUDIO = np.random.default_rng(1).integers(-32768, 32768, 999).astype(np.int16)


def _expected(audio: np.ndarray) -> np.ndarray:
    return np.frombuffer(enhancer(audio.tobytes()), np.int16)


@pytest.mark.parametrize("count", [0, 1, 49, 50, 128, 999])
def test_as_many_samples_come_back(device: Device, count: int) -> None:
    """Whatever the length: each sample is the enhancer's, in its place."""
    given = Client(device).enhance(AUDIO[:count])
    assert given.dtype == np.int16
    np.testing.assert_array_equal(given, _expected(AUDIO[:count]))


def test_each_recording_starts_afresh(device: Device) -> None:
    """`enhance` resets first: the end of the last recording is not the start of the next."""
    client = Client(device)
    client.enhance(AUDIO[:77])
    np.testing.assert_array_equal(client.enhance(AUDIO), _expected(AUDIO))


def test_cost_is_of_all_hops_since_the_reset(device: Device) -> None:
    """Each complete hop counts, with its three steps; a reset counts from zero again."""
    client = Client(device)
    client.enhance(AUDIO)
    cost = client.enhance_cost()
    assert cost.hops == len(AUDIO) // ENHANCED_HOP
    parts = cost.analysis_ticks + cost.model_ticks + cost.synthesis_ticks
    assert 0 < cost.most_ticks <= parts <= cost.hops * cost.most_ticks
    client.reset()
    cost = client.enhance_cost()
    assert (cost.hops, cost.model_ticks, cost.most_ticks) == (0, 0, 0)


def test_half_a_sample_is_refused(device: Device) -> None:
    """An odd number of bytes: BAD_LENGTH, and the samples before are not lost."""
    client = Client(device)
    client.hello()
    with pytest.raises(DeviceError, match="shorter or longer"):
        client._link.request("enhance", data=b"\0\0\0")
    assert client.enhance_cost().hops == 0


def test_lost_bytes_on_the_line_cost_no_sample() -> None:
    """A repeated frame is not enhanced twice."""
    faults = [Fault("drop", "to_host", at) for at in range(400, 4000, 700)]
    faults += [Fault("flip", "to_device", at) for at in range(500, 4000, 900)]
    client = Client(FaultyTransport(fake_device(), faults))
    np.testing.assert_array_equal(client.enhance(AUDIO), _expected(AUDIO))


def test_a_device_that_falls_silent_is_an_error() -> None:
    """In the middle of a recording: which command, how often, and what was done last."""
    line = FaultyTransport(fake_device(), [Fault("mute", "to_host", 900)])
    with pytest.raises(DeviceError, match="no valid reply to `enhance`") as caught:
        Client(line, model_timeout_s=0.01).enhance(AUDIO)
    assert "acknowledged last: `enhance`" in caught.value.message
    assert caught.value.hint


def test_firmware_that_does_not_enhance_says_so() -> None:
    """A device without an enhancer is a DeviceError with a hint; the command itself is refused."""
    device = FakeDevice(lambda _: [(0, b"")], [1], [0])
    client = Client(device)
    with pytest.raises(DeviceError, match="does not enhance") as caught:
        client.enhance(AUDIO)
    assert "names its spectrum" in caught.value.hint
    code = wire.BY_NAME["enhance"].code
    device.write(framing.encode(framing.Frame(9, code, 0, b"\0\0")))
    (reply,) = framing.Decoder().feed(device.read(0))
    assert isinstance(reply, framing.Frame)
    assert reply.status == Status.UNSUPPORTED


def test_another_number_of_samples_is_an_error() -> None:
    """Firmware that gives fewer than it took speaks another dialect."""
    device = fake_device()
    device.enhancer = lambda samples: enhancer(samples)[:-2]
    with pytest.raises(DeviceError, match="128 samples went in, 127 came out"):
        Client(device).enhance(AUDIO)


def test_a_chunk_fits_a_frame() -> None:
    """The longest request and its reply are within the payload's limit."""
    command = wire.BY_NAME["enhance"]
    for fields in (command.request, command.reply):
        longest = payload.pack(fields, {fields[0].name: bytes(wire.CHUNK_BYTES)})
        assert len(longest) <= wire.PAYLOAD_MAX


def test_every_sample_is_compared(device: Device) -> None:
    """Recordings of any length, all right: exact; the hops are counted."""
    recordings = [AUDIO, AUDIO[:130], AUDIO[:0]]
    result = validate_enhancer(Client(device), recordings, [_expected(x) for x in recordings])
    assert (result.exact, result.recordings, result.samples) == (True, 3, 1129)
    assert result.hops == 999 // ENHANCED_HOP + 130 // ENHANCED_HOP


def test_cost_is_that_of_a_hop() -> None:
    """Mean of each step, the most of all three together, in the board's unit."""
    result = validate_enhancer(Client(fake_device()), [AUDIO], [_expected(AUDIO)])
    assert result.per_hop == {"analysis": 1000, "model": 1000, "synthesis": 1000}
    assert (result.most_per_hop, result.stack_bytes) == (3000, 64)


def test_the_first_wrong_sample_is_named() -> None:
    """Two recordings differ: both count, the first difference is told with both values."""
    wanted = [_expected(AUDIO).copy() for _ in range(3)]
    wanted[1][70:] += 1
    wanted[2][5] -= 1
    result = validate_enhancer(Client(fake_device()), [AUDIO] * 3, wanted)
    assert (result.exact, result.mismatches) == (False, 2)
    given = _expected(AUDIO)[70]
    assert result.first_mismatch == (
        f"recording 1, sample 70: the device gave {given}, expected {wanted[1][70]}"
    )


def test_silence_in_the_middle_says_how_far_it_came() -> None:
    """The device dies in the second of two recordings."""
    client = Client(fake_device(), model_timeout_s=0.01)
    client.hello()
    client._link.transport = FaultyTransport(
        client._link.transport, [Fault("mute", "to_host", 3000)]
    )
    with pytest.raises(DeviceError, match=r"\(after 1 of 2 recordings\)"):
        validate_enhancer(client, [AUDIO, AUDIO], [_expected(AUDIO)] * 2)
