"""What the commands report: `…_report` as plain values, for `--json`; `…_tables` for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import cast

from aggregator.config import Config
from aggregator.config.values import masked
from aggregator.console import Table, ago
from aggregator.core.cadence import NEVER
from aggregator.core.faults import hint_for
from aggregator.core.feed_state import Address, FeedState, aligned
from aggregator.core.model import Counts, FeedSpec
from aggregator.core.websub import Subscription
from aggregator.engines.local import CycleReport
from aggregator.outputs import FORMATS
from aggregator.pipeline import edition_path
from aggregator.trial import Trial

NO_HUBS: Mapping[str, Subscription] = {}
PUSH_STATES = {
    "wanted": "not asked yet: hubs need a [server] public_url that they can reach",
    "refused": "not taken, it is tried again",
    "asked": "asked, not verified yet",
    "verified": "subscribed",
    "denied": "denied by the hub",
    "leaving": "ends",
}
STORED = ("entries", "articles", "duplicates", "pending")


# --- a cycle -----------------------------------------------------------------------------------


def cycle_report(
    report: CycleReport, before: Counts, after: Counts, config: Config, folder: Path
) -> dict[str, object]:
    """How the polls of one cycle went, what the store now holds, and what of it is new."""
    return {
        "feeds": {
            "polled": len(report.polls),
            "failed": len(report.failed),
            "not_modified": len(report.not_modified),
        },
        "polls": [asdict(poll) for poll in report.polls],
        "entries": after.entries,
        "articles": after.articles,
        "duplicates": after.duplicates,
        "pending": after.pending,
        "new": {
            "entries": after.entries - before.entries,
            "articles": after.articles - before.articles,
            "duplicates": after.duplicates - before.duplicates,
        },
        "topics": topics_report(after, config, folder),
        "problems": list(report.problems),
    }


def cycle_tables(report: CycleReport, result: Mapping[str, object]) -> tuple[Table, ...]:
    """How each feed's poll went; the store in numbers, and the topics, out of `cycle_report`."""
    polls = [(p.feed_id, p.status, p.new, p.revised, p.error) for p in report.polls]
    return (
        Table(
            "Feeds",
            ("feed", "status", "new", "revised", "error"),
            polls,
            frozenset(("new", "revised")),
        ),
        Table("Articles", STORED, [[result[name] for name in STORED]], frozenset(STORED)),
        _topics_table(result["topics"]),
    )


def topics_report(counts: Counts, config: Config, folder: Path) -> dict[str, object]:
    """Each topic's number of articles, and where its editions are."""
    return {
        topic.id: {
            "articles": counts.topics.get(topic.id, 0),
            **{
                form.suffix: str(folder / f"{edition_path(topic.id)}.{form.suffix}")
                for form in FORMATS
            },
            "url": f"{config.server.public_url}/{edition_path(topic.id)}.atom",
        }
        for topic in config.topics
    }


def _topics_table(topics: object) -> Table:
    """Takes what `topics_report` gives."""
    rows = [
        (name, topic["articles"], f"{topic['url']}\n{topic['atom']}")
        for name, topic in cast(Mapping[str, Mapping[str, object]], topics).items()
    ]
    return Table("Topics", ("topic", "articles", "feed"), rows, frozenset(("articles",)))


# --- health ------------------------------------------------------------------------------------


def status_report(
    counts: Counts, states: Sequence[FeedState], config: Config, folder: Path, now: datetime
) -> dict[str, object]:
    """The whole in numbers. A configured feed that the store does not know yet is due."""
    configured = {spec.id for spec in config.feeds}
    known = [state for state in states if state.feed_id in configured]
    return {
        "feeds": len(configured),
        "failing": sum(state.failures > 0 for state in known),
        "due": len(configured) - sum(state.next_poll_at > now for state in known),
        "entries": counts.entries,
        "articles": counts.articles,
        "duplicates": counts.duplicates,
        "pending": counts.pending,
        "topics": topics_report(counts, config, folder),
    }


def status_tables(result: Mapping[str, object]) -> tuple[Table, ...]:
    """Takes what `status_report` gives."""
    numbers = [(name, value) for name, value in result.items() if name != "topics"]
    return (
        Table("Status", ("what", "number"), numbers, frozenset(("number",))),
        _topics_table(result["topics"]),
    )


def feeds_report(
    specs: Sequence[FeedSpec],
    states: Mapping[str, FeedState],
    hubs: Mapping[str, Subscription] = NO_HUBS,
) -> list[dict[str, object]]:
    """Each configured feed's health. What was never polled has neither times nor entries."""
    return [
        _feed_report(spec, states.get(spec.id)) | {"push": _push_report(hubs.get(spec.id))}
        for spec in specs
    ]


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
) -> tuple[Table, ...]:
    """Each configured feed's health; what is wrong with those that fail, and what to do about it;
    until when those wait whose host asked for peace; of those with several addresses, which one
    serves.
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


# --- trials ------------------------------------------------------------------------------------


def trial_report(trial: Trial) -> dict[str, object]:
    """Which articles a query matches, and why."""
    return {
        "examined": trial.examined,
        "matched": len(trial.hits),
        "articles": [
            {
                "id": hit.article.id,
                "title": hit.article.title,
                "outlet": hit.article.outlet,
                "url": hit.article.url,
                "published": hit.article.published.isoformat(),
                "reasons": [asdict(reason) for reason in hit.reasons],
            }
            for hit in trial.hits
        ],
        "topic": trial.topic_id,
        "joined": list(trial.joined),
        "left": list(trial.left),
    }


def trial_tables(trial: Trial) -> tuple[Table, ...]:
    """Which articles a query matches, and why."""
    rows = [
        (
            f"{hit.article.published:%Y-%m-%d}",
            hit.article.outlet,
            hit.article.title,
            ", ".join(f"{reason.term} ({reason.where})" for reason in hit.reasons),
        )
        for hit in trial.hits
    ]
    title = f"{len(trial.hits)} of {trial.examined} articles match"
    return (Table(title, ("published", "outlet", "title", "because"), rows),)
