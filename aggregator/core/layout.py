"""Where the article stands on a page: `Layout`, the page's text measured box by box.

Several witnesses say which pieces of text are the article: trafilatura, the page's own JSON-LD,
and a score of our own by the look of the paragraphs. `Layout.place` is the box that holds most
of what they name and least of what they do not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from lxml import etree
from lxml.html import HtmlElement

from aggregator.core.markup import BLOCK_TAGS, ancestors

SMALLEST = 25
"""Letters; a page on which less is found has no article."""

PIECE_LEAST = 6
"""Letters; a shorter piece of text is too common to tell where it was named."""

LINK_WEIGHT = 0.2
"""What a letter in a link weighs when it is asked how much of a box is article."""

PROSE_LEAST = 50
"""Bytes of UTF-8 letters: from here on a paragraph without many links is prose. (A Chinese letter
is three bytes, and says about as much as three Latin ones.)"""

PROSE_LINKED = 0.5
"""A paragraph with more than this share of its letters in links is no prose."""

NAME_BONUS = 25.0
"""Points for a box whose class or id says that it is the article; a long paragraph has five."""

OUTER_SHARE = 0.8
"""A box is part of the one around it if that has more than this share of its points."""

MOST = 0.75
"""A box with more than this share of the prose is the article, whatever it is called."""

OWN_WEIGHT = 1.0
"""How much our own score weighs beside a witness."""

OTHERS_SHARE = 0.3
"""What remains of a witness's word for text that its page calls a comment or the like."""

_NOT_LETTERS = re.compile(r"[\W_]+")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_PAUSES = re.compile(r"[,;，、；。]|[.!?！？](?=\s|$)")
_BOXES = BLOCK_TAGS - {"html", "hr", "li", "thead", "tbody", "tr", "p", "dt", "dd", "figcaption"}
_ARTICLE_NAMES = frozenset(
    ("article", "artical", "body", "content", "detail", "entry", "main", "post", "story", "text")
)
_OTHER_NAMES = frozenset(
    (
        "aside", "carousel", "comment", "comments", "disqus", "foot", "footer", "gallery", "menu",
        "nav", "promo", "recommend", "related", "resgallery", "sidebar", "slideshow", "teaser",
        "widget",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Witness:
    """One opinion about which text is the article, and how much it weighs."""

    text: str
    weight: float = 1.0


@dataclass(slots=True)
class _Piece:
    """A text node: its letters and pauses, the block it stands in, whether in a link."""

    letters: str
    pauses: int
    block: HtmlElement
    linked: bool
    weight: float = 0.0


@dataclass(slots=True)
class _Paragraph:
    """The pieces that stand in one block, and in no block within it."""

    pieces: list[_Piece] = field(default_factory=list)

    def size(self) -> int:
        return sum(len(piece.letters.encode()) for piece in self.pieces if not piece.linked)

    def running(self) -> int:
        """Letters in no link."""
        return sum(len(piece.letters) for piece in self.pieces if not piece.linked)

    def linked_size(self) -> int:
        return sum(len(piece.letters.encode()) for piece in self.pieces if piece.linked)

    def is_prose(self) -> bool:
        size, linked = self.size(), self.linked_size()
        return size >= PROSE_LEAST and linked <= PROSE_LINKED * (size + linked)

    def points(self) -> float:
        pauses = sum(piece.pauses for piece in self.pieces)
        return 1.0 + pauses + min(self.size() / 100, 3.0)


class Layout:
    """How many letters each element has, in links, and named as the article's."""

    def __init__(self, root: HtmlElement, witnesses: tuple[Witness, ...]) -> None:
        self.spans: dict[HtmlElement, tuple[int, int]] = {}
        self._pieces: list[_Piece] = []
        self._read(root)
        lengths = [len(piece.letters) for piece in self._pieces]
        self._lengths = [0, *accumulate(lengths)]
        self._linked = self._sums(lambda piece: float(piece.linked))
        for witness in witnesses:
            self._hear(witness)
        self._name_own()
        highest = max((piece.weight for piece in self._pieces), default=0.0) or 1.0
        self._named = self._sums(lambda piece: piece.weight / highest)
        self._running = self._sums(lambda piece: 0.0 if piece.linked else piece.weight / highest)
        self.total = self._running[-1]

    # --- reading ---

    def _read(self, root: HtmlElement) -> None:
        blocks: list[HtmlElement] = [root]
        links = 0
        for event, element in etree.iterwalk(root, events=("start", "end")):
            if event == "start":
                if element.tag in BLOCK_TAGS:
                    blocks.append(element)
                links += element.tag == "a"
                self.spans[element] = (len(self._pieces), 0)
                self._add(element.text, blocks[-1], links > 0)
            else:
                self.spans[element] = (self.spans[element][0], len(self._pieces))
                if element.tag in BLOCK_TAGS:
                    blocks.pop()
                links -= element.tag == "a"
                self._add(element.tail, blocks[-1], links > 0)

    def _add(self, text: str | None, block: HtmlElement, linked: bool) -> None:
        if text and (found := letters(text)):
            self._pieces.append(_Piece(found, len(_PAUSES.findall(text)), block, linked))

    def _hear(self, witness: Witness) -> None:
        sought = letters(witness.text)
        at = 0
        since: list[_Piece] | None = None
        for piece in self._pieces:
            # a witness may join and thin lines, but leaves a text node's words together
            if len(piece.letters) >= PIECE_LEAST:
                # mostly in the order of the page, so from where the last one ended
                found = sought.find(piece.letters, at)
                if found < 0:
                    found = sought.find(piece.letters, 0, at + len(piece.letters))
                if found < 0:
                    since = None
                    continue
                at = found + len(piece.letters)
                # a word in bold between two pieces that were named was named with them
                for short in since or ():
                    short.weight += witness.weight
                piece.weight += witness.weight
                since = []
            elif since is not None:
                since.append(piece)

    # --- our own opinion ---

    def _name_own(self) -> None:
        """Give weight to the prose in the box that scores best by the look of its paragraphs.

        The way of Readability: a paragraph's points go to the boxes around it, fewer the further
        out; a box loses them by its links, and gains or loses by its name.
        """
        paragraphs: dict[HtmlElement, _Paragraph] = defaultdict(_Paragraph)
        for piece in self._pieces:
            paragraphs[piece.block].pieces.append(piece)
        prose = {block: each for block, each in paragraphs.items() if each.is_prose()}
        for block in self._others(prose):
            for piece in prose.pop(block).pieces:
                piece.weight *= OTHERS_SHARE
        points: dict[HtmlElement, float] = {}
        for block, paragraph in prose.items():
            earned = paragraph.points()
            box = block if block.tag in _BOXES else block.getparent()
            for share in (1.0, 0.5, 0.25, 0.125):
                if box is None:
                    break
                if box not in points:
                    points[box] = _name_points(box)
                points[box] += earned * share
                box = box.getparent()
        scores = {box: earned * (1 - self._link_share(box)) for box, earned in points.items()}
        best = max(scores, key=scores.__getitem__, default=None)
        if best is None:
            return
        # where its paragraphs stand in boxes of their own, it is the box around these
        outer = best.getparent()
        while outer is not None and scores.get(outer, 0.0) > OUTER_SHARE * scores[best]:
            best = outer
            outer = outer.getparent()
        start, end = self.spans[best]
        for block, paragraph in prose.items():
            if start <= self.spans[block][0] < end:
                for piece in paragraph.pieces:
                    piece.weight += OWN_WEIGHT

    def _others(self, prose: Mapping[HtmlElement, _Paragraph]) -> set[HtmlElement]:
        """The blocks in boxes called comments, related and the like, unless the prose is there."""
        most = sum(paragraph.running() for paragraph in prose.values()) * MOST
        sizes = _sizes_around(prose)
        named = {box for box, size in sizes.items() if size < most and _name_points(box) < 0}
        return {block for block in prose if any(box in named for box in ancestors(block))}

    def _link_share(self, box: HtmlElement) -> float:
        return self.linked(box) / max(self.length(box), 1)

    # --- answers ---

    def _sums(self, weigh: Callable[[_Piece], float]) -> list[float]:
        return [0.0, *accumulate(weigh(piece) * len(piece.letters) for piece in self._pieces)]

    def length(self, element: HtmlElement) -> float:
        return self._between(self._lengths, element)

    def linked(self, element: HtmlElement) -> float:
        """How many of its letters are in links."""
        return self._between(self._linked, element)

    def named(self, element: HtmlElement) -> float:
        """How many of its letters are the article's, each as far as the witnesses agree."""
        return self._between(self._named, element)

    def running(self, element: HtmlElement) -> float:
        """The same, without those in links."""
        return self._between(self._running, element)

    def _between(self, sums: list[float] | list[int], element: HtmlElement) -> float:
        start, end = self.spans[element]
        return sums[end] - sums[start]

    def extent(self, element: HtmlElement) -> tuple[int, int]:
        """Where it begins and ends, counted in the page's letters."""
        start, end = self.spans[element]
        return self._lengths[start], self._lengths[end]

    def lines(self, element: HtmlElement) -> list[str]:
        """The letters of its text nodes, one by one."""
        start, end = self.spans[element]
        return [piece.letters for piece in self._pieces[start:end]]

    def place(self) -> HtmlElement | None:
        """The smallest box that holds the named text and little else; None if there is none."""
        # of boxes in each other with the same text the innermost, and max gives the first
        boxes = [box for box in reversed(self.spans) if box.tag in _BOXES]
        found = max(boxes, key=self._fitness, default=None)
        return None if found is None or self.running(found) < SMALLEST else found

    def _fitness(self, box: HtmlElement) -> float:
        """The harmonic mean of the share of the named text that is in the box, and the share of
        the box that was named. Letters in links count little, for lists of links are dropped. A
        box with less than half of the named text has no fitness.
        """
        running = self.running(box)
        if not running or running * 2 < self.total:
            return 0.0
        return self._f1(box, running, self.total)

    def _f1(self, box: HtmlElement, found: float, total: float) -> float:
        """The harmonic mean of the shares of `found` in `total` and in the box."""
        linked = self.linked(box)
        recall = found / total
        precision = found / (self.length(box) - linked + linked * LINK_WEIGHT)
        return 2 * recall * precision / (recall + precision)


def _sizes_around(prose: Mapping[HtmlElement, _Paragraph]) -> dict[HtmlElement, int]:
    """How much prose each box holds."""
    sizes: dict[HtmlElement, int] = defaultdict(int)
    for block, paragraph in prose.items():
        running = paragraph.running()
        for box in ancestors(block):
            sizes[box] += running
    return sizes


def letters(text: str) -> str:
    """`text` without white space and punctuation."""
    return _NOT_LETTERS.sub("", text)


def names(element: HtmlElement) -> frozenset[str]:
    """The words in an element's class and id, in lower case."""
    given = f"{element.get('class', '')} {element.get('id', '')}"
    return frozenset(word.lower() for word in _WORDS.findall(given))


def _name_points(box: HtmlElement) -> float:
    words = names(box)
    found = NAME_BONUS if words & _ARTICLE_NAMES or box.tag in ("article", "main") else 0.0
    if words & _OTHER_NAMES or box.tag in ("aside", "footer", "nav"):
        found -= 2 * NAME_BONUS
    return found
