"""Chinese text cut into words, and which of them are names: the one home of rjieba (MIT).

It brings its dictionary along, asks nothing of the network, and cuts 500 characters in 0.06 ms.
"""

from __future__ import annotations

import re

from aggregator.core.text import is_unspaced, letters

_NAMES = ("nr", "ns", "nt", "nz")
"""How the tags of people, places, organisations and other proper names begin."""

_SAYS = re.compile("(?<=..)[说称]$")
"""What unknown names are taken together with."""


def words(folded: str) -> list[str]:
    """The words of a folded text that say what it is about, in its order, repeats included.

    Without punctuation, what begins with a digit, and characters that stand alone in a script
    without spaces (的, 在, 为): those are in everything.
    """
    import rjieba  # its dictionary takes 34 MB, and is wanted in workers

    return [word for word in rjieba.cut(folded) if _tells(word)]


def _tells(word: str) -> bool:
    first = word[0]
    if not first.isalnum() or first.isdigit():
        return False
    return len(word) > 1 or not is_unspaced(first)


def names(folded: str) -> list[str]:
    """The proper names of a folded Chinese text, in its order, repeats included.

    By dictionary and tag, so of people whom it does not know only what looks like a name.
    Of two letters at least.
    """
    import rjieba

    tagged = [_SAYS.sub("", word) for word, tag in rjieba.tag(folded) if tag.startswith(_NAMES)]
    return [word for word in tagged if len(letters(word)) > 1 and not word[0].isdigit()]
