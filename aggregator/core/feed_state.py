"""How a feed is doing, and what a poll makes of that: pure steps from one state to the next.

    aligned     the state for the addresses that are configured now
    candidates  the addresses to ask, in order
    answered    an address gave a feed, or said that it is as it was
    failed      an address gave nothing
    left_in_peace  an address was not asked, for its host does not want to be
    unanswered  none of them gave anything
    invited     the feed says that it has moved
    goes, stayed  is it asked there now; there is no feed
    doubtful    is what came old, so that another address is asked as well?

Of several addresses the first that works serves. One that failed, has gone empty or is
behind the others is left alone for a while, and the next one serves meanwhile; so a feed
survives the loss of a mirror, and comes back to the first when that works again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from aggregator.core.model import FeedHints, FeedLinks, Validators

FIRST_WAIT = timedelta(hours=1)
LONGEST_WAIT = timedelta(days=1)
"""How long an address is left alone: an hour after its first failure, twice as long each time."""

BEHIND_WAIT = timedelta(hours=6)
"""How long an address is left alone that gives old news."""

BEHIND_BY = timedelta(hours=6)
"""Mirrors crawl at different times: only what is older than this is old beside the others."""

QUIET_AT_LEAST = timedelta(days=1)
QUIET_GAPS = 4
"""A feed is quiet when it has brought nothing for a day, and for so many of its longest gaps."""

RHYTHM_LENGTH = 60
"""How many publication times are remembered."""

HELD = "held"
"""The kind of error that a host is not asked, since it wants to be left in peace."""

OLD_NEWS = "its newest entry is older than what the other addresses gave"

STAYS_FOR = timedelta(days=1)
"""How long an invitation to another address is not followed after that gave no feed."""

BACK_AFTER = 3
"""Failures after which the address that a redirect led to is given up for the configured one."""


@dataclass(frozen=True, slots=True)
class Address:
    """One of a feed's configured URLs, and what asking it last brought."""

    url: str
    moved_to: str = ""
    """Where a permanent redirect led, once that had answered with a feed."""
    validators: Validators = field(default_factory=Validators)
    self_url: str = ""
    """What the feed last said its own address is (rel=self)."""
    invited_to: str = ""
    """Where the feed itself says it has moved, to be asked next time."""
    stays_until: datetime | None = None
    """Where it was invited to gave no feed: it is not followed before then."""
    newest: datetime | None = None
    """When the newest dated entry that it gave was published."""
    asked_at: datetime | None = None
    worked_at: datetime | None = None
    status: str = ""
    """As FeedState.last_status; `behind` where it gave old news, `gone` after a 410."""
    error: str = ""
    failures: int = 0
    """In a row."""
    again_at: datetime | None = None
    """It is left alone until then."""

    @property
    def asked(self) -> str:
        """The URL to ask."""
        return self.moved_to or self.url


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """How often an error of one kind was met since the feed was added, and when last."""

    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class FeedState:
    """How a feed is doing: what its polls left behind."""

    feed_id: str
    title: str
    outlet: str
    url: str
    """The configured one that served last."""
    addresses: tuple[Address, ...]
    generator: str
    next_poll_at: datetime
    last_poll_at: datetime | None = None
    last_success_at: datetime | None = None
    last_new_at: datetime | None = None
    """When a poll last brought something new."""
    last_status: str = ""
    """`new`, `nothing_new`, `not_modified`, or the kind of the last error; empty before the
    first poll."""
    failures: int = 0
    """Failed polls since the last good one."""
    error: str = ""
    """The last error in words; empty if the last poll was good."""
    due_because: str = ""
    """Why `next_poll_at` is when it is."""
    hints: FeedHints = field(default_factory=FeedHints)
    rhythm: tuple[datetime, ...] = ()
    """When its latest entries were published, newest first."""
    errors: Mapping[str, ErrorCount] = field(default_factory=dict)
    """By kind."""
    entries: int = 0

    @property
    def validators(self) -> Validators:
        """Those of the address that served last."""
        return self.address(self.url).validators

    def address(self, url: str) -> Address:
        """What is known of a configured URL."""
        return next((a for a in self.addresses if a.url == url), Address(url))

    def serves(self, address: Address) -> bool:
        """Whether it is the address that the feed came from last."""
        return address.url == self.url and address.worked_at is not None

    @property
    def held(self) -> bool:
        """Whether it waits for a host that asked for peace, and is in order otherwise."""
        return self.last_status == HELD and not self.failures

    def with_address(self, address: Address) -> FeedState:
        return replace(
            self,
            addresses=tuple(address if a.url == address.url else a for a in self.addresses),
        )


def aligned(state: FeedState, urls: Sequence[str]) -> FeedState:
    """The state for the URLs that are configured now: of others nothing is remembered."""
    if tuple(address.url for address in state.addresses) == tuple(urls):
        return state
    addresses = tuple(state.address(url) for url in urls)
    url = state.url if state.url in urls else urls[0]
    return replace(state, url=url, addresses=addresses)


def candidates(state: FeedState, now: datetime) -> tuple[Address, ...]:
    """The addresses to ask, in order; never none.

    Those left alone come only where there is no other, the soonest first; one that is gone
    for good comes only where all are.
    """
    free = tuple(a for a in state.addresses if a.status != "gone" and _is_free(a, now))
    if free:
        return free
    held = [a for a in state.addresses if a.status != "gone"]
    return tuple(sorted(held, key=lambda a: a.again_at or now)) or state.addresses


def _is_free(address: Address, now: datetime) -> bool:
    return address.again_at is None or address.again_at <= now


def answered(
    state: FeedState,
    url: str,
    validators: Validators,
    permanent_url: str,
    newest: datetime | None,
    now: datetime,
) -> FeedState:
    """The state after an address gave a feed: it serves, unless it is behind the others.

    Takes the address's configured `url`, what the answer came with, and when the newest of
    its dated entries was published: None where that is not known anew.
    """
    address = state.address(url)
    # of a redirect that another one followed, `permanent_url` is the first target
    moved_to = permanent_url or address.moved_to
    address = replace(
        address,
        moved_to="" if moved_to == url else moved_to,
        validators=validators,
        newest=newest or address.newest,
        asked_at=now,
        worked_at=now,
        status="",
        error="",
        failures=0,
        again_at=None,
    )
    state = state.with_address(address)
    if behind(state, url):
        state = state.with_address(
            replace(address, status="behind", error=OLD_NEWS, again_at=now + BEHIND_WAIT)
        )
    return replace(
        state,
        url=_serving(state, now) or url,
        last_poll_at=now,
        last_success_at=now,
        failures=0,
        error="",
    )


def invited(state: FeedState, url: str, links: FeedLinks) -> FeedState:
    """The state after the feed at an address said where it belongs.

    It has moved where `itunes:new-feed-url` says so, or where its rel=self was the address that
    is asked and now is another. Nobody is led from https to http.
    """
    address = state.address(url)
    target = links.new_feed_url
    if not target and address.self_url == address.asked:
        target = links.self_url
    downgraded = address.asked.startswith("https:") and not target.startswith("https:")
    if target == address.asked or downgraded:
        target = ""
    self_url = links.self_url
    if target and target == links.self_url:
        self_url = address.self_url  # so that it is asked again where that fails now
    return state.with_address(replace(address, self_url=self_url, invited_to=target))


def stayed(state: FeedState, url: str, now: datetime) -> FeedState:
    """The state where an address that the feed invited to gave no feed."""
    return state.with_address(replace(state.address(url), stays_until=now + STAYS_FOR))


def goes(address: Address, now: datetime) -> bool:
    """Whether the address is to be asked where the feed says it has moved to."""
    stays = address.stays_until is not None and now < address.stays_until
    return bool(address.invited_to) and not stays


def left_in_peace(
    state: FeedState, url: str, error: str, now: datetime, wait: timedelta
) -> FeedState:
    """The state where an address was not asked, since its host wants to be left in peace."""
    address = replace(state.address(url), status=HELD, error=error, again_at=now + wait)
    return state.with_address(address)


def unanswered(state: FeedState, kind: str, error: str, now: datetime) -> FeedState:
    """The state after a poll in which no address gave a feed; takes the first error. That none
    was asked is no failure.
    """
    failures = state.failures + (kind != HELD)
    return replace(state, last_poll_at=now, last_status=kind, error=error, failures=failures)


def _serving(state: FeedState, now: datetime) -> str:
    """Of the addresses that have answered by now, the first that is not behind, else the first."""
    worked = [address.url for address in state.addresses if address.worked_at == now]
    return next((url for url in worked if not behind(state, url)), worked[0] if worked else "")


def failed(
    state: FeedState,
    url: str,
    kind: str,
    error: str,
    now: datetime,
    wait: timedelta | None = None,
    gone: bool = False,
) -> FeedState:
    """The state after an address gave nothing; what is known of it, validators included, stays.

    Takes the error's kind and words, how long the server asks to be left alone, and whether
    it is gone for good.
    """
    address = state.address(url)
    longer = min(FIRST_WAIT * 2 ** min(address.failures, 10), LONGEST_WAIT)
    failures = address.failures + 1
    address = replace(
        address,
        moved_to="" if failures >= BACK_AFTER else address.moved_to,
        asked_at=now,
        status="gone" if gone else kind,
        error=error,
        failures=failures,
        again_at=now + max(longer, wait or longer),
    )
    counted = state.errors.get(kind, ErrorCount(0, now))
    errors = {**state.errors, kind: ErrorCount(counted.count + 1, now)}
    return replace(state.with_address(address), errors=errors)


def behind(state: FeedState, url: str) -> bool:
    """Whether the newest that an address gave is old beside what the others have given."""
    newest = state.address(url).newest
    others = [a.newest for a in state.addresses if a.url != url and a.newest]
    return newest is not None and bool(others) and newest + BEHIND_BY < max(others)


def doubtful(state: FeedState, now: datetime) -> bool:
    """Whether another address may know more than those that have answered by now: they are
    behind the others, or the feed has brought nothing for longer than it ever did.
    """
    return len(state.addresses) > 1 and (behind(state, state.url) or _quiet(state, now))


def _quiet(state: FeedState, now: datetime) -> bool:
    """That of a feed without a rhythm cannot be told."""
    if state.last_new_at is None or len(state.rhythm) < 3:
        return False
    gaps = [later - earlier for later, earlier in zip(state.rhythm, state.rhythm[1:], strict=False)]
    return now - state.last_new_at > max(QUIET_AT_LEAST, QUIET_GAPS * max(gaps))


def may_know_more(state: FeedState, address: Address, now: datetime) -> bool:
    """Whether an address is worth asking after another has answered: one behind the others makes
    it so at any time, a quiet feed once a day.
    """
    if behind(state, state.url):
        return True
    return address.asked_at is None or now - address.asked_at >= QUIET_AT_LEAST


def with_rhythm(state: FeedState, published: Iterable[datetime]) -> FeedState:
    """The state with the times at which new entries were published."""
    times = sorted({*state.rhythm, *published}, reverse=True)
    return replace(state, rhythm=tuple(times[:RHYTHM_LENGTH]))
