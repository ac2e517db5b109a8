"""Reports as the tests of stories need them, and a bureau that stores and places them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import JSON, Connection, Integer, insert, select

from aggregator.core.stories import NO_OVERRIDES, Overrides
from aggregator.core.story_prints import StoryDraft, story_draft
from aggregator.store import Store
from aggregator.store.columns import UtcDateTime
from aggregator.store.group_tables import (
    EVENTS,
    MEMBERS,
    STORIES,
    STORY_PRINTS,
    STORY_WORDS,
    WORD_LOG,
)
from aggregator.store.tables import ARTICLES, MATCHES
from aggregator.story_desk import StoryDesk
from tests.store.asking import Asked

DAWN = datetime(2026, 1, 30, 0, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Report:
    name: str
    title: str
    text: str
    feed: str = ""
    published: datetime = DAWN

    @property
    def id(self) -> str:
        return str(uuid5(NAMESPACE_URL, f"https://example.org/{self.name}"))

    @property
    def draft(self) -> StoryDraft:
        return story_draft(self.feed, self.published, self.title, self.text)

    def later(self, hours: float) -> Report:
        return replace(self, published=self.published + timedelta(hours=hours))


QUAKE = "日本北海道近海三十日发生6.8级地震，震源深度约30公里，没有引发海啸，新干线一度停运。"
_NEWS = (  # name, hours since dawn, title, text: four reports of a quake and what came of it, ...
    ("quake", 0, "日本北海道发生6.8级地震", QUAKE),
    ("cars", 1, "小米汽车上月交付39000辆", "小米汽车公布，上月交付新车39000辆，同比增长约七成。"),
    ("quake-2", 1, "北海道近海发生6.8级地震 未引发海啸", f"{QUAKE}气象厅提醒注意余震。"),
    ("talks", 2, "阿富汗塔利班代表团抵达多哈", "塔利班代表团抵达多哈，将同美国代表举行会谈。"),
    ("quake-3", 2, "日本北海道6.8级地震 新干线停运", f"{QUAKE}目前没有人员伤亡的报告。"),
    ("cars-2", 3, "小米汽车：上月交付新车39000辆", "小米汽车公布，上月交付新车39000辆，创下新高。"),
    ("quake-4", 4, "北海道地震：6.8级 无海啸危险", f"{QUAKE}气象厅说没有海啸危险。"),
    (
        "bank",
        5,
        "央行开展1000亿元逆回购操作",
        "中国人民银行开展1000亿元七天期逆回购操作，利率不变。",
    ),
    ("trains", 30, "北海道地震后新干线恢复运行", "因北海道6.8级地震停运的新干线列车恢复运行。"),
    (
        "talks-2",
        31,
        "塔利班与美国在多哈会谈结束",
        "塔利班代表团与美国代表在多哈的会谈结束，未达成协议。",
    ),
    (
        "trains-2",
        32,
        "新干线恢复运行 北海道地震曾致停运",
        "因北海道6.8级地震停运的新干线列车恢复运行。",
    ),
    (
        "talks-3",
        33,
        "多哈会谈结束 塔利班称有进展",
        "塔利班代表团与美国代表在多哈的会谈结束，称有进展。",
    ),
    ("empty", 34, "图集", ""),
    ("quake-5", 900, "日本北海道发生6.8级地震", QUAKE),
)
NEWS = tuple(
    Report(name, title, text, feed=name, published=DAWN + timedelta(hours=hours))
    for name, hours, title, text in _NEWS
)
BY_NAME = {report.name: report for report in NEWS}

_WORDS = (
    "地震 海啸 新干线 气象厅 余震 北海道 震源 停运 恢复 运行 铁路 道歉 伤亡 "
    "报告 提醒 列车 小米 汽车 交付 新车 增长 创新高 央行 操作 利率 公告 "
    "塔利班 代表团 多哈 会谈 美国 协议 谈判 进展 喀布尔 撤军 机场 爆炸 难民 "
    "援助 俄罗斯 乌克兰 无人机 袭击 基辅 能源 电网 停电 制裁 油价 欧盟 峰会 "
    "关税 芯片 出口 台湾 选举 总统 议会 抗议"
)


def made_up(seed: int, number: int, in_title: int, around: int) -> list[Report]:
    """Reports of which many are half alike: each of some words that stand together above. What
    they are placed in is mended all the time.
    """
    dice, words = random.Random(seed), _WORDS.split()
    reports = []
    for at in range(number):
        start = dice.randrange(0, len(words) - around)
        some = words[start : start + around]
        dice.shuffle(some)
        text = "，".join("".join(dice.choices(some, k=4)) for _ in range(6))
        published = DAWN + timedelta(hours=at * dice.choice((0.2, 0.5, 1)))
        feed = f"feed {dice.randrange(5)}"
        reports.append(Report(f"{seed}-{at}", "".join(some[:in_title]), text, feed, published))
    return reports


Rows = tuple[tuple[object, ...], ...]


class Bureau(Asked):
    """A store with a desk. Articles have numbers in the order in which they are filed."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.desk = StoryDesk()
        self.numbers: dict[str, int] = {}

    def file(self, *reports: Report, topics: Iterable[str] = ()) -> None:
        """Stores them as published articles; nothing is placed yet."""
        for report in reports:
            self.numbers[report.name] = len(self.numbers) + 1
        if reports:
            self.write(_file, [(report, self.numbers[report.name]) for report in reports], topics)

    def arrive(
        self, *reports: Report, rulings: Overrides = NO_OVERRIDES, topics: Iterable[str] = ()
    ) -> frozenset[str]:
        """Files and places them, in one transaction."""
        self.file(*(report for report in reports if report.name not in self.numbers), topics=topics)
        return self.write(self.place, reports, rulings)

    def place(
        self, connection: Connection, reports: Sequence[Report], rulings: Overrides = NO_OVERRIDES
    ) -> frozenset[str]:
        changed: frozenset[str] = frozenset()
        for report in reports:
            number = self.numbers[report.name]
            changed |= self.desk.arrive(connection, number, report.id, report.draft, rulings)
        return changed

    def change(self, report: Report, rulings: Overrides = NO_OVERRIDES) -> frozenset[str]:
        number = self.numbers[report.name]
        return self.write(self.desk.change, number, report.id, report.draft, rulings)

    def leave(self, name: str, to: str | None = None) -> frozenset[str]:
        return self.write(self.desk.leave, self.numbers[name], self.numbers[to] if to else None)

    def obey(self, together: str = "", apart: str = "") -> frozenset[str]:
        return self.write(self.desk.obey, self.rulings(together, apart))

    def rulings(self, together: str = "", apart: str = "") -> Overrides:
        """Pairs of names: `quake+cars talks+bank`."""

        def pairs(said: str) -> frozenset[tuple[str, str]]:
            named = [one.split("+") for one in said.split()]
            return frozenset((str(self.numbers[a]), str(self.numbers[b])) for a, b in named)

        return Overrides(pairs(together), pairs(apart))

    def event_of(self, name: str) -> str:
        return self.places()[name][0]

    def story_of(self, name: str) -> str:
        return self.places()[name][1]

    def places(self) -> dict[str, tuple[str, str]]:
        """The event and the story of each that is in one."""
        names = {number: name for name, number in self.numbers.items()}
        chosen = select(MEMBERS.c.number, EVENTS.c.id, EVENTS.c.story_id).join(
            EVENTS, EVENTS.c.id == MEMBERS.c.event_id
        )
        rows = self.read(lambda c: c.execute(chosen).all())
        return {names[number]: (event, story) for number, event, story in rows}

    def events(self) -> set[frozenset[str]]:
        return groups({name: event for name, (event, _) in self.places().items()})

    def stories(self) -> set[frozenset[str]]:
        return groups({name: story for name, (_, story) in self.places().items()})

    def kept(self) -> dict[str, Rows]:
        """All that is stored of stories, but for the bytes of prints."""
        prints = select(STORY_PRINTS.c.number, STORY_PRINTS.c.hour, STORY_PRINTS.c.digest)
        tables = [select(table) for table in (STORY_WORDS, WORD_LOG, EVENTS, MEMBERS, STORIES)]
        return self.read(
            lambda c: {
                str(one): tuple(sorted(map(tuple, c.execute(one)))) for one in [prints, *tables]
            }
        )


def groups(homes: dict[str, str]) -> set[frozenset[str]]:
    found: dict[str, set[str]] = {}
    for name, home in homes.items():
        found.setdefault(home, set()).add(name)
    return {frozenset(names) for names in found.values()}


def _file(
    connection: Connection, filed: Sequence[tuple[Report, int]], topics: Iterable[str]
) -> None:
    for report, number in filed:
        told = {
            "id": report.id,
            "number": number,
            "state": "ready",
            "title": report.title,
            "outlet": report.feed,
            "body": f"<p>{report.text}</p>",
        }
        connection.execute(insert(ARTICLES), _nothing(report.published) | told)
        for topic in topics:
            match = {"topic_id": topic, "article_id": report.id, "published": report.published}
            connection.execute(insert(MATCHES), match | {"reasons": []})


def _nothing(moment: datetime) -> dict[str, object]:
    """A value for every column of an article that needs one."""

    def of(kind: object) -> object:
        if isinstance(kind, UtcDateTime):
            return moment
        return [] if isinstance(kind, JSON) else 0 if isinstance(kind, Integer) else ""

    return {column.name: of(column.type) for column in ARTICLES.c if not column.nullable}
