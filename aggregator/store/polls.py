"""What a poll leaves behind: entries, the feed's state, and articles to be made.

Each function takes a connection inside a transaction and does one whole step of
it in bulk statements, so a feed's validators and its entries are never apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from aggregator.core.cadence import LEAST_STEP, shifted
from aggregator.core.dedupe import decide
from aggregator.core.feed_state import FeedState, with_rhythm
from aggregator.core.model import (
    Decision,
    Entry,
    FeedReading,
    FeedSpec,
)
from aggregator.store.feed_rows import POLLED, feed_state_of, new_feed_values, polled_values
from aggregator.store.homes import Home, at_home, chunks, homes_by_key, homes_of
from aggregator.store.naming import named
from aggregator.store.retention import keep_out
from aggregator.store.rows import entry_values, pending_values
from aggregator.store.tables import ARTICLES, ENTRIES, EXTRACTS, FEEDS, HOLDS

# The statements of every poll are made once: making one costs more than running it.

_POLLED = (
    update(FEEDS)
    .where(FEEDS.c.id == bindparam("the_id"))
    .values({name: bindparam(name) for name in POLLED})
)
_BEGUN = (
    update(FEEDS)
    .where(FEEDS.c.id == bindparam("the_id"))
    .values(next_poll_at=bindparam("again_at"), due_because="its last poll was cut off")
)
_TITLED = _POLLED.values(
    title=case((FEEDS.c.title == "", bindparam("its_title")), else_=FEEDS.c.title),
)
REVISABLE = (
    "digest", "title", "summary", "content", "base", "author", "language", "categories",
    "enclosures",
)  # fmt: skip
"""What a revised entry brings anew. What it is about, and when it came, stays."""

MOVED = ("url", "link")
"""And one that has another URL now; its article keeps its id."""


def sync_feeds(connection: Connection, specs: Sequence[FeedSpec], now: datetime) -> None:
    """Makes the feeds the configured ones: new ones are due at once, removed ones rest.

    A known feed keeps its schedule. One whose URL is no longer configured starts
    over with the first that is, without the validators of the other.
    """
    known = {
        row.id: row for row in connection.execute(select(FEEDS.c.id, FEEDS.c.url, FEEDS.c.active))
    }
    wanted = {spec.id: spec for spec in specs}
    gone = [{"gone": feed_id} for feed_id in known if feed_id not in wanted]
    if gone:
        connection.execute(
            update(FEEDS).where(FEEDS.c.id == bindparam("gone")).values(active=False), gone
        )
    new = [_new_feed(spec, now) for spec in specs if spec.id not in known]
    if new:
        connection.execute(insert(FEEDS), new)
    for spec in specs:
        row = known.get(spec.id)
        if row is None:
            continue
        values: dict[str, Any] = {"active": True, "outlet": spec.outlet}
        if spec.title:
            values["title"] = spec.title
        if row.url not in spec.urls:
            values |= {
                "url": spec.urls[0],
                "addresses": [],
                "next_poll_at": now,
                "due_because": "its address is new",
                "last_status": "",
                "failures": 0,
                "error": "",
            }
        connection.execute(update(FEEDS).where(FEEDS.c.id == spec.id).values(values))


def _new_feed(spec: FeedSpec, now: datetime) -> dict[str, Any]:
    return new_feed_values(spec.id, spec.title, spec.outlet, spec.urls[0], now)


def due_feeds(
    connection: Connection,
    now: datetime,
    limit: int,
    busy: Collection[str] = (),
    late_since: datetime | None = None,
    late_limit: int = 0,
) -> tuple[FeedState, ...]:
    """The feeds whose time has come, longest overdue first, without those that are `busy`.

    Of those that were due by `late_since` no more than `late_limit`; a feed that was never
    polled is not late.
    """
    due = FEEDS.c.active & (FEEDS.c.next_poll_at <= now) & FEEDS.c.id.not_in(busy)
    states: list[FeedState] = []
    if late_since is not None:
        late = due & _late(late_since)
        states += _states(connection, late, min(limit, late_limit))
        due &= ~_late(late_since)
    states += _states(connection, due, limit - len(states))
    return tuple(states)


def late_feeds(connection: Connection, late_since: datetime) -> int:
    """How many feeds that were polled before have been due since then."""
    late = select(func.count()).select_from(FEEDS).where(FEEDS.c.active, _late(late_since))
    return int(connection.execute(late).scalar_one())


def _late(since: datetime) -> ColumnElement[bool]:
    return (FEEDS.c.next_poll_at <= since) & FEEDS.c.last_poll_at.is_not(None)


def _states(connection: Connection, which: ColumnElement[bool], limit: int) -> Iterator[FeedState]:
    if limit > 0:
        chosen = select(FEEDS).where(which).order_by(FEEDS.c.next_poll_at).limit(limit)
        yield from (feed_state_of(row) for row in connection.execute(chosen))


def shift_schedule(connection: Connection, step: timedelta) -> None:
    """The clock was set by `step`: of each feed's wait remains what remained."""
    rows = connection.execute(select(FEEDS.c.id, FEEDS.c.next_poll_at).where(FEEDS.c.active)).all()
    _reschedule(connection, {row.id: shifted(row.next_poll_at, step) for row in rows})


def mend_schedule(connection: Connection, now: datetime) -> None:
    """Feeds that were polled in what is now the future wait from now on: the clock was wrong."""
    rows = connection.execute(
        select(FEEDS.c.id, FEEDS.c.next_poll_at, FEEDS.c.last_poll_at).where(
            FEEDS.c.last_poll_at > now + LEAST_STEP
        )
    ).all()
    _reschedule(
        connection,
        {row.id: shifted(row.next_poll_at, now - row.last_poll_at) for row in rows},
    )


def _reschedule(connection: Connection, times: Mapping[str, datetime]) -> None:
    if times:
        connection.execute(
            update(FEEDS)
            .where(FEEDS.c.id == bindparam("the_id"))
            .values(next_poll_at=bindparam("at")),
            [{"the_id": feed_id, "at": at} for feed_id, at in times.items()],
        )


def active_feeds(connection: Connection) -> tuple[FeedState, ...]:
    """Every configured feed, by id."""
    active = select(FEEDS).where(FEEDS.c.active).order_by(FEEDS.c.id)
    return tuple(feed_state_of(row) for row in connection.execute(active))


def record_poll(
    connection: Connection, state: FeedState, reading: FeedReading, now: datetime
) -> tuple[Decision, FeedState]:
    """Stores what is new or changed together with the state that the poll left the feed in.

    Its status, what is new to its rhythm, and when it last brought something are decided here.
    Gives the decision and the state as it was stored.
    """
    decision = record_entries(connection, state.feed_id, reading.entries, now)
    something = bool(decision.new or decision.revised)
    dated = [entry.published for entry in decision.new if entry.published != entry.first_seen]
    state = replace(
        with_rhythm(state, dated),
        generator=reading.generator,
        last_status="new" if something else "nothing_new",
        last_new_at=now if decision.new else state.last_new_at,
    )
    values = {"the_id": state.feed_id, "its_title": reading.title, **polled_values(state)}
    connection.execute(_TITLED, values)
    return decision, state


def record_pushed(
    connection: Connection, feed_id: str, entries: Sequence[Entry], now: datetime
) -> Decision:
    """Stores what is new or changed among entries that did not come by a poll: what is known of
    the feed's addresses, and when it is polled, stays. Gives the decision.
    """
    row = connection.execute(select(FEEDS).where(FEEDS.c.id == feed_id)).first()
    if row is None:
        return Decision((), (), 0)
    state = feed_state_of(row)
    decision = record_entries(connection, feed_id, entries, now)
    if decision.new:
        dated = [entry.published for entry in decision.new if entry.published != entry.first_seen]
        record_state(connection, replace(with_rhythm(state, dated), last_new_at=now))
    return decision


def record_begun(connection: Connection, feed_id: str, again_at: datetime) -> None:
    """A poll has begun; should nothing more be heard of it, the feed is due at `again_at`."""
    connection.execute(_BEGUN, {"the_id": feed_id, "again_at": again_at})


def record_state(connection: Connection, state: FeedState) -> None:
    """The poll brought no entries: only how the feed is doing has changed."""
    connection.execute(_POLLED, {"the_id": state.feed_id, **polled_values(state)})


def record_entries(
    connection: Connection, feed_id: str, entries: Sequence[Entry], now: datetime
) -> Decision:
    """Stores those of one feed's entries that are new or changed; gives the decision.

    New entries bring their article into being, or join the one that is known by
    the same id; either way the article is to be made (again). Entries of an article
    that retention removed count as known, whatever is new about them.
    """
    names = named(connection, feed_id, entries)
    decision = decide(names.entries, names.digests)
    homes = homes_of(connection, decision.new)
    about = homes_by_key(connection, feed_id, decision.revised)
    decision = _without_removed(connection, feed_id, decision, homes, about)
    if decision.new:
        missing = {e.article_id: e for e in reversed(decision.new) if e.article_id not in homes}
        if missing:
            connection.execute(insert(ARTICLES), [pending_values(e) for e in missing.values()])
        homed = [at_home(entry, homes) for entry in decision.new]
        connection.execute(insert(ENTRIES), [entry_values(entry) for entry in homed])
        _make_again(connection, {e.article_id for e in homed} - missing.keys(), now)
    if decision.revised:
        _revise(connection, feed_id, decision.revised, REVISABLE)
        _revise(connection, feed_id, [e for e in decision.revised if e.key in names.moved], MOVED)
        changed = {about[entry.key].id for entry in decision.revised}
        # the page will have changed too
        for ids in chunks(sorted(changed)):
            of_these = EXTRACTS.c.article_id.in_(ids)
            connection.execute(update(EXTRACTS).where(of_these).values(stale=True))
        _make_again(connection, changed, now)
    return decision


def _revise(
    connection: Connection, feed_id: str, entries: Sequence[Entry], columns: Sequence[str]
) -> None:
    if entries:
        connection.execute(
            update(ENTRIES)
            .where(ENTRIES.c.feed_id == feed_id, ENTRIES.c.key == bindparam("the_key"))
            .values({name: bindparam(f"new_{name}") for name in columns}),
            [
                {"the_key": values["key"]} | {f"new_{name}": values[name] for name in columns}
                for values in map(entry_values, entries)
            ],
        )


def record_holds(connection: Connection, until: Mapping[str, datetime]) -> None:
    """The hosts that want to be left in peace, and until when."""
    connection.execute(delete(HOLDS))
    if until:
        connection.execute(
            insert(HOLDS), [{"host": host, "until": at} for host, at in until.items()]
        )


def holds(connection: Connection) -> Mapping[str, datetime]:
    return {row.host: row.until for row in connection.execute(select(HOLDS))}


def _without_removed(
    connection: Connection,
    feed_id: str,
    decision: Decision,
    homes: Mapping[str, Home],
    about: Mapping[str, Home],
) -> Decision:
    """The decision with what is of removed articles among the known; it is kept out for good."""
    gone = {id for id, home in homes.items() if home.removed}
    new = [at_home(entry, homes) for entry in decision.new if entry.article_id in gone]
    revised = [entry for entry in decision.revised if about[entry.key].removed]
    if not new and not revised:
        return decision
    keep_out(connection, feed_id, new, revised)
    keys = {entry.key for entry in (*new, *revised)}
    return Decision(
        tuple(entry for entry in decision.new if entry.key not in keys),
        tuple(entry for entry in decision.revised if entry.key not in keys),
        decision.known + len(keys),
    )


def _make_again(connection: Connection, article_ids: Collection[str], now: datetime) -> None:
    for ids in chunks(sorted(article_ids)):
        connection.execute(
            update(ARTICLES).where(ARTICLES.c.id.in_(ids)).values(enrich_at=now, enrich_tries=0)
        )
