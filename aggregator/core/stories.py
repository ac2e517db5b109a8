"""Events and stories, online: where does a new article belong?

    print --heaviest words--> near articles --pair odds--> place --> event, story
                                                             `--> story_mending

An event is what happened, a story the thread of events over days and weeks. An article belongs
to one event, an event to one story. Pure: the store looks up who is near and keeps what is
decided; the names of articles, events and stories are the caller's.

Against chains an article is held against several members: the best counts .6, the mean of the
best five .4, and members that share too little to have been looked at count as unlikely.

Cross-validated, B-cubed of events and of stories, with nothing else changed: .947 and .907 so; the
best alone .947 and .893, the mean alone .948 and .885; joining events from .65 .947 and .901, from
.85 .949 and .905, from .90 .945 and .905; stories from .55 .903, from .70 .900. Windows of 48 and
of 120 hours gave the same as 72, but the labelled days are five. Of each word, the newest 50, 100
or 400 articles gave the same. All of these held a newcomer against 20 near articles. With ten,
which is half of what placing costs, events and stories are .950 and .910 (.952 and .912 with 20);
fitted to the same labels, with 20, 14, 10 or 8: .953, .952, .953, .953 and .915, .916, .914, .914.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aggregator.core.story_pairs import PairOdds, chance

NEAR = 10
"""Earlier articles that a newcomer is held against, those most like it in its heaviest words."""

POSTINGS = 100
"""Articles that are looked up by each heavy word of the newcomer: the newest, of STORY_HOURS."""

LEAST_LIKE = 0.02
"""Less than this is not near: the sum of the products of those words' parts."""

EVENT_HOURS = 72.0
STORY_HOURS = 14 * 24.0
EVENT_JOIN = 0.75
STORY_JOIN = 0.63

BEST = 0.6
"""What the best member counts; the mean of the best MEMBERS counts the rest."""

MEMBERS = 5
UNSEEN = -3.0
"""Log-odds of a pair that was not looked at."""

MOST_EVENTS = 8
"""Events that are looked at, by their nearest article."""

EVENT_SIZE = 60
STORY_SIZE = 400
"""Articles. What is as large takes nothing more; only a person's word goes beyond."""


@dataclass(frozen=True, slots=True)
class Event:
    """`members` are articles in order of arrival: the first one gave the event its name."""

    id: str
    story: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StorySize:
    articles: int
    events: int


@dataclass(frozen=True, slots=True)
class Near:
    """An earlier article that shares heavy words with the newcomer, and what was found."""

    article: str
    event: str
    story: str
    hours: float
    """Between the two."""
    odds: PairOdds


@dataclass(frozen=True, slots=True)
class Placement:
    """`None` is a new one, to be named by the caller."""

    event: str | None
    event_score: float
    story: str | None
    story_score: float
    because: str | None
    """The article that is most like it there; nobody where both are new."""
    ruled: bool = False
    """A person said so."""


def _pair(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a < b else (b, a)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What people said: pairs of articles that are, or are not, of one event. *Not* goes first."""

    together: frozenset[tuple[str, str]] = frozenset()
    apart: frozenset[tuple[str, str]] = frozenset()
    _partners: Mapping[str, tuple[str, ...]] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # in either order as given; nobody is apart from himself
        apart = frozenset(_pair(*pair) for pair in self.apart if pair[0] != pair[1])
        together = frozenset(_pair(*pair) for pair in self.together) - apart
        partners: dict[str, list[str]] = {}
        for a, b in sorted(together):
            partners.setdefault(a, []).append(b)
            partners.setdefault(b, []).append(a)
        object.__setattr__(self, "apart", apart)
        object.__setattr__(self, "together", together)
        object.__setattr__(self, "_partners", {a: tuple(bs) for a, bs in partners.items()})

    def partners(self, article: str) -> Sequence[str]:
        """The articles that it must be together with."""
        return self._partners.get(article, ())

    def keeps_apart(self, article: str, others: Iterable[str]) -> bool:
        """Whether it must not be together with one of them."""
        return bool(self.apart) and any(_pair(article, other) in self.apart for other in others)


NO_OVERRIDES = Overrides()


def membership(odds: Sequence[float], size: int) -> float:
    """How well an article sits with `size` others, of which those with log-odds were looked at.

    From 0 to 1. With nobody it is 0.
    """
    if not size:
        return 0.0
    best = sorted((chance(one) for one in odds), reverse=True)[:MEMBERS]
    counted = min(MEMBERS, size)
    mean = (sum(best) + (counted - len(best)) * chance(UNSEEN)) / counted
    return BEST * (best[0] if best else chance(UNSEEN)) + (1 - BEST) * mean


def place(
    article: str,
    near: Sequence[Near],
    events: Mapping[str, Event],
    story_sizes: Mapping[str, StorySize],
    overrides: Overrides = NO_OVERRIDES,
) -> Placement:
    """The event and the story that a newcomer joins.

    `near` is in order of likeness, the nearest first. `events` holds the events of those and of
    the articles that it must be together with; `story_sizes` the size of each story of those near.
    """
    ruled = _ruled(article, events, overrides)
    if ruled:
        return ruled
    event_score, event = _best(
        {
            name: membership([one.odds.event for one in ones], len(events[name].members))
            for name, ones in _by_event(near).items()
            if len(events[name].members) < EVENT_SIZE
            and story_sizes[events[name].story].articles < STORY_SIZE
            and not overrides.keeps_apart(article, events[name].members)
        }
    )
    if event and event_score >= EVENT_JOIN:
        there = [one for one in near if one.event == event]
        because = max(there, key=lambda one: one.odds.event).article
        return Placement(event, event_score, events[event].story, 1.0, because)
    story_score, story = best_story(near, story_sizes)
    if not story or story_score < STORY_JOIN:
        return Placement(None, event_score, None, story_score, None)
    there = [one for one in near if one.story == story]
    because = max(there, key=lambda one: one.odds.story).article
    return Placement(None, event_score, story, story_score, because)


def _ruled(article: str, events: Mapping[str, Event], overrides: Overrides) -> Placement | None:
    for partner in overrides.partners(article):
        for event in events.values():
            if partner in event.members and not overrides.keeps_apart(article, event.members):
                return Placement(event.id, 1.0, event.story, 1.0, partner, ruled=True)
    return None


def _by_event(near: Sequence[Near]) -> Mapping[str, Sequence[Near]]:
    events: dict[str, list[Near]] = {}
    for one in near:
        if one.hours <= EVENT_HOURS and (one.event in events or len(events) < MOST_EVENTS):
            events.setdefault(one.event, []).append(one)
    return events


def best_story(
    near: Sequence[Near], sizes: Mapping[str, StorySize], but: str | None = None, room: int = 1
) -> tuple[float, str | None]:
    """The story that an article sits best with, `but` this one, if it has room for so many."""
    stories: dict[str, list[float]] = {}
    for one in near:
        if one.hours <= STORY_HOURS and one.story != but:
            stories.setdefault(one.story, []).append(one.odds.story)
    return _best(
        {
            name: membership(odds, sizes[name].articles)
            for name, odds in stories.items()
            if sizes[name].articles + room <= STORY_SIZE
        }
    )


def _best(scores: Mapping[str, float]) -> tuple[float, str | None]:
    """The first of the best: the nearest."""
    name = max(scores, key=scores.__getitem__, default=None)
    return (scores[name], name) if name is not None else (0.0, None)
