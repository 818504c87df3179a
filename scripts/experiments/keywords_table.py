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
- int8: the golden interpreter's bytes, which the compiled C reproduces.
- Device: {board} (Cortex-M4F), emulated. Every validation clip of seed 0 over serial, as
  `tinykit test` does it, every byte the golden interpreter's; instructions are counted by QEMU.
- Percent, mean over the seeds; after the +-, the largest distance of a seed from it. In brackets:
  the 95 % interval of seed 0 when speakers, not clips, are drawn anew.
"""


def page(
    lines: Sequence[Line],
    devices: dict[str, Line],
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
            [
                head,
                *_accuracy(order, devices),
                "",
                *_cost(order, devices),
                "",
                *_streams(order, devices),
                "",
                *_classes(order, labels),
            ]
        )
        + "\n"
    )


def _accuracy(order: Sequence[list[Line]], devices: dict[str, Line]) -> list[str]:
    return [
        "## Accuracy",
        "",
        "| network | seeds | validation float | int8 | int8 of seed 0, host | device "
        "| testing float | int8 | rooms int8 | speakers without an error (validation) |",
        "|---|---:|---:|---|---:|---:|---:|---|---:|---:|",
        *(
            "| "
            + " | ".join(
                [
                    _name(group),
                    str(len(group)),
                    _percent(_mean(group, "validation", "float")),
                    _spread(group, "validation"),
                    *_same(devices.get(_name(group), {})),
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


def _same(device: Line) -> list[str]:
    """Return accuracy of one model on the host and on the device, over the same clips."""
    if not device:
        return ["", "not run"]
    exact = "" if device["exact"] else " (bytes differ)"
    return [_percent(device["int8"]), _percent(device["device"]) + exact]


_SIZES = ("flash_bytes", "ram_bytes")


def _cost(order: Sequence[list[Line]], devices: dict[str, Line]) -> list[str]:
    rows = []
    for group in order:
        line, device = group[0], devices.get(_name(group), {})
        measured = f"{device['instructions']:,}" if device else "not run"
        known = {**line, **{key: device[key] for key in _SIZES if key in device}}
        numbers = (known[key] for key in ("parameters", "macs", *_SIZES))
        cells = [_name(group), *(f"{number:,}" for number in numbers), measured]
        cells.append(device.get("commit", ""))
        rows.append("| " + " | ".join(cells) + " |")
    return [
        "## Cost",
        "",
        "Of one decision over a whole clip; instructions are the median over all validation clips,",
        "flash and RAM (stack included) those of the firmware that ran them, or, where its line in",
        "the ledger has none, of the day the network was trained. *Compiled by*: the commit; with",
        "another they differ. Delete `keywords-device.json` to have all measured anew.",
        "",
        "| network | parameters | MACs | flash B | RAM B | instructions | compiled by |",
        "|---|---:|---:|---:|---:|---:|---|",
        *rows,
    ]


def _streams(order: Sequence[list[Line]], devices: dict[str, Line]) -> list[str]:
    """Return the streamed models, and why the others are none."""
    rows, refused = [], []
    for group in order:
        name, device = _name(group), devices.get(_name(group))
        if device is None:
            continue
        stream = device["stream"]
        if "refused" in stream:
            refused.append(f"- {name}: {stream['refused']}")
            continue
        same = "every byte" if stream["exact"] else "bytes differ"
        costs = (stream["hops"], stream["macs"], stream["ram_bytes"], stream["instructions"])
        cells = [name, _percent(device["int8"]), _percent(stream["int8"]), same]
        cells += [f"{cost:,}" for cost in costs]
        cells.append(f"{device['instructions'] / stream['instructions']:.0f}x")
        rows.append("| " + " | ".join(cells) + " |")
    return [
        "## Streamed",
        "",
        "The same int8 models compiled with `--stream`: the rows of all validation clips one after",
        "the other, never reset, on the host; those of the first 100 clips on the device. The",
        "answer to a clip is the output after its last row; *the same*: as the whole model's, on",
        "host and device. Costs are of one hop; RAM without stack. The last column: a whole window",
        "by a hop, in instructions.",
        "",
        "| network | int8 whole | streamed | the same | hops on the device | MACs | RAM B "
        "| instructions | saved |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
        "",
        "Refused by the compiler, with its words; these run their whole window at every decision:",
        "",
        *refused,
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
