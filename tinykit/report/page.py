"""The report as one self-contained HTML page."""

from __future__ import annotations

from typing import Any

import jinja2

import tinykit
from tinykit.report import enhancement, listening
from tinykit.report.charts import confusion, det, memory, ops, training
from tinykit.report.document import Document, shape
from tinykit.report.figures import written


def render(document: Document) -> str:
    """Return the page. It refers to nothing outside itself."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tinykit.report"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html.j2").render(**_values(document))


def _values(document: Document) -> dict[str, Any]:
    project = document.project
    return {
        "tinykit": tinykit.__version__,
        "project": project.config.project,
        "board": project.board,
        "verdicts": document.verdicts,
        "figures": document.figures,
        "proof": _proof(document),
        "accuracy": _accuracy(document),
        "training": _training(document),
        "listening": listening.values(document),
        "enhancement": enhancement.values(document.manifests, project.build),
        "memory": _memory(document),
        "ops": _ops(document),
        "charts": _charts(document),
        "provenance": document.provenance,
        "stages": [
            {"name": name, "seconds": f"{seconds:.1f}"} for name, seconds in document.stages.items()
        ],
    }


def _charts(document: Document) -> dict[str, str]:
    plan = document.manifests["plan"]
    evaluation = document.manifests["quantize"].get("evaluation")
    epochs = document.manifests["train"].get("epochs")
    charts = {"confusion": "", "training": "", "memory": "", "ops": "", "det": ""}
    heard = listening.heard(document)
    if heard.get("curve"):
        charts["det"] = det.draw(heard["curve"], heard["operating"])
    if evaluation:
        charts["confusion"] = confusion.draw(evaluation["labels"], evaluation["confusion"])
    if epochs:
        charts["training"] = training.draw(epochs, document.manifests["train"]["best_epoch"])
    if plan:
        charts["memory"] = memory.draw(plan["tensors"], plan["ops"], plan["lower_bound_bytes"])
        charts["ops"] = ops.draw(*_costs(document))
    return charts


def _costs(document: Document) -> tuple[list[str], list[float], str]:
    """Return name and cost of each op, and the unit: measured where it was, else MACs."""
    rows = document.op_rows
    names = [f"{row['index']} {row['kind']}" for row in rows]
    if rows and all(row["cost"] is not None for row in rows):
        unit = document.manifests["device"].get("unit", "instructions")
        return names, [row["cost"] for row in rows], unit
    return names, [row["macs"] for row in rows], "MACs"


def _proof(document: Document) -> dict[str, Any] | None:
    device = document.manifests["device"]
    if not device:
        return None
    front = device.get("front_end") or {}
    rows = [
        ("inputs compared", f"{device.get('inputs_tested', 0):,}, every output byte"),
        ("inputs that differ", f"{device.get('mismatches', 0):,}"),
        ("first difference", device.get("first_mismatch") or ""),
        ("audio clips through the device's front end", f"{front['clips']:,}" if front else ""),
        ("clips with a feature that differs", f"{front['mismatches']:,}" if front else ""),
        ("model on the device", device.get("model_sha256", "")),
    ]
    return {
        "text": "Test clips were sent to the device over serial, as features and as audio. What "
        "came back was compared byte for byte with the tflite-micro interpreter on the host.",
        "rows": [(name, value) for name, value in rows if value],
    }


def _accuracy(document: Document) -> dict[str, Any]:
    evaluation = document.manifests["quantize"].get("evaluation") or {}
    data = document.manifests["data"]
    spoken = data.get("splits", {}).get("testing", {})
    text = f"The int8 model on {evaluation.get('clips', 0):,} test clips"
    if spoken.get("speakers"):
        text += f" of {spoken['speakers']:,} speakers that it was not trained on"
    text += "."
    if spoken:
        trained = data["splits"].get("training", {}).get("synthetic_share", 0)
        tested = spoken.get("synthetic_share", 0)
        text += f" Synthetic: {trained:.0%} of the training clips, {tested:.0%} of the test clips."
        if tested > 0.5:
            text += (
                " On synthesized speech, accuracy says little: accuracy on people will be lower."
            )
    return {"text": text, "classes": document.classes}


def _training(document: Document) -> dict[str, str]:
    train = document.manifests["train"]
    if not train.get("epochs"):
        return {"text": ""}
    best = train["epochs"][train["best_epoch"]]
    reached = f"a loss of {best['validation_loss']:.3f} on the validation split."
    if "validation_accuracy" in best:
        reached = (
            f"{written(best['validation_accuracy'], 'share')} on the validation split. "
            "The loss in training includes label smoothing."
        )
    return {
        "text": f"{len(train['epochs'])} epochs; the best was {train['best_epoch'] + 1} with "
        f"{reached}"
    }


def _memory(document: Document) -> dict[str, Any] | None:
    plan = document.manifests["plan"]
    if not plan:
        return None
    bound, arena = plan["lower_bound_bytes"], plan["arena_bytes"] + plan["scratch_bytes"]
    proven = "proven optimal" if bound == arena or plan.get("optimal") else "not proven optimal"
    return {
        "text": "All memory is known before the firmware is built; nothing is allocated at run "
        "time. The serial test harness is not counted; the front end is in a table of its own.",
        "tables": document.memory,
        "caption": f"{arena:,} B; the lower bound for these ops and kernels is {bound:,} B: "
        f"{proven}.",
    }


def _ops(document: Document) -> dict[str, Any] | None:
    rows = document.op_rows
    if not rows:
        return None
    unit = _costs(document)[2]
    measured = unit != "MACs"
    names = ["op", "kind", "kernel", "in", "out", "in place"]
    numbers = ["MACs", *([unit, "per MAC"] if measured else [])]
    table = []
    for row in rows:
        words = [row["index"], row["kind"], row["kernel"], shape(row["inputs"][:1])]
        words += [shape(row["outputs"]), "yes" if row["in_place"] else ""]
        cells = [f"{row['macs']:,}"]
        if measured:
            per_mac = f"{row['cost'] / row['macs']:.2f}" if row["macs"] else ""
            cells += [f"{row['cost']:,.0f}", per_mac]
        table.append({"words": words, "numbers": cells})
    how = f"Measured {unit} of each op." if measured else "Multiply-accumulates of each op."
    return {"names": names, "numbers": numbers, "rows": table, "caption": how}
