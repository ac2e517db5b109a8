"""An article kept as a file, whatever format it was kept in.

The formats lack some of what an article has. The files we write ourselves have it in their front
matter (`kept`); a file with an `id` there is one of ours, and what it says is taken as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from aggregator.core.model import Article
from aggregator.sources.front_matter import FrontMatter

LOCAL_ZONE = "Asia/Shanghai"
"""The tools that wrote these archives ran in China and gave a missing date as local time."""

OUTLETS_BY_HOST = {
    "aljazeera.net": "半岛电视台",
    "bbc.com": "BBC",
    "bitterwinter.org": "寒冬",
    "chinadigitaltimes.net": "中国数字时代",
    "dw.com": "德国之声",
    "ft.com": "金融时报",
    "guancha.cn": "观察者网",
    "nytimes.com": "纽约时报",
    "reuters.com": "路透",
    "rfa.org": "自由亚洲电台",
    "rfi.fr": "法广",
    "rti.org.tw": "RTI 中央廣播電臺",
    "solidot.org": "Solidot",
    "voachinese.com": "美国之音",
    "zaobao.com": "联合早报",
}

OUTLET_NAMES = {"Aljazeera 半岛网": "半岛电视台"}
"""What an archive calls an outlet, where that is not the outlet's own name."""


@dataclass(frozen=True, slots=True)
class ArchivedPost:
    """One article of an archive."""

    title: str
    url: str
    """Empty where the format keeps none."""
    author: str
    outlet: str
    categories: tuple[str, ...]
    published: datetime | None
    """Aware, in UTC; None if there is no date or it cannot be read."""
    date_given: str
    image: str
    html: str
    """As given: neither sanitised nor with links made absolute."""
    path: Path
    id: str = ""
    """Of the article, if it was us who wrote the file."""


def kept(article: Article) -> dict[str, str]:
    """What the formats have no place for, for the front matter."""
    return {"id": f"urn:uuid:{article.id}", "link": article.url, "outlet": article.outlet}


def date_text(moment: datetime) -> str:
    """As the archives have it, `Wed, 24 Nov 2021 11:53:44 GMT`; with parts of a second, ISO 8601.

    Takes an aware time.
    """
    in_utc = moment.astimezone(UTC)
    return in_utc.isoformat() if in_utc.microsecond else format_datetime(in_utc, usegmt=True)


def kept_id(front_matter: FrontMatter) -> str:
    """The article's id; empty if the file is none of ours."""
    prefix, _, given = front_matter.text("id").rpartition(":")
    if prefix.lower() != "urn:uuid":
        return ""
    try:
        return str(UUID(given))
    except ValueError:
        return ""


def web_url(text: str) -> str:
    """`text` if it is an absolute http(s) URL, otherwise an empty string."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.hostname else ""


def outlet_of_url(url: str) -> str:
    """The outlet whose site `url` is on; of an unknown site, its host name without `www.`."""
    host = urlsplit(url).hostname or ""
    for site, outlet in OUTLETS_BY_HOST.items():
        if host == site or host.endswith(f".{site}"):
            return outlet
    return host.removeprefix("www.")
