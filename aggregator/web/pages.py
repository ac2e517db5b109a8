"""The pages: HTML made on the server from the store; no scripts, no cookies."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import unquote, urlsplit

from anyio import CapacityLimiter, to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aggregator.config.values import masked
from aggregator.core.cadence import NEVER
from aggregator.core.feed_state import Address, aligned
from aggregator.core.model import Article, BodyHistory, FeedSpec, Reason
from aggregator.outputs import FORMATS
from aggregator.outputs.item import headline, outlet_of, web_address
from aggregator.store import editions, quarantine, retention, subscriptions
from aggregator.web.responses import answer, cacheable, made_now, redirect
from aggregator.web.site import Site, site_of
from aggregator.web.wording import (
    DATE_ORIGINS,
    FIELDS,
    SET_ASIDE,
    address_words,
    advice,
    due_words,
    error_words,
    push_words,
    status_words,
    verdict_words,
)

T = TypeVar("T")

STORE_READERS = 8
"""Threads that may wait for the store at once. The feeds' own threads are never among them."""
PAGE_MAX_AGE = 60
STYLE_MAX_AGE = 86_400
NEWEST = 30
TOPIC_NEWEST = 100
MISTAKES = {
    404: ("没有这一页", "网址可能有误，或者这个话题已经从配置中移除。"),
    405: ("不支持这种请求", "这里只能读取。"),
    410: ("这篇文章已移除", "它已超过保留期限，正文不再保存，也不会再出现。"),
    500: ("出错了", "程序内部出错，已记入日志。已发布的订阅不受影响。"),
    503: ("暂时无法提供", "请稍后再试。已发布的订阅不受影响。"),
}

_HERE = Path(__file__).parent
_STYLE = (_HERE / "static" / "style.css").read_bytes()


async def index(request: Request) -> Response:
    site = site_of(request)
    counts = await _from_store(request, site.store.counts)
    articles = await _from_store(request, lambda: site.store.articles(None, NEWEST))
    return _page(request, "index.html", counts=counts, articles=articles)


async def topic(request: Request) -> Response:
    site = site_of(request)
    spec = site.topic(request.path_params["topic_id"])
    if spec is None:
        raise HTTPException(404)
    articles = await _from_store(
        request, lambda: site.store.articles(spec.id, min(spec.limit, TOPIC_NEWEST))
    )
    return _page(request, "topic.html", topic=spec, articles=articles)


async def article(request: Request) -> Response:
    site = site_of(request)
    asked_for = request.path_params["article_id"]
    found = await _from_store(request, lambda: site.store.article(asked_for))
    if found is None:
        removed = await _from_store(
            request, lambda: site.store.read_now(retention.is_removed, asked_for)
        )
        raise HTTPException(410 if removed else 404)
    if found.id != asked_for:
        return redirect(request, f"{site.root}/articles/{found.id}")
    matches = await _from_store(request, lambda: site.store.matches(found.id))
    titles = {spec.id: spec.title for spec in site.topics}
    return _page(
        request,
        "article.html",
        article=found,
        matches=[match for match in matches if match.topic_id in titles],
        topic_titles=titles,
        feed_titles={spec.id: spec.title or spec.outlet or spec.id for spec in site.feeds},
    )


async def feeds(request: Request) -> Response:
    site = site_of(request)
    states = await _from_store(request, site.store.feed_states)
    by_id = {state.feed_id: state for state in states}
    rows = [(spec, by_id.get(spec.id)) for spec in site.feeds]
    failing = sum(1 for _, state in rows if state and state.failures)
    held = sum(1 for _, state in rows if state and state.held)
    return _page(request, "feeds.html", rows=rows, failing=failing, held=held, now=site.now())


async def feed(request: Request) -> Response:
    site = site_of(request)
    spec = site.feed(request.path_params["feed_id"])
    if spec is None:
        raise HTTPException(404)
    known = await _from_store(request, lambda: _what_is_known(site, spec))
    return _page(request, "feed.html", spec=spec, now=site.now(), **known)


def _what_is_known(site: Site, spec: FeedSpec) -> dict[str, object]:
    """What a feed's page tells. Of a feed the store does not know yet, its addresses alone."""
    read = site.store.read_now
    state = read(editions.feed_state, spec.id)
    articles = read(editions.articles_of_feed, spec.id, NEWEST)
    if state is not None:
        state = aligned(state, spec.urls)
    return {
        "state": state,
        "addresses": state.addresses if state else tuple(Address(url) for url in spec.urls),
        "bodies": read(editions.body_history, spec.id) if state else BodyHistory(),
        "articles": articles,
        "home": _home(articles),
        "hub": read(subscriptions.of_feed, spec.id),
        "aside": read(quarantine.listed, spec.id),
    }


async def style(request: Request) -> Response:
    return cacheable(request, made_now(_STYLE), "text/css; charset=utf-8", STYLE_MAX_AGE)


def mistake(request: Request, status: int, headers: dict[str, str] | None = None) -> Response:
    """The page for an answer that is none. It needs no store."""
    title, explanation = MISTAKES.get(status, MISTAKES[500 if status >= 500 else 404])
    body = _rendered(
        site_of(request), "mistake.html", status=status, title=title, explanation=explanation
    )
    return answer(
        request,
        body,
        "text/html; charset=utf-8",
        status,
        {"Cache-Control": "no-store", **(headers or {})},
    )


def store_readers() -> CapacityLimiter:
    return CapacityLimiter(STORE_READERS)


async def _from_store(request: Request, read: Callable[[], T]) -> T:
    """Reads in a thread. Raises StoreError."""
    limiter = cast(CapacityLimiter, request.app.state.store_readers)
    return await to_thread.run_sync(read, limiter=limiter)


def _page(request: Request, template: str, **values: object) -> Response:
    body = _rendered(site_of(request), template, **values)
    return cacheable(request, made_now(body), "text/html; charset=utf-8", PAGE_MAX_AGE)


def _rendered(site: Site, template: str, **values: object) -> bytes:
    page = _TEMPLATES.get_template(template).render(site=site, root=site.root, **values)
    # A lone surrogate has no bytes; a page with a mark in its place is better than none.
    return page.encode("utf-8", errors="replace")


# --- how templates show things ---------------------------------------------------------------


def _moment(moment: datetime | None) -> str:
    if moment is None or _is_never(moment):
        return "—"
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _is_never(moment: datetime) -> bool:
    """A feed that is gone for good is due then."""
    return moment >= NEVER


def _distance(moment: datetime | None, now: datetime) -> str:
    """`3 分钟前`, `2 小时后`."""
    if moment is None:
        return "—"
    if _is_never(moment):
        return "不再"
    passed = now - moment
    side = "前" if passed >= timedelta(0) else "后"
    minutes = int(abs(passed).total_seconds()) // 60
    if minutes < 1:
        return "刚刚" if side == "前" else "即将"
    if minutes < 60:
        return f"{minutes} 分钟{side}"
    if minutes < 48 * 60:
        return f"{minutes // 60} 小时{side}"
    return f"{minutes // (24 * 60)} 天{side}"


def _reasons(reasons: tuple[Reason, ...]) -> str:
    """Each term with the fields it was found in: `塔利班（标题、正文）`."""
    found: dict[str, list[str]] = {}
    for reason in reasons:
        field = FIELDS.get(reason.where, reason.where)
        fields = found.setdefault(reason.term, [])
        if field and field not in fields:
            fields.append(field)
    return "，".join(
        f"{term}（{'、'.join(fields)}）" if fields else term for term, fields in found.items()
    )


def _readable(url: str) -> str:
    """A URL as people read it: its escaped Chinese as Chinese, unless it would mislead or break."""
    try:
        plain = unquote(url, errors="strict")
    except UnicodeDecodeError:
        return url
    return plain if plain.isprintable() and " " not in plain else url


def _home(articles: Sequence[Article]) -> str:
    """The address of the site that most of the articles are on; empty if there is none."""
    sites = Counter(
        f"{parts.scheme}://{parts.netloc}/"
        for article in articles
        if (parts := urlsplit(web_address(article.url))).netloc
    )
    return next((site for site, _ in sites.most_common(1)), "")


def _shows_its_image(article: Article) -> bool:
    """Whether the body has an image, so that the lead image need not stand above it."""
    return "<img" in article.body


def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "address_words": address_words,
        "due_words": due_words,
        "address": web_address,
        "headline": headline,
        "masked": masked,
        "push_words": push_words,
        "moment": _moment,
        "outlet": outlet_of,
        "readable": _readable,
        "reasons": _reasons,
        "status": status_words,
        "verdict_words": verdict_words,
    }
    environment.globals |= {
        "advice": advice,
        "date_origins": DATE_ORIGINS,
        "distance": _distance,
        "formats": FORMATS,
        "error_words": error_words,
        "is_never": _is_never,
        "set_aside": SET_ASIDE,
        "shows_its_image": _shows_its_image,
        "style_version": hashlib.sha256(_STYLE).hexdigest()[:8],
    }
    return environment


_TEMPLATES = _templates()
