"""Synthetic feeds on loopback, served faster than anything that reads them.

Every feed has an address of its own (127.1.0.1, 127.1.0.2, …), so a limit per host
never limits. All bodies are made and compressed before they are asked for. Answers
have a strong ETag, Last-Modified and gzip; a request whose validators are still good
gets a 304 (RFC 9110, section 13).

    python -m bench.publisher --feeds 1000 --items 20

prints `{"port": …}`; each line `change 10` on its standard input then gives that
percentage of the feeds two new items, and is answered with `{"changed": …}`. It ends
with its standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

ITEM_BYTES = 2_300
"""The size of one item in its feed: 20 of them make 46 KB."""

NEW_ITEMS = 2
"""How many a changed feed has: they come in at the top, and as many go at the end."""

FIRST_ITEM_AT = datetime(2025, 6, 1, 6, 0, tzinfo=UTC)

ONE_IN_TOPIC = 16
"""Of so many items one is about what the topics of the benchmark ask for."""

ONE_SHARED = 10
"""Of so many items one is, in every second feed, the text of the feed before it."""

CHINESE_WORDS = (
    *("政府", "会议", "经济", "记者", "城市", "居民", "专家", "表示", "计划", "发展", "市场"),
    *("学生", "医院", "交通", "能源", "天气", "周末", "公司", "合作", "协议", "谈判", "边境"),
    *("选举", "议会", "总统", "外长", "声明", "调查", "报告", "数据", "增长", "价格", "粮食"),
)
ENGLISH_WORDS = (
    *("the", "government", "of", "a", "city", "said", "on", "Monday", "that", "its", "plan", "for"),
    *("new", "roads", "and", "ports", "would", "bring", "work", "to", "many", "people", "while"),
    *("prices", "rise", "more", "slowly", "than", "before", "after", "talks", "with", "unions"),
    *("about", "pay", "health", "schools", "energy", "water", "weather", "harvest", "election"),
)
CHINESE_TOPICS = ("阿富汗首都喀布尔", "塔利班发言人", "联合国难民署")
ENGLISH_TOPICS = ("the Afghan capital Kabul", "a Taliban spokesman", "the refugee agency")


def feed_url(number: int, port: int) -> str:
    """Where feed `number`, counted from 0, is served: each has an address of its own."""
    address = f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"
    return f"http://{address}:{port}/{number}.xml"


# --- the texts -----------------------------------------------------------------------------------


def _sentences(chinese: bool) -> list[str]:
    chance = random.Random(f"sentences {chinese}")
    if chinese:
        return ["".join(chance.choices(CHINESE_WORDS, k=chance.randint(6, 16))) for _ in range(800)]
    return [" ".join(chance.choices(ENGLISH_WORDS, k=chance.randint(8, 22))) for _ in range(800)]


SENTENCES = {chinese: _sentences(chinese) for chinese in (True, False)}


def _is_chinese(feed: int) -> bool:
    return feed // 2 % 2 == 0


def _text(feed: int, serial: int) -> tuple[str, str]:
    """The title and the HTML of item `serial` of a feed: paragraphs of numbered sentences."""
    if feed % 2 and serial % ONE_SHARED == 0:
        feed -= 1
    chinese = _is_chinese(feed)
    chance = random.Random(f"{feed} {serial}")
    sentences = SENTENCES[chinese]
    stop, topics = ("。", CHINESE_TOPICS) if chinese else (". ", ENGLISH_TOPICS)
    title = f"{chance.choice(sentences)[:60]} {feed}-{serial}"
    paragraphs: list[str] = []
    size = len(title.encode()) + 500
    while size < ITEM_BYTES:
        number = chance.randint(2, 90_000)
        parts = [f"{sentence} {number}" for sentence in chance.choices(sentences, k=3)]
        if not paragraphs and chance.randrange(ONE_IN_TOPIC) == 0:
            parts.append(chance.choice(topics))
        paragraphs.append(f"<p>{stop.join(parts)}{stop.strip()}</p>")
        size += len(paragraphs[-1].encode())
    return title, "\n".join(paragraphs)


def _item(feed: int, serial: int) -> str:
    title, html = _text(feed, serial)
    link = f"https://outlet{feed}.example/2025/{serial:06}.html"
    published = FIRST_ITEM_AT + timedelta(minutes=30 * serial + feed % 30)
    return (
        f"<item><title>{title}</title><link>{link}</link>"
        f'<guid isPermaLink="false">outlet{feed}:{serial}</guid>'
        f"<pubDate>{format_datetime(published)}</pubDate><category>news</category>"
        f"<description>{title}</description>"
        f"<content:encoded><![CDATA[{html}]]></content:encoded></item>\n"
    )


def feed_xml(feed: int, version: int, items: int) -> str:
    """The feed after `version` changes: RSS 2.0, newest item first."""
    newest = version * NEW_ITEMS + items - 1
    language = "zh-CN" if _is_chinese(feed) else "en"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>Outlet {feed}</title><link>https://outlet{feed}.example/</link>"
        f"<description>Synthetic</description><language>{language}</language>\n"
        + "".join(_item(feed, newest - back) for back in range(items))
        + "</channel></rss>\n"
    )


# --- the answers ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answers:
    """One feed as the bytes that go over the wire, whole."""

    etag: bytes
    modified: datetime
    plain: bytes
    gzipped: bytes
    not_modified: bytes


def answers(feed: int, version: int, items: int) -> Answers:
    body = feed_xml(feed, version, items).encode()
    etag = f'"{feed}-{version}"'
    modified = FIRST_ITEM_AT + timedelta(hours=version)
    validators = f"ETag: {etag}\r\nLast-Modified: {format_datetime(modified, usegmt=True)}\r\n"
    return Answers(
        etag.encode(),
        modified,
        _answer(validators, "", body),
        _answer(validators, "Content-Encoding: gzip\r\n", gzip.compress(body, 6, mtime=0)),
        f"HTTP/1.1 304 Not Modified\r\n{validators}\r\n".encode(),
    )


def _answer(validators: str, encoding: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml; charset=utf-8\r\n{validators}"
        f"Vary: Accept-Encoding\r\n{encoding}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Publication:
    """Every feed as it is now."""

    def __init__(self, feeds: int, items: int) -> None:
        self._items = items
        self._versions = [0] * feeds
        self._answers = [answers(feed, 0, items) for feed in range(feeds)]

    def change(self, percent: int) -> int:
        """Gives that share of the feeds, spread over all, new items; gives how many changed."""
        changed = [
            n for n in range(len(self._answers)) if n * percent // 100 != (n + 1) * percent // 100
        ]
        for feed in changed:
            self._versions[feed] += 1
            self._answers[feed] = answers(feed, self._versions[feed], self._items)
        return len(changed)

    def answer(self, head: bytes) -> bytes:
        """What to send for a request, given everything before its empty line."""
        request, *lines = head.split(b"\r\n")
        method, _, rest = request.partition(b" ")
        number = rest.partition(b" ")[0].removeprefix(b"/").removesuffix(b".xml")
        if method != b"GET" or not number.isdigit() or int(number) >= len(self._answers):
            return NOT_FOUND
        found = self._answers[int(number)]
        headers = {}
        for line in lines:
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        if _is_current(found, headers):
            return found.not_modified
        return found.gzipped if b"gzip" in headers.get(b"accept-encoding", b"") else found.plain


def _is_current(found: Answers, headers: dict[bytes, bytes]) -> bool:
    if b"if-none-match" in headers:
        return found.etag in headers[b"if-none-match"]
    since = headers.get(b"if-modified-since", b"").decode("latin-1")
    try:
        return bool(since) and found.modified <= parsedate_to_datetime(since)
    except ValueError:
        return False


# --- serving -------------------------------------------------------------------------------------


class Connection(asyncio.Protocol):
    """HTTP/1.1 with connections kept open; requests have no body."""

    def __init__(self, publication: Publication) -> None:
        self._publication = publication
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not transport.get_extra_info("peername")[0].startswith("127."):
            transport.abort()  # it listens on every address, for the sake of all of 127.0.0.0/8

    def data_received(self, data: bytes) -> None:
        *heads, self._received = (self._received + data).split(b"\r\n\r\n")
        for head in heads:
            self._transport.write(self._publication.answer(head))


async def serve(publication: Publication) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(publication), "0.0.0.0", 0, backlog=4096)
    async with server:
        say({"port": server.sockets[0].getsockname()[1]})
        while line := await asyncio.to_thread(sys.stdin.readline):
            say({"changed": publication.change(int(line.removeprefix("change ")))})


def say(message: dict[str, int]) -> None:
    print(json.dumps(message), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.publisher", description=__doc__)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--items", type=int, default=20)
    options = parser.parse_args()
    asyncio.run(serve(Publication(options.feeds, options.items)))


if __name__ == "__main__":
    main()
