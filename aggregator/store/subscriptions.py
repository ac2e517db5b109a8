"""Subscriptions with hubs (WebSub): which there are, what is to be asked, what pushes brought.

A feed has one at most that is wanted; those it had before are `leaving` until their hubs know.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from aggregator.core import websub
from aggregator.core.model import Decision, Entry, FeedLinks
from aggregator.core.websub import Subscription
from aggregator.store.polls import record_pushed
from aggregator.store.tables import FEEDS, SUBSCRIPTIONS

RANDOM_BYTES = 32
"""Of tokens and of secrets: 43 characters each, of the 200 bytes that a secret may have."""

ANNOUNCED = timedelta(days=1)
"""How long a push that only says that there is something invites a poll."""

ANNOUNCEMENT = "a push announced something"

_OF_FEED = select(SUBSCRIPTIONS).where(
    SUBSCRIPTIONS.c.feed_id == bindparam("the_id"), SUBSCRIPTIONS.c.state != "leaving"
)
_OF_TOKEN = select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.token == bindparam("the_token"))


# --- what there is -----------------------------------------------------------------------------


def of_feed(connection: Connection, feed_id: str) -> Subscription | None:
    """What the feed has, or wants, with a hub it names."""
    row = connection.execute(_OF_FEED, {"the_id": feed_id}).first()
    return _subscription_of(row) if row else None


def of_feeds(connection: Connection) -> Mapping[str, Subscription]:
    """Those of all feeds, by feed."""
    rows = connection.execute(select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.state != "leaving"))
    return {row.feed_id: _subscription_of(row) for row in rows}


def of_token(connection: Connection, token: str) -> Subscription | None:
    """That whose callback ends in the token."""
    row = connection.execute(_OF_TOKEN, {"the_token": token}).first()
    return _subscription_of(row) if row else None


def due(connection: Connection, now: datetime, public: bool, limit: int) -> Sequence[Subscription]:
    """Those of which a hub is to be asked something, longest overdue first. Where we have no
    public address, only what is to end.
    """
    chosen = select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.act_at <= now)
    if not public:
        chosen = chosen.where(SUBSCRIPTIONS.c.state == "leaving")
    rows = connection.execute(chosen.order_by(SUBSCRIPTIONS.c.act_at).limit(limit))
    return [_subscription_of(row) for row in rows]


# --- what is wanted ----------------------------------------------------------------------------


def record_links(
    connection: Connection, feed_id: str, links: FeedLinks, url: str, now: datetime
) -> None:
    """What a feed that came from `url` says of its hubs: where that is new, what it had ends."""
    known = of_feed(connection, feed_id)
    wanted = websub.can_be_had(links, url)
    if known and wanted and websub.serves(known, links, url):
        if known.hubs != links.hubs:
            save(connection, replace(known, hubs=links.hubs))
        return
    if known:
        _retire(connection, known, now)
    if wanted:
        _add(connection, feed_id, websub.topic_of(links, url), links.hubs, now)


def sync(connection: Connection, callbacks: str, now: datetime) -> None:
    """Ends the subscriptions of feeds that are no longer configured. Those made for another
    address of ours end too, and are wanted anew; `callbacks` is what our callbacks begin with.
    """
    active = set(connection.execute(select(FEEDS.c.id).where(FEEDS.c.active)).scalars())
    for known in of_feeds(connection).values():
        if known.feed_id not in active:
            _retire(connection, known, now)
        elif known.callback and known.callback != callbacks + known.token:
            _retire(connection, known, now)
            _add(connection, known.feed_id, known.topic, known.hubs, now)


def _add(
    connection: Connection, feed_id: str, topic: str, hubs: tuple[str, ...], now: datetime
) -> None:
    made = Subscription(
        token=secrets.token_urlsafe(RANDOM_BYTES),
        feed_id=feed_id,
        topic=topic,
        hub=hubs[0],
        hubs=hubs,
        secret=secrets.token_urlsafe(RANDOM_BYTES),
        act_at=now,
    )
    connection.execute(insert(SUBSCRIPTIONS), [_values(made)])


def _retire(connection: Connection, subscription: Subscription, now: datetime) -> None:
    """A hub that holds it is told; what was only asked for is never confirmed."""
    if subscription.holds(now):
        save(connection, replace(subscription, state="leaving", act_at=now, tries=0))
    else:
        drop(connection, subscription.token)


def save(connection: Connection, subscription: Subscription) -> bool:
    """Stores how it is; False where it is there no longer."""
    changed = (
        update(SUBSCRIPTIONS)
        .where(SUBSCRIPTIONS.c.token == subscription.token)
        .values(_values(subscription))
    )
    return connection.execute(changed).rowcount > 0


def drop(connection: Connection, token: str) -> None:
    connection.execute(delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.token == token))


# --- what hubs and polls tell ------------------------------------------------------------------
# each reads the subscription anew: requests, answers and polls cross


def record_refusal(
    connection: Connection,
    token: str,
    error: str,
    now: datetime,
    retry_after: timedelta | None = None,
) -> None:
    """The hub could not be asked, or did not take it; with `retry_after` as it asked for."""
    known = of_token(connection, token)
    if known is None:
        return
    after = websub.refused(known, error, now, retry_after)
    if websub.given_up(after, now):
        drop(connection, token)
    else:
        save(connection, after)


def answer(
    connection: Connection, token: str, mode: str, topic: str, lease_seconds: str, now: datetime
) -> Subscription | None:
    """The hub asks whether we mean it: the subscription if we do, which is then stored so."""
    known = of_token(connection, token)
    if known is None or not websub.intends(known, mode, topic):
        return None
    if mode == "unsubscribe":
        drop(connection, token)
        return known
    known = websub.verified(known, lease_seconds, now)
    save(connection, known)
    return known


def record_denial(
    connection: Connection, token: str, topic: str, reason: str, now: datetime
) -> Subscription | None:
    """The hub will not: the subscription it means, if there is one."""
    known = of_token(connection, token)
    if known is None or known.topic != topic:
        return None
    if known.state == "leaving":
        drop(connection, token)
        return known
    known = websub.denied(known, reason, now)
    save(connection, known)
    return known


def record_ignored(connection: Connection, token: str) -> None:
    """A push came that was not signed, or not by the hub."""
    connection.execute(
        update(SUBSCRIPTIONS)
        .where(SUBSCRIPTIONS.c.token == token)
        .values(ignored=SUBSCRIPTIONS.c.ignored + 1)
    )


def record_push(
    connection: Connection, token: str, entries: Sequence[Entry], now: datetime
) -> Decision:
    """A push, and what it brought; without entries it says that there are some."""
    known = of_token(connection, token)
    if known is None:
        return Decision((), (), 0)
    save(connection, websub.pushed(known, now, announced=not entries))
    return record_pushed(connection, known.feed_id, entries, now)


def record_miss(connection: Connection, token: str, now: datetime) -> None:
    """A poll has found what no push had announced."""
    connection.execute(
        update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.token == token).values(missed_at=now)
    )


def invited(connection: Connection, now: datetime, not_before: timedelta) -> Mapping[str, datetime]:
    """When the feeds are to be polled for which a push has announced something since their last
    poll began: at once, but not sooner than `not_before` after that one. A feed that fails keeps
    its waits.
    """
    rows = connection.execute(
        select(FEEDS.c.id, FEEDS.c.last_poll_at, FEEDS.c.next_poll_at)
        .join(SUBSCRIPTIONS, SUBSCRIPTIONS.c.feed_id == FEEDS.c.id)
        .where(
            SUBSCRIPTIONS.c.announced_at > now - ANNOUNCED,
            SUBSCRIPTIONS.c.announced_at > FEEDS.c.last_poll_at,
            FEEDS.c.next_poll_at > now,
            FEEDS.c.active,
            FEEDS.c.failures == 0,
        )
    )
    times = {row: max(now, row.last_poll_at + not_before) for row in rows}
    return {row.id: at for row, at in times.items() if at < row.next_poll_at}


def invite(connection: Connection, times: Mapping[str, datetime]) -> None:
    """Feeds are polled at these times instead of later."""
    connection.execute(
        update(FEEDS)
        .where(FEEDS.c.id == bindparam("the_id"), FEEDS.c.next_poll_at > bindparam("at"))
        .values(next_poll_at=bindparam("at"), due_because=ANNOUNCEMENT),
        [{"the_id": feed_id, "at": at} for feed_id, at in times.items()],
    )


# --- between rows and the type -----------------------------------------------------------------


def _values(subscription: Subscription) -> dict[str, Any]:
    return asdict(subscription) | {"hubs": list(subscription.hubs)}


def _subscription_of(row: Row[Any]) -> Subscription:
    return Subscription(**{**row._mapping, "hubs": tuple(row.hubs)})
