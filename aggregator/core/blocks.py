"""A body as a flat list of blocks: paragraphs, headings, figures, lists, tables, quotes, code.

Whatever boxes the markup came in, what is read is a sequence of blocks. `to_blocks` pours the
tree into that sequence: text that stands in no paragraph becomes one, an image becomes a block
of its own, and what is evidently its caption joins it in a `figure`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from lxml import html
from lxml.html import HtmlElement

from aggregator.core.characters import readable
from aggregator.core.looks import CAPTION_LIMIT, is_caption, is_centred, is_icon
from aggregator.core.markup import (
    BLANK,
    BLOCK_TAGS,
    DEEPEST,
    append_text,
    holds_block,
    is_blank,
    is_filled,
    move_content,
    trim_end,
    trim_start,
)

HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
MEDIA = frozenset(("audio", "embed", "iframe", "video"))
MARKS = frozenset(
    (
        "a", "abbr", "b", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "mark", "q", "rp",
        "rt", "ruby", "s", "samp", "small", "strike", "strong", "sub", "sup", "time", "u", "var",
    )
)  # fmt: skip
"""Inline elements that mean something without their style."""

_SPACES = re.compile(r"[ \t\r\n\f]+")
_SPAN = re.compile(r"[1-9]\d{0,2}\Z")
_INDENT = re.compile("[ \t\r\n]*(?:\u3000|\u00a0{2})")
_VIDEO = re.compile(
    r"//(?:[\w-]+\.)*(?:youtube(?:-nocookie)?\.com|youtu\.be|vimeo\.com|dailymotion\.com"
    r"|bilibili\.com|v\.qq\.com|player\.youku\.com|rumble\.com|brightcove\.net|jwplayer\.com)/"
    r"|/(?:embed/)?(?:player|video|videos|audio)/",
    re.I,
)


def to_blocks(body: HtmlElement) -> list[HtmlElement]:
    """The blocks in what `body` holds, in the order of reading; the tree is used up.

    Each is a `p` (of text, or of one image), `h2`…`h6`, `figure` (images, then a `figcaption` if
    there is a caption), `ul`, `ol`, `dl`, `table`, `blockquote`, `pre` or `hr`; none is empty.
    Addresses are expected to be absolute. Attributes are left as they were.
    """
    flow = _Flow()
    _pour(body, flow, 0)
    flow.close()
    return flow.blocks


def is_image(block: HtmlElement) -> bool:
    """Is this block an image (or several), and no text but a caption?"""
    return block.tag == "figure" or (
        block.tag == "p"
        and next(block.iter("img"), None) is not None
        and not block.text_content().strip(BLANK)
    )


def caption_of(block: HtmlElement) -> str:
    caption = block.find("figcaption") if block.tag == "figure" else None
    return "" if caption is None else caption.text_content().strip(BLANK)


class _Flow:
    """Blocks so far, and the paragraph that is being filled."""

    def __init__(self) -> None:
        self.blocks: list[HtmlElement] = []
        self.image_centred = False
        self._begin()

    def _begin(self) -> None:
        self._paragraph = html.Element("p")
        self._last: HtmlElement | None = None
        # the text behind the last element: joined once, however many pieces it comes in
        self._pieces: list[str] = []
        self._is_blank = True

    def text(self, text: str | None) -> None:
        if not text:
            return
        if self._is_at_break() and _INDENT.match(text):
            self.close()
        text = _SPACES.sub(" ", text)
        blank = is_blank(text)
        if self._is_open() or not blank:
            self._pieces.append(text)
            self._is_blank = self._is_blank and blank

    def inline(self, element: HtmlElement) -> None:
        for line_break in element.iter("br"):
            line_break.tail = "\n" + (line_break.tail or "").lstrip()
        self._append(element)

    def line_break(self) -> None:
        if self._is_at_break():
            self.close()
        elif self._is_open():
            self._append(html.Element("br"))
            self._pieces.append("\n")

    def image(self, image: HtmlElement, followed: bool) -> None:
        """`followed`: text stands right after it, on the same line."""
        if is_icon(image) or (followed and self._text_is_open()):
            self._append(image)
            return
        centred = is_centred(image)
        self.close()
        paragraph = html.Element("p")
        paragraph.append(image)
        self.blocks.append(paragraph)
        self.image_centred = centred

    def close(self) -> None:
        """End the paragraph, if there is anything in it."""
        if not self._is_open():
            return
        self._put_text()
        paragraph = self._paragraph
        self._begin()
        trim_start(paragraph)
        trim_end(paragraph)
        if self.awaits_caption() and is_caption(paragraph, image_centred=False):
            self.caption([paragraph])
        elif is_filled(paragraph):
            self.blocks.append(paragraph)

    def _append(self, element: HtmlElement) -> None:
        self._put_text()
        self._paragraph.append(element)
        self._last = element

    def _put_text(self) -> None:
        text = "".join(self._pieces)
        if self._last is None:
            self._paragraph.text = text
        else:
            self._last.tail = text
        self._pieces = []
        self._is_blank = True

    def awaits_caption(self) -> bool:
        return bool(self.blocks) and is_image(self.blocks[-1]) and not caption_of(self.blocks[-1])

    def caption(self, paragraphs: list[HtmlElement]) -> None:
        """Give the image that was last the caption."""
        image = self.blocks[-1]
        image.tag = "figure"
        caption = html.Element("figcaption")
        for paragraph in paragraphs:
            if is_filled(caption):
                append_text(caption, " ")
            move_content(paragraph, caption)
        for small in list(caption.iter("small")):
            small.drop_tag()
        image.append(caption)

    def _is_open(self) -> bool:
        return self._last is not None or bool(self._pieces)

    def _is_at_break(self) -> bool:
        """Does a line begin here that has no text yet?"""
        return self._last is not None and self._last.tag == "br" and self._is_blank

    def _text_is_open(self) -> bool:
        """Has the line that is being filled text before this place?"""
        return not self._is_blank or (self._last is not None and self._last.tag != "br")


# --- pouring -----------------------------------------------------------------------------------


def _pour(parent: HtmlElement, flow: _Flow, depth: int) -> None:
    flow.text(parent.text)
    for child in list(parent):
        tail = child.tail
        child.tail = None
        if depth >= DEEPEST:
            flow.text(child.text_content())
        else:
            _place(child, flow, depth + 1, tail)
        flow.text(tail)


def _poured(parent: HtmlElement, depth: int) -> list[HtmlElement]:
    flow = _Flow()
    _pour(parent, flow, depth)
    flow.close()
    return flow.blocks


def _place(element: HtmlElement, flow: _Flow, depth: int, tail: str | None) -> None:
    tag = element.tag
    if tag == "br":
        flow.line_break()
    elif tag == "img":
        flow.image(element, followed=not is_blank(tail))
    elif tag in MEDIA:
        _place_media(element, flow)
    elif tag in _PLACES:
        flow.close()
        _PLACES[tag](element, flow, depth)
    elif tag in BLOCK_TAGS:
        _place_box(element, flow, depth)
    else:
        _place_inline(element, flow, depth, tail)


def _place_box(box: HtmlElement, flow: _Flow, depth: int) -> None:
    flow.close()
    captions = flow.awaits_caption() and is_caption(box, flow.image_centred)
    blocks = _poured(box, depth) if captions else []
    if captions and all(block.tag == "p" for block in blocks):
        flow.caption(blocks)
    elif captions:
        flow.blocks += blocks
    else:
        _pour(box, flow, depth)
        flow.close()


def _place_inline(element: HtmlElement, flow: _Flow, depth: int, tail: str | None) -> None:
    images = list(element.iter("img"))
    if len(images) == 1 and element.tag == "a" and is_blank(element.text_content()):
        _place_linked_image(element, images[0], flow, tail)
    elif images or element.tag not in MARKS or holds_block(element) or _holds_media(element):
        _pour(element, flow, depth)
    elif is_blank(element.text_content()):
        for _ in element.iter("br"):
            flow.line_break()
    else:
        flow.inline(element)


def _place_linked_image(
    link: HtmlElement, image: HtmlElement, flow: _Flow, tail: str | None
) -> None:
    target = link.get("href", "")
    if not target or re.search(r"\.(?:jpe?g|png|gif|webp|avif)(?:$|\?)", target, re.I):
        # a link to the image itself, larger
        flow.image(image, followed=not is_blank(tail))
        return
    for child in list(link):
        link.remove(child)
    link.text = None
    image.tail = None
    link.append(image)
    flow.image(link, followed=not is_blank(tail))


def _place_media(media: HtmlElement, flow: _Flow) -> None:
    """A player becomes a link to what it plays; other frames go."""
    source = media.get("src", "")
    if not source:
        source = next((inner.get("src", "") for inner in media.iter("source")), "")
    if not source or (media.tag in ("iframe", "embed") and not _VIDEO.search(source)):
        return
    flow.close()
    link = html.Element("a", href=source)
    link.text = readable(media.get("title", "")).strip() or source
    flow.inline(link)
    flow.close()


def _place_heading(heading: HtmlElement, flow: _Flow, depth: int) -> None:
    for block in _poured(heading, depth):
        if block.tag == "p" and not is_image(block):
            # the article's title is the page's h1
            block.tag = "h2" if heading.tag == "h1" else heading.tag
        flow.blocks.append(block)


def _place_figure(figure: HtmlElement, flow: _Flow, depth: int) -> None:
    blocks = _poured(figure, depth)
    images = [block for block in blocks if is_image(block)]
    texts = [block for block in blocks if not is_image(block)]
    captions = [caption for block in images if (caption := caption_of(block))]
    length = sum(len(text.text_content()) for text in texts)
    is_one = (
        bool(images)
        and all(text.tag == "p" for text in texts)
        and length <= CAPTION_LIMIT
        and len(captions) <= 1
    )
    if not is_one:
        flow.blocks += blocks
        return
    joined = html.Element("p")
    for image in images:
        if (caption := image.find("figcaption")) is not None:
            image.remove(caption)
            texts.insert(0, caption)
        move_content(image, joined)
    flow.blocks.append(joined)
    joined.tag = "figure"
    if texts:
        flow.caption(texts)


def _place_quote(quote: HtmlElement, flow: _Flow, depth: int) -> None:
    blocks = _poured(quote, depth)
    if blocks:
        flow.blocks.append(_holding("blockquote", blocks))


def _place_list(listing: HtmlElement, flow: _Flow, depth: int) -> None:
    if next(listing.iter("img"), None) is not None:
        # a gallery: its images are blocks
        _pour(listing, flow, depth)
        flow.close()
        return
    made = html.Element("dl" if listing.tag == "dl" else "ol" if listing.tag == "ol" else "ul")
    for child in listing:
        if blocks := _poured(child, depth):
            tag = child.tag if child.tag in ("dt", "dd") else "li"
            item = _holding(tag if made.tag == "dl" or tag == "li" else "li", blocks)
            item.tail = "\n"
            made.append(item)
    if len(made):
        flow.blocks.append(made)


def _place_table(table: HtmlElement, flow: _Flow, depth: int) -> None:
    holds_boxes = next(table.iterdescendants("table", "figure"), None) is not None
    if holds_boxes or max((len(row) for row in table.iter("tr")), default=0) <= 1:
        # a table for the sake of the layout
        _pour(table, flow, depth)
        flow.close()
        return
    if is_blank(table.text_content()) and next(table.iter("img"), None) is None:
        return
    for cell in list(table.iter("td", "th", "caption")):
        filled = _holding(cell.tag, _poured(cell, depth))
        for name in ("colspan", "rowspan"):
            if _SPAN.match(span := cell.get(name, "")):
                filled.set(name, span)
        filled.tail = " "
        parent = cell.getparent()
        if parent is not None:
            parent.replace(cell, filled)
    for row in table.iter("tr"):
        row.tail = "\n"
    flow.blocks.append(table)


def _place_preformatted(code: HtmlElement, flow: _Flow, depth: int) -> None:
    if holds_block(code) or next(code.iter("img", *MEDIA), None) is not None:
        _pour(code, flow, depth)
        flow.close()
    elif not is_blank(code.text_content()):
        code.tag = "pre"
        flow.blocks.append(code)


def _place_rule(rule: HtmlElement, flow: _Flow, depth: int) -> None:
    if flow.blocks and flow.blocks[-1].tag != "hr":
        flow.blocks.append(html.Element("hr"))


_PLACES: dict[str, Callable[[HtmlElement, _Flow, int], None]] = {
    **dict.fromkeys(HEADINGS, _place_heading),
    **dict.fromkeys(("ul", "ol", "dl", "menu", "dir"), _place_list),
    "figure": _place_figure,
    "blockquote": _place_quote,
    "table": _place_table,
    **dict.fromkeys(("pre", "listing", "xmp"), _place_preformatted),
    "hr": _place_rule,
}


def _holds_media(element: HtmlElement) -> bool:
    return next(element.iterdescendants(*MEDIA), None) is not None


def _holding(tag: str, blocks: Iterable[HtmlElement]) -> HtmlElement:
    """An element around blocks; a paragraph that comes first needs no `p` of its own there."""
    holder = html.Element(tag)
    for block in blocks:
        if tag != "blockquote" and block.tag == "p" and not is_filled(holder):
            move_content(block, holder)
        else:
            block.tail = "\n"
            holder.append(block)
    return holder
