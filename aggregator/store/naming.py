"""Under which key an entry of this document is known. Mostly it is the one that it came with.

Guids change (at every poll even), are others at a mirror of the feed, or say nothing but the place
in the document (item-1, item-2 …). So what stands beside them is asked:

| the key    | what else is seen                              | it is known                        |
|------------|------------------------------------------------|------------------------------------|
| is known   | the URL or the text is what is known of it     | by this key                        |
| is known   | another URL, which is known by another key     | by that one: the guids name places |
| is known   | another URL and text, and the guids name       | by its URL, from now on            |
|            | places or it is not worded as what is known    |                                    |
| is known   | another URL and text, worded much as what is   | by this key: it moved, a revision  |
|            | known                                          |                                    |
| is unknown | its URL is known                               | by the key of that                 |
| is unknown | no URL; its text is known, of the same date    | by the key of that                 |

A key that another entry of the document keeps is never given. Several posts on one page (entries
with one URL) are not told apart by their URL.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, or_, select

from aggregator.core.dedupe import LOOKED_AT, is_worded_alike
from aggregator.core.identity import article_id, keys_without_guid
from aggregator.core.model import Entry
from aggregator.store.group_tables import RULINGS
from aggregator.store.homes import AT_ONCE, chunks, homes_of
from aggregator.store.tables import ENTRIES

NEWEST = 1000
"""Of a feed's entries: among so many one without a date is looked for."""

READ = 200
"""Of so many entries of a document texts are compared, a millisecond each; of more the titles."""

# The statements of every poll are made once: making one costs more than running it.

_KNOWN = select(ENTRIES.c.key, ENTRIES.c.digest, ENTRIES.c.url).where(
    ENTRIES.c.feed_id == bindparam("the_id"),
    ENTRIES.c.key.in_(bindparam("the_keys", expanding=True)),
)
_SAME_URL = select(ENTRIES.c.key, ENTRIES.c.url).where(
    ENTRIES.c.feed_id == bindparam("the_id"),
    ENTRIES.c.article_id.in_(bindparam("the_articles", expanding=True)),
)
_WORDING = select(
    ENTRIES.c.key,
    ENTRIES.c.published,
    ENTRIES.c.title,
    func.substr(ENTRIES.c.content, 1, LOOKED_AT).label("content"),
    func.substr(ENTRIES.c.summary, 1, LOOKED_AT).label("summary"),
).where(
    ENTRIES.c.feed_id == bindparam("the_id"),
    ENTRIES.c.key.in_(bindparam("the_keys", expanding=True)),
)
_OF_DATE = select(ENTRIES.c.key, ENTRIES.c.digest, ENTRIES.c.published).where(
    ENTRIES.c.feed_id == bindparam("the_id"),
    ENTRIES.c.url == "",
    ENTRIES.c.published.in_(bindparam("the_dates", expanding=True)),
)
_NEWEST = (
    select(ENTRIES.c.key, ENTRIES.c.digest, ENTRIES.c.url, ENTRIES.c.date_given)
    .where(ENTRIES.c.feed_id == bindparam("the_id"))
    .order_by(ENTRIES.c.published.desc())
    .limit(NEWEST)
)
_RULED = select(RULINGS.c.first_id, RULINGS.c.second_id).where(
    RULINGS.c.scope == "article",
    or_(
        RULINGS.c.first_id.in_(bindparam("the_ids", expanding=True)),
        RULINGS.c.second_id.in_(bindparam("the_ids", expanding=True)),
    ),
)


class _Known(NamedTuple):
    digest: str
    url: str


class _Wording(NamedTuple):
    published: datetime
    title: str
    html: str


@dataclass(frozen=True, slots=True)
class Named:
    """The entries of a document, each once, under the keys that they are known by; the digests of
    those that are known, by key; and the keys of those whose URL is another now.
    """

    entries: tuple[Entry, ...]
    digests: Mapping[str, str]
    moved: frozenset[str] = frozenset()


def named(connection: Connection, feed_id: str, entries: Sequence[Entry]) -> Named:
    """Takes one feed's entries under the keys that the document gives them."""
    items = _each_once(entries)
    known = _known(connection, feed_id, [entry.key for entry in items])
    strange = [entry for entry in items if entry.key not in known]
    doubtful = [entry for entry in items if entry.key in known and _is_doubtful(entry, known)]
    if not strange and not doubtful:
        return Named(items, _digests(known))

    taken = {entry.key for entry in items} - {entry.key for entry in doubtful}
    several = {url for url, times in Counter(entry.url for entry in items).items() if times > 1}
    alone = [one for one in (*strange, *doubtful) if one.url and one.url not in several]
    of_urls = _keys_of_urls(connection, feed_id, alone)
    keys = _by_url(alone, of_urls, taken)

    name_places = any(entry.url in of_urls for entry in doubtful)
    unplaced = [entry for entry in doubtful if entry.key not in keys]
    free = [entry for entry in unplaced if not name_places and entry.key not in taken]
    same = _worded_alike(connection, feed_id, free)
    held = {entry.key for entry in same}
    taken |= held
    others = [entry for entry in unplaced if entry.key not in held]
    keys |= _by_themselves(connection, feed_id, others, several, taken)

    unlinked = [entry for entry in strange if not entry.url]
    keys |= _by_text(connection, feed_id, unlinked, taken, undated_too=not known)

    moved = _not_ruled_on(connection, same, known)
    if keys:
        items = _each_once(replace(one, key=keys.get(one.key, one.key)) for one in items)
        known = _known(connection, feed_id, [entry.key for entry in items])
    return Named(items, _digests(known), moved)


def _each_once(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.key, entry)
    return tuple(first.values())


def _known(connection: Connection, feed_id: str, keys: Sequence[str]) -> Mapping[str, _Known]:
    known: dict[str, _Known] = {}
    for some in chunks(keys):
        rows = connection.execute(_KNOWN, {"the_id": feed_id, "the_keys": some})
        known.update((row.key, _Known(row.digest, row.url)) for row in rows)
    return known


def _digests(known: Mapping[str, _Known]) -> Mapping[str, str]:
    return {key: row.digest for key, row in known.items()}


def _is_doubtful(entry: Entry, known: Mapping[str, _Known]) -> bool:
    """Whether it may be another item than the one that is known by its key."""
    row = known[entry.key]
    linked = entry.url and row.url
    return bool(linked) and entry.url != row.url and entry.digest != row.digest


# --- by its URL ----------------------------------------------------------------------------------


def _keys_of_urls(
    connection: Connection, feed_id: str, entries: Sequence[Entry]
) -> Mapping[str, Sequence[str]]:
    """The keys by which the feed's entries of these URLs are known, the last first."""
    if not entries:
        return {}
    wanted = {entry.url for entry in entries}
    found: dict[str, list[str]] = defaultdict(list)
    homes = homes_of(connection, entries)
    for ids in chunks(sorted({home.id for home in homes.values()})):
        for row in connection.execute(_SAME_URL, {"the_id": feed_id, "the_articles": ids}):
            if row.url in wanted:
                found[row.url].append(row.key)
    return {url: sorted(keys, reverse=True) for url, keys in found.items()}


def _by_url(
    entries: Iterable[Entry], of_urls: Mapping[str, Sequence[str]], taken: set[str]
) -> dict[str, str]:
    """For those of the entries that are known by their URL: the key, which is taken then."""
    keys: dict[str, str] = {}
    for entry in entries:
        free = [key for key in of_urls.get(entry.url, ()) if key not in taken]
        if free:
            keys[entry.key] = free[0]
            taken.add(free[0])
    return keys


def _by_themselves(
    connection: Connection,
    feed_id: str,
    entries: Sequence[Entry],
    several: Collection[str],
    taken: set[str],
) -> dict[str, str]:
    """Keys that are made of the entries, whose guids tell nothing: the first by which nothing else
    is known, of this document or before.
    """
    choices = {one.key: keys_without_guid(one, one.url not in several) for one in entries}
    stored = _known(connection, feed_id, sorted({key for each in choices.values() for key in each}))
    keys: dict[str, str] = {}
    for entry in entries:
        *choice, last = choices[entry.key]
        free = (
            key
            for key in choice
            if key not in taken and (key not in stored or stored[key].url == entry.url)
        )
        keys[entry.key] = next(free, last)
        taken.add(keys[entry.key])
    return keys


# --- by its wording ------------------------------------------------------------------------------


def _worded_alike(
    connection: Connection, feed_id: str, entries: Sequence[Entry]
) -> tuple[Entry, ...]:
    """Those of the entries that are worded much as what is known by their keys."""
    known: dict[str, _Wording] = {}
    for keys in chunks([entry.key for entry in entries]):
        for row in connection.execute(_WORDING, {"the_id": feed_id, "the_keys": keys}):
            known[row.key] = _Wording(row.published, row.title, row.content or row.summary)
    return tuple(
        entry
        for number, entry in enumerate(entries)
        if _is_worded_as(entry, known[entry.key], titles_only=number >= READ)
    )


def _is_worded_as(entry: Entry, known: _Wording, titles_only: bool) -> bool:
    if known.title or known.html:
        html = ("", "") if titles_only else (entry.content or entry.summary, known.html)
        return is_worded_alike((entry.title, html[0]), (known.title, html[1]))
    # retention left nothing but the date
    return not _is_dated(entry) or entry.published == known.published


def _by_text(
    connection: Connection,
    feed_id: str,
    entries: Sequence[Entry],
    taken: Set[str],
    undated_too: bool,
) -> dict[str, str]:
    """For entries whose text is known of the same date, without a URL: the key of that.

    As many as are known: of two alike, where one is known, one is new.
    """
    known: dict[tuple[str, datetime | str], list[str]] = defaultdict(list)
    dates = sorted({one.published for one in entries if _is_dated(one)})
    for start in range(0, len(dates), AT_ONCE):
        some = {"the_id": feed_id, "the_dates": dates[start : start + AT_ONCE]}
        for dated in connection.execute(_OF_DATE, some):
            known[dated.digest, dated.published].append(dated.key)
    undated = [one for one in entries if undated_too and not _is_dated(one)]
    if undated:
        for row in connection.execute(_NEWEST, {"the_id": feed_id}):
            if not row.url:
                known[row.digest, row.date_given].append(row.key)
    free = {what: sorted(set(keys) - taken, reverse=True) for what, keys in known.items()}
    keys: dict[str, str] = {}
    for entry in sorted(entries, key=lambda one: one.key):
        when = entry.published if _is_dated(entry) else entry.date_given
        if left := free.get((entry.digest, when)):
            keys[entry.key] = left.pop()
    return keys


def _is_dated(entry: Entry) -> bool:
    return entry.published != entry.first_seen


# --- what moved ----------------------------------------------------------------------------------


def _not_ruled_on(
    connection: Connection, entries: Iterable[Entry], known: Mapping[str, _Known]
) -> frozenset[str]:
    """The keys of those entries of whose articles nothing was said by the URL that is known."""
    names = {
        article_id(known[entry.key].url, entry.feed_id, entry.key): entry.key for entry in entries
    }
    ruled: set[str] = set()
    for ids in chunks(sorted(names)):
        for row in connection.execute(_RULED, {"the_ids": ids}):
            ruled |= {names[id_] for id_ in row if id_ in names}
    return frozenset(names.values()) - ruled
