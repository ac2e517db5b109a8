"""What stands in the article's box and is not the article: `drop_boilerplate`.

By the names pages give it, by lists of links, by labels (read more, 相关阅读), by what is said
twice, and at both ends by lines that no witness took for the article. Images, tables, quotes and
code are never dropped for their looks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice

from lxml.html import HtmlElement

from aggregator.core.layout import Layout, letters, names
from aggregator.core.looks import is_hidden
from aggregator.core.markup import BLOCK_TAGS, holds_block, remove, remove_all

LINKED_SHARE = 0.7
"""From this share of its letters inside links on, a box is a list of links."""

PROTECTED_SHARE = 0.3
"""A box with more than this share of the named text is the article, whatever it is called."""

NAMED_SHARE = 0.1
"""A box with less than this share of the named text is not the article if its name says so."""

HIDDEN_SHARE = 0.35
"""A hidden box with more than this share of the text is there to be shown by a script."""

BELIEVED = 0.5
"""A block of which at least this share was named is believed to be the article's."""

UNNAMED = 0.25
"""A line of which less than this share was named was named by no witness."""

LINE_LIMIT = 250
"""Characters; a longer paragraph is no label, byline or call."""

LINES_LINKED = 0.3
"""In an article with more than this share of lines that are links, they are the article."""

REPEAT_LEAST = 20
"""Letters; a shorter block may well be said twice."""

_TEXT_TAGS = frozenset(("p", "h2", "h3", "h4", "h5", "h6", "figcaption", "td", "th"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_TITLE_TAGS = frozenset(("h1", "h2", "h3", "h4"))
_KEPT = ("img", "picture", "video", "audio", "iframe", "embed", "object", "table", "pre", "code")
_NAMES = frozenset(
    (
        "ad", "ads", "adv", "advert", "advertisement", "bdsharebuttonbox", "breadcrumb",
        "breadcrumbs", "byline", "comment", "comments", "consent", "cookie", "cookies", "dateline",
        "disqus", "footer", "login", "modal", "newsletter", "next", "outbrain", "pager",
        "pagination", "paywall", "popup", "prev", "previous", "print", "promo", "qrcode",
        "readmore", "recirc", "recommend", "recommendation", "recommendations", "recommended",
        "related", "respond", "share", "sharebox", "sharing", "sidebar", "signup", "social",
        "sponsor", "sponsored", "subscribe", "subscription", "taboola", "tags", "teaser",
        "timestamp", "toolbar", "trending",
    )
)  # fmt: skip
"""Words in a class or id by which pages name what is not the article."""

_CAPTION_NAMES = frozenset(("caption", "cutline", "figcaption"))

_HIDDEN = re.compile(
    r"(?:^|[\s_-])(?:off-?screen|sr-only|visually-?hidden|screen-?reader(?:-text)?)(?:\s|$)", re.I
)
"""Classes of what is only read aloud: `image copyright`, `opens in a new window`."""

_LABEL = re.compile(
    r"(?:[\W_]*(?:related(?: \w+){0,2}"
    r"|(?:read|see|watch|find out|learn|discover) (?:more|also|next)(?: on [\w. ]+)?"
    r"|see also|also (?:on|read|see)\b[\w. ]{0,20}|more(?: on this| from [\w ]+)?"
    r"|don.?t miss|(?:you )?(?:may|might) also (?:like|be interested in)|recommended(?: for you)?"
    r"|top stories|trending(?: now)?|tags?|share this(?: on \w+)?|image \d+ of \W*\d+|advertisement"
    r"|lire aussi|à lire(?: aussi)?|siehe auch|mehr (?:zum thema|dazu)|le[ae] (?:también|também)"
    r"|читайте также|по теме"
    r"|(?:相关|延伸|推荐|更多|热门|關聯|相關|延伸|推薦)(?:阅读|新闻|文章|链接|推荐|閱讀|新聞|連結)"
    r"|(?:点击|點擊)(?:查看|进入|進入)\w{0,10}|分享到|责任编辑|標籤|标签)\s*(?:[:：>»…|.]+|\Z))",
    re.I,
)
_CALL = re.compile(
    r"\b(?:subscribe|newsletters?|sign up|click(?:ing)? here|share (?:it|this|your)|have a tip"
    r"|follow (?:us|him|her|them|me|@?\w+(?: \w+)? on)\b|download (?:our|the) app|in your inbox"
    r"|all rights reserved|contributed to this (?:report|story|article)|abonnieren sie"
    r"|abonnez-vous|suscríbete|inscreva-se|подписывайтесь)"
    r"|(?:正在)?加载中?(?:\.{2,}|…)|loading(?:\.{2,}|…)|扫码|掃碼|扫描二维码|微信公众号|關注我們|关注我们|下载.{0,8}客户端|版权所有|版權所有"
    r"|未经.{0,6}授权|转载请注明",
    re.I,
)
_BYLINE = re.compile(
    r"\W*(?:(?:by|von|par|por|de)\s+\S+(?:\s+\S+){0,5}"
    r"|(?:posted|published|updated|last updated|first published|created|publié|veröffentlicht)\b.*"
    r"|(?:作者|记者|記者|来源|來源|编辑|編輯|发布时间|發布時間|时间|時間|浏览|阅读)\s*[:：].*"
    r"|(?=.*\b(?:19|20)\d\d\b)(?=.*\d\d?:\d\d).{8,60})",
    re.I | re.S,
)


def drop_boilerplate(place: HtmlElement, layout: Layout, title: str) -> None:
    """Takes the article's box, the layout of its page as it was, and the article's title."""
    protected = PROTECTED_SHARE * max(layout.running(place), 1)
    title_letters = letters(title).lower()
    for element in list(place.iterdescendants()):
        if element not in layout.spans or element.getparent() is None:
            continue
        is_title = (
            element.tag in _TITLE_TAGS and letters(element.text_content()).lower() == title_letters
        )
        if _HIDDEN.search(element.get("class", "")):
            remove(element)
            continue
        is_protected = layout.running(element) > protected
        if is_title or (not is_protected and _is_boilerplate(element, layout)):
            remove(element)
    _drop_repeats(place, layout)
    _drop_links(place)
    blocks = _lines(place)
    _trim(blocks, layout, _is_weak_start)
    _trim(list(reversed(blocks)), layout, _is_weak_end)


def drop_hidden(root: HtmlElement) -> None:
    """Drop from a page what is not to be seen: pages keep second copies of their articles so, for
    machines. What is a large part of the text stays, for a script will show it.
    """
    most = len(root.text_content()) * HIDDEN_SHARE
    boxes = root.iter("div", "section", "span", "p", "ul", "article")
    hidden = [box for box in boxes if is_hidden(box) and len(box.text_content()) < most]
    remove_all(root, hidden)


def _is_boilerplate(element: HtmlElement, layout: Layout) -> bool:
    if element.tag not in BLOCK_TAGS and element.tag not in ("iframe", "ins"):
        return False
    length, named, linked = layout.length(element), layout.named(element), layout.linked(element)
    believed = _is_believed(element, layout)
    is_text = element.tag in _TEXT_TAGS
    if element.tag in ("aside", "footer") or names(element) & _NAMES:
        # the witnesses may be wrong about a small box, and the page about a paragraph's name
        is_quote = next(element.iter("blockquote"), None) is not None
        return not is_quote and (
            not believed or (not is_text and named <= NAMED_SHARE * layout.total)
        )
    if _is_labelled(element, length, linked):
        return True
    links = sum(1 for _ in element.iter("a"))
    return not believed and not is_text and links >= 2 and linked >= LINKED_SHARE * max(length, 1)


def _is_believed(element: HtmlElement, layout: Layout) -> bool:
    return layout.named(element) > BELIEVED * max(layout.length(element), 1)


def _is_labelled(element: HtmlElement, length: float, linked: float) -> bool:
    """`Read more: …`, `相关阅读`: a label that stands alone, or with links behind it."""
    if holds_block(element) and element.tag != "li":
        return False
    text = element.text_content().strip()
    label = _LABEL.match(text) if len(text) <= LINE_LIMIT else None
    if not label or next(element.iter(*_KEPT), None) is not None:
        return False
    return linked + len(letters(label[0])) >= LINKED_SHARE * max(length, 1)


def _drop_repeats(place: HtmlElement, layout: Layout) -> None:
    """Drop a caption or paragraph that was there before, unless it is the article that says it."""
    seen: set[str] = set()
    for line in _lines(place):
        found = letters(line.text_content())
        if len(found) < REPEAT_LEAST or next(line.iter(*_KEPT), None) is not None:
            continue
        if found in seen and not _is_believed(line, layout):
            remove(line)
        seen.add(found)


def _drop_links(place: HtmlElement) -> None:
    """Drop paragraphs that are nothing but a link, unless the article is made of such."""
    lines = [line for line in _lines(place) if line.tag in _TEXT_TAGS and not _is_kept(line)]
    links = [line for line in lines if _is_link(line)]
    if len(links) <= LINES_LINKED * len(lines):
        for line in links:
            remove(line)


def _is_link(line: HtmlElement) -> bool:
    if line.tag in _HEADINGS and any("#" in link.get("href", "") for link in line.iter("a")):
        # it leads to itself, or to the contents
        return False
    linked = sum(len(letters(link.text_content())) for link in line.iter("a"))
    return linked >= REPEAT_LEAST and linked >= 0.95 * len(letters(line.text_content()))


def _lines(place: HtmlElement) -> list[HtmlElement]:
    """The blocks of text that hold no other block, in order."""
    return [
        element
        for element in place.iterdescendants(*BLOCK_TAGS)
        if not holds_block(element) and element.text_content().strip()
    ]


def _trim(
    lines: list[HtmlElement], layout: Layout, is_weak: Callable[[HtmlElement, Layout], bool]
) -> None:
    """Drop the first of the lines, up to the first that is not weak."""
    for line in lines:
        if _is_kept(line):
            continue
        if not is_weak(line, layout):
            return
        remove(line)


def _is_kept(line: HtmlElement) -> bool:
    if next(line.iter(*_KEPT), None) is not None:
        return True
    around = [line, *islice(line.iterancestors(), 2)]
    return next(
        line.iterancestors("figure", "table", "pre", "blockquote"), None
    ) is not None or any(names(box) & _CAPTION_NAMES for box in around)


def _is_weak_start(line: HtmlElement, layout: Layout) -> bool:
    text = line.text_content().strip()
    return _is_unnamed(line, layout) or (len(text) <= 100 and bool(_BYLINE.fullmatch(text)))


def _is_weak_end(line: HtmlElement, layout: Layout) -> bool:
    text = line.text_content().strip()
    return _is_unnamed(line, layout) or (len(text) <= LINE_LIMIT and bool(_CALL.search(text)))


def _is_unnamed(line: HtmlElement, layout: Layout) -> bool:
    return line in layout.spans and layout.named(line) < UNNAMED * max(layout.length(line), 1)
