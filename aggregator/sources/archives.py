"""Archives: folders of articles, one file each. `read_archive` reads one, whatever its format.

A format is a function from a file's text to the post in it, or an ArchiveError that says
why it is not of that format; and one that writes an article so that it reads as the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from aggregator.core.model import Article
from aggregator.errors import ArchiveError
from aggregator.sources.archived_post import ArchivedPost
from aggregator.sources.feedx_markdown import read_feedx_markdown, write_feedx_markdown
from aggregator.sources.hexo import read_hexo, write_hexo

__all__ = ["FORMATS", "WRITERS", "ArchivedPost", "archives_in", "bytes_of", "read_archive"]

FORMATS: tuple[tuple[str, Callable[[str, Path], ArchivedPost]], ...] = (
    ("feedx markdown", read_feedx_markdown),
    ("Hexo", read_hexo),
)
"""In the order they are tried: a feedx post may have a front matter, as every Hexo post has."""

WRITERS: Mapping[str, Callable[[Article], str]] = {
    "hexo": write_hexo,
    "markdown": write_feedx_markdown,
}
"""By the names that `export` has for them."""

SUFFIXES = frozenset((".txt", ".md", ".markdown"))
"""Of the files that are taken from a folder."""

LARGEST = 16 * 1024 * 1024
"""Bytes; a larger file is no article."""


def read_archive(path: Path) -> ArchivedPost:
    """The post in the file at `path`.

    Raises ArchiveError if the file cannot be read or fits no format.
    """
    text = _text_of(path)
    reasons = []
    for name, read in FORMATS:
        try:
            return read(text, path)
        except ArchiveError as error:
            reasons.append(f"not {name}: {error.what}")
    raise ArchiveError(
        "no archived article; " + "; ".join(reasons),
        str(path),
        "the formats are those of the files in seeds/",
    )


def archives_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file at `paths`: files as given, and of folders the text files at any depth.

    Folders are walked in the order of the names in them; hidden files and links to folders are
    left out. A path that is not there or a folder that cannot be listed is given as it is, so
    that reading it says what is wrong.
    """
    for path in paths:
        if path.is_dir():
            yield from _files_under(path)
        else:
            yield path


def _files_under(folder: Path) -> Iterator[Path]:
    try:
        children = sorted(folder.iterdir(), key=lambda child: child.name)
    except OSError:
        yield folder
        return
    for child in children:
        if child.name.startswith("."):
            continue
        if child.is_dir():
            if not child.is_symlink():
                yield from _files_under(child)
        elif child.suffix.lower() in SUFFIXES:
            yield child


def bytes_of(path: Path) -> bytes:
    """What is in the file, up to LARGEST. Raises ArchiveError."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ArchiveError(
            f"cannot be read: {error.strerror or error}", str(path), "check the path and its rights"
        ) from error
    if len(data) > LARGEST:
        raise ArchiveError(f"larger than {LARGEST} bytes", str(path), "no article is")
    return data


def _text_of(path: Path) -> str:
    data = bytes_of(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ArchiveError(
            f"not UTF-8 text (byte {error.start})", str(path), "convert it to UTF-8"
        ) from error
