"""The archives of 2020 as they would have come in: which posts are one article, and which are not.

By address, as the product takes archives in: a URL that occurs more than once is one article. By
content alone: reprints in other outlets are found, and the daily notes of one outlet, which share
a title and most of their words, are never merged.
"""

from __future__ import annotations

import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

from aggregator.core.copies import DUPLICATE, Relation
from aggregator.core.text import plain_text
from aggregator.errors import ArchiveError
from aggregator.sources.archives import ArchivedPost
from aggregator.sources.feedx_markdown import read_feedx_markdown
from aggregator.steps import archived_entry
from bench.copies import Index, learn_boilerplate, read_texts
from bench.labelled import Item, Row, Unmeasurable, rows, string
from bench.quality_report import Floor, Report

MIRROR, RTHK = "oped2_feedx_news_2020-06_08.jsonl.xz", "rthk_2020-02_08.jsonl.xz"
"""The posts of a mirror of many outlets, and those of one outlet in its own."""

TITLE_OF_EVERY_DAY = 3
"""Articles of one outlet that have the same title, from which on it is taken for a template's."""

SAMPLE = 8
"""Reprints that are shown, spread over all."""

_COMMENT = re.compile(r"<!--.*?-->", re.S)
_LATER = datetime(2021, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Post:
    """A post, and the id of the article that the product takes it for."""

    item: Item
    article: str


def read_posts(folder: Path) -> list[Post]:
    """All posts in the order of publication, which their ids count; a URL may be empty.

    Raises Unmeasurable.
    """
    found = [_mirrored(row, where) for where, row in rows(folder / MIRROR)]
    found += [_of_rthk(row, where) for where, row in rows(folder / RTHK)]
    found.sort(key=lambda each: each[2])
    return [
        _post(f"{number:06}", outlet, post, published)
        for number, (outlet, post, published) in enumerate(found)
    ]


_Read = tuple[str, ArchivedPost, datetime]


def _mirrored(row: Row, where: str) -> _Read:
    try:
        raw, path = string(row, "raw", where), Path(string(row, "path", where))
        post = read_feedx_markdown(raw, path)
        published = datetime.fromtimestamp(int(str(row["epoch_ms"])) / 1000, UTC)
    except (ArchiveError, KeyError, ValueError) as error:
        raise Unmeasurable(f"{where}: no post of the mirror: {error}") from error
    return string(row, "outlet", where), post, published


def _of_rthk(row: Row, where: str) -> _Read:
    """Without addresses, in Markdown."""
    date, raw = string(row, "date", where), string(row, "raw", where)
    try:
        published = datetime.fromisoformat(f"{date[:19]}+08:00").astimezone(UTC)
    except ValueError as error:
        raise Unmeasurable(f"{where}: 'date' is {date!r}, which is no ISO 8601 date") from error
    post = ArchivedPost(
        title=string(row, "title", where),
        url="",
        author="",
        outlet="RTHK",
        categories=(),
        published=published,
        date_given=date,
        image="",
        html=raw.split("---\n", 2)[-1],
        path=Path(string(row, "path", where)),
    )
    return "RTHK", post, published


def _post(id_: str, outlet: str, post: ArchivedPost, published: datetime) -> Post:
    entry = archived_entry(post, _LATER)
    text = plain_text(_COMMENT.sub("", post.html)) if post.url else post.html
    return Post(Item(id_, outlet, outlet, post.url, post.title, text, published), entry.article_id)


# --- the measure ---------------------------------------------------------------------------------

Pairs = set[tuple[str, str]]
"""The ids of two posts, the earlier first."""


def measure(posts: Sequence[Post]) -> Report:
    by_id = {post.item.id: post for post in posts}
    related, cost = relations([post.item for post in posts])
    merged = {pair for pair, relation in related.items() if relation.kind in DUPLICATE}
    by_address = addresses(posts)
    notes = templates(posts)
    reprints = sorted(pair for pair in merged if len({by_id[id_].item.outlet for id_ in pair}) == 2)
    kinds = Counter(related[pair].kind for pair in reprints)
    between = Counter(" · ".join(sorted(by_id[id_].item.outlet for id_ in p)) for p in reprints)
    figures = {
        "posts": len(posts),
        "articles": len({post.article for post in posts}),
        **by_address.result(merged),
        "reprints": len(reprints),
        "reprints_by_kind": dict(kinds),
        "reprints_by_outlets": dict(between.most_common(SAMPLE)),
        "reprints_sample": [
            " = ".join(f"{by_id[id_].item.outlet}: {by_id[id_].item.title}" for id_ in pair)
            for pair in reprints[:: max(1, len(reprints) // SAMPLE)][:SAMPLE]
        ],
        "template_titles": len({by_id[first].item.title for first, _ in notes}),
        "template_pairs": len(notes),
        "template_pairs_merged": len(notes & merged),
        "groups_by_size": _groups(merged),
        **cost,
    }
    floors = (
        Floor("urls_one_article", by_address.one / max(1, by_address.repeated), 1.0),
        Floor("template_pairs_merged", len(notes & merged), 0, at_most=True),
    )
    return Report(figures, floors)


@dataclass(frozen=True, slots=True)
class Addresses:
    """URLs that occur more than once, those that are one article, and the pairs of their posts."""

    repeated: int
    one: int
    posts: int
    pairs: Pairs

    def result(self, merged: Pairs) -> dict[str, object]:
        return {
            "urls_repeated": self.repeated,
            "urls_repeated_posts": self.posts,
            "urls_one_article": self.one,
            "url_pairs": len(self.pairs),
            "url_pairs_found_by_content": len(self.pairs & merged),
        }


def addresses(posts: Iterable[Post]) -> Addresses:
    of: dict[str, list[Post]] = defaultdict(list)
    for post in posts:
        if post.item.url:
            of[post.item.url].append(post)
    repeated = [found for found in of.values() if len(found) > 1]
    return Addresses(
        len(repeated),
        sum(len({post.article for post in found}) == 1 for found in repeated),
        sum(map(len, repeated)),
        {pair for found in repeated for pair in _pairs(found)},
    )


def templates(posts: Iterable[Post]) -> Pairs:
    """Pairs of different articles of one outlet under a title that it gives again and again."""
    of: dict[tuple[str, str], list[Post]] = defaultdict(list)
    for post in posts:
        if post.item.title:
            of[post.item.outlet, post.item.title].append(post)
    return {
        (first.item.id, second.item.id)
        for found in of.values()
        if len({post.article for post in found}) >= TITLE_OF_EVERY_DAY
        for first, second in combinations(found, 2)
        if first.article != second.article
    }


def _pairs(posts: Sequence[Post]) -> Pairs:
    return {(first.item.id, second.item.id) for first, second in combinations(posts, 2)}


def relations(
    items: Sequence[Item],
) -> tuple[dict[tuple[str, str], Relation], Mapping[str, object]]:
    """What each is to earlier ones, as the content says; and what that costs."""
    texts = read_texts(items, learn_boilerplate(items))
    index, milliseconds, compared = Index(), [], 0
    related: dict[tuple[str, str], Relation] = {}
    for item in items:
        text = texts[item.id]
        begun = time.thread_time()
        for other, relation in index.relations(text):
            related[other, text.id] = relation
        milliseconds.append(1000 * (time.thread_time() - begun))
        compared += len(index.candidates(text))
        index.add(text)
    return related, {
        "compared_per_post": compared / max(1, len(items)),
        "median_ms": statistics.median(milliseconds),
        "mean_ms": statistics.fmean(milliseconds),
    }


def _groups(merged: Iterable[tuple[str, str]]) -> dict[str, int]:
    """How many groups of each size the pairs join into."""
    group: dict[str, set[str]] = {}
    for first, second in merged:
        joined = group.get(first, {first}) | group.get(second, {second})
        for member in joined:
            group[member] = joined
    sizes = Counter(len(each) for each in {frozenset(each) for each in group.values()})
    return {str(size): sizes[size] for size in sorted(sizes)}
