"""Between the rows of `feeds` and FeedState."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from aggregator.core.feed_state import Address, ErrorCount, FeedState
from aggregator.core.model import FeedHints, Validators


def new_feed_values(
    feed_id: str, title: str, outlet: str, url: str, now: datetime
) -> dict[str, Any]:
    """The columns of `feeds` for one that was never polled."""
    state = FeedState(feed_id, title, outlet, url, (), generator="", next_poll_at=now)
    return polled_values(state) | {
        "id": feed_id,
        "active": True,
        "title": title,
        "outlet": outlet,
        "bodies_whole": 0,
        "bodies_cut": 0,
    }


def polled_values(state: FeedState) -> dict[str, Any]:
    """The columns of `feeds` that a poll decides."""
    return {
        "url": state.url,
        "generator": state.generator,
        "next_poll_at": state.next_poll_at,
        "due_because": state.due_because,
        "last_poll_at": state.last_poll_at,
        "last_success_at": state.last_success_at,
        "last_new_at": state.last_new_at,
        "last_status": state.last_status,
        "failures": state.failures,
        "error": state.error,
        "addresses": [_address_values(address) for address in state.addresses],
        "hints": _without_defaults(asdict(state.hints), _NO_HINTS),
        "rhythm": [int(moment.timestamp()) for moment in state.rhythm],
        "errors": {
            kind: [error.count, error.last_at.isoformat()] for kind, error in state.errors.items()
        },
    }


POLLED = (
    "url", "generator", "next_poll_at", "due_because", "last_poll_at", "last_success_at",
    "last_new_at", "last_status", "failures", "error", "addresses", "hints", "rhythm", "errors",
)  # fmt: skip
"""The names of `polled_values`."""


def feed_state_of(row: Row[Any]) -> FeedState:
    return FeedState(
        feed_id=row.id,
        title=row.title,
        outlet=row.outlet,
        url=row.url,
        addresses=tuple(_address_of(values) for values in row.addresses),
        generator=row.generator,
        next_poll_at=row.next_poll_at,
        last_poll_at=row.last_poll_at,
        last_success_at=row.last_success_at,
        last_new_at=row.last_new_at,
        last_status=row.last_status,
        failures=row.failures,
        error=row.error,
        due_because=row.due_because,
        hints=_hints_of(row.hints),
        rhythm=tuple(datetime.fromtimestamp(seconds, UTC) for seconds in row.rhythm),
        errors={
            kind: ErrorCount(count, datetime.fromisoformat(last_at))
            for kind, (count, last_at) in row.errors.items()
        },
        entries=row.entries if "entries" in row._fields else 0,
    )


_NO_ADDRESS = asdict(Address("")) | {"url": None}
_NO_VALIDATORS = asdict(Validators())
_NO_HINTS = asdict(FeedHints())
_MOMENTS = ("newest", "asked_at", "worked_at", "again_at", "stays_until")


def _without_defaults(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value != defaults[name]}


def _address_values(address: Address) -> dict[str, Any]:
    """Most of an address is empty, and every poll writes it: what is empty is left out."""
    values = _without_defaults(asdict(address), _NO_ADDRESS)
    if "validators" in values:
        values["validators"] = _without_defaults(values["validators"], _NO_VALIDATORS)
    for name in _MOMENTS:
        if name in values:
            values[name] = values[name].isoformat()
    return values


def _address_of(values: Mapping[str, Any]) -> Address:
    moments = {name: datetime.fromisoformat(values[name]) for name in _MOMENTS if name in values}
    validators = Validators(**values.get("validators", {}))
    return Address(**{**values, **moments, "validators": validators})


def _hints_of(values: Mapping[str, Any]) -> FeedHints:
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return FeedHints(**{**values, **lists})
