"""Article pages of the newsroom: a seed's own text inside what surrounds an article on its site.

What surrounds it is made here, always the same and free of news: menus, lists of
links, readers' comments, scripts and styles. It is written to mislead: it has more
words than most articles, in whole sentences and in paragraphs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from html import escape
from urllib.parse import urlsplit

from aggregator.sources.archives import ArchivedPost

PAGE_BYTES = 100 * 1024
"""What a page weighs at least, as pages of these sites do."""

FOLD_AFTER = 7
"""Paragraphs of a Guancha article that stand on its first page."""

_PARAGRAPH = re.compile(r"<p\b[^>]*>.*?</p>", re.S)
_SECTIONS = (
    "国际", "时政", "经济", "社会", "科技", "文化", "体育", "观点", "视频", "图片", "专题", "直播",
)  # fmt: skip
_COLUMNS = (
    "编辑部手记", "往期回顾", "图集", "一周阅读", "读者来信", "节目表", "深度阅读", "听新闻",
)  # fmt: skip
_OPINIONS = (
    "这篇文章写得很清楚，读完以后对来龙去脉有了更多的了解，希望编辑部以后多做这样的梳理。",
    "说实话，我看了三遍才看懂，标题和正文的重点好像不是一回事，不过还是谢谢作者的整理。",
    "评论区里各说各的，吵来吵去也没有结果，不如先把原文读完，再来讨论谁对谁错。",
    "从历史上看，这种事情从来没有简单的答案，任何一方说自己全对，我都会先打一个问号。",
    "楼上说得有道理，但是我不同意你的结论，因为你只引用了对自己有利的那一半材料。",
    "建议网站增加夜间模式，晚上在手机上看字太亮了，眼睛受不了，另外广告也实在太多了。",
    "我在当地生活过几年，普通人的日子和新闻里写的很不一样，大家关心的首先是吃饭和安全。",
    "每次看到这类消息都很难过，希望和平早日到来，孩子们能够回到学校，老人能够安心看病。",
)


def paragraphs(html: str) -> list[str]:
    """The `<p>` elements of a seed's HTML, in order, as they stand in it."""
    return _PARAGRAPH.findall(html)


def aljazeera_page(post: ArchivedPost, others: Sequence[ArchivedPost], published: datetime) -> str:
    """The page of an Al Jazeera article: its body is `div.wysiwyg`."""
    day = f"{published.year}年{published.month}月{published.day}日"
    head = _head(post, "半岛电视台") + _structured_data(post, "半岛电视台", published)
    return _weighed(f"""<!doctype html>
<html lang="zh-CN"><head>{head}{_styles("arc")}</head>
<body class="theme-aje post-type-post">
<div id="root"><div class="app-container">
<a class="skip-link" href="#main-content-area">跳转到内容</a>
<header class="site-header"><div class="site-logo"><a href="/"><span class="screen-reader-text">\
半岛电视台中文网</span></a></div>{_menu("header-menu")}</header>
<main id="main-content-area"><div class="container__inner">
<nav class="breadcrumbs" aria-label="breadcrumb"><ul><li><a href="/">首页</a></li>\
<li><a href="/news">新闻</a></li></ul></nav>
<header class="article-header"><h1>{escape(post.title)}</h1></header>
<div class="article-info-block"><div class="date-simple"><span class="screen-reader-text">发布于 \
{day}</span><span aria-hidden="true">{day}</span></div>\
<div class="article__social-share"><span>分享</span><a href="#">脸书</a><a href="#">推特</a>\
<a href="#">复制链接</a></div></div>
<div class="wysiwyg wysiwyg--all-content css-ibbk12" aria-live="polite">
{_unwrapped(post.html)}
</div>
<div class="article-source"><span>来源</span>： <span>半岛电视台</span></div>
<aside class="article-related"><h2>相关文章</h2>{_links("more-on", others, 40)}</aside>
<section class="newsletter-signup"><h2>订阅新闻简报</h2><p>每个工作日的早晨，我们把编辑部挑选的文章\
发送到您的邮箱，您可以随时取消订阅，我们不会把您的地址告诉任何人。</p><form><input type="email">\
<button>订阅</button></form></section>
{_comments("conversation", 24)}
<aside class="trending"><h2>阅读最多</h2>{_links("trending-articles", others, 60)}</aside>
</div></main>
<footer class="site-footer">{_menu("footer-menu")}<p>© 半岛媒体网络 保留所有权利</p></footer>
</div></div>
{_cookie_banner("onetrust-banner-sdk")}
<script>window.__APOLLO_STATE__ = /*state*/;</script>
<script>{_script("arcAnalytics")}</script>
</body></html>
""")


def guancha_page(
    post: ArchivedPost, others: Sequence[ArchivedPost], published: datetime, *, folded: bool
) -> str:
    """The page of a Guancha article, in `div.content.all-txt`: all of it, or its first paragraphs
    and a link to all of it. `published` counts as Beijing time.
    """
    whole_path = urlsplit(post.url).path.replace(".shtml", "_s.shtml")
    number = whole_path.rsplit("_", 2)[-2]
    body = _unwrapped(post.html)
    pages = ""
    if folded:
        shown = list(_PARAGRAPH.finditer(body))[:FOLD_AFTER]
        body = body[: shown[-1].end()] if shown else body
        next_path = whole_path.replace("_s.shtml", "_2.shtml")
        pages = f"""<div class="fix" id="select_page"><div class="module-page module-page-right">
<span class="active">1</span><a href="{next_path}">2</a>\
<a class="next" onclick="javascript:location.href='{next_path}';">下一页</a>
<a class="last" href="{whole_path}" onclick="javascript:location.href='{whole_path}';">余下全文</a>
</div></div>"""
    return _weighed(f"""<!DOCTYPE html>
<html lang="zh-cmn-Hans"><head>{_head(post, "观察者网")}
<meta http-equiv="Cache-Control" content="no-siteapp">
<link rel="alternate" media="only screen and (max-width: 970px)" \
href="{post.url.replace("www.", "m.")}">{_styles("gc")}
<script>var _DOC_ID = "{number}", _AD_SWITCH = "1";</script></head>
<body>
<div class="header"><div class="header-content">{_menu("header-index")}</div></div>
<div class="main content-main"><ul class="two-coloum fix">
<li class="left left-main">
<h3>{escape(post.title)}</h3>
<div class="share"><span>分享到：</span><div class="share-box fl"><div class="share-block">\
<a class="sina-2"></a></div><div class="share-block"><a class="weixin-2"></a></div></div>\
<div class="other-box fr"><a class="collect" title="收藏本文"><i></i>\
<span id="count0">9</span></a></div></div>
<div class="time fix"><span>{published:%Y-%m-%d %H:%M:%S}</span><span>字号：\
<a class="ft-s">A-</a><a class="ft-zc">A</a><a class="ft-b">A+</a></span>\
<span>来源：观察者网</span></div>
<div class="content all-txt">
{body}
</div>
{pages}
<ul class="article-other"><li id="context_endf">请支持独立网站，转发请注明本文链接：\
<a href="{post.url}">{post.url}</a></li></ul>
<div class="img-special"><h4>专题</h4>{_links("resemble-art-black", others, 40)}</div>
{_comments("comment-list", 36)}
</li>
<li class="right fr"><div class="right-box"><h4>24小时最热</h4>\
{_links("hot-list", others, 60)}</div>
<div class="right-box"><h4>风闻·24小时最热</h4>{_links("fengwen-list", others, 30)}</div></li>
</ul></div>
<div class="footer">{_menu("footer-nav")}<p>观察者网版权所有，未经书面授权，不得转载使用。</p></div>
{_cookie_banner("gc-notice")}
<script>var _PAGE_STATE = /*state*/;</script>
<script>{_script("gcTongji")}</script>
</body></html>
""")


def voa_page(
    post: ArchivedPost, others: Sequence[ArchivedPost], published: datetime, caption: str
) -> str:
    """The page of a VOA article: its lead image, then its body in `div.wsw`.

    The HTML of `post` is a mirror's; of it, the paragraphs are the article's own.
    """
    head = _head(post, "美国之音") + _structured_data(post, "美国之音", published)
    figure = (
        f'<figure class="media-image js-media-expand"><div class="img-wrap">'
        f'<div class="thumb"><img src="{escape(post.image)}" alt="{escape(caption)}"></div></div>'
        f'<figcaption><span class="caption">{escape(caption)}</span></figcaption></figure>'
        if post.image
        else ""
    )
    return _weighed(f"""<!DOCTYPE html>
<html lang="zh" dir="ltr" class="no-js"><head>{head}{_styles("pg")}</head>
<body class="nav-no-loaded cc_theme pg-arti pg-article">
<div class="body-container"><div class="hdr"><div class="hdr__inner">{_menu("main-nav")}</div></div>
<div class="container"><div class="hdr-container"><div class="row">
<div class="category"><a href="/z/1746">新闻</a></div>
<h1 class="title pg-title">{escape(post.title)}</h1>
<div class="publishing-details"><div class="published"><span class="date">\
<time pubdate="pubdate" datetime="{published.isoformat()}">{published:%Y-%m-%d %H:%M}</time>\
</span></div></div>
<div class="col-multimedia">{figure}</div></div></div>
<div class="body-container"><div id="article-content" class="content-floated-wrap fb-quotable">
<div class="wsw">
{"".join(paragraphs(post.html))}
</div>
</div>
<div class="media-block-wrap"><h2 class="section-head">相关内容</h2>\
{_links("related", others, 40)}</div>
{_comments("comments", 24)}
<aside class="region"><h2 class="section-head">本类推荐</h2>\
{_links("media-block", others, 60)}</aside>
</div></div>
<footer>{_menu("ftr-nav")}<p>美国之音中文网 关注我们</p></footer></div>
{_cookie_banner("cookie-consent")}
<script>var initialState = /*state*/;</script>
<script>{_script("pangeaTags")}</script>
</body></html>
""")


def _unwrapped(html: str) -> str:
    # the archive put the article into one <div>, which is not the site's
    inner = html.removeprefix("<div>").removesuffix("</div>")
    return (inner if len(inner) == len(html) - len("<div></div>") else html).strip()


def _head(post: ArchivedPost, site: str) -> str:
    title, url, image = escape(post.title), escape(post.url), escape(post.image)
    return f"""<meta charset="utf-8"><title>{title} | {site}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="canonical" href="{url}"><meta property="og:type" content="article">
<meta property="og:title" content="{title}"><meta property="og:url" content="{url}">
<meta property="og:site_name" content="{site}"><meta property="og:image" content="{image}">
"""


def _structured_data(post: ArchivedPost, site: str, published: datetime) -> str:
    data = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "mainEntityOfPage": post.url,
        "headline": post.title,
        "datePublished": published.isoformat(),
        "publisher": {"@type": "Organization", "name": site},
    }
    return (
        f'<meta property="article:published_time" content="{published.isoformat()}">\n'
        f'<script type="application/ld+json">{_json(data)}</script>'
    )


def _menu(name: str) -> str:
    items = "".join(
        f'<li class="menu__item menu__item--{number}"><a href="/{name}/{number}">{section}</a></li>'
        for number, section in enumerate(_SECTIONS)
    )
    return f'<nav class="{name}"><ul class="menu">{items}</ul></nav>'


def _links(name: str, posts: Sequence[ArchivedPost], count: int) -> str:
    """A list of headlines: those of the site's other articles, then of its columns."""
    known = [
        f'<li class="{name}__item"><a href="{escape(post.url)}"><h3>{escape(post.title)}</h3></a>'
        f"<p>{escape(post.title)}。点击阅读全文，或者收藏本文以便稍后阅读。</p></li>"
        for post in posts
    ]
    columns = [
        f'<li class="{name}__item"><a href="/{name}/{number}"><h3>{_COLUMNS[number % 8]}：'
        f"{_SECTIONS[number % 12]}栏目第{number + 1}期，编辑和读者一起谈谈怎样读国际新闻</h3>"
        "</a></li>"
        for number in range(count - len(known))
    ]
    return f'<ul class="{name}">{"".join(known + columns)}</ul>'


def _comments(name: str, count: int) -> str:
    items = []
    for number in range(count):
        said = [_OPINIONS[(number + step) % len(_OPINIONS)] for step in range(1 + number % 3)]
        text = "".join(f"<p>{opinion}</p>" for opinion in said)
        items.append(
            f'<li class="{name}__item" id="{name}-{number}"><div class="user">网友{number + 1}楼'
            f'</div><div class="text">{text}</div><a class="reply">回复</a></li>'
        )
    return f'<section class="{name}"><h2>网友评论</h2><ol>{"".join(items)}</ol></section>'


def _cookie_banner(name: str) -> str:
    return (
        f'<div id="{name}" role="dialog"><h2>您的隐私选择</h2><p>我们和合作伙伴使用小型文本文件来'
        "保存您的设置、统计访问量并改进网站。您可以接受全部，也可以只接受必要的部分，并且随时可以"
        "更改您的选择。继续浏览本网站即表示您同意我们的隐私政策。</p><button>全部接受</button>"
        "<button>只接受必要的</button></div>"
    )


def _styles(prefix: str) -> str:
    rules = "".join(
        f".{prefix}-{number}{{margin:{number % 9}px {number % 7}px;color:#{number % 4096:03x}}}\n"
        for number in range(400)
    )
    return f"<style>{rules}</style>"


def _script(name: str) -> str:
    return "".join(
        f"(function(w){{w.{name}=w.{name}||[];w.{name}.push(['event{number}','view']);}})(window);\n"
        for number in range(60)
    )


def _weighed(page: str) -> str:
    """`page` with its script's state long enough to bring it to its weight."""
    missing = PAGE_BYTES - len(page.encode())
    modules: list[dict[str, str | int]] = []
    while len(_json(modules).encode()) < missing:
        start = len(modules)
        modules.extend(
            {"id": number, "module": f"{_SECTIONS[number % 12]}模块", "slot": f"slot-{number}"}
            for number in range(start, start + 20)
        )
    return page.replace("/*state*/", _json(modules))


def _json(data: object) -> str:
    # "</" would end the script element
    return json.dumps(data, ensure_ascii=False).replace("</", "<\\/")
