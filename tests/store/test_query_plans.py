"""The statements that run all day look nothing up by reading a whole table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event

from aggregator.core.feed_state import Address, FeedState
from aggregator.settling import Settler
from aggregator.store import articles, editions, materials, polls, retention, subscriptions
from tests.store.making import FEEDX, HOUR, NOW, Newsroom, composed, entry, reading

Plans = dict[str, str]


def plans_of(room: Newsroom, operation: Callable[[Connection], object]) -> Plans:
    """SQLite's plan for each statement that the operation runs."""

    def explained(connection: Connection) -> Plans:
        ran: list[tuple[str, Any]] = []

        def note(c: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
            ran.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", note)
        operation(connection)
        event.remove(connection, "before_cursor_execute", note)
        plans: Plans = {}
        for statement, parameters in ran:
            if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                one = parameters[0] if isinstance(parameters, list) else parameters
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", one)
                plans[statement] = "; ".join(row.detail for row in rows)
        return plans

    return room.write(explained)


OLD = entry("old", now=NOW - HOUR)
ARTICLE = composed(entry("a"), topics=["kabul"])
CHANGED = composed(entry("a"), f"<p>{'另一篇正文说的是多哈的会谈' * 9}</p>", topics=["kabul"])
POLLED = FeedState(
    "feedx", "", "", FEEDX.urls[0], (Address(FEEDX.urls[0]), Address("https://b.example/")), "", NOW
)
"""A feed with a mirror: its entries are looked for by their URLs too."""

TOKEN = "a token"

HOT: dict[str, Callable[[Connection], object]] = {
    "due feeds": lambda c: polls.due_feeds(c, NOW, 10, ["x"]),
    "a poll": lambda c: polls.record_poll(
        c,
        POLLED,
        reading(entry("a", "改了"), entry("new"), entry("joins", url=entry("b").url)),
        NOW,
    ),
    "a failed poll": lambda c: polls.record_state(c, POLLED),
    "waiting articles": lambda c: materials.pending(c, NOW, 10, ["x"]),
    "an article made": lambda c: Settler().settle(
        c, [articles.Made(CHANGED, None, [entry("a")])], NOW
    ),
    "an article put off": lambda c: articles.postpone(c, ARTICLE.article_id, NOW),
    "the newest": lambda c: editions.articles(c, None, 10),
    "the newest of a topic": lambda c: editions.articles(c, "kabul", 10),
    "an article": lambda c: editions.article(c, ARTICLE.article_id),
    "its matches": lambda c: editions.matches(c, ARTICLE.article_id),
    "a topic's members": lambda c: editions.members(c, "kabul", NOW - HOUR),
    "a scan": lambda c: list(editions.scan(c, NOW - 9 * HOUR)),
    "feed states": editions.feed_states,
    "a feed's hub": lambda c: subscriptions.of_feed(c, "feedx"),
    "a push": lambda c: subscriptions.record_push(c, TOKEN, [entry("pushed")], NOW),
    "a challenge": lambda c: subscriptions.answer(c, TOKEN, "subscribe", "t", "60", NOW),
    "hubs to ask": lambda c: subscriptions.due(c, NOW, True, 10),
    "what was announced": lambda c: subscriptions.invited(c, NOW, HOUR),
    "a feed's state": lambda c: editions.feed_state(c, "feedx"),
    "the newest of a feed": lambda c: editions.articles_of_feed(c, "feedx", 10),
    "a look for what is old": lambda c: retention.look(c, retention.Place(), NOW),
    "its removal": lambda c: retention.remove(c, [OLD.article_id], NOW, NOW + 9 * HOUR),
    "whether it is removed": lambda c: retention.is_removed(c, ARTICLE.article_id),
    "a feed's bodies": lambda c: editions.body_history(c, "feedx"),
}


TABLES = ("entries", "articles", "matches", "extracts", "revisions", "subscriptions")


@pytest.fixture
def kind() -> str:
    """Those of PostgreSQL are written otherwise: test_postgres_plans.py."""
    return "sqlite"


@pytest.fixture
def full(room: Newsroom) -> Newsroom:
    room.define("kabul")
    entries = [entry("a"), entry("b"), *(entry(str(n)) for n in range(20))]
    room.poll(*entries, OLD)
    for one in (*entries[:10], OLD):
        room.make(composed(one, topics=["kabul"]))
    return room


@pytest.mark.parametrize("what", HOT)
def test_no_hot_statement_reads_a_whole_table(full: Newsroom, what: str) -> None:
    plans = plans_of(full, HOT[what])
    assert plans
    for statement, plan in plans.items():
        for table in TABLES:
            assert f"SCAN {table}" not in plan, statement


def plan_with(plans: Plans, *words: str) -> str:
    [plan] = [plan for statement, plan in plans.items() if all(word in statement for word in words)]
    return plan


def test_due_feeds_are_found_by_their_time(full: Newsroom) -> None:
    plan = plan_with(plans_of(full, HOT["due feeds"]), "next_poll_at <=")
    assert "feeds_due (active=? AND next_poll_at<?)" in plan
    assert "TEMP B-TREE" not in plan


def test_waiting_articles_are_found_by_the_index_of_those_alone(full: Newsroom) -> None:
    plans = plans_of(full, HOT["waiting articles"])
    plan = plan_with(plans, "enrich_at <=", "ORDER BY")
    assert "articles_pending (brought_by=? AND enrich_at<?)" in plan
    assert "TEMP B-TREE" not in plan
    plan = plan_with(plans, "RECURSIVE")
    assert plan.count("articles_pending (brought_by>?)") == 2
    assert "articles_pending (brought_by=? AND enrich_at<?)" in plan


def test_equal_texts_are_found_by_their_fingerprint(full: Newsroom) -> None:
    plan = plan_with(plans_of(full, HOT["an article made"]), "fingerprint =")
    assert "articles_fingerprint (fingerprint=?)" in plan


def test_the_newest_are_found_without_sorting_all(full: Newsroom) -> None:
    plan = plan_with(plans_of(full, HOT["the newest"]), "ORDER BY articles.published")
    assert "articles_newest (state=?)" in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan, "only those of one moment are sorted"
    plan = plan_with(plans_of(full, HOT["the newest of a topic"]), "ORDER BY matches.published")
    assert "matches_newest (topic_id=?)" in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan
    plan = plan_with(plans_of(full, HOT["the newest of a feed"]), "ORDER BY entries.published")
    assert "entries_newest (feed_id=?)" in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan


def test_what_is_old_is_looked_for_in_the_order_of_its_dates(full: Newsroom) -> None:
    plan = plan_with(plans_of(full, HOT["a look for what is old"]), "ORDER BY")
    assert "articles_newest (state=? AND published>? AND published<?)" in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan


def test_a_plan_that_reads_a_whole_table_is_seen(full: Newsroom) -> None:
    plans = plans_of(full, lambda c: c.exec_driver_sql("SELECT * FROM articles WHERE title = 'x'"))
    assert "SCAN articles" in plan_with(plans, "title")
