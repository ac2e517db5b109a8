"""How each feed is doing: `feeds_report` in plain values, for `--json`; `feeds_tables` to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from aggregator.config.values import masked
from aggregator.console import Table, ago
from aggregator.core.cadence import NEVER
from aggregator.core.faults import SET_ASIDE, hint_for
from aggregator.core.feed_state import Address, FeedState, aligned
from aggregator.core.model import FeedSpec
from aggregator.core.websub import Subscription
from aggregator.store.quarantine import SetAside

NO_HUBS: Mapping[str, Subscription] = {}
PUSH_STATES = {
    "wanted": "not asked yet: hubs need a [server] public_url that they can reach",
    "refused": "not taken, it is tried again",
    "asked": "asked, not verified yet",
    "verified": "subscribed",
    "denied": "denied by the hub",
    "leaving": "ends",
}
PARTS = {
    "feed": "the feed",
    "changing": "the feed, whatever is in it",
    "text": "an article's text in the feed",
    "page": "an article's page",
}


def feeds_report(
    specs: Sequence[FeedSpec],
    states: Mapping[str, FeedState],
    hubs: Mapping[str, Subscription] = NO_HUBS,
    aside: Sequence[SetAside] = (),
) -> list[dict[str, object]]:
    """Each configured feed's health, with what of it is set aside. What was never polled has
    neither times nor entries.
    """
    return [
        _feed_report(spec, states.get(spec.id))
        | {
            "push": _push_report(hubs.get(spec.id)),
            "quarantine": [_aside_report(one) for one in aside if one.failure.feed_id == spec.id],
        }
        for spec in specs
    ]


def _aside_report(one: SetAside) -> dict[str, object]:
    failure = one.failure
    return {
        "name": failure.name,
        "part": failure.part,
        "article_id": failure.article_id,
        "url": masked(failure.url),
        "tries": one.tries,
        "last_at": _moment(one.last_at),
        "error": masked(failure.error),
        "what_to_do": SET_ASIDE[failure.part],
    }


def _push_report(hub: Subscription | None) -> dict[str, object] | None:
    """What a feed has with its hub, without what is secret of it; None where it names none."""
    if hub is None:
        return None
    return {
        "hub": masked(hub.hub),
        "topic": masked(hub.topic),
        "state": hub.progress,
        "until": _moment(hub.lease_until),
        "last_push_at": _moment(hub.last_push_at),
        "pushes": hub.pushes,
        "ignored": hub.ignored,
        "error": masked(hub.error),
    }


def _feed_report(spec: FeedSpec, state: FeedState | None) -> dict[str, object]:
    known = aligned(state, spec.urls) if state else None
    addresses = known.addresses if known else tuple(Address(url) for url in spec.urls)
    return {
        "feed_id": spec.id,
        "title": spec.title or (state.title if state else ""),
        "outlet": spec.outlet,
        "url": masked(known.url if known else spec.urls[0]),
        "generator": state.generator if state else "",
        "next_poll_at": _moment(state.next_poll_at if state else None),
        "due_because": state.due_because if state else "",
        "last_poll_at": _moment(state.last_poll_at if state else None),
        "last_success_at": _moment(state.last_success_at if state else None),
        "last_new_at": _moment(state.last_new_at if state else None),
        "last_status": state.last_status if state else "",
        "failures": state.failures if state else 0,
        "error": masked(state.error) if state else "",
        "what_to_do": hint_for(state.last_status, state.error) if state and state.error else "",
        "errors": {
            kind: {"count": met.count, "last_at": _moment(met.last_at)}
            for kind, met in (state.errors.items() if state else ())
        },
        "addresses": [_address_report(known, address) for address in addresses],
        "entries": state.entries if state else 0,
    }


def _address_report(state: FeedState | None, address: Address) -> dict[str, object]:
    return {
        "url": masked(address.url),
        "moved_to": masked(address.moved_to),
        "serves": state is not None and state.serves(address),
        "status": address.status,
        "newest": _moment(address.newest),
        "asked_at": _moment(address.asked_at),
        "worked_at": _moment(address.worked_at),
        "failures": address.failures,
        "error": masked(address.error),
        "again_at": _moment(address.again_at),
    }


def _until(moment: datetime, now: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC, {ago(moment, now)}"


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def feeds_tables(
    specs: Sequence[FeedSpec],
    states: Mapping[str, FeedState],
    now: datetime,
    hubs: Mapping[str, Subscription] = NO_HUBS,
    aside: Sequence[SetAside] = (),
) -> tuple[Table, ...]:
    """Each configured feed's health; what is wrong with those that fail, and what to do about it;
    until when those wait whose host asked for peace; of those with several addresses, which one
    serves; what hubs push; and what is set aside, of feeds that are no longer configured as well.
    """
    tables = [
        Table(
            "Feeds",
            ("feed", "status", "entries", "last poll", "next poll", "failures", "why then"),
            [_feed_row(spec.id, states.get(spec.id), now) for spec in specs],
            frozenset(("entries", "failures")),
        )
    ]
    known = [(spec, state) for spec in specs if (state := states.get(spec.id))]
    failing = [
        (state.feed_id, masked(state.error), hint_for(state.last_status, state.error))
        for _, state in known
        if state.error and not state.held
    ]
    if failing:
        tables.append(Table("Failing", ("feed", "error", "what to do"), failing))
    waiting = [
        (state.feed_id, _until(state.next_poll_at, now), masked(state.error))
        for _, state in known
        if state.held
    ]
    if waiting:
        tables.append(Table("Waiting", ("feed", "until", "why"), waiting))
    mirrored = [aligned(state, spec.urls) for spec, state in known if len(spec.urls) > 1]
    if mirrored:
        rows = [_address_row(state, a, now) for state in mirrored for a in state.addresses]
        columns = ("feed", "address", "state", "newest entry", "last worked", "left alone until")
        tables.append(Table("Addresses", columns, rows))
    pushed = [_push_row(hubs[spec.id], now) for spec in specs if spec.id in hubs]
    if pushed:
        columns = ("feed", "hub", "state", "until", "last push", "problem")
        tables.append(Table("Pushes", columns, pushed))
    if aside:
        names = ("feed", "name", "what", "url", "times", "last", "error", "what to do")
        parts = [_aside_row(one, now) for one in aside]
        tables.append(Table("Set aside", names, parts, frozenset(("times",))))
    return tuple(tables)


def _push_row(hub: Subscription, now: datetime) -> Sequence[object]:
    return (
        hub.feed_id,
        masked(hub.hub),
        PUSH_STATES[hub.progress],
        ago(hub.lease_until, now) if hub.holds(now) else "",
        ago(hub.last_push_at, now),
        masked(hub.error),
    )


def _aside_row(one: SetAside, now: datetime) -> Sequence[object]:
    failure = one.failure
    return (
        failure.feed_id,
        failure.name,
        PARTS[failure.part],
        masked(failure.url),
        one.tries,
        ago(one.last_at, now),
        masked(failure.error),
        SET_ASIDE[failure.part],
    )


def _feed_row(feed_id: str, state: FeedState | None, now: datetime) -> Sequence[object]:
    if state is None or not state.last_status:
        return (feed_id, "not yet", 0, "never", "now", 0, state.due_because if state else "")
    last, again = ago(state.last_poll_at, now), ago(max(state.next_poll_at, now), now)
    if state.next_poll_at >= NEVER:
        again = "never"
    return (
        feed_id, state.last_status, state.entries, last, again, state.failures, state.due_because,
    )  # fmt: skip


def _address_row(state: FeedState, address: Address, now: datetime) -> Sequence[object]:
    if state.serves(address):
        doing = f"serves, {address.status}" if address.status else "serves"
    else:
        doing = address.status or ("works" if address.asked_at else "not used yet")
    held = address.again_at if address.again_at and address.again_at > now else None
    return (
        state.feed_id,
        masked(address.url),
        doing,
        ago(address.newest, now) if address.newest else "",
        ago(address.worked_at, now),
        ago(held, now) if held and address.status != "gone" else "",
    )
