"""From the manifests of a run to HTML, JSON and Markdown."""

from __future__ import annotations

import json

from tinykit import paths
from tinykit.project import Project
from tinykit.report.document import Document, gather

__all__ = ["Document", "gather", "write"]


def write(project: Project) -> Document:
    """Write `report.html`, `report.md` and `report.json` into the project's build folder."""
    from tinykit.report import markdown, page

    document = gather(project)
    summary = json.dumps(document.summary(), indent=2, ensure_ascii=False)
    paths.write_text(project.build / "report.html", page.render(document))
    paths.write_text(project.build / "report.md", markdown.render(document))
    paths.write_text(project.build / "report.json", summary + "\n")
    return document
