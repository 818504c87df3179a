"""Render the wire table: templates/harness/tk_wire.h and docs/serial-protocol.md."""

from pathlib import Path

from tinykit import paths
from tinykit.device import wire_render

ROOT = Path(__file__).resolve().parent.parent

paths.write_text(ROOT / wire_render.HEADER_PATH, wire_render.c_header())
paths.write_text(ROOT / wire_render.DOCUMENT_PATH, wire_render.document())
