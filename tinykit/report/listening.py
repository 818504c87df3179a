"""What a report says of listening: one recording, judged."""

from __future__ import annotations

from typing import Any

from tinykit.report.document import Document
from tinykit.report.figures import written


def heard(document: Document) -> dict[str, Any]:
    """Return the evaluation over a recording; nothing when all were of another model."""
    model = document.manifests["plan"].get("sha256")
    for name in ("listening", "held_out"):  # the owner's own recording first
        found = document.manifests[name]
        if found and found.get("model_sha256") == model:
            return found
    return {}


def values(document: Document) -> dict[str, Any] | None:
    """Return what the page shows; None when no recording was judged."""
    found = heard(document)
    if not found:
        return None
    text = "A long recording, heard by the twin of the device."
    if found.get("composed_of"):
        text += " " + _composed(found)
    if found.get("device"):
        text += f" {found['device']['board']} reported the same detections, row for row."
    return {"text": text, "rows": _rows(found), "forms": _forms(found), "groups": _groups(found)}


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [
        ("recording", f"{found['duration_s'] / 60:.1f} min, {found['keywords']:,} keywords"),
        ("sha256", found["sha256"]),
        ("false accepts", f"{found['false_accepts']:,}"),
        ("false accepts per hour", f"{found['false_accepts_per_hour']:.2f}"),
    ]
    if found.get("false_reject_rate") is not None:
        rows.append(("missed", written(found["false_reject_rate"], "share")))
    rows += [
        (
            f"missed at {point['limit_per_hour']:g} false accepts per hour",
            _point(point)
            + ("" if point["threshold"] is None else f", 95 % of replicates {_interval(point)}"),
        )
        for point in found["operating"]
    ]
    late = found.get("latency")
    if late:
        delay = (
            f"median {late['median_s']:.2f} s, 90 % {late['p90_s']:.2f} s, "
            f"worst {late['worst_s']:.2f} s"
        )
        rows.append(("delay after the end of the word", delay))
    return rows


def _composed(found: dict[str, Any]) -> str:
    """Say what the recording was made of, and how little it may be."""
    of, hours = found["composed_of"]["testing"], found["duration_s"] / 3600
    return (
        f"It was made of the test split: {of['wanted']:,} recordings of the word, "
        f"{of['others']:,} of other speech ({of['others_s'] / 60:.0f} min) and noise, "
        f"{of['synthetic_share']:.0%} of the speech synthetic; nothing is in it twice, and the "
        f"decision was fitted on another. In {hours:.2f} h a limit of less than {1 / hours:.2f} "
        "false accepts per hour means none at all."
    )


def _forms(found: dict[str, Any]) -> dict[str, Any] | None:
    """Return the model's forms side by side: names of the columns, and a row for each."""
    forms = found.get("forms")
    if not forms:
        return None
    limits = [f"missed at {point['limit_per_hour']:g}/h" for point in found["operating"]]
    rows = []
    for form in forms:
        if "why_not" in form:
            rows.append({"form": form["form"], "cells": [], "why_not": form["why_not"]})
            continue
        missed = form["false_reject_rate"]
        cells = ["" if missed is None else f"{missed:.1%}", f"{form['false_accepts']:,}"]
        cells += [_point(point) for point in form["operating"]]
        rows.append({"form": form["form"], "cells": cells, "why_not": ""})
    return {"names": ["missed", "false accepts", *limits], "rows": rows}


def _groups(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a table of misses for each way to group the words; none for a single group."""
    tables = []
    for key, name in (("by_label", "word"), ("by_snr", "noise"), ("by_speaker", "speaker")):
        groups = found.get(key) or []
        if len(groups) < 2:
            continue
        rows = [
            {
                "group": row["group"],
                "cells": [f"{row['missed']} of {row['events']}", _interval(row)],
            }
            for row in groups
        ]
        tables.append({"name": name, "rows": rows})
    return tables


def _point(point: dict[str, Any]) -> str:
    return f"{point['rate']:.1%}" if point["threshold"] is not None else "no threshold keeps it"


def _interval(row: dict[str, Any]) -> str:
    return f"{row['low']:.1%} to {row['high']:.1%}" if "low" in row else ""
