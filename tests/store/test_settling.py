"""Where articles meet: copies merged, relations kept, order, and all of it made anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from aggregator.core.composed import Composed
from aggregator.core.copy_evidence import COMPARED
from aggregator.core.model import Entry
from aggregator.core.text import plain_text
from aggregator.core.traits import read_traits
from aggregator.settling import Settler
from aggregator.steps import read_again
from aggregator.store import copies, regrouping
from aggregator.store.group_tables import EVENTS, MEMBERS, RELATIONS, SENTENCES, SKETCHES, STORIES
from aggregator.store.tables import ARTICLES
from tests.publisher import paragraphs
from tests.store.making import HOUR, NOW, Newsroom, composed, entry, unwanted

OUTLETS = ("美国之音", "观察者网", "德国之声", "路透")


def article(
    name: str, body: str, title: str, outlet: str = "美国之音", published: datetime = NOW - HOUR
) -> tuple[Entry, Composed]:
    """An entry and the article made of it."""
    one = replace(entry(name, body, title=title), outlet=outlet, published=published)
    made = composed(one, body, title=title)
    traits = read_traits(outlet, published, title, plain_text(body))
    return one, replace(made, outlet=outlet, published=published, traits=traits)


def settle(room: Newsroom, *pairs: tuple[Entry, Composed]) -> list[str]:
    """Polls and makes them one after the other; gives what became of each."""
    room.poll(*(one for one, _ in pairs))
    return [room.make(made) for _, made in pairs]


def relations(room: Newsroom) -> list[tuple[str, str, str]]:
    rows = room.read(lambda c: c.execute(select(RELATIONS).order_by(RELATIONS.c.article_id)).all())
    return [(row.article_id, row.other_id, row.kind) for row in rows]


def grouped(room: Newsroom) -> dict[str, tuple[str, str, int]]:
    """Of each article its event, its story, and its place there."""

    def read(connection: Connection) -> dict[str, tuple[str, str, int]]:
        rows = connection.execute(
            select(ARTICLES.c.id, EVENTS.c.id.label("event"), EVENTS.c.story_id, MEMBERS.c.position)
            .join(MEMBERS, MEMBERS.c.number == ARTICLES.c.number)
            .join(EVENTS, EVENTS.c.id == MEMBERS.c.event_id)
        )
        return {row.id: (row.event, row.story_id, row.position) for row in rows}

    return room.read(read)


def numbers(room: Newsroom) -> dict[str, int | None]:
    return room.read(
        lambda c: {r.id: r.number for r in c.execute(select(ARTICLES.c.id, ARTICLES.c.number))}
    )


def sentence_counts(room: Newsroom) -> dict[tuple[str, int], int]:
    rows = room.read(lambda c: c.execute(select(SENTENCES)).all())
    return {(row.source, row.hash): row.times for row in rows}


def regroup(room: Newsroom, together: int = 2, stop_after: int | None = None) -> None:
    """All articles settle again, so many in a transaction."""
    settler, batches = Settler(), 0
    while (after := room.read(regrouping.reached)) is not None:
        if batches == stop_after:
            return
        stored = room.read(regrouping.stored, after, together)
        again = list(zip(stored, read_again(stored), strict=True))
        room.write(settler.regroup, after, again, NOW + HOUR)
        batches += 1


WHOLE = paragraphs("多哈会谈", 10)
REPORT = "塔利班代表团在多哈会谈"


# --- copies --------------------------------------------------------------------------------------


def test_a_reprint_with_small_changes_under_another_title_is_merged(room: Newsroom) -> None:
    changed = WHOLE.replace("粮食", "食品").replace("会谈", "會談") + "<p>（编辑：某人）</p>"
    first = article("a", WHOLE, REPORT)
    second = article("b", changed, "多哈：双方再谈", outlet="观察者网")
    assert settle(room, first, second) == ["made", "merged"]
    assert relations(room) == [(second[0].article_id, first[0].article_id, "copy")]
    assert len(room.store.articles(None, 10)) == 1
    # made again, for the other's entry may be the one that speaks for it
    assert [m.article_id for m in room.pending(NOW + HOUR)] == [first[0].article_id]
    assert {one.key for one in room.pending(NOW + HOUR)[0].entries} == {"a", "b"}


@pytest.mark.parametrize("paragraphs_", [200, 1400])
def test_a_copy_of_a_long_text_is_merged_however_long(room: Newsroom, paragraphs_: int) -> None:
    whole = paragraphs("长篇报道", paragraphs_)
    assert (len(plain_text(whole)) > 2 * COMPARED) is (paragraphs_ > 1000)
    first = article("a", whole, REPORT)
    second = article("b", f"<p>转自网络</p>{whole}", "另一个标题", outlet="路透")
    assert settle(room, first, second) == ["made", "merged"]


def test_an_excerpt_that_came_first_keeps_its_id_when_the_whole_text_comes(room: Newsroom) -> None:
    excerpt = article("a", paragraphs("多哈会谈", 10)[: len(WHOLE) * 2 // 5], REPORT)
    whole = article("b", WHOLE, REPORT, outlet="观察者网")
    assert settle(room, excerpt, whole) == ["made", "merged"]
    assert relations(room) == [(whole[0].article_id, excerpt[0].article_id, "excerpt")]
    found = room.store.article(whole[0].article_id)
    assert found is not None
    assert found.id == excerpt[0].article_id


def test_a_digest_and_what_it_contains_are_two_articles_that_know_of_each_other(
    room: Newsroom,
) -> None:
    item = paragraphs("多哈会谈", 3)
    others = "".join(paragraphs(name, 3) for name in ("疫情通报", "洪水灾情", "股市收盘"))
    digest = article("d", others + item, "早报：疫情通报；洪水灾情；多哈会谈", outlet="观察者网")
    assert settle(room, article("a", item, "多哈会谈今日举行"), digest) == ["made", "made"]
    assert relations(room) == [
        (digest[0].article_id, article("a", item, "")[0].article_id, "digest_contains")
    ]


def test_daily_notes_of_one_outlet_are_never_merged(room: Newsroom) -> None:
    def note(day: int, figures: Sequence[str]) -> tuple[Entry, Composed]:
        body = (
            f"<p>今日开盘，上证指数报{figures[0]}点，涨{figures[1]}%；深证成指报{figures[2]}点，涨{figures[3]}%；"
            f"创业板指报{figures[4]}点。盘面上，煤炭、电力、银行等板块涨幅居前，家电板块走弱。</p>"
        )
        published = NOW + timedelta(days=day)
        return article(f"note{day}", body, "A股三大指数高开", published=published)

    first = note(0, ("3201.22", "0.35", "11021.08", "0.41", "2210.90"))
    second = note(1, ("3188.47", "0.12", "10983.55", "0.27", "2199.01"))
    assert settle(room, first, second) == ["made", "made"]
    assert relations(room) == []


def test_what_a_source_says_under_every_article_makes_no_copies(room: Newsroom) -> None:
    footer = "".join(
        f"<p>本站声明：{words}，未经书面许可任何媒体不得转载摘编违者必究。</p>"
        for words in ("版权属于本社所有", "投稿请寄往编辑部信箱", "广告合作请致电市场部")
    )
    made: list[tuple[Entry, Composed]] = []
    for day in range(6):
        body = paragraphs(f"第{day}号通报", 1) + footer
        published = NOW + timedelta(days=day // 2)
        one, composed_ = article(f"n{day}", body, f"第{day}号通报", published=published)
        made.append((one, replace(composed_, body_from="feedx")))
    settle(room, *made)
    # by now the footer is known; two short articles are little else
    bodies = [
        f"<p>{text}</p>"
        for text in ("甲地昨夜地震，无人员伤亡报告。", "乙地今晨大雪，多条道路封闭。")
    ]
    two = []
    for at, body in enumerate(bodies):
        published = NOW + timedelta(days=4)
        one, last = article(f"s{at}", body + footer, "快讯", OUTLETS[at], published)
        two.append((one, replace(last, body_from="feedx")))
    assert settle(room, *two) == ["made", "made"]
    assert relations(room) == []
    rows = room.read(lambda c: c.execute(select(SENTENCES.c.times)).scalars().all())
    assert max(rows) == len(made) + len(two)


def test_a_published_article_that_becomes_the_copy_of_a_later_one_takes_it_in(
    room: Newsroom,
) -> None:
    first = article("a", paragraphs("别的事", 10), REPORT)
    second = article("b", WHOLE, REPORT, outlet="路透")
    assert settle(room, first, second) == ["made", "made"]
    changed = article("a", WHOLE, REPORT)[1]
    assert room.make(changed, NOW + HOUR) == "changed"
    found = room.store.article(second[0].article_id)
    assert found is not None
    assert found.id == first[0].article_id
    assert grouped(room).keys() == {first[0].article_id}


def test_copies_further_apart_than_a_week_are_two(room: Newsroom) -> None:
    later = NOW - HOUR + timedelta(days=7, seconds=1)
    changed = WHOLE.replace("粮食", "食品")
    pairs = (
        article("a", WHOLE, REPORT),
        article("b", changed, REPORT, outlet="路透", published=later),
    )
    assert settle(room, *pairs) == ["made", "made"]


@pytest.mark.parametrize("days", [-7, 7])
def test_copies_are_found_across_the_borders_of_the_weeks_that_the_index_is_kept_by(
    room: Newsroom, days: int
) -> None:
    changed = WHOLE.replace("粮食", "食品")
    for at in range(7):  # of seven days in turn each is the last of its week once
        published = NOW - HOUR + timedelta(days=100 * at + at)
        text = WHOLE.replace("多哈", f"第{at}城")
        first = article(f"a{at}", text, REPORT, published=published)
        again = changed.replace("多哈", f"第{at}城")
        apart = published + timedelta(days=days)
        second = article(f"b{at}", again, REPORT, outlet="路透", published=apart)
        assert settle(room, first, second) == ["made", "merged"], at


def test_a_sketch_that_was_forgotten_finds_nothing_but_the_equal_text_does(
    room: Newsroom,
) -> None:
    assert settle(room, article("a", WHOLE, REPORT)) == ["made"]
    while room.write(copies.forget_older, NOW + timedelta(days=14), 20):
        pass
    assert room.read(lambda c: c.execute(select(SKETCHES)).all()) == []
    changed = article("b", WHOLE.replace("粮食", "食品"), REPORT, outlet="路透")
    assert settle(room, changed, article("c", WHOLE, REPORT, outlet="德国之声")) == [
        "made",
        "merged",
    ]


def test_forgetting_is_bounded_and_keeps_what_is_not_old(room: Newsroom) -> None:
    settle(room, article("a", WHOLE, REPORT))
    assert room.write(copies.forget_older, NOW, 10) == 0
    deleted = [room.write(copies.forget_older, NOW + timedelta(days=14), 10) for _ in range(3)]
    assert deleted == [10, 10, 10]


# --- order, and what leaves ----------------------------------------------------------------------


def test_articles_are_numbered_in_the_order_in_which_they_are_first_published(
    room: Newsroom,
) -> None:
    made = [article(name, paragraphs(name), name) for name in ("甲", "乙", "丙")]
    room.poll(*(one for one, _ in made))
    for at in (2, 0, 1):
        room.make(made[at][1])
    room.make(replace(made[2][1], title="丙：更正"), NOW + HOUR)
    ids = [one.article_id for one, _ in made]
    assert numbers(room) == {ids[2]: 1, ids[0]: 2, ids[1]: 3}


def test_reports_of_one_event_by_several_outlets_are_one_event(room: Newsroom) -> None:
    bodies = (
        "<p>联合国秘书长古特雷斯周一在日内瓦宣布，国际社会承诺向阿富汗提供十二亿美元援助，会议由四十国部长出席。</p>",
        "<p>据日内瓦消息，各国在阿富汗援助会议上承诺捐助超过十二亿美元。古特雷斯称结果超出预期。</p>",
        "<p>阿富汗援助国会议周一闭幕，古特雷斯表示，认捐额达十二亿美元，将用于粮食和医疗。</p>",
    )
    titles = (
        "古特雷斯：国际社会承诺援助阿富汗12亿美元",
        "日内瓦会议承诺捐助阿富汗12亿美元",
        "阿富汗援助会议认捐12亿美元",
    )
    made = [
        article(f"r{at}", body, titles[at], OUTLETS[at], NOW + at * HOUR)
        for at, body in enumerate(bodies)
    ]
    other = article(
        "o",
        "<p>巴黎时装周开幕，多家品牌发布春季新款，街头人潮涌动，交通一度受阻。</p>",
        "巴黎时装周开幕",
    )
    assert settle(room, *made, other) == ["made"] * 4
    places = grouped(room)
    of_event = {places[one.article_id][0] for one, _ in made}
    assert len(of_event) == 1
    assert places[other[0].article_id][0] not in of_event


def test_what_a_feeds_rules_drop_leaves_its_event_and_is_found_no_more(room: Newsroom) -> None:
    first = article("a", WHOLE, REPORT)
    settle(room, first)
    assert room.make(unwanted(first[1])) == "dropped"
    assert grouped(room) == {}
    again = article("b", WHOLE.replace("粮食", "食品"), REPORT, outlet="路透")
    assert settle(room, again) == ["made"]
    assert room.make(first[1], NOW + HOUR) == "merged", "it comes back, and is a copy by now"


# --- anew ----------------------------------------------------------------------------------------


def some_news(room: Newsroom) -> None:
    """Twelve articles on four events by three outlets, and a copy of one."""
    events = (
        "喀布尔机场爆炸造成平民伤亡",
        "多哈会谈达成停火协议",
        "日内瓦援助会议承诺捐款",
        "昆都士医院恢复接诊病人",
    )
    made = []
    for at in range(12):
        event, outlet = events[at % 4], OUTLETS[at // 4]
        lead = f"<p>{event}。{event[:4]}方面{outlet}记者{at}日报道。</p>"
        body = lead + paragraphs(f"{event}{at}", 2)
        title = f"{event}{'详情' * (at // 4)}"
        made.append(article(f"n{at}", body, title, outlet, NOW + at * HOUR))
    copy = article("copy", made[0][1].body, "转载", "路透", NOW + 2 * HOUR)
    assert settle(room, *made, copy) == ["made"] * 12 + ["merged"]


def test_grouping_anew_gives_the_same_groups(room: Newsroom) -> None:
    some_news(room)
    before, counts = grouped(room), sentence_counts(room)
    assert len(before) == 12
    assert 1 < len({event for event, _, _ in before.values()}) < 12
    room.write(regrouping.begin)
    assert grouped(room) == {}
    regroup(room)
    assert grouped(room) == before
    again = sentence_counts(room)
    assert again.keys() == counts.keys()
    assert all(again[one] <= times for one, times in counts.items()), "without those merged"
    assert room.read(regrouping.reached) is None


def test_grouping_anew_goes_on_after_a_restart(room: Newsroom) -> None:
    some_news(room)
    before = grouped(room)
    room.write(regrouping.begin)
    regroup(room, together=3, stop_after=2)
    assert 0 < len(grouped(room)) < len(before)
    regroup(room, together=1)
    assert grouped(room) == before


def test_what_comes_while_grouping_anew_settles_once(room: Newsroom) -> None:
    some_news(room)
    room.write(regrouping.begin)
    regroup(room, stop_after=1)
    late = article("late", paragraphs("晚到的消息"), "晚到的消息", published=NOW + 12 * HOUR)
    assert settle(room, late) == ["made"]
    place = grouped(room)[late[0].article_id]
    regroup(room)
    assert grouped(room)[late[0].article_id] == place
    ready = room.read(
        lambda c: c.execute(select(ARTICLES).where(ARTICLES.c.state == "ready")).all()
    )
    assert grouped(room).keys() == {row.id for row in ready}


def test_old_news_that_comes_while_grouping_anew_settles_once_though_its_sketch_is_forgotten(
    room: Newsroom,
) -> None:
    some_news(room)
    room.write(regrouping.begin)
    old = article("old", paragraphs("旧闻"), "旧闻", published=NOW - timedelta(days=400))
    assert settle(room, old) == ["made"]
    while room.write(copies.forget_older, NOW - timedelta(days=30), 1000):
        pass
    regroup(room)
    assert len(grouped(room)) == 13


def test_of_two_processes_that_group_anew_the_slower_does_nothing(room: Newsroom) -> None:
    some_news(room)
    before = grouped(room)
    room.write(regrouping.begin)
    stored = room.read(regrouping.stored, 0, 3)
    again = list(zip(stored, read_again(stored), strict=True))
    regroup(room)
    room.write(Settler().regroup, 0, again, NOW + HOUR)
    assert room.read(regrouping.reached) is None
    assert grouped(room) == before


def test_where_another_entry_speaks_for_a_text_its_day_and_outlet_are_those_everywhere(
    room: Newsroom,
) -> None:
    first = article("a", WHOLE, REPORT)
    settle(room, first)
    earlier = first[0].published - timedelta(days=20)
    again = article("a", WHOLE, REPORT, outlet="路透", published=earlier)[1]
    assert room.make(again, NOW + HOUR) == "same"
    copy = article("b", WHOLE.replace("粮食", "食品"), REPORT, "德国之声", earlier - 6 * 24 * HOUR)
    assert settle(room, copy) == ["merged"]
    latest = room.read(lambda c: c.execute(select(STORIES.c.latest)).scalars().all())
    assert latest == [earlier]


def test_two_that_were_kept_apart_and_are_found_to_be_one_are_merged_when_grouped_anew(
    room: Newsroom,
) -> None:
    settle(room, article("a", WHOLE, REPORT))
    while room.write(copies.forget_older, NOW + timedelta(days=14), 1000):
        pass
    copy = article("b", WHOLE.replace("粮食", "食品"), REPORT, outlet="路透")
    assert settle(room, copy) == ["made"]
    room.write(regrouping.begin)
    regroup(room)
    found = room.store.article(copy[0].article_id)
    assert found is not None
    assert found.id != copy[0].article_id
