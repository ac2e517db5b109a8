"""A body cleaned up and made safe: `clean_body`, by rules that source families declare.

html as given → tree → addresses absolute, images unwrapped → what rules drop goes
              → blocks (core/blocks) → first lines read, last lines cut → nh3 → Cleaned
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from urllib.parse import unquote

import nh3
from lxml import html
from lxml.html import HtmlElement

from aggregator.core.blocks import DEAD_TAGS, caption_of, is_image, to_blocks
from aggregator.core.markup import (
    BLANK,
    append_text,
    parse_fragment,
    readable,
    remove,
    resolve_addresses,
    select,
)
from aggregator.core.model import Image

HEADER_BLOCKS = 2
"""How many of the first text blocks may be a line of date and author."""

LINE_LIMIT = 500
"""Characters; a longer block is no date line, no note, no mark of the end."""

FOOTER_LIMIT = 300
"""Characters a footer may have below however short a body."""

_HIDDEN = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.I)
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad]")
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
class CleanRules:
    """What a source family knows of its bodies. A rule that matches nothing does nothing.

    Regular expressions meet a block's text with the white space at its ends gone and `<br>` as
    a line end.
    """

    drop: tuple[str, ...] = ()
    """CSS selectors of elements to drop."""
    drop_text: tuple[str, ...] = ()
    """A block of which one of these matches the whole text is dropped."""
    header: tuple[str, ...] = ()
    """One of the first lines, if matched as a whole, is dropped; its groups `date` and `author`
    are kept aside."""
    footer: tuple[str, ...] = ()
    """From the block whose beginning one of these matches, everything is dropped."""
    image_proxies: tuple[str, ...] = ()
    """An image address matched as a whole is replaced by its group 1, percent-decoded, with
    `https://` before it if it has no scheme."""


NO_RULES = CleanRules()


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


def combine(*rules: CleanRules) -> CleanRules:
    """All the rules of several families, in their order."""
    return CleanRules(
        *(
            tuple(rule for family in rules for rule in getattr(family, field.name))
            for field in fields(CleanRules)
        )
    )


def clean_body(body: str, base: str, rules: CleanRules = NO_RULES) -> Cleaned:
    """Takes a body's HTML as given, and the address its relative links are relative to.

    Paragraphs, headings, links, quotes, lists, tables, code, images with captions are kept, all
    that is only presentation is not. Raises nothing, whatever the body.
    """
    tree = parse_fragment(_visible(body))
    resolve_addresses(tree, base)
    for image in tree.iter("img"):
        image.set("src", unwrap_image(image.get("src", ""), rules))
        _keep_sizes(image)
    _drop_dead(tree)
    for element in select(tree, rules.drop):
        remove(element)
    _drop_hidden(tree)
    _settle_noscript(tree)
    blocks = to_blocks(tree)
    texts = [_visible(_text(block)) for block in blocks]
    dropped, published_text, author = _read_header(texts, rules)
    dropped |= _noted(texts, rules)
    end = _footer_start(texts, rules)
    kept = [at for at in range(end) if at not in dropped]
    while kept and blocks[kept[0]].tag == "hr":
        del kept[0]
    while kept and blocks[kept[-1]].tag == "hr":
        del kept[-1]
    return Cleaned(
        html=_sanitised([blocks[at] for at in kept]),
        text="\n".join(texts[at] for at in kept if texts[at]),
        image=_first_image([blocks[at] for at in kept]),
        published_text=published_text,
        author=author,
        captions="\n".join(_visible(caption) for at in kept if (caption := caption_of(blocks[at]))),
    )


def unwrap_image(url: str, rules: CleanRules) -> str:
    """The address of the original, if `url` goes through an image proxy of the rules."""
    for proxy in rules.image_proxies:
        match = re.fullmatch(proxy, url)
        if match:
            original = unquote(match[1], errors="replace")
            original = original if "://" in original else "https://" + original.lstrip("/")
            return original.replace(" ", "%20")
    return url


def _visible(text: str) -> str:
    """Without what no HTML may hold, nor soft hyphens and the like; both also come as references,
    so this is asked of what goes in and of what comes out."""
    return _INVISIBLE.sub("", readable(text))


# --- before the blocks -------------------------------------------------------------------------


def _keep_sizes(image: HtmlElement) -> None:
    """Sizes in pixels are kept, `100%` and the like are presentation."""
    for name in ("width", "height"):
        size = image.get(name)
        if size is not None and not _SIZE.match(size) and size.strip() not in ("0", "0px", "1px"):
            del image.attrib[name]


def _drop_dead(tree: HtmlElement) -> None:
    """Drop what is no text, and what only browsers that know no frames would show."""
    for element in list(tree.iter(*DEAD_TAGS)):
        remove(element)
    for frame in list(tree.iter("iframe")):
        frame.text = None
        for child in list(frame):
            frame.remove(child)


def _drop_hidden(tree: HtmlElement) -> None:
    """Drop what is not to be seen, unless it is most of the text: scripts reveal that."""
    for element in list(tree.iterdescendants()):
        hidden = "hidden" in element.attrib or (
            "style" in element.attrib and _HIDDEN.search(element.get("style", ""))
        )
        if hidden and len(element.text_content()) * 2 < len(tree.text_content()):
            remove(element)


def _settle_noscript(tree: HtmlElement) -> None:
    """Keep of a `noscript` what scripts would have shown, and nothing twice."""
    frames = list(tree.iter("noscript"))
    if not frames:
        return
    shown = {
        image.get("src") for image in tree.iter("img") if not list(image.iterancestors("noscript"))
    }
    for frame in frames:
        images = [image.get("src") for image in frame.iter("img")]
        if images and not shown.issuperset(images):
            frame.drop_tag()
            shown.update(images)
        else:
            remove(frame)


# --- on the blocks -----------------------------------------------------------------------------


def _text(block: HtmlElement) -> str:
    """A block's own text: a caption is no part of the running text, nor is a bare address."""
    if is_image(block) or _is_bare_link(block):
        return ""
    text: str = block.text_content()
    if block.tag == "pre":
        return text.strip(BLANK)
    lines = (line.strip(BLANK) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _is_bare_link(block: HtmlElement) -> bool:
    """A player's address, or one that is shown as it is, in a paragraph of its own."""
    link = block[0] if len(block) == 1 and not block.text else None
    return (
        link is not None
        and not link.tail
        and link.tag == "a"
        and link.text_content() == link.get("href")
    )


def _read_header(texts: list[str], rules: CleanRules) -> tuple[set[int], str, str]:
    """Which blocks are lines of date and author, and what they say."""
    found: set[int] = set()
    published_text = author = ""
    first = [at for at, text in enumerate(texts) if text][:HEADER_BLOCKS]
    for at in first:
        match = _first_match(rules.header, texts[at])
        if not match:
            break
        found.add(at)
        groups = match.groupdict()
        published_text = published_text or (groups.get("date") or "").strip()
        author = author or " ".join((groups.get("author") or "").split())
    return found, published_text, author


def _noted(texts: list[str], rules: CleanRules) -> set[int]:
    return {at for at, text in enumerate(texts) if _first_match(rules.drop_text, text)}


def _first_match(patterns: tuple[str, ...], text: str) -> re.Match[str] | None:
    if not text or len(text) > LINE_LIMIT:
        return None
    return next((match for pattern in patterns if (match := re.fullmatch(pattern, text))), None)


def _footer_start(texts: list[str], rules: CleanRules) -> int:
    """The number of blocks before the footer: all of them, if there is none."""
    for at, text in enumerate(texts):
        if text and len(text) <= LINE_LIMIT and any(re.match(rule, text) for rule in rules.footer):
            before, after = sum(map(len, texts[:at])), sum(map(len, texts[at:]))
            # a mark with most of the text behind it ends nothing
            if after <= max(before, FOOTER_LIMIT):
                return at
    return len(texts)


def _first_image(blocks: list[HtmlElement]) -> Image | None:
    for block in blocks:
        for image in block.iter("img"):
            return Image(readable(image.get("src", "")), readable(image.get("alt", "")).strip())
    return None


def _sanitised(blocks: list[HtmlElement]) -> str:
    root = html.Element("body")
    for block in blocks:
        block.tail = "\n"
        root.append(block)
    append_text(root, "")
    markup: str = html.tostring(root, encoding="unicode")
    # character references may have brought in what no XML may hold
    return _visible(_SANITISER.clean(markup)).strip()
