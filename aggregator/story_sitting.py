"""One article at the story desk: what is read of the store for it, and what is decided.

What was read is kept in step with what is written, so nothing is read twice. Articles are named by
their numbers in letters, as core names them; events and stories by their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
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
from aggregator.core.story_pairs import hours_apart
from aggregator.core.story_prints import StoryPrint
from aggregator.store import story_places as places
from aggregator.store.story_places import Connection, Placed
from aggregator.story_memory import Memory, Prints, heavy

RULED_MOVES = 100
"""Moves after which obeying ends; the next time goes on."""


class Sitting:
    """For one call of the desk. After what happened to the article comes `finish`."""

    def __init__(self, connection: Connection, memory: Memory, rulings: Overrides) -> None:
        self._changed: set[str] = set()
        self._connection = connection
        self._prints = Prints(connection, memory)
        self._rulings = rulings
        self._events: dict[str, Event] = {}
        self._event_of: dict[str, str] = {}
        self._dated: set[str] = set()
        self._heirs: dict[str, str] = {}
        self._mended = False

    # --- what people see of it ---------------------------------------------------------------

    def arrive(self, number: int, article_id: str, mine: StoryPrint) -> None:
        """Places an article that is in no event yet."""
        self._prints.keep(number, mine)
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
        new = found.story is None
        alone = new or (found.story in sizes and bool(found.event) and sizes[story].events == 1)
        self._settle(name, near, sizes, joined=found.event is not None, alone=alone)

    def change(self, number: int, article_id: str, mine: StoryPrint) -> None:
        """Its text changed. What is alone in its event is placed anew; the rest stays."""
        own = self._home(number)
        self._prints.drop(number)
        if own is None:
            self.arrive(number, article_id, mine)
            return
        self._prints.keep(number, mine)
        self._changed.add(own.story)
        self._dated.add(own.story)
        if len(own.members) == 1:
            self._place_anew(number, own, self._near(number, mine))

    def leave(self, number: int, to: int | None) -> None:
        """It is no article any more: it was merged into `to`, or removed."""
        own = self._home(number)
        self._prints.drop(number)
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
        self._read(homes.values())
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
        hour = places.hour_of(mine.published)
        found = places.near(self._connection, heavy(mine), hour, number)
        self._prints.known(found)
        others = [str(one.number) for one in found]
        near = []
        for one, name in zip(found, others, strict=True):
            print_ = self._prints.get(name, others)
            odds = self._prints.odds(str(number), name)
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
        self._read(ids)
        return {id_: self._events[id_] for id_ in sorted(ids)}

    def _sizes(self, near: Sequence[Near]) -> dict[str, StorySize]:
        stories = sorted({one.story for one in near})
        return places.sizes(self._connection, stories) if stories else {}

    # --- what is known -----------------------------------------------------------------------

    def _home(self, number: int) -> Event | None:
        found = places.homes(self._connection, [number]).get(number)
        if found is None:
            return None
        self._read([found])
        return self._events[found]

    def _read(self, ids: Iterable[str]) -> None:
        """Holds these events too."""
        unread = sorted(set(ids) - self._events.keys())
        if unread:
            self._take(places.of_events(self._connection, unread))

    def _take(self, placed: Sequence[Placed]) -> None:
        """Holds events that were read; what is held already is as new."""
        read: dict[str, tuple[str, list[str]]] = {}
        self._prints.known(placed)
        for one in placed:
            read.setdefault(one.event, (one.story, []))[1].append(str(one.number))
        for id_, (story, members) in read.items():
            self._hold(Event(id_, story, tuple(members)))

    def _hold(self, event: Event) -> None:
        self._events[event.id] = event
        self._event_of.update(dict.fromkeys(event.members, event.id))

    # --- what a join makes right -------------------------------------------------------------

    def _settle(
        self,
        name: str,
        near: Sequence[Near],
        sizes: Mapping[str, StorySize],
        *,
        joined: bool,
        alone: bool,
    ) -> None:
        """`alone`: its event is known to be the only one of its story."""
        event = self._event_of[name]
        if joined:
            self._mend(event, name, near)
        if near:
            self._mend_story(self._event_of[name], near, sizes, alone)
        if self._rulings.partners(name):
            self.obey()

    def _mend(self, id_: str, newcomer: str, near: Sequence[Near]) -> None:
        around = [
            (one.article, self._events[self._event_of[one.article]])
            for one in neighbours(near, id_, EVENT_HOURS)
        ]
        event = self._events[id_]
        needed = [*event.members, *(member for _, other in around for member in other.members)]
        for move in mend(event, around, self._prints.event_odds(needed), self._rulings):
            self._move(move, int(newcomer) if move.to else None)

    def _mend_story(
        self, id_: str, near: Sequence[Near], sizes: Mapping[str, StorySize], alone: bool
    ) -> None:
        if self._mended:  # it may have emptied an event or moved its story
            near = [replace(one, event=self._event_of[one.article]) for one in near]
            near = [replace(one, story=self._events[one.event].story) for one in near]
            sizes = self._sizes(near)
        event = self._events[id_]
        others = () if alone and not self._mended else self._others_of_story(event)
        needed = [
            *event.members,
            *(
                m
                for other in others[-SAMPLED_EVENTS:]
                for m in (other.members[0], other.members[-1])
            ),
        ]
        for move in mend_story(event, others, near, sizes, self._prints.story_odds(needed)):
            self._move_events(move)

    def _others_of_story(self, event: Event) -> Sequence[Event]:
        placed = places.of_story(self._connection, event.story)
        self._take(placed)
        ids = dict.fromkeys(one.event for one in placed)
        return [self._events[id_] for id_ in ids if id_ != event.id]

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
        self._settle(name, near, sizes, joined=found.event is not None, alone=False)

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
