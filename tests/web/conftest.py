from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.web import Site, create_app
from tests.web.newsroom_site import Client, make_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = make_site(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def client(site: Site) -> Client:
    return Client(create_app(lambda: site))
