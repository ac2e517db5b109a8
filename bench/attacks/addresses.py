"""Attacks by where a feed, a redirect, a page or a hub leads: to addresses nobody may ask."""

from __future__ import annotations

from bench.attacks.documents import GOOD_FEED, feed, item
from bench.attacks.wire import Attack, Send, Wire

FORBIDDEN = {
    "loopback": "127.0.0.1",
    "loopback elsewhere": "127.200.3.4",
    "loopback short": "127.1",
    "loopback decimal": "2130706433",
    "loopback hex": "0x7f000001",
    "loopback octal": "0177.0.0.1",
    "loopback wide digits": "１２７.０.０.１",
    "loopback with circled digits": "①②⑦.⓪.⓪.①",
    "localhost": "localhost",
    "localhost with a dot": "localhost.",
    "a name under localhost": "feeds.localhost",
    "this host": "0.0.0.0",
    "this host short": "0",
    "private 10": "10.0.0.1",
    "private 172": "172.16.0.1",
    "private 192": "192.168.0.1",
    "shared": "100.64.0.1",
    "link-local": "169.254.1.1",
    "metadata": "169.254.169.254",
    "metadata decimal": "2852039166",
    "metadata of another cloud": "100.100.100.200",
    "metadata by name": "metadata.google.internal",
    "multicast": "224.0.0.1",
    "broadcast": "255.255.255.255",
    "benchmarks": "198.18.0.1",
    "reserved": "240.0.0.1",
    "loopback v6": "[::1]",
    "loopback v6 long": "[0:0:0:0:0:0:0:1]",
    "unspecified v6": "[::]",
    "mapped": "[::ffff:127.0.0.1]",
    "mapped in hex": "[::ffff:7f00:1]",
    "compatible": "[::127.0.0.1]",
    "translated": "[::ffff:0:127.0.0.1]",
    "NAT64": "[64:ff9b::7f00:1]",
    "NAT64 local": "[64:ff9b:1::7f00:1]",
    "NAT64 of metadata": "[64:ff9b::a9fe:a9fe]",
    "6to4": "[2002:7f00:1::]",
    "Teredo": "[2001::1]",
    "unique-local": "[fd00::1]",
    "metadata v6": "[fd00:ec2::254]",
    "link-local v6": "[fe80::1]",
    "link-local v6 with a zone": "[fe80::1%25lo]",
    "multicast v6": "[ff02::1]",
}
"""No name here is asked outside: those that are not addresses are loopback's or nobody's."""

SCHEMES = (
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "ftp://127.0.0.1:{port}/x",
    "gopher://127.0.0.1:{port}/_GET",
    "dict://127.0.0.1:{port}/x",
    "ldap://127.0.0.1:{port}/x",
    "data:application/rss+xml,<rss><channel><item><title>Data</title></item></channel></rss>",
    "javascript:alert(1)",
    "jar:http://127.0.0.1:{port}/x!/",
    "ws://127.0.0.1:{port}/",
    "unix:///var/run/docker.sock",
    "//127.0.0.1:{port}/x",
    "http:127.0.0.1:{port}/x",
    "http:///127.0.0.1:{port}/x",
    "http://user:pass@127.0.0.1:{port}/x",
    "http://127.78.0.1@127.0.0.1:{port}/x",
    "http://127.0.0.1:{port}#@127.78.0.1/",
    "http://127.0.0.1:{port}\\@127.78.0.1/",
    "http://127.0.0.1%2f@127.78.0.1:{port}/x",
    "http://127.0.0.1%00.example:{port}/x",
    "\\\\127.0.0.1:{port}\\x",
    "http://127.0.0.1:99999/x",
    "http://127.0.0.1:-1/x",
    "http://[/x",
    "http://",
    "",
)


def _location(to: str, status: int) -> Send:
    async def send(wire: Wire) -> None:
        port = wire.origin.rpartition(":")[2]
        place = to.replace("{port}", port).encode()
        head = b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, place)
        await wire.send(head)

    return send


def _redirects() -> list[Attack]:
    found = [
        Attack(
            f"redirect to {name}", "address", _location(f"http://{host}:{{port}}/{status}", status)
        )
        for status, (name, host) in zip(
            [301, 302, 303, 307, 308] * 20, FORBIDDEN.items(), strict=False
        )
    ]
    found += [
        Attack(f"redirect to {to[:40]!r}", "address", _location(to, 302), absent="root:x:0")
        for to in SCHEMES
    ]
    found.append(
        Attack("redirect to 1 MB", "address", _location("http://a.example/" + "a" * 1_000_000, 301))
    )
    found.append(Attack("redirect in a circle", "address", _location("/feed", 301), ("redirect",)))
    return found


def _feeds(port: int) -> list[Attack]:
    """Addresses as a user may have been talked into writing them in the configuration."""
    chosen = ("loopback", "localhost", "metadata", "mapped", "NAT64", "unique-local", "shared")

    async def never(wire: Wire) -> None:
        await wire.answer(GOOD_FEED)

    return [
        Attack(f"feed at {name}", "address", never, url=f"http://{FORBIDDEN[name]}:{port}/feed")
        for name in chosen
    ]


def _pages(port: int) -> list[Attack]:
    """Items whose pages, and feeds whose hubs and pictures, are where nobody may ask."""
    found = []
    for name in ("loopback", "metadata", "mapped", "NAT64", "localhost", "unique-local"):
        where = f"http://{FORBIDDEN[name]}:{port}/page"
        summary = item(f"Page at {name}", "<p>Short.</p>", "", where)
        picture = f'<image><url>{where}</url></image><atom:link rel="hub" href="{where}"/>'
        body = feed([summary], "", picture)

        async def send(wire: Wire, body: bytes = body) -> None:
            await wire.answer(body)

        found.append(Attack(f"pages at {name}", "address", send, config='full_text = "page"'))
    return found


def addresses(port: int) -> list[Attack]:
    return [*_redirects(), *_feeds(port), *_pages(port)]
