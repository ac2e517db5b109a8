from __future__ import annotations

import time
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.identity import (
    KEY_LIMIT,
    UrlRule,
    article_id,
    canonical_url,
    entry_digest,
    entry_keys,
    entry_url,
)
from aggregator.core.model import ParsedEntry

GUANCHA = (
    UrlRule(r"//m\.guancha\.cn/+", "//www.guancha.cn/"),
    UrlRule(r"_s\.shtml$", ".shtml"),
    UrlRule(r"&page=0$", ""),
)


def entry(
    title: str = "", url: str = "", guid: str = "", date: str = "", content: str = ""
) -> ParsedEntry:
    return ParsedEntry(
        title=title, url=url, guid=guid, author="", published=None, updated=None,
        date_given=date, summary="", content=content, base="https://example.org/",
    )  # fmt: skip


# --- URLs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_url", "canonical"),
    [
        ("HTTP://Example.ORG", "https://example.org/"),
        ("https://example.org:443/a", "https://example.org/a"),
        ("http://example.org:80/a", "https://example.org/a"),
        ("http://example.org:8080/a", "https://example.org:8080/a"),
        ("https://example.org./a", "https://example.org/a"),
        ("https://user:secret@example.org/a", "https://example.org/a"),
        ("https://example.org/a#part", "https://example.org/a"),
        ("https://example.org/#!/a", "https://example.org/#!/a"),
        ("https://example.org/a?", "https://example.org/a"),
        ("https://example.org/a/?b=2&a=1&&b=3", "https://example.org/a/?b=2&a=1&b=3"),
        ("https://example.org/a?utm_source=RSS&id=5&UTM_x=1", "https://example.org/a?id=5"),
        ("https://example.org/a?fbclid=1&gclid=2&spm=3", "https://example.org/a"),
        ("https://www.bbc.com/a?at_medium=RSS&at_campaign=rss", "https://www.bbc.com/a"),
        ("https://example.org/a?from=2020&to=2021", "https://example.org/a?from=2020&to=2021"),
        ("https://example.org/a?from=timeline&id=1", "https://example.org/a?id=1"),
        ("https://www.rfi.fr//cn/a", "https://www.rfi.fr/cn/a"),
        ("https://example.org/a/./b/../c/..", "https://example.org/a/"),
        ("https://example.org/../../a", "https://example.org/a"),
        ("https://example.org/%7ea%2fb%zz", "https://example.org/~a%2Fb%25zz"),
        ("https://example.org/中 文", "https://example.org/%E4%B8%AD%20%E6%96%87"),
        ("https://example.org/%e4%b8%ad", "https://example.org/%E4%B8%AD"),
        ("https://中文.example/", "https://xn--fiq228c.example/"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443/"),
        ("  https://example.org/a\n", "https://example.org/a"),
    ],
)
def test_a_url_has_one_spelling(given_url: str, canonical: str) -> None:
    assert canonical_url(given_url) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "", "a/b", "/a", "//example.org/a", "ftp://example.org/", "javascript:alert(1)",
        "mailto:a@example.org", "https://", "https:///a", "https://a..b/", "https://exa mple.org/",
        "https://example.org:99999/", "https://example.org:x/", "https://[::1/", "https://<b>/",
        "https://" + "a" * 64 + "中.org/",
    ],
)  # fmt: skip
def test_what_is_no_web_address_has_none(text: str) -> None:
    assert canonical_url(text) == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://www.guancha.cn/internation/2021_07_28_600001.shtml",
        "http://www.guancha.cn/internation/2021_07_28_600001_s.shtml",
        "https://m.guancha.cn//internation/2021_07_28_600001.shtml",
        "https://M.GUANCHA.CN/internation/2021_07_28_600001_s.shtml?utm_source=rss#top",
    ],
)
def test_rules_bring_the_urls_of_one_article_together(url: str) -> None:
    canonical = "https://www.guancha.cn/internation/2021_07_28_600001.shtml"
    assert canonical_url(url, GUANCHA) == canonical


def test_a_rule_meets_doubled_slashes_too() -> None:
    rules = (UrlRule(r"m\.guancha\.cn//", "www.guancha.cn/"),)
    assert canonical_url("http://m.guancha.cn//a.shtml", rules) == "https://www.guancha.cn/a.shtml"


def test_rules_that_never_settle_end() -> None:
    assert canonical_url("https://a.org/", (UrlRule(r"/$", "/a/"),)).startswith("https://a.org/a/")


URL_PARTS = st.sampled_from(
    ["http://", "https://", "EXAMPLE", ".org", ":80", ":443", "/", "//", ".", "..", "?", "&", "=",
     "a", "%7e", "%E4", "%", "%2e", "#", "#!", "@", "中", "utm_source=x", "spm", "[", "]", ":", " ",
     "\\", "_s.shtml", "m.guancha.cn", "&page=0", "\ud800", "ß", "İ", "。"]
)  # fmt: skip


@given(st.lists(URL_PARTS, max_size=14).map("".join) | st.text(max_size=40))
def test_canonical_is_its_own_canonical(text: str) -> None:
    for prefix in ("", "https://example.org/"):
        for rules in ((), GUANCHA):
            once = canonical_url(prefix + text, rules)
            assert canonical_url(once, rules) == once
            assert once.isascii()
            assert once == "" or once.startswith("https://")


def test_posts_on_one_page_are_told_apart_by_their_fragments() -> None:
    page = "http://example.org/26.html"
    assert entry_url(entry(url=f"{page}#a1", guid=f"{page}#a1")) == "https://example.org/26.html#a1"
    assert entry_url(entry(url=f"{page}#a1", guid="17")) == "https://example.org/26.html"
    assert entry_url(entry(url=page, guid=f"{page}#0")) == "https://example.org/26.html"
    assert entry_url(entry(url=f"{page}#xtor=RSS", guid=f"{page}#xtor=RSS")) == (
        "https://example.org/26.html"
    )
    assert entry_url(entry(url=page, guid=page)) == "https://example.org/26.html"
    assert entry_url(entry(guid="x")) == ""


# --- keys --------------------------------------------------------------------------------------


def test_the_guid_is_the_key_and_stays_when_all_else_is_edited() -> None:
    before = entry("袁隆平去世", "https://a.org/1", "guid-1", "Mon", "x")
    after = entry("袁隆平逝世", "https://a.org/2", "guid-1", "Tue", "y")
    assert entry_keys([before]) == entry_keys([after]) == ("guid-1",)


def test_without_a_guid_the_canonical_link_is_the_key() -> None:
    entries = [entry("a", "http://a.org/1?utm_source=rss"), entry("b", "https://a.org/2")]
    assert entry_keys(entries) == ("https://a.org/1", "https://a.org/2")


def test_a_guid_that_others_share_is_no_key() -> None:
    entries = [entry("a", "https://a.org/1", "0"), entry("b", "https://a.org/2", "0")]
    assert entry_keys(entries) == ("https://a.org/1", "https://a.org/2")


def test_where_guid_and_link_are_shared_title_date_and_text_tell_apart() -> None:
    home = "https://a.org/"
    entries = [
        entry("a", home, "0", "Mon", "x"),
        entry("b", home, "0", "Mon", "x"),
        entry("a", home, "0", "Tue", "x"),
        entry("", home, "0", "Tue", "x"),
        entry("", home, "0", "Tue", "y"),
        entry("c", "", "", "Mon", "x"),
        entry("c", "", "", "Mon", "y"),
    ]
    keys = entry_keys(entries)
    assert len(set(keys)) == len(entries)


def test_one_entry_twice_has_one_key() -> None:
    twice = entry("a", "https://a.org/1", "", "Mon", "x")
    assert len(set(entry_keys([twice, twice]))) == 1
    bare = entry("a", "", "", "Mon", "x")
    assert len(set(entry_keys([bare, bare]))) == 1
    versions = [entry("a", "https://a.org/1", "id", "Mon", "x"),
                entry("a", "https://a.org/1", "id", "Tue", "y")]  # fmt: skip
    assert entry_keys(versions) == ("id", "id")


def test_keys_are_short_and_can_be_stored() -> None:
    long = "https://a.org/" + "a" * 5000
    keys = entry_keys(
        [entry("a", long + "1"), entry("b", long + "2"), entry("c", "", "\ud800 \n x")]
    )
    assert len(set(keys)) == 3
    assert all(0 < len(key) <= KEY_LIMIT and key == key.strip() for key in keys)
    assert all(key.encode() for key in keys)


FEW = st.sampled_from(["", "a", "b"])
LINKS = st.sampled_from(["", "https://a.org/1", "https://a.org/2", "a"])
ENTRIES = st.lists(st.builds(entry, FEW, LINKS, st.sampled_from(["", "a", "https://a.org/1"]), FEW,
                             FEW), max_size=6)  # fmt: skip


@given(ENTRIES)
def test_different_entries_have_different_keys(entries: list[ParsedEntry]) -> None:
    keys = entry_keys(entries)
    assert all(keys)
    for key in set(keys):
        same = [each for each, its in zip(entries, keys, strict=True) if its == key]
        texts = {(each.title, each.url, each.date_given, each.content) for each in same}
        versions = {(each.guid, each.title, each.url) for each in same}
        assert len(texts) == 1 or (len(versions) == 1 and same[0].guid and same[0].title)


@given(st.permutations(range(4)))
def test_the_order_of_entries_changes_no_key(order: list[int]) -> None:
    entries = [entry("a", "https://a.org/1", "0"), entry("b", "", "0"), entry("c", "", "2"),
               entry("d", "https://a.org/1")]  # fmt: skip
    keys = entry_keys(entries)
    assert entry_keys([entries[at] for at in order]) == tuple(keys[at] for at in order)


# --- ids and digests ---------------------------------------------------------------------------


def test_an_article_has_the_id_of_its_url_whichever_feed_gave_it() -> None:
    known = "77980eae-c343-5b01-9823-eb6ac1da021f"
    assert article_id("https://example.org/a", "one", "1") == known
    assert article_id("https://example.org/a", "two", "2") == known
    assert UUID(known).version == 5


def test_without_a_url_it_is_the_feeds_own() -> None:
    ids = {article_id("", feed, key) for feed in ("one", "two") for key in ("1", "2")}
    assert len(ids) == 4
    assert article_id("", "one", "\ud800")


def test_a_digest_changes_with_title_and_text_only() -> None:
    digest = entry_digest("标题", "<p>正文 A&amp;B</p>")
    assert digest == entry_digest(" 标 题 ", '<div data-n="17" id=t1627>正文\n\nA&#38;B</div><hr>')
    others = [
        ("标题二", "<p>正文 A&amp;B</p>"),
        ("标题", "<p>正文 A&amp;C</p>"),
        ("标", "<p>题正文 A&amp;B</p>"),
    ]
    assert digest not in {entry_digest(*other) for other in others}
    assert len(digest) == 16


CARD = "<a><h3>标题</h3></a><div><span>澎湃思想</span><span>{}</span>\n<span> {} </span></div>"


@pytest.mark.parametrize(
    ("ago", "count"),
    [
        ("5小时前", "2"), ("1天前", "17"), ("47 分钟前", "12评"), ("昨天 08:15", "1,204"),
        ("01-23", "4.1万"), ("今天", "评论"), ("just now", "12 views"), ("3 days ago", "1.2w+"),
        ("12月30日 11:55", "8 条评论"),
    ],
)  # fmt: skip
def test_what_moves_by_itself_is_no_change(ago: str, count: str) -> None:
    digest = entry_digest("标题", CARD.format("", ""))
    assert entry_digest("标题", CARD.format(ago, "3" if count == "评论" else count)) == digest


@pytest.mark.parametrize(
    "text",
    [
        "<p>死亡人数升至<b>{}</b>人</p>",
        "<p>死亡人数升至{}人。</p>",
        "<p>会谈于 {} 小时前开始。</p>",
        "<div>{}%</div>",
        "<div>{}.55 元</div>",
        "<p>"
        + "塔利班代表团在天津会见了中方官员，" * 30
        + "</p><table><tr><td>{}</td></tr></table>",
    ],
)
def test_a_number_that_the_text_is_about_is_a_change(text: str) -> None:
    assert entry_digest("标题", text.format(5)) != entry_digest("标题", text.format(17))


def test_all_digests_of_permuted_words_differ() -> None:
    digests = {entry_digest("", " ".join(words)) for words in permutations(["甲", "乙", "丙"])}
    assert len(digests) == 6


def test_a_digest_is_cheap_even_of_hostile_markup() -> None:
    start = time.process_time()
    entry_digest("<" * 100_000, "<a " * 100_000 + "&" * 100_000)
    assert time.process_time() - start < 1
