"""The ledger of `enhancement.py` as a page."""

from __future__ import annotations

from typing import Any

HEAD = """\
# Speech enhancement: results

Made by `python scripts/experiments/enhancement.py table` from `enhancement.jsonl`. 20 speakers and
12 noise recordings that training never heard, every speaker's whole recording at each ratio, at
-26 dB of full scale; means over the speakers. `int8` and `16x8` (int8 weights, int16 activations
and states) are the golden interpreter's gains in the integer transforms: what the device computes.
SI-SDR is ours (Le Roux et al., 2019), STOI `pystoi` 0.4.1, PESQ (wide band) `pesq` 0.0.4. Flash and
RAM are the compiled model's on a Cortex-M4F (`tinykit.search.cost`, without the transforms).

RNNoise v0.1.1 (float, 48 kHz), measured elsewhere on other mixtures of the same kind, gains 4.22 /
2.91 / 0.65 dB SI-SDR, 0.024 / 0.029 / 0.020 STOI and 0.06 / 0.20 / 0.23 PESQ over the noisy
recordings at 0 / 5 / 10 dB. Runs whose name ends in a number went on from the weights of the run
before, with other mixtures.
"""

NAMES = {"si_sdr_db": "SI-SDR", "stoi": "STOI", "pesq": "PESQ"}
RATIOS = ("0", "5", "10")


def page(rows: list[dict[str, Any]]) -> str:
    """Return the page for the newest row of each run and kind."""
    newest = {(row["run"], row["kind"]): row for row in rows}
    parts = [HEAD]
    for run in dict.fromkeys(name for name, _ in newest):
        of_run = {kind: row for (name, kind), row in newest.items() if name == run}
        parts += [_run(run, of_run), _gains(of_run), _losses(of_run)]
    return "\n".join(parts)


def _run(name: str, of_run: dict[str, dict[str, Any]]) -> str:
    any_row = next(iter(of_run.values()))
    spec, train = any_row["spectrum"], any_row["train"]
    hertz = spec["sample_rate_hz"]
    lines = [
        f"## {name}",
        "",
        f"{any_row['parameters']:,} parameters, {any_row['macs_per_frame']:,} MACs a frame, "
        f"{any_row['macs_per_second'] / 1e6:.1f} M a second; "
        f"{spec['bands']} {spec['pitch']} bands, "
        f"window {spec['window_samples']}, hop {spec['hop_samples']}: "
        f"{1000 * spec['window_samples'] / hertz:g} ms of algorithmic delay. "
        f"{any_row['steps']:,} steps of {train['batch_size']} mixtures in this run.",
        "",
        "| | flash KiB | RAM KiB | "
        + " | ".join(f"{ratio} dB: {' / '.join(NAMES.values())}" for ratio in RATIOS)
        + " |",
        "|" + "---|" * (3 + len(RATIOS)),
    ]
    for kind, row in of_run.items():
        memory = [
            f"{row[key] / 1024:.1f}" if key in row else "" for key in ("flash_bytes", "ram_bytes")
        ]
        cells = [_cell(row["quality"][ratio]) for ratio in RATIOS]
        lines.append("| " + " | ".join([kind, *memory, *cells]) + " |")
    return "\n".join([*lines, ""])


def _cell(found: dict[str, float]) -> str:
    return f"{found['si_sdr_db']:.2f} / {found['stoi']:.3f} / {found['pesq']:.2f}"


def _gains(of_run: dict[str, dict[str, Any]]) -> str:
    """Say what int8 gains over the noisy recordings, at each ratio."""
    if not {"noisy", "int8"} <= of_run.keys():
        return ""
    said = []
    for key, name in NAMES.items():
        after, before = (of_run[kind]["quality"] for kind in ("int8", "noisy"))
        digits = 3 if key == "stoi" else 2
        values = [f"{after[ratio][key] - before[ratio][key]:+.{digits}f}" for ratio in RATIOS]
        said.append(f"{name} {' / '.join(values)}")
    return f"int8 over noisy at {' / '.join(RATIOS)} dB: {', '.join(said)}.\n"


def _losses(of_run: dict[str, dict[str, Any]]) -> str:
    """Say what the integers cost, at worst over the ratios."""
    if not {"float", "int8", "16x8"} <= of_run.keys():
        return ""
    said = []
    for kind in ("int8", "16x8"):
        lost = {
            key: max(
                of_run["float"]["quality"][ratio][key] - of_run[kind]["quality"][ratio][key]
                for ratio in RATIOS
            )
            for key in ("si_sdr_db", "pesq")
        }
        said.append(f"{kind} loses at most {lost['si_sdr_db']:.2f} dB and {lost['pesq']:.2f} PESQ")
    return "From float, " + "; ".join(said) + ".\n"
