from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.clean import clean_body, combine
from aggregator.core.extract import PageRules, extract
from aggregator.errors import ExtractError
from aggregator.sources import ALJAZEERA, FEEDX, GUANCHA
from tests.reading import Block, read, seed_blocks, seed_body, seeds

TEMPLATE = Path(__file__).parents[1] / "data" / "extract" / "page.html"
URL = "https://www.mirror-daily.example/world/2021/10/21/516891.html"
TITLE = "阿富汗问题磋商举行，多方代表与会"

HEADLINES = (
    "多国外长就地区局势举行视频会议，同意继续加强协调并推动局势尽快降温",
    "央行公布最新金融统计数据，专家称市场流动性总体保持在合理充裕水平",
    "气象部门发布寒潮预警，北方多地气温将下降十度以上请注意防寒保暖",
    "这座城市用三年时间把废弃的工厂改成了图书馆，现在它每天都排着长队",
    "研究人员在深海发现新的热泉生态系统，其中数十个物种此前从未被记录",
)
COMMENTS = (
    "说得有道理，不过我觉得事情没有那么简单，还要看接下来几个月的发展，大家拭目以待吧。",
    "希望和平早日到来，普通人的生活才是最重要的，其他都是空谈，支持记者继续跟进报道。",
    "楼上的观点我不同意，建议先把历史读一遍再来讨论这个问题，网络上的信息不能全信。",
)


def page_of(body: str, container: str) -> str:
    """A page of about 100 KB with `body` in a box of this class, and all that surrounds it."""
    middle = body.index("</p>", len(body) // 2) + len("</p>")
    links = [f'<li><a href="/n/{n}.html">{HEADLINES[n % 5]}（{n}）</a></li>' for n in range(60)]
    return TEMPLATE.read_text("utf-8").format(
        title=TITLE,
        container=container,
        body_start=body[:middle],
        body_end=body[middle:],
        navigation="".join(f'<li><a href="/c/{n}">频道{n}</a></li>' for n in range(40)),
        related="".join(links[:5]),
        popular="".join(links),
        comments="".join(
            f'<div class="comment-item"><b>网友{n}</b><p>{COMMENTS[n % 3]}</p></div>'
            for n in range(20)
        ),
        padding="var config = {" + "'k':'v'," * 9500 + "};",
    )


def blocks_of(page: str, rules: PageRules) -> list[Block]:
    extracted = extract(page.encode(), {"content-type": "text/html"}, URL, rules)
    return read(clean_body(extracted.body, URL, combine(FEEDX.clean, GUANCHA.clean)).html)


@pytest.mark.parametrize(
    ("container", "rules"),
    [
        ("wysiwyg wysiwyg--all-content", ALJAZEERA.page),
        ("content all-txt", GUANCHA.page),
        ("wysiwyg", PageRules()),
        ("x-7f3a", PageRules()),
        ("x-7f3a", GUANCHA.page),
    ],
)
@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed.name[:3])
def test_a_seed_in_a_page_is_found_block_by_block(
    seed: Path, container: str, rules: PageRules
) -> None:
    page = page_of(seed_body(seed), container)
    assert len(page.encode()) > 90_000
    assert blocks_of(page, rules) == seed_blocks(seed)


def test_what_the_page_says_of_the_article() -> None:
    page = page_of(seed_body(seeds()[0]), "wysiwyg")
    extracted = extract(page.encode(), {}, URL, PageRules())
    assert extracted.url == URL
    assert extracted.title == TITLE
    assert extracted.author == "本报记者 林青"
    assert extracted.published == datetime(2021, 10, 21, 10, 42, 36, tzinfo=UTC)
    assert extracted.image == "https://www.mirror-daily.example/media/lead.jpg"
    assert extracted.language == "zh-CN"
    assert extracted.whole_url == ""


TEXT = "".join(
    f"<p>这是第{n}段正文，讲的是一件事情的来龙去脉，以及各方对此的反应。</p>" for n in range(12)
)


def simple(head: str = "", body: str = TEXT, after: str = "") -> str:
    return f"<html><head>{head}</head><body><div id=x>{body}</div>{after}</body></html>"


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("<title>一个很长的新闻标题在这里_国际_某某网</title>", "一个很长的新闻标题在这里"),
        ("<title>Talks resume in Doha - The Daily</title>", "Talks resume in Doha"),
        ("<title>Anglo-Saxon law: a history</title>", "Anglo-Saxon law: a history"),
        ("<meta property=og:title content='真标题'><title>真标题 | 网</title>", "真标题"),
        (
            "<meta property='og:title' content='真标题 - 某网'>"
            "<meta property='og:site_name' content='某网'>",
            "真标题",
        ),
        ('<script type="application/ld+json">{"headline": "标题甲"}</script>', "标题甲"),
    ],
)
def test_the_title_is_the_headline_without_the_site(head: str, title: str) -> None:
    assert extract(simple(head).encode(), {}, URL).title == title


def test_an_h1_that_the_title_contains_is_the_title() -> None:
    page = simple("<title>某网：谈判恢复了（图）</title>", "<h1>谈判恢复了</h1>" + TEXT)
    extracted = extract(page.encode(), {}, URL)
    assert extracted.title == "谈判恢复了"
    assert "<h1>" not in extracted.body


@pytest.mark.parametrize(
    ("head", "zone", "hour"),
    [
        ("<meta name=pubdate content='2021-10-21 18:42:36'>", "Asia/Shanghai", 10),
        ("<meta name=pubdate content='2021-10-21 18:42:36'>", "UTC", 18),
        (
            '<script type="application/ld+json">[{"@graph": [{"headline": "x", '
            '"datePublished": "2021-10-21T18:42:36+02:00", "author": [{"name": "林"}]}]}]</script>',
            "UTC",
            16,
        ),
    ],
)
def test_the_date_is_read_in_the_zone_of_the_site(head: str, zone: str, hour: int) -> None:
    published = extract(simple(head).encode(), {}, URL, PageRules(timezone=zone)).published
    assert published == datetime(2021, 10, 21, hour, 42, 36, tzinfo=UTC)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
@pytest.mark.parametrize("label", ["", "utf-8", "gb2312", "big5", "iso-8859-1", "no-such", "hex"])
def test_the_bytes_decide_where_the_label_lies(encoding: str, label: str) -> None:
    content_type = f"text/html; charset={label}" if label else "text/html"
    extracted = extract(simple().encode(encoding), {"content-type": content_type}, URL)
    assert "这是第3段正文" in extracted.body


def test_the_label_in_the_page_is_read() -> None:
    head = "<meta http-equiv=content-type content='text/html; charset=big5'>"
    text = "".join(
        f"<p>這是第{n}段正文，說的是一件事的來龍去脈，以及各方的反應。</p>" for n in range(12)
    )
    page = simple(head, text)
    extracted = extract(page.encode("big5"), {}, URL)
    assert "這是第3段正文" in extracted.body


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("<a href='/a/516891_s.html'>余下全文</a>", "/a/516891_s.html"),
        ("<a onclick=\"javascript:location.href='/a_s.html';\">余下全文</a>", "/a_s.html"),
        ("<a href='https://other.example/'>余下全文</a>", ""),
        ("<a href='#rest'>阅读全文</a>", ""),
        (f"<div class=comments>{'不相干的话。' * 100}</div><a href='/b'>阅读全文</a>", ""),
        ("<a href='/b'>阅读全文请注册</a>", ""),
    ],
)
def test_a_link_to_the_whole_text_is_seen(link: str, target: str) -> None:
    # what stands around the box keeps it the article's
    page = simple(after=f"<div>{link}</div>")
    whole_url = extract(page.encode(), {}, URL).whole_url
    assert whole_url == ("https://www.mirror-daily.example" + target if target else "")


def test_relative_addresses_follow_the_declared_base() -> None:
    page = simple("<base href='https://cdn.example/d/'>", TEXT + "<p><img data-src='a.jpg'></p>")
    assert "https://cdn.example/d/a.jpg" in extract(page.encode(), {}, URL).body


def test_boilerplate_inside_goes_and_the_article_stays_whatever_it_is_called() -> None:
    body = (
        f"<div class='share comments'>{TEXT}</div>"
        "<div class='related'><p>还有一条无关的旧闻</p></div>"
        "<figure><img src='/a.jpg'><figcaption>图说</figcaption></figure>"
    )
    extracted = extract(simple(body=body).encode(), {}, URL)
    assert "第11段" in extracted.body
    assert "旧闻" not in extracted.body


@pytest.mark.parametrize(
    "page", [b"", b"<html>", b"\x00\xff\xfe", b"<title>404</title><p>gone</p>"]
)
def test_a_page_without_an_article_is_an_error_that_names_it(page: bytes) -> None:
    with pytest.raises(ExtractError) as raised:
        extract(page, {}, URL)
    assert raised.value.where == URL
    assert raised.value.hint


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=60))
def test_any_bytes_give_an_article_or_that_error(start: bytes, end: bytes) -> None:
    try:
        extracted = extract(
            start + TEXT.encode() + end, {"content-type": "text/html; charset=x"}, URL
        )
    except ExtractError:
        return
    assert extracted.body
