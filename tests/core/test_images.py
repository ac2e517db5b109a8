from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.images import image_key, unwrap
from aggregator.sources.images import PROXIES, SIZES


@pytest.mark.parametrize(
    ("url", "original"),
    [
        ("https://images.weserv.nl?url=gdb.voanews.com/a.jpg", "https://gdb.voanews.com/a.jpg"),
        ("https://images.weserv.nl/?url=x.org/a.jpg&w=30", "https://x.org/a.jpg"),
        ("https://wsrv.nl/?w=30&url=https%3A%2F%2Fx.org%2Fa.jpg", "https://x.org/a.jpg"),
        ("https://i0.wp.com/x.org/a.jpg?w=770&ssl=1", "https://x.org/a.jpg"),
        (
            "https://cors.zfour.workers.dev/?https://x.org/a.jpg?b=1&c=2",
            "https://x.org/a.jpg?b=1&c=2",
        ),
        ("https://cors-anywhere.herokuapp.com/https://x.org/a%20b.jpg", "https://x.org/a%20b.jpg"),
        ("https://api.allorigins.win/raw?url=https%3A%2F%2Fx.org%2Fa.jpg", "https://x.org/a.jpg"),
        # one proxy through another
        (
            "https://images.weserv.nl/?url=https%3A%2F%2Fi1.wp.com%2Fx.org%2Fa.jpg%3Fw%3D3",
            "https://x.org/a.jpg",
        ),
        ("https://x.org/a.jpg?url=b.org/c.jpg", "https://x.org/a.jpg?url=b.org/c.jpg"),
        ("https://corsica.example/img/a.jpg", "https://corsica.example/img/a.jpg"),
    ],
)
def test_the_original_behind_a_proxy(url: str, original: str) -> None:
    assert unwrap(url, PROXIES)[0] == original


@pytest.mark.parametrize(
    "original",
    [
        "javascript:%2F%2Fx.org/%250aalert(1)",
        "javascript%3A%2F%2Fx",
        "data%3A%2F%2Fx",
        "ftp%3A%2F%2Fx/a",
    ],
)
def test_what_is_no_address_of_the_web_is_not_taken_for_the_original(original: str) -> None:
    proxied = f"https://images.weserv.nl/?url={original}"
    url, _ = unwrap(proxied, PROXIES)
    assert url == proxied or url.startswith("https://javascript:")


def test_an_original_may_hold_another_address() -> None:
    url = "https://images.weserv.nl/?url=x.org/embed/https://y.org/watch?v=1"
    assert unwrap(url, PROXIES)[0] == "https://x.org/embed/https://y.org/watch?v=1"


def test_an_original_holds_no_control_characters() -> None:
    url, _ = unwrap("https://images.weserv.nl/?url=x.org/%01a%0Ab.jpg", PROXIES)
    assert url == "https://x.org/%01ab.jpg"


@given(st.text())
def test_any_address_is_unwrapped_and_an_original_stays(url: str) -> None:
    original, _ = unwrap(url, PROXIES)
    assert unwrap(original, PROXIES) == (original, ()) or original != url


@pytest.mark.parametrize(
    "sizes",
    [
        (
            "https://chinese.aljazeera.net/wp-content/uploads/2021/11/1.jpg?w=770&resize=770%2C433",
            "https://chinese.aljazeera.net/wp-content/uploads/2021/11/1.jpg?resize=1170%2C780",
            "https://chinese.aljazeera.net/wp-content/uploads/2021/11/1.jpg?quality=80",
            "http://chinese.aljazeera.net/wp-content/uploads/2021/11/1-770x433.jpg",
        ),
        ("https://gdb.voanews.com/5A_w1023_r1_s.jpg", "https://gdb.voanews.com/5A_r1_s_w900.jpg"),
        (
            "https://s.rfi.fr/media/display/6b/w:310/p:16x9/5f.jpg",
            "https://s.rfi.fr/media/display/6b/w:1280/p:4x3/5f.jpg",
        ),
        (
            "https://ichef.bbci.co.uk/news/640/cpsprodpb/1/a.jpg",
            "https://ichef.bbci.co.uk/news/1024/cpsprodpb/1/a.jpg",
        ),
    ],
)
def test_all_sizes_of_an_image_have_one_key(sizes: tuple[str, ...]) -> None:
    assert len({image_key(url, SIZES) for url in sizes}) == 1


def test_other_images_have_other_keys() -> None:
    urls = ("https://x.org/i?id=1&w=3", "https://x.org/i?id=2&w=3", "https://x.org/a-1.jpg")
    assert len({image_key(url, SIZES) for url in urls}) == 3
