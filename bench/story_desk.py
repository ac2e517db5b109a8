"""What the store and the pipeline do for stories, in memory: each article placed as it comes."""

from __future__ import annotations

import heapq
import time
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from aggregator.core.stories import (
    EVENT_HOURS,
    LEAST_LIKE,
    NEAR,
    NO_OVERRIDES,
    POSTINGS,
    STORY_HOURS,
    Event,
    Near,
    Overrides,
    StorySize,
    place,
)
from aggregator.core.story_counts import WordCounts
from aggregator.core.story_mending import mend, mend_story, neighbours
from aggregator.core.story_pairs import PairOdds, hours_apart, pair_odds
from aggregator.core.story_prints import StoryPrint, heaviest, story_print
from aggregator.store.story_places import PARTS, hour_of
from bench.labelled import Item

Odds = Callable[[str, StoryPrint, StoryPrint], PairOdds]
"""By the newer article's id: cross-validation has a model for each fold."""


def learnt_odds(_newer: str, a: StoryPrint, b: StoryPrint) -> PairOdds:
    return pair_odds(a, b)


class Postings:
    """The index of the heaviest words, by hour of publication and arrival, as the store has it."""

    def __init__(self) -> None:
        self._articles: dict[str, list[tuple[int, int, str, int]]] = defaultdict(list)
        self._arrivals = 0

    def add(self, article: str, print_: StoryPrint) -> None:
        hour = hour_of(print_.published)
        for word in heaviest(print_):
            part = int(print_.words[word] * PARTS)
            insort(self._articles[word], (hour, self._arrivals, article, part))
        self._arrivals += 1

    def near(self, print_: StoryPrint, most: int = NEAR) -> Sequence[str]:
        """Articles of the days around that share those words, the most like it first."""
        hour, days = hour_of(print_.published), int(STORY_HOURS)
        shared: Counter[tuple[int, str]] = Counter()
        for word in heaviest(print_):
            part, listed = int(print_.words[word] * PARTS), self._articles[word]
            end = bisect_left(listed, (hour + days + 1,))
            for its_hour, arrival, article, its in listed[max(0, end - POSTINGS) : end]:
                if its_hour >= hour - days:
                    shared[arrival, article] += part * its
        best = heapq.nlargest(most, shared.items(), key=lambda one: (one[1], one[0]))
        return [article for (_, article), like in best if like >= LEAST_LIKE * PARTS * PARTS]


class Desk:
    def __init__(self, odds: Odds = learnt_odds, overrides: Overrides = NO_OVERRIDES) -> None:
        self.counts = WordCounts()
        self.overrides = overrides
        self.prints: dict[str, StoryPrint] = {}
        self.events: dict[str, Event] = {}
        self.event_of: dict[str, str] = {}
        self.stories: dict[str, list[str]] = {}
        self.moves: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.spent: Counter[str] = Counter()
        self._odds_of = odds
        self._odds: dict[tuple[str, str], PairOdds] = {}
        self._order: dict[str, int] = {}
        self._postings = Postings()

    def story_of(self, article: str) -> str:
        return self.events[self.event_of[article]].story

    def odds(self, a: str, b: str) -> PairOdds:
        newer, older = (a, b) if self._order[a] > self._order[b] else (b, a)
        found = self._odds.get((newer, older))
        if found is None:
            found = self._odds_of(newer, self.prints[newer], self.prints[older])
            self._odds[newer, older] = found
        return found

    def add(self, item: Item) -> None:
        begun = time.thread_time()
        mine = story_print(item.feed, item.published, item.title, item.text, self.counts.idf)
        self.counts.learn(mine.words)
        self.prints[item.id] = mine
        self._order[item.id] = len(self._order)
        printed = time.thread_time()
        near = self._near(item.id, mine)
        looked = time.thread_time()
        self._place(item.id, near)
        self._postings.add(item.id, mine)
        done = time.thread_time()
        self.seconds.append(done - begun)
        self.spent.update(print=printed - begun, near=looked - printed, place=done - looked)

    def _near(self, article: str, mine: StoryPrint) -> Sequence[Near]:
        return [
            Near(
                other,
                self.event_of[other],
                self.story_of(other),
                hours_apart(mine, self.prints[other]),
                self.odds(article, other),
            )
            for other in self._postings.near(mine)
            if hours_apart(mine, self.prints[other]) <= STORY_HOURS
        ]

    def _place(self, article: str, near: Sequence[Near]) -> None:
        known = {one.event for one in near}
        known |= {self.event_of[p] for p in self.overrides.partners(article) if p in self.event_of}
        sizes = {one.story: self.story_size(one.story) for one in near}
        found = place(
            article,
            near,
            {name: self.events[name] for name in sorted(known)},
            sizes,
            self.overrides,
        )
        if found.event is None:
            story = found.story or f"story of {article}"
            self._begin(Event(f"event of {article}", story, (article,)))
        else:
            event = self.events[found.event]
            self.events[event.id] = replace(event, members=(*event.members, article))
            self.event_of[article] = event.id
            self._mend(event.id, near)
        self._mend_story(self.event_of[article], near)

    def _begin(self, event: Event) -> None:
        self.events[event.id] = event
        self.stories.setdefault(event.story, []).append(event.id)
        for member in event.members:
            self.event_of[member] = event.id

    def story_size(self, story: str) -> StorySize:
        events = self.stories[story]
        return StorySize(sum(len(self.events[one].members) for one in events), len(events))

    def _mend(self, name: str, near: Sequence[Near]) -> None:
        around = [
            (one.article, self.events[self.event_of[one.article]])
            for one in neighbours(near, name, EVENT_HOURS)
        ]
        event = self.events[name]
        for move in mend(event, around, lambda a, b: self.odds(a, b).event, self.overrides):
            self.moves[
                "comes" if move.to else "leaves" if len(move.articles) == 1 else "divided"
            ] += 1
            self._leave(move.origin, move.articles)
            if move.to is None:
                new = f"{move.origin}, from {move.articles[0]} on"
                self._begin(Event(new, event.story, move.articles))
                continue
            there = self.events[move.to]
            self.events[there.id] = replace(there, members=there.members + move.articles)
            self.event_of.update(dict.fromkeys(move.articles, there.id))

    def _leave(self, name: str, articles: Sequence[str]) -> None:
        event = self.events[name]
        left = tuple(member for member in event.members if member not in articles)
        self.events[name] = replace(event, members=left)
        if not left:
            self.stories[event.story].remove(name)

    def _mend_story(self, name: str, near: Sequence[Near]) -> None:
        event = self.events[name]
        # mending may have emptied an event or moved its story
        near = [
            replace(one, event=self.event_of[one.article], story=self.story_of(one.article))
            for one in near
        ]
        others = [self.events[one] for one in self.stories[event.story] if one != name]
        sizes = {one.story: self.story_size(one.story) for one in near}
        for move in mend_story(event, others, near, sizes, lambda a, b: self.odds(a, b).story):
            self.moves["story comes" if move.to else "story leaves"] += 1
            to = move.to or f"{move.origin}, from {move.events[0]} on"
            for one in move.events:
                self.stories[move.origin].remove(one)
                self.stories.setdefault(to, []).append(one)
                self.events[one] = replace(self.events[one], story=to)
