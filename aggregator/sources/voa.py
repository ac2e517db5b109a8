"""美国之音 (VOA), Chinese and Cantonese."""

from __future__ import annotations

from aggregator.core.clean import CleanRules
from aggregator.core.extract import PageRules
from aggregator.core.identity import UrlRule
from aggregator.sources.family import Family
from aggregator.sources.images import SIZES

VOA = Family(
    name="voa",
    feed_hosts=("voachinese.com", "voacantonese.com"),
    page_hosts=("voachinese.com", "voacantonese.com"),
    # for phones
    url_rules=(
        UrlRule(r"^(https://www\.voa(?:chinese|cantonese)\.com)/amp/(.+\.html)$", r"\1/a/\2"),
    ),
    own_names=("美国之音", "VOA", "美国之音中文网"),
    clean=CleanRules(image_sizes=SIZES),
    page=PageRules(containers=("div.wsw",)),
)
