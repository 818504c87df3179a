"""Stages that run without a drawing."""

from __future__ import annotations

from tinykit.pipeline.engine import Observer
from tinykit.pipeline.stage import Stage
from tinykit.progress import Progress, silent


class Unseen(Observer):
    """An observer that draws nothing."""

    def started(self, stage: Stage, why: str) -> Progress:
        return silent
