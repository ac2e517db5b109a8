"""Which articles are the same text, and which only look like it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.copies import (
    DUPLICATE,
    Kind,
    Relation,
    judge,
    relate,
)
from aggregator.core.copy_evidence import (
    COMPARED,
    CopyText,
    Evidence,
    compare,
    copy_text,
)
from aggregator.core.text import fold, letters

NOON = datetime(2026, 1, 28, 4, tzinfo=UTC)

TITLE = "阿富汗宣布重开喀布尔机场国际航线"
LEAD = (
    "阿富汗民航部门28日宣布，喀布尔国际机场自2月3日起重新接待国际航班，首批航班来自多哈、伊斯坦布尔"
    "和迪拜，每周共12班。该部门负责人哈米杜拉在记者会上说，跑道和导航设备的修复工作已经全部结束。"
)
REST = (
    "这座机场去年底因设备老化停止接待外国客机，只有救援物资的货机仍在起降。卡塔尔派出的技术人员用了"
    "七个星期更换雷达和照明。航空公司表示，票价将在两周之内公布，旅客须提前48小时办理登机手续。"
    "联合国驻当地机构对此表示欢迎，称医护人员与药品可以更快到达南部各省，但也提醒冬季大雾仍可能造成延误。"
    "一名在机场外开小店的居民告诉记者，他已经把关了四个月的店门重新打开，盼着旅客早日回来。"
)
OTHER_LEAD = (
    "喀布尔机场即将恢复国际航班的消息传出之后，旅行社的电话响个不停。许多在外的侨民说，他们等这一天"
    "已经等了很久，准备春天带孩子回乡探亲；也有人担心安全，打算先看几个月再决定。"
)


def article(
    title: str = TITLE,
    text: str = LEAD + REST,
    outlet: str = "新华社",
    hours: float = 0,
    url: str = "",
    name: str = "a",
) -> CopyText:
    published = NOON + timedelta(hours=hours)
    return copy_text(name, outlet, title, letters(fold(text)), published, url)


def kind(first: CopyText, second: CopyText) -> Kind:
    found, turned = relate(first, second), relate(second, first)
    assert (found.kind, found.score) == (turned.kind, turned.score)
    return found.kind


# --- the same text -------------------------------------------------------------------------------


def test_a_reprint_is_a_copy_whatever_its_title() -> None:
    assert kind(article(), article(outlet="联合早报", hours=9)) == "copy"
    assert kind(article(), article("航班回来了", outlet="联合早报", hours=9)) == "copy"
    assert kind(article(), article("", outlet="联合早报", hours=9)) == "copy"


def test_script_width_and_punctuation_make_no_difference() -> None:
    traditional = (LEAD + REST).replace("国", "國").replace("机场", "機場").replace("，", ",")
    assert relate(article(), article(text=traditional)).score == 1


def test_a_light_edit_is_a_copy() -> None:
    chance = random.Random(1)
    edited = "".join("某" if chance.random() < 0.04 else each for each in LEAD + REST)
    assert kind(article(), article(text=edited, outlet="联合早报")) == "copy"


def test_the_lead_alone_is_an_excerpt_and_it_is_told_of_which() -> None:
    whole, lead = article(), article(text=LEAD, outlet="联合早报")
    assert relate(whole, lead) == Relation("excerpt", 1.0, of_second=True)
    assert relate(lead, whole) == Relation("excerpt", 1.0, of_second=False)


def test_under_one_title_two_versions_may_have_half_in_common() -> None:
    first, text = article(text=LEAD + REST[:90]), LEAD[:110] + OTHER_LEAD
    assert 0.5 <= compare(first, article(text=text)).containment < 0.6
    assert kind(first, article(text=text, outlet="联合早报")) == "copy"
    assert kind(first, article("侨民盼望航班", text, "联合早报")) == "none"


def test_a_report_again_at_its_outlet_with_a_cut_title_is_the_same() -> None:
    longer = f"{TITLE} 首批航班来自多哈 许多侨民打算春天带孩子回乡探亲"
    first, again = article(longer, LEAD + REST[:60]), article(text=LEAD + REST, hours=13)
    assert compare(first, again).titles < 0.4
    assert compare(first, again).head < 0.8
    assert kind(first, again) == "excerpt"


def test_one_url_is_one_article_however_the_text_changed() -> None:
    before, after = article(url="https://example.org/a"), article(
        "更正", OTHER_LEAD, url="https://example.org/a"
    )  # fmt: skip
    assert kind(before, after) == "revision"
    assert kind(article(), article("更正", OTHER_LEAD)) == "none"


# --- not the same --------------------------------------------------------------------------------


def note(day: int, close: str, change: str, high: str, low: str) -> str:
    return (
        f"沪指今日收于{close}点，较上一交易日变动{change}个百分点，盘中最高{high}点，最低{low}点，两市成交"
        "继续保持在近期的平均水平，板块方面银行、券商与煤炭走强，半导体和消费电子回调，分析人士认为短期"
        f"市场仍以震荡为主，投资者应当注意控制仓位。以上为1月{day}日收盘播报，仅供参考，不构成投资建议。"
    )


@pytest.mark.parametrize("outlet", ["新华社", "联合早报"])
def test_a_daily_note_with_other_figures_is_another_article(outlet: str) -> None:
    first = article("沪指收盘播报", note(27, "4120.5", "0.31", "4133.2", "4101.7"))
    second = article(
        "沪指收盘播报", note(28, "4098.8", "0.53", "4125.9", "4090.4"), outlet, hours=24
    )
    assert compare(first, second).containment >= 0.5
    assert kind(first, second) == "none"


def test_a_notice_comes_again_the_next_day_word_for_word_and_is_another() -> None:
    text = "中国人民银行今日继续暂停公开市场操作，称银行体系流动性处于充裕水平，可吸收到期的影响。"
    assert kind(article("央行暂停操作", text), article("央行暂停操作", text, hours=24)) == "none"
    assert kind(article("央行暂停操作", text), article("央行暂停操作", text, hours=1)) == "copy"
    other = article("央行暂停操作", text, "联合早报", hours=24)
    assert kind(article("央行暂停操作", text), other) == "copy"


def test_notices_of_one_form_about_two_people_are_two() -> None:
    form = (
        "据中央纪委国家监委驻当地纪检监察组消息：{}涉嫌严重违纪违法，目前正接受纪律审查和监察调查。"
    )
    first, second = form.format("某市原主任张三"), form.format("某省原局长李四丰")
    assert kind(article("张三被查", first), article("李四丰被查", second, hours=2)) == "none"


def test_pages_whose_titles_count_are_told_apart() -> None:
    form = "本版图片：{}。" + LEAD[:70]
    first, second = (
        article("03版图片报道", form.format("桥")),
        article("04版图片报道", form.format("湖")),
    )
    assert compare(first, second).containment > 0.85
    assert kind(first, second) == "none"


def test_a_digest_is_not_its_items() -> None:
    item = article("喀布尔机场2月3日重新开放", LEAD, "36氪")
    text = OTHER_LEAD * 2 + REST + LEAD
    for title in ("8点1氪丨某车企降价；喀布尔机场重新开放；金价再涨", "早报｜金价再涨"):
        digest = article(title, text, "36氪", hours=5)
        assert relate(item, digest) == Relation("digest_contains", 1.0, of_second=False)
        assert relate(digest, item) == Relation("digest_contains", 1.0, of_second=True)
    assert "digest_contains" not in DUPLICATE


def test_an_item_that_leads_a_digest_is_not_merged_with_it() -> None:
    item = article("某车企全系降价两成", LEAD, "36氪")
    digest = article(
        "8点1氪丨某车企全系降价两成；金价再涨；航线重开", LEAD + REST + OTHER_LEAD, "36氪"
    )
    assert kind(item, digest) == "digest_contains"


def test_two_reports_that_quote_the_same_are_two() -> None:
    statement = LEAD[:95]
    first = article("喀布尔居民等待航班", statement + OTHER_LEAD)
    second = article("冬季大雾考验导航设备", statement + REST[:110], "联合早报")
    assert compare(first, second).containment > 0.3
    assert kind(first, second) == "none"


def test_the_next_report_of_an_outlet_has_parts_of_the_last() -> None:
    first = article(text=LEAD + REST)
    second = article("旅行社电话响个不停 侨民盼回乡", OTHER_LEAD + REST, hours=20)
    assert compare(first, second).containment >= 0.6
    assert kind(first, second) == "none"


def test_of_one_outlet_another_title_has_to_be_about_the_same() -> None:
    whole = article(text=LEAD + REST + OTHER_LEAD)
    about_it = article("喀布尔国际机场重新接待国际航班", LEAD + REST, hours=2)
    about_half = article("喀布尔机场 旅行社电话响个不停 票价将在两周之内公布", LEAD + REST, hours=2)
    assert 0.5 <= compare(whole, about_half).head < 0.8
    assert kind(whole, about_it) == "copy"
    assert kind(whole, about_half) == "none"


@pytest.mark.parametrize("text", ["", "照片", "点击查看更多内容"])
def test_next_to_nothing_is_the_same_as_nothing(text: str) -> None:
    assert kind(article(text=text), article(text=text)) == "none"


def test_without_titles_only_what_begins_alike_is_an_excerpt() -> None:
    whole = LEAD + REST + OTHER_LEAD
    lead, middle = article("", LEAD, "联合早报"), article("", OTHER_LEAD, "联合早报")
    assert kind(article(text=whole), lead) == "excerpt"
    assert kind(article(text=whole), middle) == "digest_contains"
    assert kind(article("", whole), middle) == "digest_contains"


@pytest.mark.parametrize(
    ("title", "listing"),
    [
        ("8点1氪丨某车企降价；喀布尔机场重新开放", True),
        ("1月28日投资早报|某股预亏6.5亿元", True),
        ("金价再涨；航线重开；某车企降价", True),
        ("早报：金价再涨", True),
        ("阿富汗宣布重开喀布尔机场国际航线", False),
        ("大西洋观察｜西方裂痕下的现实与隐忧", False),
        ("北京晚报社长谈新闻", False),
        ("|" * 1_000_000, False),
    ],
)
def test_titles_that_list_several_things(title: str, listing: bool) -> None:
    assert article(title).listing is listing


def test_a_dateline_is_no_figure_of_who_takes_a_text_over() -> None:
    text = LEAD + REST
    own = article(text=text).numbers
    sent = article(text="新华社喀布尔3月17日电记者张三" + text)
    printed = article(text="2026年03月19日本报北京3月18日电据新华社电" + text, outlet="人民日报")
    assert sent.dateline == {"3", "17"} - own
    assert printed.dateline == {"2026", "03", "19", "3", "18"} - own
    found = compare(sent, printed)
    assert (found.numbers, found.back_numbers) == (1, 1)
    assert found.numbered == len(own | {"3"}), "of its date what both have"
    at_home = replace(printed, outlet=sent.outlet)
    assert compare(sent, at_home).numbers < 1, "an outlet's own notes differ by it"


@pytest.mark.parametrize("text", ["", "今日开盘", "3月1日起施行的办法规定", "28日"])
def test_what_is_no_dateline_counts(text: str) -> None:
    assert article(text=text + LEAD).dateline == frozenset()


# --- the limits ----------------------------------------------------------------------------------

VERSION = Evidence(
    containment=0.75, back=0.7, head=0.9, titles=0.7, title_part=0.8, numbers=1, back_numbers=0.9,
    numbered=5, conflict=False, ratio=0.9, length=400, listing=False, same_outlet=False,
    same_url=False, hours=3, swapped=False,
)  # fmt: skip
"""Two versions of one report, at two outlets."""

UNCHANGED = {"containment": 0.9, "back": 0.9}
AT_ONE_OUTLET = {"same_outlet": True}
ALL_FIGURES = {"containment": 0.75, "head": 0.3, "titles": 0.1, "back_numbers": 1}


@pytest.mark.parametrize(
    ("differs", "expected"),
    [
        ({}, "copy"),
        ({"containment": 0.59}, "none"),
        ({"containment": 0.51, "titles": 0.85}, "copy"),
        ({"containment": 0.51, "titles": 0.85, "ratio": 0.55}, "none"),
        ({"head": 0.45}, "none"),
        ({"titles": 0.05, "containment": 0.69}, "none"),
        ({"titles": 0.05, "containment": 0.71}, "copy"),
        ({"ratio": 0.65}, "excerpt"),
        ({"ratio": 0.4, "containment": 0.62}, "none"),
        ({"ratio": 0.4, "containment": 0.64}, "excerpt"),
        ({"ratio": 0.4, "containment": 0.79, "titles": 0.2}, "none"),
        ({"ratio": 0.4, "containment": 0.81, "titles": 0.2}, "excerpt"),
        ({"ratio": 0.4, "containment": 0.76, "head": 0.4}, "digest_contains"),
        ({"ratio": 0.4, "containment": 0.74, "head": 0.4}, "none"),
        ({**UNCHANGED, "head": 0, "titles": 0}, "copy"),
        ({**ALL_FIGURES, "back": 0.71}, "copy"),
        ({**ALL_FIGURES, "back": 0.69}, "none"),
        ({**ALL_FIGURES, "back": 0.71, "numbered": 1}, "none"),
        ({**ALL_FIGURES, "back": 0.71, "back_numbers": 0.9}, "none"),
        ({**ALL_FIGURES, "back": 0.71, "numbers": 0.9}, "none"),
        ({**ALL_FIGURES, "back": 0.71, **AT_ONE_OUTLET}, "none"),
        ({"containment": 0.56, "titles": 0.85, "ratio": 0.4}, "excerpt"),
        ({"containment": 0.54, "titles": 0.85, "ratio": 0.4}, "none"),
        ({"containment": 0.56, "titles": 0.85, "ratio": 0.4, "numbers": 0.9}, "none"),
        ({"containment": 0.56, "titles": 0.85, "ratio": 0.4, "numbered": 1}, "none"),
        ({"containment": 0.56, "titles": 0.75, "ratio": 0.4}, "none"),
        # another outlet's figures
        ({"numbers": 0.4}, "copy"),
        ({"numbers": 0.2}, "none"),
        ({"numbers": 0.2, "numbered": 2}, "copy"),
        ({"numbers": 0.4, "titles": 0.55}, "none"),
        ({"numbers": 0.4, "length": 150}, "none"),
        ({"numbers": 0.4, "hours": 25}, "none"),
        ({"numbers": 0.4, "titles": 0.2, "hours": 60, **UNCHANGED}, "copy"),
        # titles that count
        ({"conflict": True}, "none"),
        ({"conflict": True, **UNCHANGED}, "none"),
        ({"conflict": True, **UNCHANGED, "length": 600}, "copy"),
        # one outlet
        (AT_ONE_OUTLET, "copy"),
        ({**AT_ONE_OUTLET, "titles": 0.55, "containment": 0.69}, "none"),
        ({**AT_ONE_OUTLET, "titles": 0.55, "containment": 0.71}, "copy"),
        ({**AT_ONE_OUTLET, "titles": 0.55, "containment": 0.66, "ratio": 0.4}, "none"),
        ({**AT_ONE_OUTLET, "titles": 0.55, "containment": 0.71, "ratio": 0.4}, "excerpt"),
        ({**AT_ONE_OUTLET, "titles": 0.35}, "none"),
        ({**AT_ONE_OUTLET, "titles": 0.35, "containment": 0.82}, "copy"),
        ({**AT_ONE_OUTLET, "titles": 0.35, "head": 0.6, **UNCHANGED}, "copy"),
        ({**AT_ONE_OUTLET, "titles": 0.35, "head": 0.4, **UNCHANGED}, "none"),
        ({**AT_ONE_OUTLET, "numbers": 0.4, "hours": 13}, "none"),
        ({**AT_ONE_OUTLET, "numbers": 0.4, "titles": 0.2, **UNCHANGED}, "none"),
        ({**AT_ONE_OUTLET, "numbers": 0.9, "back_numbers": 0.9}, "copy"),
        ({**AT_ONE_OUTLET, "numbers": 0.9, "back_numbers": 0.9, "hours": 13}, "none"),
        ({**AT_ONE_OUTLET, "numbers": 0.9, "back_numbers": 0.9, "length": 190}, "none"),
        (
            {**AT_ONE_OUTLET, "numbers": 0.9, "back_numbers": 0.9, "length": 190, "titles": 0.8}
            | UNCHANGED,
            "copy",
        ),
        ({**AT_ONE_OUTLET, "titles": 0.85, "hours": 13, "length": 600}, "none"),
        ({**AT_ONE_OUTLET, "titles": 0.85, "hours": 11, "length": 600}, "copy"),
        ({**AT_ONE_OUTLET, "titles": 0.75, "hours": 13, "length": 600}, "copy"),
        ({**AT_ONE_OUTLET, "titles": 0.85, "hours": 13, "length": 600, **UNCHANGED}, "copy"),
        ({**AT_ONE_OUTLET, "titles": 0.85, "hours": 13, "length": 600, "ratio": 0.45}, "excerpt"),
        ({"titles": 0.85, "hours": 13, "length": 600}, "copy"),
        ({**AT_ONE_OUTLET, "hours": 37, "length": 450}, "none"),
        ({**AT_ONE_OUTLET, "hours": 35, "length": 450}, "copy"),
        ({**AT_ONE_OUTLET, "hours": 37, "length": 450, "containment": 1, "back": 0.99}, "copy"),
        ({**AT_ONE_OUTLET, "hours": 37, "length": 550}, "copy"),
        ({**AT_ONE_OUTLET, "hours": 19, "length": 190}, "none"),
    ],
)
def test_a_little_more_or_less_decides(differs: dict[str, float], expected: Kind) -> None:
    assert judge(replace(VERSION, **differs)).kind == expected


# --- laws ----------------------------------------------------------------------------------------

TEXTS = st.builds(
    article,
    st.sampled_from([TITLE, "", "早报｜要闻", "03版 图片", "04版 图片", "喀布尔"]),
    st.lists(st.sampled_from([LEAD, REST, OTHER_LEAD, "2026", "照片"]), max_size=4).map("".join)
    | st.text(max_size=80),
    st.sampled_from(["", "a", "b"]),
    st.floats(0, 100),
    st.sampled_from(["", "https://example.org/1"]),
    st.sampled_from("ab"),
)


@given(TEXTS, TEXTS)
def test_what_one_is_to_the_other_the_other_is_to_it(first: CopyText, second: CopyText) -> None:
    found, turned = relate(first, second), relate(second, first)
    assert (found.kind, found.score) == (turned.kind, turned.score)
    if found.kind in ("excerpt", "digest_contains"):
        assert found.of_second != turned.of_second


@given(TEXTS, TEXTS)
def test_all_shares_are_shares(first: CopyText, second: CopyText) -> None:
    seen = compare(first, second)
    shares = (seen.containment, seen.back, seen.head, seen.titles, seen.title_part, seen.numbers)
    assert all(0 <= share <= 1 for share in (*shares, seen.back_numbers, seen.ratio))
    assert seen.length == min(len(first.body), len(second.body))
    assert 0 <= judge(seen).score <= 1


@given(TEXTS)
def test_a_text_of_some_length_is_a_copy_of_itself(text: CopyText) -> None:
    kinds = {"revision"} if text.url else {"copy"} if len(text.body) >= 40 else {"none"}
    assert relate(text, text).kind in kinds


def test_of_very_long_texts_the_beginning_is_compared_and_all_of_the_length_counts() -> None:
    chance = random.Random(4)
    start, end, other = (
        "".join(chr(0x4E00 + chance.randrange(3000)) for _ in range(size))
        for size in (COMPARED, COMPARED // 2, COMPARED // 2)
    )
    one, two = article(text=start + end), article(text=start + other)
    assert compare(one, two).both == 1
    assert kind(one, two) == "copy"
    assert compare(article(text=start), article(text=start + 9 * end)).ratio < 0.2
    # numbers that stand only further on say nothing of what was compared
    assert article(text=start + "1111 2222 3333").numbers == frozenset()
