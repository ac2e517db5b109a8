"""The published feeds on disk: written whole or not at all, read with their validators.

Beside each file stands its gzip form, `all.atom.gz`, so that any web server can
serve the folder as it is. The gzip form is written first. A crash between the two
leaves an old file beside a new gzip form, which is noticed when it is read.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import gzip
import hashlib
import os
import re
import secrets
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aggregator.errors import OutputError
from aggregator.outputs import FORMATS

CACHE_BYTES = 64_000_000
"""How much of what was read is kept in memory, plain and gzip forms together."""

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")

_HINTS = {
    errno.ENOSPC: "free some space on that disk",
    errno.EDQUOT: "free some space: the quota is used up",
    errno.EROFS: "the file system is read-only: choose another folder or remount it",
    errno.EACCES: "let the service's user write there",
    errno.EPERM: "let the service's user write there",
    errno.ENOTDIR: "a file stands where the folder should be",
    errno.EEXIST: "a file stands where the folder should be",
}


@dataclass(frozen=True, slots=True)
class Published:
    """A published file. `etag` is strong and quoted, of the plain form."""

    body: bytes
    gzipped: bytes
    etag: str
    last_modified: datetime
    media_type: str


@dataclass(frozen=True, slots=True)
class _Identity:
    """What tells one state of a file from another without reading it."""

    modified: int
    changed: int
    size: int
    inode: int


class EditionFiles:
    """The folder of published feeds. Paths are relative to it: `topics/afghanistan.atom`.

    Safe to use from several threads, and beside other processes. Making one
    creates the folder and clears away what a killed process left half-written;
    raises OutputError if that cannot be done.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cache: OrderedDict[str, tuple[_Identity, Published]] = OrderedDict()
        self._lock = threading.Lock()
        with _as_output_error(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._remove_leftovers()

    def write(self, path: str, body: bytes, modified: datetime) -> bool:
        """Publish `body`, changed at `modified`. False if the file held these bytes already.

        Raises OutputError, naming the file, if it cannot be written; then the
        file is as it was.
        """
        file = self._file(path)
        compressed = _beside(file)
        with _as_output_error(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            previous = _status(file)
            changed = previous is None or previous.st_size != len(body) or file.read_bytes() != body
            if not changed and _gzip_form(compressed, body) is not None:
                return False
            mtime = int(modified.timestamp())
            if previous is not None:
                # Other bytes need a later time, or a reader that asks by time alone
                # keeps the old ones; the same bytes keep theirs.
                known = int(previous.st_mtime)
                mtime = max(mtime, known + 1) if changed else known
            _replace(compressed, gzip.compress(body, mtime=0), mtime)
            if changed:
                _replace(file, body, mtime)
            _sync_folder(file.parent)
        return changed

    def read(self, path: str) -> Published | None:
        """The published file, or None if there is none. Raises OutputError if it is unreadable."""
        file = self._file_or_none(path)
        if file is None:
            return None
        with _as_output_error(file):
            status = _status(file)
            if status is None:
                return None
            identity = _identity(status)
            known = self._cached(path, identity)
            if known is not None:
                return known
            try:
                with file.open("rb") as stream:
                    # Of the opened file: it may have been replaced since.
                    status = os.fstat(stream.fileno())
                    body = stream.read()
            except FileNotFoundError:
                return None
        published = Published(
            body=body,
            gzipped=_gzip_form(_beside(file), body) or gzip.compress(body, mtime=0),
            etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"',
            last_modified=datetime.fromtimestamp(int(status.st_mtime), UTC),
            media_type=_media_type(path),
        )
        self._remember(path, _identity(status), published)
        return published

    def remove(self, path: str) -> bool:
        """Publish it no more. False if it was not there."""
        file = self._file(path)
        with self._lock:
            self._cache.pop(path, None)
        with _as_output_error(file):
            existed = file.exists()
            file.unlink(missing_ok=True)
            _beside(file).unlink(missing_ok=True)
            if existed:
                _sync_folder(file.parent)
        return existed

    def paths(self) -> tuple[str, ...]:
        """All that is published, sorted."""
        with _as_output_error(self.folder):
            files = (f for f in self.folder.rglob("*") if f.is_file() and f.suffix != ".gz")
            relative = (f.relative_to(self.folder).as_posix() for f in files)
            return tuple(sorted(path for path in relative if self._file_or_none(path)))

    def _file(self, path: str) -> Path:
        file = self._file_or_none(path)
        if file is None:
            raise OutputError(
                "not a path to publish at", path, "use letters, digits, '.', '_' and '-' only"
            )
        return file

    def _file_or_none(self, path: str) -> Path | None:
        segments = path.split("/")
        if not all(_SEGMENT.fullmatch(segment) for segment in segments) or path.endswith(".gz"):
            return None
        return self.folder.joinpath(*segments)

    def _cached(self, path: str, identity: _Identity) -> Published | None:
        with self._lock:
            known = self._cache.get(path)
            if known is None or known[0] != identity:
                return None
            self._cache.move_to_end(path)
            return known[1]

    def _remember(self, path: str, identity: _Identity, published: Published) -> None:
        with self._lock:
            self._cache[path] = (identity, published)
            self._cache.move_to_end(path)
            size = sum(len(p.body) + len(p.gzipped) for _, p in self._cache.values())
            while size > CACHE_BYTES and self._cache:
                _, (_, oldest) = self._cache.popitem(last=False)
                size -= len(oldest.body) + len(oldest.gzipped)

    def _remove_leftovers(self) -> None:
        for leftover in self.folder.rglob(".*.tmp"):
            if _TEMPORARY.fullmatch(leftover.name) and not _being_written(leftover):
                leftover.unlink(missing_ok=True)


def _replace(file: Path, body: bytes, mtime: int) -> None:
    """Put `body` in the file's place in one step, and on the disk before that."""
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        with open(descriptor, "wb") as stream:
            # The lock ends with the process: what is unlocked is a leftover.
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.write(body)
            stream.flush()
            os.utime(stream.fileno(), (mtime, mtime))
            os.fsync(stream.fileno())
            temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _being_written(temporary: Path) -> bool:
    try:
        with temporary.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _beside(file: Path) -> Path:
    return file.with_name(file.name + ".gz")


def _gzip_form(compressed: Path, body: bytes) -> bytes | None:
    """The gzip form on disk, if it is there and of this very body."""
    try:
        data = compressed.read_bytes()
        return data if gzip.decompress(data) == body else None
    except (OSError, EOFError, zlib.error):  # missing, unreadable, cut short, damaged
        return None


def _status(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except FileNotFoundError:
        return None


def _identity(status: os.stat_result) -> _Identity:
    return _Identity(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def _media_type(path: str) -> str:
    suffix = path.rpartition(".")[2]
    types = {form.suffix: form.media_type for form in FORMATS}
    return types.get(suffix, "application/octet-stream")


@contextlib.contextmanager
def _as_output_error(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = (error.strerror or str(error)).lower()
        hint = _HINTS.get(error.errno or 0, "look at the folder and its disk")
        raise OutputError(what, str(file), hint) from error
