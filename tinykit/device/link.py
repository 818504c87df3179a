"""Requests and replies over a transport: sent again when lost, explained when hopeless.

A frame that is lost or damaged, in either direction, is sent again; the device makes sure that
nothing is done twice (docs/serial-protocol.md). What repeats cannot cure, a device that was reset
or fell silent, ends in a `DeviceError` that says what was acknowledged last.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

from tinykit.device import framing, payload, wire
from tinykit.device.transport import Transport
from tinykit.device.wire import Status
from tinykit.errors import DeviceError

ATTEMPTS = 5
"""How often a frame is sent before giving up."""

MODEL_ATTEMPTS = 3
"""The same for commands that run the model: their wait is long."""

HELLO_ATTEMPTS = 12
"""More for `hello`: opening the port resets some boards, and they need seconds to start."""

MODEL_TIMEOUT_S = 10.0
"""How long one inference may take before its frame is sent again."""

RENEW = "renew the firmware: tinykit generate, build, flash"
"""The hint when the device speaks another dialect."""

_QUIET_S = 0.05
_FAULT = re.compile(rb"fault: pc (0x[0-9a-f]{8}) [ -~]*\r\n")
_FAULT_BYTES = 100  # longer than such a line
_SEND_AGAIN = frozenset(status for status in Status if status.retry)

Direction = Literal["->", "<-"]
OnFrame = Callable[[Direction, "framing.Frame | framing.Damaged"], None]
"""Told of every frame: which way it went, and what it was."""


class Link:
    """One host's end of the line: at most one request under way.

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
        self.transport = transport
        self.port = transport.name
        self._on_frame = on_frame or (lambda way, frame: None)
        self._model_timeout_s = model_timeout_s
        self._decoder = framing.Decoder()
        self._arrived: Iterator[framing.Frame | framing.Damaged] = iter(())
        self._sequence = 0
        self._acknowledged = "nothing"
        self._tail = b""

    def request(self, name: str, **values: Any) -> dict[str, Any]:
        """Send a command until it is answered; return the reply's fields.

        Parameters
        ----------
        name : str
            Of the command, in `wire.COMMANDS`.
        values
            The request's fields.

        Raises
        ------
        DeviceError
            When the device refuses, was reset, or never answers.
        """
        command = wire.BY_NAME[name]
        self._sequence = self._sequence % 255 + 1
        frame = framing.Frame(
            self._sequence, command.code, 0, payload.pack(command.request, values)
        )
        timeout_s, attempts = command.timeout_s, ATTEMPTS
        if command.runs_model:
            timeout_s, attempts = self._model_timeout_s, MODEL_ATTEMPTS
        elif name == "hello":
            attempts = HELLO_ATTEMPTS
        troubles: list[str] = []
        data = framing.encode(frame)
        for _ in range(attempts):
            self._on_frame("->", frame)
            self.transport.write(data)
            reply = self._await(frame, timeout_s)
            if not isinstance(reply, str):
                return self._accept(command, reply)
            troubles.append(reply)
        raise self._gave_up(command, troubles)

    def _await(self, request: framing.Frame, timeout_s: float) -> framing.Frame | str:
        """Return the reply to `request`, or why it has to be sent again."""
        end = time.monotonic() + timeout_s
        trouble = f"no reply in {timeout_s:g} s"
        while True:
            for frame in self._arrived:
                self._on_frame("<-", frame)
                if isinstance(frame, framing.Damaged) or frame.status in _SEND_AGAIN:
                    trouble = "reply damaged"
                    if isinstance(frame, framing.Frame):
                        trouble = "request damaged on the way"
                    # Let what is under way arrive (the reply, perhaps) before speaking again.
                    end = min(end, time.monotonic() + _QUIET_S)
                    continue
                if frame == request:
                    raise DeviceError(
                        f"{self.port}: what is sent comes straight back",
                        "are TX and RX bridged, or is this the wrong port?",
                    )
                if (frame.sequence, frame.command) == (
                    request.sequence,
                    request.command | wire.REPLY,
                ):
                    return frame
                # Any other is the late reply to a request that was sent twice.
            left_s = end - time.monotonic()
            data = self.transport.read(left_s) if left_s > 0 else b""
            if not data:
                return trouble
            self._arrived = self._decoder.feed(data)
            self._check_fault(data)

    def _check_fault(self, data: bytes) -> None:
        """Raise when `data` ends the line of text that firmware writes before it stops."""
        fault = _FAULT.search(self._tail + data)
        self._tail = (self._tail + data)[-_FAULT_BYTES:]
        if fault:
            text = fault[0].decode().strip()
            raise DeviceError(
                f"{self.port}: the firmware stopped on a {text}; acknowledged last: "
                f"{self._acknowledged}",
                f"the source line: addr2line -e firmware.elf {fault[1].decode()}, with the prefix "
                "of the board's compiler (arm-none-eabi-addr2line)",
            )

    def _accept(self, command: wire.Command, reply: framing.Frame) -> dict[str, Any]:
        """Return the reply's fields.

        Raises
        ------
        DeviceError
            When the device refused, or the reply is not what this version of the protocol has.
        """
        if reply.status == Status.NO_SESSION:
            if command.ends_session:  # it did so, and the reply was lost
                return {}
            raise DeviceError(
                f"{self.port}: the device was reset in the middle: it forgot the session at "
                f"`{command.name}`; acknowledged last: {self._acknowledged}",
                "a brown-out, a watchdog, a fault in the firmware, or the reset button? "
                "run `tinykit test` again; if it happens at the same place, suspect the stack size",
            )
        if reply.status:
            texts = {status.value: status.text for status in Status}
            why = texts.get(reply.status, f"unknown status {reply.status}")
            raise DeviceError(
                f"{self.port}: the device refused `{command.name}`: {why}",
                "was the firmware made by another version of tinykit? `tinykit flash` renews it",
            )
        if command.name == "hello" and reply.payload[:1] != bytes([wire.VERSION]):
            raise DeviceError(
                f"{self.port}: the firmware speaks version {reply.payload[:1].hex() or 'none'} of "
                f"the protocol, this tinykit version {wire.VERSION:02x}",
                RENEW,
            )
        try:
            fields = payload.unpack(command.reply, reply.payload)
        except payload.WireError as reason:
            raise DeviceError(
                f"{self.port}: the reply to `{command.name}` is malformed: {reason}",
                RENEW,
            ) from None
        if fields.get("stack_bytes") == wire.STACK_UNKNOWN:
            fields["stack_bytes"] = None
        self._acknowledged = f"`{command.name}` (frame {reply.sequence})"
        return fields

    def _gave_up(self, command: wire.Command, troubles: list[str]) -> DeviceError:
        counts = ", ".join(f"{troubles.count(t)}x {t}" for t in dict.fromkeys(troubles))
        message = f"{self.port}: no valid reply to `{command.name}`: {counts}"
        silent = all(trouble.startswith("no reply") for trouble in troubles)
        if command.name == "hello" and silent:
            return DeviceError(
                message,
                "does tinykit's firmware run there (`tinykit flash`)? is it the right port and "
                "baud rate? does another program hold the line?",
            )
        message += f"; acknowledged last: {self._acknowledged}"
        if silent:
            return DeviceError(
                message,
                "the firmware hangs, lost power, or the model takes longer than the time allowed; "
                "reset the device and run `tinykit test` again",
            )
        return DeviceError(
            message, "the line corrupts data: check ground, cable and baud rate on both sides"
        )
