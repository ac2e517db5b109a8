"""A newsroom on loopback: the articles of seeds/, served as the sites and feeds they came from.

    rsshub.app             feeds with summaries of Al Jazeera and Guancha
    chinese.aljazeera.net  article pages
    www.guancha.cn         an article page that is folded, and the whole of it at …_s.shtml
    m.guancha.cn           redirects to www.guancha.cn
    feedx.net              a mirror's feed of VOA, with the whole text
    www.voachinese.com     VOA's own feed of the same article, and its page
    www.rfi.fr             always 503

It answers by the Host header, under the real names: whoever asks has to be led to its
address, by a map of host names. Every answer is the same from run to run.
"""

from __future__ import annotations

import gzip
import re
import socket
import sysconfig
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from html import unescape
from pathlib import Path
from threading import Thread
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from aggregator.core.model import FeedSpec
from aggregator.demo.newsroom_feeds import feedx_feed, rsshub_feed, voa_feed
from aggregator.demo.newsroom_pages import aljazeera_page, guancha_page, voa_page
from aggregator.errors import AggregatorError, ArchiveError, ListenError
from aggregator.sources.archives import ArchivedPost, archives_in, read_archive

ALJAZEERA_FEED = "https://rsshub.app/aljazeera/news"
GUANCHA_FEED = "https://rsshub.app/guancha/headline"
FEEDX_FEED = "https://feedx.net/rss/mgzy1.xml"
VOA_FEED = "https://www.voachinese.com/api/zm_yql-vomx-tpeybti"
RFI_FEED = "https://www.rfi.fr/cn/rss"

REDIRECTS = {"m.guancha.cn": "www.guancha.cn"}
FAILING_HOSTS = frozenset(("www.rfi.fr",))
RETRY_AFTER = 3600
"""Seconds, said by the hosts that always fail."""

FIRST_GUANCHA_NUMBER = 611660

FEEDS = (
    FeedSpec("aljazeera", (ALJAZEERA_FEED,), "半岛电视台", "半岛电视台", source="rsshub"),
    FeedSpec("guancha", (GUANCHA_FEED,), "观察者网 头条", "观察者网", "Asia/Shanghai",
             source="rsshub"),
    FeedSpec("feedx-voa", (FEEDX_FEED,), "美国之音（feedx）", "美国之音", "Asia/Shanghai",
             source="feedx"),
    FeedSpec("voa", (VOA_FEED,), "美国之音", "美国之音", "Asia/Shanghai", source="voa"),
    FeedSpec("rfi", (RFI_FEED,), "法广", "法广"),
)  # fmt: skip

START_SECONDS = 10.0
STOP_SECONDS = 10.0

_DATE_LINE = re.compile(r"<div><i>([^<]+)</i></div>")
_CAPTION = re.compile(r"<small[^>]*>([^<]+)</small>")
_PROXIED_IMAGE = re.compile(r'<img src="https://images\.weserv\.nl/?\?url=([^"]+)"')


class Served(NamedTuple):
    """One request and how it was answered; `path` as it was sent, without the query."""

    host: str
    path: str
    status: int


@dataclass(frozen=True, slots=True)
class Resource:
    """What is at one address."""

    body: bytes
    media_type: str
    modified: datetime

    def encoded(self, gzipped: bool) -> tuple[bytes, str]:
        """Body and strong ETag of one representation (RFC 9110 section 8.8.3.3)."""
        tag = sha256(self.body).hexdigest()[:32]
        if not gzipped:
            return self.body, f'"{tag}"'
        return gzip.compress(self.body, mtime=0), f'"{tag}-gzip"'


class Newsroom:
    """The sites of the articles in the folder `seeds`.

    Raises AggregatorError if the folder lacks the articles of one of the sites, and
    ArchiveError if a file in it cannot be read.
    """

    def __init__(self, seeds: Path) -> None:
        posts = [read_archive(path) for path in archives_in([seeds])]
        aljazeera = _newest_first(_of_outlet(posts, "半岛电视台", seeds))
        guancha = _newest_first(_of_outlet(posts, "观察者网", seeds))
        voa = _newest_first(_of_outlet(posts, "美国之音", seeds))
        aljazeera = [replace(post, url=_aljazeera_url(post)) for post in aljazeera]
        guancha = [
            replace(post, url=_guancha_url(post, FIRST_GUANCHA_NUMBER + number))
            for number, post in enumerate(guancha)
        ]
        self.posts: tuple[ArchivedPost, ...] = (*aljazeera, *guancha, *voa)
        self.feeds: tuple[FeedSpec, ...] = FEEDS
        self.resources: dict[tuple[str, str], Resource] = {
            **_aljazeera_site(aljazeera), **_guancha_site(guancha), **_voa_sites(voa)
        }  # fmt: skip
        served = {host for host, _ in self.resources}
        self.hosts: tuple[str, ...] = tuple(sorted(served | set(REDIRECTS) | FAILING_HOSTS))
        self.requests: list[Served] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET"])])

    async def _answer(self, request: Request) -> Response:
        host = request.headers.get("host", "").partition(":")[0].lower()
        sent = request.scope["raw_path"].decode("ascii", "replace").partition("?")[0]
        response = self._response(request, host, sent)
        self.requests.append(Served(host, sent, response.status_code))
        return response

    def _response(self, request: Request, host: str, sent: str) -> Response:
        if host in FAILING_HOSTS:
            return Response(
                "Service Unavailable", 503, {"Retry-After": str(RETRY_AFTER)}, "text/plain"
            )
        if host in REDIRECTS:
            return RedirectResponse(f"https://{REDIRECTS[host]}{sent}", 301)
        resource = self.resources.get((host, request.scope["path"]))
        if resource is None:
            return Response("Not Found", 404, media_type="text/plain")
        return _conditional(request, resource)


@contextmanager
def serve(newsroom: Newsroom) -> Iterator[str]:
    """Serves `newsroom` on a free port of loopback as long as the context lasts.

    Gives its origin, `http://127.0.0.1:PORT`. Raises ListenError if it does not start.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(
            uvicorn.Config(
                newsroom.app,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        # outside the main thread uvicorn installs no signal handlers
        thread = Thread(
            target=server.run, args=([listener],), name="aggregator-newsroom", daemon=True
        )
        thread.start()
        try:
            _wait_until_started(server, thread, origin)
            yield origin
        finally:
            server.should_exit = True
            thread.join(STOP_SECONDS)


def find_seeds() -> Path:
    """The folder of the seeds: beside the package, or where an installation put it.

    Raises AggregatorError if it is in neither place.
    """
    beside = Path(__file__).resolve().parents[2] / "seeds"
    installed = Path(sysconfig.get_path("data")) / "share" / "aggregator" / "seeds"
    for folder in (beside, installed):
        if folder.is_dir():
            return folder
    raise AggregatorError("there is no folder of seeds", str(beside), f"or put it at {installed}")


def _wait_until_started(server: uvicorn.Server, thread: Thread, origin: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise ListenError("the newsroom did not start", origin, "see the log for the reason")
        time.sleep(0.01)


# --- the sites -----------------------------------------------------------------------------------


def _aljazeera_site(posts: list[ArchivedPost]) -> dict[tuple[str, str], Resource]:
    site = "https://chinese.aljazeera.net/news"
    feed = rsshub_feed(ALJAZEERA_FEED, "半岛电视台 - 新闻", site, [(p, _date(p)) for p in posts])
    pages = [
        (post.url, _page(aljazeera_page(post, _others(post, posts), _date(post)), _date(post)))
        for post in posts
    ]
    return _addressed([(ALJAZEERA_FEED, _feed(feed, _date(posts[0]))), *pages])


def _guancha_site(posts: list[ArchivedPost]) -> dict[tuple[str, str], Resource]:
    site = "https://www.guancha.cn/"
    feed = rsshub_feed(GUANCHA_FEED, "观察者网 - 头条", site, [(p, _date(p)) for p in posts])
    found = [(GUANCHA_FEED, _feed(feed, _date(posts[0])))]
    for post in posts:
        published, others = _date(post), _others(post, posts)
        whole_url = post.url.replace(".shtml", "_s.shtml")
        folded = guancha_page(post, others, published, folded=True)
        whole = guancha_page(post, others, published, folded=False)
        found += [(post.url, _page(folded, published)), (whole_url, _page(whole, published))]
    return _addressed(found)


def _voa_sites(posts: list[ArchivedPost]) -> dict[tuple[str, str], Resource]:
    """feedx and VOA itself. The seed is feedx's entry: what VOA sent is read out of it."""
    mirrored = feedx_feed("美国之音", "https://www.voachinese.com/", posts)
    own = [(replace(post, image=_unproxied_image(post)), _date_line(post)) for post in posts]
    found = [
        (FEEDX_FEED, _feed(mirrored, _date(posts[0]))),
        (VOA_FEED, _feed(voa_feed(VOA_FEED, own), own[0][1])),
    ]
    for post, published in own:
        page = voa_page(post, _others(post, posts), published, _caption(post))
        found.append((post.url, _page(page, published)))
    return _addressed(found)


def _of_outlet(posts: Iterable[ArchivedPost], outlet: str, seeds: Path) -> list[ArchivedPost]:
    found = [post for post in posts if post.outlet == outlet and post.published]
    if not found:
        raise AggregatorError(
            f"no dated article of {outlet}", str(seeds), "the newsroom needs all the seed files"
        )
    return found


def _newest_first(posts: list[ArchivedPost]) -> list[ArchivedPost]:
    return sorted(posts, key=_date, reverse=True)


def _others(post: ArchivedPost, posts: Sequence[ArchivedPost]) -> list[ArchivedPost]:
    return [other for other in posts if other != post]


def _date(post: ArchivedPost) -> datetime:
    if post.published is None:
        raise ArchiveError("no date that can be read", str(post.path), "give it one")
    return post.published


def _aljazeera_url(post: ArchivedPost) -> str:
    day = _date(post)
    slug = re.sub(r"[^\w]+", "-", post.title).strip("-").lower()
    path = f"news/{day.year}/{day.month}/{day.day}/{quote(slug)}"
    return f"https://chinese.aljazeera.net/{path}"


def _guancha_url(post: ArchivedPost, number: int) -> str:
    return f"https://www.guancha.cn/internation/{_date(post):%Y_%m_%d}_{number}.shtml"


def _date_line(post: ArchivedPost) -> datetime:
    found = _DATE_LINE.search(post.html)
    return parsedate_to_datetime(found[1]) if found else _date(post)


def _caption(post: ArchivedPost) -> str:
    found = _CAPTION.search(post.html)
    return unescape(found[1]) if found else ""


def _unproxied_image(post: ArchivedPost) -> str:
    found = _PROXIED_IMAGE.search(post.html)
    return f"https://{unescape(found[1])}" if found else ""


# --- answering -----------------------------------------------------------------------------------


def _page(html: str, modified: datetime) -> Resource:
    return Resource(html.encode(), "text/html; charset=utf-8", modified)


def _feed(xml: str, modified: datetime) -> Resource:
    return Resource(xml.encode(), "application/xml; charset=utf-8", modified)


def _addressed(found: list[tuple[str, Resource]]) -> dict[tuple[str, str], Resource]:
    """Resources by the host and the decoded path of their URLs."""
    placed = {}
    for url, resource in found:
        parts = urlsplit(url)
        placed[parts.hostname or "", unquote(parts.path)] = resource
    return placed


def _conditional(request: Request, resource: Resource) -> Response:
    """The resource, or 304 where the request's validators are still good (RFC 9110 section 13)."""
    gzipped = _accepts_gzip(request.headers.get("accept-encoding", ""))
    body, etag = resource.encoded(gzipped)
    headers = {
        "ETag": etag,
        "Last-Modified": format_datetime(resource.modified.astimezone(UTC), usegmt=True),
        "Cache-Control": "max-age=0",
        "Vary": "Accept-Encoding",
    }
    if _is_current(request, etag, resource.modified):
        return Response(status_code=304, headers=headers)
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers, media_type=resource.media_type)


def _is_current(request: Request, etag: str, modified: datetime) -> bool:
    if tags := request.headers.get("if-none-match", ""):
        given = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in given or etag in given
    since = request.headers.get("if-modified-since", "")
    try:
        moment = parsedate_to_datetime(since) if since else None
    except ValueError:
        return False
    return moment is not None and moment.tzinfo is not None and modified <= moment


def _accepts_gzip(accepted: str) -> bool:
    for choice in accepted.lower().split(","):
        coding, _, parameters = choice.partition(";")
        if coding.strip() == "gzip":
            return not re.fullmatch(r"\s*q=0(\.0*)?\s*", parameters)
    return False
