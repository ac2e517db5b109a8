"""What moves by itself in a text: dates of its publication, its editors, how often it was read.

A line counts for this only as a whole, and a line is what stands between two tags (but for those
inside a sentence, as `<b>`) or two line ends. So a date or a figure in a sentence is never meant.
"""

from __future__ import annotations

import html
import re

from aggregator.core.text import letters

_TAG = re.compile(r"<[^<>]*>")
_INSIDE_TEXT = re.compile(r"</?(?:b|strong|i|em|u|mark|font|sub|sup)\b[^<>]*>|<!--[^<>]*-->", re.I)
"""What does not part a text; a number that it stresses is part of what the text says."""
_GAP = r"[ \t\u3000\xa0]*+"

# --- by itself on its line -----------------------------------------------------------------------

_AGO = (
    rf"(?:刚刚|剛剛|just now|(?:\d{{1,4}}|an?|半){_GAP}[个個]?"
    r"(?:[秒分]|小[时時]|钟头|[天日周週月年]|(?:sec|second|min|minute|hr|hour|day|week|month|year)s?)"
    rf"[钟鐘]?{_GAP}(?:之?前|ago))"
)
_MOMENT = re.compile(
    rf"^{_GAP}(?:{_AGO}|(?:今天|今日|昨天|昨日|前天|today|yesterday)?,?{_GAP}"
    rf"(?:\d{{1,2}}[-/.月]\d{{1,2}}日?)?{_GAP}(?:\d{{1,2}}[:：]\d\d)?){_GAP}$",
    re.I | re.M,
)
_NUMBER = rf"(?:\d+(?:,\d{{3}})*|\d+(?:\.\d+)?{_GAP}[万萬wk])\+?"
_COUNT = re.compile(
    rf"^{_GAP}{_NUMBER}{_GAP}[条條次个個人]?{_GAP}"
    r"(?:[阅閱][读讀]?|浏览|瀏覽|点击|[评評][论論]?|跟[帖贴貼]|留言|[点點]?[赞讚]"
    rf"|(?:view|read|comment|like)s?)?{_GAP}$",
    re.I | re.M,
)
_SHORT = 300
"""Letters; in a longer text a number on its own is part of what it says, as in a table."""

# --- with its name before it ---------------------------------------------------------------------

_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?"
_DATE = (
    r"(?:(?:\d{4}[-/.年])?\d{1,2}[-/.月]\d{1,2}日?"
    rf"|\d{{1,2}}(?:st|nd|rd|th)? {_MONTH},? \d{{4}}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})"
)
_TIME = (
    r"\d{1,2}[:：]\d\d(?:[:：]\d\d)?(?:\.\d{1,6})?(?: ?[ap]\.?m\.?)?"
    r"(?: ?(?:z|gmt|utc|[ecmp][sd]?t|[+-]\d\d:?\d\d))?"
)
_DATED = rf"{_DATE}(?:(?:,| at|t)?{_GAP}{_TIME})?"
_WHEN = (
    r"(?:(?:最[后後近新]|本文|文章)?(?:更新|发[布表]|發[布表]|修改|刊登)(?:时间|時間|日期|[于於])?"
    r"|(?:last |first )?(?:updated|modified|published|posted)(?: (?:on|at))?)"
)
_COUNTER = (
    r"(?:[阅閱][读讀]|浏览|瀏覽|点击|點擊|[评評][论論]|跟[帖贴貼]|留言|[点點][赞讚]|收藏|转发|轉發|分享)"
    r"(?:次数|次數|[数數量])?|(?:view|read|comment|like|share)s?"
)
_EDITOR = (
    "(?:责任|責任|值班|实习|實習|本文|网络|網絡)?"
    "(?:编辑|編輯|编审|編審|责编|責編|校对|校對|审核|審核)"
)
_ITEM = (
    r"[(（\[【]?(?:"
    rf"{_WHEN}{_GAP}[:：]?\s{{0,4}}+(?:{_DATED}|{_TIME}|{_AGO})"
    rf"|{_DATE}(?:,| at|t)?{_GAP}{_TIME}{_GAP}(?:更新|发[布表]|發[布表])?"
    rf"|(?:{_COUNTER}){_GAP}[:：(（]?\s{{0,4}}+{_NUMBER}{_GAP}[条條次个個人]?[)）]?"
    rf"|{_EDITOR}{_GAP}[:：]\s{{0,4}}+[\w·、]{{1,20}}(?: [\w·、]{{1,20}})?"
    r")[)）\]】]?"
)
_SOURCE = rf"(?:文章|稿件)?(?:[来來]源|稿源|作者|source){_GAP}[:：][^\n。]{{1,40}}?"
_NAMED = re.compile(
    # most lines are sentences: the first look is for a line that is none
    rf"^(?=[^\n。，]{{2,120}}$){_GAP}({_SOURCE})?"
    rf"(?:[ \t\u3000\xa0|｜·]{{0,6}}+{_ITEM}){{1,6}}{_GAP}$",
    re.I | re.M,
)


def lasting_text(html_text: str) -> str:
    """The text of some HTML, a line for what stands between tags, without what moves by itself.

    Of a line that names its source before the date the source stays. A bare number counts only in
    a text of fewer than 300 letters, such as a card scraped from a list.
    """
    text = html.unescape(_TAG.sub("\n", _INSIDE_TEXT.sub(" ", html_text)))
    text = _NAMED.sub(r"\1", _MOMENT.sub("", text))
    return _COUNT.sub("", text) if len(letters(text)) < _SHORT else text
