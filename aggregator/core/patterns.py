"""Regular expressions that rules declare: our own run in `re`, those of users in RE2.

A pattern somebody wrote into a configuration may take exponential time in `re`; RE2's time is
linear in the text, whatever the pattern.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2


class Linear(str):
    """A pattern that a user wrote: matched by RE2."""

    __slots__ = ()


# typed: a Linear equals the str of the same letters, and is not the same pattern
@lru_cache(maxsize=2048, typed=True)
def compiled(pattern: str) -> re.Pattern[str]:
    """What the pattern compiles to. Raises re.error or, for a Linear, BadPattern."""
    return linear(pattern) if isinstance(pattern, Linear) else re.compile(pattern)


class BadPattern(ValueError):
    """No pattern RE2 can read; says what is wrong with it."""


def linear(pattern: str) -> re.Pattern[str]:
    """`pattern` compiled by RE2. Raises BadPattern."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 22
    try:
        # RE2's patterns have the methods of re's that are used here
        found: Any = re2.compile(str(pattern), options)
    except re2.error as error:
        what = error.args[0] if error.args else b""
        told = what.decode("utf-8", "replace") if isinstance(what, bytes) else str(what)
        raise BadPattern(told) from None
    return found  # type: ignore[no-any-return]  # RE2 ships no types
