"""What an element is, by the way it looks: a caption, an icon, a tracking pixel."""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml.html import HtmlElement

from aggregator.core.markup import BLANK, BLOCK_TAGS, holds_block, is_blank

CAPTION_LIMIT = 400
"""Characters; a longer text below an image is a paragraph."""

CENTRED_CAPTION_LIMIT = 150
"""Characters, where the only evidence is that image and text are both centred."""

ICON_SIZE = 48
"""Pixels; an image up to this size on both sides is a sign within the text."""

DEAD_TAGS = frozenset(
    (
        "area", "base", "button", "canvas", "datalist", "dialog", "frame", "frameset", "head",
        "input", "link", "map", "math", "meta", "object", "option", "param", "script", "select",
        "style", "svg", "template", "textarea", "title", "track",
    )
)  # fmt: skip
"""What is no text, and shows none."""

_CAPTION_CLASS = re.compile(r"(?:^|[\s_-])(?:caption|figcaption|cutline)(?:$|[\s_-])", re.I)
_HIDDEN_STYLE = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.I)
_CENTRED_STYLE = re.compile(r"text-align\s*:\s*center", re.I)
_BOLD_STYLE = re.compile(r"font-weight\s*:\s*(?:bold|[6-9]00)", re.I)
_COLOUR = re.compile(
    r"(?<![-\w])color\s*:\s*(?:#(?P<hex>[0-9a-f]{3}(?:[0-9a-f]{3})?)\b"
    r"|rgb\(\s*(?P<r>\d{1,3})\s*,\s*(?P<g>\d{1,3})\s*,\s*(?P<b>\d{1,3})\s*\)"
    r"|(?P<name>(?:dark|dim|light|slate)?gr[ae]y)\b)",
    re.I,
)
_DOT_STYLE = re.compile(
    r"(?:^|;)\s*(?:max-)?(?:width|height)\s*:\s*[01](?:\.0+)?(?:px)?\s*(?:!|;|$)", re.I
)
_TRACKER = re.compile(
    r"https?://(?:"
    # counters and advertisers
    r"(?:[\w-]+\.)*(?:doubleclick\.net|googlesyndication\.com|googleadservices\.com"
    r"|google-analytics\.com|googletagmanager\.com|scorecardresearch\.com|quantserve\.com"
    r"|chartbeat\.(?:com|net)|stats\.wp\.com|stats\.wordpress\.com|pixel\.wp\.com|statcounter\.com"
    r"|feedsportal\.com|pheedo\.com|mc\.yandex\.ru|counter\.yadro\.ru"
    r"|hm\.baidu\.com|cnzz\.com|51\.la|webtrekk\.net|ivwbox\.de"
    r"|vgwort\.de|imrworldwide\.com|hitbox\.com|omtrdc\.net|2o7\.net|xiti\.com|smetrics\.[\w.-]+)[:/]"
    r"|(?:www\.)?facebook\.com/tr[/?]"
    # FeedBurner's, also on hosts of its customers; `/~r/…` counts, `/~ff/…` are buttons
    r"|[^/?#]+/~(?:r|ff|f|a|at|4|it)/"
    # anybody's own, unless it is a photo
    r"|(?:pixel|beacon|tracking|tracker|counter|metrics|analytics)\.[^/?#]+/"
    r"(?![^?#]*\.(?:jpe?g|png|webp|avif)(?:$|[?#]))"
    r"|[^?#]*/(?:b|p|t|1x1|1px|pixel|blank|clear|spacer|transparent|trans|beacon|track(?:er|ing)?"
    r"|count(?:er)?|imp|hit|hm|open|__utm)\.gif(?:$|[?#])"
    r"|[^?#]*/(?:pixel|beacon|track/open|(?:piwik|matomo|counter|count|hit|track)\.(?:php|aspx?|cgi))"
    r"/?(?:$|[?#])"
    r")",
    re.I,
)
"""Addresses of pixels that count who reads."""


def is_caption(box: HtmlElement, image_centred: bool) -> bool:
    """Is `box`, which follows an image, evidently its caption?

    It is if its tag or class says so, if all of it is small or grey, or if both are centred and
    it is short and no bold subheading.
    """
    text = box.text_content().strip(BLANK)
    if not text or len(text) > CAPTION_LIMIT or next(box.iter("img"), None) is not None:
        return False
    if box.tag == "figcaption" or _CAPTION_CLASS.search(box.get("class", "")):
        return True
    if holds_block(box):
        return False
    if _all_text_in(box, _is_small_or_grey):
        return True
    return (
        len(text) <= CENTRED_CAPTION_LIMIT
        and image_centred
        and is_centred(box)
        and not _all_text_in(box, _is_bold)
    )


def _all_text_in(box: HtmlElement, test: Callable[[HtmlElement], bool]) -> bool:
    def passes(element: HtmlElement | None) -> bool:
        while element is not None:
            if test(element):
                return True
            if element is box:
                return False
            element = element.getparent()
        return False

    for element in box.iter():
        if not is_blank(element.text) and not passes(element):
            return False
        if element is not box and not is_blank(element.tail) and not passes(element.getparent()):
            return False
    return True


def _is_small_or_grey(element: HtmlElement) -> bool:
    if element.tag == "small":
        return True
    style = element.get("style", "")
    if element.tag == "font" and "color" in element.attrib:
        style += ";color:" + element.get("color", "")
    match = _COLOUR.search(style) if "color" in style.lower() else None
    if not match:
        return False
    if match["name"]:
        return True
    if match["hex"]:
        width = len(match["hex"]) // 3
        digits = [match["hex"][at : at + width] for at in range(0, 3 * width, width)]
        levels = [int(digit * (3 - width), 16) for digit in digits]
    else:
        levels = [int(match[name]) for name in "rgb"]
    return max(levels) - min(levels) <= 16 and 80 <= max(levels) <= 192


def _is_bold(element: HtmlElement) -> bool:
    return element.tag in ("b", "strong") or bool(_BOLD_STYLE.search(element.get("style", "")))


def is_centred(element: HtmlElement) -> bool:
    """By its own markup, or that of the nearest block around it."""
    current: HtmlElement | None = element
    while current is not None:
        if (
            current.tag == "center"
            or current.get("align", "").lower() == "center"
            or _CENTRED_STYLE.search(current.get("style", ""))
        ):
            return True
        if current.tag in BLOCK_TAGS:
            return False
        current = current.getparent()
    return False


def is_icon(image: HtmlElement) -> bool:
    sizes = [_pixels(image.get(name, "")) for name in ("width", "height")]
    return "emoji" in image.get("class", "").lower() or all(
        size is not None and size <= ICON_SIZE for size in sizes
    )


def is_hidden(element: HtmlElement) -> bool:
    style = element.get("style")
    return "hidden" in element.attrib or bool(style and _HIDDEN_STYLE.search(style))


def is_tracker(image: HtmlElement) -> bool:
    """Is it there to be fetched, not to be seen?"""
    sizes = [_pixels(image.get(name, "")) for name in ("width", "height")]
    return (
        any(size is not None and size <= 1 for size in sizes)
        or bool(_DOT_STYLE.search(image.get("style", "")))
        or bool(_TRACKER.match(image.get("src", "")))
    )


def _pixels(text: str) -> int | None:
    match = re.fullmatch(r"\s*(\d{1,5})(?:\.\d+)?(?:px)?\s*", text)
    return int(match[1]) if match else None
