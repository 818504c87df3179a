"""Measure models with `tinykit bench` and set the results beside the peers' figures.

Models: ../shared/models where that folder is there, every model in examples/, and those that
`scripts/lookalikes.py` made. What was measured takes the place of the rows of the same models and
boards in benchmarks/results.json; `scripts/bench_tables.py` makes results.md of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import bench_tables

ROOT = Path(__file__).resolve().parent.parent
LOOK_ALIKES = ROOT / ".cache" / "lookalikes"  # where scripts/lookalikes.py was run
FOLDERS = (ROOT.parent / "shared" / "models", ROOT / "examples", LOOK_ALIKES)
BOARDS = [  # one for each core
    *("mps2-an386", "mps2-an500", "mps3-an547"),  # those with a peer's figures first
    *("mps2-an505", "mps2-an385", "microbit", "riscv-virt"),
]


def main() -> int:
    """Measure, keep, print; fail when a result is not exact."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--board", action="append", help=f"default: {', '.join(BOARDS)}")
    parser.add_argument("models", nargs="*", type=Path, help="default: all that are found")
    chosen = parser.parse_args()
    models = chosen.models or [path for folder in FOLDERS for path in found(folder)]
    if not models:
        print("no models: neither ../shared/models nor examples/ has a .tflite", file=sys.stderr)
        return 1
    boards = chosen.board or BOARDS
    rows = [measure(model, board) for board in boards for model in models]
    keep(rows)
    bench_tables.main()
    peers = tomllib.loads(bench_tables.PEERS.read_text(encoding="utf-8"))
    print("\n\n".join(bench_tables.sections(rows, peers)))
    return 0 if all(row.get("exact", True) for row in rows) else 1


def found(folder: Path) -> list[Path]:
    """Return the models in a folder, sorted."""
    return sorted(folder.rglob("*.tflite")) if folder.is_dir() else []


def keep(rows: list[dict[str, Any]]) -> None:
    """Put rows into results.json, sorted as they are measured: by board, then by model."""
    known = json.loads(bench_tables.RESULTS.read_text(encoding="utf-8"))
    merged = {(row["board"], row["model"]): row for row in (*known, *rows)}
    order = [*BOARDS, *sorted({board for board, _ in merged} - set(BOARDS))]
    found = [merged[key] for key in sorted(merged, key=lambda key: (order.index(key[0]), key[1]))]
    bench_tables.RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def measure(model: Path, board: str) -> dict[str, Any]:
    """Run `tinykit bench` once; a model that cannot be measured gives its error."""
    command = [sys.executable, "-m", "tinykit", "bench", str(model), "--board", board, "--json"]
    print(f"{model.stem} on {board}", file=sys.stderr)
    done = subprocess.run(command, capture_output=True, text=True)
    if not done.stdout:
        sys.exit(f"tinykit bench said nothing:\n{done.stderr}")
    own = {"model": model.name, "board": board}
    own |= {"look_alike": True} if model.resolve().parent == LOOK_ALIKES else {}
    return own | json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
