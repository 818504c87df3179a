"""Instructions of an enhancer's hop, step by step, in firmware on emulated boards.

Run as a program to print the table of `docs/spectrum.md`: `python tests/enhancer_cost.py BOARD ...`
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import enhancer_model

from tinykit import project as projects
from tinykit.audio.stft_spec import StftSpec
from tinykit.cli.drawing import drawing
from tinykit.pipeline import Engine, building, files
from tinykit.pipeline.stages import STAGES

LONG, SHORT = StftSpec(), StftSpec(window_samples=256, hop_samples=128, bands=32)
MODELS = {
    "GRU 92, 16x8, 512/256, 64 bands": (LONG, enhancer_model.gru(LONG, 92)),
    "GRU 104, 16x8, 256/128, 32 bands": (SHORT, enhancer_model.gru(SHORT, 104)),
    "LSTM 80, int8, 512/256, 64 bands": (LONG, enhancer_model.lstm(LONG, 80)),
}
"""About 50,000 weights each, random ones: what a hop costs does not depend on them."""


def measure(board: str, spec: StftSpec, data: bytes) -> list[str]:
    """Flash firmware with the model, send audio, and return the cells of a row."""
    with tempfile.TemporaryDirectory() as name:
        found = projects.load(enhancer_model.project(Path(name) / "cost", data, board))
        with drawing() as observer, building.ended_afterwards(found):
            Engine(STAGES, found, observer).update("test")
        device, plan = (files.read_json(found.path(one)) for one in (files.DEVICE, files.PLAN))
    steps = device["enhancer"]["instructions_per_hop"]
    whole = sum(steps.values())
    per_second = whole * spec.sample_rate_hz / spec.hop_samples
    numbers = [plan["macs"], *steps.values(), whole, per_second]
    return [board, *(f"{round(number):,}" for number in numbers)]


def main() -> None:
    """Print a row for each model on each board."""
    print("| model | board | MACs | analysis | model | synthesis | a hop | per second |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for name, (spec, data) in MODELS.items():
        for board in sys.argv[1:] or ["mps2-an500"]:
            print("| " + " | ".join([name, *measure(board, spec, data)]) + " |", flush=True)


if __name__ == "__main__":
    main()
