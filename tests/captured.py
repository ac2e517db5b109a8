"""The feeds and posts captured from real sources, where they lie beside the project."""

from __future__ import annotations

import json
import lzma
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.conftest import SHARED

CAPTURES = SHARED / "captures" / "feeds"
FEEDS = sorted(path for path in CAPTURES.rglob("*") if path.is_file())
POLLS = sorted(path for path in (CAPTURES / "polls").glob("*") if path.is_dir())
NO_FEEDS = {"feeds.yml", "RSS_NeteaseUser.xml", "allthis-partial.json"}
"""A list of addresses, a git index saved as a feed, and a JSON Feed cut off in the middle."""

POSTS = SHARED / "captures" / "posts" / "oped2_feedx_news_2020-06_08.jsonl.xz"


class Post(NamedTuple):
    """An entry of a mirror, as an archive kept it."""

    outlet: str
    title: str
    url: str
    body: str


def named(path: Path) -> str:
    return str(path.relative_to(CAPTURES))


def seen(body: bytes) -> int:
    """The entries a document shows, counted without a parser."""
    if body.lstrip()[:1] == b"{":
        return len(json.loads(body)["items"])
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        body = body.decode("utf-16").encode()
    return len(re.findall(rb"<(?:item|entry)[\s>]", body))


@cache
def posts() -> tuple[Post, ...]:
    """Nine thousand of the summer of 2020, in their order."""
    with lzma.open(POSTS, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(
        Post(row["outlet"], row["title"], row["url"], row["raw"].split("\n------\n", 1)[1])
        for row in rows
    )
