from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tinykit.audio import download
from tinykit.errors import DataError


def _tar(members: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    """A .tar.gz of files, and of symbolic links to other places."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return buffer.getvalue()


class Server(ThreadingHTTPServer):
    """Serves one body; it can break off replies and forget how to do ranges."""

    body = b""
    break_after: list[int]  # bytes after which each next reply breaks off
    ranges = True
    requested: list[str | None]  # the Range header of each request

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/set.tar.gz"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers.get("Range")
        server.requested.append(wanted)
        if self.path != "/set.tar.gz":
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.ranges else 0
        if start >= len(server.body):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(server.body) - start))
        self.end_headers()
        stop = server.break_after.pop(0) if server.break_after else len(server.body)
        self.wfile.write(server.body[start : start + stop])
        self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(autouse=True)
def _fast_and_direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between attempts, and no proxy."""
    monkeypatch.setattr(download, "_PAUSE_S", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """A local server of a small archive, and a cache of its own."""
    monkeypatch.setenv("TINYKIT_CACHE", str(tmp_path / "cache"))
    server = Server(("127.0.0.1", 0), _Handler)
    server.body = _tar({"yes/a_nohash_0.wav": b"sound" * 1000, "no/b_nohash_0.wav": b"x"})
    server.break_after, server.requested = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_an_archive_is_fetched_once_and_unpacked(server: Server) -> None:
    """The folder holds the files; a second call asks the server for nothing."""
    for _ in range(2):
        folder = download.archive_folder(server.url, _sha256(server.body).upper())
        assert (folder / "yes" / "a_nohash_0.wav").read_bytes() == b"sound" * 1000
    assert server.requested == [None]


def test_progress_ends_at_the_total(server: Server) -> None:
    """Bytes fetched are reported up to all of them."""
    told: list[tuple[str, int, int]] = []
    download.archive_folder(
        server.url,
        _sha256(server.body),
        lambda what, done, total, **_: told.append((what, done, total)),
    )
    size = len(server.body)
    assert ("download", size, size) in told
    assert told[-1][0] == "unpack"


def test_a_broken_connection_is_resumed(server: Server, tmp_path: Path) -> None:
    """What is there is not asked for again: the next request is for the rest."""
    server.break_after = [10, 20]
    path = download.fetch(server.url, _sha256(server.body), tmp_path)
    assert path.read_bytes() == server.body
    assert server.requested == [None, "bytes=10-", "bytes=30-"]


def test_an_interrupted_download_goes_on_in_the_next_run(server: Server, tmp_path: Path) -> None:
    """When all attempts broke off, the part file stays, and the next call asks for the rest."""
    server.break_after = [7] * download.ATTEMPTS
    with pytest.raises(DataError, match="28 bytes fetched") as caught:
        download.fetch(server.url, _sha256(server.body), tmp_path)
    assert "goes on" in caught.value.hint
    server.requested.clear()
    assert download.fetch(server.url, _sha256(server.body), tmp_path).read_bytes() == server.body
    assert server.requested == ["bytes=28-"]


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    """A reply that starts over replaces the part file instead of being appended to it."""
    server.break_after, server.ranges = [10], False
    assert download.fetch(server.url, _sha256(server.body), tmp_path).read_bytes() == server.body


def test_a_part_file_that_is_whole_is_used(server: Server, tmp_path: Path) -> None:
    """A run that ended between the last byte and the check fetches nothing."""
    sha256 = _sha256(server.body)
    (tmp_path / f"{sha256}.part").write_bytes(server.body)
    assert download.fetch(server.url, sha256, tmp_path).read_bytes() == server.body
    assert server.requested == []


def test_a_part_file_longer_than_the_archive_is_given_up(server: Server, tmp_path: Path) -> None:
    """A part file of another archive does not stand in the way."""
    sha256 = _sha256(server.body)
    (tmp_path / f"{sha256}.part").write_bytes(bytes(2 * len(server.body)))
    assert download.fetch(server.url, sha256, tmp_path).read_bytes() == server.body


def test_a_wrong_checksum_names_both_and_keeps_nothing(server: Server, tmp_path: Path) -> None:
    """Other content than expected is an error, and is deleted so that a retry starts anew."""
    with pytest.raises(DataError) as caught:
        download.fetch(server.url, "0" * 64, tmp_path)
    assert "0" * 64 in caught.value.message
    assert _sha256(server.body) in caught.value.message
    assert list(tmp_path.glob("0*")) == []


def test_a_missing_page_is_said(server: Server, tmp_path: Path) -> None:
    """The server's refusal is passed on, without a retry."""
    with pytest.raises(DataError, match="404"):
        download.fetch(server.url + "x", "0" * 64, tmp_path)
    assert len(server.requested) == 1


def test_no_server_is_said(tmp_path: Path) -> None:
    """A closed port is a DataError that says so."""
    with pytest.raises(DataError, match="refused"):
        download.fetch("http://127.0.0.1:1/set.tar.gz", "0" * 64, tmp_path)


def test_other_schemes_are_refused(tmp_path: Path) -> None:
    """`file:` and the like are no downloads."""
    with pytest.raises(DataError, match="http"):
        download.fetch("file:///etc/passwd", "0" * 64, tmp_path)


def test_a_full_disk_is_said(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENOSPC while writing is a DataError that names the file."""

    def full(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "_append", full)
    with pytest.raises(DataError, match="No space left") as caught:
        download.fetch(server.url, "0" * 64, tmp_path)
    assert "TINYKIT_CACHE" in caught.value.hint


@pytest.mark.parametrize(
    "members",
    [
        {"../outside.wav": b"x"},
        {"yes/../../outside.wav": b"x"},
        {"/tmp/outside.wav": b"x"},
        {"..\\outside.wav": b"x"},
    ],
)
def test_members_outside_the_folder_are_refused(tmp_path: Path, members: dict[str, bytes]) -> None:
    """An archive that would write elsewhere is refused, and nothing of it stays."""
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(_tar({"yes/a.wav": b"x", **members}))
    with pytest.raises(DataError, match="outside"):
        download.unpack(archive, tmp_path / "deep" / "set")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.tar.gz", "deep"]


def test_links_are_refused(tmp_path: Path) -> None:
    """A link in an archive could point anywhere: it is refused."""
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(_tar({}, links={"yes": "/etc"}))
    with pytest.raises(DataError, match="link"):
        download.unpack(archive, tmp_path / "set")
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("keep", [0, 40, 120])
def test_a_corrupt_archive_leaves_nothing(tmp_path: Path, keep: int) -> None:
    """An archive that ends early, or is none, is an error without a half-filled folder."""
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(_tar({"yes/a.wav": bytes(range(256)) * 99})[:keep])
    with pytest.raises(DataError, match="cannot be unpacked"):
        download.unpack(archive, tmp_path / "set")
    assert not (tmp_path / "set").exists()
