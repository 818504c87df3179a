"""Finding the first op that differs."""

from __future__ import annotations

import pytest
from device_twin import Device, fake_device, model, random_inputs

from tinykit.device.client import Client
from tinykit.device.divergence import first_divergence
from tinykit.errors import DeviceError

INPUTS = random_inputs(8)
EXPECTED = model([array.tobytes() for array in INPUTS])


def test_no_divergence(trace_device: Device) -> None:
    """A device that computes what it should has no first op that differs."""
    assert first_divergence(Client(trace_device), INPUTS, EXPECTED) is None


@pytest.mark.parametrize("entry", range(len(EXPECTED)))
def test_first_divergence(trace_device: Device, entry: int) -> None:
    """The op, its output, the byte, both values and the extent are named; the client goes on."""
    op, data = EXPECTED[entry]
    output = [index for index, (other, _) in enumerate(EXPECTED) if other == op].index(entry)
    wrong = bytearray(data)
    wrong[-1] ^= 0x80
    expected = [*EXPECTED[:entry], (op, bytes(wrong)), *EXPECTED[entry + 1 :]]
    if op < 7:
        expected[-1] = (7, bytes(2))  # a later difference is not the first
    client = Client(trace_device)
    found = first_divergence(client, INPUTS, expected)
    assert found is not None
    assert (found.op, found.output, found.index) == (op, output, len(data) - 1)
    assert found.device == int.from_bytes(data[-1:], signed=True)
    assert found.expected == int.from_bytes(wrong[-1:], signed=True)
    assert (found.differing_bytes, found.total_bytes) == (1, len(data))
    assert f"op {op}, output {output}, byte {len(data) - 1}" in str(found)
    assert client.infer(INPUTS).outputs[0].tobytes() == EXPECTED[-2][1]


def test_ops_that_are_not_expected(trace_device: Device) -> None:
    """Ops without an expected output, fused away in the reference, are not compared."""
    assert first_divergence(Client(trace_device), INPUTS, EXPECTED[3:]) is None


def test_output_of_other_length(trace_device: Device) -> None:
    """An output that is shorter than it should be differs, where it ends."""
    found = first_divergence(Client(trace_device), INPUTS, [(0, EXPECTED[0][1] + b"\1\2")])
    assert found is not None
    assert (found.op, found.index, found.differing_bytes) == (0, 299, 2)


def test_release_build() -> None:
    """A release build cannot tell: the error says to make a trace build."""
    with pytest.raises(DeviceError, match="no trace build"):
        first_divergence(Client(fake_device()), INPUTS, EXPECTED)
