"""enhance: a recording of the user's, by the twin on this computer or by the device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.audio import enhancer, wav
from tinykit.audio.stft_spec import StftSpec
from tinykit.device.enhance import difference
from tinykit.device.validate import check_firmware
from tinykit.errors import DataError, MismatchError
from tinykit.pipeline import files
from tinykit.pipeline.enhancing import Twin
from tinykit.pipeline.talking import client
from tinykit.progress import Progress
from tinykit.project import Project


def run(
    project: Project, source: Path, target: Path, on_device: bool, progress: Progress
) -> dict[str, Any]:
    """Enhance `source` and write `target`: as long, and in step with it.

    With `on_device`, the running device does it, and every sample must be the twin's.

    Raises
    ------
    DataError
        When the recording cannot be read, or has another sample rate than the model.
    DeviceError
        When the device misbehaves, or runs other firmware.
    MismatchError
        When it gives another sample.
    """
    with Twin(project) as twin:
        spec = twin.spec
        audio = enhancer.lengthened(_read(source, spec), spec)
        made = twin.enhance(audio, progress)
    if on_device:
        made = _on_device(project, audio, made, progress)
    wav.write(target, enhancer.aligned(made, spec), spec.sample_rate_hz)
    return {
        "output": str(target),
        "seconds": (len(audio) - spec.delay_samples) / spec.sample_rate_hz,
        "delay_ms": 1000 * spec.delay_samples / spec.sample_rate_hz,
        "by": project.board.id if on_device else "this computer",
    }


def _read(source: Path, spec: StftSpec) -> NDArray[np.int16]:
    needed = f"give a recording of {spec.sample_rate_hz} Hz, such as a 16-bit .wav"
    try:
        rate_hz = wav.info(source).rate_hz
        if rate_hz != spec.sample_rate_hz:
            raise DataError(f"{source}: {rate_hz} Hz, this model works at {spec.sample_rate_hz} Hz")
        return wav.read(source, rate_hz)
    except DataError as reason:
        raise DataError(reason.message, needed) from None


def _on_device(
    project: Project, audio: NDArray[np.int16], twin: NDArray[np.int16], progress: Progress
) -> NDArray[np.int16]:
    sha256 = files.read_json(project.path(files.PLAN))["sha256"]
    with client(project) as device:
        check_firmware(device.hello(), sha256, project.board.id)
        made = device.enhance(audio, progress)
    differs = difference(made, twin)
    if differs:
        raise MismatchError(
            f"{project.board.id}: {differs}",
            "tinykit test compares the model, too, and names the first op that differs",
        )
    return made
