"""The protocol's table, and that the C header, the document and the harness say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinykit.device import payload, wire, wire_render
from tinykit.device.wire import COMMANDS, Command, CounterUnit, Flag, Space, Status


def test_header_is_current(root: Path) -> None:
    """`tk_wire.h` is what the table renders; else run scripts/render_wire.py."""
    assert (root / wire_render.HEADER_PATH).read_text() == wire_render.c_header()


def test_document_is_current(root: Path) -> None:
    """The protocol's document is what the table renders; else run scripts/render_wire.py."""
    assert (root / wire_render.DOCUMENT_PATH).read_text() == wire_render.document()


def test_header_has_the_table(root: Path) -> None:
    """The C header has every command, status, space, flag and unit, with its code, and no other."""
    header = (root / wire_render.HEADER_PATH).read_text()
    commands = re.findall(r"^    X\((\w+), (0x\w+), (\d+), ([01])\)", header, re.M)
    assert [(name, int(code, 16), int(size), int(data)) for name, code, size, data in commands] == [
        (c.name, c.code, c.request_bytes, int(c.request_has_data)) for c in COMMANDS
    ]
    for prefix, kind in (
        ("STATUS", Status),
        ("SPACE", Space),
        ("FLAG", Flag),
        ("COUNTER", CounterUnit),
    ):
        found = dict(re.findall(rf"^#define TK_{prefix}_(\w+) (\d+)", header, re.M))
        assert found == {member.name: str(member.value) for member in kind}


def test_document_has_the_table(root: Path) -> None:
    """The document has a section for each command, a row for each of its fields and statuses."""
    document = (root / wire_render.DOCUMENT_PATH).read_text()
    assert re.findall(r"^### (\w+)", document, re.M) == [command.name for command in COMMANDS]
    for section, command in zip(document.split("\n### ")[1:], COMMANDS, strict=True):
        fields = [field.name for field in command.request + command.reply]
        assert re.findall(r"^\| `(\w+)`", section, re.M) == fields
    for status in Status:
        assert f"| {status.value} | `{status.name}` | {status.text}" in document


def test_harness_handles_the_table(root: Path) -> None:
    """The harness defines a handler for every command and none besides, and uses every status."""
    sources = "".join(p.read_text() for p in (root / "templates" / "harness").glob("*.c"))
    handlers = set(re.findall(r"^uint8_t tk_handle_(\w+)\(", sources, re.M))
    assert handlers == {command.name for command in COMMANDS}
    assert set(re.findall(r"TK_STATUS_(\w+)", sources)) == {status.name for status in Status}


def test_codes_are_unique() -> None:
    """No two commands share a code or a name; a code has no reply bit; only the last is `data`."""
    assert len(wire.BY_CODE) == len(wire.BY_NAME) == len(COMMANDS)
    assert all(0 < command.code < wire.REPLY for command in COMMANDS)
    for command in COMMANDS:
        for fields in (command.request, command.reply):
            assert all(field.type in wire.TYPES for field in fields)
            assert all(field.type != "data" for field in fields[:-1])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_payloads_fit(command: Command) -> None:
    """The longest request and reply of every command fit in a frame."""
    for fields in (command.request, command.reply):
        assert sum(field.most_bytes for field in fields) <= wire.PAYLOAD_MAX


def _values(field: wire.Field) -> st.SearchStrategy:
    if field.type == "data":
        return st.binary(max_size=wire.CHUNK_BYTES)
    if field.type == "text":
        return st.text(st.characters(codec="ascii"), max_size=field.limit)
    return st.integers(0, 2 ** (8 * field.fixed_bytes) - 1)


@given(st.data())
def test_payload_round_trip(data: st.DataObject) -> None:
    """What is packed is unpacked, for every command, in both directions."""
    command = data.draw(st.sampled_from(COMMANDS))
    for fields in (command.request, command.reply):
        values = {field.name: data.draw(_values(field)) for field in fields}
        assert payload.unpack(fields, payload.pack(fields, values)) == values


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_payload_of_other_length(command: Command) -> None:
    """A payload cut anywhere, or with a byte too many, is an error, never a wrong value."""
    for fields in (command.request, command.reply):
        fixed = tuple(field for field in fields if field.type != "data")
        whole = payload.pack(fixed, {f.name: "" if f.type == "text" else 1 for f in fixed})
        for length in range(len(whole)):
            with pytest.raises(payload.WireError):
                payload.unpack(fixed, whole[:length])
        with pytest.raises(payload.WireError):
            payload.unpack(fixed, whole + b"\0")


@pytest.mark.parametrize(
    "values",
    [
        {"index": 256, "offset": 0, "data": b""},
        {"index": 0, "offset": -1, "data": b""},
        {"index": 0, "offset": 0, "data": bytes(wire.CHUNK_BYTES + 1)},
        {"index": 0, "offset": 0},
        {"index": 0, "offset": 0, "data": b"", "more": 1},
    ],
)
def test_values_that_do_not_fit(values: dict) -> None:
    """A value out of its field's range, missing or unknown is refused before it is sent."""
    with pytest.raises(payload.WireError):
        payload.pack(wire.BY_NAME["write"].request, values)
