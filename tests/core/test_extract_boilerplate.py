"""What goes from the article's box, and what stays there whatever it looks like."""

from __future__ import annotations

import pytest

from aggregator.core.clean import clean_body
from aggregator.core.extract import extract

URL = "https://news.example.org/a/1.html"
TEXT = "".join(
    f"<p>第{n}段正文，讲的是一件事情的来龙去脉，以及各方对此的反应，还有后来的发展。</p>"
    for n in range(10)
)


def published(inside: str, before: str = "", after: str = "") -> str:
    """The page's article as it would be published, `inside` being in the middle of it."""
    middle = TEXT.index("</p>", len(TEXT) // 2) + len("</p>")
    page = (
        "<html><head><title>一个标题在这里</title></head><body>"
        f"<ul>{'<li><a href=/c>频道频道</a></li>' * 20}</ul>"
        f"<div class=story>{before}{TEXT[:middle]}{inside}{TEXT[middle:]}{after}</div></body>"
    )
    extracted = extract(page.encode(), {}, URL)
    html = clean_body(extracted.body, URL).html
    assert all(f"第{n}段正文" in html for n in range(10))
    return html


@pytest.mark.parametrize(
    ("markup", "kept"),
    [
        ("<figure><img src=/a.jpg><figcaption>图说在此</figcaption></figure>", "图说在此"),
        ("<p><img src=/a.jpg></p>", "https://news.example.org/a.jpg"),
        ("<blockquote><p>一句引文，说给人听。</p></blockquote>", "<blockquote>"),
        ("<div class=social><blockquote>转来的话，也是正文的一部分。</blockquote></div>", "转来"),
        ("<ul><li>其一</li><li>其二</li></ul>", "<li>其二</li>"),
        ("<table><tr><td>一</td><td>二</td></tr><tr><td>三</td><td>四</td></tr></table>", "四"),
        ("<pre><code>x = 1</code></pre>", "<code>x = 1</code>"),
        (
            "<p>见<a href=/b>别处的报道</a>，那里有更多的说明。</p>",
            'href="https://news.example.org/b"',
        ),
        ("<iframe src=https://www.youtube.com/embed/x></iframe>", "youtube.com/embed/x"),
        ("<p>他说：不。</p>", "他说：不。"),
        (
            "<h3><a href=#part-two>这一节的小标题是一个指向它自己的链接，字数也不算太少</a></h3>",
            "指向它自己",
        ),
        ("<table><tr><td colspan=2>宽</td></tr><tr><td>一</td><td>二</td></tr></table>", "colspan"),
    ],
)
def test_what_an_article_is_made_of_survives(markup: str, kept: str) -> None:
    assert kept in published(markup)


@pytest.mark.parametrize(
    "markup",
    [
        "<p>相关阅读：<a href=/x>多余的一条旧闻的标题在这里</a></p>",
        "<p><strong>Read more: <a href=/x>多余的一条旧闻的标题在这里</a></strong></p>",
        "<p><a href=/x>多余的一条旧闻的标题在这里，长长的一行都是链接而已</a></p>",
        "<div class='article-next'><p>多余</p></div>",
        "<span class=sr-only>多余</span>",
        "<h3><a href=/x>多余的一条旧闻的标题在这里，长长的一行都是链接而已</a></h3>",
        "<div style='DISPLAY : none'>多余</div>",
        "<div style='display:none'><p>多余的一段，只给机器看，所以不显示给人。</p></div>",
        "<aside><p>多余的旁白在这里</p></aside>",
    ],
)
def test_what_stands_in_it_and_is_not_the_article_goes(markup: str) -> None:
    assert "多余" not in published(markup)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>2021-10-21 18:42:36 来源：多余日报</p>", ""),
        ("<p>By Duoyu 多余</p>", ""),
        ("", "<p>多余：扫码关注我们的微信公众号。</p>"),
        ("", "<p>Follow us on Twitter 多余</p>"),
    ],
)
def test_lines_around_it_go(before: str, after: str) -> None:
    assert "多余" not in published("", before, after)


def test_a_caption_that_is_said_twice_stands_once() -> None:
    caption = "某人在某地出席会议，摄影者某某，这是一张图片的说明文字"
    gallery = (
        "<div class=photo-gallery>"
        f"<ul><li><img src=/a.jpg><div class=caption>{caption}</div></li></ul>"
        f"<div class=caption>{caption}</div></div>"
    )
    assert published(gallery).count(caption) == 1


def test_a_question_that_is_asked_twice_in_an_interview_stays() -> None:
    question = "<p>债券市场存在泡沫吗，您的预测又是什么，为什么这样看？</p>"
    html = published(question + "<p>我看没有，利率还会再低，市场很稳。</p>" + question)
    assert html.count("债券市场存在泡沫吗") == 2


@pytest.mark.parametrize("tag", ["h1", "h2", "h3", "h4"])
def test_the_title_is_not_said_again_in_the_body(tag: str) -> None:
    assert "一个标题在这里" not in published("", before=f"<{tag}>一个标题，在这里</{tag}>")
