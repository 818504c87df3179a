"""Calling PlatformIO: always as a program, quiet about itself, and offline where nothing is needed.

Emulated boards are built in a PlatformIO core folder of our own (in the cache), in which its build
tool SCons is the one that pip installed: nothing is downloaded. Real boards use the user's own core
folder, where toolchains that he already has are found again.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from pathlib import Path

from tinykit import paths
from tinykit.board import OFFLINE_PLATFORM, Board
from tinykit.errors import ToolError

_QUIET = {
    "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No",
    "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
    "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "9999",  # days
    "PLATFORMIO_SETTING_CHECK_PRUNE_SYSTEM_THRESHOLD": "0",  # never offer to delete packages
    "PLATFORMIO_NO_ANSI": "true",
}
_REGISTRY_SECONDS = 5.0


def run(arguments: list[str], project: Path, board: Board) -> tuple[int, str]:
    """Run `platformio` on a project, return its exit code and its output (stdout and stderr).

    Raises
    ------
    ToolError
        When PlatformIO is not installed, or the board's platform can be neither found nor fetched.
    """
    environment = os.environ | _QUIET
    environment["PLATFORMIO_PLATFORMS_DIR"] = str((project / "platforms").resolve())
    if board.platformio.platform == OFFLINE_PLATFORM:
        core = paths.cache_dir() / "platformio"
        install_scons(core)
        environment["PLATFORMIO_CORE_DIR"] = str(core.resolve())
    elif not (project / "platforms" / board.platformio.platform).is_dir():
        _require_registry(board)
    command = [sys.executable, "-m", "platformio", *arguments]
    with subprocess.Popen(
        command,
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that a Ctrl-C ends PlatformIO, SCons and the compilers alike
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if "No module named platformio" in output:
        raise ToolError("PlatformIO is not installed", "pip install platformio")
    return process.returncode, output


def install_scons(core: Path) -> None:
    """Make PlatformIO's package `tool-scons` in `core` out of the SCons next to this Python.

    PlatformIO starts a package's `scons.py` with its own Python, which can import SCons. Safe when
    several processes do it at once: each writes a folder of its own, the first to finish wins.
    """
    from platformio.dependencies import get_core_dependencies

    folder = core / "packages" / "tool-scons"
    version = get_core_dependencies()["tool-scons"].lstrip("~^=<> ")
    identity = {"name": "tool-scons", "version": version}
    files = {
        "scons.py": "from SCons.Script import main\n\nmain()\n",
        "package.json": json.dumps(
            identity | {"description": "SCons as installed by pip", "system": "*"}, indent=2
        ),
        ".piopm": json.dumps(
            identity
            | {
                "type": "tool",
                "spec": {
                    "owner": "platformio",
                    "id": None,
                    "name": "tool-scons",
                    "requirements": None,
                    "uri": None,
                },
            }
        ),
        ".piokeep": "",
    }
    if all(_holds(folder / name, text) for name, text in files.items()):
        return
    try:
        with paths.atomic_dir(folder) as temporary:
            for name, text in files.items():
                (temporary / name).write_text(text)
    except OSError:
        if not all(_holds(folder / name, text) for name, text in files.items()):
            raise


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


def _require_registry(board: Board) -> None:
    """Look before PlatformIO does, which tries for a minute and then says nothing.

    Raises
    ------
    ToolError
        When the registry cannot be reached.
    """
    from platformio import __registry_mirror_hosts__

    found = threading.Event()

    def connect(host: str) -> None:
        proxy = urllib.request.getproxies().get("https", "")
        parts = urllib.parse.urlsplit(proxy if "://" in proxy else f"//{proxy}")
        address = (parts.hostname, parts.port or 80) if parts.hostname else (f"api.{host}", 443)
        try:
            with socket.create_connection(address, _REGISTRY_SECONDS):
                found.set()
        except OSError:
            pass

    # Threads, because looking a name up has no time limit of its own.
    attempts = [
        threading.Thread(target=connect, args=(host,), daemon=True)
        for host in __registry_mirror_hosts__
    ]
    for attempt in attempts:
        attempt.start()
    for attempt in attempts:
        attempt.join(0 if found.is_set() else _REGISTRY_SECONDS)
    if not found.is_set():
        raise ToolError(
            f"building for {board.id} needs PlatformIO's platform `{board.platformio.platform}`, "
            "which is not installed here, and PlatformIO's registry cannot be reached",
            "connect to the internet once, so that PlatformIO can download the toolchain "
            "(a proxy: set HTTPS_PROXY); emulated boards need no download: tinykit boards",
        )
