"""One whole round: what is polled, and what is told of it."""

from __future__ import annotations

from aggregator.engines.round import Round
from tests.engines.conftest import OnDesk
from tests.publisher import Desk


def test_a_cycle_polls_the_named_feeds_due_or_not_and_tells_how_far_it_is(on_desk: OnDesk) -> None:
    async def play(d: Desk) -> None:
        told: list[tuple[str, int, int]] = []
        one = Round(d.pipeline, lambda: d.now)
        for _ in range(2):
            report = await one.cycle(["own"], lambda *step: told.append(step))
            assert [poll.feed_id for poll in report.polls] == ["own"]
        assert d.site.targets == ["/own.xml", "/own.xml"]
        assert all(done <= total for _, done, total in told)
        assert ("poll", 1, 1) in told
        assert {stage for stage, _, _ in told} == {"poll", "enrich", "publish"}

    on_desk(play)
