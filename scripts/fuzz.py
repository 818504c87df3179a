"""Fuzz the compiler: whatever the bytes, a model comes out or a TinykitError, soon and in bounds.

`read_tflite` and `compile_model` see damaged models, no C compiler. Half of the mutations are
libFuzzer's, guided by the coverage of the compiler's Python; the others change the fields of the
file (`tests/fuzz/damage.py`). A finding (another exception, too much time or memory) is written to
the folder of findings, one for each place in the code, and the run goes on.

    python scripts/fuzz.py run WORK --seconds 1800     # seeds WORK/corpus where it is empty
    python scripts/fuzz.py distil WORK                 # smallest input of each outcome -> tests
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "models"
CORPUS = ROOT / "tests" / "fuzz" / "corpus"

MAX_INPUT_BYTES = 80_000  # the larger public models are beyond: their tables are no different
KEPT_BYTES = 4000  # of an input in the tests' corpus
INPUT_SECONDS = 10.0  # of processor time
MEMORY_BYTES = 2 << 30  # of address space; numpy and the compiler itself take half a GiB
REPORT_SECONDS = 20.0

sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "fuzz")]
sys.path.insert(0, str(ROOT / "tests" / "compiler"))


class TooSlow(BaseException):  # no `except Exception` may swallow it
    """An input took more processor time than it may."""


def _too_slow(number: int, frame: FrameType | None) -> None:
    raise TooSlow


def seeds() -> dict[str, bytes]:
    """Return small models by name: every op's edge cases, random graphs, the public ones."""
    import int16_cases
    import single_op
    from random_graphs import random_graph, random_graph_16x8

    found = single_op.cases() | int16_cases.cases()
    found |= {f"graph-{seed}": random_graph(random.Random(seed)) for seed in range(40)}
    found |= {f"graph16-{seed}": random_graph_16x8(random.Random(seed)) for seed in range(20)}
    found |= {path.stem: path.read_bytes() for path in SHARED.glob("*.tflite")}
    return {name: data for name, data in found.items() if len(data) <= MAX_INPUT_BYTES}


def outcome(data: bytes) -> str:
    """Compile `data` for a core that its length picks; return in a few words what came of it."""
    from tinykit.board import CORES
    from tinykit.compiler import compile_model
    from tinykit.errors import TinykitError

    core = CORES[("cortex-m4f", "cortex-m0", "cortex-m55")[len(data) % 3]]
    try:
        compiled = compile_model(data, core)
    except TinykitError as error:
        # the numbers and names of one model are of no interest
        return re.sub(r"'[^']*'|-?\d[\d,.e+-]*", "_", error.message)[:120]
    return "compiled: " + " ".join(sorted({step.kernel.name for step in compiled.plan.steps}))


class Fuzzer:
    """Runs inputs under limits and keeps count."""

    def __init__(self, work: Path, models: dict[str, bytes]) -> None:
        self.models = list(models.values())
        self.findings = work / "findings"
        self.findings.mkdir(parents=True, exist_ok=True)
        self.statistics = work / "statistics.json"
        self.started = self.reported = time.monotonic()
        self.inputs = self.compiled = self.slowest = 0.0
        self.found: dict[str, int] = {}
        self._sites: dict[bytes, Any] = {}

    def one(self, data: bytes) -> None:
        """Run one input; note a finding."""
        before = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, INPUT_SECONDS)
        try:
            self.compiled += outcome(data).startswith("compiled")
        except (Exception, TooSlow) as error:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            self._note(data, error)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        self.inputs += 1
        self.slowest = max(self.slowest, time.process_time() - before)
        if time.monotonic() - self.reported > REPORT_SECONDS:
            self.reported = time.monotonic()
            self.report()

    def _note(self, data: bytes, error: BaseException) -> None:
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if "tinykit" in Path(frame.filename).parts
        ]
        where = frames[-1] if frames else None
        place = f"{Path(where.filename).stem}-{where.name.strip('<>')}" if where else "unknown"
        label = f"{type(error).__name__}-{place}"
        self.found[label] = self.found.get(label, 0) + 1
        path = self.findings / f"{label}.tflite"
        if not path.exists() or len(data) < path.stat().st_size:
            path.write_bytes(data)
            lines = traceback.format_exception(error, limit=-12)
            path.with_suffix(".txt").write_text("".join(lines))

    def report(self) -> None:
        """Write what has run so far."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        figures = {
            "inputs": int(self.inputs),
            "compiled": int(self.compiled),
            "seconds": round(time.monotonic() - self.started),
            "slowest_input_cpu_s": round(self.slowest, 2),
            "peak_rss_mb": usage.ru_maxrss >> 10,
            "findings": self.found,
        }
        self.statistics.write_text(json.dumps(figures, indent=2) + "\n")

    def mutate(self, data: bytes, max_size: int, seed: int) -> bytes:
        """Return a mutation of `data`: its fields, its bytes, or both."""
        import atheris

        noise = random.Random(seed)
        choice = noise.random()
        if choice < 0.35:  # from a sound model: what libFuzzer collects is mostly rubble
            data = self._damage(noise.choice(self.models), noise, readable=True)
        elif choice < 0.7 and len(data) > 64:
            data = self._damage(data, noise, readable=noise.random() < 0.6)
        if choice > 0.6:
            data = atheris.Mutate(data, max_size)
        return data[:max_size]

    def _damage(self, data: bytes, noise: random.Random, readable: bool) -> bytes:
        import damage

        if data not in self._sites:
            if len(self._sites) > 1000:
                self._sites.clear()
            self._sites[data] = damage.sites(data)
        return damage.damage(data, noise, self._sites[data], readable=readable)


def run(work: Path, seconds: int, inputs: int) -> None:
    """Fuzz until the time or the number of inputs is used up."""
    import atheris

    with atheris.instrument_imports(include=["tinykit"]):
        from tinykit.compiler import lower, ops, schema

        ops.rules(), ops.by_builtin(), lower.kernels(""), schema.module()
    corpus = work / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    models = seeds()
    if not any(corpus.iterdir()):
        for name, data in models.items():
            (corpus / name).write_bytes(data)
    fuzzer = Fuzzer(work, models)
    signal.signal(signal.SIGVTALRM, _too_slow)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    arguments = [
        sys.argv[0],
        str(corpus),
        f"-max_total_time={seconds}",
        f"-runs={inputs}",
        f"-max_len={MAX_INPUT_BYTES}",
        "-timeout=300",  # the backstop: wall clock, and it ends the run
        f"-artifact_prefix={fuzzer.findings}/",
        "-print_final_stats=1",
        "-rss_limit_mb=0",  # RLIMIT_AS does it, and as an exception
        "-report_slow_units=100",
    ]
    atheris.Setup(arguments, fuzzer.one, custom_mutator=fuzzer.mutate)
    atheris.Fuzz()


def distil(work: Path) -> None:
    """Keep the smallest input of each outcome, and all findings, as the tests' corpus."""
    signal.signal(signal.SIGVTALRM, _too_slow)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    smallest: dict[str, bytes] = {}
    for path in sorted((work / "corpus").iterdir(), key=lambda path: path.stat().st_size):
        data = path.read_bytes()
        if len(data) <= KEPT_BYTES:
            smallest.setdefault(outcome(data), data)
    CORPUS.mkdir(parents=True, exist_ok=True)
    for data in smallest.values():
        (CORPUS / f"{hashlib.sha256(data).hexdigest()[:16]}.tflite").write_bytes(data)
    for path in (work / "findings").glob("*.tflite"):
        (CORPUS / path.name).write_bytes(path.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("run", "distil"))
    parser.add_argument("work", type=Path, help="folder for corpus, findings and statistics")
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    given = parser.parse_args()
    if given.command == "run":
        run(given.work, given.seconds, given.inputs)
    else:
        distil(given.work)


if __name__ == "__main__":
    main()
