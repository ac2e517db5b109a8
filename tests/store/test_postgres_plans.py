"""On PostgreSQL, too, what runs all day can look everything up in an index."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event

from tests.store.making import Newsroom, composed, entry
from tests.store.test_query_plans import HOT, TABLES


@pytest.fixture
def kind() -> str:
    return "postgresql"


@pytest.fixture
def full(room: Newsroom) -> Newsroom:
    room.define("kabul")
    entries = [entry("a"), entry("b"), *(entry(str(n)) for n in range(20))]
    room.poll(*entries)
    for one in entries[:10]:
        room.make(composed(one, topics=["kabul"]))
    return room


def plans_of(room: Newsroom, operation: Callable[[Connection], object]) -> dict[str, str]:
    """The plan of each statement that the operation runs, if it must use what indexes there are:
    tables as small as a test's are otherwise read whole.
    """

    def explained(connection: Connection) -> dict[str, str]:
        ran: list[tuple[str, Any]] = []

        def note(c: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
            ran.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", note)
        operation(connection)
        event.remove(connection, "before_cursor_execute", note)
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plans = {}
        for statement, parameters in ran:
            if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                one = parameters[0] if isinstance(parameters, list) else parameters
                plan = connection.exec_driver_sql(f"EXPLAIN {statement}", one)
                plans[statement] = "\n".join(plan.scalars())
        connection.exec_driver_sql("SET LOCAL enable_seqscan = on")
        return plans

    return room.write(explained)


def read_whole(plan: str) -> set[str]:
    return set(re.findall(r"Seq Scan on (\w+)", plan)) & set(TABLES)


@pytest.mark.parametrize("what", HOT)
def test_no_hot_statement_has_to_read_a_whole_table(full: Newsroom, what: str) -> None:
    plans = plans_of(full, HOT[what])
    assert plans
    for statement, plan in plans.items():
        assert not read_whole(plan), f"{statement}\n{plan}"


def test_the_feeds_that_wait_are_found_step_by_step_in_the_index(full: Newsroom) -> None:
    plans = plans_of(full, HOT["waiting articles"])
    [plan] = [plan for statement, plan in plans.items() if "RECURSIVE" in statement]
    assert len(re.findall("Index Only Scan using articles_pending", plan)) >= 2, plan


def test_a_plan_that_reads_a_whole_table_is_seen(full: Newsroom) -> None:
    plans = plans_of(full, lambda c: c.exec_driver_sql("SELECT * FROM articles WHERE title = 'x'"))
    assert [read_whole(plan) for plan in plans.values()] == [{"articles"}]
