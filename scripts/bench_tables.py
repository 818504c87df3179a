"""Render benchmarks/results.md from benchmarks/results.json and benchmarks/peers.toml.

No model is measured: for when only the peers' figures or the tables have changed. The figures are
those that `make bench` left.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tinykit import board as boards

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
RESULTS, PEERS, PAGE = (FOLDER / name for name in ("results.json", "peers.toml", "results.md"))

Row = dict[str, Any]

HALF = 0.5
"""Of what the peer needs: the goal. What misses it is listed with what it cannot do without."""

HEAD = """# Benchmarks

Made by `make bench`: each model is compiled, built, flashed and run in the emulator, and every
output byte is compared with the golden interpreter's. Instructions are counted by QEMU (`-icount`),
one inference, median over the inputs: they say nothing of wait states, caches or cycles. RAM is
arena + state + scratch + stack + static; flash is code + weights as linked. The serial test
harness is in none of them. `python scripts/bench_tables.py` renders this page again.

The peer is TFLM + CMSIS-NN. Its figures were measured in the same way with the same compiler and
stand in `benchmarks/peers.toml`; its RAM is arena + stack, its flash is the runtime's code + the
model. On the Cortex-M55 its stack was not measured: there its RAM is the arena alone (`+`), while
ours has the stack, so the ratio is an upper bound (`<=`). On the Cortex-M7 only instructions were
counted. A ratio below 1 means that tinykit needs less.

Public models that are not here (`resnet8`, `rnnoise`, `micronet_kws_m`, ...) are look-alikes by
`scripts/lookalikes.py`: layers of the same kinds and like sizes, random weights. The peer's figures
are of the real ones, whose weights may take other flash.
"""


def main() -> None:
    """Write the page."""
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))
    PAGE.write_text(page(rows, tomllib.loads(PEERS.read_text(encoding="utf-8"))), encoding="utf-8")
    print(PAGE)


def page(rows: list[Row], peers: dict[str, Any]) -> str:
    """Return results.md."""
    return HEAD + "".join(f"\n{part}\n" for part in sections(rows, peers))


def sections(rows: list[Row], peers: dict[str, Any]) -> Iterator[str]:
    """Yield the boards side by side, then the tables of each board."""
    measured = [row for row in rows if "error" not in row]
    yield "## All boards, side by side"
    for title, figure in (("Instructions", instructions), ("RAM B", ram), ("Flash B", flash)):
        yield f"{title}\n\n{side_by_side(measured, figure)}"
    for board in dict.fromkeys(row["board"] for row in rows):
        mine = [row for row in measured if row["board"] == board]
        yield f"## {core(board)}, `{board}`"
        yield parts(mine)
        compared = [(row, other) for row in mine if (other := peer(row, peers))]
        if compared:
            yield beside(compared)
        missing = list(misses(compared))
        missing += [
            f"- {row['model']}: {row['error']}"
            for row in rows
            if row["board"] == board and "error" in row
        ]
        if missing:
            yield "\n".join(missing)


def side_by_side(rows: list[Row], figure: Callable[[Row], int]) -> str:
    """Return one figure of every model, a column for each board."""
    columns = list(dict.fromkeys(row["board"] for row in rows))
    found = {(row["model"], row["board"]): f"{figure(row):,}" for row in rows}
    lines = (
        [title, *(found.get((model, board), "") for board in columns)]
        for model, title in {row["model"]: label(row) for row in rows}.items()
    )
    return table(["model", *map(core, columns)], lines)


def parts(rows: list[Row]) -> str:
    """Return what one board's RAM and flash are made of."""
    heads = ["model", "exact", "MACs", "instructions", "per MAC", "arena B", "state B", "stack B"]
    return table([*heads, "code B", "weights B"], map(_parts, rows))


def _parts(row: Row) -> list[str]:
    sizes = (
        row["arena_bytes"] + row["scratch_bytes"],
        row["state_bytes"] + row["static_bytes"],
        row["stack_bytes"],
        row["code_bytes"],
        row["const_bytes"],
    )
    return [
        label(row),
        "yes" if row["exact"] else "NO",
        f"{row['macs']:,}",
        f"{row['instructions']:,}",
        f"{row['instructions'] / row['macs']:.2f}" if row["macs"] else "",
        *(f"{size:,}" for size in sizes),
    ]


def beside(compared: list[tuple[Row, Row]]) -> str:
    """Return our figures, the peer's and the ratio."""
    heads = ["model"]
    for what in ("instructions", "RAM B", "flash B"):
        heads += [what, "peer", "ratio"]
    return table(heads, (_beside(row, other) for row, other in compared))


def _beside(row: Row, other: Row) -> list[str]:
    lacks_stack = "arena_bytes" in other and "stack_bytes" not in other
    cells = [label(row)]
    for ours, theirs in figures(row, other):
        bound = lacks_stack and theirs == other["arena_bytes"]
        cells += [
            f"{ours:,}",
            f"{theirs:,}{'+' if bound else ''}" if theirs else "",
            f"{'<= ' if bound else ''}{ours / theirs:.2f}" if theirs else "",
        ]
    return cells


def misses(compared: list[tuple[Row, Row]]) -> Iterator[str]:
    """Yield a line for each model that needs more than half of the peer's flash, with its floor."""
    for row, other in compared:
        _, _, (ours, theirs) = figures(row, other)
        if theirs and ours > HALF * theirs:
            floor = row["const_bytes"]
            yield (
                f"- {label(row)}: {ours / theirs:.2f} of the peer's flash. The floor is "
                f"its weights, {floor:,} B: {floor / theirs:.2f} of it."
            )


def figures(row: Row, other: Row) -> list[tuple[int, int | None]]:
    """Return instructions, RAM and flash, ours and the peer's where they are known."""
    theirs = (
        other.get("instructions"),
        other["arena_bytes"] + other.get("stack_bytes", 0) if "arena_bytes" in other else None,
        other["code_bytes"] + other["model_bytes"] if "code_bytes" in other else None,
    )
    return list(zip((instructions(row), ram(row), flash(row)), theirs, strict=True))


def instructions(row: Row) -> int:
    return int(row["instructions"])


def ram(row: Row) -> int:
    kinds = ("arena_bytes", "state_bytes", "scratch_bytes", "stack_bytes", "static_bytes")
    return sum(row[kind] for kind in kinds)


def flash(row: Row) -> int:
    return int(row["code_bytes"] + row["const_bytes"])


def peer(row: Row, peers: dict[str, Any]) -> Row:
    """Return the peer's figures for the same model on the same board; empty when there are none."""
    wanted = (name(row["model"]), row["board"])
    same = (one for one in peers["rows"] if (one["model"], one["board"]) == wanted)
    return next(same, {})


def core(board: str) -> str:
    """Return what the board's core is called: "Cortex-M4F", "RV32IMC"."""
    known = boards.find(board).core
    return known.title() if known.startswith("cortex") else known.upper()


def label(row: Row) -> str:
    return name(row["model"]) + (" (look-alike)" if row.get("look_alike") else "")


def name(model: str) -> str:
    return model.removesuffix(".tflite")


def table(heads: list[str], rows: Iterable[list[str]]) -> str:
    """Return a Markdown table, all but words to the right."""
    rule = "|".join("---" if head in ("model", "exact") else "---:" for head in heads)
    first, *rest = (f"| {' | '.join(line)} |" for line in (heads, *rows))
    return "\n".join([first, f"|{rule}|", *rest])


if __name__ == "__main__":
    main()
