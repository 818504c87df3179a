"""The wire protocol, declared once: commands, their fields, status codes and limits.

`wire_render` turns these tables into the C header and the protocol document, the client encodes
and decodes with them: there is no second place where a code or a layout is written down.
Everything is little endian; fields follow each other without padding.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass

VERSION = 1
"""Changes with any incompatible change; the first byte of the reply to `hello`, for ever."""

CHUNK_BYTES = 256
"""Most tensor bytes in one frame. Small, because a UART without flow control has no buffer."""

PAYLOAD_MAX = CHUNK_BYTES + 8
"""Most payload bytes in one frame: a chunk and the fields that say where it belongs."""

STACK_UNKNOWN = 0xFFFFFFFF
"""`stack_bytes` of a board whose stack cannot be painted (`TK_STACK_UNKNOWN` in tk_stack.h)."""

REPLY = 0x80
"""Set in the command byte of a reply, so that an echo of a request is not taken for one."""


class Status(enum.IntEnum):
    """Why the device refused, or `OK`."""

    text: str
    retry: bool

    def __new__(cls, code: int, text: str, retry: bool = False) -> Status:
        """Make a member with its code, its text and whether sending the frame again may help."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.text = text
        member.retry = retry
        return member

    OK = 0, "done"
    BAD_FRAME = 1, "the frame is not valid COBS, or too short or too long", True
    BAD_CRC = 2, "the CRC does not match: bytes were corrupted on the way", True
    NO_SESSION = 3, "no `hello` since the device started: it was reset"
    UNKNOWN_COMMAND = 4, "this firmware does not know the command"
    BAD_LENGTH = 5, "the payload is shorter or longer than the command's fields"
    OUT_OF_RANGE = 6, "index, offset, length or count lies outside what this model has"
    UNSUPPORTED = 7, "this firmware was built without that part (front end or trace)"


class Space(enum.IntEnum):
    """What `tensor` and `read` look at."""

    text: str

    def __new__(cls, code: int, text: str) -> Space:
        """Make a member with its code and its text."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.text = text
        return member

    INPUT = 0, "an input of the model"
    OUTPUT = 1, "an output of the model"
    TRACE = 2, "the output of an op at which `invoke_until` stopped (trace builds); index 0"


class Flag(enum.IntFlag):
    """What a firmware has, in `flags` of the reply to `hello`."""

    FEATURES = 1
    TRACE = 2
    LISTENER = 4
    ENHANCER = 8


FLAG_TEXT = {
    Flag.FEATURES: "has the front end: `push_audio` and `features_cost` work",
    Flag.TRACE: "is a trace build: `trace` and `invoke_until` work",
    Flag.LISTENER: "decides on its own what it hears: `listen` works",
    Flag.ENHANCER: "enhances audio: `enhance` and `enhance_cost` work",
}


class CounterUnit(enum.IntEnum):
    """What `ticks * counter_numerator / counter_denominator` counts.

    Instructions are rounded on the device, measurement by measurement (numerator and denominator
    are 1 then), so that sums of them are exact.
    """

    INSTRUCTIONS = 0
    US = 1


FORMATS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q"}
"""How `struct` packs the number types."""

TYPES = {
    "u8": "unsigned, 1 byte",
    "u16": "unsigned, 2 bytes, little endian",
    "u32": "unsigned, 4 bytes, little endian",
    "u64": "unsigned, 8 bytes, little endian",
    "text": "1 byte with the length, then that many bytes of UTF-8",
    "data": "all bytes that remain in the payload",
}
"""The types a field can have. `data` can only be the last field."""


@dataclass(frozen=True)
class Field:
    """One field of a payload; `limit` is the longest `text` in bytes."""

    name: str
    type: str
    text: str
    limit: int = 0

    @property
    def fixed_bytes(self) -> int:
        """Bytes the field always takes."""
        if self.type == "data":
            return 0
        return 1 if self.type == "text" else struct.calcsize(FORMATS[self.type])

    @property
    def most_bytes(self) -> int:
        """Bytes the field may take."""
        return CHUNK_BYTES if self.type == "data" else self.fixed_bytes + self.limit


@dataclass(frozen=True)
class Command:
    """One command: its code, the fields of its request and of its reply.

    `timeout_s` is how long the host waits for a reply before it sends the frame again; a command
    that runs the model takes the client's longer time instead (`runs_model`). After a command that
    `ends_session`, the device may have forgotten the session before the host sees the reply.
    """

    code: int
    name: str
    text: str
    request: tuple[Field, ...] = ()
    reply: tuple[Field, ...] = ()
    timeout_s: float = 2.0
    runs_model: bool = False
    ends_session: bool = False

    @property
    def request_bytes(self) -> int:
        """Bytes of the request without its `data`."""
        return sum(field.fixed_bytes for field in self.request)

    @property
    def request_has_data(self) -> bool:
        """Whether any number of bytes may follow the request's fields."""
        return bool(self.request) and self.request[-1].type == "data"


_SPACE = Field("space", "u8", "what to look at, see *Spaces*")
_INDEX = Field("index", "u8", "which of them")
_OVERHEAD = Field(
    "overhead_ticks", "u32", "what measuring an empty function gives: take off per measurement"
)
_STACK = Field(
    "stack_bytes",
    "u32",
    "most stack used (by painting), without the harness's own; 0xFFFFFFFF: not known",
)

COMMANDS: tuple[Command, ...] = (
    Command(
        0x01,
        "hello",
        "Start a session: reset, and say what runs here. The first command after every start of "
        "the device: all others answer `NO_SESSION` before it, which is how a reset is noticed.",
        (Field("nonce", "u32", "chosen by the host, comes back"),),
        (
            Field("version", "u8", "of the protocol"),
            Field("flags", "u8", "see *Flags*"),
            Field("nonce", "u32", "from the request"),
            Field("inputs", "u8", "number of inputs of the model"),
            Field("outputs", "u8", "number of outputs"),
            Field("ops", "u16", "number of ops"),
            Field("arena_bytes", "u32", "RAM for activations"),
            Field("state_bytes", "u32", "RAM for state kept between inferences"),
            Field("scratch_bytes", "u32", "RAM that kernels work in"),
            Field("counter_unit", "u8", "what the counter counts, see *Counter units*"),
            Field("counter_numerator", "u32", "value = ticks * numerator / denominator"),
            Field("counter_denominator", "u32", "see `counter_numerator`"),
            Field("frames", "u16", "rows of one clip that the front end makes; 0 without one"),
            Field("width", "u16", "int8 values in one row; 0 without a front end"),
            Field("model_sha256", "text", "of the .tflite, 64 hex digits", 64),
            Field("board", "text", "board id", 48),
            Field("app", "text", "project name", 48),
            Field("build", "text", "hash of the generated sources", 48),
        ),
        timeout_s=0.7,
    ),
    Command(
        0x02,
        "tensor",
        "Say how large an input, an output or the traced output is.",
        (_SPACE, _INDEX),
        (Field("bytes", "u32", "its size"),),
    ),
    Command(
        0x03,
        "write",
        "Write a piece of an input of the model.",
        (
            _INDEX,
            Field("offset", "u32", "where the piece starts, in bytes"),
            Field("data", "data", f"the piece, at most {CHUNK_BYTES} bytes"),
        ),
    ),
    Command(
        0x04,
        "read",
        "Read a piece of an input, an output or the traced output. An inference may overwrite the "
        "inputs; after `push_audio`, input 0 holds the rows of the front end.",
        (
            _SPACE,
            _INDEX,
            Field("offset", "u32", "where the piece starts, in bytes"),
            Field("length", "u16", f"how many bytes, at most {CHUNK_BYTES}"),
        ),
        (Field("data", "data", "the piece"),),
    ),
    Command(
        0x05,
        "invoke",
        "Run the model `count` times on what lies in its inputs. With a count above 1 only the "
        "time means something, because each run may overwrite the inputs.",
        (Field("count", "u16", "1 to 65535"),),
        (Field("ticks", "u64", "sum over the runs, measured one by one"), _OVERHEAD, _STACK),
        runs_model=True,
    ),
    Command(
        0x06,
        "reset",
        "Set the model's state and the front end to their start; the front end's cost to zero.",
    ),
    Command(
        0x07,
        "push_audio",
        "Feed samples to the front end. Each finished row goes to its place in input 0; where "
        "that holds fewer rows than a clip, as in a model that streams, the first place follows "
        "the last. What comes after the clip is dropped, until `reset`.",
        (Field("data", "data", f"int16 samples, at most {CHUNK_BYTES} bytes, an even number"),),
        (Field("rows", "u16", "rows made since `reset`"),),
    ),
    Command(
        0x08,
        "features_cost",
        "Say what the front end cost since `reset`.",
        (),
        (
            Field("rows", "u16", "rows made"),
            Field("ticks", "u64", "sum over all calls"),
            Field("calls", "u32", "how many calls were measured"),
            _OVERHEAD,
            _STACK,
        ),
    ),
    Command(
        0x09,
        "trace",
        "Say what an op gave and cost in the last `invoke` (trace builds).",
        (Field("position", "u16", "0 to ops - 1, in the order of execution"),),
        (
            Field("op", "u16", "its number in the .tflite"),
            Field("bytes", "u32", "bytes of all its outputs"),
            Field("crc", "u32", "CRC-32 of its outputs, one after the other"),
            Field("ticks", "u32", "its time, of which `overhead_ticks` is the measurement's"),
            _OVERHEAD,
        ),
    ),
    Command(
        0x0A,
        "invoke_until",
        "Run the model and stop right after an op, so that its output can be read before a later "
        "op overwrites it (trace builds). `reset` before the next `invoke`.",
        (
            Field("op", "u16", "its number in the .tflite"),
            Field("output", "u8", "which of the op's outputs"),
        ),
        (Field("bytes", "u32", "size of that output"),),
        runs_model=True,
    ),
    Command(
        0x0B,
        "reboot",
        "Reply, then restart the device. The session ends.",
        ends_session=True,
    ),
    Command(
        0x0C,
        "bye",
        "Reset, and end the session: an application that pauses while a host is testing goes on.",
        ends_session=True,
    ),
    Command(
        0x0D,
        "listen",
        "Hear samples as from a microphone: front end, model, smoothing, decision. After `reset`, "
        "and with none of the other commands in between, all samples make one stream.",
        (Field("data", "data", f"int16 samples, at most {CHUNK_BYTES} bytes, an even number"),),
        (
            Field("used", "u16", "samples heard; send the others again"),
            Field("rows", "u32", "rows of the front end since `reset`"),
            Field("detections", "data", "of 12 bytes: row (u32), class (u32), score (i32)"),
        ),
        runs_model=True,
    ),
    Command(
        0x0E,
        "enhance",
        "Enhance samples as from a microphone. As many come back: those that went in one window of "
        "the spectrum earlier. After `reset`, all samples make one stream.",
        (Field("data", "data", f"int16 samples, at most {CHUNK_BYTES} bytes, an even number"),),
        (Field("enhanced", "data", "int16 samples, as many"),),
        runs_model=True,
    ),
    Command(
        0x0F,
        "enhance_cost",
        "Say what enhancing cost since `reset`. Each hop is three measurements.",
        (),
        (
            Field("hops", "u32", "hops of the spectrum, each with one inference"),
            Field("analysis_ticks", "u64", "from samples to features, sum over all hops"),
            Field("model_ticks", "u64", "likewise, the inferences"),
            Field("synthesis_ticks", "u64", "likewise, from gains to samples"),
            Field("most_ticks", "u32", "of all three in one hop"),
            _OVERHEAD,
            _STACK,
        ),
    ),
)
"""Every command, by code."""

BY_NAME = {command.name: command for command in COMMANDS}
BY_CODE = {command.code: command for command in COMMANDS}
