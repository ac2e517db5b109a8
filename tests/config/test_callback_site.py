from __future__ import annotations

import pytest

from aggregator.config import Config, parse_config


def configured(server: str, more: str = "") -> Config:
    return parse_config(f"[server]\n{server}\n{more}", "config.toml")


@pytest.mark.parametrize(
    "url",
    ["https://news.example.org", "https://news.example.org/deep", "http://reader.test:8080",
     "http://93.184.216.34", "http://[2606:2800:220:1::1]:80"],
)  # fmt: skip
def test_hubs_reach_us_where_the_user_says(url: str) -> None:
    assert configured(f'public_url = "{url}"').callback_site == url


@pytest.mark.parametrize(
    "url",
    ["http://localhost:9000", "http://news.localhost", "http://127.0.0.1", "http://127.9.9.9:1",
     "http://[::1]:9000", "http://0.0.0.0", "http://192.168.1.5", "http://10.0.0.1",
     "http://[fd00::1]", "http://169.254.1.1", "http://100.64.0.1"],
)  # fmt: skip
def test_nobody_else_reaches_a_private_address(url: str) -> None:
    assert configured(f'public_url = "{url}"').callback_site == ""
    private = '[fetch]\nallow_private = ["127.0.0.0/8"]'
    assert configured(f'public_url = "{url}"', private).callback_site == url


@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "0.0.0.0:80", "93.184.216.34:80"])
def test_where_the_user_says_nothing_no_hub_is_given_an_address(listen: str) -> None:
    private = '[fetch]\nallow_private = ["127.0.0.0/8"]'
    assert configured(f'listen = "{listen}"', private).callback_site == ""
