"""A feed's bytes read in a worker, unless they have taken one down before, and again.

Polls and pushes both come through here: bytes that took a worker down count by their name,
however they came, and are not read a third time (store/quarantine.py).
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
    for the first time, WorkersGone, NotAFeed and StoreError.
    """
    name = f"feed-{spec.id}-{hashlib.blake2b(answer.body, digest_size=4).hexdigest()}"
    if await store.read(quarantine.tries, name) >= quarantine.TRIES:
        raise _set_aside(url, name)
    try:
        return await workers.run(read_feed, answer, spec, now)
    except WorkersGone:
        raise
    except WorkerError as error:
        failure = quarantine.Failure(name, spec.id, "", shown(answer.url), error.what)
        if await store.write(quarantine.record, failure, now) < quarantine.TRIES:
            raise
        raise _set_aside(url, name) from error


def _set_aside(url: str, name: str) -> Quarantined:
    return Quarantined(
        f"it took a worker down {quarantine.TRIES} times and is set aside as {name}",
        shown(url),
        "it is read again as soon as it changes",
    )
