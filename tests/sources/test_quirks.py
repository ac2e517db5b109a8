"""What each outlet sends, in small samples of the form it sends it in, and what is made of it."""

from __future__ import annotations

from base64 import b32encode
from datetime import UTC, datetime

import pytest

from aggregator.core.clean import Cleaned, clean_body
from aggregator.core.dates import parse_date, read_date, truest
from aggregator.core.identity import canonical_url
from aggregator.core.model import FeedSpec
from aggregator.core.titles import ReadTitle, read_title
from aggregator.core.whole import judge_whole
from aggregator.sources import URL_RULES, Family, family_of_entry

MIRROR = FeedSpec("mirror", ("https://feedx.net/rss/x.xml",))

VOA = "https://www.voachinese.com/a/x/5507415.html"
RFI = "http://www.rfi.fr//cn/x"
REUTERS = "https://cn.reuters.com/article/x"
DW = "https://www.dw.com/zh/x/a-54238787"
NYT = "https://cn.nytimes.com/style/20200717/x/"
BBC = "http://www.bbc.com/zhongwen/simp/science-53458502"
FT = "https://cn.ft.com/story/001088600?full=y"
RFA = "https://www.rfa.org/mandarin/x.html"
RTI = "https://www.rti.org.tw/news/view/id/2072919"
CDT = "https://chinadigitaltimes.net/chinese/2020/07/x/"
ZAOBAO = "https://www.zaobao.com/realtime/china/story20200721-1070834"
GUANCHA = "https://m.guancha.cn//internation/2020_03_02_539370.shtml"


def family(url: str) -> Family:
    return family_of_entry(MIRROR, "", url)


def cleaned(body: str, url: str) -> Cleaned:
    return clean_body(body, url, family(url).clean)


@pytest.mark.parametrize(
    ("url", "line", "author", "moment"),
    [
        (VOA, "<div><i>Sat, 18 Jul 2020 00:44:23 GMT</i></div>", "", (18, 0, 44, 23)),
        (RFI, "<div>21/07/2020 - 00:05</div>", "", (20, 22, 5)),
        (RFI, "<div>07/08/2020 - 00:05</div>", "", (6, 22, 5)),
        (REUTERS, "<div><i>2020-07-17T08:12:36</i></div>", "", (17, 8, 12, 36)),
        (DW, "<div><i>张平<br>2020-07-20T06:59:17.635Z</i></div>", "张平", (20, 6, 59, 17, 635000)),
        (DW, "<div><i><br>2020-07-30T05:36:57.261Z</i></div>", "", (30, 5, 36, 57, 261000)),
        (NYT, "<div><i>A B,C D<br>2020-07-17 15:24:49</i></div>", "A B,C D", (17, 7, 24, 49)),
        (BBC, "<div><i>2020年 7月 18日</i></div>", "", (18,)),
        (BBC, "<div><time>19 分钟前</time></div>", "", (20, 11, 41)),
        (BBC, "<div><time>2 小时前</time></div>", "", (20, 10)),
        (FT, "<div>更新于2020年7月15日 06:30</div>", "", (14, 22, 30)),
        (GUANCHA, "<span class=time>\n 2020-03-02 11:03:58\n</span>", "", (2, 3, 3, 58)),
    ],
)
def test_the_first_line_is_read_and_dropped(
    url: str, line: str, author: str, moment: tuple[int, ...]
) -> None:
    read = cleaned(f"{line}<p>正文第一段。</p>", url)
    crawled = datetime(2020, 7, 20, 12, tzinfo=UTC)
    date = parse_date(read.published_text, family(url).timezone, crawled)
    month = 8 if "07/08" in line else 3 if "-03-" in line else 7
    assert date == datetime(2020, month, *moment, tzinfo=UTC)
    assert (read.author, read.html) == (author, "<p>正文第一段。</p>")


def test_the_date_inside_goes_before_the_hour_the_mirror_came_by() -> None:
    read = cleaned("<div>21/07/2020 - 00:05</div><p>正文。</p>", RFI)
    crawled = read_date("Tue, 21 Jul 2020 06:31:00 +0800", "UTC", "feed")
    inside = read_date(read.published_text, family(RFI).timezone, "body")
    assert crawled is not None
    assert inside is not None
    assert (
        truest((crawled, inside), datetime(2020, 7, 22, tzinfo=UTC), family(RFI).mirror) == inside
    )


@pytest.mark.parametrize(
    ("url", "note"),
    [
        (RFI, "<p class='t-copyright'>© 2020 AFP</p>"),
        (RFI, "<div class='m-interstitial'></div><div class='o-self-promo'>订阅</div>"),
        (REUTERS, "<div class='StandardArticleBody_trustBadgeContainer'>我们的标准：</div>"),
        (DW, "<p><em>© 2020年德国之声版权声明：本文所有内容受到着作权法保护。</em></p>"),
        (DW, "<p>延伸阅读:&nbsp;<a href='/a-1'>另一篇</a></p>"),
        (NYT, "<p><a href='http://www.nytimes.com/x'>点击查看本文英文版。</a></p>"),
        (BBC, "<span class='off-screen'>图片版权</span>"),
        (BBC, "<p>图像来源，GETTY IMAGES</p>"),
        (BBC, "<div id='bbccom_mpu_3' class='bbccom_slot mpu-ad'>广告</div>"),
        (FT, "<div class='o-ads' data-o-ads-name='mpu'>广告</div>"),
        (FT, "<p>（本文仅代表作者观点。责任编辑邮箱：Tao.feng@ftchinese.com）</p>"),
        (FT, "<p>本文编辑徐瑾 Jin.Xu@FTChinese.com</p>"),
        (RFA, "<p>自由亚洲电台记者黄春梅 台北报道 责编 许书婷 胡力汉\xa0 网编 瑞哲</p>"),
        (RFA, "<img src='https://www.rfa.org/rfa_resources/graphics/icon-zoom.png'>"),
        (CDT, "<hr><p><small>&copy; 老子 for <a href='/'>中国数字时代</a>, get_post_time('Y').<br>"
              "Post tags: 国安法</small></p><p>Feed enhanced by Better Feed from  Ozh</p>"),
        (ZAOBAO, "<section id=imu><div id='dfp-ad-imu1'>广告</div></section>"),
        (ZAOBAO, "<p>延伸阅读</p>"),
        (GUANCHA, "<p>点击展开全文</p><p>打开观察者APP，获得更好阅读体验</p>"),
        (VOA, "<br><hr><div>获取更多RSS：<br><a href='https://feedx.net'>https://feedx.net</a></div>"),
    ],
)  # fmt: skip
def test_what_is_no_part_of_the_article_goes(url: str, note: str) -> None:
    read = cleaned(f"<p>正文第一段。</p><p>第二段，责任由编者自负。</p>{note}", url)
    assert read.html == "<p>正文第一段。</p>\n<p>第二段，责任由编者自负。</p>"


def test_a_note_on_a_line_of_its_own_goes_and_the_lines_around_it_stay() -> None:
    body = "<p>作者简介。<br/>翻译：冬梅<br/><a href='http://x.org/'>点击查看本文英文版。</a></p>"
    assert cleaned(body, NYT).html == "<p>作者简介。<br>\n翻译：冬梅</p>"
    body = "<p><a href='http://x.org/'>点击查看本文英文版</a><br>翻译：<b>冬梅</b><br>完</p>"
    assert cleaned(body, NYT).html == "<p>翻译：<b>冬梅</b><br>\n完</p>"
    assert cleaned(body, NYT).text == "翻译：冬梅\n完"
    body = "<p>点击查看本文<i>英文版</i>。<br>翻译：冬梅</p>"
    assert cleaned(body, NYT).html == "<p>翻译：冬梅</p>"


def test_the_reporter_stays_known_when_the_editors_line_goes() -> None:
    read = cleaned("<p>正文。</p><p>记者：乔龙  责编： 胡力汉 许书婷 网编：瑞哲</p>", RFA)
    assert (read.html, read.author) == ("<p>正文。</p>", "乔龙")


def test_notes_on_rights_go_from_a_caption_and_the_caption_stays() -> None:
    body = (
        "<figure><img src='https://images.weserv.nl/?url=ichef.bbci.co.uk/news/640/a.jpg'>"
        "<span>图像来源，GETTY IMAGES</span><figcaption><span>图像加注文字，</span>"
        "<p>中国国家主席。</p></figcaption></figure>"
    )
    read = cleaned(body, BBC)
    assert read.captions == "中国国家主席。"
    assert '"https://ichef.bbci.co.uk/news/640/a.jpg"' in read.html


def test_the_mirrors_image_and_caption_become_a_figure() -> None:
    body = (
        '<img src="https://images.weserv.nl?url=gdb.voanews.com/54_r1_s_w900.jpg" width="100%">'
        '<div><small style="color: #999;">资料照片。</small></div>'
        '<p>正文<a class="wsw__a" href="/a/1">链接</a>。</p>'
    )
    assert cleaned(body, VOA).html == (
        '<figure><img src="https://gdb.voanews.com/54_r1_s_w900.jpg" referrerpolicy="no-referrer">'
        "<figcaption>资料照片。</figcaption></figure>\n"
        '<p>正文<a href="https://www.voachinese.com/a/1" rel="noopener noreferrer">链接</a>。</p>'
    )


def test_the_first_image_once_more_in_another_size_goes() -> None:
    url = "https://chinese.aljazeera.net/news/2021/11/24/x"
    image = "https://chinese.aljazeera.net/wp-content/uploads/2021/11/1.jpg"
    body = (
        f"<figure><img src='{image}?resize=770%2C513'><figcaption>说明</figcaption></figure>"
        f"<p>一</p><img src='{image}?w=770&amp;resize=770%2C433'><p>二</p>"
        "<img src='https://chinese.aljazeera.net/wp-content/uploads/2021/11/2.jpg?w=770'>"
    )
    read = cleaned(body, url)
    assert read.html.count("<img") == 2
    assert read.html.count("/1.jpg") == 1


def test_shuffled_paragraphs_are_sorted() -> None:
    def paragraph(text: str, at: int) -> str:
        return f'<p data-s="k3Z{b32encode(str(at).encode()).decode()}">{text}</p>'

    body = paragraph("三", 10) + paragraph("一", 1) + paragraph("二", 9)
    assert cleaned(f"<div>{body}</div>", ZAOBAO).text == "一\n二\n三"


def test_a_summary_of_an_outlet_is_no_whole_text_though_the_mirror_says_so() -> None:
    body = "<img src='/a.jpg'><br>" + "中國南方持續暴雨。" * 60 + f"...<a href='{RTI}'>...more</a>"
    read = cleaned(body, RTI)
    assert not judge_whole(read.html, read.text, family(RTI).full_text).whole


@pytest.mark.parametrize(
    ("url", "title", "read"),
    [
        (RFI, "香港新闻 – 法国国际广播电台 - RFI", ReadTitle("香港新闻")),
        (CDT, "美国之音｜中国监控世界", ReadTitle("中国监控世界", "美国之音")),
        (CDT, "【404文库】财新网｜司机之死", ReadTitle("司机之死", "财新网")),
        (CDT, "德国之声 | 专访卢昱宇", ReadTitle("专访卢昱宇", "德国之声")),
        (CDT, "CDT导览 | 许章润", ReadTitle("CDT导览 | 许章润")),
        (VOA, "美国之音｜中国监控世界", ReadTitle("美国之音｜中国监控世界")),
    ],
)
def test_titles(url: str, title: str, read: ReadTitle) -> None:
    assert read_title(title, family(url).titles) == read


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        (RFI, "https://www.rfi.fr/cn/x"),
        ("https://www.zaobao.com//news/china/x", "https://www.zaobao.com/news/china/x"),
        (NYT + "?utm_source=RSS", NYT),
        (GUANCHA, "https://www.guancha.cn/internation/2020_03_02_539370.shtml"),
    ],
)
def test_addresses(url: str, canonical: str) -> None:
    assert canonical_url(url, URL_RULES) == canonical
