"""The table of stages, in order: what each reads and writes, and what it depends on."""

from __future__ import annotations

from typing import Any

from tinykit.pipeline import building, compiling, files, fitting, proving, reporting, training
from tinykit.pipeline.stage import Stage
from tinykit.project import Project


def _table(*names: str) -> Any:
    """Return a function that gives tables of `tinykit.toml` by name."""

    def settings(project: Project) -> dict[str, Any]:
        return {f"[{name}]": getattr(project.config, name) for name in names}

    return settings


def _compile(project: Project) -> dict[str, Any]:
    return {
        "[compile]": project.config.compile,
        "[budget]": project.config.budget,
        "board": project.board,
    }


def _generate(project: Project) -> dict[str, Any]:
    tables = {"[project]": project.config.project, "[decision]": project.config.decision}
    return tables | {"board": project.board}


def _board(project: Project) -> dict[str, Any]:
    return {"board": project.board}


def _test(project: Project) -> dict[str, Any]:
    return {
        "[test]": project.config.test,
        "[budget]": project.config.budget,
        "board": project.board,
    }


_FRONT_END = tuple(
    f"audio/{name}.py"
    for name in (
        *("ctable", "fixed_point", "frontend_c", "frontend_mel", "frontend_tables", "spec"),
        *("micro_c", "micro_spec", "micro_tables", "fft_tables"),
        *("spectrum_c", "stft", "stft_spec"),
    )
)
_TRAINING = ("audio", "models", "train", "recipes")

STAGES = (
    Stage(
        "train",
        "Train a model on the project's data.",
        training.train,
        writes=(files.DATA, files.FEATURES, files.TRAINED, files.TRAIN),
        settings=training.train_settings,
        code=_TRAINING,
    ),
    Stage(
        "compress",
        "Make the trained model fit the budget.",
        training.compress,
        reads=(files.TRAINED, files.FEATURES),
        writes=(files.COMPRESSED, files.COMPRESS),
        settings=training.compress_settings,
        code=("compress", "search", "train", "quantize", "compiler", "kernels"),
    ),
    Stage(
        "quantize",
        "Quantize to int8 and make golden test vectors.",
        training.quantize,
        reads=(files.COMPRESSED, files.FEATURES),
        writes=(files.TFLITE, files.VECTORS, files.QUANTIZE),
        settings=training.quantize_settings,
        code=("quantize",),
    ),
    Stage(
        "compile",
        "Compile model.tflite to C with a static memory plan.",
        compiling.run,
        reads=(files.TFLITE,),
        writes=(files.SOURCES, files.PLAN),
        settings=_compile,
        code=("compiler", "kernels", *_FRONT_END),
    ),
    Stage(
        "fit",
        "Fit the decision on a long recording, and judge it on another.",
        fitting.run,
        reads=(files.TFLITE, files.PLAN),
        writes=(files.STREAMS, files.DECISION, files.HELD_OUT),
        settings=fitting.settings,
        code=("audio", "evaluate", "pipeline/fitting.py"),
        wanted=fitting.wanted,
    ),
    Stage(
        "generate",
        "Write the firmware project.",
        building.generate,
        reads=(files.SOURCES, files.PLAN),
        may_read=(files.DECISION,),
        writes=(files.FIRMWARE_MANIFEST,),
        settings=_generate,
        after=("fit",),
        code=("firmware", "boards", "templates", "audio/decision.py"),
    ),
    Stage(
        "build",
        "Compile and link the firmware with PlatformIO.",
        building.build,
        reads=(files.FIRMWARE_MANIFEST, files.FIRMWARE),
        writes=(files.ELF, files.BUILD),
        settings=_board,
    ),
    Stage(
        "flash",
        "Put the firmware on the device, or start the emulator with it.",
        building.flash,
        reads=(files.ELF, files.BUILD),
    ),
    Stage(
        "test",
        "Compare the device's results byte for byte, and measure.",
        proving.run,
        reads=(files.TFLITE, files.PLAN, files.ELF, files.BUILD),
        may_read=(files.VECTORS, files.MIXTURES),
        writes=(files.DEVICE,),
        settings=_test,
        code=("device",),
        before=("flash",),
    ),
    Stage(
        "report",
        "Write report.html, report.md and report.json.",
        reporting.run,
        reads=(files.PLAN, files.DEVICE),
        may_read=(
            *(files.DATA, files.TRAIN, files.COMPRESS, files.QUANTIZE, files.BUILD),
            *(files.LISTENING, files.HELD_OUT, files.ENHANCED),
        ),
        writes=files.REPORTS,
        settings=_table("project", "budget"),
        code=("report",),
    ),
)
"""Every stage, in order."""
