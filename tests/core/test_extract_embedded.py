"""Articles that stand only in the scripts of their pages."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.clean import clean_body
from aggregator.core.embedded import embedded_bodies
from aggregator.core.extract import extract
from aggregator.core.markup import parse_page
from aggregator.errors import ExtractError

URL = "https://news.example.org/a/1.html"
SENTENCES = [
    f"第{n}轮谈判于周一在多哈开始，双方代表就停火、换俘、援助等问题交换了意见。" for n in range(12)
]
MARKUP = "".join(f"<p>{each}</p>" for each in SENTENCES) + '<p><img src="/m/a.jpg" alt="会场"></p>'
PLAIN = "\n".join(SENTENCES)


ESCAPED = MARKUP.replace('"', "\\&quot;").replace("=", "&#x3D;").replace("<", "\\u003C")

LINKED_DATA = {"@graph": [{"@type": "NewsArticle", "headline": "x", "articleBody": PLAIN}]}
IN_PARAGRAPHS = {"content_elements": [{"type": "text", "content": each} for each in SENTENCES]}


def data(value: object) -> str:
    return json.dumps(value).replace("</", "<\\/")


SCRIPTS = {
    "linked data": f'<script type="application/ld+json">{data(LINKED_DATA)}</script>',
    "next": '<script id="__NEXT_DATA__" type="application/json">'
    f"{data({'props': {'pageProps': {'detail': {'content': MARKUP}}}})}</script>",
    "assigned": f"<script>window.__INITIAL_STATE__ = {data({'article': {'body': MARKUP}})};"
    "(function(){ run(); })();</script>",
    "paragraph by paragraph": f"<script>Fusion.globalContent={data(IN_PARAGRAPHS)};</script>",
    "json in a string": f"<script>var d = JSON.parse({data(data({'content': PLAIN}))});</script>",
    "no json, escaped twice": "<script>var BASE = {articleInfo: {title: 'x', "
    f"content: '&quot;{ESCAPED}&quot;'.slice(6, -6), groupId: '1'}}}}</script>",
}


def page(script: str, shown: str = "") -> bytes:
    return (
        f"<html><head><title>多哈谈判</title></head><body><div id=app>{shown}</div>{script}</body>"
    ).encode()


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize("shown", ["", f"<div><p>{SENTENCES[0]}</p><p>展开</p></div>"])
def test_the_text_in_a_script_is_the_article(script: str, shown: str) -> None:
    extracted = extract(page(script, shown), {}, URL)
    cleaned = clean_body(extracted.body, URL)
    assert cleaned.text.split("\n") == SENTENCES


@pytest.mark.parametrize("script", ["next", "assigned", "no json, escaped twice"])
def test_markup_in_a_script_keeps_its_images_at_absolute_addresses(script: str) -> None:
    assert "https://news.example.org/m/a.jpg" in extract(page(SCRIPTS[script]), {}, URL).body


def test_a_whole_article_on_the_page_is_taken_rather_than_the_script() -> None:
    shown = MARKUP.replace(
        "<p><img", "<blockquote><p>引文在此，脚本里没有。</p></blockquote><p><img"
    )
    assert "<blockquote>" in extract(page(SCRIPTS["linked data"], shown), {}, URL).body


@pytest.mark.parametrize(
    "script",
    [
        f"<script>var c={data({'consent': 'We use cookies, and share data. ' * 30})}</script>",
        f"<script>var t={data({'content': 'function(a){return a;};' * 60})}</script>",
        f"<script>var t={data({'content': '<a href=x>一个，链接</a>' * 60})}</script>",
    ],
    ids=["another text", "code", "links"],
)
def test_what_else_is_in_scripts_is_not_the_article(script: str) -> None:
    shown = f"<p>{'这一段话很短，不过它就是文章的全部内容。' * 3}</p>"
    body = extract(page(script, shown), {}, URL).body
    assert "文章的全部" in body
    assert "cookies" not in body


@given(st.text(alphabet="{}[]\"'\\=:,a<&;\n中", max_size=300))
def test_any_script_can_be_read(code: str) -> None:
    for found in embedded_bodies(parse_page(f"<script>{code * 4}</script>")):
        assert found.letters


def test_a_script_that_is_no_article_leaves_an_error() -> None:
    with pytest.raises(ExtractError):
        extract(page("<script>window.a = {broken: </script>"), {}, URL)


def test_the_description_tells_the_article_among_the_texts_in_scripts() -> None:
    other = "这是另一篇旧闻，与此页无关，只是碰巧也在脚本里，而且更长一些。" * 30
    script = f"<script>var s = {data({'x1': other, 'x2': PLAIN})}</script>"
    head = f'<meta name="description" content="{SENTENCES[0]}">'
    shown = "<p>正在加载，请稍候，如果长时间没有反应，请您刷新页面再试一次。</p>"
    given = page(script, shown).replace(b"<title>", head.encode() + b"<title>")
    assert clean_body(extract(given, {}, URL).body, URL).text.split("\n") == SENTENCES
