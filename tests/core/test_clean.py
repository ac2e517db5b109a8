from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.clean import CleanRules, clean_body, combine, unwrap_image
from aggregator.core.model import Image
from aggregator.sources import FEEDX, GUANCHA, family_named
from tests.reading import read, seed_blocks, seed_body, seeds

BASE = "https://news.example.org/2021/article.html"
DATA = Path(__file__).parents[1] / "data" / "clean"


def html_of(body: str, rules: CleanRules = CleanRules()) -> str:  # noqa: B008 - frozen
    return clean_body(body, BASE, rules).html


@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed.name[:3])
def test_a_seed_keeps_its_blocks_in_order_and_nothing_else(seed: Path) -> None:
    rules = combine(FEEDX.clean, GUANCHA.clean)
    cleaned = clean_body(seed_body(seed), BASE, rules)
    assert read(cleaned.html) == seed_blocks(seed)
    assert len(seed_blocks(seed)) > 15


@pytest.mark.parametrize("given_file", sorted(DATA.glob("*.given.html")), ids=lambda f: f.name)
def test_bodies_as_sources_send_them(given_file: Path) -> None:
    expected = given_file.with_name(given_file.name.replace(".given.", ".clean."))
    outlet = family_named(given_file.name.partition(".")[0].partition("-")[0])
    rules = combine(FEEDX.clean, outlet.clean)
    cleaned = html_of(given_file.read_text("utf-8"), rules)
    assert cleaned + "\n" == expected.read_text("utf-8")


def test_the_date_line_of_a_mirror_is_taken_and_dropped() -> None:
    body = "<div><i>Wed, 28 Jul 2021 21:05:25 GMT</i></div><p>正文第一段。</p>"
    cleaned = clean_body(body, BASE, FEEDX.clean)
    assert cleaned.published_text == "Wed, 28 Jul 2021 21:05:25 GMT"
    assert cleaned.html == "<p>正文第一段。</p>"


def test_an_author_above_the_date_is_taken_too() -> None:
    body = "<div><i>  乐然（综合报道）<br>2020-07-20T14:53:17.152Z</i></div><p>正文。</p>"
    cleaned = clean_body(body, BASE, FEEDX.clean)
    assert (cleaned.author, cleaned.published_text) == (
        "乐然（综合报道）", "2020-07-20T14:53:17.152Z",
    )  # fmt: skip


def test_a_date_in_the_running_text_is_no_header() -> None:
    body = "<p>开头一段。</p><p>又一段。</p><p>2020-07-20 14:53</p>"
    cleaned = clean_body(body, BASE, FEEDX.clean)
    assert cleaned.published_text == ""
    assert "2020-07-20" in cleaned.html


def test_a_footer_goes_with_all_behind_it() -> None:
    body = "<p>正文。</p><br><hr><div>获取更多RSS：<br><a href='https://feedx.net'>x</a></div>"
    assert html_of(body, FEEDX.clean) == "<p>正文。</p>"


def test_a_footer_mark_with_the_article_behind_it_ends_nothing() -> None:
    body = "<p>获取更多RSS：如何做</p>" + "<p>正文。</p>" * 200
    assert html_of(body, FEEDX.clean).count("<p>") == 201


@pytest.mark.parametrize(
    ("url", "original"),
    [
        ("https://images.weserv.nl?url=gdb.voanews.com/a.jpg", "https://gdb.voanews.com/a.jpg"),
        ("https://images.weserv.nl/?url=x.org/a.jpg&w=30", "https://x.org/a.jpg"),
        (
            "https://images.weserv.nl/?url=http%3A%2F%2Fx.org%2Fa%20b.jpg%3Fw%3D1",
            "http://x.org/a%20b.jpg?w=1",
        ),
        ("https://other.example/?url=x.org/a.jpg", "https://other.example/?url=x.org/a.jpg"),
    ],
)
def test_proxied_images_are_unwrapped(url: str, original: str) -> None:
    assert unwrap_image(url, FEEDX.clean) == original


@pytest.mark.parametrize(
    "image",
    [
        '<img src="/pic/a.jpg">',
        '<img src="data:image/gif;base64,R0lG" data-src="//news.example.org/pic/a.jpg">',
        '<img src="/blank.gif" data-original="../pic/a.jpg">',
        '<img srcset="/pic/a-s.jpg 320w, /pic/a.jpg 1024w, /pic/a-m.jpg 640w">',
        '<picture><source srcset="/pic/a.jpg 2x"><img></picture>',
        '<noscript><img src="/pic/a.jpg"></noscript>',
        '<img data-src="/pic/a.jpg"><noscript><img src="/pic/a.jpg"></noscript>',
        '<a href="/pic/a-large.jpg"><img src="/pic/a.jpg"></a>',
    ],
)
def test_images_get_their_true_absolute_address_once(image: str) -> None:
    cleaned = clean_body(f"<p>{image}</p>", BASE)
    assert cleaned.html == (
        '<p><img src="https://news.example.org/pic/a.jpg" referrerpolicy="no-referrer"></p>'
    )
    assert cleaned.image == Image("https://news.example.org/pic/a.jpg")


@pytest.mark.parametrize(
    "body",
    [
        "<figure><img src='/a.jpg'>说明</figure>",
        "<figure><div><img src='/a.jpg'></div><figcaption><b>说</b>明</figcaption></figure>",
        "<img src='/a.jpg'><div><small style='color:#999'>说明</small></div>",
        "<p align=center><img src='/a.jpg'></p><p align=center>"
        "<span style='color:#666666;'>说</span><span style='color:#666'>明</span></p>",
        "<p style='text-align: center'><img src='/a.jpg'></p>\n"
        "<p style='text-align:center'>说明</p>",
        "<div class='wp-caption'><img src='/a.jpg'><p class='wp-caption-text'>说明</p></div>",
    ],
)
def test_a_caption_joins_its_image_in_a_figure(body: str) -> None:
    cleaned = clean_body(body + "<p>正文。</p>", BASE)
    assert read(cleaned.html) == [
        ("img", "https://news.example.org/a.jpg"), ("caption", "说明"), ("p", "正文。"),
    ]  # fmt: skip
    assert re.match(r"<figure><img [^>]*><figcaption>.*</figcaption></figure>", cleaned.html)
    assert (cleaned.text, cleaned.captions) == ("正文。", "说明")


@pytest.mark.parametrize(
    "below",
    [
        "<p>这是正文，不是说明。</p>",
        "<p align=center><strong>小标题</strong></p>",
        "<p><span style='color:#000'>正文</span></p>",
        "<p><span style='color:#999'>灰</span>与黑</p>",
        "<p><span style='color:#c00'>红字</span></p>",
        "<h3>标题</h3>",
    ],
)
def test_what_is_no_caption_stays_a_block(below: str) -> None:
    assert "figcaption" not in html_of(f"<p align=center><img src='/a.jpg'></p>{below}")


def test_bare_text_and_line_breaks_become_paragraphs() -> None:
    body = "一段<br><br>二段<div>三段</div>四<b>段</b><br>又一行<br>\u3000\u3000五段<br>"
    assert html_of(body) == (
        "<p>一段</p>\n<p>二段</p>\n<p>三段</p>\n<p>四<b>段</b><br>\n又一行</p>\n<p>五段</p>"
    )


def test_empty_blocks_and_white_space_go() -> None:
    body = "<p>&nbsp;</p><p><br></p><div><span> </span></div><p>\n\u3000\u3000文\n</p><p></p><hr>"
    assert html_of(body) == "<p>文</p>"


def test_structure_is_kept() -> None:
    body = (
        "<h1>大</h1><h3>小</h3><ul><li><div>甲</div></li><li>乙<ul><li>丙</li></ul></li></ul>"
        "<blockquote>引<br><br>文</blockquote><pre><code>a  <b>\n  c</code></pre>"
        "<table><tr><th>年</th><td colspan=2><p>值</p></td></tr></table>"
        "<p>见<a href='/x' onclick='y()' style='z'>此</a><em>重</em></p>"
    )
    assert html_of(body).replace("\n", "") == (
        "<h2>大</h2><h3>小</h3><ul><li>甲</li><li>乙<ul><li>丙</li></ul></li></ul>"
        "<blockquote><p>引</p><p>文</p></blockquote><pre><code>a  <b>  c</b></code></pre>"
        '<table><tbody><tr><th>年</th> <td colspan="2">值</td> </tr></tbody></table>'
        '<p>见<a href="https://news.example.org/x" rel="noopener noreferrer">此</a><em>重</em></p>'
    )


def test_a_table_for_the_layout_is_poured_out() -> None:
    assert html_of("<table><tr><td><p>甲</p><p>乙</p></td></tr></table>") == "<p>甲</p>\n<p>乙</p>"


def test_an_icon_stays_in_its_line_and_a_picture_does_not() -> None:
    icon = html_of('<p>前<img src="/i.png" width=16 height=16>后</p>')
    assert icon.count("<p>") == 1
    picture = html_of('<p><img src="/i.png"><br>文</p>')
    assert picture.count("<p>") == 2


def test_tracking_pixels_scripts_and_hidden_text_go() -> None:
    body = (
        '<p>正文一段</p><img src="/t.gif" width="1" height="1">'
        '<img src="https://t.example/p" width=0>'
        '<script>x()</script><style>p{}</style><div style="display: none">藏</div>'
        '<form><input></form><iframe src="https://ads.example/"></iframe>'
    )
    assert html_of(body) == "<p>正文一段</p>"


SCRIPT = """document.write("");
 // var box = document.getElementById('box').getElementsByTagName('div');
 // if(box.length  updateMeta(location.href); function updateMeta(url) { var x = url.indexOf('c_');
 if (x >= 0) { var day = url.substring(x-10, x); showMeta(day, 'id_' + url.substring(x + 8)); } }
 function showMeta(day, id) { var metas = document.getElementsByTagName('meta'); for (var i = 0;"""


@pytest.mark.parametrize(
    "given",
    [
        f"<p>正文。</p><p>{SCRIPT}</p>",
        f"<p>正文。</p><div>{SCRIPT}</div>",
        f"<p>正文。</p> {SCRIPT} <br> if (y >= 0) {{ y = x; }}",
        f"<p>正文。 {SCRIPT}</p>",
    ],
)
def test_a_script_without_its_tags_goes(given: str) -> None:
    assert clean_body(given, BASE).text == "正文。"
    assert "<p>获取更多</p>" in clean_body(f"{given}<p>获取更多</p>", BASE).html


@pytest.mark.parametrize(
    "given",
    [
        f"<p>例如：</p><p>{SCRIPT}</p><pre>x = 1;</pre>",
        f"<p>{SCRIPT}</p><p>即 <code>x</code></p>",
        "<p>Call document.write(text) only while the page loads; after that it replaces it.</p>",
        "<p>他说 document.write(x); 是旧的写法；</p>",
        "<p>window.open(); 打开窗口</p>",
        "<p>if err != nil { return err }</p>",
        "<p>Set location.href = '/next'; then wait.</p><p>Never window.stop();</p>",
    ],
)
def test_code_that_an_article_is_about_stays(given: str) -> None:
    shown = re.sub(r"\s", "", clean_body(given, BASE).text)
    assert shown == re.sub(r"\s|</?(?:p|pre|code)>", "", given)


def test_a_video_becomes_a_link() -> None:
    assert html_of('<iframe src="//www.youtube.com/embed/a1" title="片"></iframe>') == (
        '<p><a href="https://www.youtube.com/embed/a1" rel="noopener noreferrer">片</a></p>'
    )


def test_the_address_of_a_player_is_no_running_text() -> None:
    cleaned = clean_body('<video src="/v.mp4"></video><p>文</p>', BASE)
    assert "https://news.example.org/v.mp4" in cleaned.html
    assert cleaned.text == "文"


def test_dropped_are_the_selected_elements_and_blocks_of_a_given_text() -> None:
    rules = CleanRules(drop=("div.ad", "span[data-x]"), drop_text=(r"责编：.{1,10}",))
    body = "<p>文<span data-x=1>无</span></p><div class='big ad'>广告</div><p>责编：某人</p>"
    assert html_of(body, rules) == "<p>文</p>"


def test_combined_rules_all_apply() -> None:
    rules = combine(CleanRules(drop=("i",)), CleanRules(drop=("u",), footer=("完",)))
    assert html_of("<p>文<i>甲</i><u>乙</u></p><p>完</p>", rules) == "<p>文</p>"


DANGEROUS = (
    '<a href="javascript:alert(1)">x</a>', '<img src=x onerror="alert(1)">',
    '<a href="java\nscript:alert(1)">x</a>', "<svg><script>alert(1)</script></svg>",
    '<p style="background:url(javascript:alert(1))">x</p>', "<base href='https://evil.example/'>",
    '<math><mi xlink:href="data:text/html,x">x</mi></math>', '<iframe srcdoc="<b>x">',
    '<object data="evil.swf"></object>', '<a href="data:text/html,<script>1</script>">x</a>',
    "<pre><script>alert(1)</script></pre>", '<table><td onmouseover="x()">a<td>b</table>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
)  # fmt: skip


@pytest.mark.parametrize("body", DANGEROUS)
def test_nothing_that_runs_is_left(body: str) -> None:
    tags = re.findall(r"<[^>]*>", html_of(body))
    for tag in tags:
        assert not re.search(
            r"script|\son\w+=|style=|data:|srcdoc|<(?:object|base|svg|iframe)", tag
        )


markup = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "<p>", "</p>", "<div align=center>", "</div>", "<img src=/a>", "<br>", "<hr>",
                "<figure>", "</figure>", "<table><tr><td>", "<ul><li>", "<dl><dt>", "<pre>",
                "<a href='//[x'>", "<span style='color:#9'>", "<font color=#999>", "<small>",
                "&#0;", "&#xD800;", "<![CDATA[", "<!--", "<noscript>", "<body><head>",
                "<iframe src=//youtu.be/x>", "<h1>", "<blockquote>", "<picture><source>",
            ]
        ),
        st.text(st.characters(), max_size=8),
    ),
    max_size=30,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(markup, st.text(max_size=10))
def test_any_body_is_cleaned_and_a_clean_one_is_stable(body: str, base: str) -> None:
    clean_body(body, base, FEEDX.clean)
    cleaned = clean_body(body, BASE, FEEDX.clean)
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]", cleaned.html + cleaned.text)
    again = clean_body(cleaned.html, BASE)
    assert "".join(again.text.split()) == "".join(cleaned.text.split())


@pytest.mark.parametrize("depth", [300, 3000, 50_000])
@pytest.mark.parametrize("tag", ["div", "b", "blockquote", "ul><li", "table><tr><td", "span"])
def test_deep_nesting_is_cleaned_in_time(tag: str, depth: int) -> None:
    started = time.process_time()
    clean_body(f"<p>文</p>{f'<{tag}>' * depth}深", BASE, FEEDX.clean)
    assert time.process_time() - started < 5
