"""One poll of one feed: its addresses asked in order until one serves.

address → asked (fetch) → read (worker) → stored with the state the feed is then in
        ↘ failed, gone empty, or behind the others: the next address
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.config import FetchSettings
from aggregator.core.cadence import (
    FIRST_RETRY,
    GONE,
    LONGEST_RETRY_AFTER,
    NEVER,
    Due,
    Heard,
    Wishes,
    after_failure,
    after_poll,
)
from aggregator.core.feed_state import (
    HELD,
    Address,
    FeedState,
    aligned,
    answered,
    candidates,
    doubtful,
    failed,
    goes,
    invited,
    left_in_peace,
    may_know_more,
    stayed,
    unanswered,
    with_rhythm,
)
from aggregator.core.freshness import freshness
from aggregator.core.model import (
    FeedHints,
    FeedSpec,
    NotModified,
    Retrieved,
    Validators,
)
from aggregator.core.websub import arriving
from aggregator.errors import (
    AggregatorError,
    FetchError,
    NotAFeed,
    Quarantined,
    StoreError,
)
from aggregator.fetch import Fetcher, ca_file_for, shown, with_credentials_of
from aggregator.reading import read_guarded
from aggregator.store import Store, polls, subscriptions
from aggregator.websub import mind_links, mind_what_was_new
from aggregator.workers import Workers

PATIENCE = 30.0
"""Seconds a poll waits for its host's turn; if that is further away it comes back for it."""

BUSY = "busy"
"""The kind of error that there was no room for a request."""

UNCONDITIONALLY = (400, 412, 431)
"""Statuses that may be about the validators sent: next time none are."""

log = logging.getLogger(__name__)

PARTIAL = 226
"""An answer that has only what is new (RFC 3229): what it does not say means nothing."""


@dataclass(frozen=True, slots=True)
class Poll:
    """How one poll went. `status` is `new`, `nothing_new`, `not_modified` or an error's kind."""

    feed_id: str
    status: str
    new: int = 0
    revised: int = 0
    error: str = ""

    @property
    def failed(self) -> bool:
        return bool(self.error)

    def with_more(self, other: Poll) -> Poll:
        """This poll and what a further address gave."""
        status = other.status if other.new or other.revised else self.status
        return replace(
            self, status=status, new=self.new + other.new, revised=self.revised + other.revised
        )


Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Poller:
    """What polling works with."""

    settings: FetchSettings
    store: Store
    fetcher: Fetcher
    workers: Workers

    async def poll(
        self, spec: FeedSpec, state: FeedState, now: datetime, clock: Clock | None = None
    ) -> Poll:
        """Polls one feed and stores what it brought.

        With a `clock` the poll's time is when its first request begins, and the store is told
        then: should this process end before the answer is stored, the next one does not ask
        again at once. Only a StoreError gets out.
        """
        begin = _Begin(self, spec, state, now, clock)
        state = aligned(state, spec.urls)
        polled: Poll | None = None
        failure: Exception | None = None
        for address in candidates(state, now):
            if polled is not None and not may_know_more(state, address, now):
                continue
            if goes(address, now):
                state = await self._moved(spec, state, address, begin)
                address = state.address(address.url)
                if address.worked_at == begin.at:
                    polled = Poll(spec.id, state.last_status)
                    break
            answer: Retrieved | NotModified | None = None
            try:
                answer = await self._asked(spec, address, address.asked, begin)
                state, poll = await self._take(spec, state, address, answer, begin)
            except StoreError:
                raise
            except Exception as error:
                if not isinstance(error, AggregatorError):
                    log.exception("feed %s: a bug in reading it", spec.id)
                if _is_busy(error):
                    return await self._come_back(spec, state, error, begin)
                state = _after_failure(state, address, error, begin.at)
                if isinstance(error, Quarantined) and answer is not None:
                    state = _with_validators(state, address.url, answer.validators)
                # its traceback holds what came
                failure = failure or error.with_traceback(None)
                if len(spec.urls) > 1:
                    log.info("feed %s: %s does not work: %s", spec.id, shown(address.url), error)
                continue
            polled = poll if polled is None else polled.with_more(poll)
            if not doubtful(state, begin.at):
                break
            log.info("feed %s: %s gives nothing recent", spec.id, shown(address.url))
        if polled is None:
            assert failure is not None
            return await self._record_failure(spec, state, failure, begin)
        log.info(
            "feed %s: %s, %d new, %d revised", spec.id, polled.status, polled.new, polled.revised
        )
        return polled

    async def _asked(
        self, spec: FeedSpec, address: Address, url: str, begin: _Begin
    ) -> Retrieved | NotModified:
        """The answer of an address, asked at `url`: with what was configured to be let in with,
        and with the validators if they are from there.
        """
        return await self.fetcher.feed(
            with_credentials_of(address.url, url),
            address.validators if url == address.asked else Validators(),
            ca_file_for(url, (spec,)),
            begin,
            PATIENCE if begin.goes_on else None,
        )

    async def _take(
        self,
        spec: FeedSpec,
        state: FeedState,
        address: Address,
        answer: Retrieved | NotModified,
        begin: _Begin,
        moving: bool = False,
    ) -> tuple[FeedState, Poll]:
        """Stores what an address gave, with the state that the feed is then in."""
        now, heard_at, partial = begin.at, begin.heard_at(), _is_partial(answer)
        before, hub = state.last_poll_at, await self.store.read(subscriptions.of_feed, spec.id)
        pushed = hub is not None and arriving(hub, now)
        if isinstance(answer, NotModified):
            if address.status == Quarantined.kind:
                raise Quarantined(address.error)
            state = answered(state, address.url, answer.validators, answer.permanent_url, None, now)
            state = _due(state, self._after(spec, state, answer, heard_at, pushed))
            state = replace(state, last_status="not_modified")
            await self.store.write(polls.record_state, state)
            return state, Poll(spec.id, "not_modified")
        reading = await read_guarded(self.store, self.workers, spec, answer, address.url, now)
        if not reading.entries and not partial and (moving or _was_full(state, address)):
            raise NotAFeed("the feed has gone empty", shown(address.url), "the next URL is tried")
        for note in reading.notes:
            log.debug("feed %s: %s", spec.id, note)
        dated = [e.published for e in reading.entries if e.published != e.first_seen]
        newest = max(dated, default=None)
        validators = answer.validators
        if reading.cut_off:  # else a 304 would say that what is missing is not
            validators = replace(validators, etag="", last_modified="")
        state = answered(state, address.url, validators, answer.permanent_url, newest, now)
        if not partial:
            state = invited(replace(state, hints=reading.hints), address.url, reading.links)
        # what is new among them is found with the next statement, and known to the next poll
        known = state if state.rhythm else with_rhythm(state, dated)
        state = _due(state, self._after(spec, known, answer, heard_at, pushed))
        decision, state = await self.store.write(polls.record_poll, state, reading, now)
        if not partial and state.url == address.url:
            await mind_links(self.store, hub, spec.id, reading.links, answer.url, now)
        if decision.new and await mind_what_was_new(self.store, hub, before, now):
            state = _due(state, self._after(spec, state, answer, heard_at, pushed=False))
            await self.store.write(polls.record_state, state)
        new, revised = len(decision.new), len(decision.revised)
        return state, Poll(spec.id, state.last_status, new, revised)

    async def _moved(
        self, spec: FeedSpec, state: FeedState, address: Address, begin: _Begin
    ) -> FeedState:
        """The state after asking where the feed itself says it has moved: stored if that gives a
        feed, else the address stays where it was.
        """
        url = address.invited_to
        try:
            answer = await self._asked(spec, address, url, begin)
            assert isinstance(answer, Retrieved)  # nothing was asked conditionally
            answer = replace(answer, permanent_url=answer.permanent_url or url)
            fresh = replace(address, status="")
            moved, _ = await self._take(spec, state, fresh, answer, begin, moving=True)
        except StoreError:
            raise
        except Exception as error:
            if not isinstance(error, AggregatorError):
                log.exception("feed %s: a bug in following it", spec.id)
            log.info("feed %s: says it is at %s, which is none: %s", spec.id, shown(url), error)
            return stayed(state, address.url, begin.at)
        log.info("feed %s: has moved to %s", spec.id, shown(url))
        return moved

    async def _come_back(
        self, spec: FeedSpec, state: FeedState, busy: Exception, begin: _Begin
    ) -> Poll:
        """There was no room for a request: nobody has failed, and there is a turn later."""
        wait = _retry_after(busy) or FIRST_RETRY
        if begin.begun:  # something was asked
            wait = max(wait, FIRST_RETRY)
        state = replace(
            state, next_poll_at=begin.heard_at() + wait, due_because="others were asked first"
        )
        await self.store.write(polls.record_state, state)
        log.debug("feed %s: %s", spec.id, busy)
        return Poll(spec.id, BUSY)

    async def _record_failure(
        self, spec: FeedSpec, state: FeedState, failure: Exception, begin: _Begin
    ) -> Poll:
        now, (kind, text) = begin.at, _in_words(failure)
        due = after_failure(
            spec.id,
            begin.heard_at(),
            self._wishes(spec),
            0 if kind == HELD else state.failures,
            status=GONE if all(a.status == "gone" for a in state.addresses) else 0,
            retry_after=_retry_after(failure),
            hints=state.hints,
        )
        state = _due(unanswered(state, kind, text, now), due)
        await self.store.write(polls.record_state, state)
        if isinstance(failure, FetchError) and failure.retry_after:
            await self.store.write(polls.record_holds, self.fetcher.held())
        again = "never" if due.at == NEVER else due.at.isoformat(" ", "minutes")
        log.warning("feed %s: %s; next try %s", spec.id, text, again)
        return Poll(spec.id, kind, error=text)

    def _after(
        self,
        spec: FeedSpec,
        state: FeedState,
        answer: Retrieved | NotModified,
        now: datetime,
        pushed: bool,
    ) -> Due:
        """When to poll next, after this answer; `pushed`: pushes are arriving."""
        validators = answer.validators
        heard = Heard(
            validators=bool(validators.etag or validators.last_modified),
            freshness=freshness(answer.headers, now),
            hints=state.hints,
            rhythm=state.rhythm,
            pushed=pushed,
        )
        return after_poll(spec.id, now, self._wishes(spec), heard)

    def due_if_cut_off(self, spec: FeedSpec, hints: FeedHints, now: datetime) -> Due:
        """When to poll next where nothing more is heard of a poll that began: as if it failed."""
        return after_failure(spec.id, now, self._wishes(spec), 0, hints=hints)

    def _wishes(self, spec: FeedSpec) -> Wishes:
        settings = self.settings
        interval = spec.interval
        if interval is None and settings.interval != FetchSettings.interval:
            interval = settings.interval  # the default is only where adapting begins
        return Wishes(interval, settings.interval_min, settings.interval_max)


class _Begin:
    """Awaited as a poll's first request begins; `at` is when that was.

    `goes_on` is False where a person waits for this poll rather than the daemon's ticks.
    """

    def __init__(
        self, poller: Poller, spec: FeedSpec, state: FeedState, now: datetime, clock: Clock | None
    ) -> None:
        self.at = now
        self._poller = poller
        self._spec = spec
        self._hints = state.hints
        self._clock = clock
        self.goes_on = clock is not None
        self.begun = False

    def heard_at(self) -> datetime:
        """When an answer has come: intervals are counted from there, for it is surely later
        than when the server saw the request.
        """
        return self._clock() if self._clock else self.at

    async def __call__(self) -> None:
        if self._clock is None or self.begun:
            return
        self.at, self.begun = self._clock(), True
        due = self._poller.due_if_cut_off(self._spec, self._hints, self.at)
        await self._poller.store.write(polls.record_begun, self._spec.id, due.at)


def _due(state: FeedState, due: Due) -> FeedState:
    return replace(state, next_poll_at=due.at, due_because=due.reason)


def _with_validators(state: FeedState, url: str, validators: Validators) -> FeedState:
    return state.with_address(replace(state.address(url), validators=validators))


def _is_partial(answer: Retrieved | NotModified) -> bool:
    """Whether it holds only what is new (RFC 3229)."""
    return isinstance(answer, Retrieved) and answer.status == PARTIAL


def _is_busy(error: Exception) -> bool:
    return isinstance(error, FetchError) and error.kind == BUSY


def _was_full(state: FeedState, address: Address) -> bool:
    """Whether an empty feed is a fault: it had entries, and another address may still have."""
    return bool(state.last_success_at) and address != state.addresses[-1]


def _after_failure(
    state: FeedState, address: Address, error: Exception, now: datetime
) -> FeedState:
    kind, text = _in_words(error)
    if kind == HELD:
        return left_in_peace(state, address.url, text, now, _retry_after(error) or FIRST_RETRY)
    if isinstance(error, FetchError) and error.status in UNCONDITIONALLY:
        state = _with_validators(state, address.url, Validators())
    # the way there may change, and the configured URL live again
    led_away = bool(address.moved_to) or (isinstance(error, FetchError) and error.led_away)
    gone = isinstance(error, FetchError) and error.status == GONE and not led_away
    state = failed(state, address.url, kind, text, now, _retry_after(error), gone)
    if isinstance(error, FetchError) and error.status == GONE:
        state = state.with_address(replace(state.address(address.url), moved_to=""))
    return state


def _in_words(error: Exception) -> tuple[str, str]:
    """The error's kind, and what is told of it."""
    kind = error.kind if isinstance(error, AggregatorError) else "bug"
    return kind, str(error) or type(error).__name__


def _retry_after(error: Exception) -> timedelta | None:
    """What the server asked for, bounded so that it can be reckoned with."""
    if not isinstance(error, FetchError) or error.retry_after is None:
        return None
    return timedelta(seconds=min(error.retry_after, LONGEST_RETRY_AFTER.total_seconds()))
