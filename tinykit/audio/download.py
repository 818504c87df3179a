"""Fetching an archive once: resumable, checked by its SHA-256, unpacked whole or not at all."""

from __future__ import annotations

import http.client
import tarfile
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from tinykit import paths
from tinykit.errors import DataError
from tinykit.progress import Progress, silent

ATTEMPTS = 4
"""How often a broken transfer is taken up again before giving up."""

_TIMEOUT_S = 30.0
_PAUSE_S = 1.0
_BLOCK_BYTES = 1 << 18


def archive_folder(url: str, sha256: str, progress: Progress = silent) -> Path:
    """Return the folder that holds the unpacked `.tar.gz` at `url`; fetch it when it is missing.

    The folder is named by the checksum, so it is fetched once per content. An interrupted transfer
    leaves a `.part` file, from which the next call goes on.

    Parameters
    ----------
    url : str
        `http://` or `https://`.
    sha256 : str
        Of the archive, 64 hex digits.

    Raises
    ------
    DataError
        When the server does not deliver, the checksum differs, or the archive is unsafe.
    """
    sha256 = sha256.lower()
    folder = paths.cache_dir() / "datasets" / sha256
    if not folder.is_dir():
        archive = fetch(url, sha256, paths.cache_dir() / "downloads", progress)
        unpack(archive, folder, progress)
        archive.unlink()  # the folder is enough
    return folder


def fetch(url: str, sha256: str, folder: Path, progress: Progress = silent) -> Path:
    """Download `url` into `folder` and return the file, named by its checksum."""
    if not url.startswith(("http://", "https://")):
        raise DataError(f"{url}: not a http:// or https:// address", "use [data] path for a folder")
    target = folder / f"{sha256}.tar.gz"
    if target.is_file():
        return target
    part = folder / f"{sha256}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (part.is_file() and paths.sha256_file(part) == sha256):
            _transfer(url, part, progress)
        found = paths.sha256_file(part)
        if found != sha256:
            part.unlink()
            raise DataError(
                f"{url}: SHA-256 is {found}, expected {sha256}",
                "correct [data] sha256 if you trust the file; what was fetched is deleted",
            )
        part.replace(target)
    except OSError as reason:
        raise DataError(
            f"{part}: {reason.strerror or reason}",
            "make room there, or set TINYKIT_CACHE to a folder on another disk",
        ) from None
    return target


def _transfer(url: str, part: Path, progress: Progress) -> None:
    """Append to `part` until it is whole; a broken connection is resumed where it broke."""
    for attempt in range(ATTEMPTS):
        time.sleep(_PAUSE_S * attempt)
        try:
            if _append(url, part, progress):
                return
            reason = "the connection closed early"
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and part.exists():  # nothing left to send, or another file now
                part.unlink()
                reason = "the partly fetched file does not fit the one on the server"
                continue
            raise DataError(f"{url}: the server answers {error.code} {error.reason}") from None
        except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
        except urllib.error.URLError as error:
            reason = str(error.reason)
            if attempt == 0 and not part.exists():  # never reached the server: say so at once
                break
    fetched = part.stat().st_size if part.exists() else 0
    raise DataError(
        f"{url}: {reason} ({fetched:,} bytes fetched)",
        "check the connection and run the command again: it goes on where it stopped",
    )


def _append(url: str, part: Path, progress: Progress) -> bool:
    """Request what `part` lacks; return whether the server sent all that it announced."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "tinykit"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:
        resumed = reply.status == 206
        if not resumed:
            have = 0  # a server that knows no ranges sends it all again
        announced = reply.headers.get("Content-Length")
        total = have + int(announced) if announced else 0
        with part.open("ab" if resumed else "wb") as file:
            while block := reply.read(_BLOCK_BYTES):
                file.write(block)
                have += len(block)
                progress("download", have, max(total, have))
    return have >= total


def unpack(archive: Path, folder: Path, progress: Progress = silent) -> None:
    """Unpack a tar file into `folder`, which appears only when all of it is there.

    Raises
    ------
    DataError
        When the archive is corrupt, or a member is a link or lies outside the folder.
    """
    total = archive.stat().st_size
    try:
        # Read as a stream: archives of gigabytes are decompressed once.
        with (
            archive.open("rb") as file,
            tarfile.open(fileobj=file, mode="r|*") as tar,
            paths.atomic_dir(folder) as temporary,
        ):
            for member in tar:
                _extract(tar, member, temporary, archive)
                progress("unpack", file.tell(), total)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as reason:
        raise DataError(f"{archive}: cannot be unpacked: {reason}") from None


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, archive: Path) -> None:
    """Write one member below `folder`: plain files and folders only, content only."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or "\\" in member.name or ":" in member.name:
        raise DataError(f"{archive}: member `{member.name}` lies outside the archive's folder")
    target = folder / name
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
    elif member.isfile():
        target.parent.mkdir(parents=True, exist_ok=True)
        source: IO[bytes] | None = tar.extractfile(member)
        assert source is not None  # true of every regular file
        with source, target.open("wb") as file:
            while block := source.read(_BLOCK_BYTES):
                file.write(block)
    else:
        raise DataError(f"{archive}: member `{member.name}` is a link or a device, not a file")
