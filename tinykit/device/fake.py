"""A device in memory, and faults on the line to it: for tests, ours and those of users.

`FakeDevice` answers the protocol like `templates/harness`, computing with a Python function;
`FaultyTransport` wraps any transport and harms chosen bytes on their way.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tinykit.device import framing, payload, wire
from tinykit.device.wire import Flag, Space, Status

_HELLO = {
    "version": wire.VERSION,
    "arena_bytes": 1024,
    "state_bytes": 0,
    "scratch_bytes": 0,
    "counter_unit": wire.CounterUnit.INSTRUCTIONS,
    "counter_numerator": 1,
    "counter_denominator": 1,
    "frames": 0,
    "width": 0,
    "model_sha256": "0" * 64,
    "board": "fake",
    "app": "fake",
    "build": "0",
}


class _Refused(Exception):
    """Carries the `Status` of a refused request."""


@dataclass
class FakeDevice:
    """A `Transport` with a device at its end.

    Parameters
    ----------
    run : callable
        The model: list of input bytes -> list of (op, output bytes), the last `len(output_bytes)`
        of which are the model's outputs; also what a trace build shows.
    input_bytes, output_bytes : sequence of int
    front_end : callable, optional
        All samples since `reset` (bytes, int16 little endian) -> rows (bytes).
    hello : dict
        Fields of the reply to `hello` that differ from the defaults, such as `board`.
    trace : bool
        Whether this is a trace build.
    listener : callable, optional
        All samples since `reset` -> rows heard, and every detection (row, class, score).
    enhancer : callable, optional
        All samples since `reset` -> as many enhanced ones (bytes, int16 little endian).
    enhanced_hop : int
        Samples in one of the enhancer's hops.
    """

    run: Callable[[list[bytes]], list[tuple[int, bytes]]]
    input_bytes: Sequence[int]
    output_bytes: Sequence[int]
    front_end: Callable[[bytes], bytes] | None = None
    hello: dict[str, Any] = field(default_factory=dict)
    trace: bool = False
    listener: Callable[[bytes], tuple[int, list[tuple[int, int, int]]]] | None = None
    enhancer: Callable[[bytes], bytes] | None = None
    enhanced_hop: int = 256
    ticks: int = 1000
    stack_bytes: int = 64
    name: str = "fake"
    invocations: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Lose everything, as a reset does."""
        self._session = False
        self._last: tuple[framing.Frame, bytes] | None = None
        self._decoder = framing.Decoder()
        self._sent = b""
        self._inputs = [bytearray(size) for size in self.input_bytes]
        self._outputs = [bytes(size) for size in self.output_bytes]
        self._traced: list[tuple[int, bytes]] = []
        self._stopped: bytes | None = None
        self._samples = b""

    def write(self, data: bytes) -> None:
        """Receive bytes from the host."""
        for frame in self._decoder.feed(data):
            self._sent += self._answer(frame)

    def read(self, timeout_s: float) -> bytes:
        """Return what was answered; never waits."""
        data, self._sent = self._sent, b""
        return data

    def close(self) -> None:
        """Nothing to let go of."""

    def _answer(self, frame: framing.Frame | framing.Damaged) -> bytes:
        if isinstance(frame, framing.Damaged):
            status = Status.BAD_CRC if frame.reason.startswith("CRC") else Status.BAD_FRAME
            return framing.encode(framing.Frame(0, wire.REPLY, status))
        if frame.command & wire.REPLY:
            return b""
        if self._last and self._last[0] == frame:
            return self._last[1]
        try:
            status, content = Status.OK, self._execute(frame)
        except _Refused as refused:
            status, content = refused.args[0], b""
        reply = framing.Frame(frame.sequence, frame.command | wire.REPLY, status, content)
        self._last = (frame, framing.encode(reply)) if self._session else None
        return framing.encode(reply)

    def _execute(self, frame: framing.Frame) -> bytes:
        command = wire.BY_CODE.get(frame.command)
        if command is None:
            raise _Refused(Status.UNKNOWN_COMMAND)
        if not self._session and command.name != "hello":
            raise _Refused(Status.NO_SESSION)
        try:
            values = payload.unpack(command.request, frame.payload)
        except payload.WireError:
            raise _Refused(Status.BAD_LENGTH) from None
        return payload.pack(command.reply, getattr(self, f"_do_{command.name}")(**values) or {})

    def _tensor(self, space: int, index: int) -> bytes:
        found: dict[int, list[bytes]] = {
            Space.INPUT: [bytes(array) for array in self._inputs],
            Space.OUTPUT: self._outputs,
            Space.TRACE: [] if self._stopped is None else [self._stopped],
        }
        if index >= len(found.get(space, [])):
            raise _Refused(Status.OUT_OF_RANGE)
        return found[space][index]

    def _do_hello(self, nonce: int) -> dict[str, Any]:
        self._session = True
        self._do_reset()
        flags = (Flag.FEATURES if self.front_end else 0) | (Flag.TRACE if self.trace else 0)
        flags |= Flag.LISTENER if self.listener else 0
        flags |= Flag.ENHANCER if self.enhancer else 0
        ops = len({op for op, _ in self.run([bytes(size) for size in self.input_bytes])})
        counts = {"inputs": len(self.input_bytes), "outputs": len(self.output_bytes), "ops": ops}
        return _HELLO | counts | {"flags": flags, "nonce": nonce} | self.hello

    def _do_tensor(self, space: int, index: int) -> dict[str, Any]:
        return {"bytes": len(self._tensor(space, index))}

    def _do_write(self, index: int, offset: int, data: bytes) -> None:
        if index >= len(self._inputs) or offset + len(data) > len(self._inputs[index]):
            raise _Refused(Status.OUT_OF_RANGE)
        self._inputs[index][offset : offset + len(data)] = data

    def _do_read(self, space: int, index: int, offset: int, length: int) -> dict[str, Any]:
        data = self._tensor(space, index)
        if length > wire.CHUNK_BYTES or offset + length > len(data):
            raise _Refused(Status.OUT_OF_RANGE)
        return {"data": data[offset : offset + length]}

    def _do_invoke(self, count: int) -> dict[str, Any]:
        if not count:
            raise _Refused(Status.OUT_OF_RANGE)
        self.invocations += count
        self._traced = self.run([bytes(array) for array in self._inputs])
        self._outputs = [data for _, data in self._traced[-len(self.output_bytes) :]]
        self._stopped = None
        # As in C, an inference may use its inputs' memory for other things.
        self._inputs = [bytearray(b"\xaa" * size) for size in self.input_bytes]
        return {
            "ticks": self.ticks * count,
            "overhead_ticks": 0,
            "stack_bytes": self.stack_bytes,
        }

    def _do_reset(self) -> None:
        self._samples = b""

    def _do_push_audio(self, data: bytes) -> dict[str, Any]:
        if self.front_end is None:
            raise _Refused(Status.UNSUPPORTED)
        if len(data) % 2:
            raise _Refused(Status.BAD_LENGTH)
        self._samples += data
        width = int(self.hello["width"])
        made = self.front_end(self._samples)[: int(self.hello["frames"]) * width]
        rows, places = len(made) // width, len(self._inputs[0]) // width
        for row in range(max(0, rows - places), rows):
            at = row % places * width
            self._inputs[0][at : at + width] = made[row * width : (row + 1) * width]
        return {"rows": rows}

    def _do_listen(self, data: bytes) -> dict[str, Any]:
        if self.listener is None:
            raise _Refused(Status.UNSUPPORTED)
        if len(data) % 2:
            raise _Refused(Status.BAD_LENGTH)
        known = len(self.listener(self._samples)[1])
        self._samples += data
        rows, found = self.listener(self._samples)
        packed = b"".join(struct.pack("<IIi", *detection) for detection in found[known:])
        return {"used": len(data) // 2, "rows": rows, "detections": packed}

    def _do_enhance(self, data: bytes) -> dict[str, Any]:
        if self.enhancer is None:
            raise _Refused(Status.UNSUPPORTED)
        if len(data) % 2:
            raise _Refused(Status.BAD_LENGTH)
        self._samples += data
        return {"enhanced": self.enhancer(self._samples)[len(self._samples) - len(data) :]}

    def _do_enhance_cost(self) -> dict[str, Any]:
        if self.enhancer is None:
            raise _Refused(Status.UNSUPPORTED)
        hops = len(self._samples) // (2 * self.enhanced_hop)
        return {
            "hops": hops,
            **{f"{step}_ticks": hops * self.ticks for step in ("analysis", "model", "synthesis")},
            "most_ticks": 3 * self.ticks if hops else 0,
            "overhead_ticks": 0,
            "stack_bytes": self.stack_bytes,
        }

    def _do_features_cost(self) -> dict[str, Any]:
        if self.front_end is None:
            raise _Refused(Status.UNSUPPORTED)
        rows = len(self.front_end(self._samples)) // int(self.hello["width"])
        return {
            "rows": rows,
            "ticks": rows * self.ticks,
            "calls": rows,
            "overhead_ticks": 0,
            "stack_bytes": self.stack_bytes,
        }

    def _do_trace(self, position: int) -> dict[str, Any]:
        if not self.trace:
            raise _Refused(Status.UNSUPPORTED)
        ops = list(dict.fromkeys(op for op, _ in self._traced))
        if position >= len(ops):
            raise _Refused(Status.OUT_OF_RANGE)
        op = ops[position]
        outputs = b"".join(data for index, data in self._traced if index == op)
        return {
            "op": op,
            "bytes": len(outputs),
            "crc": zlib.crc32(outputs),
            "ticks": self.ticks,
            "overhead_ticks": 0,
        }

    def _do_invoke_until(self, op: int, output: int) -> dict[str, Any]:
        if not self.trace:
            raise _Refused(Status.UNSUPPORTED)
        self._do_invoke(1)
        outputs = [data for index, data in self._traced if index == op]
        if output >= len(outputs):
            raise _Refused(Status.OUT_OF_RANGE)
        self._stopped = outputs[output]
        return {"bytes": len(self._stopped)}

    def _do_reboot(self) -> None:
        sent = self._sent
        self.restart()
        self._sent = sent

    def _do_bye(self) -> None:
        self._do_reset()
        self._session = False


@dataclass(frozen=True)
class Fault:
    """Harm to the `at`-th byte that goes `way`, counted from the transport's first.

    `drop` loses it, `flip` turns its lowest bit, `insert` puts 0x55 before it, `truncate` loses it
    and the rest of that transfer, `delay` holds it and the rest back until the next transfer,
    `mute` loses it and all that follow, `reset` calls `on_reset` before it.
    """

    kind: Literal["drop", "flip", "insert", "truncate", "delay", "mute", "reset"]
    way: Literal["to_device", "to_host"]
    at: int


@dataclass
class FaultyTransport:
    """A `Transport` that passes bytes on to `inner`, except where a fault strikes."""

    inner: Any
    faults: Sequence[Fault] = ()
    on_reset: Callable[[], None] = lambda: None
    passed: dict[str, int] = field(default_factory=lambda: {"to_device": 0, "to_host": 0})

    def __post_init__(self) -> None:
        self.name = self.inner.name
        self._held = {"to_device": b"", "to_host": b""}
        self._places: dict[tuple[str, int], set[str]] = {}
        for fault in self.faults:
            self._places.setdefault((fault.way, fault.at), set()).add(fault.kind)
        self._muted: set[str] = set()

    def write(self, data: bytes) -> None:
        """Send what the faults leave of `data`."""
        self.inner.write(self._harm("to_device", data))

    def read(self, timeout_s: float) -> bytes:
        """Return what the faults leave of what arrived."""
        data = self.inner.read(timeout_s)
        return self._harm("to_host", data) if data else b""

    def close(self) -> None:
        """Close the transport behind."""
        self.inner.close()

    def _harm(self, way: str, data: bytes) -> bytes:
        start = self.passed[way]
        self.passed[way] += len(data)
        out, self._held[way] = bytearray(self._held[way]), b""
        for at, byte in enumerate(data, start):
            kinds = self._places.get((way, at), set())
            if "reset" in kinds:
                self.on_reset()
            if "mute" in kinds:
                self._muted.add(way)
            if way in self._muted or "truncate" in kinds:
                break
            if "delay" in kinds:
                self._held[way] = data[at - start :]
                break
            if "insert" in kinds:
                out.append(0x55)
            if "drop" not in kinds:
                out.append(byte ^ ("flip" in kinds))
        return bytes(out)
