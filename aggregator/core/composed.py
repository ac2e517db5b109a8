"""An article before it meets the others in the store: made from its material, or stored already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.core.model import BodyVerdict, Enclosure, Extracted, Image, Match
from aggregator.core.traits import Traits


@dataclass(frozen=True, slots=True)
class Composed:
    article_id: str
    url: str
    title: str
    author: str
    outlet: str
    published: datetime
    published_by: str
    """Whose word the date is: `feed`, `body`, `page`, or `seen` where nobody's is believed."""
    language: str
    body: str
    """HTML, sanitised."""
    lead: str
    """Plain text, the beginning of the body."""
    traits: Traits
    fingerprint: str
    """Equal for equal text; empty for a text too short to tell anything."""
    image: Image | None
    categories: tuple[str, ...]
    enclosures: tuple[Enclosure, ...]
    matches: tuple[Match, ...]
    wanted: bool
    """False: a feed's `keep` or `drop` turned it away."""
    extracted: Extracted | None = None
    """To be kept, so that the page is not fetched again."""
    page_owed: bool = False
    """The page should have been read and could not be: to be tried again later."""
    verdicts: tuple[BodyVerdict, ...] = ()
    """Of each entry's body, whether it is the whole text."""
    body_from: str = ""
    """Where the body is from: the id of the feed that gave it, or the page's URL."""
    compared: tuple[tuple[str, bool], ...] = ()
    """Feeds whose body was held against a page fetched just now, and whether it was whole."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A published article with what it settles by, to settle once more; `body` is HTML."""

    id: str
    number: int
    title: str
    outlet: str
    published: datetime
    fingerprint: str
    source: str
    body: str
