"""The order of the stages, and the road from a project to a report."""

from tinykit.pipeline.engine import Engine

__all__ = ["Engine"]
