"""How much an article was changed: letters added and removed, and whether that is a revision. Pure.

sentences of both --those that both have go--> runs that only one has
                  --runs at the same place, without their common beginning and end--> Change
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aggregator.core.passing import lasting_text
from aggregator.core.text import fold, letters

_ENDS = re.compile(r"[。!?;]+|\.(?: |$)")  # 3.5 and www.example.org go on


@dataclass(frozen=True, slots=True)
class Change:
    """Letters of the folded texts."""

    added: int
    removed: int


def change(before: str, after: str) -> Change:
    """The size of a change between two plain texts; a sentence that moved has not changed.

    The difference of the two is that of the texts' lengths. Takes time in proportion to the texts,
    a second for two of a megabyte.
    """
    old, new = _sentences(before), _sentences(after)
    common = Counter(old) & Counter(new)
    old_runs, new_runs = _runs(old, common), _runs(new, common)
    added = removed = 0
    for place in old_runs.keys() | new_runs.keys():
        here = _replaced(old_runs.get(place, ()), new_runs.get(place, ()))
        added += here.added
        removed += here.removed
    return Change(added, removed)


def is_revision(old_title: str, old_html: str, new_title: str, new_html: str) -> bool:
    """Whether a title or a body in HTML says something else than before.

    Not where only markup, white space, punctuation or script (traditional, full width) differ, nor
    what moves by itself (core/passing): when it was updated, by whom, how often it was read.
    """
    return _differ(old_title, new_title) or (
        old_html != new_html and _differ(lasting_text(old_html), lasting_text(new_html))
    )


def _differ(a: str, b: str) -> bool:
    return letters(fold(a)) != letters(fold(b))


def _sentences(text: str) -> list[str]:
    """Each folded to its letters; a line ends one."""
    return [
        found for part in _ENDS.split(fold(text.replace("\n", "。"))) if (found := letters(part))
    ]


_Place = tuple[str, int]
"""Behind which sentence that both texts have; and which of them, where it stands there often."""


def _runs(sentences: Sequence[str], common: Mapping[str, int]) -> Mapping[_Place, Sequence[str]]:
    """The sentences that the other text has not, or not so often, by where they stand."""
    left = Counter(common)
    seen: Counter[str] = Counter()
    runs: dict[_Place, list[str]] = defaultdict(list)
    last = ""
    for sentence in sentences:
        if left[sentence] > 0:
            left[sentence] -= 1
            seen[sentence] += 1
            last = sentence
        else:
            runs[last, seen[last]].append(sentence)
    return runs


def _replaced(old: Sequence[str], new: Sequence[str]) -> Change:
    """Sentence by sentence where there are as many, else all as one."""
    added = removed = 0
    for a, b in _pairs(old, new):
        begin = _common_beginning(a, b)
        a, b = a[begin:], b[begin:]
        end = _common_beginning(a[::-1], b[::-1])
        added += len(b) - end
        removed += len(a) - end
    return Change(added, removed)


def _pairs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    if len(old) == len(new):
        yield from zip(old, new, strict=True)
    else:
        yield "".join(old), "".join(new)


def _common_beginning(a: str, b: str) -> int:
    """Letters; found by halving, since a text without any punctuation is one long sentence."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
