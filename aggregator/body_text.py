"""A clean body as text to be read on a terminal: `readable_lines`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from aggregator.core.markup import parse_fragment

_BLOCKS = frozenset(
    (
        "blockquote", "dd", "dl", "dt", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6",
        "hr", "li", "ol", "p", "pre", "table", "tr", "ul",
    )
)  # fmt: skip
_INDENTED = {"blockquote": "> ", "dd": "  "}
_NUMBER = re.compile(r"-?[0-9]{1,9}\Z")
_RULE = "* * *"


def readable_lines(html: str) -> tuple[str, ...]:
    """Takes sanitised HTML. Gives its blocks as lines, an empty one between them.

    Headings begin with `#`, quotes with `> `, items with `- ` or their number; an image is
    `[image: its caption] its address`, a link is followed by its address. No line has a control
    character, whatever the body.
    """
    lines: list[str] = []
    for block in _blocks(parse_fragment(html)):
        if lines and block:
            lines.append("")
        lines += block
    return tuple(map(printable, lines))


def printable(line: str) -> str:
    """One line without what could command a terminal: control and formatting characters."""
    spaced = (" " if character.isspace() else character for character in line)
    return "".join(character for character in spaced if character.isprintable()).rstrip()


def _blocks(parent: HtmlElement) -> Iterator[list[str]]:
    """Each block's lines. Text that stands in no block of its own is one."""
    loose = _Words()
    loose.add(parent.text)
    for child in parent:
        if child.tag not in _BLOCKS:
            loose.element(child)
        else:
            yield from loose.flush()
            yield from _block(child)
        loose.add(child.tail)
    yield from loose.flush()


def _block(block: HtmlElement) -> Iterator[list[str]]:
    tag = str(block.tag)
    if tag == "hr":
        yield [_RULE]
    elif tag == "pre":
        yield (block.text_content().expandtabs(4)).strip("\n").split("\n")
    elif tag == "figure":
        yield from _figure(block)
    elif tag in ("ul", "ol"):
        yield _items(block)
    elif tag == "table":
        yield [_row(row) for row in block.iter("tr")]
    elif tag in _INDENTED:
        for number, lines in enumerate(_blocks(block)):
            if number and tag == "blockquote":
                lines = ["", *lines]
            yield [f"{_INDENTED[tag]}{line}" for line in lines]
    else:
        mark = f"{'#' * int(tag[1])} " if re.fullmatch(r"h[1-6]", tag) else ""
        for lines in _blocks(block):
            yield [f"{mark}{line}" for line in lines]


def _figure(figure: HtmlElement) -> Iterator[list[str]]:
    caption = " ".join(" ".join(c.text_content().split()) for c in figure.iter("figcaption"))
    images = list(figure.iter("img"))
    if images:
        yield [_image(image, caption if number == 0 else "") for number, image in enumerate(images)]
    else:
        yield from _blocks(figure)


def _items(items: HtmlElement) -> list[str]:
    lines: list[str] = []
    start = int(items.get("start", "")) if _NUMBER.match(items.get("start", "")) else 1
    for number, item in enumerate(items.iterchildren("li"), start):
        mark = f"{number}. " if items.tag == "ol" else "- "
        within = [line for block in _blocks(item) for line in block]
        lines.append(mark + (within[0] if within else ""))
        lines += [" " * len(mark) + line for line in within[1:]]
    return lines


def _row(row: HtmlElement) -> str:
    cells = (" ".join(cell.text_content().split()) for cell in row.iterchildren("td", "th"))
    return " | ".join(cells)


def _image(image: HtmlElement, caption: str = "") -> str:
    words = caption or " ".join(image.get("alt", "").split())
    return f"[image{': ' if words else ''}{words}] {image.get('src', '')}"


class _Words:
    """Running text as it is read, with the lines that `br` and images make."""

    def __init__(self) -> None:
        self._text = ""

    def add(self, text: str | None) -> None:
        # white space is one space; a line end is only where markup makes one
        self._text += re.sub(r"\s+", " ", text or "")

    def element(self, element: HtmlElement) -> None:
        if element.tag == "br":
            self._text += "\n"
        elif element.tag == "img":
            self._text += f"\n{_image(element)}\n"
        else:
            self.add(element.text)
            for child in element:
                self.element(child)
                self.add(child.tail)
            address = element.get("href", "") if element.tag == "a" else ""
            if address and address != element.text_content().strip():
                self._text += f" <{address}>"

    def flush(self) -> Iterator[list[str]]:
        lines = [line.strip() for line in self._text.split("\n")]
        self._text = ""
        if lines := [line for line in lines if line]:
            yield lines
