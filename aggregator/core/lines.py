"""The lines of a paragraph, between its `<br>`s."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from lxml.html import HtmlElement

from aggregator.core.markup import BLANK, remove, trim_end, trim_start

Found = TypeVar("Found")


def cut_lines(block: HtmlElement, find: Callable[[str], Found | None]) -> list[Found]:
    """Cut the lines in whose text `find` finds something, in place; gives what it found.

    Lines that end inside another element are one with what is around it.
    """
    cut: list[Found] = []
    for line in _lines(block):
        found = find("".join(_pieces(line)).strip(BLANK))
        if found is None:
            continue
        cut.append(found)
        for element in line:
            if element is block:
                block.text = None
            else:
                element.tail = None
                remove(element)
    if cut:
        trim_start(block)
        trim_end(block)
    return cut


def _lines(block: HtmlElement) -> list[list[HtmlElement]]:
    """The block's own children by lines. Each begins with the element that its text follows: the
    block itself, or a `br`."""
    lines: list[list[HtmlElement]] = [[block]]
    for child in block:
        if child.tag == "br":
            lines.append([])
        lines[-1].append(child)
    return lines


def _pieces(line: list[HtmlElement]) -> Iterator[str]:
    first, *others = line
    yield (first.tail if first.tag == "br" else first.text) or ""
    for element in others:
        yield element.text_content()
        yield element.tail or ""
