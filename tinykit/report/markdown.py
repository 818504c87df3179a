"""The report as Markdown: for a README or a review."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import tinykit
from tinykit.report import enhancement
from tinykit.report.document import Document, shape
from tinykit.report.manifests import Manifest


def render(document: Document) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    project = document.project
    lines = [
        f"# {project.config.project.name} on {project.board.name}",
        "",
        f"{project.config.project.task}, tinykit {tinykit.__version__}",
        "",
        *(f"- {verdict.text}" for verdict in document.verdicts),
        "",
        "| | | |",
        "|---|---:|---|",
        *_rows((f.label, f.text, f.note) for f in document.figures if f.value is not None),
    ]
    lines += _enhancement(document.manifests)
    for table in document.memory:
        if table.rows:
            lines += ["", f"| {table.name} | bytes | how it is known |", "|---|---:|---|"]
            lines += _rows((row["name"], row["bytes"], row["method"]) for row in table.rows)
            if table.sum:
                lines += _rows([("sum", table.sum, "")])
    if document.op_rows:
        lines += ["", "| op | kind | kernel | out | MACs |", "|---:|---|---|---|---:|"]
        lines += _rows(
            (op["index"], op["kind"], op["kernel"], shape(op["outputs"]), f"{op['macs']:,}")
            for op in document.op_rows
        )
    lines += ["", "## How these numbers were made", ""]
    lines += [f"- {f.label}: {f.method}." for f in document.figures if f.value is not None]
    lines += [f"- {name}: `{value}`" for name, value in document.provenance]
    return "\n".join(lines) + "\n"


def _enhancement(manifests: dict[str, Manifest]) -> list[str]:
    """Return the tables of an enhancer; nothing for other models."""
    device = manifests["device"]
    if not device.get("enhancer"):
        return []
    lines = []
    if measured := enhancement.quality(device):
        lines += ["", "| mean over the recordings | " + " | ".join(measured["names"]) + " |"]
        lines += ["|---|" + "---:|" * len(measured["names"])]
        lines += _rows((name, *values) for name, values in measured["rows"])
    if mixed := enhancement.ratios(manifests["quantize"]):
        lines += ["", "| " + " | ".join(mixed["names"]) + " |"]
        lines += ["|---:|---|" + "---:|" * (len(mixed["names"]) - 2), *_rows(mixed["rows"])]
    costs = enhancement.steps(device)
    lines += ["", f"| a hop | {costs['unit']} |", "|---|---:|", *_rows(costs["rows"])]
    return [*lines, "", *(f"- {name}: {value}" for name, value in enhancement.facts(device))]


def _rows(rows: Iterable[Sequence[object]]) -> list[str]:
    return ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
