"""PlatformIO script, before every build: the hash of all sources becomes TK_FIRMWARE_ID.

The device reports it, the host compares: a board that still runs an older build is noticed. An
edit of any file below changes it; a rebuild of the same files does not.
"""

import hashlib
from pathlib import Path

Import("env")  # noqa: F821  SCons defines Import() for its scripts

SOURCES = ("platformio.ini", "boards", "include", "lib", "src")


def firmware_id(project: Path, environment: str) -> str:
    """Return 32 hex digits for the environment's name and every source file, path and bytes."""
    digest = hashlib.sha256(environment.encode())
    for root in SOURCES:
        for path in sorted([project / root, *(project / root).rglob("*")]):
            if path.is_file():
                data = path.read_bytes()
                digest.update(f"\n{path.relative_to(project).as_posix()} {len(data)}\n".encode())
                digest.update(data)
    return digest.hexdigest()[:32]


def write_header(folder: Path, value: str) -> None:
    """Write tk_firmware_id.h, unless it says so already: what includes it would be recompiled."""
    header = folder / "tk_firmware_id.h"
    text = f'#define TK_FIRMWARE_ID "{value}"\n'
    if not header.is_file() or header.read_text() != text:
        folder.mkdir(parents=True, exist_ok=True)
        header.write_text(text)


build_dir = Path(env.subst("$BUILD_DIR"))  # noqa: F821
write_header(build_dir, firmware_id(Path(env.subst("$PROJECT_DIR")), env["PIOENV"]))  # noqa: F821
env.Append(CPPPATH=[str(build_dir)])  # noqa: F821
