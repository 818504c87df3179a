"""The figures of a run: each with its limit, and with how it is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tinykit.board import Board
from tinykit.config import Budget
from tinykit.report.manifests import Manifest

Kind = Literal["share", "bytes", "count", "rate", "db"]

RAM = {
    "arena": "arena_bytes",
    "state": "state_bytes",
    "scratch": "scratch_bytes",
    "static": "static_bytes",
    "stack": "stack_bytes",
}
"""Part of the RAM -> its key in `plan.json`, or, for the stack, in `device.json`."""

FLASH = {"code": "code_bytes", "constants": "const_bytes"}


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes
    ----------
    key : str
        Its name for programs, with the unit.
    label : str
        Its name for people.
    value : float or int or None
        None where nothing measured it.
    kind : {"share", "bytes", "count", "rate", "db"}
    method : str
        How it is known.
    limit : int
        The most it may be; 0 where nothing limits it.
    limited_by : str
        "budget" or the board's id.
    note : str
        A few words more.
    """

    key: str
    label: str
    value: float | int | None
    kind: Kind
    method: str
    limit: int = 0
    limited_by: str = ""
    remark: str = ""

    @property
    def over(self) -> bool:
        """Whether the limit is broken."""
        return bool(self.limit and self.value is not None and self.value > self.limit)

    @property
    def share(self) -> float | None:
        """How much of the limit is used."""
        return self.value / self.limit if self.limit and self.value is not None else None

    @property
    def text(self) -> str:
        """The value, written out."""
        return written(self.value, self.kind)

    @property
    def note(self) -> str:
        """The verdict on the limit, or the remark."""
        if not self.limit:
            return self.remark
        if self.over:
            assert self.value is not None
            return f"{written(self.value - self.limit, self.kind)} over {self._limit()}"
        return f"within {self._limit()}"

    def _limit(self) -> str:
        of = "budget" if self.limited_by == "budget" else f"what {self.limited_by} has"
        return f"{of}: {written(self.limit, self.kind)}"

    def document(self) -> dict[str, Any]:
        """Return what `report.json` says of it."""
        said: dict[str, Any] = {"value": self.value, "method": self.method}
        if self.limit:
            said |= {"limit": self.limit, "limited_by": self.limited_by, "over": self.over}
        return said


def written(value: float | int | None, kind: Kind) -> str:
    """Write a value for people: 91.3 %, 38,412 B, 2,656,768."""
    if value is None:
        return "not measured"
    if kind == "share":
        return f"{100 * value:.1f} %"
    if kind == "rate":
        return f"{value:.2f}"
    if kind == "db":
        return f"{value:.2f} dB"
    return f"{value:,.0f} B" if kind == "bytes" else f"{value:,.0f}"


def total(parts: dict[str, str], *manifests: Manifest) -> int | None:
    """Add up `parts`; None while nothing of it is known."""
    known = {key: value for manifest in manifests for key, value in manifest.items()}
    found = [known[key] for key in parts.values() if known.get(key) is not None]
    return sum(found) if found else None


def figures(manifests: dict[str, Manifest], budget: Budget, board: Board) -> list[Figure]:
    """Return the figures of a run, in the order in which they are shown."""
    plan, device = manifests["plan"], manifests["device"]
    unit = device.get("unit") or board.counter.unit
    where = f"QEMU playing {board.id}" if board.emulator else board.id
    compiler = plan.get("compiler", "the C compiler")
    stack_known = device.get("stack_bytes") is not None
    ram = "arena, state and scratch from the plan, static from the linked program, "
    ram += f"stack painted and read on {where}" if stack_known else "stack not measured yet"
    if plan.get("stack_bound_bytes") is not None:
        ram += f" (gcc's bound for it: {plan['stack_bound_bytes']:,} B)"
    return [
        *_accuracies(manifests, where),
        *_held_out(manifests),
        *_quality(manifests["device"].get("enhancer")),
        Figure(
            "flash_bytes",
            "flash",
            total(FLASH, plan),
            "bytes",
            f"model and runtime linked by {compiler}, unused sections removed; "
            "the serial test harness is not counted",
            *_limit(budget.flash_kib * 1024, board.memory.flash_bytes, board),
        ),
        Figure(
            "ram_bytes",
            "RAM",
            total(RAM, plan, device),
            "bytes",
            f"{ram}; the serial test harness is not counted",
            *_limit(budget.ram_kib * 1024, board.memory.ram_bytes, board),
        ),
        Figure(
            "macs",
            "MACs",
            plan.get("macs"),
            "count",
            f"multiply-accumulates of {_of(plan)}, counted from the shapes of the ops",
            *((budget.macs, "budget") if budget.macs else (0, "")),
        ),
        _inference(plan, device, unit, where),
        Figure(
            f"front_end_{unit}_per_hop",
            "front end",
            (device.get("front_end") or {}).get(f"{unit}_per_hop"),
            "count",
            f"mean over the hops of the clips that were sent as audio, counted as above on {where}",
            remark=f"{unit if unit == 'instructions' else 'µs'}, one hop{_hop(plan)}",
        ),
        *_enhancing(device.get("enhancer"), unit, where),
    ]


_HEARD = {
    "noisy": ("noisy", "the mixtures as they are"),
    "float": ("float", "enhanced by the float model"),
    "host": ("integer", "enhanced by the integer model in the tflite-micro interpreter"),
    "device": ("device", "enhanced, as the device returned it"),
}
"""What was measured -> its short name, and what it is."""


def _quality(found: Manifest | None) -> list[Figure]:
    """Return how much better an enhancer's recordings become; nothing for other models."""
    known = (found or {}).get("quality") or {}
    return [
        Figure(
            f"si_sdr_db_{key}",
            f"SI-SDR, {name}",
            known[key].get("si_sdr_db"),
            "db",
            f"{how}: mean over the recordings sent to the device ({found['recordings_from']}), "
            "Le Roux et al. 2019",
        )
        for key, (name, how) in _HEARD.items()
        if found and key in known
    ]


def _enhancing(found: Manifest | None, unit: str, where: str) -> list[Figure]:
    """Return what a whole hop of an enhancer costs; nothing for other models."""
    if not found:
        return []
    said = "instructions" if unit == "instructions" else "µs"
    return [
        Figure(
            f"enhancer_{unit}_per_hop",
            "a hop",
            sum(found[f"{unit}_per_hop"].values()),
            "count",
            "from samples to samples, mean over the hops of the recordings that were sent, counted "
            f"as above on {where}",
            remark=f"{said} for {found['hop_ms']:g} ms of audio",
        )
    ]


def _hop(plan: Manifest) -> str:
    return f" of {plan['features']['hop_ms']} ms" if plan.get("features") else ""


def _accuracies(manifests: dict[str, Manifest], where: str) -> list[Figure]:
    floating = manifests["compress"].get("evaluation") or manifests["train"].get("evaluation") or {}
    quantized = manifests["quantize"].get("evaluation") or {}
    device = manifests["device"]
    tested = int(device.get("vectors") or device.get("inputs_tested") or 0)
    return [
        Figure(
            "accuracy_float",
            "accuracy, float",
            floating.get("accuracy"),
            "share",
            f"Keras model in float32 on {floating.get('clips', 0):,} test clips",
            remark=f"{floating.get('clips', 0):,} test clips",
        ),
        Figure(
            "accuracy_int8",
            "accuracy, int8",
            quantized.get("accuracy"),
            "share",
            f"int8 .tflite in the tflite-micro interpreter on {quantized.get('clips', 0):,} "
            "test clips",
            remark=f"{quantized.get('clips', 0):,} test clips",
        ),
        Figure(
            "accuracy_device",
            "accuracy, device",
            device.get("accuracy"),
            "share",
            f"what came back over serial from {where} for {tested:,} of the test clips",
            remark=_same(device, quantized, tested),
        ),
    ]


def _of(plan: Manifest) -> str:
    """Return of which inference the MACs are: in a stream with phases they differ."""
    if not plan.get("phases"):
        return "one inference"
    return f"the costliest inference ({plan['phases']['macs_mean']:,.0f} on average)"


def _inference(plan: Manifest, device: Manifest, unit: str, where: str) -> Figure:
    """Return what an inference costs: the median, or with phases the most."""
    counted, key, what = unit == "instructions", unit, "median"
    if plan.get("phases") and f"{unit}_mean" in device:
        key, what = f"{unit}_max", f"the most (mean {device[f'{unit}_mean']:,.0f})"
    return Figure(
        unit,
        "instructions" if counted else "time",
        device.get(key),
        "count",
        f"{what} of {device.get('vectors', 0):,} inferences, counted by {where} with "
        "-icount: no wait states, no cycles"
        if counted
        else f"{what}, in microseconds, read from the timer of {where}",
        remark="one inference" if counted else "µs, one inference",
    )


def _held_out(manifests: dict[str, Manifest]) -> list[Figure]:
    """Return what the fitted decision reached on the recording made of the test split."""
    found = manifests["held_out"]
    if not found or found.get("model_sha256") != manifests["plan"].get("sha256"):
        return []
    hours, of = found["duration_s"] / 3600, found["composed_of"]["testing"]
    heard = (
        f"{of['wanted']:,} recordings of the word and {of['others']:,} of other speech "
        f"({of['others_s'] / 3600:.2f} h), {of['synthetic_share']:.0%} of them synthetic"
    )
    fitted = "the decision was fitted on a recording made of the validation split"
    return [
        Figure(
            "false_reject_rate",
            "missed",
            found["false_reject_rate"],
            "share",
            f"twin of the device on a recording made of the test split: {heard}; {fitted}",
            remark=f"of {found['keywords']:,} times that the word was said",
        ),
        Figure(
            "false_accepts_per_hour",
            "false accepts per hour",
            found["false_accepts_per_hour"],
            "rate",
            f"{found['false_accepts']:,} in {hours:.2f} h of that recording; so many would be "
            f"probable at up to {found['false_accepts_per_hour_upper']:.2f} per hour (95 %)",
            remark=f"{found['false_accepts']:,} in {hours:.2f} h: less than "
            f"{found['false_accepts_per_hour_upper']:.1f} with 95 % confidence",
        ),
    ]


def _same(device: Manifest, quantized: Manifest, tested: int) -> str:
    """Say on how many clips, and what the host has on the same ones where they are not all."""
    if tested == quantized.get("clips"):
        return f"{tested:,} test clips"
    host = device.get("host_accuracy")
    same = f"; host on the same: {written(host, 'share')}" if host is not None else ""
    return f"{tested:,} of the test clips{same}"


def _limit(budget: float, memory: int, board: Board) -> tuple[int, str]:
    return (round(budget), "budget") if budget else (memory, board.id)
