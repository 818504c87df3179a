"""compile: `model.tflite` to C, with what it costs in flash and RAM."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from tinykit import paths, programs
from tinykit.audio import frontend_c, spectrum_c
from tinykit.audio.spec import LABELS_KEY, METADATA_KEY, FeatureSpec
from tinykit.audio.stft_spec import StftSpec
from tinykit.board import Board, Core
from tinykit.compiler import CompiledModel, compile_model, ir
from tinykit.compiler.compiled import transform
from tinykit.compiler.ir import Graph
from tinykit.compiler.lower import Mode
from tinykit.compiler.measure import footprint, link
from tinykit.compiler.reader import read_tflite
from tinykit.config import Compile
from tinykit.errors import ModelError
from tinykit.pipeline import budget, enhancing, files, listening
from tinykit.progress import Progress
from tinykit.project import Project

MODEL_FOLDER, FEATURES_FOLDER, SPECTRUM_FOLDER = "model", "features", "spectrum"

FRONT_ENDS = {
    "tk_features": ("tk_features_push", "tk_features_reset"),
    "tk_spectrum": ("tk_spectrum_analyse", "tk_spectrum_reset", "tk_spectrum_synthesize"),
}
"""The functions by which a firmware uses a front end, or the transforms of an enhancer."""


def run(project: Project, progress: Progress) -> None:
    """Compile the project's model; fail when a budget does not hold."""
    data = project.path(files.TFLITE).read_bytes()
    compiled, plan = compile_for(data, project.board, project.config.compile, progress)
    write(compiled, project.path(files.SOURCES))
    files.write_json(project.path(files.PLAN), plan)
    budget.check(project, plan)


def compile_for(
    data: bytes, board: Board, settings: Compile, progress: Progress
) -> tuple[CompiledModel, dict[str, Any]]:
    """Compile a .tflite for a board; return the model and the content of `plan.json`.

    Raises
    ------
    ModelError
        When the model cannot be compiled, or says of its front end or its spectrum what does not
        fit it.
    ToolError
        When the C compiler that measures it is missing.
    """
    core = board.processor
    progress("compile", 0, 2)
    compiled = compile_model(
        data,
        core,
        settings.optimize,
        stream=settings.stream,
        phases=settings.phases,
        stripes=settings.stripes,
    )
    spec, names = feature_spec(compiled.source_graph), labels(compiled.graph)
    spectrum = enhancing.spectrum_spec(compiled.source_graph)
    progress("measure", 1, 2)
    plan = compiled.plan_json() | {
        "board": board.id,
        "labels": names,
        "features": msgspec.to_builtins(spec) if spec else None,
        "listening": listening.plan_entry(compiled, spec, names),
        "spectrum": msgspec.to_builtins(spectrum) if spectrum else None,
        **_measured(compiled, core),
        "front_end": front_end_bytes(spec or spectrum, core, settings.optimize),
    }
    progress("compile", 2, 2)
    return compiled, plan


def write(compiled: CompiledModel, folder: Path) -> None:
    """Write the C of the model, and of the front end or spectrum that it names, by folder."""
    tree = {MODEL_FOLDER: compiled.sources}
    if spec := feature_spec(compiled.source_graph):
        tree[FEATURES_FOLDER] = frontend_c.sources(spec)
    if spectrum := enhancing.spectrum_spec(compiled.source_graph):
        tree[SPECTRUM_FOLDER] = spectrum_c.sources(spectrum)
    with paths.atomic_dir(folder) as temporary:
        for part, sources in tree.items():
            (temporary / part).mkdir()
            for name, text in sources.items():
                (temporary / part / name).write_text(text, encoding="utf-8", newline="\n")


def dump(data: bytes, stream: bool = False, phases: bool = False) -> list[str]:
    """Return the model as text: as read, and after every pass.

    Raises
    ------
    ModelError
        When the model cannot be read, or with `stream`, not be streamed.
    """
    texts: list[str] = []

    def keep(name: str, graph: Graph) -> None:
        texts.append(f"== {name}\n{ir.dump(graph)}")

    transform(read_tflite(data), stream, keep, phases)
    return texts


def _measured(compiled: CompiledModel, core: Core) -> dict[str, Any]:
    """Return code, constants and static bytes as linked; nothing for a core we cannot link for."""
    if core.architecture is None:
        return {}
    gcc = core.architecture.prefix + "gcc"
    size = asdict(footprint(compiled))
    kept = ("code_bytes", "const_bytes", "static_bytes")
    return {name: size[name] for name in kept} | {
        "stack_bound_bytes": size["stack_bytes"],
        "compiler": f"{gcc} {programs.version(gcc)}",
    }


def front_end_bytes(
    spec: FeatureSpec | StftSpec | None, core: Core, optimize: Mode
) -> dict[str, int] | None:
    """Return code, constants and variables of what stands around the model.

    None where nothing does, or we cannot link.
    """
    if spec is None or core.architecture is None:
        return None
    sources, unit = (
        (frontend_c.sources(spec), "tk_features")
        if isinstance(spec, FeatureSpec)
        else (spectrum_c.sources(spec), "tk_spectrum")
    )
    linked = link(sources, unit, FRONT_ENDS[unit], core, optimize)
    return {
        "code_bytes": linked.code_bytes,
        "const_bytes": linked.const_bytes,
        "static_bytes": linked.variable_bytes,
    }


def feature_spec(graph: Graph) -> FeatureSpec | None:
    """Return the front end that the model names; None when it takes tensors only.

    Raises
    ------
    ModelError
        When the model's metadata is not a `FeatureSpec`, or the front end does not fit the input.
    """
    raw = graph.metadata.get(METADATA_KEY)
    if raw is None:
        return None
    try:
        spec = msgspec.json.decode(raw, type=FeatureSpec)
    except msgspec.DecodeError as reason:
        raise ModelError(
            f"metadata {METADATA_KEY}: {reason}", "made by another version of tinykit? Train again"
        ) from None
    size = graph.tensors[graph.inputs[0]].size
    remembers = any(tensor.state for tensor in graph.tensors.values())
    if size != spec.frames * spec.width and (size % spec.width or not remembers):
        raise ModelError(
            f"the front end gives {spec.frames} x {spec.width} values, the model takes {size}",
            f"correct or remove the metadata {METADATA_KEY}",
        )
    return spec


def labels(graph: Graph) -> list[str]:
    """Return the names of the classes that the model carries; none when it carries none."""
    raw = graph.metadata.get(LABELS_KEY)
    try:
        return msgspec.json.decode(raw, type=list[str]) if raw else []
    except msgspec.DecodeError as reason:
        raise ModelError(f"metadata {LABELS_KEY}: {reason}", "a JSON list of strings") from None
