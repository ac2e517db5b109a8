from __future__ import annotations

import pytest

from aggregator.core.clean import clean_body
from aggregator.core.identity import canonical_url
from aggregator.core.markup import parse_fragment, select
from aggregator.core.model import FeedRules, FeedSpec
from aggregator.sources import (
    FAMILIES,
    FEEDX,
    NAMES,
    URL_RULES,
    Family,
    combine,
    family_named,
    family_of_entry,
    family_of_feed,
    family_of_page,
    url_rules_of,
    whole_url,
)


def spec(url: str, source: str = "") -> FeedSpec:
    return FeedSpec("f", (url,), source=source)


@pytest.mark.parametrize(
    ("url", "source", "generator", "name"),
    [
        ("https://feedx.net/rss/mgzy1.xml", "", "", "feedx"),
        ("https://FEEDX.top/rss/bbc.xml", "", "", "feedx"),
        ("https://notfeedx.net/rss", "", "", "generic"),
        ("https://rsshub.app/guancha/gundong", "", "", "rsshub"),
        ("https://hub.example.org/guancha", "", "RSSHub", "rsshub"),
        ("https://www.voachinese.com/api/zm", "", "Pangea CMS", "voa"),
        ("https://chinese.aljazeera.net/feed", "", "WordPress", "aljazeera"),
        ("http://127.0.0.1:8000/x.xml", "feedx", "", "feedx"),
        ("https://feedx.net/rss/mgzy1.xml", "generic", "", "generic"),
        ("https://[broken/", "", "", "generic"),
    ],
)
def test_a_feed_is_known_by_its_source_then_host_then_generator(
    url: str, source: str, generator: str, name: str
) -> None:
    assert family_of_feed(spec(url, source), generator).name == name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.guancha.cn/internation/2021_10_21_611661.shtml", "guancha"),
        ("https://user.guancha.cn/main/content?id=1", "guancha"),
        ("https://chinese.aljazeera.net/news/2021/11/24/x", "aljazeera"),
        ("https://www.voachinese.com/a/x/5982533.html", "voa"),
        ("https://feedx.net/", "generic"),
        ("", "generic"),
    ],
)
def test_a_page_is_known_by_its_host(url: str, name: str) -> None:
    assert family_of_page(url).name == name


def test_every_name_is_found_and_no_other() -> None:
    assert [family_named(name).name for name in NAMES] == list(NAMES)
    assert len(set(NAMES)) == len(NAMES)
    with pytest.raises(KeyError):
        family_named("nowhere")


GUANCHA_ADDRESSES = (
    "https://www.guancha.cn/WangWen/2019_09_07_516891.shtml",
    "https://www.guancha.cn/WangWen/2019_09_07_516891_s.shtml",
    "http://www.guancha.cn/WangWen/2019_09_07_516891_2.shtml",
    "https://m.guancha.cn//WangWen/2019_09_07_516891.shtml",
    "https://m.guancha.cn/WangWen/2019_09_07_516891.shtml?s=wapzwyxgtjbt",
)


def test_the_addresses_of_one_guancha_article_are_one() -> None:
    assert {canonical_url(url, URL_RULES) for url in GUANCHA_ADDRESSES} == {GUANCHA_ADDRESSES[0]}
    posts = ("id=51&page=0", "id=51", "s=fwtj&id=51")
    urls = {canonical_url(f"https://user.guancha.cn/main/content?{q}", URL_RULES) for q in posts}
    assert urls == {"https://user.guancha.cn/main/content?id=51"}


@pytest.mark.parametrize("url", GUANCHA_ADDRESSES)
def test_url_rules_are_idempotent_and_leave_other_sites_alone(url: str) -> None:
    once = canonical_url(url, URL_RULES)
    assert canonical_url(once, URL_RULES) == once
    other = url.replace("guancha.cn", "guancha.cn.example").replace("http://", "https://")
    assert canonical_url(other, URL_RULES) == canonical_url(other)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        # by the mirror, by the site, in parts, beside the English
        ("https://cn.ft.com/story/001088600?full=y", "https://www.ftchinese.com/story/001088600"),
        ("http://www.ftchinese.com/story/001088600", "https://www.ftchinese.com/story/001088600"),
        ("http://m.ftchinese.com/story/001088600/ce?ccode=x&archive",
         "https://www.ftchinese.com/story/001088600"),
        # for phones
        ("https://www.voachinese.com/amp/x-20261002/8206737.html",
         "https://www.voachinese.com/a/x-20261002/8206737.html"),
        ("https://amp.dw.com/zh/x/a-54238787", "https://www.dw.com/zh/x/a-54238787"),
        ("https://amp.rfi.fr/cn/x", "https://www.rfi.fr/cn/x"),
        ("https://www.bbc.com/zhongwen/simp/science-53458502.amp",
         "https://www.bbc.com/zhongwen/simp/science-53458502"),
        ("https://www.aljazeera.com/amp/news/2021/11/24/x",
         "https://www.aljazeera.com/news/2021/11/24/x"),
        ("https://www.rfa.org/mandarin/x.html/ampRFA", "https://www.rfa.org/mandarin/x.html"),
        ("https://m.cn.nytimes.com/style/20200717/x/", "https://cn.nytimes.com/style/20200717/x/"),
        ("https://m.thepaper.cn/detail/32423319",
         "https://www.thepaper.cn/newsDetail_forward_32423319"),
        ("https://m.jiemian.com/article/13880622.html",
         "https://www.jiemian.com/article/13880622.html"),
        # in the other script, in another country
        ("https://www.rfa.org/mandarin/x.html?encoding=traditional",
         "https://www.rfa.org/mandarin/x.html"),
        ("https://www.bbc.co.uk/news/world-asia-51701039",
         "https://www.bbc.com/news/world-asia-51701039"),
        ("https://www.zaobao.com.sg//realtime/china/story20200721-1070908",
         "https://www.zaobao.com/realtime/china/story20200721-1070908"),
        # not an article, or not of them
        ("https://www.bbc.co.uk/programmes/x", "https://www.bbc.co.uk/programmes/x"),
        ("https://www.ftchinese.com/tag/x?full=y", "https://www.ftchinese.com/tag/x?full=y"),
        ("https://amp.dw.com.example/zh/x", "https://amp.dw.com.example/zh/x"),
    ],
)  # fmt: skip
def test_one_article_has_one_address(url: str, canonical: str) -> None:
    assert canonical_url(url, URL_RULES) == canonical
    assert canonical_url(canonical, URL_RULES) == canonical


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_declared_selectors_are_selectors(family: Family) -> None:
    selectors = family.clean.drop + family.clean.lift + family.page.drop + family.page.containers
    assert select(parse_fragment("<p>x</p>"), selectors) == []


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("国际新闻 - Made with love by RSSHub(https://github.com/DIYgod/RSSHub)", "rsshub"),
        ("每日环球视野全文RSS。获取更多全文RSS：https://feedx.net", "feedx"),
        ("新闻。", "generic"),
    ],
)
def test_a_feed_elsewhere_is_known_by_how_it_describes_itself(description: str, name: str) -> None:
    assert family_of_feed(spec("https://mirror.example/x.xml"), "", description).name == name


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        (
            "https://www.guancha.cn/politics/2021_10_21_611661.shtml",
            "https://www.guancha.cn/politics/2021_10_21_611661_s.shtml",
        ),
        (
            "http://m.guancha.cn//politics/2021_10_21_611661_2.shtml",
            "http://m.guancha.cn//politics/2021_10_21_611661_s.shtml",
        ),
        (
            "https://user.guancha.cn/main/content?id=51",
            "https://user.guancha.cn/main/content?id=51&page=0",
        ),
        (
            "http://www.ftchinese.com/story/001094267",
            "http://www.ftchinese.com/story/001094267?full=y",
        ),
        (
            "https://cn.ft.com/story/001094267?page=2",
            "https://cn.ft.com/story/001094267?full=y",
        ),
        # these are whole, or of a site that is not known
        ("https://cn.ft.com/story/001088600?full=y", ""),
        ("https://www.guancha.cn/politics/2021_10_21_611661_s.shtml", ""),
        ("https://user.guancha.cn/main/content?id=51&page=0", ""),
        ("https://example.org/2021_10_21_611661.shtml", ""),
    ],
)
def test_where_the_whole_text_is(url: str, whole: str) -> None:
    assert whole_url(url, family_of_page(url)) == whole


def test_an_entry_has_the_rules_of_its_feed_and_of_its_site() -> None:
    mirror = spec("https://feedx.net/rss/rti.xml")
    family = family_of_entry(mirror, "", "https://www.rti.org.tw/news/view/id/1")
    assert (family.name, family.mirror) == ("feedx", True)
    # the mirror says its texts are whole; of this outlet they are not
    assert family.full_text == "page"
    assert family_of_entry(mirror, "", "https://www.rfi.fr/cn/x").full_text == "feed"
    assert family_of_entry(mirror, "", "https://www.rfi.fr/cn/x").timezone == "Europe/Paris"
    hub = spec("https://rsshub.app/guancha/gundong")
    assert family_of_entry(hub, "", "https://www.guancha.cn/x").mislabelled == "Asia/Shanghai"


RULES = FeedRules(
    clean_drop=("div.share",),
    clean_lift=("blockquote.box",),
    clean_drop_text=("广告：.*",),
    clean_header=(r"发布于 (?P<date>.+)",),
    clean_footer=("本站声明",),
    unwrap_images=True,
    canonical=((r"^https://m\.x\.org/(\d+)", r"https://x.org/\1"),),
    page_containers=("div.text",),
    page_whole=("看全部",),
)


def test_a_user_declares_the_same_rules_for_a_feed_of_theirs() -> None:
    feed = FeedSpec("f", ("https://x.org/feed",), rules=RULES)
    family = family_of_entry(feed, "", "https://x.org/1")
    body = (
        "<p>发布于 2021-07-28 21:05</p><blockquote class=box>一</blockquote>"
        '<p>广告：买吧</p><div class="share">分享</div>'
        '<img src="https://images.weserv.nl/?url=x.org/a.jpg"><img src="https://picsum.photos/9">'
        "<p>二</p><p>本站声明</p><p>三</p>"
    )
    cleaned = clean_body(body, "https://x.org/1", family.clean)
    assert cleaned.published_text == "2021-07-28 21:05"
    assert cleaned.html == (
        '<p>一</p>\n<p><img src="https://x.org/a.jpg" referrerpolicy="no-referrer"></p>\n<p>二</p>'
    )
    assert {(effect.action, effect.count) for effect in cleaned.trace} == {
        ("drop", 1), ("lift", 1), ("drop_text", 1), ("header", 1), ("footer", 2),
        ("image_proxies", 1),
    }  # fmt: skip
    assert family.page.containers == ("div.text",)
    assert family.page.whole_link == ("看全部",)
    url = canonical_url("https://m.x.org/12?utm_source=a", url_rules_of(feed))
    assert url == "https://x.org/12"


def test_a_users_rules_are_added_to_those_of_a_known_family() -> None:
    feed = FeedSpec("f", ("https://feedx.net/rss/x.xml",), rules=RULES)
    family = family_of_feed(feed, "")
    assert family.mirror
    assert set(FEEDX.clean.header) < set(family.clean.header)
    assert family_of_feed(spec("https://feedx.net/rss/x.xml"), "") == FEEDX


def test_rules_that_match_nothing_do_nothing() -> None:
    body = "<p>一</p>\n<p>二</p>"
    every = combine(*(family.clean for family in FAMILIES))
    cleaned = clean_body(body, "https://x.org/1", every)
    assert (cleaned.html, cleaned.trace) == (body, ())
