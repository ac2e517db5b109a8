"""Prints and the odds of two of them, from memory or from the store.

What is remembered is known by digests of prints, so it is right whatever happens to the store.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Generic, TypeVar

from aggregator.core.story_pairs import PairOdds, pair_odds
from aggregator.core.story_prints import StoryPrint, from_bytes, heaviest, to_bytes
from aggregator.store import story_places as places
from aggregator.store.story_places import Connection, Placed

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

PRINTS = 400
"""Prints that are remembered, 20 KB each: of ten that a newcomer is held against, most. Reading one
takes .1 ms."""

PAIRS = 20_000
"""Pairs whose odds are remembered, 0.3 KB each: an event of 60 articles has 1,770."""


class Recent(Generic[K, V]):
    """The values that were asked for last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)


class Memory:
    """For all of a process's time."""

    def __init__(self) -> None:
        self.prints: Recent[int, StoryPrint] = Recent(PRINTS)
        self.odds: Recent[tuple[int, int], PairOdds] = Recent(PAIRS)


def heavy(print_: StoryPrint) -> Mapping[str, float]:
    """The words that a print is found by, with their parts."""
    return {word: print_.words[word] for word in heaviest(print_)}


class Prints:
    """For one call of the desk: the prints of the articles that it comes upon."""

    def __init__(self, connection: Connection, memory: Memory) -> None:
        self._connection = connection
        self._memory = memory
        self._digests: dict[str, int] = {}
        self._held: dict[str, StoryPrint] = {}

    def keep(self, number: int, mine: StoryPrint) -> None:
        """Stores a new print, and the words that it is found by."""
        stored = to_bytes(mine)
        digest = int.from_bytes(blake2b(stored, digest_size=8).digest(), "big", signed=True)
        places.keep_print(self._connection, number, mine.published, digest, stored, heavy(mine))
        self._memory.prints.put(digest, mine)
        self._digests[str(number)] = digest
        self._held[str(number)] = mine

    def drop(self, number: int) -> None:
        places.forget(self._connection, [number])
        self._digests.pop(str(number), None)
        self._held.pop(str(number), None)

    def known(self, placed: Iterable[Placed]) -> None:
        """Takes note of the prints that these articles have."""
        for one in placed:
            if one.digest is not None:
                self._digests[str(one.number)] = one.digest

    def get(self, name: str, others: Iterable[str] = ()) -> StoryPrint | None:
        """None where it is no longer kept. `others` are read as well if it has to be read."""
        if name not in self._held:
            self._fetch((name, *others))
        return self._held.get(name)

    def odds(self, a: str, b: str, others: Iterable[str] = ()) -> PairOdds | None:
        """None where a print is no longer kept. Prints of `others` are read as well if one has to
        be read.
        """
        one, other = self._digests.get(a), self._digests.get(b)
        if one is None or other is None:
            return None
        key = (one, other) if one < other else (other, one)
        found = self._memory.odds.get(key)
        if found is None:
            mine, its = self.get(a, others), self.get(b, others)
            if mine is None or its is None:
                return None
            found = pair_odds(mine, its)
            self._memory.odds.put(key, found)
        return found

    def event_odds(self, others: Sequence[str]) -> Callable[[str, str], float | None]:
        """Log-odds of one event, as core asks for them."""

        def odds(a: str, b: str) -> float | None:
            found = self.odds(a, b, others)
            return found.event if found else None

        return odds

    def story_odds(self, others: Sequence[str]) -> Callable[[str, str], float | None]:
        """Log-odds of one story."""

        def odds(a: str, b: str) -> float | None:
            found = self.odds(a, b, others)
            return found.story if found else None

        return odds

    def _fetch(self, names: Iterable[str]) -> None:
        missing = []
        for name in dict.fromkeys(names):
            if name in self._held or name not in self._digests:
                continue
            print_ = self._memory.prints.get(self._digests[name])
            if print_ is None:
                missing.append(int(name))
            else:
                self._held[name] = print_
        for number, stored in places.prints(self._connection, missing) if missing else ():
            name = str(number)
            try:
                print_ = from_bytes(stored)
            except ValueError:  # of an older version: as if it were no longer kept
                del self._digests[name]
                continue
            self._held[name] = print_
            self._memory.prints.put(self._digests[name], print_)
