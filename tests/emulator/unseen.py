"""Stages that run without a drawing."""

from __future__ import annotations

from tinykit.pipeline.stage import Stage
from tinykit.progress import Progress, silent


class Unseen:
    """An observer that draws nothing."""

    def started(self, stage: Stage, why: str) -> Progress:
        return silent

    def finished(self, stage: Stage, seconds: float) -> None:
        pass

    def kept(self, stage: Stage, why: str) -> None:
        pass
