"""The subscriber's part of WebSub (W3C Recommendation, 23 January 2018), as pure steps.

wanted ──asked──▶ asked ──verified──▶ verified ──asked (renewal)──▶ verified …
                    └─────denied─────▶ denied  ──asked (much later)──▶ asked
verified ──no longer wanted──▶ leaving ──asked (unsubscribe)──▶ gone

asked      before a request is sent, so that the hub may verify it while it answers
refused    the hub did not take the request: another hub, or later
intends    whether a hub's question for our intent is to be echoed
verified   the hub has asked and was told yes
denied     the hub will not
pushed     a signed push came
misses     a poll found what no push had announced
arriving   do pushes come, so that polls may be rare?
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from aggregator.core.model import FeedLinks

State = Literal["wanted", "asked", "verified", "denied", "leaving"]

LEASE = timedelta(days=10)
"""What is asked for; how long it is is for the hub to say."""

SHORTEST_LEASE = timedelta(minutes=5)
LONGEST_LEASE = timedelta(days=30)
"""A lease outside these is taken for one of them: hubs are neither asked every few seconds, nor
believed that they will remember for years."""

RENEW_AFTER = 0.8
"""The share of the lease after which it is renewed: there is time left for a hub that is down."""

FIRST_WAIT = timedelta(hours=1)
LONGEST_WAIT = timedelta(days=1)
"""Until a request is made again that brought nothing: an hour, twice as long each time."""

LONGEST_RETRY_AFTER = timedelta(days=31)

GOODBYES = 3
"""How often a hub is asked to end a subscription before it is left to run out."""

ERROR_LIMIT = 300
TOPIC_LIMIT = 2_000
"""Characters of what a hub says, and of what it may be asked for."""

_ALGORITHMS = {
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}
"""Those that section 7 names; sha1 is what most hubs sign with."""

_SIGNATURE = re.compile(r"\s*(sha\d+)=([0-9a-fA-F]+)\s*")
_SECONDS = re.compile(r"\d{1,12}")


@dataclass(frozen=True, slots=True)
class Subscription:
    """What we have, or want to have, with a hub for one feed.

    `token` is the secret end of the callback, `secret` what the hub signs with: neither is ever
    shown, in logs as little as on pages.
    """

    token: str = field(repr=False)
    feed_id: str
    topic: str
    hub: str
    """The one of `hubs` that is asked."""
    hubs: tuple[str, ...]
    secret: str = field(repr=False)
    state: State = "wanted"
    callback: str = field(default="", repr=False)
    """The URL that the hub was given, empty before it was asked."""
    act_at: datetime | None = None
    """When there is something to ask: to subscribe, to renew, to try again, to unsubscribe."""
    lease_until: datetime | None = None
    tries: int = 0
    """Requests since the hub last verified one."""
    last_push_at: datetime | None = None
    announced_at: datetime | None = None
    """When a push last said that there is something, without bringing it."""
    missed_at: datetime | None = None
    """When a poll last found what no push had announced."""
    pushes: int = 0
    ignored: int = 0
    """Pushes that were not signed, or not by the hub."""
    error: str = ""

    @property
    def progress(self) -> str:
        """How far it is: its state, or `refused` where a hub was asked and did not take it."""
        return "refused" if self.state == "wanted" and self.callback else self.state

    def holds(self, now: datetime) -> bool:
        """Whether the hub has taken it, and still holds to it."""
        return (
            self.state in ("verified", "leaving")
            and self.lease_until is not None
            and now < self.lease_until
        )


# --- what is wanted ----------------------------------------------------------------------------


def topic_of(links: FeedLinks, url: str) -> str:
    """What to subscribe to: where the feed says it is, else where it came from (section 4)."""
    return links.self_url or url


def can_be_had(links: FeedLinks, url: str) -> bool:
    """Whether the feed that came from `url` can be subscribed to."""
    return bool(links.hubs) and len(topic_of(links, url)) <= TOPIC_LIMIT


def serves(subscription: Subscription, links: FeedLinks, url: str) -> bool:
    """Whether it is (still) what the feed offers; its other hubs may have changed."""
    return subscription.hub in links.hubs and subscription.topic == topic_of(links, url)


# --- asking the hub ----------------------------------------------------------------------------


def asked(subscription: Subscription, callback: str, now: datetime) -> Subscription:
    """The subscription as it is stored before the hub is asked; unanswered, it is asked again."""
    unheard = subscription.state == "asked"  # it took the last request, and did nothing more
    keeps = subscription.state == "leaving" or subscription.holds(now)
    return replace(
        subscription,
        hub=_next_hub(subscription) if unheard else subscription.hub,
        state=subscription.state if keeps else "asked",
        callback=callback,
        tries=subscription.tries + 1,
        act_at=now + _wait(subscription.tries),
    )


def form(subscription: Subscription) -> dict[str, str]:
    """What the hub is sent (section 5.1)."""
    common = {"hub.callback": subscription.callback, "hub.topic": subscription.topic}
    if subscription.state == "leaving":
        return common | {"hub.mode": "unsubscribe"}
    return common | {
        "hub.mode": "subscribe",
        "hub.secret": subscription.secret,
        "hub.lease_seconds": str(int(LEASE.total_seconds())),
    }


def refused(
    subscription: Subscription, error: str, now: datetime, retry_after: timedelta | None = None
) -> Subscription:
    """The hub could not be asked, or did not take it. Where the feed names others, and this one
    holds no subscription, the next is asked at once, until each was.
    """
    rounds, hubs_left = subscription.tries, 0
    keeps = subscription.state == "leaving" or subscription.holds(now)
    if not keeps:
        rounds, hubs_left = divmod(subscription.tries, len(subscription.hubs))
        subscription = replace(subscription, state="wanted", hub=_next_hub(subscription))
    wait = timedelta(0) if hubs_left else _wait(rounds - 1)
    if retry_after is not None and not hubs_left:
        wait = max(wait, min(retry_after, LONGEST_RETRY_AFTER))
    return replace(subscription, act_at=now + wait, error=error[:ERROR_LIMIT])


def _next_hub(subscription: Subscription) -> str:
    hubs = subscription.hubs
    at = hubs.index(subscription.hub) if subscription.hub in hubs else -1
    return hubs[(at + 1) % len(hubs)]


def _wait(tries: int) -> timedelta:
    return min(FIRST_WAIT * float(2 ** min(max(tries, 0), 10)), LONGEST_WAIT)


def given_up(subscription: Subscription, now: datetime) -> bool:
    """Whether a subscription that is no longer wanted is not worth another request."""
    over = subscription.tries >= GOODBYES or not subscription.holds(now)
    return subscription.state == "leaving" and over


# --- what the hub asks and says (section 5.3) --------------------------------------------------


def intends(subscription: Subscription, mode: str, topic: str) -> bool:
    """Whether we have asked for what the hub wants confirmed: only then is its challenge echoed."""
    if topic != subscription.topic or not subscription.callback:
        return False
    if mode == "subscribe":
        return subscription.state in ("asked", "verified")
    return mode == "unsubscribe" and subscription.state == "leaving"


def verified(subscription: Subscription, lease_seconds: str, now: datetime) -> Subscription:
    """The hub has confirmed, for so many seconds; where it does not say, for what was asked."""
    given = lease_seconds.strip()
    seconds = int(given) if _SECONDS.fullmatch(given) else 0
    lease = timedelta(seconds=seconds) if seconds else LEASE
    lease = min(max(lease, SHORTEST_LEASE), LONGEST_LEASE)
    return replace(
        subscription,
        state="verified",
        lease_until=now + lease,
        act_at=now + lease * RENEW_AFTER,
        tries=0,
        error="",
    )


def denied(subscription: Subscription, reason: str, now: datetime) -> Subscription:
    """The hub will not, or not any longer: it is asked again a day later."""
    said = " ".join(reason.replace(subscription.token, "…").split())
    return replace(
        subscription,
        state="denied",
        hub=_next_hub(subscription),
        lease_until=None,
        act_at=now + LONGEST_WAIT,
        error=f"the hub denied it: {said}"[:ERROR_LIMIT] if said else "the hub denied it",
    )


# --- pushes ------------------------------------------------------------------------------------


def is_signed(secret: str, signature: str, body: bytes) -> bool:
    """Whether `signature`, the header X-Hub-Signature, is that of the body (section 7.1)."""
    given = _SIGNATURE.fullmatch(signature)
    if given is None or given[1] not in _ALGORITHMS:
        return False
    made = hmac.new(secret.encode(), body, _ALGORITHMS[given[1]]).hexdigest()
    return hmac.compare_digest(made, given[2].lower())


def pushed(subscription: Subscription, now: datetime, announced: bool) -> Subscription:
    """A signed push came; `announced`: it brought nothing, so the feed is to be polled."""
    return replace(
        subscription,
        last_push_at=now,
        announced_at=now if announced else subscription.announced_at,
        pushes=subscription.pushes + 1,
    )


def misses(subscription: Subscription, last_poll_at: datetime | None) -> bool:
    """Whether what a poll has just found new should have been pushed: since the poll before
    (`last_poll_at`) no push came. One that came may stand for all of it: hubs push several
    entries at once, or say only that there are some.
    """
    last = subscription.last_push_at
    return last is not None and (last_poll_at is None or last < last_poll_at)


def arriving(subscription: Subscription, now: datetime) -> bool:
    """Whether pushes come: the hub holds the subscription and has pushed, and since its last push
    no poll has found anything that it kept back. A feed in which nothing happens needs none.
    """
    last, missed = subscription.last_push_at, subscription.missed_at
    if subscription.state != "verified" or not subscription.holds(now) or last is None:
        return False
    return missed is None or missed < last
