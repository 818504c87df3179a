"""What the stages of a small run would leave in `build/`."""

from __future__ import annotations

import json
from typing import Any

from tinykit.project import Project

LABELS = ["_silence_", "_unknown_", "yes", "no"]
CONFUSION = [[10, 0, 0, 0], [1, 7, 1, 1], [0, 2, 18, 0], [0, 1, 0, 19]]


def manifests() -> dict[str, dict[str, Any]]:
    """Return what the stages of a small run would write."""
    hits = [row[i] / sum(row) for i, row in enumerate(CONFUSION)]
    evaluation = {
        "accuracy": 54 / 60,
        "clips": 60,
        "labels": LABELS,
        "confusion": CONFUSION,
        "recall": hits,
    }
    epochs = [
        {
            "loss": 1.4 - 0.09 * i,
            "accuracy": 0.4 + 0.05 * i,
            "validation_loss": 1.2 - 0.06 * i,
            "validation_accuracy": 0.5 + 0.04 * i - 0.006 * max(0, i - 8) ** 2,
            "learning_rate": 1e-3,
        }
        for i in range(12)
    ]
    span = [
        {"name": "input", "op_first": -1, "op_last": 0, "offset": 0, "bytes": 490},
        {"name": "conv", "op_first": 0, "op_last": 1, "offset": 512, "bytes": 8000},
        {"name": "depthwise", "op_first": 1, "op_last": 2, "offset": 512, "bytes": 8000},
        {"name": "logits", "op_first": 2, "op_last": 3, "offset": 0, "bytes": 4},
    ]
    kinds = ["conv2d", "depthwise_conv2d", "fully_connected"]
    ops = [
        {
            "index": index,
            "kind": kind,
            "kernel": f"tk_{kind}_s8",
            "macs": macs,
            "inputs": [[1, 25, 5, 64]],
            "outputs": [[1, 25, 5, 64]],
            "scratch_bytes": 640 if index == 1 else 0,
            "scratch_offset": 8512 if index == 1 else None,
            "in_place": index == 1,
        }
        for index, (kind, macs) in enumerate(zip(kinds, [320_000, 72_000, 256], strict=True))
    ]
    return {
        "data": {
            "source": "synthetic",
            "sha256": "d" * 64,
            "labels": LABELS,
            "splits": {"testing": {"clips": 60, "speakers": 9, "synthetic_share": 1.0}},
        },
        "train": {"epochs": epochs, "best_epoch": 8, "evaluation": evaluation},
        "compress": {"evaluation": evaluation | {"accuracy": 0.915}},
        "quantize": {"evaluation": evaluation},
        "plan": {
            "sha256": "a" * 64,
            "core": "cortex-m4f",
            "compiler": "arm-none-eabi-gcc 12.2",
            "macs": 392_256,
            "arena_bytes": 8512,
            "scratch_bytes": 640,
            "state_bytes": 0,
            "static_bytes": 16,
            "code_bytes": 9_000,
            "const_bytes": 12_000,
            "lower_bound_bytes": 9152,
            "optimal": True,
            "tensors": span,
            "ops": ops,
            "front_end": {"code_bytes": 2428, "const_bytes": 2158, "static_bytes": 3012},
        },
        "build": {"flags": ["-O3"]},
        "device": {
            "board": "mps2-an386",
            "port": "socket://127.0.0.1:4321",
            "exact": True,
            "inputs_tested": 65,
            "vectors": 60,
            "mismatches": 0,
            "first_mismatch": None,
            "unit": "instructions",
            "instructions": 1_234_567,
            "stack_bytes": 400,
            "model_sha256": "a" * 64,
            "firmware": {"app": "lights", "build": "0123456789abcdef"},
            "accuracy": 0.9,
            "host_accuracy": 0.9,
            "front_end": {
                "clips": 5,
                "mismatches": 0,
                "instructions_per_hop": 90_000,
                "stack_bytes": 244,
            },
        },
    }


def write(found: Project, contents: dict[str, dict[str, Any]]) -> None:
    """Write manifests into the build folder."""
    found.build.mkdir(exist_ok=True)
    for name, content in contents.items():
        (found.build / f"{name}.json").write_text(json.dumps(content))
