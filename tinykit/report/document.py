"""What a report says, gathered once: HTML, Markdown, JSON and the terminal show the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import tinykit
from tinykit.project import Project
from tinykit.report import manifests as files
from tinykit.report.figures import FLASH, RAM, Figure, figures, total, written
from tinykit.report.manifests import Manifest

_HOW = {
    "arena": "memory plan",
    "state": "memory plan",
    "scratch": "memory plan, beyond the arena",
    "static": "linked program",
    "stack": "painted before, read after an inference",
    "code": "linked program",
    "constants": "linked program: weights and tables",
}


@dataclass(frozen=True)
class Verdict:
    """One sentence that matters, and whether it is `good`, `bad` or still `open`."""

    state: str
    text: str


@dataclass(frozen=True)
class Table:
    """A table of a report: its rows hold written values."""

    name: str
    rows: list[dict[str, str]]
    sum: str


@dataclass
class Document:
    """The content of a report. `manifests` are the files that it was made from."""

    project: Project
    manifests: dict[str, Manifest]
    figures: list[Figure]
    stages: dict[str, float] = field(default_factory=dict)  # name -> seconds

    @property
    def exact(self) -> bool | None:
        """Whether the device gave every byte; None while it was not tested."""
        return self.manifests["device"].get("exact")

    @property
    def over(self) -> list[Figure]:
        """The figures over their limit."""
        return [figure for figure in self.figures if figure.over]

    @property
    def verdicts(self) -> list[Verdict]:
        """Exactness, then the limits."""
        device = self.manifests["device"]
        tested = device.get("inputs_tested", 0)
        if self.exact is None:
            proof = Verdict("open", "not tested on a device yet")
        elif not device.get("mismatches"):
            proof = Verdict("good", f"exact: {tested:,} inputs, every byte as computed on the host")
        else:
            wrong = device.get("mismatches", "?")
            proof = Verdict("bad", f"{wrong} of {tested:,} inputs differ from the host's bytes")
        audio = _audio_verdict(device.get("enhancer"))
        limited = [figure for figure in self.figures if figure.limit and figure.value is not None]
        limits = [
            Verdict("bad", f"{figure.label} {figure.text}: {figure.note}") for figure in self.over
        ]
        if limited and not limits:
            names = ", ".join(figure.label for figure in limited)
            limits = [Verdict("good", f"within every limit: {names}")]
        return [proof, *audio, *limits, *self._fitted, *self._synthetic]

    @property
    def _fitted(self) -> list[Verdict]:
        """Whether the decision keeps the limit that was asked for."""
        held_out = self.manifests["held_out"]
        if not held_out or held_out.get("model_sha256") != self.manifests["plan"].get("sha256"):
            return []
        asked = held_out.get("limit_per_hour")
        kept = held_out["fitted"]["reached"]["limit_per_hour"]
        if asked is None or kept <= asked:
            return []
        text = f"no decision keeps {asked:g} false accepts per hour: fitted to keep {kept:g}"
        return [Verdict("bad", text)]

    @property
    def _synthetic(self) -> list[Verdict]:
        """What has to be said where nobody was recorded."""
        splits = self.manifests["data"].get("splits", {})
        trained, tested = (
            splits.get(split, {}).get("synthetic_share", 0.0) for split in ("training", "testing")
        )
        if trained < 0.5:
            return []
        if trained < 1.0:
            text = f"{trained:.0%} of the training clips are synthetic, {tested:.0%} of the test's"
            return [Verdict("open", text)]
        if tested < 1.0:
            return [Verdict("open", "trained on synthetic speech only")]
        text = "all speech is synthetic: no recorded person was heard, in training or in the test"
        return [Verdict("open", text)]

    def summary(self) -> dict[str, Any]:
        """Return `report.json`: every figure with its method, and all manifests."""
        board = self.project.board
        return {
            "tinykit": tinykit.__version__,
            "project": self.project.config.project.name,
            "task": self.project.config.project.task,
            "board": board.id,
            "core": board.core,
            "model_sha256": self.manifests["plan"].get("sha256"),
            "exact": self.exact,
            "inputs_tested": self.manifests["device"].get("inputs_tested", 0),
            "figures": {figure.key: figure.document() for figure in self.figures},
            "within_limits": not self.over,
            "memory": {
                "ram": self._parts(RAM),
                "flash": self._parts(FLASH),
            },
            "provenance": dict(self.provenance),
            "seconds": self.stages,
            "manifests": {name: found for name, found in self.manifests.items() if found},
        }

    @property
    def provenance(self) -> list[tuple[str, str]]:
        """What was used: model, board, compiler, firmware, data, command."""
        plan, build, device = (self.manifests[name] for name in ("plan", "build", "device"))
        data = self.manifests["data"]
        board = self.project.board
        proven = {"emulator": "in the emulator", "hardware": "on hardware", "never": "never"}
        firmware = device.get("firmware", {})
        found = [
            ("command", "tinykit run"),
            ("model", plan.get("sha256", "")),
            ("board", f"{board.id}: {board.mcu}, {board.core}; run by us {proven[board.proven]}"),
            ("port", device.get("port", "") if board.emulator is None else ""),
            ("C compiler", plan.get("compiler", "")),
            ("flags", " ".join(build.get("flags", []))),
            ("emulator", device.get("emulator", "")),
            ("firmware", firmware.get("build", "") if firmware else ""),
            ("data", f"{data['source']}, {data.get('sha256', '')}" if data.get("source") else ""),
        ]
        return [(name, value) for name, value in found if value]

    @property
    def memory(self) -> list[Table]:
        """RAM and flash by part."""
        plan, device = self.manifests["plan"], self.manifests["device"]
        tables = []
        for name, parts in (("RAM", RAM), ("flash", FLASH)):
            rows = [
                {"name": part, "bytes": f"{size:,}", "method": _HOW[part] + self._bound(part)}
                for part, size in self._parts(parts).items()
            ]
            whole = total(parts, plan, device)
            tables.append(Table(name, rows, f"{whole:,}" if whole is not None else ""))
        front = self._front_end()
        return [*tables, Table("front end", front, "")] if front else tables

    def _front_end(self) -> list[dict[str, str]]:
        """Return what the front end takes beside the model: in no sum and under no limit."""
        size = self.manifests["plan"].get("front_end") or {}
        stack = (self.manifests["device"].get("front_end") or {}).get("stack_bytes")
        known = size | ({"stack_bytes": stack} if stack is not None else {})
        names = {"code": "code", "constants": "const", "variables": "static", "stack": "stack"}
        return [
            {
                "name": name,
                "bytes": f"{known[f'{key}_bytes']:,}",
                "method": "painted, beside the model's" if key == "stack" else "linked program",
            }
            for name, key in names.items()
            if f"{key}_bytes" in known
        ]

    def _bound(self, part: str) -> str:
        """Return the compiler's bound of the stack, to stand beside what was measured."""
        bound = self.manifests["plan"].get("stack_bound_bytes")
        if part != "stack" or bound is None:
            return ""
        return f"; the deepest chain of calls needs {bound:,} B by gcc's account"

    def _parts(self, parts: dict[str, str]) -> dict[str, int]:
        known = {**self.manifests["plan"], **self.manifests["device"]}
        return {name: known[key] for name, key in parts.items() if known.get(key) is not None}

    @property
    def classes(self) -> list[dict[str, str]]:
        """Clips and recall of each class in the int8 model."""
        found = self.manifests["quantize"].get("evaluation") or {}
        rows = zip(
            found.get("labels", []),
            found.get("confusion", []),
            found.get("recall", []),
            strict=True,
        )
        return [
            {
                "label": label,
                "clips": f"{sum(counts):,}",
                "recall": written(recall, "share") if recall is not None else "no clips",
            }
            for label, counts, recall in rows
        ]

    @property
    def op_rows(self) -> list[dict[str, Any]]:
        """One row an op, as in `plan.json`, with its measured cost where there is one."""
        costs = self.manifests["device"].get("op_costs") or {}
        return [
            {**op, "cost": costs.get(str(op["index"]))}
            for op in self.manifests["plan"].get("ops", [])
        ]


def _audio_verdict(enhancer: Manifest | None) -> list[Verdict]:
    """Say whether an enhancer's device gave every sample; nothing for other models."""
    if not enhancer:
        return []
    wrong, count = enhancer["mismatches"], enhancer["recordings"]
    if wrong:
        text = f"{wrong} of {count:,} enhanced recordings differ from the twin's samples"
        return [Verdict("bad", text)]
    seconds = enhancer["samples"] / enhancer["sample_rate_hz"]
    return [Verdict("good", f"enhanced {seconds:.1f} s of audio, every sample as on the host")]


def gather(project: Project) -> Document:
    """Read what the stages of `project` left behind.

    Raises
    ------
    DataError
        When a manifest cannot be read.
    """
    found = files.read(project.build)
    made, compiled = found["quantize"].get("sha256"), found["plan"].get("sha256")
    if made and compiled and made != compiled:  # a model of the user's own: what we trained
        found |= {
            name: {} for name in ("data", "train", "compress", "quantize", "held_out")
        }  # is not it
    return Document(
        project,
        found,
        figures(found, project.config.budget, project.board),
        files.seconds(project.build),
    )


def shape(dimensions: Sequence[Sequence[int]]) -> str:
    """Write the shapes of an op's tensors: 1x49x10x1."""
    return " + ".join("x".join(map(str, one)) for one in dimensions)
