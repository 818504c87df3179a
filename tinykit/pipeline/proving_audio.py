"""test, of an enhancer: noisy audio to the device, and what comes back beside the twin's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit import paths
from tinykit.audio import enhancer
from tinykit.device.client import Client
from tinykit.device.enhance import EnhancerResult, validate_enhancer
from tinykit.errors import MismatchError
from tinykit.pipeline import enhancing, files, mixtures, sound_quality
from tinykit.pipeline.mixtures import Mixtures
from tinykit.pipeline.realtime import real_time
from tinykit.progress import Progress
from tinykit.project import Project


@dataclass(frozen=True)
class Enhanced:
    """What was proven of the audio, and `enhancer` of `device.json`."""

    result: EnhancerResult
    manifest: dict[str, Any]

    def require_exact(self, project: Project) -> None:
        """Raise MismatchError unless every sample was the twin's."""
        result = self.result
        if not result.exact:
            raise MismatchError(
                f"{project.board.id}: {result.mismatches} of {result.recordings} enhanced "
                f"recordings differ from the twin's; first: {result.first_mismatch}",
                "the model alone gave the right bytes: was lib/tk_spectrum or lib/tk_enhancer "
                "changed? tinykit generate",
            )


def run(project: Project, device: Client, progress: Progress) -> Enhanced:
    """Let the device enhance recordings, and compare every sample.

    What came back is kept in `enhanced.npz`, without the delay.
    """
    with enhancing.Twin(project) as twin:
        spec = twin.spec
        chosen = mixtures.load(project, spec).first(project.config.test.audio_clips)
        recordings = [enhancer.lengthened(noisy, spec) for noisy in chosen.noisy]
        expected, updates = [], []
        for recording in recordings:
            expected.append(twin.enhance(recording))
            updates += [twin.skipping.updates] if twin.skipping else []
    result = validate_enhancer(device, recordings, expected, progress)
    here = [enhancer.aligned(made, spec) for made in expected]
    there = [enhancer.aligned(made, spec) for made in result.enhanced]
    unit, rate_hz = device.info.unit, spec.sample_rate_hz
    manifest = result.to_json(unit) | {
        "recordings_from": chosen.origin,
        "sample_rate_hz": rate_hz,
        "hop_ms": 1000 * spec.hop_samples / rate_hz,
        "delay_ms": 1000 * spec.delay_samples / rate_hz,
        "real_time": real_time(result.most_per_hop, unit, spec, project),
        "quality": sound_quality.measure(chosen, here, there, rate_hz),
    }
    if updates:  # a model that says when it runs again
        manifest["inferences"] = sum(updates)
    _keep(project, chosen, there)
    return Enhanced(result, manifest)


def _keep(project: Project, chosen: Mixtures, device: list[NDArray[np.int16]]) -> None:
    """Write what went in and what came back, for the report."""
    known: dict[str, Any] = {
        "device": np.stack(device),
        "noisy": chosen.noisy,
        "clean": chosen.clean,
        "float": chosen.by_float,
        "snr_db": chosen.snr_db,
    }
    arrays = {name: array for name, array in known.items() if array is not None}
    with paths.atomic_path(project.path(files.ENHANCED)) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
