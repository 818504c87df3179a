"""The ratios of TinyLSTMs on our own baseline: pruned, skipping, trained through quantization.

    KERAS_BACKEND=jax python scripts/experiments/enhancement_compression.py prune lstm-l-3
    KERAS_BACKEND=jax python scripts/experiments/enhancement_compression.py control lstm-l-3
    KERAS_BACKEND=jax python scripts/experiments/enhancement_compression.py skip lstm-l-3
    KERAS_BACKEND=jax python scripts/experiments/enhancement_compression.py quantize lstm-l-3
    python scripts/experiments/enhancement_compression.py table

Each starts from `enhancement.py train`'s network of that name (all but `prune` from the pruned one,
where there is one), and adds a row to docs/results/enhancement-compression.jsonl. `control` trains
the pruned network as long as `skip` does, and does nothing else. SI-SDR is the mean over the
validation mixtures, which no weights were chosen by. Sizes are of the int8 .tflite on BOARD: model,
code and constants, as linked. What was interrupted goes on when it is started again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from enhancement import CACHE, RESULTS, RUNS, mixtures_of, sources  # noqa: E402

from tinykit import paths  # noqa: E402
from tinykit.board import find  # noqa: E402

LEDGER = RESULTS / "enhancement-compression.jsonl"
BOARD = "mps2-an386"
SIZE, OPERATIONS = 11.9, 2.9  # times smaller than the float baseline, times fewer MACs a frame
EPOCH = 160  # mixtures
PRUNING, FINE_TUNING = 12, 60  # epochs
SKIPPED = 0.34  # of the hops, aimed at
SKIPPING, SKIPPING_EPOCH, SKIPPING_RATE = 30, 320, 3e-4  # epochs, mixtures, learning rate
SEEDS = {"prune": 11, "skip": 12, "quantize": 13}  # other mixtures than the baseline's
CALIBRATION = 32
QUANTIZING, QUANTIZATION_RATE = 40, 1e-4
HEARD = 24  # validation mixtures through the golden interpreter


def main() -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("prune", "control", "skip", "quantize", "table"))
    parser.add_argument("run", choices=RUNS, nargs="?")
    parser.add_argument("--epochs", type=int, nargs="*", help="instead of the usual ones")
    chosen = parser.parse_args()
    if chosen.command == "table":
        paths.write_text(RESULTS / "enhancement-compression.md", page(read_ledger()))
        return 0
    if chosen.run is None:
        parser.error(f"which run? {', '.join(RUNS)}")
    if chosen.command == "prune":
        prune(chosen.run, *(chosen.epochs or (PRUNING, FINE_TUNING)))
    elif chosen.command == "control":
        control(chosen.run, *(chosen.epochs or (SKIPPING,)))
    elif chosen.command == "skip":
        skip(chosen.run, *(chosen.epochs or (SKIPPING,)))
    else:
        quantize(chosen.run, *(chosen.epochs or (QUANTIZING,)))
    return 0


class Experiment:
    """One baseline: its data, how it is trained, what a network costs."""

    def __init__(self, name: str, what: str, epoch: int = EPOCH) -> None:
        from tinykit.train.backend import seed_everything
        from tinykit.train.enhance import batch
        from tinykit.train.enhancement_task import EnhancementTask

        self.name, (_, self.spec, settings, losses) = name, RUNS[name]
        self.sources = sources()
        self.mixtures = msgspec.structs.replace(mixtures_of(name), per_epoch=epoch)
        settings = msgspec.structs.replace(settings, seed=SEEDS[what])
        self.task = EnhancementTask(self.sources, self.mixtures, self.spec, settings, losses)
        seed_everything(settings.seed)
        numbers = list(range(CALIBRATION))
        x, _ = batch(self.sources, "training", self.mixtures, self.spec, numbers)
        self.calibration = np.round(x / self.spec.scale + self.spec.zero_point).astype(np.int8)

    def row(self, kind: str, *epochs: int) -> dict[str, Any]:
        """Return what all rows of the ledger say."""
        return {
            "kind": kind,
            "run": self.name,
            "epochs": list(epochs),
            "mixtures_per_epoch": self.mixtures.per_epoch,
            "seed": self.task.config.seed,
        }

    def load(self, suffix: str = "") -> Any:
        """Return a trained network, the pruned one where it is wanted and there."""
        from tinykit.models.enhancers import _layers  # noqa: F401 (known by name then)
        from tinykit.train.backend import keras

        path = CACHE / f"{self.name}{suffix}.keras"
        path = path if path.exists() else CACHE / f"{self.name}.keras"
        return keras.saving.load_model(path, compile=False)

    def int8(self, model: Any, train: Callable[[Any], object] | None = None) -> bytes:
        """Return the network quantized, after training or with it."""
        from tinykit.quantize.enhancement import quantize

        return quantize(model, self.calibration, self.spec, train=train)

    def cost(self, model: Any) -> Any:
        """Return what the int8 network costs on BOARD."""
        from tinykit.search.cost import measure

        return measure(self.int8(model), find(BOARD).processor, "balanced")

    def heard_db(self, gains: Callable[[np.ndarray], np.ndarray]) -> float:
        """Return the mean SI-SDR of HEARD validation mixtures by gains (frames, bands) of int8."""
        from tinykit.train.backend import keras
        from tinykit.train.enhance import batch
        from tinykit.train.enhancement_loss import EnhancementLoss

        loss = EnhancementLoss(self.spec, type(self.task.losses)(si_sdr=1.0, compressed=0.0))
        x, wanted = batch(self.sources, "validation", self.mixtures, self.spec, list(range(HEARD)))
        steps = np.round(x / self.spec.scale + self.spec.zero_point).astype(np.int8)
        given = np.stack([gains(rows) for rows in steps]).astype(np.float32)
        return float(-10 * keras.ops.mean(loss.call(wanted, given)))


def prune(name: str, pruning: int, fine_tuning: int) -> None:
    """Prune hidden units until both ratios hold."""
    from tinykit.compress.prune_units import prune as prune_units
    from tinykit.search.budget import Limit

    experiment = Experiment(name, "prune")
    model = experiment.load()
    before = experiment.cost(model)
    size = 4 * model.count_params() / SIZE
    limits = {
        "flash_bytes": Limit(int(size), f"{SIZE:g} times smaller than float"),
        "macs": Limit(int(before.macs / OPERATIONS), f"{OPERATIONS:g} times fewer operations"),
    }
    smaller, report = prune_units(
        model,
        experiment.task,
        limits,
        experiment.cost,
        (pruning, fine_tuning),
        (1e-3, 2e-3),
        progress_printer(),
        CACHE / f"{name}-prune.npz",
    )
    smaller.save(CACHE / f"{name}-pruned.keras")
    for path in CACHE.glob(f"{name}-prune.*npz"):
        path.unlink(missing_ok=True)
    float_bytes = 4 * model.count_params()
    add(
        experiment.row("pruned", pruning, fine_tuning)
        | {
            "float_bytes": float_bytes,
            "times_smaller": round(float_bytes / report["after"]["flash_bytes"], 2),
            "times_fewer_macs": round(before.macs / report["after"]["macs"], 2),
            **report,
        }
    )


def control(name: str, epochs: int) -> None:
    """Train the pruned network as long as `skip` does, on the same mixtures, without skipping."""
    experiment = Experiment(name, "skip", SKIPPING_EPOCH)
    task, model = experiment.task, experiment.load("-pruned")
    before, checkpoint = task.validate(model), CACHE / f"{name}-control.npz"
    task.fit(model, epochs, SKIPPING_RATE, "control", progress_printer(), checkpoint, None)
    model.save(CACHE / f"{name}-control.keras")
    add(
        experiment.row("control", epochs)
        | {"learning_rate": SKIPPING_RATE, "before": before, "after": task.validate(model)}
    )
    checkpoint.unlink(missing_ok=True)


def skip(name: str, epochs: int) -> None:
    """Teach the pruned network to skip inferences; with 0 epochs, try the gate as it begins."""
    from tinykit.compress.skip_updates import teach
    from tinykit.train.enhance import batch

    experiment = Experiment(name, "skip", SKIPPING_EPOCH)
    checkpoint, numbers = CACHE / f"{name}-skip.npz", list(range(experiment.mixtures.validation))
    x, _ = batch(experiment.sources, "validation", experiment.mixtures, experiment.spec, numbers)
    both, report = teach(
        experiment.load("-pruned"),
        experiment.task,
        x,
        SKIPPED,
        experiment.spec.scale,
        epochs,
        SKIPPING_RATE,
        progress_printer(),
        checkpoint,
    )
    if epochs:
        both.save(CACHE / f"{name}-skipping.keras")
    add(experiment.row("skipping", epochs) | {"learning_rate": SKIPPING_RATE} | report)
    checkpoint.unlink(missing_ok=True)


def quantize(name: str, epochs: int) -> None:
    """Compare post-training quantization with training through it."""
    from tinykit.compiler.golden import Golden
    from tinykit.quantize.enhancement import by_frame, to_real

    experiment = Experiment(name, "quantize")
    form = "-pruned" if (CACHE / f"{name}-pruned.keras").exists() else ""
    task, model = experiment.task, experiment.load(form)
    checkpoint = CACHE / f"{name}-quantize.npz"

    def train(network: Any) -> None:
        task.fit(
            network, epochs, QUANTIZATION_RATE, "quantize", progress_printer(), checkpoint, None
        )

    def golden_db(data: bytes) -> float:
        with Golden(data) as golden:
            return experiment.heard_db(
                lambda rows: (by_frame(golden)(rows).astype(np.float32) + 128) / 256
            )

    def float_gains(rows: np.ndarray) -> np.ndarray:
        return np.asarray(model(to_real(rows, experiment.spec)[None]))[0]

    trained = experiment.int8(model, train)
    paths.write_bytes(CACHE / f"{name}{form}-trained.tflite", trained)
    add(
        experiment.row("quantized", epochs)
        | {
            "heard": HEARD,
            "wide": False,
            "learning_rate": QUANTIZATION_RATE,
            "float_db": experiment.heard_db(float_gains),
            "post_training_db": golden_db(experiment.int8(model)),
            "trained_db": golden_db(trained),
        }
    )
    checkpoint.unlink(missing_ok=True)


def progress_printer() -> Callable[..., None]:
    """Print how far a training is, now and then."""
    started, busy = time.time(), time.process_time()

    def progress(what: str, done: int, total: int, **figures: float) -> None:
        if done % 10 == 0:
            shown = ", ".join(f"{key} {value:.4f}" for key, value in figures.items())
            cpu_s, wall_s = time.process_time() - busy, time.time() - started
            print(f"{what} {done}/{total} {shown}; {cpu_s:.0f} s CPU, {wall_s:.0f} s", flush=True)

    return progress


def add(row: dict[str, Any]) -> None:
    """Append a row to the ledger."""
    print(json.dumps(row, indent=1), flush=True)
    with LEDGER.open("a") as ledger:
        ledger.write(json.dumps(row) + "\n")


def read_ledger() -> list[dict[str, Any]]:
    """Return the rows so far."""
    return [json.loads(line) for line in LEDGER.read_text().splitlines()]


def page(rows: list[dict[str, Any]]) -> str:
    """Return the ledger as Markdown."""
    lines = [
        "# Enhancement: compression",
        "",
        "Made by `scripts/experiments/enhancement_compression.py table` from "
        "`enhancement-compression.jsonl`. SI-SDR in dB, mean over the validation",
        "mixtures, float unless said. One seed each; docs/compression.md says what is done, "
        "docs/results/enhancement.md has held-out speakers.",
        "Rows in the order they were made: all that comes after a pruning starts from what it "
        "left.",
        "",
    ]
    for row in rows:
        lines += [_TEXTS[row["kind"]](row), ""]
    return "\n".join(lines)


def _pruned(row: dict[str, Any]) -> str:
    before, after, steps = row["before"], row["after"], row["steps"]
    widths = [
        f"{name} {n} -> {row['widths_after'][name]}" for name, n in row["widths_before"].items()
    ]
    return "\n".join(
        [
            f"## {row['run']}, pruned",
            "",
            "| | float bytes | int8 flash | RAM | MACs a frame | SI-SDR |",
            "|---|---|---|---|---|---|",
            f"| baseline | {row['float_bytes']:,} | {before['flash_bytes']:,} | "
            f"{before['ram_bytes']:,} | {before['macs']:,} | {before['si_sdr_db']:.2f} |",
            f"| pruned | | | | | {row['pruned']['si_sdr_db']:.2f} |",
            f"| fine-tuned | | {after['flash_bytes']:,} | {after['ram_bytes']:,} | "
            f"{after['macs']:,} | {after['si_sdr_db']:.2f} |",
            "",
            f"{row['times_smaller']:g} times smaller (int8 flash, code included, beside float "
            f"weights), {row['times_fewer_macs']:g} times fewer MACs. {', '.join(widths)}.",
            f"{len(steps) - 1} epochs of pruning, {row['epochs'][1]} of fine-tuning, "
            f"{row['mixtures_per_epoch']} mixtures each; board {BOARD}; seed {row['seed']}.",
        ]
    )


def _trained_on(row: dict[str, Any]) -> str:
    return (
        f"{row['before']['si_sdr_db']:.2f} to {row['after']['si_sdr_db']:.2f} dB; "
        f"{row['epochs'][0]} epochs of {row['mixtures_per_epoch']} mixtures, seed {row['seed']}."
    )


def _control(row: dict[str, Any]) -> str:
    return f"## {row['run']}, pruned, trained on without skipping\n\n{_trained_on(row)}"


def _skipping(row: dict[str, Any]) -> str:
    how = "skipping" if row["epochs"][0] else "skipping by the change of the features, not trained"
    skipped = 100 * (1 - row["updates"])
    return f"## {row['run']}, {how}\n\n{skipped:.1f} % of the inferences. {_trained_on(row)}"


def _quantized(row: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"## {row['run']}, quantized",
            "",
            f"{'16x8' if row['wide'] else 'int8'}, golden interpreter, {row['heard']} validation "
            f"mixtures: float {row['float_db']:.2f}, post-training {row['post_training_db']:.2f}, "
            f"trained through quantization {row['trained_db']:.2f} ({row['epochs'][0]} epochs of "
            f"{row['mixtures_per_epoch']} mixtures, learning rate {row['learning_rate']:g}, seed "
            f"{row['seed']}).",
        ]
    )


_TEXTS = {
    "pruned": _pruned,
    "control": _control,
    "skipping": _skipping,
    "quantized": _quantized,
}


if __name__ == "__main__":
    sys.exit(main())
