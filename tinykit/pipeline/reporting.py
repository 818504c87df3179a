"""report: what the stages found, as HTML, Markdown and JSON."""

from __future__ import annotations

from tinykit import report
from tinykit.progress import Progress
from tinykit.project import Project


def run(project: Project, progress: Progress) -> None:
    """Write the report."""
    progress("report", 0, 1)
    report.write(project)
    progress("report", 1, 1)
