"""A simulated archive: many earlier articles, as they would be in a store, written in bulk.

The published articles of a real run are its pattern, repeated: their sketches, prints, events and
stories. What is particular to an article is changed in each repetition, so that no later article
finds its own pattern: of the sketch all hashes but those that stand in articles of several days, of
the prints the rarer words, each for one about as rare, the same throughout a repetition. What is
common stays, as often as it really is.

Of articles published over 30 days before, what they are found by is gone, as the product has it.
Bodies are 200 bytes: settling reads those of candidates alone, and of these there are none here.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import Connection, select

from aggregator.core.repeated import WINDOW
from aggregator.core.sketch import RARE
from aggregator.core.story_counts import CountsState
from aggregator.core.story_prints import StoryPrint, from_bytes, heaviest, to_bytes
from aggregator.engines.regrouping import GROUPED
from aggregator.store.columns import signed, unsigned
from aggregator.store.copies import era_of
from aggregator.store.group_tables import (
    EVENTS,
    MEMBERS,
    SENTENCES,
    SKETCH_HASHES,
    SOURCES,
    STORY_PRINTS,
)
from aggregator.store.story_places import PARTS, hour_of
from aggregator.store.tables import ARTICLES
from bench.settling_targets import Row, Target

A_DAY = 10_000
"""Articles."""

COMMON_DAYS = 3
"""Days on which a hash of the pattern stands in articles, for it to be common."""

COMMON_WORD = 0.005
"""Share of articles that have a common word."""

SENTENCES_OF_A_SOURCE = 1500
BODY = "正文" * 33
_SIZES = tuple((1 << 32) // one_in for one_in in (32, 16, 8))
SEED = 5


@dataclass(frozen=True, slots=True)
class Patterned:
    """A published article of the real run."""

    hashes: Sequence[int]
    print_: StoryPrint
    heavy: Mapping[str, int]
    event: str
    position: int
    because: int | None
    score: float


@dataclass(frozen=True, slots=True)
class Pattern:
    articles: Sequence[Patterned]
    numbers: Mapping[int, int]
    """Where the article of a number stands among them."""
    events: Mapping[str, tuple[str, int]]
    """The story of each, and its position there."""
    sources: Mapping[str, int]
    often: Mapping[str, Sequence[Row]]
    """Of each source the sentences that came several times: hash, times, days."""
    common: frozenset[int]
    words: Mapping[str, int]
    """In how many of the articles each word is."""


def read_pattern(connection: Connection) -> Pattern:
    """The pattern that a store has after a real run."""
    hashes: dict[int, list[int]] = defaultdict(list)
    for row in connection.execute(select(SKETCH_HASHES.c.number, SKETCH_HASHES.c.hash)):
        hashes[row.number].append(unsigned(row.hash))
    prints = {
        row.number: from_bytes(row.print)
        for row in connection.execute(select(STORY_PRINTS.c.number, STORY_PRINTS.c.print))
    }
    members = connection.execute(select(MEMBERS).order_by(MEMBERS.c.number)).all()
    articles = [
        Patterned(
            hashes[row.number],
            prints[row.number],
            {
                word: int(prints[row.number].words[word] * PARTS)
                for word in heaviest(prints[row.number])
            },
            row.event_id,
            row.position,
            row.because,
            row.score,
        )
        for row in members
    ]
    often: dict[str, list[Row]] = defaultdict(list)
    for row in connection.execute(select(SENTENCES).where(SENTENCES.c.times >= 3)):
        often[row.source].append((row.hash, row.times, row.days))
    return Pattern(
        articles,
        {row.number: at for at, row in enumerate(members)},
        {
            row.id: (row.story_id, row.position)
            for row in connection.execute(select(EVENTS).where(EVENTS.c.merged_into == ""))
        },
        {row.source: row.articles for row in connection.execute(select(SOURCES))},
        often,
        _common(articles),
        Counter(word for one in articles for word in one.print_.counts),
    )


def _common(articles: Sequence[Patterned]) -> frozenset[int]:
    days: dict[int, set[object]] = defaultdict(set)
    for one in articles:
        for value in one.hashes:
            days[value].add(one.print_.published.date())
    return frozenset(value for value, on in days.items() if len(on) >= COMMON_DAYS)


# --- the articles --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Earlier:
    """One simulated article."""

    number: int
    published: datetime
    of: Patterned
    repetition: int


class Archive:
    """So many articles before `until`, so many a day, of so many sources."""

    def __init__(
        self,
        pattern: Pattern,
        articles: int,
        until: datetime,
        sources: int = 1000,
        a_day: int = A_DAY,
    ) -> None:
        self._pattern = pattern
        self._articles = articles
        self._until = until
        self._sources = sources
        self._step = timedelta(days=1) / a_day
        self._classes = _word_classes(pattern)

    def write(self, target: Target, say: Callable[[str], None]) -> None:
        for what, write in (
            ("articles", self._write_articles),
            ("events and stories", self._write_events),
            ("sketches", self._write_sketches),
            ("prints", self._write_prints),
            ("sentences", self._write_sentences),
            ("words", self._write_counts),
        ):
            say(what)
            write(target)

    def _all(self, since: datetime | None = None) -> Iterator[_Earlier]:
        step = self._step
        size = len(self._pattern.articles)
        first = 0
        if since is not None:
            first = max(0, self._articles - int((self._until - since) / step))
        for at in range(first, self._articles):
            published = self._until - (self._articles - at) * step
            yield _Earlier(at + 1, published, self._pattern.articles[at % size], at // size)

    def _write_articles(self, target: Target) -> None:
        columns = [column.name for column in ARTICLES.columns]
        target.write("articles", columns, self._article_rows(target, columns))

    def _article_rows(self, target: Target, columns: Sequence[str]) -> Iterator[Row]:
        ids = random.Random(SEED)
        feeds = [f"feed-{at}" for at in range(self._sources)]
        fixed: dict[str, object] = dict.fromkeys(columns, "") | {
            "state": "ready", "enrich_at": None, "enrich_tries": 0, "published_by": "feed",
            "language": "zh", "categories": "[]", "enclosures": "[]", "verdicts": "[]",
            "title": "一篇较早的文章的标题有这样长", "lead": BODY[:60], "body": BODY,
        }  # fmt: skip
        for one in self._all():
            moment = target.moment(one.published)
            name = str(UUID(int=ids.getrandbits(128)))
            feed = feeds[ids.randrange(len(feeds))]
            row = fixed | {
                "id": name, "number": one.number, "brought_by": feed, "outlet": feed,
                "fingerprint": f"{ids.getrandbits(128):032x}", "body_from": feed,
                "url": f"https://news.example/{name}", "published": moment, "updated": moment,
                "first_seen": moment,
            }  # fmt: skip
            yield [row[column] for column in columns]

    # --- what they are found by ------------------------------------------------------------

    def _write_sketches(self, target: Target) -> None:
        since = self._until - GROUPED
        # an era is forgotten as a whole, once all of it is past
        kept = [one for one in self._all(since - timedelta(days=7)) if
                era_of(one.published) >= era_of(since)]  # fmt: skip
        target.write(
            "sketches",
            ("number", "era", "size"),
            ((one.number, era_of(one.published), len(one.of.hashes)) for one in kept),
        )
        # article by article, as they come: so pages are as full as they will be
        target.write("sketch_hashes", ("era", "hash", "number"), self._hash_rows(kept))

    def _hash_rows(self, articles: Iterable[_Earlier]) -> Iterator[Row]:
        rng, common = random.Random(SEED), self._pattern.common
        times: Counter[tuple[int, int]] = Counter()
        for one in articles:
            era = era_of(one.published)
            found = {
                value
                if value in common
                else rng.randrange(next(size for size in _SIZES if value < size))
                for value in one.of.hashes
            }
            for value in found & common:
                times[era, value] += 1
                if times[era, value] > RARE:  # the product keeps no more of them either
                    found.remove(value)
            for value in sorted(map(signed, found)):
                yield era, value, one.number

    def _write_prints(self, target: Target) -> None:
        columns = ("number", "hour", "digest", "print")
        words: list[Row] = []

        def prints() -> Iterator[Row]:
            repetition = -1
            names: Mapping[str, str] = {}
            for one in self._all(self._until - GROUPED):
                if one.repetition != repetition:
                    repetition, names = one.repetition, self._renamed(one.repetition)
                stored = to_bytes(_retold(one.of.print_, one.published, names))
                hour = hour_of(one.published)
                digest = blake2b(stored, digest_size=8).digest()
                words.extend(
                    (names.get(word, word), hour, one.number, part)
                    for word, part in one.of.heavy.items()
                )
                yield one.number, hour, int.from_bytes(digest, "big", signed=True), stored

        target.write("story_prints", columns, prints())
        target.write("story_words", ("word", "hour", "number", "part"), words)

    def _renamed(self, repetition: int) -> Mapping[str, str]:
        rng = random.Random(repetition)
        names: dict[str, str] = {}
        for words in self._classes:
            by = rng.randrange(len(words))
            names |= zip(words, words[by:] + words[:by], strict=True)
        return names

    # --- where they are ----------------------------------------------------------------------

    def _write_events(self, target: Target) -> None:
        size = len(self._pattern.articles)
        ids = random.Random(SEED + 1)
        events: dict[tuple[int, str], str] = {}
        stories: dict[tuple[int, str], list[object]] = {}
        members: list[Row] = []
        event_rows: list[Row] = []

        def new() -> str:
            return str(UUID(int=ids.getrandbits(128)))

        def flush() -> None:
            target.write("members", ("number", "event_id", "position", "because", "score"), members)
            target.write(
                "events", ("id", "story_id", "position", "came_from", "merged_into"), event_rows
            )
            for rows in (members, event_rows):
                rows.clear()

        repetition = 0
        for one in self._all():
            if one.repetition != repetition:
                repetition = one.repetition
                events.clear()
                _write_stories(target, stories)
                flush()
            story_name, position = self._pattern.events[one.of.event]
            story = stories.setdefault((repetition, story_name), [new(), one.published])
            story[1] = one.published
            event = events.get((repetition, one.of.event))
            if event is None:
                event = events[repetition, one.of.event] = new()
                event_rows.append((event, story[0], position, "", ""))
            because = self._pattern.numbers.get(one.of.because or 0)
            reason = None if because is None else repetition * size + because + 1
            members.append((one.number, event, one.of.position, reason, one.of.score))
        _write_stories(target, stories)
        flush()

    # --- what is learnt ------------------------------------------------------------------------

    def _write_sentences(self, target: Target) -> None:
        rng = random.Random(SEED)
        names = [*self._pattern.sources]
        names += [f"feed-{at}" for at in range(self._sources - len(names))]
        counted = {name: rng.randrange(WINDOW // 2, WINDOW) for name in names}
        target.write("sources", ("source", "articles"), counted.items())
        day = str((self._until - datetime(1970, 1, 1, tzinfo=self._until.tzinfo)).days - 1)

        def rows() -> Iterator[Row]:
            for name in names:
                known = {row[0]: row for row in self._pattern.often.get(name, ())}
                while len(known) < SENTENCES_OF_A_SOURCE:
                    value = signed(rng.getrandbits(32))
                    known.setdefault(value, (value, 1, day))
                yield from ((name, *row) for row in known.values())

        target.write("sentences", ("source", "hash", "times", "days"), rows())

    def _write_counts(self, target: Target) -> None:
        """As of 300,000 articles: from 400,000 on all counts are halved again and again."""
        times = 300_000 / len(self._pattern.articles)
        seen = {word: max(2, int(n * times)) for word, n in self._pattern.words.items()}
        state = CountsState(300_000, self._articles, seen).to_bytes()
        target.write("word_counts", ("learnt", "state"), [(self._articles, state)])
        target.write("word_log", ("learnt", "chain", "words"), [(self._articles, 1, "")])


def _write_stories(target: Target, stories: dict[tuple[int, str], list[object]]) -> None:
    rows: list[Row] = []
    for id_, published in stories.values():
        assert isinstance(published, datetime)
        rows.append((id_, "", "", target.moment(published)))
    target.write("stories", ("id", "came_from", "merged_into", "latest"), rows)
    stories.clear()


def _word_classes(pattern: Pattern) -> Sequence[list[str]]:
    """Words that may stand for each other: about as rare, and not common."""
    classes: dict[int, list[str]] = defaultdict(list)
    for word, times in sorted(pattern.words.items()):
        if times < COMMON_WORD * len(pattern.articles):
            classes[times.bit_length()].append(word)
    return [*classes.values()]


def _retold(print_: StoryPrint, published: datetime, names: Mapping[str, str]) -> StoryPrint:
    """With other words, published at another time."""
    return replace(
        print_,
        published=published,
        counts={names.get(word, word): n for word, n in print_.counts.items()},
        idf={names.get(word, word): weight for word, weight in print_.idf.items()},
    )
