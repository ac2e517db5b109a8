from __future__ import annotations

import json
import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.config import (
    Config,
    FetchSettings,
    ServerSettings,
    known_keys,
    load_config,
    parse_config,
    shown,
)
from aggregator.config.values import masked
from aggregator.core.model import FeedRules, FeedSpec, TopicSpec
from aggregator.errors import ConfigError, Problem

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parents[1] / "data" / "config"
SOURCES = ("feedx", "rsshub", "voa")


def problems_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "c.toml", SOURCES)
    return str(caught.value).splitlines()


# --- what a good file gives --------------------------------------------------------------------


def test_an_empty_file_is_all_defaults() -> None:
    assert parse_config("", "c.toml") == Config(path=Path("c.toml"))


def test_a_feed_and_a_topic_with_only_what_they_need_have_the_defaults_of_their_specs() -> None:
    config = parse_config(
        '[[feeds]]\nid = "a"\nurl = "https://a.example/"\n'
        '[[topics]]\nid = "t"\ntitle = "T"\nquery = "塔利班"\n',
        "c.toml",
    )
    assert config.feeds == (FeedSpec("a", ("https://a.example/",)),)
    assert config.topics == (TopicSpec("t", "T", "塔利班"),)


def test_every_key_reaches_its_setting() -> None:
    config = load_config(DATA / "full.toml", SOURCES)
    assert config.server == ServerSettings("::1", 8080, "https://news.example.org")
    assert config.store.keep == timedelta(days=365)
    assert config.output.dir == DATA / "public"
    assert config.fetch == FetchSettings(
        contact="https://example.org/about",
        sender="editor@example.org",
        site="https://news.example.org",
        interval=timedelta(minutes=90),
        interval_min=timedelta(seconds=90),
        interval_max=timedelta(days=2),
        concurrency=8,
        per_host=1,
        pace=timedelta(0),
        timeout=timedelta(seconds=20),
        max_bytes=16 * 1024 * 1024,
        proxy="http://me:secret@proxy.example.org:3128",
        allow_private=("192.168.1.0/24", "::1", "nas.local:8080"),
        resolve={"rsshub.app": "http://user:secret@127.0.0.1:1200"},
        workers=2,
    )
    assert config.aliases == {"塔利班": ("塔里班", "Taliban")}
    assert config.feeds[0].interval == timedelta(weeks=1)
    assert config.feeds[0].ca_file == str(DATA / "ca.pem")
    assert config.feeds[0].rules == FeedRules(
        clean_drop=("div.share", "p.ad"),
        clean_lift=("div.box",),
        clean_drop_text=("责编：.*",),
        clean_header=(r"(?P<date>\d{4}-\d\d-\d\d)",),
        clean_footer=("版权声明",),
        unwrap_images=True,
        canonical=((r"^https://m\.example\.org/(\d+)", r"https://example.org/\1"),),
        page_containers=("article",),
        page_drop=("aside",),
        page_next=("下一页", "Next"),
        page_whole=("阅读全文",),
    )
    assert config.topics == (TopicSpec("afghanistan", "阿富汗", "塔利班", "summary", 20),)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "there is no file"),
        ("", "has no certificate"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "has no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "has no certificate"),
    ],
)
def test_a_ca_file_has_a_certificate_or_is_named_with_its_line(
    tmp_path: Path, content: str | None, what: str
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    path = tmp_path / "config.toml"
    path.write_text('[[feeds]]\nid = "a"\nurl = "https://a.example/"\nca_file = "ca.pem"\n')
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    [problem] = caught.value.problems
    assert (problem.file, problem.line, problem.key) == (str(path), 4, "feeds.ca_file")
    assert what in problem.what
    assert str(tmp_path / "ca.pem") in problem.what


def test_a_folder_is_no_ca_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ca_file"):
        parse_config(
            '[[feeds]]\nid = "a"\nurl = "https://a.example/"\nca_file = "."\n',
            str(tmp_path / "c.toml"),
        )


@pytest.mark.parametrize(
    ("text", "shown_as"),
    [
        ("https://a.example/f?key=secret: it failed", "https://a.example/f?key=***: it failed"),
        ("see https://a.example/f?key=secret.", "see https://a.example/f?key=***."),
        ("(https://a.example/f?token=secret): no", "(https://a.example/f?token=***): no"),
        ("https://a.example/f?key=sec:ret)s&n=1", "https://a.example/f?key=***&n=1"),
        (
            "https://me:sec:ret@a.example:8080: it failed",
            "https://me:***@a.example:8080: it failed",
        ),
        ("https://a.example:8080/f: it failed", "https://a.example:8080/f: it failed"),
    ],
)
def test_a_secret_is_masked_and_what_stands_after_it_is_not(text: str, shown_as: str) -> None:
    assert masked(text) == shown_as


def test_what_is_shown_is_plain_json_in_the_words_of_the_file_without_secrets() -> None:
    config = load_config(DATA / "full.toml", SOURCES)
    expected = json.loads((DATA / "full.json").read_text("utf-8"))
    given_back = json.loads(json.dumps(shown(config)))
    assert given_back.pop("path").endswith("full.toml")
    assert given_back["output"].pop("dir").endswith("public")
    assert given_back["feeds"][0].pop("ca_file").endswith("ca.pem")
    assert given_back == expected
    assert "secret" not in json.dumps(shown(config))


@pytest.mark.parametrize(
    ("listen", "public_url"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:8080", "http://[::1]:8080"),
        ("news.local:9000", "http://news.local:9000"),
    ],
)
def test_the_public_url_comes_from_listen_when_it_is_not_given(
    listen: str, public_url: str
) -> None:
    assert parse_config(f'server.listen = "{listen}"', "c").server.public_url == public_url


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b'\xef\xbb\xbf[server]\r\nlisten = "127.0.0.1:1"\r\nlissen = 1\r\n')
    with pytest.raises(ConfigError, match=r'config.toml:3: server.lissen: .*"listen"'):
        load_config(path)


def test_sources_are_not_checked_when_none_are_known() -> None:
    text = '[[feeds]]\nid = "a"\nurl = "https://a.example/"\nsource = "anything"\n'
    assert parse_config(text, "c.toml").feeds[0].source == "anything"


# --- what a bad file gives ---------------------------------------------------------------------


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config((DATA / "bad.toml").read_text("utf-8"), "bad.toml", SOURCES)
    assert str(caught.value) == (DATA / "bad.txt").read_text("utf-8").rstrip("\n")
    assert caught.value.exit_status == 2


FEED = '[[feeds]]\nid = "a"\nurl = "https://a.example/"\n'
TOPIC = '[[topics]]\nid = "t"\ntitle = "T"\nquery = "q"\n'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[severs]\n", 1, 'severs: unknown table (did you mean "server"?)'),
        ('[server]\nlisten = "8080"', 2, "server.listen: expected a host and a port"),
        ('[server]\nlisten = "[::x]:80"', 2, "server.listen: expected a host and a port"),
        ('[server]\nlisten = "a:70000"', 2, "server.listen: expected a host and a port"),
        ('[server]\npublic_url = "https://x.org/?a"', 2, "expected the address of a site"),
        ('[store]\nurl = "mysql://x/y"', 2, 'store.url: expected "sqlite:///FILE"'),
        ('[store]\nkeep = "always"', 2, 'expected a duration like "90d", or "forever"'),
        ('[output]\ndir = "~/public"', 2, "write the whole path"),
        ('[output]\ntitle = ""', 2, "output.title: expected one line of text"),
        ("[output]\nlimit = 0", 2, "expected a whole number from 1 to 10,000, got 0"),
        ("[output]\nlimit = 1.5", 2, "got 1.5"),
        ('[fetch]\ninterval = "15"', 2, 'expected a duration like "15m", got "15"'),
        ('[fetch]\ntimeout = "0s"', 2, 'expected a duration from "1s"'),
        ('[fetch]\ntimeout = "99999999d"', 2, 'expected a duration from "1s"'),
        ('[fetch]\nmax_bytes = "20mb"', 2, 'expected a size like "20MB"'),
        ('[fetch]\npace = "0m"', 2, 'expected a duration from "1s"'),
        ('[fetch]\npace = "2h"', 2, 'expected a duration from "0s" to "1h", got "2h"'),
        ('[fetch]\nproxy = "socks5://a:1"', 2, "expected an origin like"),
        ("[fetch]\nmax_bytes = 1", 2, 'expected a size from "1kB"'),
        ("[fetch]\nallow_private = true", 2, "expected a list in brackets, got true"),
        ('[fetch]\nallow_private = ["a b"]', 2, "expected a network like"),
        ('[fetch]\ninterval = "10m"', 2, 'shorter than interval_min, "15m", its default'),
        ('[fetch]\ninterval_min = "2h"', 2, 'fetch.interval_min: "2h" is longer than interval'),
        ('[fetch]\ninterval_max = "30m"', 2, "fetch.interval_max: "),
        (
            '[fetch]\ninterval = "2d"\ninterval_max = "1d"',
            3,
            '"1d" is shorter than interval, "2d" (',
        ),
        ('[fetch.resolve]\n"a/b" = "http://c"', 2, 'fetch.resolve."a/b": expected a host name'),
        ('[fetch.resolve]\n"a" = "127.0.0.1:9"', 2, "expected an origin"),
        ('[aliases]\nx = [""]', 2, "aliases.x: expected one line of text"),
        ("[aliases]\nx = []", 2, "aliases.x: the list is empty"),
        ("feeds = 1", 1, "expected [[feeds]] tables, got 1"),
        ("[feeds]\n", 1, "two pairs of brackets"),
        (FEED.replace("https", "feed"), 3, "feeds.url: expected an address"),
        (FEED.replace("a.example", ""), 3, "feeds.url: expected an address"),
        (FEED.replace("a.example", "a.example:x"), 3, "feeds.url: expected an address"),
        (FEED.replace("a.example", "a b"), 3, "feeds.url: expected an address"),
        (FEED.replace("url", "urls"), 3, "feeds.urls: expected a list in brackets"),
        ('[[feeds]]\nid = "a"\n', 1, "feeds.url: missing"),
        ('[[feeds]]\nurl = "https://a.example/"\n', 1, "feeds.id: missing"),
        (FEED + 'timezone = "CST6"', 4, "feeds.timezone: expected a time zone"),
        (FEED + 'timezone = "America"', 4, "feeds.timezone: expected a time zone"),
        (FEED + 'interval = "soon"', 4, "feeds.interval: expected a duration"),
        (FEED + 'source = "fedx"', 4, 'unknown source "fedx" (did you mean "feedx"?)'),
        (FEED + 'drop = "(体育"', 4, "feeds.drop: column "),
        (FEED + 'clean.drop = ["p.ad", "p["]', 4, "feeds.clean.drop: no CSS selector: "),
        (FEED + "clean.drop_text = '责编('", 4, "feeds.clean.drop_text: no regular expression: "),
        (FEED + "clean.footer = ['(?=x)']", 4, "feeds.clean.footer: no regular expression: "),
        (FEED + "clean.header = '(?P<when>.*)'", 4, 'feeds.clean.header: unknown group "when" ('),
        (FEED + 'clean.unwrap_images = "yes"', 4, 'expected true or false, got "yes"'),
        (FEED + "clean.dropp = ''", 4, 'unknown key (did you mean "drop"?)'),
        (FEED + "clean = 5", 4, "feeds.clean: expected a [feeds.clean] table, got 5"),
        (FEED + "pages.next = 5", 4, "feeds.pages.next: expected a list in brackets, got 5"),
        (FEED + "pages.next = ''", 4, "feeds.pages.next: expected one line of text"),
        (FEED + "[feeds.canonical]\n'a(' = ''", 5, 'feeds.canonical."a(": no regular expression'),
        (FEED + "[feeds.canonical]\n'a' = 5", 5, "feeds.canonical.a: expected a text"),
        (FEED + "[feeds.canonical]\n'a' = '\\1'", 4, "names a group that its pattern has not"),
        (FEED + "canonical = {'(?P<x>a)' = '\\g<y>'}", 4, "names a group that its pattern"),
        (FEED + 'tags = [""]', 4, "feeds.tags: expected one line"),
        (FEED + "\n" + FEED, 5, 'feeds: "a" is already the id of the table on line 1'),
        (FEED + FEED.replace('"a"', '"A"'), 4, "already the id"),
        (TOPIC + TOPIC, 5, 'topics: "t" is already the id of the table on line 1'),
        (TOPIC.replace('"t"', '"all"'), 2, '"all" is taken'),
        (TOPIC.replace('"q"', '""'), 4, "topics.query: column 1: "),
        (TOPIC.replace('"q"', '"美国 @kabul"'), 4, "topics.query: column 4: "),
        (TOPIC + 'content = "short"', 5, 'expected "full" or "summary", got "short"'),
        (TOPIC + 'interval = "1h"', 5, "topics.interval: unknown key (it belongs into [fetch])"),
    ],
)
def test_each_rule_names_its_line_and_says_what_it_expects(
    text: str, line: int, words: str
) -> None:
    told = problems_of(text)
    assert any(one.startswith(f"c.toml:{line}: ") and words in one for one in told), told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = 1\nb = ", "c.toml:2: not TOML"),
        ('a = 1\n"b" = "\n', "c.toml:2: not TOML at column 8"),
        ("a = " + "[" * 5_000, "c.toml: brackets too deep"),
        ("a = " + "1" * 5_000, "c.toml: not TOML: a number is too long"),
        ('[aliases]\n塔利班 = ["x"]\n', 'into quotes: "塔利班" = …'),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(text: str, words: str) -> None:
    (told,) = problems_of(text)
    assert words in told


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load_config(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)
    (tmp_path / "gbk.toml").write_bytes('[output]\ntitle = "阿富汗"'.encode("gbk"))
    with pytest.raises(ConfigError, match=r"gbk.toml:2: not UTF-8"):
        load_config(tmp_path / "gbk.toml")


def test_no_message_tells_a_password() -> None:
    for url in ("ftp://me:secret@x/", "https://me:secret@x:port/", "https://me:se/cret@x y"):
        assert not re.search("se/?cret", problems_of(FEED.replace("https://a.example/", url))[0])


# --- laws --------------------------------------------------------------------------------------

NAMES = [key for keys in known_keys().values() for key in keys]
TEXTS = st.sampled_from(
    ["", "1h", "a", "https://a.example/", "塔利班", "(", "//[", "http://[/", "\0"]
)
SCALARS = TEXTS.map(json.dumps) | st.sampled_from(
    ["true", "-1", "nan", "0xffff", "1979-05-27", "{}", "{ id = 1 }", '["a", 3]', "[[]]"]
)
PAIRS = st.tuples(st.sampled_from(NAMES), SCALARS).map(" = ".join)
HEADERS = st.sampled_from(
    [f"[{name}]" for name in NAMES] + [f"[[{name}]]" for name in NAMES] + ["[fetch.resolve]"]
)


@given(
    st.one_of(
        st.text(),
        st.lists(st.one_of(PAIRS, HEADERS, st.text(max_size=8)), max_size=12).map("\n".join),
        st.lists(HEADERS | PAIRS, unique=True, max_size=12).map("\n".join),
    )
)
def test_no_text_gives_anything_but_a_config_or_a_config_error(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        json.dumps(shown(parse_config(text, "c.toml", SOURCES)))
    except ConfigError as error:
        problems = error.problems
        assert problems
    assert all(0 <= problem.line <= text.count("\n") + 1 for problem in problems)
    assert all(len(str(problem).split("\n")) == 1 for problem in problems)


# --- the file that is shipped ------------------------------------------------------------------


def shipped() -> str:
    return (ROOT / "config.toml").read_text("utf-8")


def test_the_shipped_config_has_the_outlets_and_the_topic_it_is_made_for() -> None:
    config = load_config(ROOT / "config.toml")
    outlets = {feed.outlet for feed in config.feeds}
    assert {"半岛电视台", "观察者网", "美国之音"} <= outlets
    assert [(topic.id, topic.title) for topic in config.topics] == [("afghanistan", "阿富汗")]


def test_the_shipped_config_explains_every_key_in_the_section_of_its_table() -> None:
    sections = dict.fromkeys(known_keys(), "")
    table = ""
    # what is said of a table of several stands before the first of them
    for block in re.split(r"(?m)^(?=\[|# The feeds:|# The topics:)", shipped()):
        found = re.match(r"\[\[?(\w+)|# The (\w+):", block)
        table = (found[1] or found[2]) if found else table
        sections[table] = sections.get(table, "") + block
    explained = {
        f"{table}.{found}"
        for table, section in sections.items()
        for found in re.findall(r"(?m)^(?:# +|#|\[fetch\.)([\w.]+)", section)
    }
    tables_of_feeds = {"feeds.clean", "feeds.pages"}
    keys = {f"{table}.{key}" for table, keys in known_keys().items() for key in keys if table}
    assert keys - tables_of_feeds - explained == set()
    assert all(re.search(rf"(?m)^\[+{table}\]", shipped()) for table in known_keys()[""])


def test_the_defaults_the_shipped_config_shows_are_the_defaults() -> None:
    uncommented = re.sub(r"(?m)^#(?=[a-z_]+ = )", "", shipped())
    assert len(re.findall(r"(?m)^#[a-z_]+ = ", shipped())) > 15
    assert parse_config(uncommented, "c.toml") == parse_config(shipped(), "c.toml")
    assert set(tomllib.loads(uncommented)["fetch"]) == set(known_keys()["fetch"])


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://news:s3cret@db.example.org:5433/news?sslmode=verify-full",
        "postgresql:///news",
        "postgresql://news@/news?host=/run/postgresql",
    ],
)
def test_a_server_may_be_named_or_be_on_this_machine(url: str) -> None:
    assert parse_config(f'[store]\nurl = "{url}"', "c.toml").store.url == url
