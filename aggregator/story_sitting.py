"""One article at the story desk: what is read of the store for it, and what is decided.

What was read is kept in step with what is written, so nothing is read twice. Articles are named by
their numbers in letters, as core names them; events and stories by their ids.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Generic, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from aggregator.core.stories import (
    EVENT_HOURS,
    STORY_HOURS,
    Event,
    Near,
    Overrides,
    Placement,
    StorySize,
    place,
)
from aggregator.core.story_mending import (
    SAMPLED_EVENTS,
    Move,
    StoryMove,
    mend,
    mend_story,
    neighbours,
    obey,
)
from aggregator.core.story_pairs import PairOdds, hours_apart, pair_odds
from aggregator.core.story_prints import StoryPrint, from_bytes, heaviest, to_bytes
from aggregator.store import story_places as places
from aggregator.store.story_places import Connection, Placed

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

PRINTS = 500
"""Prints that are remembered: about 15 KB each, taken apart."""

PAIRS = 50_000
"""Pairs whose odds are remembered."""

RULED_MOVES = 100
"""Moves after which a round of obeying ends; the next goes on."""


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
        if len(self._values) > self._most:
            self._values.popitem(last=False)


class Memory:
    """What is the same whatever happens to the store: all of it is known by content."""

    def __init__(self) -> None:
        self.prints: Recent[int, StoryPrint] = Recent(PRINTS)
        self.odds: Recent[tuple[int, int], PairOdds] = Recent(PAIRS)


class Sitting:
    """For one call of the desk. After what happened to the article comes `finish`."""

    def __init__(self, connection: Connection, memory: Memory, rulings: Overrides) -> None:
        self._changed: set[str] = set()
        self._connection = connection
        self._memory = memory
        self._rulings = rulings
        self._events: dict[str, Event] = {}
        self._event_of: dict[str, str] = {}
        self._digests: dict[str, int] = {}
        self._prints: dict[str, StoryPrint] = {}
        self._dated: set[str] = set()
        self._heirs: dict[str, str] = {}
        self._mended = False

    # --- what people see of it ---------------------------------------------------------------

    def arrive(self, number: int, article_id: str, mine: StoryPrint) -> None:
        """Places an article that is in no event yet."""
        self._keep_print(number, mine)
        name, near = str(number), self._near(number, mine)
        sizes = self._sizes(near)
        found = place(name, near, self._known(name, near), sizes, self._rulings)
        story = found.story
        if story is None:
            story = self._begin_story(article_id, mine.published)
        else:
            places.reported(self._connection, story, mine.published)
        event = found.event or self._begin_event(article_id, story)
        places.join(self._connection, number, event, *_reason(found))
        there = self._events[event] if found.event else Event(event, story, ())
        self._hold(replace(there, members=(*there.members, name)))
        self._changed.add(story)
        self._settle(name, near, sizes, joined=found.event is not None)

    def change(self, number: int, article_id: str, mine: StoryPrint) -> None:
        """Its text changed. What is alone in its event is placed anew; the rest stays."""
        own = self._home(number)
        self._drop_print(number)
        if own is None:
            self.arrive(number, article_id, mine)
            return
        self._keep_print(number, mine)
        self._changed.add(own.story)
        self._dated.add(own.story)
        if len(own.members) == 1:
            self._place_anew(number, own, self._near(number, mine))

    def leave(self, number: int, to: int | None) -> None:
        """It is no article any more: it was merged into `to`, or removed."""
        own = self._home(number)
        self._drop_print(number)
        if own is None:
            return
        places.leave(self._connection, number)
        left = tuple(member for member in own.members if member != str(number))
        self._hold(replace(own, members=left))
        self._changed.add(own.story)
        self._dated.add(own.story)
        if not left:
            heir = self._home(to) if to is not None and to != number else None
            places.end_event(self._connection, own.id, heir.id if heir else "")
            if heir:
                self._changed.add(heir.story)
                self._heirs[own.story] = heir.story

    def obey(self) -> None:
        """Carries out what people ruled."""
        rules = self._rulings.together | self._rulings.apart
        named = {one for pair in rules for one in pair}
        unknown = [int(one) for one in named if one not in self._event_of]
        homes = places.homes(self._connection, unknown) if unknown else {}
        self._read(set(homes.values()) - self._events.keys())
        for _ in range(RULED_MOVES):
            ids = {self._event_of[one] for one in named if one in self._event_of}
            moves = obey([self._events[id_] for id_ in sorted(ids)], self._rulings)
            if not moves:
                break
            for move in moves:
                self._move(move)

    def finish(self) -> frozenset[str]:
        """Dates stories again that lost or gained, ends those that are empty. Gives all that
        were changed.
        """
        for story in sorted(self._dated):
            if not places.date_again(self._connection, story):
                places.end_story(self._connection, story, self._heirs.get(story, ""))
        return frozenset(self._changed)

    # --- who is near -------------------------------------------------------------------------

    def _near(self, number: int, mine: StoryPrint) -> Sequence[Near]:
        weights = {word: mine.words[word] for word in heaviest(mine)}
        found = places.near(self._connection, weights, places.hour_of(mine.published), number)
        for one in found:
            self._digests[str(one.number)] = one.digest or 0
        self._fetch([str(one.number) for one in found])
        near = []
        for one in found:
            name = str(one.number)
            print_, odds = self._prints.get(name), self._odds(str(number), name)
            if print_ is None or odds is None:
                continue
            hours = hours_apart(mine, print_)
            if hours <= STORY_HOURS:
                near.append(Near(name, one.event, one.story, hours, odds))
        return near

    def _known(self, name: str, near: Sequence[Near]) -> Mapping[str, Event]:
        """The events of those near and of what it must be together with."""
        ids = {one.event for one in near}
        partners = [int(one) for one in self._rulings.partners(name)]
        if partners:
            ids |= set(places.homes(self._connection, partners).values())
        self._read(ids - self._events.keys())
        return {id_: self._events[id_] for id_ in sorted(ids)}

    def _sizes(self, near: Sequence[Near]) -> dict[str, StorySize]:
        stories = {one.story for one in near}
        return places.sizes(self._connection, stories) if stories else {}

    # --- what is known -----------------------------------------------------------------------

    def _home(self, number: int) -> Event | None:
        found = places.homes(self._connection, [number]).get(number)
        if found is None:
            return None
        if found not in self._events:
            self._read([found])
        return self._events[found]

    def _read(self, ids: Collection[str]) -> None:
        if ids:
            self._take(places.of_events(self._connection, ids))

    def _take(self, placed: Iterable[Placed]) -> None:
        """Holds events that were read; what is held already is as new."""
        read: dict[str, tuple[str, list[str]]] = {}
        for one in placed:
            name = str(one.number)
            read.setdefault(one.event, (one.story, []))[1].append(name)
            if one.digest is not None:
                self._digests[name] = one.digest
        for id_, (story, members) in read.items():
            self._hold(Event(id_, story, tuple(members)))

    def _hold(self, event: Event) -> None:
        self._events[event.id] = event
        self._event_of.update(dict.fromkeys(event.members, event.id))

    # --- prints and odds ---------------------------------------------------------------------

    def _keep_print(self, number: int, mine: StoryPrint) -> None:
        stored = to_bytes(mine)
        digest = int.from_bytes(blake2b(stored, digest_size=8).digest(), "big", signed=True)
        weights = {word: mine.words[word] for word in heaviest(mine)}
        places.keep_print(self._connection, number, mine.published, digest, stored, weights)
        self._memory.prints.put(digest, mine)
        self._digests[str(number)] = digest
        self._prints[str(number)] = mine

    def _drop_print(self, number: int) -> None:
        places.forget(self._connection, [number])
        self._digests.pop(str(number), None)
        self._prints.pop(str(number), None)

    def _fetch(self, names: Iterable[str]) -> None:
        """Prints that are about to be needed, from memory or all at once from the store."""
        missing = []
        for name in names:
            if name in self._prints or name not in self._digests:
                continue
            print_ = self._memory.prints.get(self._digests[name])
            if print_ is None:
                missing.append(int(name))
            else:
                self._prints[name] = print_
        for number, stored in places.prints(self._connection, missing) if missing else ():
            try:
                print_ = from_bytes(stored)
            except ValueError:  # of an older version: as if it were no longer kept
                del self._digests[str(number)]
                continue
            self._prints[str(number)] = print_
            self._memory.prints.put(self._digests[str(number)], print_)

    def _odds(self, a: str, b: str, others: Iterable[str] = ()) -> PairOdds | None:
        """None where a print is no longer kept. `others` are needed soon if these are."""
        one, other = self._digests.get(a), self._digests.get(b)
        if one is None or other is None:
            return None
        key = (one, other) if one < other else (other, one)
        found = self._memory.odds.get(key)
        if found is None:
            if a not in self._prints or b not in self._prints:
                self._fetch([a, b, *others])
            if a not in self._prints or b not in self._prints:
                return None
            found = pair_odds(self._prints[a], self._prints[b])
            self._memory.odds.put(key, found)
        return found

    def _event_odds(self, others: Sequence[str]) -> Callable[[str, str], float | None]:
        def odds(a: str, b: str) -> float | None:
            found = self._odds(a, b, others)
            return found.event if found else None

        return odds

    def _story_odds(self, others: Sequence[str]) -> Callable[[str, str], float | None]:
        def odds(a: str, b: str) -> float | None:
            found = self._odds(a, b, others)
            return found.story if found else None

        return odds

    # --- what a join makes right -------------------------------------------------------------

    def _settle(
        self, name: str, near: Sequence[Near], sizes: Mapping[str, StorySize], joined: bool
    ) -> None:
        event = self._event_of[name]
        if joined:
            self._mend(event, name, near)
        if near:
            self._mend_story(self._event_of[name], near, sizes)
        if self._rulings.partners(name):
            self.obey()

    def _mend(self, id_: str, newcomer: str, near: Sequence[Near]) -> None:
        around = [
            (one.article, self._events[self._event_of[one.article]])
            for one in neighbours(near, id_, EVENT_HOURS)
        ]
        event = self._events[id_]
        needed = [*event.members, *(member for _, other in around for member in other.members)]
        for move in mend(event, around, self._event_odds(needed), self._rulings):
            self._move(move, int(newcomer) if move.to else None)

    def _mend_story(self, id_: str, near: Sequence[Near], sizes: Mapping[str, StorySize]) -> None:
        # mending may have emptied an event or moved its story
        near = [replace(one, event=self._event_of[one.article]) for one in near]
        near = [replace(one, story=self._events[one.event].story) for one in near]
        if self._mended:
            sizes = self._sizes(near)
        event = self._events[id_]
        others = self._others_of_story(event)
        needed = [
            *event.members,
            *(
                m
                for other in others[-SAMPLED_EVENTS:]
                for m in (other.members[0], other.members[-1])
            ),
        ]
        for move in mend_story(event, others, near, sizes, self._story_odds(needed)):
            self._move_events(move)

    def _others_of_story(self, event: Event) -> Sequence[Event]:
        placed = places.of_story(self._connection, event.story)
        self._take(placed)
        return [
            self._events[one] for one in dict.fromkeys(p.event for p in placed) if one != event.id
        ]

    def _place_anew(self, number: int, own: Event, near: Sequence[Near]) -> None:
        name, sizes = str(number), self._sizes(near)
        if own.story in sizes:
            size = sizes[own.story]
            sizes[own.story] = StorySize(size.articles - 1, size.events - 1)
        found = place(name, near, self._known(name, near), sizes, self._rulings)
        if found.event is not None:
            self._move(Move((name,), own.id, found.event))
        elif found.story is not None and found.story != own.story:
            self._move_events(StoryMove((own.id,), own.story, found.story))
        if found.because is not None:
            places.explain(self._connection, number, *_reason(found))
        self._settle(name, near, sizes, joined=found.event is not None)

    # --- beginnings and moves ----------------------------------------------------------------

    def _move(self, move: Move, because: int | None = None) -> None:
        origin = self._events[move.origin]
        there = self._events[move.to] if move.to else self._divide(origin, move.articles[0])
        numbers = [int(one) for one in move.articles]
        places.move(self._connection, numbers, there.id, because)
        left = tuple(member for member in origin.members if member not in move.articles)
        self._hold(replace(origin, members=left))
        self._hold(replace(there, members=there.members + move.articles))
        if not left:
            places.end_event(self._connection, origin.id, there.id)
        self._moved(origin.story, there.story)

    def _begin_story(self, article_id: str, published: datetime) -> str:
        return _free(
            uuid5(NAMESPACE_URL, f"story of {article_id}"),
            article_id,
            lambda id_: places.begin_story(self._connection, id_, published),
        )

    def _begin_event(self, article_id: str, story: str) -> str:
        return _free(
            uuid5(NAMESPACE_URL, f"event of {article_id}"),
            article_id,
            lambda id_: places.begin_event(self._connection, id_, story),
        )

    def _divide(self, origin: Event, first: str) -> Event:
        """A new event, named after the one it leaves and its first article."""
        seed = places.article_id(self._connection, int(first))
        id_ = _free(
            uuid5(UUID(origin.id), seed),
            seed,
            lambda id_: places.begin_event(self._connection, id_, origin.story, origin.id),
        )
        return Event(id_, origin.story, ())

    def _move_events(self, move: StoryMove) -> None:
        to = move.to or _free(
            uuid5(UUID(move.origin), move.events[0]),
            move.events[0],
            lambda id_: places.begin_story(self._connection, id_, places.EPOCH, move.origin),
        )
        for one in move.events:
            places.move_event(self._connection, one, to)
            self._hold(replace(self._events[one], story=to))
        self._moved(move.origin, to)

    def _moved(self, origin: str, to: str) -> None:
        self._changed |= {origin, to}
        self._dated |= {origin, to}
        self._mended = True
        if origin != to:
            self._heirs[origin] = to


def _free(first: UUID, seed: str, begin: Callable[[str], bool]) -> str:
    """Begins an event or a story by the first id that is free."""
    id_ = first
    while not begin(str(id_)):
        id_ = uuid5(id_, seed)
    return str(id_)


def _reason(found: Placement) -> tuple[int | None, float]:
    """For which article it joined, and how well it sat there."""
    because = int(found.because) if found.because is not None else None
    return because, found.event_score if found.event else found.story_score
