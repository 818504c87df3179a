"""test: the device computes what the model computes, byte for byte; measured while it does."""

from __future__ import annotations

import msgspec

from tinykit import programs
from tinykit.audio.spec import FeatureSpec
from tinykit.device.validate import validate
from tinykit.errors import MismatchError
from tinykit.pipeline import (
    budget,
    building,
    files,
    hearing,
    hops,
    proving_audio,
    tracing,
    vectors,
)
from tinykit.pipeline.talking import client
from tinykit.progress import Progress
from tinykit.project import Project


def run(project: Project, progress: Progress) -> None:
    """Send golden vectors to the device, compare what comes back, measure, hold the budget."""
    settings = project.config.test
    found, origin = vectors.for_model(project)
    chosen = vectors.some(found, settings.vectors, settings.audio_clips)
    plan = files.read_json(project.path(files.PLAN))
    stream, clips = plan.get("hop_rows") is not None, chosen.audio
    if stream:
        chosen, origin = hops.vectors(project, chosen), f"{origin} as a stream"
    spec = msgspec.convert(plan["features"], FeatureSpec | None)
    chosen = hearing.with_audio(chosen, spec, clips, settings.audio_clips)
    made = building.firmware(project)
    enhanced = None
    with client(project) as device:
        result = validate(
            device,
            chosen,
            model_sha256=plan["sha256"],
            board=project.board.id,
            build=made.id,
            stream=stream,
            progress=progress,
        )
        if plan.get("spectrum") and settings.audio_clips:
            enhanced = proving_audio.run(project, device, progress)
    traced = tracing.run(project, chosen, result, progress)
    manifest = result.to_json() | {
        "vectors": len(chosen.x),
        "host_accuracy": vectors.accuracy(chosen),
        "vectors_from": origin,
        "elf_sha256": made.sha256,
        "op_costs": traced.costs,
        "first_diverging_op": traced.divergence,
    }
    if enhanced:
        manifest["enhancer"] = enhanced.manifest
        manifest["exact"] = result.exact and enhanced.result.exact
    architecture = project.board.processor.architecture
    if project.board.emulator and architecture:
        manifest["emulator"] = f"{architecture.qemu} {programs.version(architecture.qemu)}"
    files.write_json(project.path(files.DEVICE), manifest)
    if not result.exact:
        where = f"; first diverging op: {traced.divergence}" if traced.divergence else ""
        raise MismatchError(
            f"{project.board.id}: {result.mismatches} of {result.inputs_tested} inputs differ; "
            f"first: {result.first_mismatch}{where}",
            'try optimize = "size" or another C compiler: does it still differ?',
        )
    if enhanced:
        enhanced.require_exact(project)
    budget.check(project, plan, manifest)
