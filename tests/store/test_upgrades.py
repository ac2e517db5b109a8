"""A store of an earlier shape is brought to today's with what is in it."""

from __future__ import annotations

from alembic import command
from sqlalchemy import Connection, text

from aggregator.store import Store, regrouping
from aggregator.store.database import Database
from aggregator.store.migrations.run import configuration

ARTICLE = text(
    "INSERT INTO articles (id, state, merged_into, brought_by, enrich_tries, fingerprint, url,"
    " outlet, author, published, published_by, updated, first_seen, language, image_url, title,"
    " image_alt, lead, categories, enclosures, verdicts, body_from, body) VALUES (:id, :state, '',"
    " 'f', 0, '', '', '观察者网', '', '2021-11-24', 'feed', '2021-11-24', :first_seen, 'zh', '',"
    " '标题', '', '', '[]', '[]', '[]', '', '<p>正文</p>')"
)
REVISION = text("INSERT INTO revisions VALUES (1, 'late', '2021-11-24', '旧标题', '<p>旧</p>')")


def first_shape(connection: Connection) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")


def test_published_articles_are_numbered_as_they_came_and_will_be_grouped(empty_url: str) -> None:
    database = Database(empty_url)
    with database.write() as connection:
        first_shape(connection)
        for name, day, state in (
            ("late", 3, "ready"),
            ("gone", 2, "merged"),
            ("early", 1, "ready"),
        ):
            values = {"id": name, "state": state, "first_seen": f"2021-11-0{day}"}
            connection.execute(ARTICLE, values)
        connection.execute(REVISION)
    database.close()

    store = Store.open(empty_url)
    try:
        stored = store.read_now(regrouping.stored, 0, 10)
        assert [(one.id, one.number, one.body) for one in stored] == [
            ("early", 1, "<p>正文</p>"),
            ("late", 2, "<p>正文</p>"),
        ]
        assert store.read_now(regrouping.reached) == 0
        kept = store.read_now(lambda c: c.execute(text("SELECT * FROM revisions")).mappings().one())
        assert (kept["title"], kept["body"], kept["added"]) == ("旧标题", "<p>旧</p>", 0)
    finally:
        store.close()


def test_a_store_without_articles_has_nothing_to_group(empty_url: str) -> None:
    store = Store.open(empty_url)
    try:
        assert store.read_now(regrouping.reached) is None
    finally:
        store.close()
