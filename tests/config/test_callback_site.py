from __future__ import annotations

import pytest

from aggregator.config import Config, parse_config
from aggregator.errors import ConfigError


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


# --- the site that sites which are asked are told of -------------------------------------------


@pytest.mark.parametrize("url", ["https://news.example.org", "http://reader.test:8080/deep"])
def test_the_site_of_the_readers_is_told_to_those_who_are_asked(url: str) -> None:
    assert configured(f'public_url = "{url}"').fetch.site == url


@pytest.mark.parametrize(
    "url",
    ["http://localhost:9000", "http://10.0.0.1", "http://[::1]:9000", "https://me:pw@news.example",
     "https://新闻.example", "https://news.example.org/a)b"],
)  # fmt: skip
def test_a_site_that_nobody_else_can_use_or_no_header_can_carry_is_not_told(url: str) -> None:
    assert configured(f'public_url = "{url}"').fetch.site == ""


def test_without_a_public_url_no_site_is_told() -> None:
    assert configured('listen = "93.184.216.34:80"').fetch.site == ""


@pytest.mark.parametrize("mail", ["", "editor@example.org", "a.b+c@localhost", "x@a-b.example"])
def test_a_mail_address_can_stand_in_from(mail: str) -> None:
    assert configured("", f'[fetch]\nfrom = "{mail}"').fetch.sender == mail


@pytest.mark.parametrize(
    "value",
    ['"editor"', '"Ed <e@example.org>"', '"e@example.org, f@example.org"', '"e@-x.example"',
     '"e@example.org\\r\\nX: y"', '"编辑@example.org"', '"e@exa mple.org"', "5",
     '"' + "a" * 65 + '@example.org"'],
)  # fmt: skip
def test_what_is_no_mail_address_is_an_error(value: str) -> None:
    with pytest.raises(ConfigError, match=r"fetch\.from: expected a "):
        configured("", f"[fetch]\nfrom = {value}")
