"""Archive formats: samples beside what is expected of them, and the laws they keep."""

from __future__ import annotations

import json
import lzma
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import ArchiveError
from aggregator.sources.archives import FORMATS, archives_in, read_archive
from aggregator.sources.feedx_markdown import read_feedx_markdown
from aggregator.sources.front_matter import FrontMatterError, split_front_matter
from aggregator.sources.hexo import read_hexo

REPO = Path(__file__).resolve().parents[2]
SEEDS = REPO / "seeds"
DATA = REPO / "tests" / "data" / "archives"
BROKEN = DATA / "broken"
CAPTURES = sorted((REPO.parent / "shared" / "captures" / "posts").glob("oped2_feedx_*.jsonl.xz"))

LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    lambda text: text == text.strip()
)


@pytest.mark.parametrize("expected", sorted(DATA.glob("*.json")), ids=lambda path: path.stem)
def test_a_sample_reads_as_expected(expected: Path) -> None:
    (path,) = (found for found in DATA.glob(f"{expected.stem}.*") if found.suffix != ".json")
    post = asdict(read_archive(path))
    assert post.pop("path") == path
    post["published"] = post["published"] and post["published"].isoformat()
    post["categories"] = list(post["categories"])
    assert post == json.loads(expected.read_text("utf-8"))


@pytest.mark.parametrize(
    ("name", "title", "outlet", "published", "paragraphs"),
    [
        ("000_*", "美国国务院：美方将在卡塔尔与塔利班恢复谈判", "半岛电视台",
         datetime(2021, 11, 24, 11, 53, 44, tzinfo=UTC), 13),
        ("001_*", "美国特使前往卡塔尔敦促塔利班停止进攻", "半岛电视台",
         datetime(2021, 8, 10, 4, 44, 38, tzinfo=UTC), 27),
        ("002_*", "多国将其驻阿富汗大使馆迁至多哈 美国在卡塔尔设立常驻外交办公室", "半岛电视台",
         datetime(2021, 9, 1, 12, 45, 38, tzinfo=UTC), 21),
        ("003_*", "中俄塔利班都参加了阿富汗问题磋商，美国仍缺席", "观察者网",
         datetime(2021, 10, 21, 10, 42, 36, tzinfo=UTC), 17),
        ("004_*", "中国敦促阿富汗塔利班切断与所有恐怖分子的联系", "美国之音",
         datetime(2021, 7, 28, 21, 39, 3, tzinfo=UTC), 20),
    ],
)  # fmt: skip
def test_a_seed_gives_its_article(
    name: str, title: str, outlet: str, published: datetime, paragraphs: int
) -> None:
    (path,) = SEEDS.glob(name)
    post = read_archive(path)
    assert (post.title, post.outlet, post.published) == (title, outlet, published)
    assert post.html.count("</p>") == paragraphs
    assert post.html in path.read_text("utf-8")


def test_a_seed_keeps_image_and_link_where_its_format_has_them() -> None:
    posts = {path.name[:3]: read_archive(path) for path in archives_in([SEEDS])}
    assert posts["003"].image == "https://i.guancha.cn/news/social/2021/10/21/20211021092858382.png"
    assert posts["003"].categories == ("新媒体", "观察者网", "首页")
    assert posts["004"].url.endswith("/a/china-urges-afghan-taliban-to-cut-ties-with-all-"
                                     "terrorists-2021-07-28/5982533.html")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("empty.txt", "not Hexo: no front matter"),
        ("endless_front_matter.md", "line 1: the front matter has no end"),
        ("text_after_front_matter.md", "not Hexo: no HTML after the front matter"),
        ("open_quote.md", "line 2: a value in quotes does not end on its line"),
        ("nested_front_matter.md", "line 3: neither"),
        ("no_title.md", "not Hexo: the front matter has no title"),
        ("no_dashes.md", "not feedx markdown: no line of epoch milliseconds"),
        ("no_body.md", "not feedx markdown: nothing follows the line of dashes"),
        ("gb18030.md", "not UTF-8 text (byte 22)"),
        ("missing.md", "No such file or directory"),
        (".", "Is a directory"),
    ],
)
def test_what_is_no_archive_says_why_and_where(name: str, reason: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        read_archive(BROKEN / name)
    assert reason in str(caught.value)
    assert caught.value.where == str(BROKEN / name)
    assert caught.value.hint


def test_a_file_too_large_for_an_article_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.md"
    with path.open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    with pytest.raises(ArchiveError, match="larger than"):
        read_archive(path)


def test_folders_are_walked_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b/2.md", "b/10.TXT", "a.markdown", "c.png", ".git/d.md", "b/.e.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    absent = tmp_path / "absent"
    found = list(archives_in([tmp_path / "c.png", tmp_path, absent]))
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        "c.png", "a.markdown", "b/10.TXT", "b/2.md", "absent",
    ]  # fmt: skip


@given(title=LINE, category=LINE)
def test_quoted_values_of_a_front_matter_come_back(title: str, category: str) -> None:
    doubled = title.replace("'", "''")
    escaped = category.replace("\\", "\\\\").replace('"', '\\"')
    read = split_front_matter(f"---\ntitle: '{doubled}'\ncategories: \n - \"{escaped}\"\n---\nrest")
    assert read is not None
    assert (read.text("title"), read.items("categories")) == (title, (category,))
    assert read.rest == "rest"


@given(title=LINE)
def test_a_feedx_title_comes_back_whatever_brackets_it_has(title: str) -> None:
    text = f"<!--1595300000000-->\n[{title}](https://example.org/a)\n------\n\n<p>x</p>"
    post = read_feedx_markdown(text, Path("post.md"))
    assert (post.title, post.url) == (title, "https://example.org/a")


@given(st.text() | st.text("-:\n'\"[] <!>0a()", max_size=60).map(lambda text: f"---\n{text}"))
def test_any_text_is_a_post_or_an_archive_error(text: str) -> None:
    for _name, read in FORMATS:
        try:
            post = read(text, Path("post.md"))
        except ArchiveError:
            continue
        assert post.title
        assert post.html


def test_a_text_without_front_matter_has_none() -> None:
    assert split_front_matter("title: x\n---\n") is None
    assert split_front_matter("\n \n") is None
    with pytest.raises(FrontMatterError, match="line 3"):
        split_front_matter("\n---\n- an item of no list\n---\n")


def test_a_single_category_is_a_list_of_one() -> None:
    text = "---\ntitle: x\ncategories: 国际\nauthor: 某报\n---\n<p>y</p>"
    post = read_hexo(text, Path("post.md"))
    assert (post.categories, post.outlet) == (("国际",), "某报")


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_captured_feedx_posts_all_read(capture: Path) -> None:
    count = 0
    with lzma.open(capture, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            post = read_feedx_markdown(row["raw"], Path(row["path"]))
            assert post.published is not None
            given = (row["title"].strip(), row["url"], row["outlet"], row["epoch_ms"])
            read = (post.title, post.url, post.outlet, round(post.published.timestamp() * 1000))
            assert read == given
            count += 1
    assert count == 9050
