"""半岛电视台 (Al Jazeera), Chinese and the other languages."""

from __future__ import annotations

from aggregator.core.clean import CleanRules
from aggregator.core.extract import PageRules
from aggregator.core.identity import UrlRule
from aggregator.sources.family import Family
from aggregator.sources.images import SIZES

ALJAZEERA = Family(
    name="aljazeera",
    feed_hosts=("aljazeera.net", "aljazeera.com"),
    page_hosts=("aljazeera.net", "aljazeera.com"),
    # for phones
    url_rules=(UrlRule(r"^(https://\w+\.aljazeera\.(?:net|com))/amp/(.+)$", r"\1/\2"),),
    own_names=("Aljazeera 半岛网", "半岛网", "半岛电视台", "Al Jazeera"),
    # one image in many sizes is told by its query, which every source's rules know
    clean=CleanRules(image_sizes=SIZES),
    page=PageRules(containers=("div.wysiwyg",)),
)
