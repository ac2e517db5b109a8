"""Articles changed as mirrors and sites change them: the same from run to run."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import opencc

from bench.labelled import Item

FOOTERS = (
    "本文来自微信公众号，作者保留一切权利，未经授权不得转载。",
    "更多精彩内容请关注官方微信公众号和新浪微博。",
    "责任编辑：李明 校对：王芳",
    "相关阅读：热点专题 图片新闻 视频直播 财经频道 评论频道 客户端下载",
    "版权声明：凡本网注明来源的作品，版权均属于本网，未经授权不得转载、摘编或以其它方式使用。",
    "扫描二维码下载客户端，第一时间获取最新资讯",
)

TAIWAN, HONG_KONG = "s2twp", "s2hk"
BACK = {TAIWAN: "tw2sp", HONG_KONG: "hk2s"}

EDITED = 0.05
"""Share of characters that a light edit changes, in runs of one to three."""

_PUNCTUATION = str.maketrans(
    "，。！？：；（）“”‘’、0123456789", "　．!?:;()「」『』,０１２３４５６７８９"
)


@dataclass(frozen=True, slots=True)
class Source:
    """What changes draw from: the chance of the run, characters to put in, texts of others."""

    chance: random.Random
    characters: Sequence[str]
    others: Sequence[str]


def with_header(item: Item, source: Source) -> Item:
    """As feedx sends it on."""
    text = (
        f"{item.title}\n------\n来源：{item.outlet} {item.published:%Y-%m-%d %H:%M:%S}\n"
        f"原文链接 {item.url}\n{item.text}\n获取更多RSS：https://feedx.net https://feedx.site"
    )
    return replace(item, text=text)


def with_footer(item: Item, source: Source) -> Item:
    """As a page shows it: where it stands, what to do with it, and four sentences of the site."""
    around = "首页 > 新闻 > 正文\n字号 大 中 小 分享到 微信 微博"
    return replace(item, text="\n".join([around, item.text, *source.chance.sample(FOOTERS, 4)]))


def edited(item: Item, source: Source) -> Item:
    chance, text, at = source.chance, item.text, 0
    pieces = []
    while at < len(text):
        if chance.random() >= EDITED / 2:  # runs are of two on average
            pieces.append(text[at])
            at += 1
            continue
        run, how = chance.randint(1, 3), chance.random()
        if how < 0.7:
            at += run
        if how < 0.4 or how >= 0.7:
            pieces.append("".join(chance.choices(source.characters, k=run)))
    return replace(item, text="".join(pieces))


def with_more(item: Item, source: Source) -> Item:
    """Two fifths of other articles' text added: after it, in its middle or before it."""
    wanted, more = int(0.4 * len(item.text)), ""
    while len(more) < wanted:
        more += source.chance.choice(source.others)[: source.chance.randint(60, 400)]
    more, half = more[:wanted], len(item.text) // 2
    texts = (
        f"{item.text}\n{more}",
        f"{item.text[:half]}\n{more}\n{item.text[half:]}",
        f"{more}\n{item.text}",
    )
    return replace(item, text=source.chance.choices(texts, weights=(5, 4, 1))[0])


def first_half(item: Item, source: Source) -> Item:
    return replace(item, text=item.text[: len(item.text) // 2])


def summary(item: Item, source: Source) -> Item:
    """Cut off after 120 to 200 characters, as feeds cut."""
    return replace(item, text=item.text[: source.chance.randint(120, 200)])


_SENTENCE = re.compile(r"(?<=[。！？\n])")


def selected(item: Item, source: Source) -> Item:
    """A summary of some of the first sentences: 120 to 200 characters."""
    kept = ""
    for sentence in _SENTENCE.split(item.text):
        if len(kept) >= 120:
            break
        if len(kept) + len(sentence) < 60 or source.chance.random() < 0.7:
            kept += sentence[: 200 - len(kept)]
    return replace(item, text=kept if len(kept) >= 100 else item.text[:160])


def taiwan(item: Item, source: Source) -> Item:
    return _converted(item, TAIWAN)


def hong_kong(item: Item, source: Source) -> Item:
    return _converted(item, HONG_KONG)


def there_and_back(item: Item, source: Source) -> Item:
    there = source.chance.choice((TAIWAN, HONG_KONG))
    return _converted(_converted(item, there), BACK[there])


def _converted(item: Item, how: str) -> Item:
    convert = _converter(how).convert
    return replace(item, title=convert(item.title), text=convert(item.text))


@cache
def _converter(how: str) -> opencc.OpenCC:
    return opencc.OpenCC(how)


def other_punctuation(item: Item, source: Source) -> Item:
    """And full-width digits."""
    return replace(
        item, title=item.title.translate(_PUNCTUATION), text=item.text.translate(_PUNCTUATION)
    )


def all_together(item: Item, source: Source) -> Item:
    """Header, footer, edit, script and punctuation."""
    script = source.chance.choice((taiwan, hong_kong))
    for change in (with_header, with_footer, edited, script, other_punctuation):
        item = change(item, source)
    return item


CHANGES: Mapping[str, Callable[[Item, Source], Item]] = {
    "header": with_header,
    "footer": with_footer,
    "edit": edited,
    "40% more": with_more,
    "first half": first_half,
    "summary": summary,
    "selected": selected,
    "Taiwan": taiwan,
    "Hong Kong": hong_kong,
    "and back": there_and_back,
    "punctuation": other_punctuation,
    "all": all_together,
}
