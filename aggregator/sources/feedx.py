"""feedx: mirrors of many outlets in full text, each entry with its outlet's own first line."""

from __future__ import annotations

from aggregator.core.clean import CleanRules
from aggregator.sources.family import Family
from aggregator.sources.images import PROXIES, SIZES

FEEDX = Family(
    name="feedx",
    feed_hosts=(
        "feedx.net", "feedx.site", "feedx.top", "feedx.fun", "feedx.xyz", "feedx.best", "feedx.co",
    ),
    # mirrors of the mirror keep the line
    descriptions=(r"获取更多(?:全文)?\s*RSS[：:]\s*https?://(?:www\.)?feedx\.",),
    clean=CleanRules(
        header=(
            # VOA
            r"(?P<date>[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)? GMT)",
            # RFI
            r"(?P<day>\d\d)/(?P<month>\d\d)/(?P<year>\d{4}) - (?P<time>\d\d:\d\d)",
            # Reuters, Deutsche Welle and the New York Times, the last two with authors above it
            r"(?:(?P<author>[^\n]{1,120})\n)?"
            r"(?P<date>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?Z?)",
            # BBC and FT
            r"(?:更新于\s*)?(?P<date>\d{4}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日(?:\s*\d{1,2}:\d\d)?)",
            r"(?P<date>\d{1,3}\s*(?:分钟|小时|天)前)",
        ),
        footer=(r"获取更多(?:全文)?\s*RSS[：:]",),
        image_proxies=PROXIES,
        image_sizes=SIZES,
    ),
    full_text="feed",
    mirror=True,
)  # fmt: skip
