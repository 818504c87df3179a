"""The ledger of `keywords.py` as a page of Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

Line = dict[str, Any]
SPLITS = ("validation", "testing", "rooms")

HEAD = """# Keyword architectures side by side

Made by `python scripts/experiments/keywords.py` from the ledger beside this page
(`keywords.jsonl`): one line a run, so an interrupted experiment goes on where it stopped. **A row
with fewer than three seeds is not finished**; networks without a row were not run.

- Data: `../shared/data/keywords`, 8 words + unknown + silence. `validation`: {validation} clips of
  the official validation speakers. `testing`: {testing} clips of 10 % of the training speakers,
  held out. `rooms`: both again, in simulated rooms and in noise of 3 to 15 dB that training never
  heard.
- Recipe: {copies} augmented versions of each training clip and the clean one
  (`strong_augmentation.py`); {epochs} epochs of {clips:,} clips, AdamW at {rate:g} with a cosine to
  zero, label smoothing {smoothing:g}, time masks of up to {mask} frames. Weights of the last step:
  nothing is chosen by any of the three sets.
- int8: the golden interpreter's bytes, which the compiled C reproduces; flash and RAM (stack
  included) linked for {board} (Cortex-M4F).
- Percent, mean over the seeds; after the +-, the largest distance of a seed from it. In brackets:
  the 95 % interval of seed 0 when speakers, not clips, are drawn anew.
"""


def page(
    lines: Sequence[Line],
    benches: dict[str, Line],
    labels: Sequence[str],
    train: Any,
    copies: int,
    board: str,
) -> str:
    """Return the page."""
    runs: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines:
        runs[line["architecture"], line["size"]].append(line)
    order = sorted(runs.values(), key=lambda group: -_mean(group, "validation", "int8"))
    counts = {split: lines[0][split]["clips"] for split in SPLITS} if lines else {}
    head = HEAD.format(
        **counts,
        copies=copies,
        epochs=train.epochs,
        clips=train.clips_per_epoch,
        rate=train.learning_rate,
        smoothing=train.label_smoothing,
        mask=train.time_mask,
        board=board,
    )
    return (
        "\n".join(
            [head, *_accuracy(order), "", *_cost(order, benches), "", *_classes(order, labels)]
        )
        + "\n"
    )


def _accuracy(order: Sequence[list[Line]]) -> list[str]:
    return [
        "## Accuracy",
        "",
        "| network | seeds | validation float | int8 | testing float | int8 | rooms int8 "
        "| speakers without an error (validation) |",
        "|---|---:|---:|---|---:|---|---:|---:|",
        *(
            "| "
            + " | ".join(
                [
                    _name(group),
                    str(len(group)),
                    _percent(_mean(group, "validation", "float")),
                    _spread(group, "validation"),
                    _percent(_mean(group, "testing", "float")),
                    _spread(group, "testing"),
                    _percent(_mean(group, "rooms", "int8")),
                    _percent(_mean(group, "validation", "speakers_without_error")),
                ]
            )
            + " |"
            for group in order
        ),
    ]


def _cost(order: Sequence[list[Line]], benches: dict[str, Line]) -> list[str]:
    rows = []
    for group in order:
        line, bench = group[0], benches.get(_name(group), {})
        measured = f"{bench['instructions']:,}" if bench.get("exact") else "not run"
        numbers = (line[key] for key in ("parameters", "macs", "flash_bytes", "ram_bytes"))
        cells = [_name(group), *(f"{number:,}" for number in numbers), measured]
        rows.append("| " + " | ".join(cells) + " |")
    return [
        "## Cost",
        "",
        "Instructions of one decision: `tinykit bench`, counted by QEMU, every output byte exact.",
        "",
        "| network | parameters | MACs | flash B | RAM B | instructions |",
        "|---|---:|---:|---:|---:|---:|",
        *rows,
    ]


def _classes(order: Sequence[list[Line]], labels: Sequence[str]) -> list[str]:
    return [
        "## Recall by class (validation, int8)",
        "",
        "| network | " + " | ".join(labels) + " |",
        "|---|" + "---:|" * len(labels),
        *(
            f"| {_name(group)} | "
            + " | ".join(
                _percent(float(value))
                for value in np.mean([line["validation"]["recall"] for line in group], axis=0)
            )
            + " |"
            for group in order
        ),
    ]


def _name(group: Sequence[Line]) -> str:
    return f"{group[0]['architecture']} {group[0]['size']}"


def _mean(group: Sequence[Line], split: str, what: str) -> float:
    return float(np.mean([line[split][what] for line in group]))


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _spread(group: Sequence[Line], split: str) -> str:
    values = [line[split]["int8"] for line in group]
    mean = float(np.mean(values))
    apart = f" +- {100 * max(abs(value - mean) for value in values):.1f}" if len(values) > 1 else ""
    low, high = group[0][split]["interval"]
    return f"**{_percent(mean)}**{apart} [{_percent(low)}, {_percent(high)}]"
