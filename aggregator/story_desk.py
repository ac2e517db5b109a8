"""The story desk: each article is placed in an event and a story as it comes, on the store.

    draft --weights--> print --words--> who is near --> place --> mend --> mend_story --> obey

Every method works in the caller's transaction, in the writer's thread, and gives the ids of the
stories that it changed, emptied ones included. What the desk remembers it could forget at any time:
prints and the odds of two prints are known by digests of their content, and of the words that it
has learnt the store says whether they are still its own. So a transaction that failed, or another
process that wrote, leaves nothing wrong behind.

bench/story_desk.py does the same in memory; tests/store/test_story_desk.py holds the two together.
"""

from __future__ import annotations

from aggregator.core.stories import NO_OVERRIDES, Overrides
from aggregator.core.story_prints import StoryDraft, weighed
from aggregator.store import word_counts
from aggregator.store.story_places import Connection
from aggregator.store.word_counts import Learnt
from aggregator.story_memory import Memory
from aggregator.story_sitting import Sitting


class StoryDesk:
    """One for a process. `number` is that of the article, `rulings` name articles by it."""

    def __init__(self) -> None:
        self._learnt: Learnt | None = None
        self._memory = Memory()

    def arrive(
        self,
        connection: Connection,
        number: int,
        article_id: str,
        draft: StoryDraft,
        rulings: Overrides = NO_OVERRIDES,
    ) -> frozenset[str]:
        """Learns an article's words, and gives it its first place."""
        learnt = self._learn(connection)
        mine = weighed(draft, learnt.counts.idf)
        word_counts.append(connection, learnt, draft.counts)
        sitting = Sitting(connection, self._memory, rulings)
        sitting.arrive(number, article_id, mine)
        return sitting.finish()

    def change(
        self,
        connection: Connection,
        number: int,
        article_id: str,
        draft: StoryDraft,
        rulings: Overrides = NO_OVERRIDES,
    ) -> frozenset[str]:
        """Its text changed. If it is alone in its event it is placed anew, else it stays, and the
        next article that joins makes right what is to be.
        """
        mine = weighed(draft, self._learn(connection).counts.idf)
        sitting = Sitting(connection, self._memory, rulings)
        sitting.change(number, article_id, mine)
        return sitting.finish()

    def leave(self, connection: Connection, number: int, to: int | None) -> frozenset[str]:
        """It was merged into the article `to`, or (None) removed."""
        sitting = Sitting(connection, self._memory, NO_OVERRIDES)
        sitting.leave(number, to)
        return sitting.finish()

    def obey(self, connection: Connection, rulings: Overrides) -> frozenset[str]:
        """Carries out what people ruled, where events do not follow it yet."""
        sitting = Sitting(connection, self._memory, rulings)
        sitting.obey()
        return sitting.finish()

    def _learn(self, connection: Connection) -> Learnt:
        """What the store has learnt, from memory if that is the same."""
        if self._learnt is None or self._learnt.chain != word_counts.newest(connection):
            self._learnt = word_counts.load(connection)
        return self._learnt
