"""What an article is recognised and grouped by, read from its text. Pure, and made in a worker:
all that needs no other article.

    title, text --sentences--> sketch --> copies (core/sketch, core/copies)
                '-> draft ----------------> events and stories (core/story_prints)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.core.copy_evidence import (
    COMPARED,
)
from aggregator.core.repeated import SENTENCE_FROM, letters_of, sentence_hash, sentences
from aggregator.core.sketch import sketch
from aggregator.core.story_prints import StoryDraft, story_draft

READ = 2 * COMPARED
"""Characters of a text that are looked at for that; spaces and punctuation are less than half."""


@dataclass(frozen=True, slots=True)
class Traits:
    """`sentences` are folded to their letters, as many as are compared; the sketch is of all of
    them together, what a feed repeats included.
    """

    sentences: tuple[str, ...]
    sketch: frozenset[int]
    draft: StoryDraft

    @property
    def hashes(self) -> tuple[int | None, ...]:
        """Of each sentence; None of one too short to be counted."""
        return tuple(
            sentence_hash(one) if len(one) >= SENTENCE_FROM else None for one in self.sentences
        )


def read_traits(outlet: str, published: datetime, title: str, text: str) -> Traits:
    """The traits of an article from its title and its text without markup."""
    found = compared_sentences(text)
    return Traits(
        sentences=found,
        sketch=sketch("".join(found)),
        draft=story_draft(outlet, published, title, text),
    )


def without(traits: Traits, boilerplate: frozenset[int]) -> tuple[str, frozenset[int]]:
    """The letters of the text and their sketch, the boilerplate left out."""
    if boilerplate.isdisjoint(traits.hashes):
        return "".join(traits.sentences), traits.sketch
    body = letters_of(traits.sentences, boilerplate)
    return body, sketch(body)


def compared_sentences(text: str) -> tuple[str, ...]:
    """Those of a plain text's first letters, as many as are compared; the last may go beyond."""
    found, letters = sentences(text[:READ]), 0
    for at, one in enumerate(found):
        letters += len(one)
        if letters >= COMPARED:
            return found[: at + 1]
    return found
