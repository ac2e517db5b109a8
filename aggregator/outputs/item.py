"""What every format says of an article, decided once: title, byline, link, texts.

Nothing that comes out of here can make a feed ill-formed: texts hold only
characters XML allows, and addresses are absolute http(s) URLs or empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit
from uuid import NAMESPACE_URL, uuid5

from aggregator.core.model import Article, Edition, Enclosure, EntryRef, Image, Reason

TITLE_LIMIT = 1000
"""No honest title is longer; readers keep titles in lists and memory."""
TITLE_FROM_LEAD = 60
UNTITLED = "（无题）"

_FORBIDDEN = re.compile(
    "[^\t\n\r\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]"
)
_VALID_URL = re.compile(
    r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?"
    r"(?:[/?](?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:#(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?"
)
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")

# Explicit, because the mimetypes module reads the machine's own tables: the same
# edition must give the same bytes everywhere.
_MEDIA_TYPES = {
    "aac": "audio/aac",
    "flac": "audio/flac",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "m4a": "audio/mp4",
    "m4v": "video/mp4",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "pdf": "application/pdf",
    "png": "image/png",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
}


@dataclass(frozen=True, slots=True)
class Item:
    """An article as a feed shows it. `content` is HTML; the other texts are plain."""

    id: str
    """A URI: `urn:uuid:…`."""
    link: str
    """The article at its outlet, or our page of it where that is not known."""
    page: str
    """Our page of the article."""
    title: str
    byline: str
    """Who readers show as the author; may be empty."""
    outlet: str
    author: str
    outlet_id: str
    outlet_url: str
    lead: str
    content: str
    """Empty in an edition of summaries."""
    published: datetime
    updated: datetime
    language: str
    image: Image | None
    categories: tuple[str, ...]
    enclosures: tuple[Enclosure, ...]
    entries: tuple[EntryRef, ...]
    reasons: tuple[Reason, ...]


def items(edition: Edition) -> tuple[Item, ...]:
    """The edition's articles, in its order, as every format publishes them."""
    return tuple(_item(article, edition) for article in edition.articles)


def headline(article: Article) -> str:
    """The article's title on one line; without one, the beginning of its lead."""
    title = one_line(article.title)
    if title:
        return _shortened(title, TITLE_LIMIT)
    return _shortened(one_line(article.lead), TITLE_FROM_LEAD) or UNTITLED


def outlet_of(article: Article) -> str:
    """Who wrote it: the article's outlet, or the first one its entries name."""
    named = (one_line(name) for name in (article.outlet, *(e.outlet for e in article.entries)))
    return next((name for name in named if name), "")


def clean_text(text: str) -> str:
    """The text without what XML 1.0 (§2.2) forbids or discourages: controls, lone surrogates."""
    return _FORBIDDEN.sub("", text)


def one_line(text: str) -> str:
    """The cleaned text with every run of white space as one space."""
    return " ".join(clean_text(text).split())


def web_address(url: str) -> str:
    """An absolute http(s) URL in the characters of RFC 3986; empty if it is none.

    A password in the URL is left out: what is published is public.
    """
    url = clean_text(url).strip()
    if _VALID_URL.fullmatch(url):
        return url
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:  # UnicodeError of the idna codec is one too
        return ""
    if parts.scheme not in ("http", "https") or not host or re.search(r"[^\w.:-]", host):
        return ""
    if ":" in host:
        host = f"[{host}]"
    address = f"{parts.scheme}://{host}{port}{_quoted(parts.path)}"
    if parts.query:
        address += f"?{_quoted(parts.query)}"
    if parts.fragment:
        address += f"#{_quoted(parts.fragment)}"
    return address


def language_tag(language: str) -> str:
    """The tag if it has the form of one (RFC 5646), else empty."""
    return language if _LANGUAGE.fullmatch(language) else ""


def whole_seconds(moment: datetime) -> datetime:
    """In UTC, and without the fractions that RSS has no room for."""
    return moment.astimezone(UTC).replace(microsecond=0)


def _item(article: Article, edition: Edition) -> Item:
    outlet = outlet_of(article)
    author = one_line(article.author)
    title = headline(article)
    if outlet and edition.outlet_in in ("title", "both"):
        title = f"{title} - {outlet}"
    page = web_address(f"{edition.public_url}/articles/{article.id}")
    link = web_address(article.url) or page
    return Item(
        id=f"urn:uuid:{article.id}",
        link=link,
        page=page,
        title=title,
        byline=_byline(outlet if edition.outlet_in != "title" else "", author),
        outlet=outlet,
        author=author,
        outlet_id=f"urn:uuid:{uuid5(NAMESPACE_URL, f'outlet:{outlet}')}",
        outlet_url=_site_of(link),
        lead=clean_text(article.lead).strip(),
        content="" if edition.content == "summary" else clean_text(article.body),
        published=whole_seconds(article.published),
        updated=whole_seconds(article.updated),
        language=language_tag(article.language),
        image=_image(article.image),
        categories=_categories(article.categories),
        enclosures=_enclosures(article.enclosures),
        entries=tuple(_entry(entry) for entry in article.entries),
        reasons=tuple(
            Reason(clean_text(reason.term), clean_text(reason.where), clean_text(reason.snippet))
            for reason in article.reasons
        ),
    )


def _byline(outlet: str, author: str) -> str:
    if not outlet or not author or author == outlet:
        return outlet or author
    return f"{outlet} · {author}"


def _site_of(url: str) -> str:
    """The front page of the site the URL is on."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _image(image: Image | None) -> Image | None:
    url = web_address(image.url) if image else ""
    return Image(url, one_line(image.alt)) if image and url else None


def _categories(categories: tuple[str, ...]) -> tuple[str, ...]:
    lines = (one_line(category) for category in categories)
    return tuple(dict.fromkeys(line for line in lines if line))


def _enclosures(enclosures: tuple[Enclosure, ...]) -> tuple[Enclosure, ...]:
    by_url: dict[str, Enclosure] = {}
    for enclosure in enclosures:
        url = web_address(enclosure.url)
        if url and url not in by_url:
            by_url[url] = Enclosure(url, _media_type(enclosure, url), max(0, enclosure.length))
    return tuple(by_url.values())


def _media_type(enclosure: Enclosure, url: str) -> str:
    given = enclosure.media_type.partition(";")[0].strip().lower()
    if _MEDIA_TYPE.fullmatch(given):
        return given
    suffix = urlsplit(url).path.rpartition(".")[2].lower()
    return _MEDIA_TYPES.get(suffix, "application/octet-stream")


def _entry(entry: EntryRef) -> EntryRef:
    return EntryRef(
        feed_id=clean_text(entry.feed_id),
        outlet=one_line(entry.outlet),
        title=one_line(entry.title),
        url=web_address(entry.url),
    )


def _quoted(part: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", part), safe="/?%:@!$&'()*+,;=~._-")


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
