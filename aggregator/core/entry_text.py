"""The short texts of an entry (title, author, category) as one bounded line of plain text."""

from __future__ import annotations

import re

from aggregator.core.parse_bytes import sound
from aggregator.core.text import plain_text

TITLE_LIMIT = 1_000
"""Characters; the longest titles seen are 300."""

NAME_LIMIT = 300
"""Characters of an author, a category, a language, a media type."""

_MARKUP = re.compile(
    r"</[a-z][^<>]*>|<(?:br|hr|img|p|wbr)\b[^<>]*>|&(?:#\d+|#x[0-9a-f]+|[a-z][a-z0-9]+);", re.I
)
_NOTHING = re.compile("[\u00ad\u061c\u180e\u200b\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")
"""What shows nothing in a line of its own: breaks and hyphens that are only possible, and the
marks that turn the direction of all that follows, also of what is not theirs."""
_JOINERS = re.compile("([\u200c-\u200f]){2,}")
"""Those that join and part letters, or tell a direction between two: one has a meaning, more of
them have no other."""
_COMMENT_COUNT = re.compile(
    r"(?:(?:查看|全部|所有|共|已有|最新)\s*)?[\d,.]+\s*[万萬wk]?\+?\s*(?:[条條个個则則篇次]\s*)?"
    r"(?:评论|評論|跟[帖贴貼]|留言|回[复覆應应]|comments?|repl(?:y|ies)|responses?)"
    r"|(?:评论|評論|跟[帖贴貼]|留言|comments?)\s*[(（\[:：]?\s*\d+\s*[)）\]]?"
    r"|暂无评论|暫無評論|no comments(?: yet)?|leave a comment|发表评论|發表評論",
    re.I,
)


def has_markup(text: str) -> bool:
    """Whether a text that may be plain is HTML: what only looks like it (a < b) is not."""
    return _MARKUP.search(text) is not None


def line(text: str, limit: int = NAME_LIMIT) -> str:
    """Plain text in one line of `limit` characters at most, of what may be HTML.

    Characters that show nothing go; with them a text could hide what it is, or turn around
    what stands beside it (Unicode Technical Report 36, section 2.5).
    """
    text = sound(plain_text(text) if has_markup(text) else text)
    seen = _JOINERS.sub(r"\1", _NOTHING.sub("", text))
    return cut(" ".join(seen.split()), limit)


def title_line(text: str) -> str:
    """A title as `line` gives it; "" if it is only how many comments there are, which scrapers
    take for a title, and which changes at every poll.
    """
    title = line(text, TITLE_LIMIT)
    return "" if is_comment_count(title) else title


def is_comment_count(title: str) -> bool:
    """`6 条评论`, `评论(12)`, `0 Comments`."""
    return len(title) < 40 and _COMMENT_COUNT.fullmatch(title.strip()) is not None


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis where something went."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
