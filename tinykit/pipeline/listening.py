"""Hearing a recording: what the device decides, and the same decisions on this computer.

The twin is numpy from samples to rows and from outputs to decisions; between them runs the
generated C of the model, on this computer.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit.audio import frontend
from tinykit.audio.decision import Decision, Detection, Listener, listener
from tinykit.audio.spec import FeatureSpec
from tinykit.compiler import CompiledModel, compile_model
from tinykit.compiler.host import HostModel
from tinykit.compiler.periods import output_periods
from tinykit.errors import DataError, ModelError
from tinykit.pipeline import files
from tinykit.pipeline.talking import client
from tinykit.progress import Progress, silent
from tinykit.project import Project

_SOME = 500  # inferences between two reports of progress


def plan_entry(
    compiled: CompiledModel, spec: FeatureSpec | None, labels: list[str]
) -> dict[str, Any] | None:
    """Return what `plan.json` says of listening: None for a model that cannot.

    It needs a front end, one input of whole rows, one output with a value for each class.
    """
    graph = compiled.graph
    if spec is None or (len(graph.inputs), len(graph.outputs)) != (1, 1):
        return None
    given, result = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    if result.size != len(labels) or result.dtype.itemsize != 1 or given.size % spec.width:
        return None
    assert result.quantization is not None
    return {
        "input_rows": given.size // spec.width,
        "streams": given.size != spec.frames * spec.width,
        "scale": float(result.quantization.scale[0]),
        "zero_point": int(result.quantization.zero_point[0]),
        "unsigned": result.dtype == np.uint8,
        "output_period": output_periods(graph)[0],
    }


def decision(project: Project) -> Decision:
    """Return how the project decides: as fitted (`build/decision.json`), else as configured.

    Raises
    ------
    DataError
        When `decision.json` is damaged.
    """
    path = project.path(files.DECISION)
    if not path.exists():
        return project.config.decision
    try:
        return msgspec.convert(files.read_json(path)["decision"], Decision)
    except (KeyError, msgspec.ValidationError) as reason:
        raise DataError(f"{path}: {reason}", "delete it, or fit it again") from None


def for_plan(decision: Decision, plan: dict[str, Any]) -> Listener | None:
    """Return `decision` for the model of `plan`; None when it cannot listen."""
    if plan.get("listening") is None:
        return None
    spec = msgspec.convert(plan["features"], FeatureSpec)
    return listener(decision, spec, plan["labels"], **plan["listening"])


class Twin:
    """The project's device on this computer.

    Raises
    ------
    ModelError
        When the project's model cannot listen.
    """

    def __init__(self, project: Project) -> None:
        plan = files.read_json(project.path(files.PLAN))
        found = for_plan(decision(project), plan)
        if found is None:
            raise ModelError(
                "this model cannot listen: it needs a front end, and one output with a value for "
                "each class it has a name for",
                "train it in a project, or import one with its manifest: tinykit import",
            )
        self.listener = found
        self.spec = msgspec.convert(plan["features"], FeatureSpec)
        self.stream = project.config.compile.stream
        self._compiled = compiled(project, self.stream)

    def rows(self, audio: NDArray[np.int16]) -> NDArray[np.int8]:
        """Return the front end's rows of a recording: int8 (rows, width)."""
        return frontend.stream(audio, self.spec)

    def ends(self, rows: NDArray[np.int8]) -> range:
        """Return how many of `rows` had been heard at each inference."""
        return range(self.listener.first_row, len(rows) + 1, self.listener.step_rows)

    def outputs(self, rows: NDArray[np.int8], progress: Progress = silent) -> NDArray[Any]:
        """Return the model's outputs over a recording, from the first inference on.

        Parameters
        ----------
        rows : int8 (rows, width)

        Returns
        -------
        int8 or uint8 (inferences, classes)
        """
        return outputs(self._compiled, self.spec, rows, self.ends(rows), progress)


def compiled(project: Project, stream: bool) -> CompiledModel:
    """Return the project's model for its board, as a stream or as it is.

    Raises
    ------
    ModelError
        When it cannot be compiled, or not be streamed.
    """
    settings = project.config.compile
    return compile_model(
        project.path(files.TFLITE).read_bytes(),
        project.board.processor,
        settings.optimize,
        stream=stream,
        phases=stream and settings.phases,
        stripes=settings.stripes,
    )


def outputs(
    compiled: CompiledModel,
    spec: FeatureSpec,
    rows: NDArray[np.int8],
    ends: range,
    progress: Progress = silent,
) -> NDArray[Any]:
    """Return what a model gives when `ends[i]` rows were heard: (len(ends), classes).

    A model that takes fewer rows than a clip remembers: it gets all of them in order, and `ends`
    are multiples of what it takes. Where another has not heard a whole clip, it gives its zero
    point.
    """
    graph = compiled.graph
    given, result = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    takes = given.size // spec.width
    made = np.full((len(ends), result.size), result.zero_point, result.dtype)
    with HostModel(compiled) as model:
        if takes == spec.frames:
            for index, end in enumerate(ends):
                if index % _SOME == 0:
                    progress("hear", index, len(ends))
                if end >= takes:
                    model.reset()  # each window is a clip of its own
                    window = rows[end - takes : end].reshape(given.shape)
                    made[index] = model.run([window])[0].reshape(-1)
        else:
            index_of = {end: index for index, end in enumerate(ends)}
            for end in range(takes, len(rows) + 1, takes):
                if end % _SOME == 0:
                    progress("hear", end, len(rows))
                hop = model.run([rows[end - takes : end].reshape(given.shape)])[0]
                if end in index_of:
                    made[index_of[end]] = hop.reshape(-1)
    progress("hear", len(ends), len(ends))
    return made


def on_device(
    project: Project, audio: NDArray[np.int16], progress: Progress = silent
) -> list[Detection]:
    """Return what the running device reports over a recording."""
    with client(project) as device:
        return [Detection(*found) for found in device.listen(audio, progress)]
