"""What is exported to an archive is imported again as the same article."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.compose import Rules, compose
from aggregator.core.clean import clean_body
from aggregator.core.composed import Composed
from aggregator.core.model import Article, Image, Material
from aggregator.sources.archives import (
    WRITERS,
    ArchivedPost,
    archives_in,
    bytes_of,
    read_archive,
)
from aggregator.sources.feedx_markdown import read_feedx_markdown
from aggregator.sources.hexo import read_hexo
from aggregator.steps import ARCHIVE, archived_entry
from tests.conftest import REPO

NOW = datetime(2026, 1, 1, tzinfo=UTC)
READERS: dict[str, Callable[[str, Path], ArchivedPost]] = {
    "hexo": read_hexo,
    "markdown": read_feedx_markdown,
}
SEEDS = sorted((REPO / "seeds").glob("*.txt"))
NASTY = (
    "他说：'好' \"好\"", "a: b", "- [x](y)](z", "{{ page }} {% raw %} {}", "两\n行\r\n",
    "&lt;b&gt; &amp", "AT&T",
    "# no", "---", "'", '"', "\\n \\", "true", "[a, b]", "&#123;", "\u2028", "\x07\x85",
)  # fmt: skip
TEXT = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.lists(st.sampled_from(NASTY), max_size=3).map("".join)
    | st.text("'\":[]{}()&#;<>-\\ \nax1", max_size=20)
).map(str.strip)
BODY = st.lists(
    st.sampled_from(
        ("<p>一段。</p>", "<p>{{ x }} {% y %} &lt;b&gt; &amp;amp;</p>",
         "<pre>a\n\n  ---\nb {}</pre>",
         '<p><a href="https://example.org/?a={b}&amp;c=1">链接</a></p>', "<hr>", "<h2>---</h2>",
         '<figure><img src="https://example.org/a.png" alt="&quot;x&quot;"></figure>',
         "<blockquote><p>引文</p></blockquote>", "<ul><li>一</li></ul>"),
    ),
    max_size=6,
).map(lambda blocks: clean_body("".join(blocks), "").html)  # fmt: skip
MOMENTS = st.builds(
    lambda seconds, microseconds: (
        datetime(1990, 1, 2, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=microseconds)
    ),
    st.integers(0, 35 * 365 * 86_400),
    st.just(0) | st.integers(0, 999_999),
)
URLS = st.sampled_from(
    ("", "https://example.org/a", "http://example.org/a?b=[x](y)&c='{d}'", "https://例.org/](z)")
)
ARTICLES = st.builds(
    Article,
    id=st.uuids().map(str),
    url=URLS,
    title=TEXT,
    author=TEXT,
    outlet=TEXT,
    published=MOMENTS,
    updated=st.just(NOW),
    first_seen=st.just(NOW),
    language=st.just("zh"),
    body=BODY,
    lead=st.just(""),
    image=st.none() | st.just(Image("https://example.org/a.png")),
    categories=st.lists(TEXT, max_size=3).map(tuple),
)


@pytest.mark.parametrize("form", WRITERS)
@given(article=ARTICLES)
def test_an_article_comes_back_from_its_file(form: str, article: Article) -> None:
    file = WRITERS[form](article).encode("utf-8").decode("utf-8-sig")
    post = READERS[form](file, Path("post.md"))
    assert (post.id, post.url, post.title) == (article.id, article.url, article.title)
    assert (post.outlet, post.published) == (article.outlet, article.published)
    assert post.categories == article.categories
    assert post.author == (article.author or article.outlet)
    assert clean_body(post.html, post.url).html == clean_body(article.body, article.url).html


def made_of(post: ArchivedPost) -> Composed:
    entry = archived_entry(post, NOW)
    composed = compose(
        Material(entry.article_id, (entry,), {ARCHIVE.id: ARCHIVE}), Rules(topics=(), aliases=())
    )
    assert isinstance(composed, Composed)
    return composed


def published(made: Composed) -> Article:
    return Article(
        id=made.article_id, url=made.url, title=made.title, author=made.author,
        outlet=made.outlet, published=made.published, updated=made.published,
        first_seen=NOW + timedelta(days=1), language=made.language, body=made.body,
        lead=made.lead, image=made.image, categories=made.categories,
    )  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name[:3])
@pytest.mark.parametrize("form", WRITERS)
def test_a_seed_goes_out_and_in_again_as_the_same_article(
    form: str, seed: Path, tmp_path: Path
) -> None:
    made = made_of(read_archive(seed))
    file = tmp_path / "post.md"
    file.write_bytes(WRITERS[form](published(made)).encode())
    again = made_of(read_archive(file))
    assert _blocks(again) == _blocks(made)
    # its own date line is gone from the body: now the archive says the date
    assert replace(again, body=made.body, published_by=made.published_by) == made
    assert made.body.count("<p>") >= 10


def _blocks(made: Composed) -> list[str]:
    """A block a line; blanks inside are as good as one."""
    return [" ".join(line.split()) for line in made.body.replace("\n ", "\n").split("\n")]


@pytest.mark.parametrize("form", WRITERS)
def test_a_file_looks_as_the_format_has_it(form: str) -> None:
    article = Article(
        id="6f6a2a49-9b1d-5b44-8a3c-0f7f3b0f6f10", url="https://example.org/a", outlet="某报",
        title="它说：'好 {}'", author="", published=datetime(2021, 10, 21, 10, 42, 36, tzinfo=UTC),
        updated=NOW, first_seen=NOW, language="zh", body="<p>一段 {x}。</p>", lead="一段",
        image=Image("https://example.org/a.png"), categories=("新媒体", "某报", "首页"),
    )  # fmt: skip
    expected = REPO / "tests" / "data" / "archives" / "written" / f"{form}.md"
    assert WRITERS[form](article) == bytes_of(expected).decode()


@pytest.mark.parametrize("given", ["6f6a2a49", "urn:uuid:6f6a", "urn:isbn:1", "", "42"])
def test_an_id_that_is_not_ours_changes_nothing(given: str, tmp_path: Path) -> None:
    (tmp_path / "post.md").write_text(
        f"---\ntitle: x\nid: {given}\nlink: https://example.org/a\nauthor: 某报\n---\n<p>y</p>"
    )
    [path] = archives_in([tmp_path])
    post = read_archive(path)
    assert (post.id, post.url, post.outlet) == ("", "", "某报")


def test_a_link_that_is_no_web_address_is_not_taken() -> None:
    front_matter = "id: urn:uuid:6f6a2a49-9b1d-5b44-8a3c-0f7f3b0f6f10\nlink: javascript:x"
    post = read_hexo(f"---\ntitle: x\n{front_matter}\n---\n<p>y</p>", Path("post.md"))
    assert (post.id[:8], post.url) == ("6f6a2a49", "")
