"""What is new: entries against those known, texts against those of other articles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from aggregator.core.model import Decision, Entry
from aggregator.core.passing import lasting_text
from aggregator.core.text import bigrams, fold, letters

SHORTEST = 40
"""Letters; two texts that share fewer may still be two (照片, 无内容, 点击查看)."""

SHORT = 200
"""Letters; below this the title counts too, for notices of one outlet differ in nothing else."""

LOOKED_AT = 5_000
"""Characters of HTML, from the beginning: enough to tell whether it is the same item."""

COMPARED = 1_000
"""Characters of its text."""

COMMON = 0.5
"""Of the shorter text's runs of five letters: below, it is another text."""

ALIKE = 0.3
"""Of all bigrams of two titles: below, they are of two items."""


def decide(entries: Sequence[Entry], known: Mapping[str, str]) -> Decision:
    """Which of a poll's entries are new, revised, or known.

    Takes the feed's known keys with their digests. Of entries with one key the first counts.
    """
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.key, entry)
    new = tuple(entry for key, entry in first.items() if key not in known)
    revised = tuple(
        entry for key, entry in first.items() if key in known and known[key] != entry.digest
    )
    return Decision(new, revised, len(first) - len(new) - len(revised))


def fingerprint(title: str, folded_letters: str) -> str:
    """32 hex digits, equal for equal text; "" for a text of fewer than 40 letters.

    Takes the title as written, and the body folded to its letters. The title counts only with
    a text of fewer than 200 letters: outlets retitle what they share.
    """
    if len(folded_letters) < SHORTEST:
        return ""
    named = letters(fold(title)) if len(folded_letters) < SHORT else ""
    text = f"{named}\n{folded_letters}"
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def is_worded_alike(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two entries with one guid and two URLs are one item, revised: they have the same
    title, or much of the text in common; with hardly any text, the titles much.

    Takes the title and the HTML of each. Of what has neither nothing is known: it is another.
    """
    (title, html), (other_title, other_html) = one, other
    titles = fold(title), fold(other_title)
    if letters(titles[0]) and letters(titles[0]) == letters(titles[1]):
        return True
    texts = _beginning(html), _beginning(other_html)
    shorter = min(map(len, texts))
    if min(len(letters(text)) for text in texts) >= SHORTEST:
        first, second = (_runs(letters(text)) for text in texts)
        return len(first & second) >= COMMON * min(len(first), len(second))
    words, other_words = (
        {*bigrams(title), *bigrams(text[:shorter])}
        for title, text in zip(titles, texts, strict=True)
    )
    common, either = words & other_words, words | other_words
    return bool(common) and len(common) >= ALIKE * len(either)


def _beginning(html: str) -> str:
    return fold(lasting_text(html[:LOOKED_AT])[:COMPARED])


def _runs(text: str) -> frozenset[str]:
    return frozenset(text[at : at + 5] for at in range(len(text) - 4))
