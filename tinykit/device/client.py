"""Talk to a device: one method for each thing it can do."""

from __future__ import annotations

import contextlib
import secrets
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.device import wire
from tinykit.device.link import MODEL_TIMEOUT_S, RENEW, Link, OnFrame
from tinykit.device.replies import EnhanceCost, FeaturesCost, Hello, Inference, OpTrace
from tinykit.device.transport import Transport
from tinykit.device.wire import CounterUnit, Flag, Space
from tinykit.errors import DeviceError
from tinykit.progress import Progress, silent


class Client:
    """One device behind a transport; as a context manager, ends the session at the end.

    Parameters
    ----------
    transport : Transport
    on_frame : callable, optional
        Told of every frame, for a trace of the line.
    model_timeout_s : float
        How long one inference may take before its frame is sent again.
    """

    def __init__(
        self,
        transport: Transport,
        on_frame: OnFrame | None = None,
        model_timeout_s: float = MODEL_TIMEOUT_S,
    ) -> None:
        self._link = Link(transport, on_frame, model_timeout_s)
        self.port = transport.name
        self._info: Hello | None = None

    @property
    def info(self) -> Hello:
        """The device's last answer to `hello`; asks when it has not been asked."""
        return self._info or self.hello()

    def hello(self) -> Hello:
        """Start a session: the device resets its model and says what it runs.

        Raises
        ------
        DeviceError
            When nothing there speaks the protocol, or another version of it.
        """
        nonce = secrets.randbits(32)  # not seeded: two hosts, or runs, must not choose the same
        said = self._link.request("hello", nonce=nonce)
        if said.pop("nonce") != nonce:
            raise DeviceError(
                f"{self.port}: the reply to `hello` belongs to another host",
                "does another program talk to the device?",
            )
        said.pop("version")
        sizes = {
            space: tuple(
                self._link.request("tensor", space=space, index=index)["bytes"]
                for index in range(said.pop(f"{space.name.lower()}s"))
            )
            for space in (Space.INPUT, Space.OUTPUT)
        }
        said["flags"] = Flag(said["flags"])
        try:
            said["counter_unit"] = CounterUnit(said["counter_unit"])
        except ValueError as reason:
            raise DeviceError(f"{self.port}: `hello`: {reason}", RENEW) from None
        self._info = Hello(input_bytes=sizes[Space.INPUT], output_bytes=sizes[Space.OUTPUT], **said)
        return self._info

    def infer(self, inputs: Sequence[NDArray[Any]]) -> Inference:
        """Run one inference on `inputs`, one array for each input of the model.

        Raises
        ------
        DeviceError
            When an input has another size than the model's, or the device misbehaves.
        """
        self.write(inputs)
        cost = self._link.request("invoke", count=1)
        outputs = tuple(
            np.frombuffer(self.read(Space.OUTPUT, index, size), np.int8)
            for index, size in enumerate(self.info.output_bytes)
        )
        return Inference(outputs, **cost)

    def infer_in_place(self) -> Inference:
        """Run one inference on what lies in the inputs (after `push_audio`)."""
        return self.infer([])

    def features(self, audio: NDArray[np.int16]) -> NDArray[np.int8]:
        """Send one clip through the device's front end.

        Its rows stay in input 0, or the newest of them where a model that streams has room for
        fewer.

        Parameters
        ----------
        audio : int16 (samples,)

        Returns
        -------
        int8 (rows, width)
        """
        if Flag.FEATURES not in self.info.flags:
            raise DeviceError(
                f"{self.port}: this firmware has no front end",
                "it was generated from a model alone; generate it from a project with [features]",
            )
        data = np.ascontiguousarray(audio, "<i2").tobytes()
        places = self.info.input_bytes[0] // self.info.width
        if places >= self.info.frames:
            rows = max(self._push(data, wire.CHUNK_BYTES), default=0)
            made = self.read(Space.INPUT, 0, rows * self.info.width)
        else:
            made = self._newest_rows(data, places)
        return np.frombuffer(made, np.int8).reshape(-1, self.info.width)

    def _push(self, data: bytes, chunk: int) -> Iterator[int]:
        """Send samples from the start of a clip on; yield the rows after each piece."""
        self.reset()
        for at in range(0, len(data), chunk):
            yield int(self._link.request("push_audio", data=data[at : at + chunk])["rows"])

    def _newest_rows(self, data: bytes, places: int, chunk: int = wire.CHUNK_BYTES) -> bytes:
        """Return the rows of a clip, read while they are made: the input holds `places`."""
        made, known, width = b"", 0, self.info.width
        for rows in self._push(data, chunk):
            if rows - known > places:  # some are overwritten already
                return self._newest_rows(data, places, chunk // 2)
            held = self.read(Space.INPUT, 0, places * width) if rows > known else b""
            for row in range(known, rows):
                made += held[row % places * width :][:width]
            known = rows
        return made

    def features_cost(self) -> FeaturesCost:
        """Return what the front end cost since the last `reset` (`features` begins with one)."""
        return FeaturesCost(**self._link.request("features_cost"))

    def listen(
        self, audio: NDArray[np.int16], progress: Progress = silent
    ) -> list[tuple[int, int, int]]:
        """Let the device hear a recording from its start; return what it reports.

        Parameters
        ----------
        audio : int16 (samples,)

        Returns
        -------
        list of (row, class, score)
            `tinykit.audio.decision.Detection`; rows of the front end, from 1.

        Raises
        ------
        DeviceError
            When the firmware does not listen, or the device misbehaves.
        """
        if Flag.LISTENER not in self.info.flags:
            raise DeviceError(
                f"{self.port}: this firmware does not listen",
                "it needs a model with a front end and names of classes: a project with [features]",
            )
        self.reset()
        data = np.ascontiguousarray(audio, "<i2").tobytes()
        found: list[tuple[int, int, int]] = []
        at = 0
        while at < len(data):
            progress("listen", at // 2, len(audio))
            reply = self._link.request("listen", data=data[at : at + wire.CHUNK_BYTES])
            if not reply["used"]:
                raise DeviceError(f"{self.port}: the device takes no more samples", RENEW)
            at += 2 * int(reply["used"])
            found += struct.iter_unpack("<IIi", reply["detections"])
        progress("listen", len(audio), len(audio))
        return found

    def enhance(self, audio: NDArray[np.int16], progress: Progress = silent) -> NDArray[np.int16]:
        """Let the device enhance a recording from its start.

        Parameters
        ----------
        audio : int16 (samples,)

        Returns
        -------
        int16 (samples,)
            One window of the spectrum late, as the device gives it.

        Raises
        ------
        DeviceError
            When the firmware does not enhance, or the device misbehaves.
        """
        if Flag.ENHANCER not in self.info.flags:
            raise DeviceError(
                f"{self.port}: this firmware does not enhance audio",
                "it needs a model that names its spectrum: a project for speech-enhancement",
            )
        self.reset()
        data = np.ascontiguousarray(audio, "<i2").tobytes()
        made = b""
        for at in range(0, len(data), wire.CHUNK_BYTES):
            progress("enhance", at // 2, len(audio))
            piece = data[at : at + wire.CHUNK_BYTES]
            enhanced = self._link.request("enhance", data=piece)["enhanced"]
            if len(enhanced) != len(piece):
                went, came = len(piece) // 2, len(enhanced) // 2
                raise DeviceError(f"{self.port}: {went} samples went in, {came} came out", RENEW)
            made += enhanced
        progress("enhance", len(audio), len(audio))
        return np.frombuffer(made, "<i2").astype(np.int16)

    def enhance_cost(self) -> EnhanceCost:
        """Return what enhancing cost since the last `reset` (`enhance` begins with one)."""
        return EnhanceCost(**self._link.request("enhance_cost"))

    def reset(self) -> None:
        """Set the model's state and the front end to their start."""
        self._link.request("reset")

    def trace(self, inputs: Sequence[NDArray[Any]], ops: int | None = None) -> list[OpTrace]:
        """Run one inference in a trace build; return what each op gave, in order of execution.

        Parameters
        ----------
        inputs : one array for each model input
        ops : int, optional
            How many of the model's ops work at this inference of a stream with phases; else all.
        """
        self._need_trace()
        self.write(inputs)
        self._link.request("invoke", count=1)
        return [
            OpTrace(**self._link.request("trace", position=position))
            for position in range(self.info.ops if ops is None else ops)
        ]

    def op_output(self, inputs: Sequence[NDArray[Any]], op: int, output: int = 0) -> bytes:
        """Run one inference in a trace build up to `op` (its number in the .tflite).

        Returns that output of the op.

        The model's state is left in the middle of an inference: `reset` before the next.
        """
        self._need_trace()
        self.write(inputs)
        self._link.request("invoke_until", op=op, output=output)
        return self.read(Space.TRACE, 0)

    def reboot(self) -> None:
        """Restart the device; call `hello` afterwards."""
        self._link.request("reboot")
        self._info = None

    def bye(self) -> None:
        """End the session: the firmware's own application has model and front end again."""
        if self._info:
            self._info = None
            self._link.request("bye")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the session, unless the device has just shown that it does not answer."""
        if kind is None or not issubclass(kind, DeviceError):
            with contextlib.suppress(DeviceError):
                self.bye()

    def write(self, inputs: Sequence[NDArray[Any]]) -> None:
        """Write the model's inputs; none at all leaves them as they are."""
        sizes = self.info.input_bytes
        if inputs and tuple(array.nbytes for array in inputs) != sizes:
            raise DeviceError(
                f"{self.port}: the model's inputs have {_listed(sizes)} bytes, "
                f"given {_listed([array.nbytes for array in inputs])}",
                "is this the firmware of the model that the data was made for?",
            )
        for index, array in enumerate(inputs):
            data = np.ascontiguousarray(array).tobytes()
            for offset in range(0, len(data), wire.CHUNK_BYTES):
                piece = data[offset : offset + wire.CHUNK_BYTES]
                self._link.request("write", index=index, offset=offset, data=piece)

    def read(self, space: Space, index: int, count: int | None = None) -> bytes:
        """Return the first `count` bytes (default: all) of a tensor."""
        if count is None:
            count = int(self._link.request("tensor", space=space, index=index)["bytes"])
        data = b""
        while len(data) < count:
            length = min(wire.CHUNK_BYTES, count - len(data))
            reply = self._link.request(
                "read", space=space, index=index, offset=len(data), length=length
            )
            data += reply["data"]
        return data

    def _need_trace(self) -> None:
        if Flag.TRACE not in self.info.flags:
            raise DeviceError(
                f"{self.port}: this firmware is no trace build",
                "build it with TK_TRACE defined to see what each op gives",
            )


def _listed(sizes: Sequence[int]) -> str:
    return " + ".join(str(size) for size in sizes)
