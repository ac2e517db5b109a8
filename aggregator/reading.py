"""A feed's bytes read in a worker, unless they have taken one down before, and again.

Polls and pushes both come through here: bytes that took a worker down count by their name,
however they came, and are not read a third time. A feed that does so with other bytes each time
is read once a day (store/quarantine.py).
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from aggregator.core.model import FeedReading, FeedSpec, Retrieved
from aggregator.errors import Quarantined, WorkerError, WorkersGone
from aggregator.fetch import shown
from aggregator.steps import read_feed
from aggregator.store import Store, quarantine
from aggregator.workers import Workers


async def read_guarded(
    store: Store, workers: Workers, spec: FeedSpec, answer: Retrieved, url: str, now: datetime
) -> FeedReading:
    """What is in the feed that came from `url`.

    Raises Quarantined where the bytes are set aside, WorkerError where they took a worker down
    for the first time or are left unread with all of the feed, WorkersGone, NotAFeed and
    StoreError.
    """
    name = f"feed-{spec.id}-{hashlib.blake2b(answer.body, digest_size=4).hexdigest()}"
    tried = await store.read(quarantine.tried, spec.id, name)
    if tried.same >= quarantine.TRIES:
        raise _set_aside(url, name)
    if tried.rests(now):
        raise _left_unread(url, spec, tried)
    try:
        reading = await workers.run(read_feed, answer, spec, now)
    except WorkersGone:
        raise
    except WorkerError as error:
        failure = quarantine.Failure(name, spec.id, "", shown(answer.url), error.what)
        tried = await store.write(quarantine.record_feed, failure, now)
        if tried.same >= quarantine.TRIES:
            raise _set_aside(url, name) from error
        if tried.in_a_row >= quarantine.TRIES:
            raise _left_unread(url, spec, tried) from error
        raise
    if tried.in_a_row:
        await store.write(quarantine.forgive, spec.id)
    return reading


def _set_aside(url: str, name: str) -> Quarantined:
    return Quarantined(
        f"it took a worker down {quarantine.TRIES} times and is set aside as {name}",
        shown(url),
        "it is read again as soon as it changes",
    )


def _left_unread(url: str, spec: FeedSpec, tried: quarantine.Tried) -> WorkerError:
    """Not Quarantined: these bytes were not tried so often, and may be good, so they must not
    count as seen.
    """
    return WorkerError(
        f"it took a worker down {tried.in_a_row} times in a row, with other bytes each time, and "
        f"is set aside as feed-{spec.id}",
        shown(url),
        "it is read once a day",
    )
