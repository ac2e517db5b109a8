"""A page that stands where the article should: `wall` says which kind, by what it says.

Servers send them with status 200: captchas, "page not found", logins, cookie walls. A wall has
little text, and its title, a heading or a sentence of it says what it is. An article may speak of
captchas too, but its title says more than that, and it has more to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from aggregator.core.layout import letters

SENTENCE_SAYS = 450
"""Bytes of UTF-8 letters (150 Chinese ones): up to here a sentence may say that it is a wall."""

TITLE_SAYS = 2400
"""The same for a title that says nothing else."""

SENTENCE_LIMIT = 200
"""Characters; of a longer sentence the beginning is read."""

NO_PAGE = "it says there is no such page"
HUMAN = "it asks for proof of a human"
REFUSED = "it refuses access"
LOGIN = "it asks for a login"
COOKIES = "it asks about cookies first"
JAVASCRIPT = "it wants a browser with JavaScript"

_TITLES = {
    NO_PAGE: (
        r"(?:error|错误|錯誤)?\s*(?:404|410)(?:\s*(?:error|gone|页面|错误|not found.*))?"
        r"|(?:the |this )?(?:page|file|article|story|url)(?: was| is| could)? "
        r"(?:not|no longer) (?:be )?(?:found|exists?|available)|not found|page introuvable"
        r"|(?:die )?seite (?:wurde )?nicht gefunden|p[áa]gina (?:no|não) encontrada"
        r"|страница не найдена|ページが見つかりません|페이지를 찾을 수 없습니다|الصفحة غير موجودة"
        r"|(?:您?访问的|您?要找的|该|此|本)?(?:页面|网页|頁面|網頁|文章|内容|內容|帖子|稿件)"
        r"(?:不存在|没有找到|未找到|找不到|已?(?:被)?(?:删除|刪除|下线|撤销)).{0,6}"
    ),
    HUMAN: (
        r"(?:re)?captcha|are you (?:a )?(?:human|robot)\??"
        r"|(?:human|security) (?:check|verification)"
        r"|robot check|bot (?:check|protection)|verify(?:ing)?(?: that)? you are (?:a )?human"
        r"|just a moment(?:\.\.\.|…)?|attention required!?|one more step|pardon our interruption"
        r"|checking your browser.*|ddos.guard"
        r"|(?:百度|请|用户|请完成)?(?:验证码|驗證碼|安全验证|安全驗證|人机验证|滑动验证|访问验证)"
    ),
    REFUSED: (
        r"(?:error\s*)?(?:40[013]|429|451|50[0-4])\s*(?:(?:error|forbidden|unauthori[sz]ed"
        r"|bad (?:request|gateway)|too many|internal|service|gateway).*)?|access denied|forbidden"
        r"|unauthori[sz]ed|request (?:rejected|blocked)|too many requests|you have been blocked"
        r"|(?:service )?(?:temporarily )?unavailable|accès refusé|zugriff verweigert"
        r"|acceso denegado|acesso negado|доступ запрещ[её]н"
        r"|访问被拒绝|拒绝访问|禁止访问|无权访问|访问(?:过于|太)?频繁|访问受限|存取被拒"
    ),
    LOGIN: (
        r"(?:user |member )?(?:log|sign) ?in|se connecter|connexion|anmelden|iniciar sesi[óo]n"
        r"|вход|войти|(?:用户|用戶|会员|會員|请先)?(?:登录|登入|登陆|登錄)"
    ),
    COOKIES: (
        r"before you continue(?: to .*)?|cookie (?:consent|policy|settings|preferences)"
        r"|(?:we )?value your privacy|your privacy (?:choices|matters)"
    ),
    JAVASCRIPT: r"(?:please )?enable javascript|javascript (?:is )?(?:disabled|required)",
}
"""What stands as a title or as the part of one, beside the site's name."""

_SENTENCES = {
    NO_PAGE: (
        r"\b(?:page|article|story|url) (?:you .{0,40})?(?:was |is |could |does |can)?"
        r"(?:not|no longer) (?:be )?(?:found|exist|available)\b"
        r"|la página no existe|n'existe (?:pas|plus)"
        r"|(?:页面|网页|頁面|網頁|文章|内容|內容|帖子|稿件).{0,4}(?:不存在|没有找到|未找到|找不到"
        r"|已(?:被|经)?(?:删除|刪除|下线|撤销))|(?:找不到|没有找到).{0,8}(?:页面|网页|頁面|網頁)"
    ),
    HUMAN: (
        r"\bcaptcha\b|(?:verify|confirm|prove)(?: that)? you(?:'re| are) (?:not )?(?:a )?"
        r"(?:human|robot)|complet\w+ (?:the|a) (?:security )?(?:check|verification)"
        r"|checking your browser|(?:输入|填写|完成|輸入|滑动|拖动|点击).{0,12}(?:验证|驗證)"
    ),
    REFUSED: (
        r"you (?:have been|are) blocked|(?:don.t|do not) have permission to (?:access|view)"
        r"|(?:unavailable|not available) in your (?:country|region|location)"
        r"|(?:您|你)的(?:访问|請求|请求|操作)(?:过于|太)频繁|(?:您|你)(?:无权|没有权限)"
    ),
    LOGIN: (
        r"\b(?:please |must |need to )(?:log|sign) ?in\b"
        r"|(?:log|sign) ?in (?:or \w+ )?to (?:continue|read)"
        r"|(?:subscribe|register) to (?:continue|read)"
        r"|(?:请|請)(?:先|您|你)*(?:登录|登入|登陆|登錄)"
        r"|(?:登录|登入|登陆|登錄)后.{0,8}(?:浏览|阅读|查看)"
    ),
    COOKIES: (
        r"\bwe (?:and our partners )?use cookies|we value your privacy|accept (?:all )?cookies"
        r"|utilise des cookies|verwendet? cookies|usamos cookies|utilizamos cookies"
        r"|(?:本站|我们|我們|网站|網站)使用.{0,6}cookies?"
    ),
    JAVASCRIPT: (
        r"(?:enable|turn on|activate|requires?) (?:your browser.s )?javascript|activer javascript"
        r"|javascript (?:is |must be |to be )(?:disabled|enabled)|aktivieren sie javascript"
        r"|(?:启用|開啟|开启|啟用|打开).{0,6}javascript"
    ),
}
"""What stands in a sentence of a page that has few."""

_TITLE_SIGNS = {reason: re.compile(pattern, re.I) for reason, pattern in _TITLES.items()}
_SENTENCE_SIGNS = {reason: re.compile(pattern, re.I) for reason, pattern in _SENTENCES.items()}
_PARTS = re.compile(r"\s+[-–—·•|]\s+|[|_｜]|：")
_ENDS = re.compile(r"[\n.!?。！？]+")


def wall(titles: Iterable[str], text: str) -> str:
    """Takes a page's title and headings, and the text that would be its article.

    Gives what kind of wall it is, in words; "" for none.
    """
    size = len(letters(text).encode())
    if size > TITLE_SAYS:
        return ""
    for title in titles:
        for part in _PARTS.split(" ".join(title.split())):
            for reason, sign in _TITLE_SIGNS.items():
                if sign.fullmatch(part.strip(" .!。！")):
                    return reason
    if size > SENTENCE_SAYS:
        return ""
    for sentence in _ENDS.split(text):
        line = " ".join(sentence.split())[:SENTENCE_LIMIT]
        for reason, sign in _SENTENCE_SIGNS.items():
            if sign.search(line):
                return reason
    return ""
