"""What `bench.copies` reads: items with their labels, and the posts of archives."""

from __future__ import annotations

import json
import lzma
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from aggregator.core import repeated
from aggregator.core.copies import CopyText, copy_text
from aggregator.core.text import plain_text

COPY = "E"
"""The label of copies, edited copies and excerpts. All others are of different articles."""

OUTLETS = {
    "bbc-zh-business": "bbc", "bbc-zh-china": "bbc", "bbc-zh-home": "bbc", "bbc-zh-uk": "bbc",
    "bbc-zh-world": "bbc", "caixin-article": "caixin", "caixin-latest": "caixin",
    "caixin-weekly": "caixin", "people-daily": "people", "people-politics": "people",
    "readhub-daily": "readhub", "zhihu-hot2": "zhihu-hot",
}  # fmt: skip
"""Whose feeds those are that are called otherwise than their outlet."""

ARCHIVES = ("oped2_feedx_news_2020-06_08.jsonl.xz", "rthk_2020-02_08.jsonl.xz")
"""The posts of a mirror of many outlets, and those of one outlet in its own."""


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


@dataclass(frozen=True, slots=True)
class Pair:
    first: str
    second: str
    label: str


def read_corpus(file: Path) -> dict[str, Item]:
    """Items by id: JSON lines, packed with xz or not, with id, feed, url, title, text and pub."""
    items = {}
    for row in _rows(file):
        items[row["id"]] = Item(
            row["id"],
            row["feed"],
            OUTLETS.get(row["feed"], row["feed"]),
            row["url"],
            row["title"],
            row["text"],
            datetime.fromisoformat(row["pub"]),
        )
    return items


def _rows(file: Path) -> Iterator[dict[str, str]]:
    data = file.read_bytes()
    for line in (lzma.decompress(data) if file.suffix == ".xz" else data).splitlines():
        yield json.loads(line)


def read_pairs(file: Path, items: Mapping[str, Item]) -> list[Pair]:
    """Labelled pairs by tabs: two ids, some figures that are not used, the label.

    Raises ValueError.
    """
    pairs = []
    for line in file.read_text("utf-8").splitlines()[1:]:
        first, second, *_, label = line.split("\t")
        if first not in items or second not in items:
            raise ValueError(f"{file}: {first} or {second} is not in the corpus")
        pairs.append(Pair(first, second, label))
    return pairs


def read_ids(file: Path, items: Mapping[str, Item]) -> list[str]:
    """A JSON list of ids of the corpus. Raises ValueError."""
    ids = json.loads(file.read_text("utf-8"))
    if not isinstance(ids, list) or not all(each in items for each in ids):
        raise ValueError(f"{file}: not a list of ids that are in the corpus")
    return ids


# --- archives ------------------------------------------------------------------------------------

_HEADER_END = re.compile(r"\n-{6}\n")
_COMMENT = re.compile(r"<!--.*?-->", re.S)


def read_posts(folder: Path) -> list[Item]:
    """All posts in the order of publication, which their ids count; a URL may be empty."""
    posts = []
    for row in _rows(folder / ARCHIVES[0]):
        published = datetime.fromtimestamp(int(row["epoch_ms"]) / 1000, UTC)
        body = _HEADER_END.split(row["raw"], maxsplit=1)[-1]
        text = plain_text(_COMMENT.sub("", body))
        posts.append(
            Item(
                row["path"], row["outlet"], row["outlet"], row["url"], row["title"], text, published
            )
        )
    for row in _rows(folder / ARCHIVES[1]):
        published = datetime.fromisoformat(f"{row['date'][:19]}+08:00").astimezone(UTC)
        text = row["raw"].split("---\n", 2)[-1]
        posts.append(Item(row["path"], "RTHK", "RTHK", "", row["title"], text, published))
    posts.sort(key=lambda each: each.published)
    return [replace(each, id=f"{number:06}") for number, each in enumerate(posts)]


# --- as they are compared ------------------------------------------------------------------------


def learn_boilerplate(items: Iterable[Item]) -> dict[str, frozenset[int]]:
    """Of each feed, what its articles, in order of publication, have taught."""
    by_feed: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_feed[item.feed].append(item)
    return {feed: repeated.boilerplate(_learnt(found)) for feed, found in by_feed.items()}


def _learnt(items: Sequence[Item]) -> repeated.FeedSentences:
    ordered = sorted(items, key=lambda each: each.published)
    return repeated.accumulate_all(
        repeated.FeedSentences(),
        [(each.published.toordinal(), repeated.countable(each.text)) for each in ordered],
    )


def read_texts(
    items: Iterable[Item], boilerplate: Mapping[str, frozenset[int]]
) -> dict[str, CopyText]:
    """Items as they are compared, by id. URLs are left out, so that content alone decides."""
    return {each.id: text_of(each, boilerplate.get(each.feed, frozenset())) for each in items}


def text_of(item: Item, boilerplate: frozenset[int] = frozenset()) -> CopyText:
    body = repeated.letters_without(item.text, boilerplate)
    return copy_text(item.id, item.outlet, item.title, body, item.published)
