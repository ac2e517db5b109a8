"""观察者网 (guancha.cn): one article at many addresses, pages that stop at a fold."""

from __future__ import annotations

from aggregator.core.clean import CleanRules
from aggregator.core.extract import PageRules
from aggregator.core.identity import UrlRule
from aggregator.sources.family import Family

GUANCHA = Family(
    name="guancha",
    feed_hosts=("guancha.cn",),
    page_hosts=("guancha.cn",),
    own_names=("观察者网",),
    url_rules=(
        # the page in parts, and as a whole: x_2.shtml, x_s.shtml
        UrlRule(
            r"^https?://(?:www\.|m\.)?guancha\.cn/+(?P<section>[\w-]+)/"
            r"(?P<article>\d{4}_\d\d_\d\d_\d+)(?:_(?:s|\d{1,2}))?\.shtml(?:\?.*)?$",
            r"https://www.guancha.cn/\g<section>/\g<article>.shtml",
        ),
        # 风闻
        UrlRule(
            r"^https?://user\.guancha\.cn/(?:main/content|wap/content)\?(?:.*&)?id=(\d+)(?:&.*)?$",
            r"https://user.guancha.cn/main/content?id=\1",
        ),
    ),
    whole_urls=(
        UrlRule(
            r"^(https?://(?:www|m)\.guancha\.cn/+[\w-]+/\d{4}_\d\d_\d\d_\d+)(?:_\d{1,2})?\.shtml",
            r"\1_s.shtml",
        ),
        UrlRule(
            r"^(https?://user\.guancha\.cn/(?:main|wap)/content\?(?!.*\bpage=)[^#]*)",
            r"\1&page=0",
        ),
    ),
    timezone="Asia/Shanghai",
    # routes of RSSHub have sent Beijing's clock as GMT
    mislabelled="Asia/Shanghai",
    clean=CleanRules(
        drop=(
            # 风闻: whose page it is, and the title once more
            "div.user-box",
            "div.article-content > h1",
            "img[src*='/images/show-more']",
        ),
        drop_text=(
            r"点击展开全文",
            r"打开观察者APP，获得更好阅读体验",
            r"本文系观察者网独家稿件，未经授权，不得转载。?[\s\S]*",
            r"(?:\w{1,12}\s+)?举报",
        ),
        header=(r"(?P<date>\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?)",),
    ),
    page=PageRules(
        containers=("div.all-txt", "div.article-txt-content"),
        whole_link=(r"余下全文", r"展开全文"),
        timezone="Asia/Shanghai",
    ),
)
