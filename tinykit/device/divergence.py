"""Find the first op at which a device computes something else than it should (trace builds)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.device.client import Client


@dataclass(frozen=True)
class Divergence:
    """The first op that differs: which output of it, which byte, and how many bytes in all."""

    op: int  # its number in the .tflite
    output: int
    index: int
    device: int
    expected: int
    differing_bytes: int
    total_bytes: int

    def __str__(self) -> str:
        return (
            f"op {self.op}, output {self.output}, byte {self.index}: the device gave "
            f"{self.device}, expected {self.expected} ({self.differing_bytes} of "
            f"{self.total_bytes} bytes differ)"
        )


def first_divergence(
    client: Client, inputs: Sequence[NDArray[Any]], expected: Sequence[tuple[int, bytes]]
) -> Divergence | None:
    """Compare what each op gives with what it should.

    Checksums find the op in one inference; a second one stops there and reads its output.

    Parameters
    ----------
    inputs : one array for each input of the model
    expected : (number of the op in the .tflite, bytes of an output), in the order of execution, as
        from `HostModel.trace` or the golden interpreter's tensors; an op that is not in it is not
        compared

    Returns
    -------
    The first op whose outputs differ, or None.

    Raises
    ------
    DeviceError
        When the firmware is no trace build, or the device misbehaves.
    """
    outputs: dict[int, list[bytes]] = {}
    for op, data in expected:
        outputs.setdefault(op, []).append(data)
    client.hello()
    for trace in client.trace(inputs):
        should = b"".join(outputs.get(trace.op, []))
        if trace.op in outputs and (trace.bytes, trace.crc) != (len(should), zlib.crc32(should)):
            return _compare(client, inputs, trace.op, outputs[trace.op])
    return None


def _compare(
    client: Client, inputs: Sequence[NDArray[Any]], op: int, expected: Sequence[bytes]
) -> Divergence | None:
    for output, should in enumerate(expected):
        client.reset()
        device = np.frombuffer(client.op_output(inputs, op, output), np.int8)
        ours = np.frombuffer(should, np.int8)
        common = min(len(device), len(ours))
        differing = np.flatnonzero(device[:common] != ours[:common])
        if len(differing) or len(device) != len(ours):
            at = int(differing[0]) if len(differing) else common - 1
            count = len(differing) + abs(len(device) - len(ours))
            client.reset()
            return Divergence(op, output, at, int(device[at]), int(ours[at]), count, len(ours))
    return None
