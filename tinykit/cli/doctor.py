"""`tinykit doctor`: what is installed, what is missing, and the command that installs it."""

from __future__ import annotations

from rich.console import RenderableType

from tinykit.cli.app import app
from tinykit.cli.console import Result, command

_MARK = {
    "ok": ("ok", "green"),
    "old": ("too old", "yellow"),
    "missing": ("missing", "red"),
    "absent": ("absent", "yellow"),  # missing, and a project can do without
}


@command(app, panel="Before you start")
def doctor() -> Result:
    """Say what is installed, what is missing, and the command that installs it."""
    from dataclasses import asdict

    from rich.table import Table
    from rich.text import Text

    from tinykit import __version__
    from tinykit.doctor import examine

    checks = examine()
    table = Table(box=None, pad_edge=False)
    for column in ("tool", "", "version", "needed for"):
        table.add_column(column, no_wrap=column != "needed for")
    for check in checks:
        mark = (
            _MARK[check.status] if check.status == "ok" or check.required else ("absent", "yellow")
        )
        table.add_row(check.name, Text(*mark), check.found, check.needed_for)
    installs = list(dict.fromkeys(check.install for check in checks if check.install))
    failed = any(check.required and check.status != "ok" for check in checks)
    text: list[RenderableType] = [
        table,
        Text("\nSomething required is missing.", "red") if failed else Text("\nReady.", "green"),
    ]
    if installs:
        text += ["To install what is not here:", *(f"  {line}" for line in installs)]
    document = {
        "tinykit": __version__,
        "ready": not failed,
        "checks": [asdict(check) for check in checks],
    }
    return Result(document, text, exit_code=int(failed))
