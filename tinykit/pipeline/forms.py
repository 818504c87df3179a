"""One model in all its forms over one recording: in float, int8 window by window, and streamed.

Every form is judged at the same times by the same decision, so that they differ in nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.errors import ModelError
from tinykit.pipeline import files, listening
from tinykit.pipeline.evaluation import Recording
from tinykit.pipeline.training import require_installed
from tinykit.progress import Progress

FLOAT, WINDOWS, STREAM, DEVICE = "float", "int8, window by window", "int8, streamed", "device"

_BATCH = 500


def side_by_side(
    recording: Recording, device: dict[str, Any] | None, progress: Progress
) -> list[dict[str, Any]]:
    """Return a row for each form: how good its decisions are, or why it was not judged.

    Parameters
    ----------
    device : dict or None
        What `Recording.compare` found: the device's decisions are those of its own form, or it
        would have raised.
    """
    ours = STREAM if recording.twin.listener.window_rows == 0 else WINDOWS
    rows = []
    for form, make in ((FLOAT, _float), (WINDOWS, _windows), (STREAM, _stream)):
        try:
            outputs = recording.outputs if form == ours else make(recording, progress)
        except ModelError as reason:
            rows.append({"form": form, "why_not": reason.message})
            continue
        rows.append({"form": form, **recording.judge(outputs)[0]})
    if device is None:
        return [*rows, {"form": DEVICE, "why_not": "not asked for: --device"}]
    own = next(row for row in rows if row["form"] == ours)
    return [*rows, {**own, "form": f"{DEVICE}: {device['board']}"}]


def _windows(recording: Recording, progress: Progress) -> NDArray[Any]:
    twin = recording.twin
    if not twin.stream:
        raise ModelError("the model keeps state of its own", "")
    compiled = listening.compiled(recording.project, stream=False)
    ends = twin.ends(recording.rows)
    return listening.outputs(compiled, twin.spec, recording.rows, ends, progress)


def _stream(recording: Recording, progress: Progress) -> NDArray[Any]:
    twin = recording.twin
    compiled = listening.compiled(recording.project, stream=True)
    assert compiled.stream is not None
    ends, hop = twin.ends(recording.rows), compiled.stream.hop_rows
    if ends.start % hop or ends.step % hop:
        raise ModelError(
            f"a hop is {hop} rows, decisions fall every {ends.step} after {ends.start}", ""
        )
    return listening.outputs(compiled, twin.spec, recording.rows, ends, progress)


def _float(recording: Recording, progress: Progress) -> NDArray[Any]:
    """Return the float model's probabilities as steps of the int8 model's output."""
    project, twin = recording.project, recording.twin
    path = project.path(files.COMPRESSED)
    made = project.path(files.QUANTIZE)
    plan = files.read_json(project.path(files.PLAN))
    if not path.exists() or not made.exists() or files.read_json(made)["sha256"] != plan["sha256"]:
        raise ModelError("there is no float model that it was made from", "")
    require_installed()
    from tinykit.quantize.float_model import FloatModel  # imports TensorFlow

    model = FloatModel(path)
    frames, output = twin.spec.frames, plan["listening"]
    ends = [end for end in twin.ends(recording.rows) if end >= frames]
    found = np.full_like(recording.outputs, output["zero_point"])
    skipped = len(found) - len(ends)
    limits = np.iinfo(found.dtype)
    for at in range(0, len(ends), _BATCH):
        progress("hear in float", at, len(ends))
        some = [recording.rows[end - frames : end] for end in ends[at : at + _BATCH]]
        probabilities = model.probabilities(np.stack(some), twin.spec)
        steps = np.round(probabilities / output["scale"]) + output["zero_point"]
        rows = slice(skipped + at, skipped + at + len(some))
        found[rows] = np.clip(steps, limits.min, limits.max).astype(found.dtype)
    return found
