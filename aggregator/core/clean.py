"""A body cleaned up and made safe: `clean_body`, by rules that source families declare.

html as given → tree → addresses absolute, images unwrapped → what rules drop goes
              → blocks (core/blocks) → first lines read, last lines cut → nh3 → Cleaned
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

import nh3
from lxml import etree, html
from lxml.html import HtmlElement

from aggregator.core.blocks import caption_of, is_image, to_blocks
from aggregator.core.characters import readable
from aggregator.core.clean_rules import NO_RULES, CleanRules, RuleEffect, combine
from aggregator.core.images import image_key, unwrap
from aggregator.core.lines import cut_lines
from aggregator.core.looks import DEAD_TAGS, is_hidden, is_tracker
from aggregator.core.markup import (
    BLANK,
    is_blank,
    parse_fragment,
    remove_all,
    resolve_addresses,
    select,
    unwrap_all,
)
from aggregator.core.model import Image
from aggregator.core.patterns import compiled
from aggregator.core.scramble import unscramble
from aggregator.core.stray_scripts import cut_scripts

__all__ = (
    "NO_RULES", "CleanRules", "Cleaned", "RuleEffect", "clean_body", "combine", "unwrap_image",
)  # fmt: skip

HEADER_BLOCKS = 2
"""How many of the first text blocks may be a line of date and author."""

LINE_LIMIT = 500
"""Characters; a longer block is no date line, no note, no mark of the end."""

FOOTER_LIMIT = 300
"""Characters a footer may have below however short a body."""

AT_ONCE = 1000
"""Blocks that are sanitised together."""

_STYLED = etree.XPath("boolean(.//*[@hidden or @style])")
_SIZE = re.compile(r"[1-9]\d{0,4}\Z")

_SANITISER = nh3.Cleaner(
    tags={
        "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "dd", "del", "dfn", "dl",
        "dt", "em", "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins",
        "kbd", "li", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "small",
        "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "time",
        "tr", "u", "ul", "var",
    },
    clean_content_tags={"script", "style"},
    attributes={
        "a": {"href", "title"},
        "abbr": {"title"},
        "img": {"src", "alt", "title", "width", "height"},
        "ol": {"start"},
        "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan"},
        "time": {"datetime"},
    },
    # several sites refuse their images to a request that says where it comes from
    set_tag_attribute_values={"img": {"referrerpolicy": "no-referrer"}},
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A body as it may be shown. `html` is sanitised; all addresses in it are absolute."""

    html: str
    text: str
    """A line per block, without captions."""
    image: Image | None
    """The first one."""
    published_text: str
    """The date that stood in the first lines, as it was written there; may be empty."""
    author: str
    captions: str = ""
    """A line per caption."""
    trace: tuple[RuleEffect, ...] = ()
    """The rules that found something."""


def clean_body(body: str, base: str, rules: CleanRules = NO_RULES) -> Cleaned:
    """Takes a body's HTML as given, and the address its relative links are relative to.

    Paragraphs, headings, links, quotes, lists, tables, code, images with captions are kept, all
    that is only presentation is not. Raises nothing, whatever the body.
    """
    trace = _Trace()
    tree = parse_fragment(body)
    resolve_addresses(tree, base)
    _settle_images(tree, rules, trace)
    for scramble in rules.scrambled:
        trace.add("scrambled", scramble.attribute, unscramble(tree, scramble))
    _drop_dead(tree)
    remove_all(tree, _selected(tree, "drop", rules.drop, trace))
    unwrap_all(tree, _selected(tree, "lift", rules.lift, trace))
    _drop_hidden(tree)
    _settle_noscript(tree)
    _drop_from_captions(tree, rules, trace)
    blocks = to_blocks(tree)
    texts = [_text(block) for block in blocks]
    header = _read_header(texts, rules, trace)
    notes = _drop_notes(blocks, texts, rules, trace)
    end = _footer_start(texts, rules, trace)
    dropped = header.blocks | notes.blocks | _repeats_of_lead(blocks[:end], rules, trace)
    kept = [at for at in range(end) if at not in dropped]
    while kept and blocks[kept[0]].tag == "hr":
        del kept[0]
    while kept and blocks[kept[-1]].tag == "hr":
        del kept[-1]
    return Cleaned(
        html=_sanitised([blocks[at] for at in kept]),
        text="\n".join(texts[at] for at in kept if texts[at]),
        image=_first_image([blocks[at] for at in kept]),
        published_text=header.published_text,
        author=header.author or notes.author,
        captions="\n".join(caption for at in kept if (caption := caption_of(blocks[at]))),
        trace=trace.effects(),
    )


def unwrap_image(url: str, rules: CleanRules) -> str:
    """The address of the original, if `url` goes through an image proxy of the rules."""
    return unwrap(url, rules.image_proxies)[0]


class _Trace:
    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, action: str, rule: str, count: int = 1) -> None:
        if count:
            self._counts[action, rule] += count

    def effects(self) -> tuple[RuleEffect, ...]:
        return tuple(RuleEffect(*key, count) for key, count in self._counts.items())


# --- before the blocks -------------------------------------------------------------------------


def _settle_images(tree: HtmlElement, rules: CleanRules, trace: _Trace) -> None:
    """Give images their own addresses, and drop those that are there to be counted, not seen."""
    trackers: list[HtmlElement] = []
    for image in tree.iter("img"):
        original, through = unwrap(image.get("src", ""), rules.image_proxies)
        image.set("src", original)
        for proxy in through:
            trace.add("image_proxies", proxy)
        if is_tracker(image):
            trackers.append(image)
        _keep_sizes(image)
    remove_all(tree, trackers)


def _selected(
    tree: HtmlElement, action: str, selectors: tuple[str, ...], trace: _Trace
) -> list[HtmlElement]:
    """What any of the selectors finds. Which of them is asked only where there is something."""
    found = select(tree, selectors)
    for selector in selectors if found else ():
        trace.add(action, selector, len(select(tree, (selector,))))
    return found


def _keep_sizes(image: HtmlElement) -> None:
    """Sizes in pixels are kept, `100%` and the like are presentation."""
    for name in ("width", "height"):
        size = image.get(name)
        if size is not None and not _SIZE.match(size):
            del image.attrib[name]


def _drop_dead(tree: HtmlElement) -> None:
    """Drop what is no text, and what only browsers that know no frames would show."""
    etree.strip_elements(tree, *DEAD_TAGS, with_tail=False)
    for frame in list(tree.iter("iframe")):
        frame.text = None
        del frame[:]
    cut_scripts(tree)


def _drop_hidden(tree: HtmlElement) -> None:
    """Drop what is not to be seen, unless it is most of the text: scripts reveal that."""
    if not _STYLED(tree):
        return
    hidden: list[HtmlElement] = []
    left = len(tree.text_content())
    walk = etree.iterwalk(tree, events=("start",))
    for _, element in walk:
        if element is not tree and is_hidden(element):
            size = len(element.text_content())
            if size * 2 < left:
                hidden.append(element)
                left -= size
                walk.skip_subtree()
    remove_all(tree, hidden)


def _settle_noscript(tree: HtmlElement) -> None:
    """Keep of a `noscript` what scripts would have shown, and nothing twice."""
    frames = list(tree.iter("noscript"))
    if not frames:
        return
    shown = {
        image.get("src")
        for image in tree.iter("img")
        if next(image.iterancestors("noscript"), None) is None
    }
    kept, repeated = [], []
    for frame in frames:
        images = [image.get("src") for image in frame.iter("img")]
        if images and not shown.issuperset(images):
            kept.append(frame)
            shown.update(images)
        else:
            repeated.append(frame)
    remove_all(tree, repeated)
    unwrap_all(tree, kept)


def _drop_from_captions(tree: HtmlElement, rules: CleanRules, trace: _Trace) -> None:
    """Drop the parts of captions that are notes: whose picture it is, that this is a caption."""
    if not rules.drop_text:
        return
    for figure in list(tree.iter("figure", "figcaption")):
        notes: list[HtmlElement] = []
        for part in figure.iterdescendants("span", "p", "div", "small", "figcaption"):
            found = _first_match(rules.drop_text, part.text_content().strip(BLANK))
            if found:
                notes.append(part)
                trace.add("drop_text", found[0])
        remove_all(figure, notes)


# --- on the blocks -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """Blocks that are to go, and what they say of the article."""

    blocks: set[int]
    published_text: str = ""
    author: str = ""


def _text(block: HtmlElement) -> str:
    """A block's own text: a caption is no part of the running text, nor is a bare address."""
    if is_image(block) or _is_bare_link(block):
        return ""
    text: str = block.text_content()
    if block.tag == "pre":
        return text.strip(BLANK)
    return "\n".join(filter(None, (line.strip(BLANK) for line in text.split("\n"))))


def _is_bare_link(block: HtmlElement) -> bool:
    """A player's address, or one that is shown as it is, in a paragraph of its own."""
    link = block
    while link.tag != "a" and len(link) == 1 and is_blank(link.text) and is_blank(link[0].tail):
        link = link[0]
    return link.tag == "a" and bool(link.text_content() == link.get("href"))


def _read_header(texts: list[str], rules: CleanRules, trace: _Trace) -> _Found:
    """Which blocks are lines of date and author, and what they say."""
    found: set[int] = set()
    published_text = author = ""
    for at in [at for at, text in enumerate(texts) if text][:HEADER_BLOCKS]:
        matched = _first_match(rules.header, texts[at])
        if not matched:
            break
        rule, match = matched
        found.add(at)
        trace.add("header", rule)
        groups = match.groupdict()
        published_text = published_text or _date_of(groups)
        author = author or _author_of(groups)
    return _Found(found, published_text, author)


def _date_of(groups: Mapping[str, str | None]) -> str:
    """The date as written; put in order where a rule names its parts, for 1/2/2021 has two."""
    if groups.get("year"):
        day = "-".join(groups.get(name) or "" for name in ("year", "month", "day"))
        return f"{day} {groups.get('time') or ''}".strip()
    return (groups.get("date") or "").strip()


def _author_of(groups: Mapping[str, str | None]) -> str:
    return " ".join((groups.get("author") or "").split())


def _drop_notes(
    blocks: list[HtmlElement], texts: list[str], rules: CleanRules, trace: _Trace
) -> _Found:
    """Which blocks are notes; lines that are notes are cut out of their blocks and texts."""
    found: set[int] = set()
    author = ""
    for at, text in enumerate(texts):
        if not text:
            continue
        matched = _first_match(rules.drop_text, text)
        if matched:
            found.add(at)
            trace.add("drop_text", matched[0])
            author = author or _author_of(matched[1].groupdict())
        elif "\n" in text and blocks[at].tag == "p":
            cut = cut_lines(blocks[at], lambda line: _first_match(rules.drop_text, line))
            for rule, _ in cut:
                trace.add("drop_text", rule)
            texts[at] = _text(blocks[at]) if cut else text
            if not texts[at]:
                found.add(at)
    return _Found(found, author=author)


def _repeats_of_lead(blocks: list[HtmlElement], rules: CleanRules, trace: _Trace) -> set[int]:
    """Later blocks that are only the first image once more, in whatever size."""
    lead = ""
    found: set[int] = set()
    for at, block in enumerate(blocks):
        images = [image.get("src", "") for image in block.iter("img")] if is_image(block) else []
        keys = {image_key(image, rules.image_sizes) for image in images}
        if not lead:
            lead = next(iter(keys), "") if len(keys) == 1 else ""
        elif keys == {lead} and not caption_of(block):
            found.add(at)
            trace.add("repeat", lead)
    return found


def _first_match(patterns: Iterable[str], text: str) -> tuple[str, re.Match[str]] | None:
    """The first pattern that matches the whole of a text that is no longer than a line."""
    if not text or len(text) > LINE_LIMIT:
        return None
    for pattern in patterns:
        if match := compiled(pattern).fullmatch(text):
            return pattern, match
    return None


def _footer_start(texts: list[str], rules: CleanRules, trace: _Trace) -> int:
    """The number of blocks before the footer: all of them, if there is none."""
    lengths = [0, *accumulate(map(len, texts))]
    for at, text in enumerate(texts):
        if not text or len(text) > LINE_LIMIT:
            continue
        rule = next((rule for rule in rules.footer if compiled(rule).match(text)), None)
        if rule is None:
            continue
        before, after = lengths[at], lengths[-1] - lengths[at]
        # a mark with most of the text behind it ends nothing
        if after <= max(before, FOOTER_LIMIT):
            trace.add("footer", rule, len(texts) - at)
            return at
    return len(texts)


def _first_image(blocks: list[HtmlElement]) -> Image | None:
    for block in blocks:
        for image in block.iter("img"):
            return Image(readable(image.get("src", "")), readable(image.get("alt", "")).strip())
    return None


def _sanitised(blocks: list[HtmlElement]) -> str:
    # a part at a time: of 100,000 blocks at once nh3 takes more memory than a worker has
    pieces = [_serialised(blocks[at : at + AT_ONCE]) for at in range(0, len(blocks), AT_ONCE)]
    return readable("".join(_SANITISER.clean(piece) for piece in pieces)).strip()


def _serialised(blocks: list[HtmlElement]) -> str:
    root = html.Element("body")
    for block in blocks:
        block.tail = "\n"
        root.append(block)
    return str(html.tostring(root, encoding="unicode"))
