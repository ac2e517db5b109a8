"""What a page and a feed show of an event or a story, from its articles alone.

members --> the lead article and headline, the first report, outlets in order, copies of
            agencies, what only one outlet has, and why each article belongs
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from aggregator.core.story_prints import StoryPrint, unlabelled
from aggregator.core.text import fold, letters
from aggregator.core.words import names

READ = 3000
"""Characters of each text that names, numbers and quotes are looked for in."""

READ_OF_OUTLET = 30_000
"""Of all its articles together, the earliest first."""

MOST_ONLY = 5
"""Names, numbers and quotes each that are shown of an outlet."""

MOST_WORDS = 4
LEAST_QUOTE = 8
"""Letters; what is shorter is a term in quotation marks rather than what somebody said."""

LONG = 800
"""Characters from which on a text is no better a lead for being longer."""

LENGTH_COUNTS = 0.2
"""What a long text counts for the lead, where 1 is an article like all the others together."""

_AGENCIES = (
    "新华社|中新社|中新网|中央社|法新社|路透社|路透|美联社|塔斯社|俄新社|共同社|时事社|韩联社|德新社|"
    "安莎社|埃菲社|彭博社|财联社|reuters|afp|ap|xinhua|tass|kyodo|yonhap"
)
_DATELINE = re.compile(  # 新华社北京1月30日电, (路透社), reuters -
    rf"(?P<agency>{_AGENCIES})(?:[^。,;!?]{{0,14}}?\d{{1,2}} ?日[^。,;]{{0,6}}?[电讯]|\)| - )"
)
_DATELINE_STANDS = 60
"""Characters at a text's beginning within which it stands."""

_SOURCE = re.compile(rf"(?:来源|稿源) ?: ?(?P<agency>{_AGENCIES})(?![a-z])")
_AMOUNT = re.compile(
    r"(?<![\d.a-z])(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?) ?(?P<size>万亿|亿|万|千|百)?(?:多|余)?"
    r"(?P<unit>%|个百分点|美元|欧元|港元|日元|英镑|卢布|元|人|名|例|起|辆|台|架|艘|枚|吨|公斤|公里|平方米|"
    r"米|岁|户|家|间|桶|股|票|次|倍|度|级)"
)
_QUOTE = re.compile(r"[“「『\"]([^“”「」『』\"]{8,200})[”」』\"]")


@dataclass(frozen=True, slots=True)
class Member:
    """An article of the event or story; `text` is without markup."""

    article: str
    outlet: str
    title: str
    text: str
    published: datetime
    print: StoryPrint
    copy_of: str = ""
    """The article whose text it has, as duplicates are known; empty if its own."""
    because: str = ""
    """The article that it joined for (`Placement.because`), if any."""


@dataclass(frozen=True, slots=True)
class OutletReports:
    """An outlet with its articles, the earliest first."""

    outlet: str
    first: datetime
    articles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WireCopy:
    """An article with the text of an agency or of another article; either may be empty."""

    article: str
    agency: str
    copy_of: str


@dataclass(frozen=True, slots=True)
class OnlyHere:
    """What stands in one outlet's articles and in no other's. Names are folded."""

    outlet: str
    names: tuple[str, ...]
    numbers: tuple[str, ...]
    quotes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """Why an article belongs: what it has in common with another. For the lead `like` is empty."""

    article: str
    like: str
    like_title: str
    words: tuple[str, ...]
    numbers: tuple[str, ...]
    apart: timedelta
    copy: bool

    @property
    def line(self) -> str:
        """In Chinese, as pages are."""
        if not self.like:
            return "主报道"
        if self.copy:
            return f"与《{self.like_title}》同文"
        common = [f"同提到{'、'.join(self.words)}"] if self.words else []
        common += [f"数字相同：{'、'.join(self.numbers)}"] if self.numbers else []
        common.append(_apart(self.apart))
        return f"与《{self.like_title}》：{'；'.join(common)}"


@dataclass(frozen=True, slots=True)
class StoryView:
    lead: str
    headline: str
    """The lead's title as written, without a label such as 快讯："""
    first_report: str
    began: datetime
    latest: datetime
    outlets: tuple[OutletReports, ...]
    """In the order of their first report."""
    wire_copies: tuple[WireCopy, ...]
    only_here: tuple[OnlyHere, ...]
    """Of outlets that have something; none where there is but one outlet."""
    why: tuple[Why, ...]
    """Of every article, in order of time."""


def story_view(members: Sequence[Member]) -> StoryView:
    """What is shown of these articles, whatever their order. Raises ValueError for none."""
    if not members:
        raise ValueError("a story without articles has nothing to show")
    in_time, wire = _read(members)
    lead = _lead(in_time, wire)
    return StoryView(
        lead=lead.article,
        headline=unlabelled(lead.title),
        first_report=in_time[0].article,
        began=in_time[0].published,
        latest=in_time[-1].published,
        outlets=_outlets(in_time),
        wire_copies=wire,
        only_here=_only_here(in_time),
        why=tuple(_why(one, lead, in_time) for one in in_time),
    )


def lead_of(members: Sequence[Member]) -> str:
    """The article that leads, as in `story_view`, which takes much longer. Raises ValueError for
    none.
    """
    if not members:
        raise ValueError("a story without articles has none that leads")
    return _lead(*_read(members)).article


def _read(members: Sequence[Member]) -> tuple[Sequence[Member], tuple[WireCopy, ...]]:
    """In order of time, and which of them are copies."""
    in_time = sorted(members, key=lambda one: (one.published, one.article))
    return in_time, tuple(copy for one in in_time if (copy := _wire_copy(one, in_time)))


def _outlets(in_time: Sequence[Member]) -> tuple[OutletReports, ...]:
    by_outlet: dict[str, list[Member]] = {}
    for one in in_time:
        by_outlet.setdefault(one.outlet, []).append(one)
    return tuple(
        OutletReports(outlet, ones[0].published, tuple(one.article for one in ones))
        for outlet, ones in by_outlet.items()
    )


def _lead(in_time: Sequence[Member], wire: Sequence[WireCopy]) -> Member:
    """The article most like all others together, rather whole than short; no copy if it may be.

    The earliest of equal ones.
    """
    together: dict[str, float] = {}
    for one in in_time:
        for word, part in one.print.words.items():
            together[word] = together.get(word, 0.0) + part
    length = sum(part * part for part in together.values()) ** 0.5 or 1.0

    def fitness(one: Member) -> float:
        likeness = sum(part * together[word] for word, part in one.print.words.items()) / length
        return likeness + LENGTH_COUNTS * min(len(one.text), LONG) / LONG

    copies = {one.article for one in wire}
    own = [one for one in in_time if one.article not in copies] or in_time
    return max(own, key=lambda one: round(fitness(one), 6))


def _wire_copy(member: Member, in_time: Sequence[Member]) -> WireCopy | None:
    start, end = fold(member.text[:200])[:_DATELINE_STANDS], fold(member.text[-100:])
    found = _DATELINE.search(start) or _SOURCE.search(end) or _SOURCE.search(start)
    agency = found["agency"] if found else ""
    if agency and agency in fold(member.outlet):
        agency = ""  # the agency's own
    copy_of = member.copy_of if any(one.article == member.copy_of for one in in_time) else ""
    return WireCopy(member.article, agency, copy_of) if agency or copy_of else None


# --- what only one outlet has --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Said:
    """What an outlet's articles say: numbers and quotes by what they are compared by."""

    letters: str
    names: tuple[str, ...]
    numbers: Mapping[str, str]
    quotes: Mapping[str, str]


def _only_here(in_time: Sequence[Member]) -> tuple[OnlyHere, ...]:
    texts: dict[str, list[str]] = {}
    for one in in_time:
        texts.setdefault(one.outlet, []).append(f"{one.title}\n{one.text[:READ]}")
    if len(texts) < 2:
        return ()
    said = {outlet: _said("\n".join(ones)[:READ_OF_OUTLET]) for outlet, ones in texts.items()}
    found = []
    for outlet, own in said.items():
        others = [one for name, one in said.items() if name != outlet]
        here = OnlyHere(
            outlet,
            _first(name for name in own.names if _nowhere(name, others)),
            _first(
                shown
                for key, shown in own.numbers.items()
                if not any(key in one.numbers for one in others)
            ),
            _first(shown for key, shown in own.quotes.items() if _nowhere(key, others)),
        )
        if here.names or here.numbers or here.quotes:
            found.append(here)
    return tuple(found)


def _said(text: str) -> _Said:
    folded = fold(text)
    numbers: dict[str, str] = {}
    for amount in _AMOUNT.finditer(folded):
        # 1,200 人 and 1200 名 are the same number
        percent = "%" if amount["unit"] in ("%", "个百分点") else ""
        key = amount["digits"].replace(",", "") + (amount["size"] or "") + percent
        numbers.setdefault(key, amount.group().replace(" ", ""))
    quotes: dict[str, str] = {}
    for quote in _QUOTE.findall(text):
        if len(key := letters(fold(quote))) >= LEAST_QUOTE:
            quotes.setdefault(key, " ".join(quote.split()))
    # a name that is said once may be no name; the most said come first
    said = [name for name, n in Counter(names(folded)).most_common() if n > 1]
    return _Said(letters(folded), tuple(said), numbers, quotes)


def _nowhere(key: str, others: Sequence[_Said]) -> bool:
    key = letters(key)
    return not any(key in one.letters for one in others)


def _first(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(islice(found, MOST_ONLY))


# --- why an article belongs ----------------------------------------------------------------------


def _why(member: Member, lead: Member, in_time: Sequence[Member]) -> Why:
    if member.article == lead.article:
        return Why(member.article, "", "", (), (), timedelta(0), copy=False)
    wanted = (member.copy_of, member.because)
    there = {one.article: one for one in in_time if one.article != member.article}
    like = next((there[one] for one in wanted if one in there), lead)
    a, b = member.print, like.print
    shared = [word for word in a.words if word in b.words and word in a.title_words]
    shared = shared or [word for word in a.words if word in b.words]
    rarest = sorted(shared, key=lambda word: -min(a.idf[word], b.idf[word]))[:MOST_WORDS]
    return Why(
        member.article,
        like.article,
        unlabelled(like.title),
        tuple(rarest),
        tuple(sorted(a.numbers & b.numbers)),
        abs(member.published - like.published),
        copy=bool(member.copy_of) and like.article == member.copy_of,
    )


def _apart(apart: timedelta) -> str:
    minutes = int(apart.total_seconds() // 60)
    if minutes < 60:
        return f"相隔{minutes}分钟"
    if minutes < 48 * 60:
        return f"相隔{minutes // 60}小时"
    return f"相隔{minutes // (24 * 60)}天"
