"""What a cleaned body may not hold, whatever came in: asked of it with another parser."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.clean import Cleaned, clean_body
from aggregator.sources import FEEDX

BASE = "https://news.example.org/2021/article.html"
TEXT = "<p>正文一段。</p>"
ALLOWED = {
    "a": {"href", "title", "rel"},
    "abbr": {"title"},
    "img": {"src", "alt", "title", "width", "height", "referrerpolicy"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "time": {"datetime"},
}
TAGS = set(ALLOWED) | {
    "b", "blockquote", "br", "caption", "cite", "code", "dd", "del", "dfn", "dl", "dt", "em",
    "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li",
    "mark", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "small", "strike", "strong",
    "sub", "sup", "table", "tbody", "tfoot", "thead", "tr", "u", "ul", "var",
}  # fmt: skip


class Tags(HTMLParser):
    """Every tag with its attributes, as the parser of the standard library sees them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.other: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def cleaned(body: str) -> Cleaned:
    """The body cleaned, and found to be harmless."""
    result = clean_body(body, BASE, FEEDX.clean)
    tags = Tags(result.html)
    assert tags.other == []
    for tag, attributes in tags.found:
        assert tag in TAGS, tag
        assert set(attributes) <= ALLOWED.get(tag, set()), (tag, attributes)
        for name in ("href", "src"):
            if name in attributes:
                address = urlsplit(attributes[name])
                assert address.scheme in ("http", "https", "mailto"), attributes
                assert not re.search(r"[\x00-\x20\x7f-\x9f]", attributes[name])
    if result.image is not None:
        assert urlsplit(result.image.url).scheme in ("http", "https")
    whole = result.html + result.text + result.captions + result.author + result.published_text
    for character in set(whole):
        assert unicodedata.category(character) not in ("Cc", "Cs") or character in "\t\n\r"
        assert ord(character) & 0xFFFE != 0xFFFE
        assert not 0xFDD0 <= ord(character) <= 0xFDEF
        assert character not in "\u202d\u202e\u200b\u2060\ufeff"
    for block in re.split(r"<[^>]*>", result.html):
        assert block.count("\u202a") + block.count("\u202b") == block.count("\u202c")
        assert sum(map(block.count, "\u2066\u2067\u2068")) == block.count("\u2069")
    return result


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)",
        "java\tscript:alert(1)", "java\nscript:alert(1)", "java&#9;script:alert(1)",
        "java&Tab;script:alert(1)", "&#106;avascript:alert(1)", "&#x6A;avascript&colon;alert(1)",
        "&#1;javascript:alert(1)", "\x01javascript:alert(1)", "java&#0;script:alert(1)",
        "java\x00script:alert(1)", "\u200bjavascript:alert(1)", "javascript&#58;alert(1)",
        "javascript://news.example.org/%0aalert(1)", "vbscript:msgbox(1)", "data:text/html,<b>x",
        "data:text/html;base64,PHNjcmlwdD4=", "feed:javascript:alert(1)", "file:///etc/passwd",
        "view-source:javascript:alert(1)", "blob:https://x.example/1", "ftp://x.example/",
        "javascript&NewLine;:alert(1)", "\u202ejavascript:alert(1)", "//[x", "http://",
    ],
)  # fmt: skip
def test_no_link_and_no_image_runs_anything(href: str) -> None:
    body = (
        f'{TEXT}<p>见<a href="{href}">此处</a></p><p><img src="{href}"></p>'
        f'<img srcset="{href} 2x"><img data-src="{href}"><iframe src="{href}"></iframe>'
        f'<video src="{href}"></video><picture><source srcset="{href}"><img></picture>'
        f'<blockquote cite="{href}">引</blockquote><form action="{href}">表</form>'
    )
    result = cleaned(body)
    assert "此处" in result.html
    assert "alert" not in "".join(
        "".join(attributes.values())
        for _, attributes in Tags(result.html).found
        # what is no scheme is a relative address, and harmless
        if not attributes.get("href", attributes.get("src", "")).startswith(BASE[:24])
    )


@pytest.mark.parametrize(
    "body",
    [
        # what one parser takes for text is markup to another
        '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1'
        ' onerror=alert(1)&gt;">',
        "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
        '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
        '<template><p title="</template><img src=x onerror=alert(1)>"></template>',
        '<style><p title="</style><img src=x onerror=alert(1)>">',
        '<textarea><img title="</textarea><img src=x onerror=alert(1)>"></textarea>',
        '<title><img title="</title><img src=x onerror=alert(1)>"></title>',
        '<xmp><img title="</xmp><img src=x onerror=alert(1)>"></xmp>',
        '<iframe><img title="</iframe><img src=x onerror=alert(1)>"></iframe>',
        '<noembed><img title="</noembed><img src=x onerror=alert(1)>"></noembed>',
        '<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>',
        "<svg><desc><![CDATA[</desc><script>alert(1)</script>]]></svg>",
        "<math><annotation-xml encoding='text/html'><p><script>alert(1)</script>",
        "<svg><foreignObject><iframe srcdoc='<script>alert(1)</script>'></svg>",
        "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'/></svg>",
        "<svg><animate onbegin=alert(1) attributeName=x></svg>",
        "<math href='javascript:alert(1)'>x</math><maction xlink:href='javascript:1'>x</maction>",
        "<!--><img src=x onerror=alert(1)>-->", "<!-- --!><img src=x onerror=alert(1)> -->",
        "<![CDATA[><img src=x onerror=alert(1)>]]>", "<?xml><img src=x onerror=alert(1)>?>",
        "<a/onclick=alert(1)/href=/x>x</a>", "<img/src=x/onerror=alert(1)>",
        "<img src=`x`onerror=alert(1)>", '<img """><script>alert(1)</script>">',
        "<scr<script>ipt>alert(1)</scr</script>ipt>", "<<script>alert(1)//<</script>",
        "<p onmouseover\n=\nalert(1)>x", "<x onclick=alert(1)>x</x>", "<body onload=alert(1)>",
        "<p style='background:url(javascript:alert(1))'>x", "<style>@import '//x.example'</style>",
        "<link rel=stylesheet href=//x.example/a.css>", "<meta http-equiv=refresh content='0;//x'>",
        "<base href=javascript:alert(1)//>", "<object data=//x.example/a.swf>",
        "<embed src=javascript:alert(1)>", "<details open ontoggle=alert(1)>x</details>",
        "<input autofocus onfocus=alert(1)>", "<isindex action=javascript:alert(1)>",
        "<table background=javascript:alert(1)><td background=javascript:alert(1)>x</table>",
        "<a href=/x target=_blank ping=//x.example id=x name=x class=x>x</a>",
        "<img src=/a.jpg usemap=#m ismap longdesc=javascript:1 lowsrc=javascript:1 dynsrc=x>",
        "&lt;script&gt;alert(1)&lt;/script&gt;", "\ufeff<script>alert(1)</script>",
        "<p>\x00<scr\x00ipt>alert(1)</scr\x00ipt>", "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
        "<plaintext><img src=x onerror=alert(1)>", "<listing>&lt;img onerror=alert(1)&gt;",
    ],
)  # fmt: skip
def test_nothing_runs_and_nothing_is_styled(body: str) -> None:
    once = cleaned(TEXT + body)
    assert "正文一段。" in once.html
    # read once more and written once more it is still harmless
    assert cleaned(once.html).html.count("<p>") == once.html.count("<p>")


@pytest.mark.parametrize(
    "reference",
    [
        "&#1;", "&#0;", "&#xB;", "&#xC;", "&#x1F;", "&#x7F;", "&#x81;", "&#x85;", "&#xD800;",
        "&#xDFFF;", "&#xFDD0;", "&#xFFFE;", "&#xFFFF;", "&#x1FFFE;", "&#x10FFFF;", "&#x110000;",
        "&#99999999999999;", "&#x202E;", "&#x2066;", "&#xFEFF;", "&ZeroWidthSpace;", "&shy;",
        "\x01", "\x0b", "\x85", "\ud800", "\ufffe", "\U0001fffe", "\ufdd0", "\u2028", "\U000e0041",
    ],
)  # fmt: skip
def test_characters_that_no_markup_may_hold_go_wherever_they_stand(reference: str) -> None:
    body = (
        f"文{reference}字<p title='{reference}'>甲{reference}乙<b>{reference}</b>丙</p>"
        f"<p><a href='/x{reference}y' title='{reference}'>链{reference}接</a></p>"
        f"<p><a href='mailto:x{reference}@example.org'>信</a></p>"
        f"<figure><img src='/a{reference}.jpg' alt='图{reference}'><figcaption>{reference}说明"
        f"</figcaption></figure><iframe src='//youtu.be/x{reference}' title='{reference}片'>"
        f"</iframe><img src='https://images.weserv.nl/?url=x.org/%01{reference}.jpg'>"
        f"<div hidden>{reference}</div><ul><li>{reference}项</ul><pre>{reference}码</pre>"
        f"<table><tr><td>{reference}格<td>格</table><img srcset='/b{reference}.jpg 2x'>"
        + f"<div>{reference}深"
        * 200
    )
    result = cleaned(body)
    for kept in ("甲", "链", "信", "说明", "片", "项", "码", "格", "深", "/b", "youtu.be"):
        assert kept in result.html


def test_directions_that_end_stay_and_overrides_go() -> None:
    isolated = "\u2067سلام\u2069"
    assert isolated in cleaned(f"<p>他说{isolated}。</p>").html
    assert cleaned("<p>价\u202e001元</p><p>乙</p>").html == "<p>价001元</p>\n<p>乙</p>"


def test_joiners_stay_where_scripts_need_them() -> None:
    for text in ("می\u200cخواهم", "👨\u200d👩\u200d👧", "क\u094d\u200dष", "❤\ufe0f", "א\u200f!"):
        assert cleaned(f"<p>{text}</p>").html == f"<p>{text}</p>"
        assert cleaned(f"<p>{text}</p>").text == text
    flooded = cleaned("<p>م" + "\u200c" * 5000 + "ن" + "\u200f\u200d" * 5000 + "</p>")
    assert len(flooded.text) < 8


PIXELS = (
    "http://feeds.feedburner.com/~r/news/~4/abc", "http://feeds.feedburner.com/~ff/news?i=a:b:c",
    "https://feeds.example.org/~r/news/~4/x", "https://ad.doubleclick.net/ddm/ad/x;sz=1x1",
    "https://pixel.example.org/t?id=1", "https://stats.wp.com/b.gif?v=1",
    "https://pixel.wp.com/b.gif?host=x", "https://www.facebook.com/tr?id=1&noscript=1",
    "https://sb.scorecardresearch.com/p?c1=2", "https://hm.baidu.com/hm.gif?si=1",
    "https://example.org/b.gif?x=1", "https://example.org/pixel.gif", "https://example.org/1x1.gif",
    "https://example.org/matomo.php?idsite=1", "https://www.google-analytics.com/collect?v=1",
    "https://mc.yandex.ru/watch/1",
)  # fmt: skip
PICTURES = (
    "https://pixel.example.org/imgs/daily/2021/07/a.jpg", "https://example.org/pixel-art.gif",
    "https://example.org/big.gif", "https://example.org/pixel/a.jpg",
    "https://cdn.example.org/~rita/a.jpg", "https://example.org/counter-strike.png",
    "https://example.org/a.gif?b.gif",
)  # fmt: skip


@pytest.mark.parametrize("address", PIXELS)
@pytest.mark.parametrize(
    "form", ['<p><img src="{}"></p>', 'x<b><img src="{}"> </b>', '<a href=/x><img src="{}"></a>']
)
def test_pixels_that_count_readers_go(address: str, form: str) -> None:
    result = cleaned(TEXT + form.format(address.replace("&", "&amp;")))
    assert "<img" not in result.html
    assert result.image is None


@pytest.mark.parametrize(
    "attributes",
    [
        "width=1 height=1", "width=0", "height='1px'", "width='0px'",
        "style='width:1px;height:1px'",
        "style='max-height: 0'", "width=1.0", "style='HEIGHT:1PX !important'",
    ],
)  # fmt: skip
def test_images_of_a_dot_go(attributes: str) -> None:
    assert cleaned(f"{TEXT}<img src=/p.jpg {attributes}>").html == "<p>正文一段。</p>"


@pytest.mark.parametrize("address", PICTURES)
def test_pictures_stay(address: str) -> None:
    assert f'src="{address}"' in cleaned(f'{TEXT}<img src="{address}" style="width:100px">').html


def test_a_cell_spans_what_a_table_can_have() -> None:
    table = "<table><tr><td colspan=999999999 rowspan=0>甲<td colspan=2>乙</table>"
    assert 'colspan="2"' in cleaned(table).html
    assert "9999" not in cleaned(table).html


pieces = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "<svg>", "</svg>", "<math>", "<mtext>", "<mglyph>", "<style>", "</style>", "<!--",
                "-->", "<![CDATA[", "]]>", "<noscript>", "</noscript>", "<template>", "<textarea>",
                "</textarea>", "<title>", "</title>", "<xmp>", "<iframe>", "</iframe>", "<form>",
                "<table>", "<td>", "<p title=\"", "\">", "'", '"', ">", "<", "<a href='",
                "<img src=",
                "javascript:alert(1)", "onerror=alert(1)", "&#1;", "&#x202e;", "&#9;", "&colon;",
                "\u2066", "\u2069", "\u202a", "\u202c", "\u200d", "\ufe0f", "\U000e0041", "\ud800",
                "<img width=1 src=//x.org/a>", "<figure>", "<figcaption>", "<pre>", "/", "=", " ",
            ]
        ),
        st.text(st.characters(), max_size=5),
    ),
    max_size=25,
).map("".join)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(pieces)
def test_any_soup_is_cleaned_harmless(body: str) -> None:
    cleaned(cleaned(body).html)
