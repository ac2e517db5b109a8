"""One poll of one feed: its addresses asked in order until one serves.

address → asked (fetch) → read (worker) → stored with the state the feed is then in
        ↘ failed, gone empty, or behind the others: the next address
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.config import FetchSettings
from aggregator.core.cadence import LONGEST_RETRY_AFTER, next_poll, next_try
from aggregator.core.feed_state import (
    Address,
    FeedState,
    aligned,
    answered,
    candidates,
    doubtful,
    failed,
    may_know_more,
    unanswered,
)
from aggregator.core.model import FeedSpec, NotModified
from aggregator.errors import AggregatorError, FetchError, NotAFeed, StoreError
from aggregator.fetch import Fetcher, shown
from aggregator.steps import read_feed
from aggregator.store import Store, polls
from aggregator.workers import Workers

log = logging.getLogger(__name__)

GONE = 410


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
        answer = await self.fetcher.feed(address.asked, address.validators)
        if isinstance(answer, NotModified):
            state = answered(state, address.url, answer.validators, answer.permanent_url, None, now)
            state = replace(self._due(spec, state, now), last_status="not_modified")
            await self.store.write(polls.record_state, state)
            return state, Poll(spec.id, "not_modified")
        reading = await self.workers.run(read_feed, answer, spec, now)
        if not reading.entries and _was_full(state, address):
            raise NotAFeed("the feed has gone empty", shown(address.url), "the next URL is tried")
        for note in reading.notes:
            log.debug("feed %s: %s", spec.id, note)
        newest = max(
            (e.published for e in reading.entries if e.published != e.first_seen), default=None
        )
        state = answered(state, address.url, answer.validators, answer.permanent_url, newest, now)
        state = self._due(spec, state, now)
        decision, state = await self.store.write(polls.record_poll, state, reading, now)
        new, revised = len(decision.new), len(decision.revised)
        return state, Poll(spec.id, state.last_status, new, revised)

    async def _record_failure(
        self, spec: FeedSpec, state: FeedState, failure: Exception, now: datetime
    ) -> Poll:
        kind, text = _in_words(failure)
        interval = spec.interval or self.settings.interval
        again = next_try(spec.id, now, interval, state.failures, _retry_after(failure))
        because = f"failure {state.failures + 1} in a row"
        state = unanswered(state, kind, text, now)
        state = replace(state, next_poll_at=again, due_because=because)
        await self.store.write(polls.record_state, state)
        log.warning("feed %s: %s; next try %s", spec.id, text, again.isoformat(" ", "minutes"))
        return Poll(spec.id, kind, error=text)

    def _due(self, spec: FeedSpec, state: FeedState, now: datetime) -> FeedState:
        interval = spec.interval or self.settings.interval
        return replace(state, next_poll_at=next_poll(spec.id, now, interval))


def _was_full(state: FeedState, address: Address) -> bool:
    """Whether an empty feed is a fault: it had entries, and another address may still have."""
    return bool(state.last_success_at) and address != state.addresses[-1]


def _after_failure(
    state: FeedState, address: Address, error: Exception, now: datetime
) -> FeedState:
    kind, text = _in_words(error)
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
