"""The ledgers of `enhancement.py` and `enhancement_device.py` as a page."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
Network = tuple[str, str]
"""Name, and the kind of its integers."""

HEAD = """\
# Speech enhancement: results

Made by `python scripts/experiments/enhancement.py table` from `enhancement.jsonl` and
`enhancement-device.jsonl`. 20 speakers and 11 noise recordings that training never heard
(`enhancement_leaks.py` looked for them in all training noise), at -26 dB of full scale; means over
the speakers. SI-SDR is ours (Le Roux et al., 2019), STOI `pystoi` 0.4.1,
PESQ (wide band) `pesq` 0.0.4.

## All networks

Every speaker's whole recording at each ratio. `int8` and `16x8` (int8 weights, int16 activations
and states) are quantized after training, `trained` is int8 trained on its own grids; all three are
the golden interpreter's gains in the integer transforms: what the device computes. Flash and RAM
are the compiled model's on a Cortex-M4F (`tinykit.search.cost`, without the transforms); of a float
network, its weights in four bytes each. Instructions are a hop's on the board below: the model's,
and in brackets with the transforms; of a network that skips, the mean over all hops. The last
column is the six VoiceBank-DEMAND pairs of ../shared/data, whole and at their own level. Their
speaker was in no training, and nothing of their noise is in a training recording; recordings of the
same places may be, as some of MS-SNSD's noise is DEMAND's.
"""

PEER = """\
RNNoise v0.1.1 (float, 48 kHz), measured elsewhere on other mixtures of the same kind, gains 4.22 /
2.91 / 0.65 dB SI-SDR, 0.024 / 0.029 / 0.020 STOI and 0.06 / 0.20 / 0.23 PESQ over the noisy
recordings at 0 / 5 / 10 dB. Runs that went on from the weights of another one count its steps, too.
"""

DEVICE = """\
## On the device

The first {seconds:g} s of {speakers} speakers at each ratio, and the pairs, over serial to an
emulated {board} (Cortex-M7 in QEMU) and back: what came back is measured, beside the float network
on the same recordings. Flash and RAM are the whole firmware's, test harness, drivers and stack
included. The real-time factor is that of the costliest hop at {clock_mhz:g} MHz. Its cycles are
modelled: for the model's instructions as docs/performance.md says, for those around it at least one
each.
"""

NAMES = {"si_sdr_db": "SI-SDR", "stoi": "STOI", "pesq": "PESQ"}
RATIOS = ("0", "5", "10")
PAIRS = "pairs"
CLOCK_HZ = 216e6


def page(rows: list[Row], device: list[Row], steps: dict[str, int]) -> str:
    """Return the page for the newest row of each network and kind.

    `steps` has the runs that are shown, and how long they were trained.
    """
    newest = {
        (_name(row), row["kind"]): row | {"steps": steps[row["run"]]}
        for row in rows
        if row["run"] in steps
    }
    networks: dict[str, dict[str, Row]] = {}
    for (name, kind), row in newest.items():
        networks.setdefault(name, {})[kind] = row
    device = [row for row in device if row["run"] in steps]
    ran = {(_name(row), row["kind"]): row for row in device if PAIRS not in row["quality"]}
    paired = {(_name(row), row["kind"]): row for row in device if PAIRS in row["quality"]}
    parts = [HEAD, _table(networks, ran, paired), PEER]
    parts += [f"## {name}\n\n{_about(found)}" for name, found in networks.items()]
    return "\n".join([*parts, *([_device(ran, paired)] if ran else [])])


def _name(row: Row) -> str:
    form = row.get("form")
    return f"{row['run']}-{form}" if form else row["run"]


def _table(
    networks: dict[str, dict[str, Row]], ran: dict[Network, Row], paired: dict[Network, Row]
) -> str:
    head = ["network", "as", "parameters", "flash KiB", "RAM KiB", "MACs a frame", "instructions"]
    measures = " / ".join(NAMES.values())
    head += [*(f"{ratio} dB: {measures}" for ratio in RATIOS), f"VoiceBank-DEMAND: {measures}"]
    lines = [_line(head), "|" + "---|" * len(head)]
    noisy = next(found["noisy"] for found in networks.values() if "noisy" in found)
    heard = {name: row for (name, _), row in paired.items()}  # by the float network as well
    pairs = _pairs(next(iter(heard.values()), None), "noisy")
    lines.append(_line(["noisy", *[""] * 6, *_cells(noisy["quality"]), pairs]))
    for name, found in networks.items():
        for kind, row in found.items():
            if kind != "noisy":
                cells = [name, kind, f"{row['parameters']:,}", *_memory(row)]
                cells += [f"{row['macs_per_frame']:,}", _instructions(ran.get((name, kind)))]
                integers = _pairs(paired.get((name, kind)), "twin")
                pairs = _pairs(heard.get(name), "float") if kind == "float" else integers
                lines.append(_line([*cells, *_cells(row["quality"]), pairs]))
    return "\n".join([*lines, ""])


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _memory(row: Row) -> list[str]:
    if row["kind"] == "float":
        return [f"{4 * row['parameters'] / 1024:.1f}", ""]
    return [f"{row[key] / 1024:.1f}" for key in ("flash_bytes", "ram_bytes")]


def _instructions(row: Row | None) -> str:
    if row is None:
        return ""
    steps = row["instructions_per_hop"]
    return f"{steps['model']:,.0f} ({sum(steps.values()):,.0f})"


def _cells(quality: Row) -> list[str]:
    return [_cell(quality[ratio]) for ratio in RATIOS]


def _pairs(row: Row | None, sound: str) -> str:
    return _cell(row["quality"][PAIRS][sound]) if row else ""


def _cell(found: Row) -> str:
    return f"{found['si_sdr_db']:.2f} / {found['stoi']:.3f} / {found['pesq']:.2f}"


def _about(of_network: dict[str, Row]) -> str:
    """Say what one network is, what it gains over the noisy recordings, what its integers cost."""
    row = next(iter(of_network.values()))
    spec, train = row["spectrum"], row["train"]
    hertz = spec["sample_rate_hz"]
    said = [
        f"{row['macs_per_second'] / 1e6:.1f} M MACs a second; {spec['bands']} {spec['pitch']} "
        f"bands, window {spec['window_samples']}, hop {spec['hop_samples']}: "
        f"{1000 * spec['window_samples'] / hertz:g} ms of algorithmic delay."
    ]
    if not row.get("form"):
        before = f", from the weights of {row['start']}" if row.get("start") else ""
        said.append(f"{row['steps']:,} steps of {train['batch_size']} mixtures{before}.")
        mixed, losses = row["mixtures"], row["losses"]
        if mixed.get("babble_probability"):
            low, high = mixed.get("speed", (1.0, 1.0))
            said.append(
                f"In the end, {100 * mixed['babble_probability']:.0f} % of the noise was babble, "
                f"the speed {low:g} to {high:g}, asymmetry {losses.get('asymmetry', 1.0):g}."
            )
    for kind, found in of_network.items():
        updates = found.get("updates", [1.0])
        if min(updates) < 1.0:
            shares = " / ".join(f"{100 * (1 - share):.1f}" for share in updates)
            said.append(f"{kind} skips {shares} % of the inferences at {' / '.join(RATIOS)} dB.")
    lines = [" ".join(said)]
    for kind, found in of_network.items():
        if kind not in ("noisy", "float"):
            if "noisy" in of_network:
                lines.append(_gain(kind, found, of_network["noisy"]))
            if "float" in of_network:
                lines.append(_loss(kind, found, of_network["float"]))
    return "\n".join([*lines, ""])


def _gain(kind: str, after: Row, before: Row) -> str:
    said = []
    for key, name in NAMES.items():
        digits = 3 if key == "stoi" else 2
        values = [
            f"{after['quality'][ratio][key] - before['quality'][ratio][key]:+.{digits}f}"
            for ratio in RATIOS
        ]
        said.append(f"{name} {' / '.join(values)}")
    return f"- {kind} over noisy at {' / '.join(RATIOS)} dB: {', '.join(said)}."


def _loss(kind: str, after: Row, before: Row) -> str:
    lost = [
        max(before["quality"][ratio][key] - after["quality"][ratio][key] for ratio in RATIOS)
        for key in ("si_sdr_db", "pesq")
    ]
    return f"- From float, {kind} loses at most {lost[0]:.2f} dB and {lost[1]:.2f} PESQ."


def _device(ran: dict[Network, Row], paired: dict[Network, Row]) -> str:
    rows = list(ran.values())
    first = rows[0]
    parts = [
        DEVICE.format(
            seconds=first["seconds"],
            speakers=" or ".join(
                f"{count}" for count in sorted({row["recordings"] // len(RATIOS) for row in rows})
            ),
            board=first["board"],
            clock_mhz=CLOCK_HZ / 1e6,
        )
    ]
    measures = " / ".join(NAMES.values())
    head = ["network", "sound", *(f"{ratio} dB: {measures}" for ratio in RATIOS)]
    head.append(f"VoiceBank-DEMAND: {measures}")
    lines = [_line(head), "|" + "---|" * len(head)]
    for network, row in ran.items():
        for sound in ("noisy", "float", "twin", "device"):
            cells = [_cell(row["quality"][ratio][sound]) for ratio in RATIOS]
            cells.append(_pairs(paired.get(network), sound))
            lines.append(_line([" ".join(network), sound, *cells]))
    said = [_on_board(row, paired.get(network)) for network, row in ran.items()]
    return "\n".join([*parts, *lines, "", *said, ""])


def _on_board(row: Row, pairs: Row | None) -> str:
    """Say of one network whether it was exact, what it takes and how fast it is."""
    cycles = row["cycles_per_instruction"]
    factor = 256 / 16000 * CLOCK_HZ / (row["most_instructions_per_hop"] * cycles)
    steps = row["instructions_per_hop"]
    heard = [row, *([pairs] if pairs else [])]
    every = [found for one in heard for found in one["quality"].values()]
    lost = [
        max(found["float"][key] - found["device"][key] for found in every)
        for key in ("si_sdr_db", "pesq")
    ]
    samples = sum(one["samples"] for one in heard)
    count = sum(one["recordings"] for one in heard)
    right = count - sum(one["mismatches"] for one in heard)
    skipped = 100 * (1 - row["inferences"] / row["hops"])
    return (
        f"- {_name(row)} {row['kind']}: {right} of {count} recordings "
        f"({samples:,} samples) are the twin's, sample for sample. From float, the device "
        f"loses at most {lost[0]:.2f} dB and {lost[1]:.2f} PESQ. A hop takes "
        f"{sum(steps.values()):,.0f} instructions ({steps['analysis']:,.0f} to features, "
        f"{steps['model']:,.0f} the model, {steps['synthesis']:,.0f} to samples), at most "
        f"{row['most_instructions_per_hop']:,.0f}: {factor:.1f} times faster than "
        f"real time at {cycles:.2f} cycles an instruction"
        + (f"; {skipped:.1f} % of the inferences are skipped" if skipped else "")
        + f". Firmware {row['firmware_flash_bytes'] / 1024:.0f} KiB of flash, "
        f"{(row['firmware_ram_bytes'] + row['stack_bytes']) / 1024:.1f} KiB of RAM."
    )
