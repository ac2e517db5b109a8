"""What leaves the program as files: the feeds as OPML, the articles as JSON lines or as archives.

A file is written beside its place and moved there when it is whole. Articles pass one by one,
however many there are.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from aggregator.core.model import Article, FeedSpec
from aggregator.errors import OutputError
from aggregator.outputs.item import one_line, web_address

Count = Callable[[int], None]
"""Told how many articles are written."""


# --- feeds -------------------------------------------------------------------------------------


def opml(title: str, feeds: Iterable[FeedSpec]) -> bytes:
    """The feeds as OPML 2.0. Tags are folders, `a/b` one inside the other; a feed with several
    tags is in each of them. Of several URLs the first is named, and without a password.
    """
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = one_line(title)
    body = etree.SubElement(root, "body")
    folders: dict[tuple[str, ...], etree._Element] = {(): body}
    for feed in feeds:
        name, url = one_line(feed.title) or feed.id, web_address(feed.urls[0])
        for tag in feed.tags or ("",):
            path = tuple(filter(None, one_line(tag).split("/")))
            etree.SubElement(
                _folder(folders, path), "outline", text=name, title=name, type="rss", xmlUrl=url
            )
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _folder(
    folders: dict[tuple[str, ...], etree._Element], path: tuple[str, ...]
) -> etree._Element:
    for depth in range(1, len(path) + 1):
        if path[:depth] not in folders:
            name = path[depth - 1]
            inside = folders[path[: depth - 1]]
            folders[path[:depth]] = etree.SubElement(inside, "outline", text=name, title=name)
    return folders[path]


# --- articles ----------------------------------------------------------------------------------


def json_line(article: Article) -> str:
    """One JSON object, without a line break. Its keys are the article's fields; times are ISO
    8601 in UTC.
    """
    values = asdict(article)
    for name in ("published", "updated", "first_seen"):
        values[name] = getattr(article, name).astimezone(UTC).isoformat()
    # reasons belong to a topic, and there is none here
    del values["reasons"]
    # U+2028 and U+2029 end a line for some that read lines
    line = json.dumps(values, ensure_ascii=False)
    return line.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085")


def write_archive(
    articles: Iterable[Article], write: Callable[[Article], str], folder: Path, count: Count
) -> int:
    """Writes each article to a file of its own in a folder for its year, and gives their number.

    The same article has the same file each time. Raises OutputError.
    """
    number = 0
    for number, article in enumerate(articles, start=1):
        name = f"{article.published:%Y-%m-%d}-{article.id}.md"
        with writing(folder / f"{article.published:%Y}" / name) as file:
            file.write(write(article).encode("utf-8", "replace"))
        count(number)
    return number


def write_json_lines(articles: Iterable[Article], path: Path, count: Count) -> int:
    """Writes a line for each article to the file, and gives their number. Raises OutputError."""
    number = 0
    with writing(path) as file:
        for number, article in enumerate(articles, start=1):
            file.write(f"{json_line(article)}\n".encode("utf-8", "replace"))
            count(number)
    return number


@contextlib.contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which is at `path` once all is written, and not at all if that fails.

    Missing folders are made. Raises OutputError.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        what = f"cannot be written: {(error.strerror or str(error)).lower()}"
        raise OutputError(what, str(path), "look at the folder, its rights and its disk") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
