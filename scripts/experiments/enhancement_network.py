"""A network of the enhancement experiments by name: as it is exported, heard in float, in integers.

`lstm-l-3` is a run of `enhancement.py`; `lstm-l-3-pruned`, `lstm-l-3-skipping` and
`lstm-l-3-control` are what `enhancement_compression.py` made of it. Models (.keras, .tflite) lie
in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.enhancer import Skipping as Asked
from tinykit.audio.stft_spec import StftSpec

FORMS = ("", "-pruned", "-control", "-skipping")
KINDS = ("int8", "16x8", "trained")
"""Quantized after training, likewise with int16 activations, int8 trained on its own grids."""


def split(name: str) -> tuple[str, str]:
    """Return the run and the form of it that a name means."""
    form = next(form for form in reversed(FORMS) if name.endswith(form))
    return name.removesuffix(form), form


@dataclass(frozen=True)
class Network:
    """A trained network: `exported` is what is quantized, `heard` gives the gains of sequences."""

    exported: Any
    heard: Any


def load(path: Path, spec: StftSpec) -> Network:
    """Return the network of a .keras file."""
    from tinykit.compress.skip_updates import as_heard
    from tinykit.recipes import artifacts

    model = artifacts.load_model(path)
    return Network(model, as_heard(model, spec.scale))


def in_integers(
    data: bytes, spec: StftSpec, recordings: list[NDArray[np.int16]]
) -> tuple[list[NDArray[np.int16]], float]:
    """Return what a .tflite makes of recordings, as the device does, and how often it is asked.

    Without the delay; the golden interpreter between the integer transforms. The second value is
    the share of hops in which the model runs.
    """
    from tinykit.compiler.golden import Golden
    from tinykit.compiler.reader import read_tflite
    from tinykit.quantize.enhancement import by_frame
    from tinykit.recipes.enhanced_audio import enhanced

    graph = read_tflite(data)
    skips = graph.tensors[graph.outputs[0]].size > spec.bands
    made, hops, updates = [], 0, 0
    with Golden(data) as golden:
        for one in recordings:
            model = Asked(by_frame(golden)) if skips else by_frame(golden)
            made.append(enhanced(one, spec, model))
            if isinstance(model, Asked):
                hops, updates = hops + model.hops, updates + model.updates
    return made, updates / hops if hops else 1.0
