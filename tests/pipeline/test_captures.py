"""Every captured feed, read and stored: nothing that a person sees in it is lost."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import Connection, select

from aggregator.compose import Rules
from aggregator.core.composed import Composed
from aggregator.core.dates import EARLIEST
from aggregator.core.identity import KEY_LIMIT
from aggregator.core.model import Decision, FeedReading, FeedSpec, Retrieved, Validators
from aggregator.core.text import letters
from aggregator.errors import NotAFeed
from aggregator.settling import Settler
from aggregator.steps import compose_many, read_feed
from aggregator.store import Store, articles, materials, polls
from aggregator.store.tables import ENTRIES, REVISIONS
from tests.captured import CAPTURES, FEEDS, NO_FEEDS, POLLS, POSTS, Post, named, posts, seen

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SINGLE = [path for path in FEEDS if "polls" not in path.parts]


class Stored(NamedTuple):
    key: str
    article_id: str
    title: str
    content: str
    published: datetime
    first_seen: datetime


@dataclass
class Archive:
    """A store, with a feed in it for each capture."""

    store: Store

    def poll(self, name: str, body: bytes, now: datetime = NOW) -> tuple[FeedReading, Decision]:
        """As the pipeline does it, without the network."""
        spec = FeedSpec(name, (f"https://feeds.example.org/{name}",), timezone="Asia/Shanghai")
        answer = Retrieved(spec.urls[0], 200, {}, body, Validators(), 0.1)
        reading = read_feed(answer, spec, now)

        def record(connection: Connection) -> Decision:
            polls.sync_feeds(connection, (spec,), now)
            return polls.record_entries(connection, spec.id, reading.entries, now)

        return reading, self.write(record)

    def write(self, operation: Callable[[Connection], Decision]) -> Decision:
        return asyncio.run(self.store.write(operation))

    def stored(self, name: str) -> list[Stored]:
        columns = [ENTRIES.c[field] for field in Stored._fields]
        wanted = select(*columns).where(ENTRIES.c.feed_id == name)
        return self.store.read_now(lambda c: [Stored(*row) for row in c.execute(wanted)])

    def compose(self, now: datetime) -> list[str]:
        """Makes every article that waits, without pages; gives the titles of former revisions."""
        waiting = self.store.read_now(materials.pending, now, 1000)
        alone = [replace(material, page_failed=True) for material in waiting.materials]
        made = compose_many(alone, Rules((), ()))
        done = [articles.Made(one) for one in made if isinstance(one, Composed)]
        assert len(done) == len(made)
        asyncio.run(self.store.write(Settler().settle, done, now))
        titles = select(REVISIONS.c.title)
        return self.store.read_now(lambda c: list(c.execute(titles).scalars()))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('captures') / 'news.db'}")
    yield Archive(store)
    store.close()


@pytest.mark.parametrize("path", SINGLE, ids=named)
def test_what_a_person_sees_in_a_captured_feed_is_stored_once(archive: Archive, path: Path) -> None:
    body, name = path.read_bytes(), named(path)
    if path.name in NO_FEEDS or not body.strip():
        with pytest.raises(NotAFeed):
            archive.poll(name, body)
        return
    reading, first = archive.poll(name, body)
    empty = sum(int(note.split()[0]) for note in reading.notes if "empty entries" in note)
    assert len(reading.entries) + empty == seen(body)
    entries = archive.stored(name)
    # the same entry twice in one answer is one; so told by title and link as well as by key
    shown = {(entry.key, entry.title, entry.link) for entry in reading.entries}
    assert len(entries) == len(first.new) == len(shown)
    for entry in entries:
        assert 0 < len(entry.key) <= KEY_LIMIT
        assert EARLIEST <= entry.published <= entry.first_seen == NOW
        assert entry.title or entry.content or path.parent.name == "venus"
    again, second = archive.poll(name, body, NOW + HOUR)
    assert (second.new, second.revised, second.known) == ((), (), len(entries))
    assert [entry.key for entry in again.entries] == [entry.key for entry in reading.entries]


@pytest.mark.parametrize("folder", POLLS, ids=lambda path: path.name)
def test_captured_polls_of_one_feed_give_no_entry_twice(archive: Archive, folder: Path) -> None:
    name = f"polls/{folder.name}"
    links: set[str] = set()
    new = 0
    for number, path in enumerate(sorted(folder.iterdir())):
        reading, decision = archive.poll(name, path.read_bytes(), NOW + number * HOUR)
        fresh = {entry.link for entry in reading.entries} - links
        assert {entry.link for entry in decision.new} == fresh
        links |= fresh
        new += len(decision.new)
        # the feed says that it is updated, and the cards in it count hours, readers and comments
        assert decision.revised == ()
    entries = archive.stored(name)
    assert len(entries) == len({entry.article_id for entry in entries}) == new == len(links)


def as_feed(versions: Sequence[Post]) -> bytes:
    """As the mirror sends them: a title, a link, a body, and nothing that tells them apart."""
    items = "".join(
        f"<item><title>{escape(post.title)}</title><link>{escape(post.url)}</link>"
        f"<description>{escape(post.body)}</description>"
        "<pubDate>Tue, 21 Jul 2020 18:00:00 +0800</pubDate></item>"
        for post in versions
    )
    return f"<rss version='2.0'><channel><title>x</title>{items}</channel></rss>".encode()


@pytest.mark.skipif(not POSTS.exists(), reason="the captured posts are not here")
def test_what_an_outlet_retitled_in_place_is_revised_and_keeps_its_id(tmp_path: Path) -> None:
    versions: dict[str, list[Post]] = defaultdict(list)
    for post in posts():
        if all(post.title != other.title for other in versions[post.url]):
            versions[post.url].append(post)
    retitled = [both for both in versions.values() if len(both) > 1][:40]
    assert len(retitled) == 40
    archive = Archive(Store.open(f"sqlite:///{tmp_path / 'news.db'}"))
    archive.poll("mirror", as_feed([both[0] for both in retitled]))
    before = {entry.key: entry.article_id for entry in archive.stored("mirror")}
    assert archive.compose(NOW) == []
    _, decision = archive.poll("mirror", as_feed([both[1] for both in retitled]), NOW + HOUR)
    differing = [
        a for a, b, *_ in retitled if letters(a.title + a.body) != letters(b.title + b.body)
    ]
    assert (len(decision.new), len(decision.revised)) == (0, len(differing))
    assert len(differing) > 35
    assert {entry.key: entry.article_id for entry in archive.stored("mirror")} == before
    assert len(archive.compose(NOW + HOUR)) == len(differing)
    archive.store.close()


@pytest.mark.skipif(not FEEDS, reason="no captures beside the project")
def test_stories_of_two_regional_feeds_are_the_same_articles(archive: Archive) -> None:
    regions = ("exposir_json/bbc-uk.json", "exposir_json/bbc-us.json")
    for region in regions:
        archive.poll(region, (CAPTURES / region).read_bytes())
    home, abroad = ({entry.article_id for entry in archive.stored(region)} for region in regions)
    assert home == abroad
    assert len(home) > 370
