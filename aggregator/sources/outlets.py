"""Outlets by the sites of their articles: what their texts bring along, by whichever feed.

Seen in mirrors of 2020 and 2021, which carry their markup unchanged.
"""

from __future__ import annotations

from aggregator.core.clean import CleanRules
from aggregator.core.clean_rules import Scramble
from aggregator.core.extract import PageRules
from aggregator.core.identity import UrlRule
from aggregator.core.titles import TitleRules
from aggregator.sources.family import Family

EDITORS = r"[^。！？\n]{0,80}责编[^。！？]{0,100}"
"""A line of reporter and editors; also in what others reprint."""

RELATED = r"(?:延伸阅读|相关阅读)[：:]?[^\n]{0,80}"

RFI = Family(
    name="rfi",
    page_hosts=("rfi.fr",),
    url_rules=(UrlRule(r"^https://amp\.rfi\.fr/", "https://www.rfi.fr/"),),
    own_names=("法广", "RFI", "法国国际广播电台"),
    titles=TitleRules(drop=(r"\s*[–-]\s*法国国际广播电台\s*-\s*RFI\s*$",)),
    clean=CleanRules(
        drop=("div.m-interstitial", "div.o-self-promo"),
        drop_text=(r"©\s*\d{4}\s*AFP",),
    ),
    timezone="Europe/Paris",
)

REUTERS = Family(
    name="reuters",
    page_hosts=("reuters.com",),
    url_rules=(UrlRule(r"^https://cn\.mobile\.reuters\.com/", "https://cn.reuters.com/"),),
    own_names=("路透", "路透社", "Reuters"),
    clean=CleanRules(drop=("div.StandardArticleBody_trustBadgeContainer",)),
    timezone="UTC",
)

DW = Family(
    name="dw",
    page_hosts=("dw.com",),
    url_rules=(UrlRule(r"^https://amp\.dw\.com/", "https://www.dw.com/"),),
    own_names=("德国之声", "DW", "Deutsche Welle"),
    clean=CleanRules(
        # the same on every article: it makes unrelated ones look alike
        drop_text=(
            r"©\s*\d{4}\s*年?\s*德国之声版权声明：[\s\S]*",
            r"德国之声致力于为您提供客观中立的新闻报[道导][\s\S]*",
            RELATED,
            r"摘[编译]自其[他它]媒体[^\n]{0,30}不代表德国之声[^\n]{0,20}",
        ),
    ),
    timezone="UTC",
)

NYTIMES = Family(
    name="nytimes",
    page_hosts=("cn.nytimes.com", "nytimes.com"),
    url_rules=(UrlRule(r"^https://m\.cn\.nytimes\.com/", "https://cn.nytimes.com/"),),
    own_names=("纽约时报", "纽约时报中文网", "The New York Times"),
    clean=CleanRules(
        drop_text=(r"点击查看本文英文版。?", r"（欢迎点击此处订阅[^）]{0,200}）"),
    ),
    timezone="Asia/Shanghai",
)

BBC = Family(
    name="bbc",
    page_hosts=("bbc.com", "bbc.co.uk"),
    url_rules=(
        # home and abroad, and for phones
        UrlRule(
            r"^https://(?:www\.)?bbc\.co\.uk/(news|sport|zhongwen)/", r"https://www.bbc.com/\1/"
        ),
        UrlRule(r"^(https://www\.bbc\.com/(?:news|sport|zhongwen)/.+)\.amp$", r"\1"),
    ),
    own_names=("BBC", "BBC News 中文", "BBC中文网"),
    clean=CleanRules(
        drop=(
            # "Image caption", "图片版权", whose image it is
            "span.off-screen",
            "span.story-image-copyright",
            "div.bbccom_slot",
        ),
        drop_text=(
            r"(?:所有|全部)图片版权[^\n]{0,40}",
            r"(?:图片版权|图[像片]来源)[，,：:]?[^\n]{0,80}",
            r"图像加注文字[，,：:]?",
            r"使用浏览器播视频/view video in browser",
            r"告知[：:，,]\s*第三方内容可能包含广告",
            r"(?:结尾|跳过) ?(?:Youtube|Twitter|Facebook|Instagram) 帖子[^\n]{0,80}",
        ),
    ),
    timezone="UTC",
)

FT = Family(
    name="ft",
    page_hosts=("ftchinese.com", "cn.ft.com"),
    # in parts, as a whole, and beside the English
    url_rules=(
        UrlRule(
            r"^https://(?:(?:www\.|m\.)?ftchinese\.com|cn\.ft\.com)/story/(\d{9})(?:/[a-z]{2})?"
            r"(?:\?.*)?$",
            r"https://www.ftchinese.com/story/\1",
        ),
    ),
    whole_urls=(
        UrlRule(
            r"^(https?://(?:www\.ftchinese\.com|cn\.ft\.com)/story/\d{9})(?!.*\bfull=y)(?:\?.*)?$",
            r"\1?full=y",
        ),
    ),
    own_names=("金融时报", "FT中文网"),
    clean=CleanRules(
        drop=("div.o-ads", "div.mpu-container", "div.clearfloat"),
        drop_text=(
            # the editor's address; a note on the author may stand before it
            r"[（(]?[^\n]{0,300}(?:责编|责任编辑|本文编辑|编辑)[^\n]{0,40}"
            r"[\w.+-]+\s?@\s?(?i:ftchinese|ft)\.com[。.]?[)）]?",
        ),
    ),
    timezone="Asia/Shanghai",
)

RFA = Family(
    name="rfa",
    page_hosts=("rfa.org",),
    url_rules=(
        UrlRule(
            r"^(https://www\.rfa\.org/.+\.html)(?:/ampRFA)?(?:\?encoding=(?:simplified|traditional))?$",
            r"\1",
        ),
    ),
    own_names=("自由亚洲电台", "RFA"),
    clean=CleanRules(
        drop=("img[src*='/graphics/icon-zoom.']",),
        drop_text=(
            r"[（(]?(?:自由亚洲电台)?(?:特约)?记者\s*[：:]\s*(?P<author>[\w、]{2,12})\s+责编[\s\S]{0,120}",
            EDITORS,
        ),
    ),
)

RTI = Family(
    name="rti",
    page_hosts=("rti.org.tw",),
    own_names=("RTI 中央廣播電臺", "中央廣播電臺", "RTI"),
    # the day and a running number
    titles=TitleRules(drop=(r"\s+-\s+\d{6}-\d{1,3}\s*$",)),
    # its feed ends in "...more", also where a mirror carries it
    full_text="page",
)

ZAOBAO = Family(
    name="zaobao",
    page_hosts=("zaobao.com", "zaobao.com.sg"),
    url_rules=(
        UrlRule(r"^https://(?:www\.|m\.)?zaobao\.com(?:\.sg)?/", "https://www.zaobao.com/"),
    ),
    own_names=("联合早报", "早报"),
    clean=CleanRules(
        drop=(
            "section#imu",
            "div[id^='dfp-ad']",
            "div#innity-in-post",
            "div.further-reading",
            "section.further-reading",
        ),
        drop_text=(RELATED,),
        scrambled=(Scramble("data-s", junk=3),),
    ),
    timezone="Asia/Singapore",
)

CHINA_DIGITAL_TIMES = Family(
    name="chinadigitaltimes",
    page_hosts=("chinadigitaltimes.net",),
    own_names=("中国数字时代", "CDT"),
    titles=TitleRules(
        # 【its own shelf】 and the outlet before the bar; what begins with CDT or CDS is its own
        reprint=(
            r"(?:【[^】]{1,12}】\]?)?\s*(?P<outlet>(?!CD[TS])[^｜|【】]{2,20}?)\s*"
            r"(?:｜| \| )\s*(?P<title>.+)",
        )
    ),
    clean=CleanRules(
        drop_text=(
            r"Feed enhanced by Better Feed from\s+Ozh",
            r"(?:Permalink|Post tags:)[^\n]{0,400}",
            EDITORS,
        ),
        footer=(r"© .{1,60} for 中国数字时代",),
    ),
    page=PageRules(containers=("div.post-content",)),
)

THEPAPER = Family(
    name="thepaper",
    page_hosts=("thepaper.cn",),
    own_names=("澎湃新闻", "澎湃"),
    url_rules=(
        UrlRule(
            r"^https://(?:www\.|m\.)?thepaper\.cn/+"
            r"(?:(?:wap/resource/jsp/)?newsDetail_forward_|detail/)(\d+)(?:\?.*)?$",
            r"https://www.thepaper.cn/newsDetail_forward_\1",
        ),
    ),
    timezone="Asia/Shanghai",
)

JIEMIAN = Family(
    name="jiemian",
    page_hosts=("jiemian.com",),
    own_names=("界面新闻",),
    url_rules=(
        UrlRule(
            r"^https://(?:www\.|m\.)?jiemian\.com/article/(\d+)\.html(?:\?.*)?$",
            r"https://www.jiemian.com/article/\1.html",
        ),
    ),
    timezone="Asia/Shanghai",
)

OUTLETS: tuple[Family, ...] = (
    RFI, REUTERS, DW, NYTIMES, BBC, FT, RFA, RTI, ZAOBAO, CHINA_DIGITAL_TIMES, THEPAPER, JIEMIAN,
)  # fmt: skip
