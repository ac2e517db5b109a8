"""The files that quality is measured with: news, and lists of their ids.

Labels have formats of their own, read beside what uses them, by `rows`. A file may be packed with
xz. What has another form is refused in words; what labels say of articles that are not there is
left out and counted.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

OUTLETS = {
    "bbc-zh-business": "bbc", "bbc-zh-china": "bbc", "bbc-zh-home": "bbc", "bbc-zh-uk": "bbc",
    "bbc-zh-world": "bbc", "caixin-article": "caixin", "caixin-latest": "caixin",
    "caixin-weekly": "caixin", "people-daily": "people", "people-politics": "people",
    "readhub-daily": "readhub", "zhihu-hot2": "zhihu-hot",
}  # fmt: skip
"""Whose feeds those are that are called otherwise than their outlet."""

UNKNOWN = "not in the corpus"
REPEATED = "repeated"

LeftOut = Counter[str]
"""How much of the files did not count, by reason."""


class Unmeasurable(ValueError):
    """A file that cannot be used, or nothing in it to measure: what, where, what to do."""


@dataclass(frozen=True, slots=True)
class Item:
    """An article as a feed gave it; `text` is plain."""

    id: str
    feed: str
    outlet: str
    url: str
    title: str
    text: str
    published: datetime


Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Files:
    """What a task is given; without `ids` all of the corpus is looked at."""

    corpus: Path
    labels: Path
    ids: Path | None = None


def text_of_file(file: Path) -> str:
    """Raises Unmeasurable."""
    try:
        data = file.read_bytes()
        return (lzma.decompress(data) if file.suffix == ".xz" else data).decode("utf-8-sig")
    except OSError as error:
        raise Unmeasurable(f"{file}: {error.strerror or error}; check the path") from error
    except lzma.LZMAError as error:
        raise Unmeasurable(f"{file}: not packed with xz ({error}); name it without .xz") from error
    except UnicodeDecodeError as error:
        raise Unmeasurable(f"{file}: not UTF-8 (byte {error.start}); convert it") from error


def rows(file: Path) -> Iterator[tuple[str, Row]]:
    """Where each stands, and the object itself: of JSON lines, or of one JSON list.

    Raises Unmeasurable.
    """
    text = text_of_file(file)
    if text.lstrip().startswith("["):
        for number, row in enumerate(_json(text, str(file)), 1):
            yield _object(row, f"{file}: row {number}")
        return
    for number, line in enumerate(text.split("\n"), 1):  # texts may hold other ends of lines
        if line.strip():
            yield _object(_json(line, f"{file}:{number}"), f"{file}:{number}")


def _json(text: str, where: str) -> list[object]:
    try:
        found: list[object] = json.loads(text)
    except ValueError as error:
        raise Unmeasurable(f"{where}: not JSON ({error}); JSON lines are expected") from error
    return found


def _object(row: object, where: str) -> tuple[str, Row]:
    if not isinstance(row, dict):
        raise Unmeasurable(f"{where}: not a JSON object but {str(row)[:40]!r}")
    return where, row


def field(row: Row, name: str, where: str) -> object:
    """Raises Unmeasurable."""
    if name not in row:
        raise Unmeasurable(f"{where}: {name!r} is missing; it has {', '.join(row) or 'nothing'}")
    return row[name]


def string(row: Row, name: str, where: str, default: str | None = None) -> str:
    """ "" for null. Raises Unmeasurable."""
    value = field(row, name, where) if default is None else row.get(name, default)
    if value is not None and not isinstance(value, str):
        raise Unmeasurable(f"{where}: {name!r} is {value!r}, which is no string")
    return value or ""


def read_corpus(file: Path, left_out: LeftOut) -> dict[str, Item]:
    """Items by id: objects with id, feed, title, text, pub (UTC if it names no zone) and, if
    known, url. Of two with one id the first counts. Raises Unmeasurable.
    """
    items: dict[str, Item] = {}
    for where, row in rows(file):
        item = _item(row, where)
        if item.id in items:
            left_out[f"corpus: {REPEATED}"] += 1
        else:
            items[item.id] = item
    if not items:
        raise Unmeasurable(f"{file}: no articles; JSON lines with id, feed, title, text and pub")
    return items


def _item(row: Row, where: str) -> Item:
    feed, given = string(row, "feed", where), string(row, "pub", where)
    try:
        published = datetime.fromisoformat(given)
    except ValueError as error:
        raise Unmeasurable(f"{where}: 'pub' is {given!r}, which is no ISO 8601 date") from error
    return Item(
        string(row, "id", where),
        feed,
        OUTLETS.get(feed, feed),
        string(row, "url", where, ""),
        string(row, "title", where),
        string(row, "text", where),
        published if published.tzinfo else published.replace(tzinfo=UTC),
    )


def read_ids(file: Path, known: Container[str], left_out: LeftOut) -> list[str]:
    """The ids of a JSON list that are known, each once. Raises Unmeasurable, also if none is."""
    given = _json(text_of_file(file), str(file))
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise Unmeasurable(f"{file}: not a JSON list of ids")
    ids = [str(each) for each in dict.fromkeys(given)]
    found = [each for each in ids if each in known]
    count(left_out, f"ids: {REPEATED}", len(given) - len(ids))
    count(left_out, f"ids: {UNKNOWN}", len(ids) - len(found))
    if not found:
        raise Unmeasurable(f"{file}: none of its {len(given)} ids is in the corpus")
    return found


def in_time(ids: Iterable[str], items: Mapping[str, Item]) -> list[str]:
    """In the order of publication."""
    return sorted(ids, key=lambda id_: (items[id_].published, id_))


def count(left_out: LeftOut, reason: str, number: int) -> None:
    """Only what was left out is spoken of."""
    if number:
        left_out[reason] += number
