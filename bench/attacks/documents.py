"""Attacks by what is in the bytes: XML and JSON that explode, sizes, encodings, what is no feed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from email.utils import formatdate

from bench.attacks.wire import Attack, Wire, fixed

try:
    from compression import zstd
except ImportError:
    from backports import zstd

__all__ = ["GOOD_FEED", "documents", "feed", "item", "zstd"]

NOT_A_FEED = ("not_a_feed",)
WORDS = "The council met on the bridge and spoke of the harvest, the railway and the school. "


def item(title: str, body: str = "", more: str = "", link: str = "") -> str:
    """`body` is HTML; `more` further elements."""
    text = body or f"<p>{title}. {WORDS * 12}</p>"
    place = link or f"http://attack.example/{abs(hash(title))}"
    return (
        f"<item><title>{title}</title><link>{place}</link><guid isPermaLink='false'>{title}</guid>"
        f"<pubDate>{formatdate()}</pubDate><content:encoded><![CDATA[{text}]]></content:encoded>"
        f"{more}</item>"
    )


def feed(items: Sequence[str], before: str = "", channel: str = "") -> bytes:
    """`before` stands before the root, `channel` in it."""
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        'xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom">'
        f"<channel><title>Attack</title><link>http://attack.example/</link>{channel}"
        f"{''.join(items)}</channel></rss>"
    )
    return text.encode("utf-8", "surrogatepass")


GOOD_FEED = feed([item("An item")])


def _attack(
    name: str, body: bytes, statuses: tuple[str, ...] = (), type_: str = "", **more: str
) -> Attack:
    headers = (f"Content-Type: {type_}",) if type_ else ()
    return Attack(name, "document", fixed(body, "200 OK", *headers), statuses, **more)  # type: ignore[arg-type] # texts only


def _pointing(name: str, doctype: str, use: str = "&x;") -> Attack:
    """A document that names an address: CANARY in it is one nobody may ask."""

    async def send(wire: Wire) -> None:
        port = wire.origin.rpartition(":")[2]
        canary = f"http://127.0.0.1:{port}/{name.replace(' ', '-')}"
        body = feed([item(f"Entity {name}", use)], doctype, f"<description>{use}</description>")
        await wire.answer(
            body.replace(b"<![CDATA[", b"").replace(b"]]>", b"").replace(b"CANARY", canary.encode())
        )

    return Attack(name, "document", send, absent="root:x:0")


def _laughs(depth: int) -> str:
    levels = "".join(f'<!ENTITY l{n} "' + f"&l{n - 1};" * 10 + '">' for n in range(1, depth))
    return f'<!DOCTYPE rss [<!ENTITY l0 "ha">{levels}]>'


def explosions() -> list[Attack]:
    quadratic = '<!DOCTYPE rss [<!ENTITY a "' + "a" * 100_000 + '">]>'
    attributes = " ".join(f"a{n}='1'" for n in range(200_000))
    namespaces = " ".join(f"xmlns:n{n}='u{n}'" for n in range(100_000))
    return [
        _attack(
            "entity bomb",
            feed([item("Bomb", "&l9;")], _laughs(10))
            .replace(b"<![CDATA[", b"")
            .replace(b"]]>", b""),
        ),
        _attack("entity bomb in a title", feed(["<item><title>&l9;</title></item>"], _laughs(10))),
        _attack("entity bomb in an attribute", feed(["<item x='&l9;'/>"], _laughs(10))),
        _attack(
            "quadratic entities", feed([f"<item><title>{'&a;' * 20_000}</title></item>"], quadratic)
        ),
        _attack(
            "entity in itself",
            feed(
                ["<item><title>&a;</title></item>"],
                '<!DOCTYPE rss [<!ENTITY a "&b;"><!ENTITY b "&a;">]>',
            ),
        ),
        _attack(
            "parameter entities",
            feed([], '<!DOCTYPE rss [<!ENTITY % a "x"><!ENTITY % b "%a;%a;">%b;]>'),
        ),
        _pointing("external entity over http", '<!DOCTYPE rss [<!ENTITY x SYSTEM "CANARY">]>'),
        _pointing(
            "external entity of a file", '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        ),
        _pointing("external DTD", '<!DOCTYPE rss SYSTEM "CANARY">', "x"),
        _pointing(
            "external parameter entity", '<!DOCTYPE rss [<!ENTITY % p SYSTEM "CANARY"> %p;]>', "x"
        ),
        _pointing("public DTD", '<!DOCTYPE rss PUBLIC "-//A//B" "CANARY">', "x"),
        _pointing(
            "stylesheet instruction", '<?xml-stylesheet type="text/xsl" href="CANARY"?>', "x"
        ),
        _pointing(
            "XInclude",
            "",
            '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="file:///etc/passwd"/>',
        ),
        _pointing(
            "XInclude over http",
            "",
            '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="CANARY"/>',
        ),
        _pointing(
            "schema location",
            "",
            '<s xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="a CANARY"/>',
        ),
        _attack(
            "100,000 deep",
            b"<rss><channel>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</channel></rss>",
        ),
        _attack("1,000,000 deep unclosed", b"<rss><channel><item>" + b"<a>" * 1_000_000),
        _attack("deep in an item", feed([item("Deep", "<div>" * 50_000 + "text")])),
        _attack("deep markup escaped", feed([item("Deeper", "&lt;b&gt;" * 50_000)])),
        _attack("200,000 attributes", feed([f"<item {attributes}/>"])),
        _attack(
            "100,000 namespaces",
            feed([f"<item {namespaces}/>"]),
        ),
        _attack(
            "100,000 categories", feed([item("Categories", "", "<category>c</category>" * 100_000)])
        ),
        _attack("100,000 authors", feed([item("Authors", "", "<author>a@b.c</author>" * 100_000)])),
        _attack(
            "100,000 links", feed([item("Links", "", "<atom:link href='http://a.b/'/>" * 100_000)])
        ),
        _attack("2 MB of <", b"<" * 2_000_000),
        _attack("2 MB of < in a feed", feed(["<" * 2_000_000])),
        _attack("2 MB of &", feed([item("Amps", "&" * 2_000_000)])),
        _attack("2 MB of [[", feed([item("Brackets", "<![CDATA[" * 200_000)])),
        _attack("comment without end", feed(["<!--" + "-" * 2_000_000])),
        _attack("CDATA without end", feed(["<item><title><![CDATA[" + "x" * 2_000_000])),
        _attack("instruction without end", feed(["<?" + "x" * 2_000_000])),
        _attack("100,000 instructions", feed([*("<?a b?>" for _ in range(100_000))])),
        _attack("DOCTYPE of 5 MB", feed([], f"<!DOCTYPE rss [{'<!ELEMENT a (b)>' * 300_000}]>")),
        _attack("tag name of 5 MB", feed([f"<{'a' * 5_000_000}/>"])),
    ]


def sizes() -> list[Attack]:
    many = "".join(
        f"<item><title>Flood {n}</title><guid>f{n}</guid><link>http://flood.example/{n}</link>"
        f"<pubDate>{formatdate(1_700_000_000 + n)}</pubDate></item>"
        for n in range(100_000)
    )
    return [
        _attack("100,000 items", feed([many])),
        _attack("title of 50 MB", feed([item("T" * 50_000_000, "x")]), ("too_large",)),
        _attack("title of 15 MB", feed([item("T" * 15_000_000, "x")])),
        _attack("body of 15 MB", feed([item("Body", f"<p>{WORDS}</p>" * 170_000)])),
        _attack(
            "guid of 5 MB",
            feed([item("Guid").replace("<guid", "<guid x='" + "g" * 5_000_000 + "'")]),
        ),
        _attack(
            "link of 5 MB", feed([item("Link", "", "", "http://a.example/" + "l" * 5_000_000)])
        ),
        _attack(
            "enclosures of 10 MB",
            feed(
                [
                    item(
                        "Enclosures",
                        "",
                        "<enclosure url='http://a.example/a.mp3' length='1' type='audio/mpeg'/>"
                        * 140_000,
                    )
                ]
            ),
        ),
        _attack(
            "enclosure URL of 10 MB",
            feed(
                [
                    item(
                        "Enclosure",
                        "",
                        f"<enclosure url='http://a.example/{'e' * 10_000_000}' type='a/b'/>",
                    )
                ]
            ),
        ),
        _attack(
            "enclosure length beyond 64 bits",
            feed(
                [
                    item(
                        "Length",
                        "",
                        f"<enclosure url='http://a.example/a' length='{'9' * 4000}' type='a/b'/>",
                    )
                ]
            ),
        ),
        _attack(
            "media of 100,000",
            feed([item("Media", "", "<media:content url='http://a.example/i.jpg'/>" * 100_000)]),
        ),
        _attack(
            "date of year 99999",
            feed(
                [
                    item("Year")
                    .replace("<pubDate>", "<pubDate>Mon, 01 Jan 99999 00:00:00 GMT</pubDate><x>")
                    .replace("</pubDate><content", "</x><content")
                ]
            ),
        ),
        _attack(
            "date of 1 MB", feed([item("Date").replace("<pubDate>", "<pubDate>" + "1" * 1_000_000)])
        ),
        _attack(
            "date zone of +9999",
            feed(
                [
                    item("Zone").replace(
                        "<pubDate>", "<pubDate>Mon, 02 Mar 2026 00:00:00 +9999</pubDate><pubDate>"
                    )
                ]
            ),
        ),
        _attack(
            "the same guid 20,000 times",
            feed(["<item><title>Same</title><guid>s</guid></item>" * 20_000]),
        ),
        _attack("20,000 empty items", feed(["<item/>" * 20_000])),
        _attack(
            "ttl of 1,000,000 digits", feed([item("Ttl")], "", f"<ttl>{'9' * 1_000_000}</ttl>")
        ),
        _attack(
            "100,000 skipHours",
            feed([item("Skip")], "", f"<skipHours>{'<hour>3</hour>' * 100_000}</skipHours>"),
        ),
    ]


def no_feeds() -> list[Attack]:
    html = b"<!doctype html><html><head><title>Sale</title></head><body><p>For sale</body></html>"
    deep = b'{"version":"https://jsonfeed.org/version/1.1","items":' + b"[" * 100_000
    number = (
        b'{"version":"https://jsonfeed.org/version/1.1","title":"n","items":[{"id":'
        + b"9" * 100_000
        + b"}]}"
    )
    surrogate = json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "S",
            "items": [
                {"id": "1", "title": "Surrogate \ud800 json", "content_text": "\ud800 \udfff"}
            ],
        }
    )
    return [
        _attack("HTML", html, NOT_A_FEED, "text/html"),
        _attack("HTML as RSS", html, NOT_A_FEED),
        _attack("JSON", b'{"error": "no such route"}', NOT_A_FEED, "application/json"),
        _attack("JSON null", b"null", NOT_A_FEED, "application/feed+json"),
        _attack(
            "JSON with items no list",
            b'{"version":"https://jsonfeed.org/version/1","items":{"a":7}}',
            (),
            "application/feed+json",
        ),
        _attack(
            "JSON items odd",
            b'{"version":"https://jsonfeed.org/version/1","items":[null,7,[],{"id":{}},{"id":null,"url":7}]}',
            (),
            "application/feed+json",
        ),
        _attack("JSON 100,000 deep", deep, NOT_A_FEED, "application/feed+json"),
        _attack("JSON number of 100,000 digits", number, (), "application/feed+json"),
        _attack(
            "JSON NaN",
            b'{"version":"https://jsonfeed.org/version/1","items":[{"id":NaN,"title":Infinity}]}',
            (),
            "application/feed+json",
        ),
        _attack("JSON lone surrogates", surrogate.encode(), (), "application/feed+json"),
        _attack("PNG", b"\x89PNG\r\n\x1a\n" + bytes(5000), NOT_A_FEED, "image/png"),
        _attack("PDF", b"%PDF-1.7\n" + bytes(5000), NOT_A_FEED),
        _attack("ZIP", b"PK\x03\x04" + bytes(5000), NOT_A_FEED),
        _attack("empty", b"", NOT_A_FEED),
        _attack("white space", b" \r\n\t" * 1000, NOT_A_FEED),
        _attack("NUL bytes", bytes(1_000_000), NOT_A_FEED),
        _attack(
            "OPML",
            b'<opml version="2.0"><body><outline xmlUrl="http://127.0.0.1/"/></body></opml>',
            NOT_A_FEED,
        ),
        _attack(
            "SVG", b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', NOT_A_FEED
        ),
        _attack("only the declaration", b'<?xml version="1.0"?>', NOT_A_FEED),
        _attack(
            "cut in the middle",
            feed([item(f"Whole {n}") for n in range(9)])[:-700],
            (),
            "",
            delivered="Whole 1",
        ),
        _attack(
            "UTF-7",
            b'<?xml version="1.0" encoding="utf-7"?><rss><channel><item>'
            b"<title>+ADw-script+AD4-alert(1)</title></item></channel></rss>",
        ),
        _attack("UTF-16 without its mark", feed([item("Sixteen")]).decode().encode("utf-16-le")),
        _attack("UTF-32", feed([item("Thirtytwo")]).decode().encode("utf-32")),
        _attack("declared UTF-16 but ASCII", feed([item("Lied")]).replace(b'"UTF-8"', b'"UTF-16"')),
        _attack("encoding unknown", feed([item("Unknown")]).replace(b'"UTF-8"', b'"klingon"')),
        _attack("encoding a bytes codec", feed([item("Codec")]).replace(b'"UTF-8"', b'"zip"')),
        _attack(
            "invalid UTF-8",
            feed([item("Invalid")]).replace(b"council", b"\xff\xfe\xc0\x80\xed\xa0\x80"),
        ),
        _attack("CESU surrogates", feed([item("Cesu \ud83d\ude00 half")])),
    ]


def documents() -> list[Attack]:
    return [*explosions(), *sizes(), *no_feeds()]
