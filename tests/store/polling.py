"""Run as a process that is to be killed: polls one feed for ever, told of each poll on stdout.

Poll number N brings the entries up to N with the ETag N, and revises the first to the text N.
"""

from __future__ import annotations

import sys
from itertools import count

from aggregator.core.model import Validators
from aggregator.store import Store, polls
from tests.store.making import FEEDX, NOW, Newsroom, entry


def main(url: str) -> None:
    room = Newsroom(Store.open(url))
    room.write(polls.sync_feeds, [FEEDX], NOW)
    start = int(room.store.feed_states()[0].validators.etag or "0") + 1
    for number in count(start):
        entries = [entry("first", f"第{number}版"), *(entry(str(n)) for n in range(1, number + 1))]
        room.poll(*entries, validators=Validators(str(number)))
        print(number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
