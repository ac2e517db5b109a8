from __future__ import annotations

import pytest

from aggregator.core.model import Match, Reason, TopicSpec
from aggregator.core.query import Document
from aggregator.core.topics import compile_topics, match_topics
from aggregator.errors import QueryError

ALIASES = (("塔利班", ("塔里班", "Taliban")),)
SPECS = (
    TopicSpec("afghanistan", "阿富汗", "阿富汗 OR @塔利班"),
    TopicSpec("sport", "体育", "足球"),
    TopicSpec("talks", "谈判", "title:談判"),
)


def test_a_document_matches_the_topics_whose_queries_take_it() -> None:
    document = Document.of(title="Taliban 恢复谈判", body="")
    assert match_topics(compile_topics(SPECS, ALIASES), document) == (
        Match("afghanistan", (Reason("@塔利班", "title", "Taliban 恢复谈判"),)),
        Match("talks", (Reason("title:談判", "title", "Taliban 恢复谈判"),)),
    )


def test_what_is_unknown_before_the_body_is_fetched_is_no_match() -> None:
    topics = compile_topics(SPECS, ALIASES)
    assert [match.topic_id for match in match_topics(topics, Document.of(title="谈判"))] == [
        "talks"
    ]


def test_no_topics_match_nothing() -> None:
    assert match_topics(compile_topics((), ()), Document.of(title="谈判")) == ()


def test_a_query_that_cannot_be_read_names_its_topic() -> None:
    with pytest.raises(QueryError, match="topic talks: a quote that is not closed") as caught:
        compile_topics((TopicSpec("talks", "", '甲 "乙'),), ())
    assert (caught.value.text, caught.value.column) == ('甲 "乙', 3)


def test_topics_compile_from_hashable_arguments_to_equal_topics() -> None:
    hash((SPECS, ALIASES))
    assert compile_topics(SPECS, ALIASES) == compile_topics(SPECS, ALIASES)
    assert hash(compile_topics(SPECS, ALIASES)) == hash(compile_topics(SPECS, ALIASES))
