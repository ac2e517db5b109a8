"""Where articles meet: what was composed, beside all that is stored, in one transaction.

    composed --a copy of a published one--> merged into it, which is made again
        '---- its own text --> published, found by its sketch, placed in an event and a story

Articles settle one after the other, in the order in which they are made: that is their number.
`regroup` lets stored ones settle again, in the order of their numbers, to the same result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aggregator.core.composed import Composed, Stored
from aggregator.core.copies import (
    DUPLICATE,
    Relation,
    relate,
)
from aggregator.core.copy_evidence import (
    CopyText,
    copy_text,
)
from aggregator.core.repeated import SENTENCE_FROM, letters_of, sentence_hash
from aggregator.core.stories import NO_OVERRIDES, Overrides
from aggregator.core.text import plain_text
from aggregator.core.traits import READ, Traits, compared_sentences, without
from aggregator.errors import RulingError
from aggregator.store import Connection, articles, copies, regrouping, rulings, stories
from aggregator.store import sentences as counted
from aggregator.store.articles import Made, Outcome
from aggregator.store.copies import Candidate, source_of
from aggregator.store.editions import ALL, touch
from aggregator.store.splitting import ruled_on
from aggregator.story_desk import StoryDesk

_BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
_GONE = ("merged", "removed")
"""The states of articles that are no more to be made."""

_RANKS = {"revision": 0, "copy": 1, "excerpt": 2}
"""Which of several duplicates an article is merged with: first by kind."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What an article is recognised by, whether just composed or stored."""

    id: str
    title: str
    outlet: str
    published: datetime
    fingerprint: str
    source: str
    traits: Traits


@dataclass(frozen=True, slots=True)
class _Meeting:
    """An article beside the stored ones: the sketch of its text without boilerplate, and what of
    it many have; what it is to others, and the one that it is one with, if any.
    """

    sketch: frozenset[int]
    common: frozenset[int]
    relations: Mapping[str, Relation]
    duplicate: Candidate | None


class Settler:
    """Settles articles. What it remembers between transactions is no more than a cache."""

    def __init__(self) -> None:
        self._desk = StoryDesk()

    # --- articles just made ------------------------------------------------------------------

    def settle(
        self, connection: Connection, made: Sequence[Made], now: datetime
    ) -> tuple[Outcome, ...]:
        """Stores composed articles, each merged with the one that it is a copy of, if any.

        `now` is when their making began. Where more was asked of one since, by entries that came
        or changed or by `reprocess`, it stays to be made again.
        """
        touched: set[str] = set()
        said = rulings.of_stories(connection)
        outcomes = tuple(self._settle(connection, one, now, said, touched) for one in made)
        touch(connection, touched)
        articles.learn(connection, [pair for one in made for pair in one.composed.compared])
        return outcomes

    def _settle(
        self, connection: Connection, made: Made, now: datetime, said: Overrides, touched: set[str]
    ) -> Outcome:
        """Adds the editions that are to be published again to `touched`."""
        composed = made.composed
        row = articles.row_of(connection, composed.article_id)
        if row.state in _GONE:
            articles.done(connection, row.id)
            return "merged"
        entries = articles.entries_of(connection, row.id)
        if articles.has_lost(entries, made.made_from):
            return "same"  # what it was made from is another's by now: it waits to be made again
        if composed.extracted is not None:
            stale = made.again_at is not None
            articles.keep_extract(connection, row.id, composed.extracted, stale, now)
        asked_at = articles.asked_since(row, now, entries, made.made_from)
        if row.state == "ready":
            touched |= {ALL, *articles.topics_of(connection, row.id)}
        if not composed.wanted:
            articles.drop(connection, row, asked_at)
            self._leave(connection, row.number, None)
            return "dropped"
        outcome = articles.outcome_of(row, composed)
        known = _known(composed)
        if outcome == "same":
            articles.publish(connection, row, made, outcome, row.number, asked_at, now)
            touched |= {ALL, *(match.topic_id for match in composed.matches)}
            if (row.published, row.outlet) != (composed.published, composed.outlet):
                self._place_again(connection, row.number, known, said)
            return outcome

        new = outcome == "made"
        met = self._meet(connection, known, None if new else row.number)
        other = met.duplicate
        if other and (new or other.number < row.number):
            self._merge(connection, other.id, row.id, asked_at or now, touched)
            copies.relate(connection, row.id, met.relations, now)
            return "merged"
        number = row.number or articles.next_number(connection)
        articles.publish(connection, row, made, outcome, number, asked_at, now)
        touched |= {ALL, *(match.topic_id for match in composed.matches)}
        copies.keep(connection, number, met.sketch, met.common, known.published)
        copies.relate(connection, row.id, met.relations, now)
        if new and said is not NO_OVERRIDES and rulings.is_named(connection, "story", row.id):
            said = rulings.of_stories(connection)  # it has its number only now
        place = self._desk.arrive if new else self._desk.change
        place(connection, number, row.id, known.traits.draft, said)
        if other:
            self._merge(connection, row.id, other.id, now, touched)
        return outcome

    def _place_again(
        self, connection: Connection, number: int, known: _Known, said: Overrides
    ) -> None:
        """The same text, as of another day or outlet: another entry speaks for it by now."""
        _, sketch = _own_text(connection, known, count=False)
        copies.keep(connection, number, sketch, frozenset(), known.published)
        self._desk.change(connection, number, known.id, known.traits.draft, said)

    # --- stored articles, again --------------------------------------------------------------

    def regroup(
        self,
        connection: Connection,
        after: int,
        stored: Sequence[tuple[Stored, Traits]],
        now: datetime,
    ) -> None:
        """Lets the stored articles of the next numbers after `after` settle again, in their order:
        where two are found to be one that were not, they are merged. Those that came meanwhile
        have settled; and where another process was quicker, all have.
        """
        if regrouping.reached(connection) != after:
            return
        touched: set[str] = set()
        said = rulings.of_stories(connection)
        done = regrouping.settled(connection, [one.number for one, _ in stored])
        for one, traits in stored:
            row = articles.row_of(connection, one.id)
            if row.state != "ready" or one.number in done:
                continue
            known = _known_again(one, traits)
            met = self._meet(connection, known, None)
            copies.relate(connection, one.id, met.relations, now)
            if met.duplicate and met.duplicate.number < one.number:
                touched |= {ALL, *articles.topics_of(connection, one.id)}
                self._merge(connection, met.duplicate.id, one.id, now, touched)
                continue
            copies.keep(connection, one.number, met.sketch, met.common, one.published)
            self._desk.arrive(connection, one.number, one.id, traits.draft, said)
        regrouping.record(connection, stored[-1][0].number if stored else None)
        touch(connection, touched)

    # --- what people rule ----------------------------------------------------------------------

    def merge(self, connection: Connection, kept: str, gone: str, now: datetime) -> None:
        """A person says that the two articles are one: `gone` becomes part of `kept`, which is to
        be made again. They stay one, however their texts differ.

        Raises RulingError for the same one twice, and for what is not stored, dropped or removed.
        """
        if kept == gone:
            raise RulingError("it is the same article twice", f"article {kept}", "name another one")
        for article_id in (kept, gone):
            ruled_on(connection, article_id)
        names = rulings.names_of(connection, kept) | {kept}
        rulings.withdraw(connection, names, rulings.names_of(connection, gone) | {gone})
        name = rulings.name_of(connection, kept)
        for entry in rulings.entries_of(connection, gone):
            # each of them: one of them may be split off again
            if (other := rulings.by_url(entry)) != name:
                rulings.rule(connection, "article", name, other, "together", now)
        touched: set[str] = set()
        self._merge(connection, kept, gone, now, touched)
        touch(connection, touched)

    def rule_stories(
        self, connection: Connection, said: Mapping[tuple[str, str], rulings.Rule], now: datetime
    ) -> frozenset[str]:
        """A person says of pairs of published articles that they are of one event, or are not;
        events follow. Gives the ids of the stories that changed.

        Raises RulingError for the same one twice, and for what is in no story.
        """
        for (one, other), rule in said.items():
            if one == other:
                raise RulingError(
                    "it is the same article twice", f"article {one}", "name another one"
                )
            first, second = (_named_in_story(connection, id_) for id_ in (one, other))
            rulings.rule(connection, "story", first, second, rule, now)
        return self._desk.obey(connection, rulings.of_stories(connection))

    # --- what an article is to the others ------------------------------------------------------

    def _meet(self, connection: Connection, known: _Known, number: int | None) -> _Meeting:
        """`number` is that of an article that has settled before."""
        body, sketch = _own_text(connection, known, count=number is None)
        found = copies.candidates(connection, known.id, known.fingerprint, sketch, known.published)
        ruled = _ruled(connection, known.id, [one.id for one in found.candidates])
        mine = copy_text(known.id, known.outlet, known.title, body, known.published)
        relations: dict[str, Relation] = {}
        for one in found.candidates:
            if ruled.get(one.id) != "apart":
                relation = relate(mine, _copy_text(connection, one))
                if relation.kind != "none":
                    relations[one.id] = relation
        together = [id_ for id_, rule in ruled.items() if rule == "together"]
        duplicate = next(iter(copies.by_id(connection, together)), None) or _best(
            found.candidates, relations
        )
        return _Meeting(sketch, found.common, relations, duplicate)

    def _merge(
        self, connection: Connection, kept: str, gone: str, again_at: datetime, touched: set[str]
    ) -> None:
        """`gone` becomes part of `kept`, which leaves its place in no story."""
        row, into = articles.row_of(connection, gone), articles.row_of(connection, kept)
        if row.state == "ready":
            touched |= {ALL, *articles.topics_of(connection, gone)}
        touched |= {ALL, *articles.topics_of(connection, kept)}
        articles.merge(connection, kept, gone, again_at)
        self._leave(connection, row.number, into.number)

    def _leave(self, connection: Connection, number: int | None, to: int | None) -> None:
        """What was published is so no more: another has its text, or nobody."""
        if number is not None:
            copies.forget(connection, [number])
            self._desk.leave(connection, number, to)


# --- small steps ---------------------------------------------------------------------------------


def _known(composed: Composed) -> _Known:
    return _Known(
        id=composed.article_id,
        title=composed.title,
        outlet=composed.outlet,
        published=composed.published,
        fingerprint=composed.fingerprint,
        source=source_of(composed.body_from),
        traits=composed.traits,
    )


def _known_again(stored: Stored, traits: Traits) -> _Known:
    return _Known(
        id=stored.id,
        title=stored.title,
        outlet=stored.outlet,
        published=stored.published,
        fingerprint=stored.fingerprint,
        source=stored.source,
        traits=traits,
    )


def _own_text(connection: Connection, known: _Known, *, count: bool) -> tuple[str, frozenset[int]]:
    """The text without what its source says under every article, and its sketch.

    `count`: its sentences are counted for its source.
    """
    hashes = frozenset(value for value in known.traits.hashes if value is not None)
    seen = counted.known(connection, known.source, hashes)
    if count:
        counted.learn(connection, known.source, seen, (known.published - _BEGAN).days, hashes)
    return without(known.traits, seen.boilerplate)


def _copy_text(connection: Connection, candidate: Candidate) -> CopyText:
    # cut as the other is, or the two could not be told to be as long; markup is less than half
    found = compared_sentences(plain_text(candidate.body[: 2 * READ]))
    hashes = {sentence_hash(one) for one in found if len(one) >= SENTENCE_FROM}
    seen = counted.known(connection, candidate.source, hashes)
    return copy_text(
        candidate.id,
        candidate.outlet,
        candidate.title,
        letters_of(found, seen.boilerplate),
        candidate.published,
    )


def _best(found: Sequence[Candidate], relations: Mapping[str, Relation]) -> Candidate | None:
    """The candidate that the article is one with: rather a copy than an excerpt, the one that has
    most of it, the first.
    """
    duplicates = [
        one for one in found if one.id in relations and relations[one.id].kind in DUPLICATE
    ]

    def order(one: Candidate) -> tuple[int, float, int]:
        relation = relations[one.id]
        return _RANKS[relation.kind], -relation.score, one.number

    return min(duplicates, key=order, default=None)


def _ruled(
    connection: Connection, article_id: str, others: Sequence[str]
) -> Mapping[str, rulings.Rule]:
    """What people said of the article and others: of these by the ids that they now have."""
    if not rulings.any_of(connection, "article"):
        return {}
    return rulings.of_article(connection, article_id, others)


def _named_in_story(connection: Connection, article_id: str) -> str:
    """The name by which something is said of a published article's event."""
    where = f"article {article_id}"
    if ruled_on(connection, article_id).state != "ready":
        raise RulingError("it is in no story yet", where, "it is still to be made: poll first")
    if not stories.story_of(connection, article_id):
        doing = regrouping.reached(connection) is not None
        hint = "all are being grouped anew: try again when that is done" if doing else ""
        raise RulingError("it is in no story", where, hint)
    return rulings.name_of(connection, article_id)
