"""What training needs to go on after an interruption, in one file that is whole or not there."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from tinykit import paths

Arrays = list[NDArray[Any]]


class Epoch(msgspec.Struct, frozen=True):
    """Figures of one epoch. `loss` includes label smoothing, `validation_loss` does not."""

    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float


E = TypeVar("E")


class State(msgspec.Struct, Generic[E]):
    """Where training stands, apart from the arrays; `E` has the figures of an epoch."""

    identity: str  # of the model, data and settings; another one must not resume from this
    history: list[E]
    best_epoch: int  # index into history

    def patience_is_over(self, patience: int) -> bool:
        """Whether the best epoch is `patience` epochs ago, or more; never with 0."""
        return bool(self.history) and 0 < patience <= len(self.history) - 1 - self.best_epoch


@dataclass(frozen=True)
class History(Generic[E]):
    """What happened, epoch by epoch; the model was left with the weights of `best_epoch`."""

    epochs: list[E]
    best_epoch: int

    @property
    def best(self) -> E:
        """The epoch whose weights the model has."""
        return self.epochs[self.best_epoch]


@dataclass
class Checkpoint(Generic[E]):
    """The state after an epoch.

    `variables` are the model's (weights, moving averages, random seeds), `optimizer` the
    optimizer's, `best` the model's weights after its best epoch; each in Keras's order.
    """

    state: State[E]
    variables: Arrays = field(default_factory=list)
    optimizer: Arrays = field(default_factory=list)
    best: Arrays = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write one .npz, atomically."""
        arrays = {
            f"{group}_{index}": array
            for group in ("variables", "optimizer", "best")
            for index, array in enumerate(getattr(self, group))
        }
        state = np.frombuffer(msgspec.json.encode(self.state), np.uint8)
        with paths.atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, state=state, **arrays)


def identity(model: Any, data: bytes, settings: bytes) -> str:
    """Return a hash of all that determines the result of training a Keras model."""
    weights = b"".join(array.tobytes() for array in model.get_weights())
    network = json.dumps(model.get_config(), default=str)
    return paths.sha256_bytes(data + weights + network.encode() + settings)


def keep(model: Any, now: Checkpoint[Any]) -> None:
    """Take the arrays of a Keras model and its optimizer into the checkpoint."""
    now.variables = [np.asarray(one) for one in model.variables]
    now.optimizer = [np.asarray(one) for one in model.optimizer.variables]


def restore(model: Any, found: Checkpoint[Any]) -> None:
    """Give a Keras model and its optimizer the arrays of a checkpoint."""
    for variable, value in zip(model.variables, found.variables, strict=True):
        variable.assign(value)
    for variable, value in zip(model.optimizer.variables, found.optimizer, strict=True):
        variable.assign(value)


def load(path: Path, identity: str, epoch: type[E]) -> Checkpoint[E] | None:
    """Return the checkpoint at `path`; None when there is none of this identity that is sound."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            state = msgspec.json.decode(file["state"].tobytes(), type=State[epoch])  # type: ignore[valid-type]
            if state.identity != identity:
                return None
            groups: dict[str, Arrays] = {}
            for group in ("variables", "optimizer", "best"):
                count = sum(name.startswith(f"{group}_") for name in file.files)
                groups[group] = [file[f"{group}_{index}"] for index in range(count)]
            return Checkpoint(state, **groups)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, msgspec.DecodeError):
        return None
