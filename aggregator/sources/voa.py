"""美国之音 (VOA), Chinese and Cantonese."""

from __future__ import annotations

from aggregator.core.extract import PageRules
from aggregator.sources.family import Family

VOA = Family(
    name="voa",
    feed_hosts=("voachinese.com", "voacantonese.com"),
    page_hosts=("voachinese.com", "voacantonese.com"),
    page=PageRules(containers=("div.wsw",)),
)
