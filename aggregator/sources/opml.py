"""OPML: the lists of feeds that readers export. `read_opml` reads one; folders become tags.

bytes → text → lxml, strictly; what is not well-formed is mended and read as far as it goes
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from html.entities import html5
from pathlib import Path

from lxml import etree

from aggregator.config.values import Wrong, web_address
from aggregator.core.identity import canonical_url
from aggregator.core.model import FeedSpec
from aggregator.core.parse_bytes import decoded
from aggregator.errors import ArchiveError

HEAD = 3000
"""Characters within which a list says that it is one."""

_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*\?>")
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.S | re.I)
_OPML = re.compile(r"<opml[\s>]", re.I)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|([A-Za-z][A-Za-z0-9]{0,31});)?")
_XML_NAMES = frozenset(("amp", "lt", "gt", "quot", "apos"))


@dataclass(frozen=True, slots=True)
class FeedList:
    """What a list has. The feeds have no id yet; `notes` say what was left out, and why."""

    feeds: tuple[FeedSpec, ...]
    notes: tuple[str, ...]


def is_opml(data: bytes) -> bool:
    """Whether a file is meant as such a list."""
    return bool(_OPML.search(decoded(data[: 4 * HEAD], {})[0][:HEAD]))


def is_opml_file(path: Path) -> bool:
    """Whether there is such a list at `path`; no for what cannot be read."""
    try:
        with path.open("rb") as file:
            return is_opml(file.read(4 * HEAD))
    except OSError:
        return False


def read_opml(data: bytes, where: str) -> FeedList:
    """The feeds of the list in `data`, each once; `where` is its name, for messages.

    A feed's tags are its folders, from the outermost with `/` between them, and its categories
    (OPML 2.0, "category"). Raises ArchiveError if it is no OPML.
    """
    root, notes = _tree(decoded(data, {})[0], where)
    feeds: list[FeedSpec] = []
    for outline, folder in _outlines(root):
        given = _attribute(outline, "xmlUrl")
        title = _attribute(outline, "text") or _attribute(outline, "title")
        try:
            url = web_address(_web_scheme(given))
        except Wrong:
            notes.append(f"{title or 'an outline without a title'}: no address that can be polled")
            continue
        tags = tuple(dict.fromkeys(filter(None, (folder, *_categories(outline)))))
        feeds.append(FeedSpec("", (url,), title, tags=tags))
    distinct = merged(feeds)
    if repeated := len(feeds) - len(distinct):
        notes.append(f"{repeated} repeated: each feed is listed once, with all its folders")
    return FeedList(distinct, tuple(notes))


def merged(feeds: Iterable[FeedSpec]) -> tuple[FeedSpec, ...]:
    """Each feed once, where it stood first, with the tags of all."""
    distinct: dict[str, FeedSpec] = {}
    for feed in feeds:
        key = canonical_url(feed.urls[0]) or feed.urls[0]
        first = distinct.setdefault(key, feed)
        distinct[key] = replace(
            first,
            title=first.title or feed.title,
            tags=tuple(dict.fromkeys((*first.tags, *feed.tags))),
        )
    return tuple(distinct.values())


def _tree(text: str, where: str) -> tuple[etree._Element, list[str]]:
    """The document's root, and what was wrong with it."""
    notes: list[str] = []
    # without its declarations nothing in it can stand for more than it is
    text = _DOCTYPE.sub("", _DECLARATION.sub("", text, count=1))
    root: etree._Element | None
    try:
        root = etree.fromstring(text.encode(), _parser(recover=False))
    except etree.XMLSyntaxError as error:
        notes.append(f"not well-formed (line {error.lineno}): read as far as it goes")
        # what else is wrong in such lists, libxml2 bears
        mended = _REFERENCE.sub(_known_reference, text)
        try:
            root = etree.fromstring(mended.encode(), _parser(recover=True))
        except etree.XMLSyntaxError:
            root = None
    if root is None or _name(root) != "opml":
        raise ArchiveError("no OPML list of feeds", where, "export it again from the reader")
    return root, notes


def _parser(recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        recover=recover, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip


def _known_reference(found: re.Match[str]) -> str:
    """Those of HTML as their characters; what is none stands for itself."""
    reference, name = found[0], found[1]
    if reference == "&" or (name and name not in _XML_NAMES and f"{name};" not in html5):
        return "&amp;" + reference[1:]
    # some of them are the very characters that XML reserves
    return html.escape(html5[f"{name};"]) if name and name not in _XML_NAMES else reference


def _outlines(root: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Every outline that is a feed, in the order of the list, with the folder it is in."""
    waiting = [(element, "") for element in reversed(root)]
    while waiting:
        element, folder = waiting.pop()
        inside = folder
        if _name(element) == "outline":
            if _attribute(element, "xmlUrl"):
                yield element, folder
            elif len(element):
                name = _attribute(element, "text") or _attribute(element, "title")
                inside = _path(f"{folder}/{name}")
        waiting += ((child, inside) for child in reversed(element))


def _categories(outline: etree._Element) -> Iterator[str]:
    for category in _attribute(outline, "category").split(","):
        yield _path(category)


def _path(given: str) -> str:
    """The names in it that are not empty, with one slash between them."""
    return "/".join(filter(None, map(str.strip, given.split("/"))))


def _attribute(element: etree._Element, name: str) -> str:
    """Its text in one line; readers do not agree on capitals in the name."""
    for key, value in element.items():
        if str(key).lower() == name.lower():
            return one_line(str(value))
    return ""


def one_line(text: str) -> str:
    """Without line breaks and control characters, which a label of config.toml may not have."""
    kept = (character for character in text if character.isprintable() or character.isspace())
    return " ".join("".join(kept).split())


def _web_scheme(url: str) -> str:
    """Without the scheme that browsers once gave to a reader: `feed://`, `feed:https://`."""
    bare = re.sub(r"\Afeed:(?://)?(?=https?://)", "", url, flags=re.I)
    return re.sub(r"\Afeed://", "http://", bare, flags=re.I).replace(" ", "%20")


def _name(element: etree._Element) -> str:
    tag = element.tag
    return etree.QName(tag).localname.lower() if isinstance(tag, str) else ""
