"""What a published feed must not hold: rules of our own, none of them from the product.

The markup is looked at three times: as text, by a parser that never gives up (html.parser), and
by libxml2's, whose tree is written out and read once more, as a browser's innerHTML would be.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from lxml import etree
from lxml import html as lxml_html

TAGS = frozenset(
    [
        *("script", "style", "iframe", "object", "embed", "applet", "form", "input", "button"),
        *("select", "textarea", "link", "meta", "base", "svg", "math", "template", "noscript"),
        *("noembed", "xmp", "plaintext", "title", "frame", "frameset", "isindex", "slot"),
        *("marquee", "body", "head", "html"),
    ]
)
ATTRIBUTES = frozenset(
    ["style", "srcdoc", "formaction", "action", "ping", "id", "name", "is", "background", "usemap"]
)
ADDRESSES = frozenset(["href", "src", "poster", "data", "cite", "longdesc", "xlink:href", "srcset"])
SCHEMES = frozenset(["", "http", "https", "mailto", "tel"])
SPACES = re.compile(r"[\x00-\x20]+")
SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)

CHARACTERS = (
    (re.compile("[\ud800-\udfff]"), "a lone surrogate"),
    (re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]"), "a control character"),
    (re.compile("[\ufdd0-\ufdef\ufffe\uffff]"), "what is no character"),
    (re.compile("[\u202a-\u202e\u2066-\u2069]"), "a bidi override"),
    (re.compile("[\u200b-\u200d\u2060\ufeff]{8}"), "a flood of zero width"),
    (re.compile("[\u0300-\u036f]{20}"), "a flood of accents"),
    (re.compile("[\U000e0000-\U000e007f]{8}"), "a flood of tags"),
)


def of_text(text: str) -> Iterator[str]:
    """What is wrong with the characters of any text."""
    for pattern, what in CHARACTERS:
        if found := pattern.search(text):
            yield f"{what} near {text[max(found.start() - 20, 0) : found.start()]!r}"


def of_address(address: str) -> Iterator[str]:
    """What is wrong with an address that a reader may follow or load."""
    bare = SPACES.sub("", html.unescape(address))
    found = SCHEME.match(bare)
    if found and found[1].lower() not in SCHEMES:
        yield f"an address {address[:60]!r}"


def of_markup(markup: str) -> Iterator[str]:
    """What is wrong with a piece of HTML."""
    yield from of_text(markup)
    yield from of_text(html.unescape(markup))
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    yield from reader.found
    for text in (markup, _written_again(markup)):
        for element in _tree(text).iter():
            if isinstance(element.tag, str):
                yield from _of_element(element.tag, [(str(k), str(v)) for k, v in element.items()])


def _tree(markup: str) -> lxml_html.HtmlElement:
    clean = "".join(c for c in markup if c not in "\0" and not "\ud800" <= c <= "\udfff")
    return lxml_html.fragment_fromstring(clean, create_parent="section")


def _written_again(markup: str) -> str:
    return str(lxml_html.tostring(_tree(markup), encoding="unicode"))


def _of_element(tag: str, attributes: list[tuple[str, str]]) -> Iterator[str]:
    given = {name.lower(): value for name, value in attributes}
    if tag.lower() in TAGS:
        yield f"<{tag}>"
    for name, value in given.items():
        if name.startswith("on") or name in ATTRIBUTES:
            yield f"<{tag} {name}>"
        if name in ADDRESSES:
            for part in value.split(",") if name == "srcset" else (value,):
                yield from of_address(part)
    if tag == "img" and {given.get("width", "")[:2], given.get("height", "")[:2]} & {
        *("0", "0p", "1", "1p"),
    }:
        yield f"a counting pixel {given.get('src', '')[:60]}"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += _of_element(tag, [(name, value or "") for name, value in attrs])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_comment(self, data: str) -> None:
        self.found.append(f"a comment {data[:30]!r}")


# --- whole feeds ---------------------------------------------------------------------------------

STRICT = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
HTML_ELEMENTS = frozenset(["encoded", "description", "content", "summary"])
ATOM = "http://www.w3.org/2005/Atom"
ADDRESS_ELEMENTS = frozenset(["link", "comments", "guid", "id", "uri", "url"])


def of_xml(document: bytes) -> Iterator[tuple[str, str]]:
    """Each item's title and what is wrong in it, of RSS or Atom. Raises etree.XMLSyntaxError."""
    root = etree.fromstring(document, STRICT)
    for element in root.iter():
        if not isinstance(element.tag, str):
            yield "", "a comment or instruction"
    for entry in root.iter("item", f"{{{ATOM}}}entry"):
        title = next((e.text or "" for e in entry if etree.QName(e).localname == "title"), "")
        for element in entry.iter():
            if isinstance(element.tag, str):
                for what in _of_part(element):
                    yield title, what


def _of_part(element: etree._Element) -> Iterator[str]:
    name, text = etree.QName(element).localname, element.text or ""
    atom = etree.QName(element).namespace == ATOM
    if element.get("type") == "html" if atom else name in HTML_ELEMENTS:
        yield from of_markup(text)
    else:
        yield from of_text(text)
    if name in ADDRESS_ELEMENTS and not text.startswith("urn:uuid:"):
        yield from of_address(text)
    for attribute, value in element.items():
        yield from of_text(str(value))
        if str(attribute) in ("href", "url", "src"):
            yield from of_address(str(value))


def of_json(document: bytes) -> Iterator[tuple[str, str]]:
    """The same of a JSON Feed. Raises ValueError."""
    for entry in json.loads(document)["items"]:
        title = str(entry.get("title", ""))
        for what in of_markup(str(entry.get("content_html", ""))):
            yield title, what
        for what in _of_values(entry):
            yield title, what


def _of_values(value: object, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _of_values(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _of_values(inner, name)
    elif isinstance(value, str):
        yield from of_text(value)
        if name.endswith("url") or name == "image":
            yield from of_address(value)
