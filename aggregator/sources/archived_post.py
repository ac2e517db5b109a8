"""An article kept as a file, whatever format it was kept in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

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
