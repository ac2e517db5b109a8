"""美国之音 (VOA), Chinese and Cantonese."""

from __future__ import annotations

from aggregator.core.extract import PageRules
from aggregator.core.identity import UrlRule
from aggregator.sources.family import Family

VOA = Family(
    name="voa",
    feed_hosts=("voachinese.com", "voacantonese.com"),
    page_hosts=("voachinese.com", "voacantonese.com"),
    url_rules=(
        # the words in the address follow the title, the number stays: /a/WORDS/5982533.html
        UrlRule(
            r"^https?://(?:www\.|m\.)?(?P<site>voachinese|voacantonese)\.com/a/(?:[^/?]+/)?"
            r"(?P<number>\d{6,})\.html(?:\?.*)?$",
            r"https://www.\g<site>.com/a/\g<number>.html",
        ),
    ),
    page=PageRules(containers=("div.wsw",)),
)
