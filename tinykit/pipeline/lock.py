"""One tinykit at a time in a project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinykit.errors import UsageError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`; the system releases it when the process ends, however it ends.

    Raises
    ------
    UsageError
        When another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ".lock"
    with path.open("a+") as file:
        if fcntl:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                raise UsageError(
                    f"{folder}: tinykit is already at work here (process {file.read() or '?'})",
                    "wait for it to end",
                ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
