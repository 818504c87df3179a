"""profile: what each op of a model costs on a board, so that the next gain can be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tinykit.config import Compile
from tinykit.errors import DeviceError
from tinykit.pipeline.bench import measure, modelled_cycles
from tinykit.pipeline.engine import Observer


def profile(
    model: Path,
    board_id: str,
    port: str,
    settings: Compile,
    observer: Observer,
) -> dict[str, Any]:
    """Compile, build, flash and trace `model` with one random input.

    Returns
    -------
    dict
        `ops`, in the order in which they run: `index` (in the .tflite), `kind`, `kernel`, `macs`,
        `cost` in `unit`, `share` of the sum of all costs (0..1), `per_mac` (null where an op has
        no MACs), `modelled_cycles` (null where no timing is published for the core). `total` and
        `modelled_cycles` are of a whole inference as the release firmware has it: calls between ops
        are in it, and code that is optimized otherwise without the trace. `hop_rows` is null, or
        how many rows an inference takes of a streamed model; with `phases`, the inference is the
        costliest, at which every op works, and `mean` is that of a whole period (else null).

    Raises
    ------
    DeviceError
        When the device gave no cost of ops: a trace build does not fit, or it diverges.
    TinykitError
        What the stages raise, a mismatch excepted.
    """
    plan, device = measure(model, board_id, port, 1, settings, observer)
    costs, unit, phases = device["op_costs"], device["unit"], plan.get("phases")
    cycles, how = modelled_cycles(model, board_id, settings)
    if not costs:
        raise DeviceError(
            f"{device['board']}: the device told no costs of single ops",
            "`tinykit bench` says whether its results are exact; only those are traced",
        )
    spent = sum(costs.values())
    ops = []
    for op in plan["ops"]:
        cost = costs.get(str(op["index"]))
        if cost is None:  # a view of its input: there is no code
            continue
        ops.append(
            {
                **{key: op[key] for key in ("index", "kind", "kernel", "macs")},
                "cost": cost,
                "share": cost / spent if spent else 0.0,
                "per_mac": cost / op["macs"] if op["macs"] else None,
                "modelled_cycles": cycles.cycles.get(op["index"]) if cycles else None,
            }
        )
    return {
        "model": model.name,
        "sha256": plan["sha256"],
        "board": device["board"],
        "core": plan["core"],
        "optimize": plan["optimize"],
        "exact": device["exact"],
        "unit": unit,
        "total": device[f"{unit}_max" if phases else unit],
        "mean": device[f"{unit}_mean"] if phases else None,
        "phases": phases,
        "modelled_cycles": cycles.total if cycles else None,
        "modelled_by": how,
        "macs": plan["macs"],
        "hop_rows": plan.get("hop_rows"),
        "ops": ops,
    }
