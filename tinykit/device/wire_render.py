"""Render the tables of `wire` as the C header `tk_wire.h` and as the protocol document."""

from __future__ import annotations

from collections.abc import Iterable

from tinykit.device import framing, wire

HEADER_PATH = "templates/harness/tk_wire.h"
DOCUMENT_PATH = "docs/serial-protocol.md"


def c_header() -> str:
    """Return `tk_wire.h`."""
    lines = [
        "/* The serial protocol's codes and limits. Rendered from tinykit/device/wire.py by",
        " * scripts/render_wire.py: do not edit. Described in docs/serial-protocol.md. */",
        "#ifndef TK_WIRE_H",
        "#define TK_WIRE_H",
        "",
        f"#define TK_WIRE_VERSION {wire.VERSION}",
        f"#define TK_WIRE_CHUNK_BYTES {wire.CHUNK_BYTES}",
        f"#define TK_WIRE_PAYLOAD_MAX {wire.PAYLOAD_MAX}",
        f"#define TK_WIRE_HEADER_BYTES {framing.HEADER_BYTES}",
        f"#define TK_WIRE_CRC_BYTES {framing.CRC_BYTES}",
        f"#define TK_WIRE_BODY_MAX {framing.BODY_MAX}",
        f"#define TK_WIRE_REPLY 0x{wire.REPLY:02X}",
        "",
        "/* Statuses of a reply. */",
        *(f"#define TK_STATUS_{s.name} {s.value} /* {s.text} */" for s in wire.Status),
        "",
        "/* Spaces of `tensor` and `read`. */",
        *(f"#define TK_SPACE_{s.name} {s.value} /* {s.text} */" for s in wire.Space),
        "",
        "/* Flags of the reply to `hello`. */",
        *(f"#define TK_FLAG_{f.name} {f.value} /* {t} */" for f, t in wire.FLAG_TEXT.items()),
        "",
        "/* What the counter counts. */",
        *(f"#define TK_COUNTER_{u.name} {u.value}" for u in wire.CounterUnit),
        "",
        "/* X(name, code, bytes of the request's fields, whether data may follow them) */",
        "#define TK_COMMANDS(X) \\",
        " \\\n".join(
            f"    X({c.name}, 0x{c.code:02X}, {c.request_bytes}, {int(c.request_has_data)})"
            for c in wire.COMMANDS
        ),
        "",
        *(f"#define TK_COMMAND_{c.name.upper()} 0x{c.code:02X}" for c in wire.COMMANDS),
        "",
        "/* Where the fields of a request start, and how long a text of a reply may be. */",
        *_offsets(),
        "",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def _offsets() -> Iterable[str]:
    for command in wire.COMMANDS:
        at = 0
        for field in command.request:
            yield f"#define TK_AT_{f'{command.name}_{field.name}'.upper()} {at}"
            at += field.fixed_bytes
        for field in command.reply:
            if field.type == "text":
                yield f"#define TK_MOST_{f'{command.name}_{field.name}'.upper()} {field.limit}"


def document() -> str:
    """Return `docs/serial-protocol.md`."""
    overhead = len(framing.cobs_encode(bytes([1]) * framing.BODY_MAX)) - framing.BODY_MAX
    example = framing.encode(framing.Frame(1, wire.BY_NAME["reset"].code))
    return _DOCUMENT.format(
        version=wire.VERSION,
        chunk=wire.CHUNK_BYTES,
        payload=wire.PAYLOAD_MAX,
        longest=framing.BODY_MAX + overhead + 2,
        reply=f"{wire.REPLY:#04x}",
        example=example.hex(" "),
        types=_table(("type", "is"), wire.TYPES.items()),
        statuses=_table(
            ("code", "status", "means", "the host sends again"),
            ((s.value, f"`{s.name}`", s.text, "yes" if s.retry else "no") for s in wire.Status),
        ),
        spaces=_table(
            ("code", "space", "is"), ((s.value, f"`{s.name}`", s.text) for s in wire.Space)
        ),
        flags=_table(
            ("bit", "flag", "the firmware"),
            ((f.value, f"`{f.name}`", t) for f, t in wire.FLAG_TEXT.items()),
        ),
        units=_table(("code", "unit"), ((u.value, u.name.lower()) for u in wire.CounterUnit)),
        overview=_table(
            ("code", "command", "request", "reply"),
            (
                (f"{c.code:#04x}", f"[`{c.name}`](#{c.name})", _names(c.request), _names(c.reply))
                for c in wire.COMMANDS
            ),
        ),
        commands="\n".join(_command(command) for command in wire.COMMANDS),
    )


def _names(fields: tuple[wire.Field, ...]) -> str:
    return ", ".join(field.name for field in fields) or "nothing"


def _command(command: wire.Command) -> str:
    parts = [f"### {command.name}\n\n`{command.code:#04x}`. {command.text}\n"]
    for title, fields in (("Request", command.request), ("Reply", command.reply)):
        if fields:
            rows = ((f"`{f.name}`", _type(f), f.text) for f in fields)
            parts.append(_table((title, "type", "is"), rows) + "\n")
        else:
            parts.append(f"{title}: no payload.\n")
    return "\n".join(parts)


def _type(field: wire.Field) -> str:
    return f"text, at most {field.limit}" if field.type == "text" else field.type


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


_DOCUMENT = """\
# The serial protocol

Version {version}. Rendered from the tables in `tinykit/device/wire.py` by
`scripts/render_wire.py`: do not edit.

One host, one device, 8N1. The host asks, the device answers; the host never has more than one
unanswered request on the wire, so a UART without flow control and without a buffer is enough. The
device speaks only when asked.

## Frames

```
00  COBS( sequence  command  status  payload...  CRC-32 )  00
```

- `sequence`: 1 byte, 1 to 255, chosen by the host, one more for each new request (1 follows 255).
  The reply repeats it.
- `command`: 1 byte. A reply has bit {reply} set.
- `status`: 1 byte. 0 in requests; see *Statuses*. Only replies with `OK` have a payload.
- `payload`: at most {payload} bytes.
- `CRC-32`: 4 bytes, little endian, over everything before it: polynomial 0x04C11DB7 reflected,
  start and final XOR 0xFFFFFFFF (zlib's `crc32`).
- COBS removes every zero, so a zero always ends a frame. The zero in front ends noise that came
  before. Empty frames are ignored.

The longest frame takes {longest} bytes on the wire. Example, `reset` with sequence 1:
`{example}`.

## Lost and damaged frames

- The device answers what it can't read with command {reply}, sequence 0 and the status
  `BAD_FRAME` or `BAD_CRC`. The host sends again at once.
- A host that gets no reply in time, or a damaged one, sends the very same frame again, a bounded
  number of times.
- The device remembers the last request's CRC and its reply: the same frame again gets the same
  reply and is not run a second time. So every command can safely be repeated. (`hello` carries a
  number the host has not used before, so that a new session never gets an old reply.)
- A reply with another sequence or command than asked for is a late one; the host ignores it.
- After a reset the device has no session and answers everything but `hello` with `NO_SESSION`:
  the host then knows that state was lost.
- The device needs no timeouts: the zero in front of the next frame ends one that was cut off.

## Types

{types}

## Statuses

{statuses}

## Spaces

{spaces}

## Flags

{flags}

## Counter units

{units}

`ticks` times `counter_numerator` over `counter_denominator` gives the unit. Instructions come as
whole numbers (numerator and denominator are 1): an instruction may be a broken number of the
timer's ticks, so the device rounds each measurement by itself, and sums stay exact.

## Commands

A request with another length than its fields is refused with `BAD_LENGTH`. A piece of a tensor
has at most {chunk} bytes.

{overview}

{commands}"""
