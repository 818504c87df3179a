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
        settings = project.config.compile
        self._compiled = compile_model(
            project.path(files.TFLITE).read_bytes(),
            project.board.processor,
            settings.optimize,
            stream=settings.stream,
            stripes=settings.stripes,
        )

    def outputs(self, audio: NDArray[np.int16], progress: Progress = silent) -> NDArray[Any]:
        """Return the model's outputs over a recording, from the first inference on.

        Parameters
        ----------
        audio : int16 (samples,)

        Returns
        -------
        int8 or uint8 (inferences, classes)
        """
        rows = frontend.stream(audio, self.spec)
        how, graph = self.listener, self._compiled.graph
        shape = graph.tensors[graph.inputs[0]].shape
        ends = range(how.first_row, len(rows) + 1, how.step_rows)
        made = np.zeros((len(ends), len(how.labels)), graph.tensors[graph.outputs[0]].dtype)
        with HostModel(self._compiled) as model:
            for index, end in enumerate(ends):
                if index % _SOME == 0:
                    progress("hear", index, len(ends))
                if how.window_rows:
                    model.reset()  # each window is a clip of its own
                given = rows[end - how.first_row : end].reshape(shape)
                made[index] = model.run([given])[0].reshape(-1)
        progress("hear", len(ends), len(ends))
        return made


def on_device(
    project: Project, audio: NDArray[np.int16], progress: Progress = silent
) -> list[Detection]:
    """Return what the running device reports over a recording."""
    with client(project) as device:
        return [Detection(*found) for found in device.listen(audio, progress)]
