"""The frozen types that travel: one on each arrow of the way of the data.

    FeedSpec → Retrieved | NotModified → ParsedFeed → Decision → Material → Composed
             → Article → Edition → bytes

Every datetime is aware and in UTC. Every HTML string says in its comment
whether it is as given or sanitised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

FullText = Literal["auto", "feed", "page"]
"""Where an article's whole text is: decided per entry, always in the feed, always on the page."""

Content = Literal["full", "summary"]

View = Literal["articles"]
"""What a topic's feeds list. Stories are to be another."""


# --- what the configuration says ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FeedRules:
    """What a `[[feeds]]` table declares of its own source, beside the rules of its family.

    `clean_…` are CSS selectors (drop, lift) and regular expressions (the others) as in
    CleanRules, `canonical` pairs of a pattern and its replacement, `page_containers` CSS
    selectors, `page_next` and `page_whole` regular expressions of a link's text.
    """

    clean_drop: tuple[str, ...] = ()
    clean_lift: tuple[str, ...] = ()
    clean_drop_text: tuple[str, ...] = ()
    clean_header: tuple[str, ...] = ()
    clean_footer: tuple[str, ...] = ()
    unwrap_images: bool = False
    canonical: tuple[tuple[str, str], ...] = ()
    page_containers: tuple[str, ...] = ()
    page_drop: tuple[str, ...] = ()
    page_next: tuple[str, ...] = ()
    page_whole: tuple[str, ...] = ()


NO_FEED_RULES = FeedRules()


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """One `[[feeds]]` table. `urls` has at least one; the first that works is used."""

    id: str
    urls: tuple[str, ...]
    title: str = ""
    outlet: str = ""
    timezone: str = "UTC"
    interval: timedelta | None = None
    source: str = ""
    full_text: FullText = "auto"
    keep: str = ""
    drop: str = ""
    tags: tuple[str, ...] = ()
    ca_file: str = ""
    """Its certificates are trusted for this feed's hosts, besides those that the system trusts."""
    rules: FeedRules = NO_FEED_RULES


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One `[[topics]]` table: a saved query with a title."""

    id: str
    title: str
    query: str
    content: Content = "full"
    limit: int = 100
    view: View = "articles"


# --- what comes over the wire ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave to ask "has it changed?" with, byte for byte; and the hash of the body."""

    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    url: str = field(default="", compare=False)
    """Whose they are, after redirects: they are sent there only. Empty: not known."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """An answer with a body. `url` is where it came from after redirects, `elapsed` in seconds."""

    url: str
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    validators: Validators
    elapsed: float
    permanent_url: str = ""
    """Where permanent redirects alone led, empty if there were none."""


@dataclass(frozen=True, slots=True)
class NotModified:
    """The feed is as it was: a 304, or the same bytes again."""

    url: str
    validators: Validators
    elapsed: float
    permanent_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""


# --- what a feed said --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Enclosure:
    url: str
    media_type: str = ""
    length: int = 0


@dataclass(frozen=True, slots=True)
class ParsedEntry:
    """One item as the feed gave it: texts unescaped, links not yet resolved, HTML as given."""

    title: str
    url: str
    guid: str
    author: str
    published: datetime | None
    updated: datetime | None
    date_given: str
    """The date's own text, whatever became of it."""
    summary: str
    content: str
    base: str
    """What relative links of this entry are relative to."""
    language: str = ""
    categories: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedHints:
    """What a feed says of its own rhythm; `ttl` in minutes."""

    ttl: int | None = None
    skip_hours: tuple[int, ...] = ()
    skip_days: tuple[str, ...] = ()
    update_period: str = ""
    update_frequency: int = 1


@dataclass(frozen=True, slots=True)
class FeedLinks:
    """What a feed says of its own addresses, by the Link headers first: absolute http(s) URLs.

    `hubs` push it (WebSub), `self_url` is where it says it is (rel=self), `new_feed_url` where it
    says it has moved (itunes:new-feed-url); empty where it does not say.
    """

    hubs: tuple[str, ...] = ()
    self_url: str = ""
    new_feed_url: str = ""


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed's answer, read. `notes` say what was odd about it (feedparser's bozo and the like)."""

    title: str
    url: str
    language: str
    generator: str
    entries: tuple[ParsedEntry, ...]
    hints: FeedHints = FeedHints()
    notes: tuple[str, ...] = ()
    description: str = ""
    links: FeedLinks = FeedLinks()
    cut_off: bool = False
    """It has no end: the rest may come with the same validators."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of one feed, ready to be stored.

    `key` tells it from the feed's other entries and stays the same when it is
    edited; `digest` changes when its title or text does. `article_id` is the
    id of the article it is about, from `url`, its canonical URL. The summary and
    content are HTML as given; their relative links are relative to `base`.
    """

    feed_id: str
    key: str
    digest: str
    article_id: str
    url: str
    """Canonical; empty if the feed gave none."""
    link: str
    """As the feed gave it, made absolute."""
    title: str
    author: str
    outlet: str
    published: datetime
    """Never in the future, never before 1990: then it is `first_seen`."""
    date_given: str
    first_seen: datetime
    summary: str
    content: str
    base: str
    language: str = ""
    categories: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedReading:
    """A feed's answer made into entries, as a worker hands it back."""

    title: str
    url: str
    generator: str
    """What it says made it: its generator, then its description."""
    language: str
    entries: tuple[Entry, ...]
    hints: FeedHints = FeedHints()
    notes: tuple[str, ...] = ()
    links: FeedLinks = FeedLinks()
    cut_off: bool = False
    """It has no end: the rest may come with the same validators."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Of one poll's entries: which are new, which are known but changed, how many are known."""

    new: tuple[Entry, ...]
    revised: tuple[Entry, ...]
    known: int


# --- from entries to an article ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Image:
    url: str
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a page says of its article. `body` is HTML, links absolute, not yet clean."""

    url: str
    title: str
    author: str
    published: datetime | None
    body: str
    image: str = ""
    language: str = ""
    whole_url: str = ""
    """Where the page says the whole text is, if it shows only a part of it."""
    next_url: str = ""
    """Where the page says the text goes on."""
    validators: Validators = field(default_factory=Validators, compare=False)
    """To ask with at another visit; none where the text is from several pages."""


@dataclass(frozen=True, slots=True)
class BodyHistory:
    """Of a feed's bodies that were held against their pages: how many were whole, how many cut."""

    whole: int = 0
    cut: int = 0


@dataclass(frozen=True, slots=True)
class BodyVerdict:
    """Whether one entry's body is the whole text, and in a few words why."""

    feed_id: str
    key: str
    whole: bool
    reason: str
    letters: int


@dataclass(frozen=True, slots=True)
class Material:
    """All that is known about one article: what `compose` makes it from."""

    article_id: str
    entries: tuple[Entry, ...]
    feeds: Mapping[str, FeedSpec]
    """The specs of the entries' feeds, by id: of a feed no longer configured, what is known."""
    generators: Mapping[str, str] = field(default_factory=dict)
    """What each feed says made it, by id."""
    histories: Mapping[str, BodyHistory] = field(default_factory=dict)
    """What is known of each feed's bodies, by id."""
    pages: tuple[Retrieved, ...] = ()
    """Pages fetched just now, not yet extracted."""
    extracted: Extracted | None = None
    """What an earlier fetch of the page gave."""
    earlier: Extracted | None = None
    """What it gave before the entries changed, or that it gave no article: worth another visit."""
    page_failed: bool = False
    """The page was tried and cannot be had now: make do without it."""
    tries: int = 0
    """How often it was tried before and the page could not be had."""


@dataclass(frozen=True, slots=True)
class PageWanted:
    """`compose` cannot finish before this page is fetched; `reason` says why."""

    article_id: str
    url: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a query matched: the term as written in the query, and the field it was found in."""

    term: str
    where: str
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    topic_id: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class EntryRef:
    """Where an article was seen: one entry, as pages and feeds name it."""

    feed_id: str
    outlet: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Article:
    """The text behind entries, as it is published. `body` is sanitised HTML."""

    id: str
    """`urn:uuid:…` without the prefix; never changes."""
    url: str
    title: str
    author: str
    outlet: str
    published: datetime
    updated: datetime
    """When its title or body last changed in substance; `published` if it never did."""
    first_seen: datetime
    language: str
    body: str
    lead: str
    image: Image | None = None
    categories: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    published_by: str = "feed"
    """Whose word the date is: `feed`, `body`, `page`, or `seen`."""
    entries: tuple[EntryRef, ...] = ()
    verdicts: tuple[BodyVerdict, ...] = ()
    """Of each entry's body, whether it is the whole text."""
    body_from: str = ""
    """Where the body is from: the id of the feed that gave it, or the page's URL."""
    reasons: tuple[Reason, ...] = ()
    """Why it is in the topic it was asked for; empty outside a topic."""


# --- the store in numbers ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counts:
    """The store in numbers. A duplicate is an entry whose article another entry gave first."""

    entries: int
    articles: int
    duplicates: int
    pending: int
    topics: Mapping[str, int]


# --- what is published -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edition:
    """What is published for one topic, or for everything: newest first.

    `id` is a UUID, `path` the feed's path without its suffix (`topics/afghanistan`,
    `all`), `public_url` the address of the site, without a slash at its end.
    """

    id: str
    title: str
    path: str
    public_url: str
    page_path: str
    language: str
    updated: datetime
    articles: tuple[Article, ...]
    content: Content = "full"
    outlet_in: Literal["author", "title", "both"] = "author"

    def url(self, suffix: str) -> str:
        return f"{self.public_url}/{self.path}.{suffix}"

    @property
    def page_url(self) -> str:
        return f"{self.public_url}{self.page_path}"
