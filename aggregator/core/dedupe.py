"""What is new: entries against those known, texts against those of other articles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from aggregator.core.model import Decision, Entry
from aggregator.core.text import fold, letters

SHORTEST = 40
"""Letters; two texts that share fewer may still be two (照片, 无内容, 点击查看)."""

SHORT = 200
"""Letters; below this the title counts too, for notices of one outlet differ in nothing else."""


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
