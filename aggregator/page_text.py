"""The text on an article's pages: its page, where that says the whole text is, and its next ones.

pages → each extracted (core/extract) and cleaned (core/clean) → the longest, or the page to ask for
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aggregator.core.clean import Cleaned, clean_body
from aggregator.core.extract import extract
from aggregator.core.model import NO_FEED_RULES, Extracted, FeedRules, Retrieved, Validators
from aggregator.core.whole import judge_whole
from aggregator.errors import ExtractError
from aggregator.sources import family_of_page, whole_url

PAGES_AT_MOST = 3
"""How many pages one article may ask for: its page, and where that says the whole text is."""

PARTS_AT_MOST = 10
"""How many where a page says that the text goes on, as a feed's own rules declare."""

_NO_PAGE = re.compile(r"(?:image|audio|video|font)/(?!svg)|application/(?:pdf|zip|json|msword)")
_BINARY = (b"%PDF-", b"\x89PNG\r\n", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x1f\x8b", b"ID3")


@dataclass(frozen=True, slots=True)
class PageText:
    """The longest text the pages gave; `complete` is False if the last could not be read."""

    extracted: Extracted
    cleaned: Cleaned
    complete: bool = True


def kept_text(extracted: Extracted, own: FeedRules) -> PageText:
    """The text that an earlier visit gave, cleaned by today's rules."""
    return PageText(extracted, _clean_page(extracted, own))


def read_pages(
    pages: Sequence[Retrieved], link: str, own: FeedRules, *, last: bool
) -> PageText | str | None:
    """What the pages gave, read by the feed's own rules and their site's; None if there is nothing.

    `link` led to the first of them. Gives the URL of the next page to ask for where they show only
    a part, unless these are the `last` that can be had.
    """
    best: PageText | None = None
    asked = {link}
    further, complete, goes_on = "", False, False
    for page in pages:
        asked.add(page.url)
        further, complete, is_next = "", False, goes_on
        try:
            extracted = read_page(page, own)
        except ExtractError:
            goes_on = False
            continue
        next_url = extracted.next_url
        if is_next and best is not None:
            body = best.extracted.body + extracted.body
            extracted = replace(best.extracted, body=body, validators=Validators())
        cleaned, complete = _clean_page(extracted, own), True
        if best is None or len(cleaned.text) >= len(best.cleaned.text):
            best = PageText(extracted, cleaned)
        whole = extracted.whole_url or _declared_whole(page.url, cleaned, own)
        goes_on = not (whole and whole not in asked)
        further = next_url if goes_on else whole
        if further in asked:
            further = ""
        asked.add(further)
    at_most = PARTS_AT_MOST if goes_on else PAGES_AT_MOST
    if further and not last and len(pages) < at_most:
        return further
    return replace(best, complete=complete) if best else None


def _declared_whole(url: str, cleaned: Cleaned, own: FeedRules) -> str:
    """Where the site has the whole text of what looks like a part; "" if nothing says so."""
    if judge_whole(cleaned.html, cleaned.text, "auto").whole:
        return ""
    return whole_url(url, family_of_page(url, own))


def read_page(page: Retrieved, own: FeedRules = NO_FEED_RULES) -> Extracted:
    """The article on a page, by the feed's own rules and those of its site. Raises ExtractError."""
    media_type = page.headers.get("content-type", "").partition(";")[0].strip().lower()
    if _NO_PAGE.match(media_type) or page.body.startswith(_BINARY) or _is_binary(page.body):
        what = media_type or "binary data"
        raise ExtractError(f"this is {what}, not a page", page.url)
    extracted = extract(page.body, page.headers, page.url, family_of_page(page.url, own).page)
    return replace(extracted, validators=page.validators)


def _is_binary(body: bytes) -> bool:
    return b"\0" in body[:1000] and not body.startswith((b"\xff\xfe", b"\xfe\xff"))


def _clean_page(extracted: Extracted, own: FeedRules) -> Cleaned:
    return clean_body(extracted.body, extracted.url, family_of_page(extracted.url, own).clean)
