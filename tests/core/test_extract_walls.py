"""Pages that stand where the article should, and articles that only speak of such things."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from aggregator.core.extract import extract
from aggregator.core.wall import wall
from aggregator.errors import ExtractError
from tests.conftest import SHARED

URL = "https://news.example.org/a/1.html"
CAPTURED = sorted((SHARED / "captures" / "pages").glob("**/*.html*"))

MENU = "".join(f'<li><a href="/c/{n}">频道 {n}</a></li>' for n in range(30))

WALLS = [
    ("Just a moment...", "Checking your browser before you continue to the site.", "human"),
    ("Attention Required! | Cloudflare", "Sorry, you have been blocked", "human"),
    ("百度安全验证", "请完成下方验证后继续操作", "human"),
    ("某网", "您的访问出现异常，请输入验证码后继续浏览本网站的内容。", "human"),
    ("Robot check", "Type the characters you see in this image to go on shopping.", "human"),
    ("404 Not Found", "nginx", "no such page"),
    ("页面不存在 - 某某网", "您访问的页面不存在或已被删除，五秒后返回首页。", "no such page"),
    ("Page not found | The Daily", "It may have moved, or never have been here.", "no such page"),
    (
        "某报",
        "抱歉，您要访问的文章已被删除。去首页看看别的新闻吧，那里还有更多。",
        "no such page",
    ),
    ("Página no encontrada", "Lo sentimos, la página no existe en este sitio.", "no such page"),
    ("Страница не найдена", "Возможно, она была удалена или перенесена.", "no such page"),
    ("Seite nicht gefunden", "Die Seite ist umgezogen oder gelöscht worden.", "no such page"),
    ("الصفحة غير موجودة", "ربما حذفت هذه الصفحة أو نقلت إلى مكان آخر", "no such page"),
    ("Access Denied", "You don't have permission to access this page on the server.", "refuses"),
    ("403 Forbidden", "openresty", "refuses"),
    ("某站", "您的访问过于频繁，请稍后再试，谢谢您的理解与配合。", "refuses"),
    ("用户登录", "账号 密码 记住我 忘记密码 立即注册 第三方账号", "login"),
    ("The Paper", "Please log in to continue reading this article today.", "login"),
    ("某论坛", "您需要登录后才可以浏览，请先登录或注册新的账号，谢谢合作。", "login"),
    ("Before you continue", "We and our partners store information on a device.", "cookies"),
    ("The Site", "We value your privacy. We and our partners use technology.", "cookies"),
    ("Le Site", "Ce site utilise des cookies pour améliorer votre visite.", "cookies"),
    ("App", "You need to enable JavaScript to run this app in the browser.", "JavaScript"),
]


@pytest.mark.parametrize(("title", "text", "kind"), WALLS, ids=lambda value: str(value)[:20])
def test_a_wall_is_recognised_and_said_which(title: str, text: str, kind: str) -> None:
    page = (
        f"<html><head><title>{title}</title></head><body><ul>{MENU}</ul>"
        f"<div><h1>{title}</h1><p>{text}</p></div></body></html>"
    )
    with pytest.raises(ExtractError) as raised:
        extract(page.encode(), {"content-type": "text/html"}, URL)
    assert kind in raised.value.what
    assert raised.value.where == URL
    assert raised.value.hint


def test_an_article_about_walls_is_an_article() -> None:
    text = "<p>如今验证码无处不在，请登录后查看成了常态，页面不存在的提示也越来越多见。</p>" * 30
    page = f"<html><title>验证码为什么越来越难</title><body><h1>404</h1><div>{text}</div></body>"
    assert "无处不在" in extract(page.encode(), {}, URL).body


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("快讯：央行开展逆回购操作", "中国央行周一进行100亿元逆回购操作，中标利率持平。"),
        ("404房间里的秘密与往事", "酒店周一重新开放了那个房间。"),
        ("验证码骗局再现，警方提醒", "警方说，短信验证码不可告诉他人，近日已有多人受骗。"),
        ("410 dead after the floods", "The rivers rose overnight, the governor said on Monday."),
        ("500 arrested at the march", "Police used water cannon in the centre of the city."),
        ("Access to Gaza crossing blocked", "Lorries waited at the border, drivers said."),
        ("New security check at airports", "Queues were short on the first day, passengers said."),
        ("手稿", "Police found the missing page of the manuscript. It could not be sold."),
        ("首页", "登录 注册 返回首页"),
    ],
)
def test_a_short_report_is_no_wall(title: str, text: str) -> None:
    assert wall([title, title + " - 某报"], text) == ""


@pytest.mark.parametrize("file", CAPTURED, ids=lambda file: str(file.relative_to(SHARED))[-40:])
def test_no_captured_page_is_taken_for_a_wall(file: Path) -> None:
    page = file.read_bytes()
    try:
        extract(gzip.decompress(page) if file.suffix == ".gz" else page, {}, URL)
    except ExtractError as error:
        # one is a frame without its text
        assert error.what == "no article found on the page"  # noqa: PT017
        assert file.name == "other_1.html"
