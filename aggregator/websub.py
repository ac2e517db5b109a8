"""The subscriber's part of WebSub: hubs are asked to push, and what they push is taken in.

    poll    ── the feed's links ──▶ store.subscriptions: wanted
    tick    ── subscribe, renew, unsubscribe ──▶ hub        what it does not take waits, and grows
    hub     ── GET  callback ──▶ confirm: do we mean it?    the challenge, or nothing
    hub     ── POST callback ──▶ take: signed? → read (worker) → stored like what a poll brings

A push is a part of the feed: it adds and changes entries, and takes none away. It says nothing of
the feed's validators, nor where the feed is. A hub's failure is never the feed's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.config import Config
from aggregator.core import websub
from aggregator.core.model import FeedLinks, FeedSpec, Retrieved, Validators
from aggregator.core.websub import Subscription
from aggregator.errors import AggregatorError, FetchError, NotAFeed, Quarantined, WorkerError
from aggregator.fetch import Fetcher, shown
from aggregator.reading import read_guarded
from aggregator.store import Store, subscriptions
from aggregator.workers import Workers

log = logging.getLogger(__name__)

CALLBACKS = "/websub/"
"""The path below the site's address that callbacks are at; each ends in a token."""

ASKED_AT_ONCE = 20
"""Requests to hubs that are under way together."""


@dataclass(frozen=True)
class WebSub:
    """What subscribing works with."""

    config: Config
    feeds: Mapping[str, FeedSpec]
    store: Store
    fetcher: Fetcher
    workers: Workers

    # --- towards the hub -------------------------------------------------------------------

    async def prepare(self, now: datetime) -> None:
        """Makes the subscriptions those of the configured feeds, at our address of today."""
        await self.store.write(subscriptions.sync, self._callbacks, now)

    @property
    def _callbacks(self) -> str:
        reachable = self.config.callback_site
        return f"{reachable}{CALLBACKS}" if reachable else ""

    async def ask_due(self, now: datetime) -> None:
        """Asks the hubs what is due: to subscribe, renew, unsubscribe. And makes the feeds due for
        which a hub has announced something. Raises StoreError.
        """
        invited = await self.store.read(subscriptions.invited, now, self.config.fetch.interval_min)
        if invited:
            await self.store.write(subscriptions.invite, invited)
        due = await self.store.read(subscriptions.due, now, bool(self._callbacks), ASKED_AT_ONCE)
        outcomes = await asyncio.gather(
            *(self._ask(each, now) for each in due), return_exceptions=True
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def _ask(self, subscription: Subscription, now: datetime) -> None:
        if websub.given_up(subscription, now):
            await self.store.write(subscriptions.drop, subscription.token)
            return
        leaving = subscription.state == "leaving"
        callback = subscription.callback if leaving else self._callbacks + subscription.token
        asked = websub.asked(subscription, callback, now)
        # stored first: the hub may ask back before it answers
        if not await self.store.write(subscriptions.save, asked):
            return
        error, retry_after = await self._posted(asked)
        hub, what = shown(asked.hub), "unsubscribe" if leaving else "subscribe"
        if error:
            log.warning("feed %s: hub %s: %s: %s", asked.feed_id, hub, what, error)
            await self.store.write(
                subscriptions.record_refusal, asked.token, error, now, retry_after
            )
        else:
            log.info("feed %s: hub %s was asked to %s", asked.feed_id, hub, what)

    async def _posted(self, asked: Subscription) -> tuple[str, timedelta | None]:
        """What went wrong in words, and how long the hub wants peace; "" where it took it."""
        try:
            status = await self.fetcher.post(asked.hub, websub.form(asked))
        except FetchError as error:
            seconds = error.retry_after
            longest = websub.LONGEST_RETRY_AFTER.total_seconds()
            wait = None if seconds is None else timedelta(seconds=min(seconds, longest))
            return str(error), wait
        except Exception as error:  # whatever a hub brings about: the others are asked all the same
            log.exception("feed %s: a bug in asking hub %s", asked.feed_id, shown(asked.hub))
            return f"a bug: {type(error).__name__}", None
        if 200 <= status < 300:
            return "", None
        if 300 <= status < 400:
            return f"the hub redirects ({status}), which is not followed", None
        return f"the hub answers {status}", None

    # --- from the hub ----------------------------------------------------------------------

    async def subscription(self, token: str) -> Subscription | None:
        """Whose callback it is that ends in the token. Raises StoreError."""
        return await self.store.read(subscriptions.of_token, token)

    async def confirm(
        self, token: str, mode: str, topic: str, lease_seconds: str, now: datetime
    ) -> bool:
        """The hub asks whether we mean what it was asked for: whether we do. Raises StoreError."""
        known = await self.store.write(subscriptions.answer, token, mode, topic, lease_seconds, now)
        if known is None:
            return False
        log.info("feed %s: hub %s has verified: %s", known.feed_id, shown(known.hub), mode)
        return True

    async def denied(self, token: str, topic: str, reason: str, now: datetime) -> bool:
        """The hub says that it will not: whether it means one of ours. Raises StoreError."""
        known = await self.store.write(subscriptions.record_denial, token, topic, reason, now)
        if known is None:
            return False
        log.warning("feed %s: hub %s: %s", known.feed_id, shown(known.hub), known.error)
        return True

    async def take(
        self,
        subscription: Subscription,
        signature: str,
        content_type: str,
        body: bytes,
        now: datetime,
    ) -> None:
        """Takes in what was pushed, if it is signed by the hub. Raises nothing."""
        feed_id = subscription.feed_id
        try:
            signed = await asyncio.to_thread(websub.is_signed, subscription.secret, signature, body)
            if not signed:
                what = "its signature is not the hub's" if signature else "it is not signed"
                log.warning("feed %s: a push was ignored: %s", feed_id, what)
                await self.store.write(subscriptions.record_ignored, subscription.token)
                return
            spec = self.feeds.get(feed_id)
            if spec is not None:
                await self._take_signed(subscription, spec, content_type, body, now)
        except AggregatorError as error:
            log.error("feed %s: a push could not be taken: %s", feed_id, error)
        except Exception:
            log.exception("feed %s: a bug in taking a push", feed_id)

    async def _take_signed(
        self,
        subscription: Subscription,
        spec: FeedSpec,
        content_type: str,
        body: bytes,
        now: datetime,
    ) -> None:
        headers = {"content-type": content_type} if content_type else {}
        pushed = Retrieved(subscription.topic, 200, headers, body, Validators(), elapsed=0)
        try:
            reading = await read_guarded(
                self.store, self.workers, spec, pushed, subscription.topic, now
            )
            entries = reading.entries
        except NotAFeed:
            entries = ()  # it only says that there is something
        except (Quarantined, WorkerError) as error:
            log.error("feed %s: a push could not be read: %s", spec.id, error)
            entries = ()  # what it was about is left to a poll
        decision = await self.store.write(
            subscriptions.record_push, subscription.token, entries, now
        )
        log.info(
            "feed %s: pushed, %d new, %d revised", spec.id, len(decision.new), len(decision.revised)
        )


# --- what polls have to do with it -------------------------------------------------------------


async def mind_links(
    store: Store,
    known: Subscription | None,
    feed_id: str,
    links: FeedLinks,
    url: str,
    now: datetime,
) -> None:
    """A whole feed came from `url`: what it says of its hubs is kept. Raises StoreError."""
    if known is None and not websub.can_be_had(links, url):
        return
    if known and websub.serves(known, links, url) and known.hubs == links.hubs:
        return
    await store.write(subscriptions.record_links, feed_id, links, url, now)


async def mind_what_was_new(
    store: Store, known: Subscription | None, last_poll_at: datetime | None, now: datetime
) -> bool:
    """A poll has found something new: whether pushes, which were arriving, should have brought it.
    `last_poll_at` is when the poll before was. Raises StoreError.
    """
    if known is None or not websub.arriving(known, now) or not websub.misses(known, last_poll_at):
        return False
    await store.write(subscriptions.record_miss, known.token, now)
    return True
