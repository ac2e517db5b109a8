"""One poll of one feed: its addresses asked in order until one serves.

address → asked (fetch) → read (worker) → stored with the state the feed is then in
        ↘ failed, gone empty, or behind the others: the next address
"""

from __future__ import annotations

import logging
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
    left_in_peace,
    may_know_more,
    unanswered,
    with_rhythm,
)
from aggregator.core.freshness import freshness
from aggregator.core.model import FeedSpec, NotModified, Retrieved
from aggregator.core.websub import arriving
from aggregator.errors import AggregatorError, FetchError, NotAFeed, StoreError
from aggregator.fetch import Fetcher, ca_file_for, shown
from aggregator.steps import read_feed
from aggregator.store import Store, polls, subscriptions
from aggregator.websub import mind_links, mind_what_was_new
from aggregator.workers import Workers

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


@dataclass(frozen=True)
class Poller:
    """What polling works with."""

    settings: FetchSettings
    store: Store
    fetcher: Fetcher
    workers: Workers

    async def poll(self, spec: FeedSpec, state: FeedState, now: datetime) -> Poll:
        """Polls one feed and stores what it brought. Only a StoreError gets out."""
        state = aligned(state, spec.urls)
        polled: Poll | None = None
        failure: Exception | None = None
        for address in candidates(state, now):
            if polled is not None and not may_know_more(state, address, now):
                continue
            try:
                state, poll = await self._ask(spec, state, address, now)
            except StoreError:
                raise
            except Exception as error:
                if not isinstance(error, AggregatorError):
                    log.exception("feed %s: a bug in reading it", spec.id)
                state = _after_failure(state, address, error, now)
                failure = failure or error
                if len(spec.urls) > 1:
                    log.info("feed %s: %s does not work: %s", spec.id, shown(address.url), error)
                continue
            polled = poll if polled is None else polled.with_more(poll)
            if not doubtful(state, now):
                break
            log.info("feed %s: %s gives nothing recent", spec.id, shown(address.url))
        if polled is None:
            assert failure is not None
            return await self._record_failure(spec, state, failure, now)
        log.info(
            "feed %s: %s, %d new, %d revised", spec.id, polled.status, polled.new, polled.revised
        )
        return polled

    async def _ask(
        self, spec: FeedSpec, state: FeedState, address: Address, now: datetime
    ) -> tuple[FeedState, Poll]:
        """Asks one address and stores what it gives, with the state that the feed is then in."""
        ca_file = ca_file_for(address.asked, (spec,))
        answer = await self.fetcher.feed(address.asked, address.validators, ca_file)
        before, hub = state.last_poll_at, await self.store.read(subscriptions.of_feed, spec.id)
        pushed = hub is not None and arriving(hub, now)
        if isinstance(answer, NotModified):
            state = answered(state, address.url, answer.validators, answer.permanent_url, None, now)
            state = _due(state, self._after(spec, state, answer, now, pushed))
            state = replace(state, last_status="not_modified")
            await self.store.write(polls.record_state, state)
            return state, Poll(spec.id, "not_modified")
        reading = await self.workers.run(read_feed, answer, spec, now)
        if not reading.entries and _was_full(state, address):
            raise NotAFeed("the feed has gone empty", shown(address.url), "the next URL is tried")
        for note in reading.notes:
            log.debug("feed %s: %s", spec.id, note)
        dated = [e.published for e in reading.entries if e.published != e.first_seen]
        newest = max(dated, default=None)
        state = answered(state, address.url, answer.validators, answer.permanent_url, newest, now)
        state = replace(state, hints=reading.hints)
        # what is new among them is found with the next statement, and known to the next poll
        known = state if state.rhythm else with_rhythm(state, dated)
        state = _due(state, self._after(spec, known, answer, now, pushed))
        decision, state = await self.store.write(polls.record_poll, state, reading, now)
        if answer.status != PARTIAL and state.url == address.url:
            await mind_links(self.store, hub, spec.id, reading.links, answer.url, now)
        if decision.new and await mind_what_was_new(self.store, hub, before, now):
            state = _due(state, self._after(spec, state, answer, now, pushed=False))
            await self.store.write(polls.record_state, state)
        new, revised = len(decision.new), len(decision.revised)
        return state, Poll(spec.id, state.last_status, new, revised)

    async def _record_failure(
        self, spec: FeedSpec, state: FeedState, failure: Exception, now: datetime
    ) -> Poll:
        kind, text = _in_words(failure)
        due = after_failure(
            spec.id,
            now,
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

    def _wishes(self, spec: FeedSpec) -> Wishes:
        settings = self.settings
        interval = spec.interval
        if interval is None and settings.interval != FetchSettings.interval:
            interval = settings.interval  # the default is only where adapting begins
        return Wishes(interval, settings.interval_min, settings.interval_max)


def _due(state: FeedState, due: Due) -> FeedState:
    return replace(state, next_poll_at=due.at, due_because=due.reason)


def _was_full(state: FeedState, address: Address) -> bool:
    """Whether an empty feed is a fault: it had entries, and another address may still have."""
    return bool(state.last_success_at) and address != state.addresses[-1]


def _after_failure(
    state: FeedState, address: Address, error: Exception, now: datetime
) -> FeedState:
    kind, text = _in_words(error)
    if kind == HELD:
        return left_in_peace(state, address.url, text, now, _retry_after(error) or FIRST_RETRY)
    gone = isinstance(error, FetchError) and error.status == GONE
    return failed(state, address.url, kind, text, now, _retry_after(error), gone)


def _in_words(error: Exception) -> tuple[str, str]:
    """The error's kind, and what is told of it."""
    kind = error.kind if isinstance(error, AggregatorError) else "bug"
    return kind, str(error) or type(error).__name__


def _retry_after(error: Exception) -> timedelta | None:
    """What the server asked for, bounded so that it can be reckoned with."""
    if not isinstance(error, FetchError) or error.retry_after is None:
        return None
    return timedelta(seconds=min(error.retry_after, LONGEST_RETRY_AFTER.total_seconds()))
