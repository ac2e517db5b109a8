"""Paragraphs put back into their order, where a source sends them shuffled."""

from __future__ import annotations

import binascii
from base64 import b32decode

from lxml.html import HtmlElement

from aggregator.core.clean_rules import Scramble


def unscramble(tree: HtmlElement, scramble: Scramble) -> int:
    """Sort what carries a place, in place; gives how many elements moved.

    Only elements side by side are sorted, and only if each of their places can be read and none
    is there twice: an attribute of the same name may mean something else.
    """
    groups: dict[HtmlElement, list[HtmlElement]] = {}
    for element in tree.iterdescendants():
        if scramble.attribute in element.attrib:
            parent = element.getparent()
            if parent is not None:
                groups.setdefault(parent, []).append(element)
    return sum(_sort(parent, members, scramble) for parent, members in groups.items())


def _sort(parent: HtmlElement, members: list[HtmlElement], scramble: Scramble) -> int:
    places = [_place(member.get(scramble.attribute, ""), scramble.junk) for member in members]
    known = [place for place in places if place is not None]
    if len(known) != len(members) or len(set(known)) != len(known):
        return 0
    in_order = [member for _, member in sorted(zip(known, members, strict=True), key=_first)]
    moved = sum(a is not b for a, b in zip(members, in_order, strict=True))
    if moved:
        following = iter(in_order)
        scrambled = set(members)
        # all at once, for each place by itself is counted from the first
        children = [next(following) if each in scrambled else each for each in parent]
        tails = [child.tail for child in parent]
        parent[:] = children
        for child, tail in zip(children, tails, strict=True):
            child.tail = tail
    return moved


def _first(pair: tuple[int, HtmlElement]) -> int:
    return pair[0]


def _place(given: str, junk: int) -> int | None:
    coded = given[junk:].rstrip("=").upper()
    try:
        digits = b32decode(coded + "=" * (-len(coded) % 8)).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return int(digits) if digits.isdecimal() and len(digits) < 10 else None
