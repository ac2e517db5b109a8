"""The configuration: config.toml read, checked and made into a frozen `Config`.

    text → tomllib → the tables (pydantic) → Config
                   ↘ key_lines: on which line a mistake is

Every mistake of the file is reported at once, each with its line, its key and
what to write instead. The defaults are those of the settings classes here and
of `FeedSpec` and `TopicSpec`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, ValidationError, ValidationInfo

from aggregator.config import values
from aggregator.config.fetching import FetchSettings, FetchTable, shown_fetch
from aggregator.config.problems import Mistake, contradictions, dotted, in_plain_words
from aggregator.config.rules import CanonicalTable, CleanTable, PagesTable, feed_rules, shown_rules
from aggregator.config.tables import Table
from aggregator.config.toml_lines import key_lines, line_of
from aggregator.core.model import Content, FeedSpec, FullText, TopicSpec, View
from aggregator.core.query import parse_query
from aggregator.errors import ConfigError, Problem, QueryError

__all__ = [
    "TABLES",
    "Aliases",
    "Config",
    "FetchSettings",
    "OutletIn",
    "OutputSettings",
    "ServerSettings",
    "StoreSettings",
    "known_keys",
    "load_config",
    "parse_config",
    "shown",
]

Aliases = Mapping[str, tuple[str, ...]]
"""Spellings by name: 塔利班 → 塔里班, Taliban."""

OutletIn = Literal["author", "title", "both"]


# --- the settings ------------------------------------------------------------------------------


@dataclass(frozen=True)
class ServerSettings:
    """Where the pages and feeds are served. `public_url` has no slash at its end."""

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = "http://127.0.0.1:8080"


@dataclass(frozen=True)
class StoreSettings:
    url: str = ""
    """Empty: an SQLite file in the state folder."""
    keep: timedelta | None = None
    """How long articles are kept; None is forever."""


@dataclass(frozen=True)
class OutputSettings:
    dir: Path | None = None
    """Where the feeds are written as files as well; None: nowhere."""
    title: str = "新闻聚合"
    language: str = "zh-CN"
    outlet_in: OutletIn = "author"
    limit: int = 200
    """The number of articles in the feed of everything."""


@dataclass(frozen=True)
class Config:
    path: Path
    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    output: OutputSettings = OutputSettings()
    fetch: FetchSettings = field(default_factory=FetchSettings)
    aliases: Aliases = field(default_factory=dict)
    feeds: tuple[FeedSpec, ...] = ()
    topics: tuple[TopicSpec, ...] = ()

    @property
    def callback_site(self) -> str:
        """Where hubs reach us: `public_url`, if it was given. One of this machine or network is
        of use only where such addresses may be asked; empty where hubs cannot reach us.
        """
        server = self.server
        if server.public_url == _local_url(server.host, server.port):
            return ""
        private = values.is_private_site(server.public_url)
        return "" if private and not self.fetch.allow_private else server.public_url


# --- the tables of the file --------------------------------------------------------------------


@dataclass(frozen=True)
class _Context:
    """What the value of one key is checked against."""

    aliases: Aliases
    sources: Collection[str]
    folder: Path


def _context(info: ValidationInfo) -> _Context:
    assert isinstance(info.context, _Context)
    return info.context


def _source(value: object, info: ValidationInfo) -> str:
    name, known = values.text(value), _context(info).sources
    if name and known and name not in known:
        raise values.Wrong(f'unknown source "{name}"', values.nearest(name, known))
    return name


def _ca_file(value: object, info: ValidationInfo) -> str:
    name = values.file_path(value)
    return values.certificates(_context(info).folder / name) if name else ""


def _query(value: object, info: ValidationInfo) -> str:
    query = values.text(value)
    try:
        parse_query(query, _context(info).aliases)
    except QueryError as error:
        raise values.Wrong(f"column {error.column}: {error.what}", error.hint) from None
    return query


def _filter(value: object, info: ValidationInfo) -> str:
    """A query, or nothing."""
    return _query(value, info) if value != "" else ""


Label = Annotated[str, PlainValidator(values.label)]
Line = Annotated[str, PlainValidator(values.line)]
Duration = Annotated[timedelta, PlainValidator(values.duration)]
Filter = Annotated[str, PlainValidator(_filter)]
Limit = Annotated[int, PlainValidator(values.whole_number(1, 10_000))]
WebAddress = Annotated[str, PlainValidator(values.web_address)]


class _Server(Table):
    listen: Annotated[tuple[str, int], PlainValidator(values.listen)] = ("127.0.0.1", 8080)
    public_url: Annotated[str, PlainValidator(values.site_address)] = ""


class _Store(Table):
    url: Annotated[str, PlainValidator(values.store_address)] = StoreSettings.url
    keep: Annotated[timedelta | None, PlainValidator(values.duration_or_forever)] = (
        StoreSettings.keep
    )


class _Output(Table):
    dir: Annotated[str, PlainValidator(values.file_path)] = ""
    title: Line = OutputSettings.title
    language: Annotated[str, PlainValidator(values.language)] = OutputSettings.language
    outlet_in: Annotated[OutletIn, PlainValidator(values.one_of("author", "title", "both"))] = (
        OutputSettings.outlet_in
    )
    limit: Limit = OutputSettings.limit


class _Feed(Table):
    id: Annotated[str, PlainValidator(values.identifier)]
    url: WebAddress = ""
    urls: Annotated[tuple[WebAddress, ...], Field(min_length=1)] = ()
    title: Label = ""
    outlet: Label = ""
    timezone: Annotated[str, PlainValidator(values.timezone)] = "UTC"
    interval: Annotated[timedelta | None, PlainValidator(values.duration)] = None
    source: Annotated[str, PlainValidator(_source)] = ""
    full_text: Annotated[FullText, PlainValidator(values.one_of("auto", "feed", "page"))] = "auto"
    keep: Filter = ""
    drop: Filter = ""
    tags: tuple[Line, ...] = ()
    ca_file: Annotated[str, PlainValidator(_ca_file)] = ""
    clean: CleanTable = CleanTable()
    pages: PagesTable = PagesTable()
    canonical: CanonicalTable = Field(default_factory=dict)


class _Topic(Table):
    id: Annotated[str, PlainValidator(values.topic_identifier)]
    title: Line
    query: Annotated[str, PlainValidator(_query)]
    content: Annotated[Content, PlainValidator(values.one_of("full", "summary"))] = "full"
    limit: Limit = 100
    view: Annotated[View, PlainValidator(values.one_of("articles"))] = "articles"


class _File(Table):
    server: _Server = _Server()
    store: _Store = _Store()
    output: _Output = _Output()
    fetch: FetchTable = FetchTable()
    aliases: dict[Line, Annotated[tuple[Line, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    feeds: tuple[_Feed, ...] = ()
    topics: tuple[_Topic, ...] = ()


TABLES: Mapping[str, type[Table]] = {
    "server": _Server,
    "store": _Store,
    "output": _Output,
    "fetch": FetchTable,
    "feeds": _Feed,
    "feeds.clean": CleanTable,
    "feeds.pages": PagesTable,
    "topics": _Topic,
}


def known_keys() -> Mapping[str, tuple[str, ...]]:
    """The keys of every table, as the file may have them; of the file itself under ""."""
    return {"": tuple(_File.model_fields)} | {
        name: tuple(field.alias or key for key, field in table.model_fields.items())
        for name, table in TABLES.items()
    }


# --- reading -----------------------------------------------------------------------------------


def load_config(path: Path, sources: Collection[str] = ()) -> Config:
    """The configuration of the file at `path`.

    `sources` are the names a feed's `source` may have; empty: they are not
    checked. Raises ConfigError with everything that is wrong.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        hint = "name another by --config"
        raise _one_problem(str(path), 0, "there is no such file", hint) from None
    except OSError as error:
        raise _one_problem(str(path), 0, f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _one_problem(str(path), line, "not UTF-8", "save the file as UTF-8") from None
    return parse_config(text, str(path), sources)


def parse_config(text: str, file: str, sources: Collection[str] = ()) -> Config:
    """The configuration in `text`; `file` is its name, for messages and relative paths.

    Raises ConfigError with everything that is wrong, in the order of the lines.
    """
    try:
        document = tomllib.loads(text)
        lines = key_lines(text)
    except RecursionError:
        raise _one_problem(file, 0, "brackets too deep inside one another") from None
    except ValueError as error:  # tomllib.TOMLDecodeError, and int() where a number is too long
        raise _syntax_problem(error, text, file) from None

    context = _Context(_readable_aliases(document), sources, Path(file).parent)
    found: list[Mistake] = list(contradictions(document, lines, FetchSettings()))
    tables: _File | None = None
    try:
        tables = _File.model_validate(document, context=context)
    except ValidationError as error:
        found += [
            in_plain_words(details, known_keys()) for details in error.errors(include_url=False)
        ]
    if tables is None or found:
        problems = [
            Problem(file, line_of(lines, path), dotted(path), what, hint)
            for path, what, hint in found
        ]
        raise ConfigError(tuple(sorted(problems, key=lambda problem: problem.line)))
    return _config(tables, Path(file))


def _config(tables: _File, path: Path) -> Config:
    host, port = tables.server.listen
    directory = tables.output.dir
    return Config(
        path=path,
        server=ServerSettings(host, port, tables.server.public_url or _local_url(host, port)),
        store=StoreSettings(**dict(tables.store)),
        output=OutputSettings(
            **dict(tables.output) | {"dir": path.parent / directory if directory else None}
        ),
        fetch=FetchSettings(**dict(tables.fetch), site=_site_of_readers(tables.server.public_url)),
        aliases=tables.aliases,
        feeds=tuple(_feed_spec(feed) for feed in tables.feeds),
        topics=tuple(TopicSpec(**dict(topic)) for topic in tables.topics),
    )


def _feed_spec(feed: _Feed) -> FeedSpec:
    elsewhere = ("url", "urls", "clean", "pages", "canonical")
    given = {name: value for name, value in feed if name not in elsewhere}
    rules = feed_rules(feed.clean, feed.pages, feed.canonical)
    return FeedSpec(urls=feed.urls or (feed.url,), rules=rules, **given)


def _local_url(host: str, port: int) -> str:
    """Where a server that listens on `host` is found from the same machine."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _site_of_readers(public_url: str) -> str:
    """`public_url` where it was given, others can reach it, and it can stand in a header."""
    plain = public_url.isascii() and not set(public_url) & set("@();\\")
    return public_url if plain and not values.is_private_site(public_url) else ""


def _readable_aliases(document: Mapping[str, object]) -> Aliases:
    """The aliases that queries can be checked with, even if others have mistakes."""
    table = document.get("aliases")
    if not isinstance(table, dict):
        return {}
    return {
        name: tuple(spelling for spelling in spellings if isinstance(spelling, str))
        for name, spellings in table.items()
        if isinstance(spellings, list)
    }


def _one_problem(file: str, line: int, what: str, hint: str = "") -> ConfigError:
    return ConfigError((Problem(file, line, "", what, hint),))


def _syntax_problem(error: ValueError, text: str, file: str) -> ConfigError:
    if not isinstance(error, tomllib.TOMLDecodeError):
        return _one_problem(file, 0, "not TOML: a number is too long")
    # the message ends in "(at line 3, column 5)" or "(at end of document)"
    what, _, place = str(error).partition(" (at ")
    found = re.match(r"line (\d+), column (\d+)", place)
    if found:
        line = int(found[1])
        bare = re.match(r"\s*([^\x00-\x7f=\s]+)\s*=", text.split("\n")[line - 1])
        hint = f'put a key that is not in a-z into quotes: "{bare[1]}" = …' if bare else ""
        return _one_problem(file, line, f"not TOML at column {found[2]}: {what}", hint)
    return _one_problem(file, text.count("\n") + 1, f"not TOML at the end of the file: {what}")


# --- showing -----------------------------------------------------------------------------------


def shown(config: Config) -> dict[str, object]:
    """The effective configuration as JSON can carry it, in the file's words, secrets masked."""
    server, store, output, fetch = config.server, config.store, config.output, config.fetch
    host = f"[{server.host}]" if ":" in server.host else server.host
    return {
        "path": str(config.path),
        "server": {
            "listen": f"{host}:{server.port}",
            "public_url": values.masked(server.public_url),
        },
        "store": {
            "url": values.masked(store.url),
            "keep": values.duration_text(store.keep) if store.keep else "forever",
        },
        "output": asdict(output) | {"dir": str(output.dir) if output.dir else ""},
        "fetch": shown_fetch(fetch),
        "aliases": {name: list(spellings) for name, spellings in config.aliases.items()},
        "feeds": [
            {name: value for name, value in asdict(feed).items() if name != "rules"}
            | shown_rules(feed.rules)
            | {
                "urls": [values.masked(url) for url in feed.urls],
                "interval": values.duration_text(feed.interval or fetch.interval),
                "tags": list(feed.tags),
            }
            for feed in config.feeds
        ],
        "topics": [asdict(topic) for topic in config.topics],
    }
