"""Measure models with `tinykit bench` and set the results beside the peers' figures.

Models: ../shared/models where that folder is there, every model in examples/, and those that
`scripts/lookalikes.py` made. Writes
benchmarks/results.json and benchmarks/results.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (
    ROOT.parent / "shared" / "models",
    ROOT / "examples",
    ROOT / ".cache" / "lookalikes",  # where scripts/lookalikes.py was run
)
BOARDS = [  # one for each core
    *("mps2-an386", "mps2-an500", "mps3-an547"),  # those with a peer's figures first
    *("mps2-an505", "mps2-an385", "microbit", "riscv-virt"),
]
RESULTS = ROOT / "benchmarks" / "results.json"
TABLE = ROOT / "benchmarks" / "results.md"

HEAD = """# Benchmarks

Made by `make bench`: each model is compiled, built, flashed and run in the emulator, and every
output byte is compared with the golden interpreter's. Instructions are counted by QEMU (`-icount`),
one inference, median over the inputs: they say nothing of wait states, caches or cycles. RAM is
arena + state + scratch + stack + static; flash is code + constants as linked. The serial test
harness is in none of them.

The peer's figures were measured in the same way with the same compiler and stand in
`benchmarks/peers.toml`; its RAM is arena + stack, its flash is the runtime's code + the model. A
ratio below 1 means that tinykit needs less. Public models that are not here (`resnet8`, `rnnoise`,
`micronet_kws_m`, ...) are look-alikes by `scripts/lookalikes.py`: layers of the same kinds and like
sizes, random weights. The peer's figures are of the real ones, whose weights may take other flash.
"""


def main() -> int:
    """Measure, write, print; fail when a result is not exact."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", action="append", help=f"default: {', '.join(BOARDS)}")
    parser.add_argument("models", nargs="*", type=Path, help="default: all that are found")
    chosen = parser.parse_args()
    models = chosen.models or [path for folder in FOLDERS for path in found(folder)]
    if not models:
        print("no models: neither ../shared/models nor examples/ has a .tflite", file=sys.stderr)
        return 1
    boards = chosen.board or BOARDS
    peers = tomllib.loads((ROOT / "benchmarks" / "peers.toml").read_text())
    rows = [measure(model, board) for board in boards for model in models]
    if not chosen.models and not chosen.board:
        RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
        TABLE.write_text(HEAD + "".join(f"\n{part}\n" for part in tables(rows, peers)))
    print("\n\n".join(tables(rows, peers)))
    return 0 if all(row.get("exact", True) for row in rows) else 1


def found(folder: Path) -> list[Path]:
    """Return the models in a folder, sorted."""
    return sorted(folder.rglob("*.tflite")) if folder.is_dir() else []


def measure(model: Path, board: str) -> dict[str, Any]:
    """Run `tinykit bench` once; a model that cannot be measured gives its error."""
    command = [sys.executable, "-m", "tinykit", "bench", str(model), "--board", board, "--json"]
    print(f"{model.stem} on {board}", file=sys.stderr)
    done = subprocess.run(command, capture_output=True, text=True)
    if not done.stdout:
        sys.exit(f"tinykit bench said nothing:\n{done.stderr}")
    return {"model": model.name, "board": board} | json.loads(done.stdout)


def tables(rows: list[dict[str, Any]], peers: dict[str, Any]) -> list[str]:
    """Return a Markdown table for each board, and one line for each model without figures."""
    parts = []
    for board in dict.fromkeys(row["board"] for row in rows):
        mine = [row for row in rows if row["board"] == board]
        lines = [
            f"## {board}",
            "",
            "| model | exact | MACs | instructions | per MAC | RAM B | flash B "
            "| peer: instructions | RAM B | flash B | ratio: instructions | RAM | flash |",
            "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
            *(line(row, peer(row, peers)) for row in mine if "error" not in row),
        ]
        failed = [f"- {row['model']}: {row['error']}" for row in mine if "error" in row]
        parts.append("\n".join([*lines, *(["", *failed] if failed else [])]))
    return parts


def peer(row: dict[str, Any], peers: dict[str, Any]) -> dict[str, Any]:
    """Return the peer's figures for the same model on the same board; empty when there are none."""
    name = Path(row["model"]).stem
    same = (one for one in peers["rows"] if (one["model"], one["board"]) == (name, row["board"]))
    return next(same, {})


def line(row: dict[str, Any], other: dict[str, Any]) -> str:
    """Return one row of the table."""
    parts = ("arena_bytes", "state_bytes", "scratch_bytes", "stack_bytes", "static_bytes")
    ours = (
        row["instructions"],
        sum(row[part] for part in parts),
        row["code_bytes"] + row["const_bytes"],
    )
    theirs = (
        other.get("instructions"),
        other["arena_bytes"] + other["stack_bytes"] if "stack_bytes" in other else None,
        other["code_bytes"] + other["model_bytes"] if "code_bytes" in other else None,
    )
    ratios = [f"{a / b:.2f}" if b else "" for a, b in zip(ours, theirs, strict=True)]
    per_mac = f"{row['instructions'] / row['macs']:.2f}" if row["macs"] else ""
    cells = [
        row["model"].removesuffix(".tflite"),
        "yes" if row["exact"] else "NO",
        f"{row['macs']:,}",
        f"{ours[0]:,}",
        per_mac,
        *(f"{value:,}" for value in ours[1:]),
        *(f"{value:,}" if value else "" for value in theirs),
        *ratios,
    ]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
