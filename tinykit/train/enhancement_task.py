"""Speech enhancement as techniques of compression see it: how to train a model, how good it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tinykit.audio.mixtures import Sources
from tinykit.audio.stft_spec import StftSpec
from tinykit.config import Enhance, Mixtures, Train
from tinykit.progress import Progress
from tinykit.train.backend import keras
from tinykit.train.enhance import batch, fit
from tinykit.train.enhancement_loss import EnhancementLoss

ops = keras.ops


@dataclass(frozen=True)
class EnhancementTask:
    """A `tinykit.compress.technique.Training` of enhancers; its fields are `fit`'s parameters."""

    sources: Sources
    mixtures: Mixtures
    spec: StftSpec
    config: Train
    losses: Enhance

    def fit(
        self,
        model: keras.Model,
        epochs: int,
        learning_rate: float,
        what: str,
        progress: Progress,
        checkpoint: Path | None,
        enough: Callable[[], bool] | None,
    ) -> None:
        """Train `model` in place, and leave it with the weights of its last epoch."""
        config = msgspec.structs.replace(
            self.config, epochs=epochs, learning_rate=learning_rate, patience=0, keep="last"
        )
        fit(
            model,
            self.sources,
            self.mixtures,
            self.spec,
            config,
            self.losses,
            progress,
            checkpoint,
            what,
            enough,
        )

    def validate(self, model: keras.Model) -> dict[str, float]:
        """Return the mean SI-SDR in dB of the validation mixtures, by the float model."""
        loss = EnhancementLoss(self.spec, Enhance(si_sdr=1.0, compressed=0.0))  # -10 dB is 1
        total, count, size = 0.0, self.mixtures.validation, self.config.batch_size
        for first in range(0, count, size):
            numbers = list(range(first, min(first + size, count)))
            x, wanted = batch(self.sources, "validation", self.mixtures, self.spec, numbers)
            total += float(ops.convert_to_numpy(ops.sum(loss.call(wanted, model(x)))))
        return {"si_sdr_db": -10.0 * total / count}
