"""The program's own words in Chinese, as the pages say them.

What the rest of the program says in a few English words (why a poll is due, whether a body is
whole) has fixed forms, each translated here. A form that is not known gives "", and the page
shows the English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from aggregator.core.faults import fault_of, http_status
from aggregator.core.feed_state import Address

FIELDS: Mapping[str, str] = {
    "title": "标题",
    "lead": "导语",
    "body": "正文",
    "author": "作者",
    "category": "分类",
    "outlet": "媒体",
    "feed": "来源",
    "lang": "语言",
    "url": "网址",
    "after": "日期",
    "before": "日期",
    "date": "日期",
}
STATUSES: Mapping[str, str] = {
    "": "尚未轮询",
    "new": "有新条目",
    "nothing_new": "无新条目",
    "not_modified": "无变化",
    "dns": "域名解析失败",
    "connect": "连接失败",
    "tls": "证书或加密错误",
    "timeout": "超时",
    "http_status": "服务器报错",
    "too_large": "内容过大",
    "redirect": "重定向错误",
    "protocol": "协议错误",
    "blocked_address": "地址被禁止",
    "robots": "robots.txt 不允许",
    "held": "对方要求暂停",
    "not_a_feed": "不是 feed",
    "worker": "解析失败",
    "quarantine": "已搁置",
    "workers": "没有可用的解析进程",
    "busy": "排队等候",
    "bug": "程序错误",
    "behind": "落后于其他地址",
    "gone": "已失效",
}
DATE_ORIGINS: Mapping[str, str] = {
    "feed": "来源给出的日期",
    "body": "正文里写的日期",
    "page": "原文网页上的日期",
    "seen": "没有可信的日期，以首次见到的时间为准",
}
ADVICE: Mapping[str, str] = {
    "dns": "核对 url 里的域名，并检查本机的 DNS。",
    "connect": "网站可能暂时停机，也可能被本机的防火墙或代理挡住；在本机上打开这个网址试试。",
    "tls": "先检查本机时钟；时钟没错的话，要等网站更新证书。",
    "timeout": "会自动重试；如果网站一向很慢，调高 [fetch] timeout。",
    "http_401": "网站要求密码：把用户名和密码写进 url，或换用带密钥的私有地址。",
    "http_403": "网站不让本程序读取：填好 [fetch] contact，联系网站，或在 urls 里加一个镜像。",
    "http_404": "feed 可能搬家了：用 aggregator discover 找到新地址，改掉 url。",
    "http_410": "已永久失效：从配置里删掉它，或换一个地址。",
    "http_429": "请求得太频繁：把这个来源的 interval 调长。",
    "http_5xx": "是对方服务器的故障：等它恢复，或在 urls 里加一个镜像。",
    "http_status": "服务器拒绝了请求：用浏览器打开这个网址看看原因。",
    "too_large": "如果内容确实有这么大，调高 [fetch] max_bytes。",
    "not_a_feed": "这个网址上已经没有 feed：用 aggregator discover 重新找。",
    "blocked_address": "这是内网地址；如果是你自己的，把它写进 [fetch] allow_private。",
    "robots": "网站的 robots.txt 不允许读取：联系网站，或换一个地址。",
    "held": "对方要求暂停请求，到时间会自动再试，不用处理。",
    "redirect": "用浏览器打开这个网址，把最后到达的地址写进配置。",
    "protocol": "核对 url；如果没有写错，就是对方的回答有毛病：等它恢复，或在 urls 里加一个镜像。",
    "quarantine": "不用处理：它两次拖垮解析进程，在内容变化之前不再解析；请报告这个来源。",
    "workers": "解析进程启动不了：请看日志，并检查本机是否还有内存和进程数。",
    "busy": "不用处理：正在先向同一主机请求别的内容，轮到时会自动请求。",
    "worker": "解析它用了太多时间或内存；如果一直这样，请报告这个来源。",
    "bug": "是本程序的错误：详情已记入日志，请报告。",
    "behind": "不用处理：先用下一个地址，过些时候会再试这一个。",
}
"""By fault (core/faults.py), what to do about it."""

UNKNOWN_FAULT_ADVICE = "详情请看日志。"

SET_ASIDE: Mapping[str, tuple[str, str]] = {
    "feed": ("整个 feed", "内容一变就重新解析；请报告这个来源。"),
    "changing": ("整个 feed，不论内容", "每次内容都不同：每天只试着解析一次；请报告这个来源。"),
    "text": ("一篇文章在来源里的正文", "文章会缺少这部分内容，直到来源更改它；请报告这个来源。"),
    "page": ("一篇文章的原文网页", "文章只有来源给出的内容，直到来源更改它；请报告这个网页。"),
}
"""What is set aside (store/quarantine.py), and what to do about it."""


def status_words(status: str) -> str:
    """A poll's outcome, or an error's kind."""
    return STATUSES.get(status, status)


def error_words(kind: str, error: str) -> str:
    """An error by its kind, with the HTTP status if there is one: `服务器报错 503`."""
    status = http_status(error) if kind == "http_status" else ""
    return f"{status_words(kind)} {status}".rstrip()


def advice(kind: str, error: str) -> str:
    """What to do about an error of a feed or of one of its addresses."""
    return ADVICE.get(fault_of(kind, error), UNKNOWN_FAULT_ADVICE)


def address_words(address: Address) -> str:
    """The state of one of a feed's addresses."""
    if not address.status:
        return "正常" if address.asked_at else "尚未使用"
    if address.status in ("behind", "gone", "held"):
        return STATUSES[address.status]
    return f"出错：{error_words(address.status, address.error)}"


def push_words(progress: str) -> str:
    """How far a subscription with a feed's hub is."""
    return _PUSH_STATES.get(progress, progress)


def due_words(because: str) -> str:
    """Why a feed's next poll is when it is; "" if not all of it is known here."""
    parts = [_translated(part, _DUE) for part in because.split(", ")]
    return "，".join(parts) if all(parts) else ""


def verdict_words(reason: str) -> str:
    """Why a body was taken for the whole text or for a part of it; "" if it is not known here."""
    return _translated(reason, _VERDICTS)


_PUSH_STATES = {
    "wanted": "还没有订阅：[server] public_url 要填推送服务器访问得到的地址",
    "refused": "订阅没有成功，以后再试",
    "asked": "已请求订阅，等对方确认",
    "verified": "已订阅",
    "denied": "对方拒绝了订阅",
    "leaving": "正在退订",
}

_Words = Callable[[re.Match[str]], str]
_Form = tuple[re.Pattern[str], _Words]

_UNITS = {
    "s": "秒",
    "min": "分钟",
    "h": "小时",
    "hours": "小时",
    "day": "天",
    "days": "天",
    "week": "周",
    "weeks": "周",
    "month": "月",
}
_PERIODS = {
    "hourly": "每小时",
    "daily": "每天",
    "weekly": "每周",
    "monthly": "每月",
    "yearly": "每年",
}


def _translated(text: str, forms: Sequence[_Form]) -> str:
    for pattern, words in forms:
        if found := pattern.fullmatch(text):
            return words(found)
    return ""


def _form(pattern: str, words: str | _Words) -> _Form:
    """A pattern with what it becomes: `{1}` in a text is its first group."""
    if isinstance(words, str):
        return re.compile(pattern, re.S), lambda found: words.format(found[0], *found.groups())
    return re.compile(pattern, re.S), words


_SPAN = r"(\d+) (s|min|h|hours|days|weeks)"


def _with_span(words: str) -> _Words:
    """Words with a span of time, of which the pattern's groups are the number and the unit."""
    return lambda found: words.format(f"{found[1]} {_UNITS[found[2]]}")


_DUE: Sequence[_Form] = (
    _form(r"its address is new", "地址刚改过"),
    _form(r"failure (\d+) in a row", "连续第 {1} 次失败"),
    _form(r"(\d+)(?:st|nd|rd|th) failure in a row", "连续第 {1} 次失败"),
    _form(r"Retry-After", "对方要求到那时再来"),
    _form(r"gone for good \(410\)", "已永久失效"),
    _form(rf"you asked for {_SPAN}", _with_span("按配置每 {}一次")),
    _form(rf"interval_min is {_SPAN}", _with_span("最短间隔是 {}")),
    _form(rf"interval_max is {_SPAN}", _with_span("最长间隔是 {}")),
    _form(rf"fresh for {_SPAN} by its server", _with_span("服务器说内容 {}内不会变")),
    _form(r"ttl (\d+)", "来源声明的 ttl 是 {1} 分钟"),
    _form(
        r"updatePeriod (hourly|daily|weekly|monthly|yearly)(?: (\d+) times)?",
        lambda found: f"来源声明{_PERIODS[found[1]]}更新 {found[2] or 1} 次",
    ),
    _form(
        r"about (\d+) (?:entry|entries) a (day|week|month)",
        lambda found: f"平均每{_UNITS[found[2]]}约 {found[1]} 条",
    ),
    _form(rf"quiet for {_SPAN}", _with_span("已有 {}没有新条目")),
    _form(r"no hints", "来源没有说明更新频率"),
    _form(r"an hour at least", "至少隔一小时"),
    _form(r"no validators", "每次都要下载全部内容，所以每天一次"),
    _form(r"pushes arrive", "有推送，轮询只是补充"),
    _form(r"a push announced something", "推送说有新内容"),
    _form(r"(skipHours|skipDays)", "避开来源声明的 {1}"),
)
_VERDICTS: Sequence[_Form] = (
    _form(r"the settings say the whole text is on the page", "按配置，全文在原文网页上"),
    _form(r"the settings say the whole text is in the feed", "按配置，全文在来源里"),
    _form(r"the feed gives no text", "来源没有给出正文"),
    _form(r"the text is cut off: (.*)", "文末被截断：“{1}”"),
    _form(r"the text ends with a link to more: (.*)", "文末是“阅读全文”一类的链接：“{1}”"),
    _form(r"(\d+) of (\d+) bodies of the feed were whole", "这个来源的 {2} 篇里有 {1} 篇完整"),
    _form(r"(\d+) of (\d+) bodies of the feed were cut", "这个来源的 {2} 篇里有 {1} 篇是节选"),
    _form(r"only (\d+) letters", "只有 {1} 个字符"),
    _form(r"(\d+) letters that trail off", "只有 {1} 个字符，以省略号结尾"),
    _form(r"one paragraph of (\d+) letters", "只有一段，{1} 个字符"),
    _form(r"(\d+) letters in 1 blocks", "一段，{1} 个字符"),
    _form(r"(\d+) letters in (\d+) blocks", "{2} 段，{1} 个字符"),
)
