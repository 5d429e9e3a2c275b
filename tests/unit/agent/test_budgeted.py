"""No request goes out that a budget does not allow, and what was billed is kept, however a turn ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from claude_ls.agent.budgeted import Budgeted, Purse
from claude_ls.agent.estimate import Calibration, estimate
from claude_ls.agent.model import Asking, Message, ModelEvent, ModelRequest, Stopped, Text, TextDelta, UsageReported
from claude_ls.agent.usage import Usage
from claude_ls.config import Settings
from claude_ls.workspace.database import DatabaseProblem

MODEL = "claude-sonnet-5-5"
REQUEST = ModelRequest(MODEL, (), (Text("Be brief.", cached=True),), (Message("user", (Text("x" * 3_500),)),))
FIRST = Usage(input=1_000, output=1, cache_write=0)
USED = Usage(input=1_000, output=500, cache_read=200)
COST = (1_000 * 2 + 500 * 10 + 200 * 2 * 0.05) / 1_000_000


@dataclass
class Model:
    """Answers each request alike; `reached` is set after its first words, behind which it waits for `go`."""

    asked: int = 0
    used: Usage = USED
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event | None = None

    def warm(self) -> None:
        return None

    async def aclose(self) -> None:
        raise AssertionError("it is not the wrapper's to close")

    async def count(self, request: ModelRequest) -> int | None:
        return 42

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.asked += 1
        yield UsageReported(FIRST)
        yield TextDelta("w" * 350)
        self.reached.set()
        if self.go:
            await self.go.wait()
        yield UsageReported(self.used)
        yield Stopped("end_turn")


class Desk:
    """A model, what was kept of it, what the person was told, and what was spent today by everybody."""

    def __init__(self, model: Model | None = None, **settings: Any) -> None:
        self.model = model or Model()
        self.kept: list[tuple[str, Usage, float | None]] = []
        self.told: list[str] = []
        self.today: float | Exception = 0.0
        self.settings = Settings(**settings)
        self.purse = Purse(self._spent_today, self.told.append)

    async def _spent_today(self) -> float:
        if isinstance(self.today, Exception):
            raise self.today
        spent = self.today + sum(cost or 0 for _, _, cost in self.kept)
        await self.meanwhile()
        return spent

    async def meanwhile(self) -> None:
        """What happens while it is looked up what was spent."""
        await asyncio.sleep(0)

    def job(self) -> Budgeted:
        return Budgeted(self.model, self.purse, self.settings, lambda *turn: self.kept.append(turn))


async def ask(job: Budgeted, request: ModelRequest = REQUEST) -> list[ModelEvent]:
    return [event async for event in job.stream(request)]


def refusal(events: list[ModelEvent]) -> str:
    (event,) = events
    assert isinstance(event, Stopped) and event.reason == "budget"
    return event.message


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def test_a_turn_is_estimated_asked_for_and_kept() -> None:
    async def story() -> None:
        desk = Desk()
        first, *others = await ask(desk.job())
        assert isinstance(first, Asking) and first.tokens == estimate(REQUEST, None, Calibration()).tokens
        assert first.cost == pytest.approx(0.002 + 0.01, rel=0.02)
        assert others == [UsageReported(FIRST), TextDelta("w" * 350), UsageReported(USED), Stopped("end_turn")]
        assert desk.kept == [(MODEL, USED, pytest.approx(COST))]

    run(story())


def test_the_next_turn_of_a_job_is_not_sent_where_it_does_not_fit() -> None:
    async def story() -> None:
        desk = Desk(budget_job=0.018)
        job = desk.job()
        assert len(await ask(job)) == 5
        for _ in range(2):
            words = refusal(await ask(job))
            assert words.startswith("The next turn would cost about $0.01") and "`budget.job`" in words
            assert "$0.0070 of this job's budget of $0.0180 is spent" in words
        assert desk.model.asked == 1 and len(desk.kept) == 1
        # The budget is that of a job: the next one has its own.
        assert len(await ask(desk.job())) == 5

    run(story())


def test_the_day_is_of_all_jobs_and_servers() -> None:
    async def story() -> None:
        desk = Desk(budget_day=1.0)
        assert len(await ask(desk.job())) == 5
        desk.today = 0.985
        words = refusal(await ask(desk.job()))
        assert "$0.99 of today's budget of $1.00 is spent." in words and "`budget.day`" in words
        desk.today = 0.9
        assert len(await ask(desk.job())) == 5
        assert desk.model.asked == 2

    run(story())


def test_the_day_is_not_looked_up_where_it_has_no_budget() -> None:
    async def story() -> None:
        desk = Desk(budget_job=1.0)
        desk.today = AssertionError("nobody asked for it")
        assert len(await ask(desk.job())) == 5

    run(story())


def test_two_jobs_at_once_cannot_both_take_the_last_of_a_budget() -> None:
    async def story() -> None:
        go = asyncio.Event()
        desk = Desk(Model(go=go), budget_day=0.02)
        first = asyncio.create_task(ask(desk.job()))
        await desk.model.reached.wait()
        words = refusal(await ask(desk.job()))
        assert "$0.0120 of today's budget of $0.0200 is spent or under way in other jobs ($0.0120)" in words
        go.set()
        assert len(await first) == 5
        assert desk.purse.released == desk.purse.reserved > 0
        # It came to less than was feared.
        assert len(await ask(desk.job())) == 5

    run(story())


def test_a_turn_that_ends_while_it_is_looked_up_what_was_spent_is_not_missed() -> None:
    async def story() -> None:
        go = asyncio.Event()
        desk = Desk(Model(go=go), budget_day=0.02)
        first = asyncio.create_task(ask(desk.job()))
        await desk.model.reached.wait()

        async def meanwhile() -> None:
            go.set()
            await first

        desk.meanwhile = meanwhile  # type: ignore[method-assign]
        assert "`budget.day`" in refusal(await ask(desk.job()))
        assert len(desk.kept) == 1

    run(story())


def test_of_two_that_ask_in_the_same_moment_only_one_is_sent() -> None:
    async def story() -> None:
        desk = Desk(Model(go=asyncio.Event()), budget_day=0.02)
        tasks = [asyncio.create_task(ask(desk.job())) for _ in range(2)]
        done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        refusal(done.pop().result())
        assert len(others) == 1 and desk.model.asked == 1
        desk.model.go.set()  # type: ignore[union-attr]
        assert len(await others.pop()) == 5

    run(story())


def test_what_cannot_be_read_allows_nothing() -> None:
    async def story() -> None:
        desk = Desk(budget_day=100.0)
        desk.today = DatabaseProblem("it is in use")
        words = refusal(await ask(desk.job()))
        assert "cannot be read" in words and "it is in use" in words and "`budget.day`" in words
        assert desk.model.asked == 0

    run(story())


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_what_was_billed_is_kept_where_the_turn_is_stopped(how: str) -> None:
    async def story() -> None:
        desk = Desk(Model(go=asyncio.Event()))
        if how == "closed":
            stream = desk.job().stream(REQUEST)
            while not isinstance(await anext(stream), TextDelta):
                pass
            await stream.aclose()
        else:
            task = asyncio.create_task(ask(desk.job()))
            await desk.model.reached.wait()
            task.cancel()
            assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)
        # The words that came are billed, though the service had no time to count them.
        ((_, used, cost),) = desk.kept
        assert used == Usage(input=1_000, output=1 + 100) and cost == pytest.approx(0.00301, rel=0.01)
        assert desk.purse.released == desk.purse.reserved > 0

    run(story())


def test_what_used_nothing_leaves_no_trace() -> None:
    class NoKey(Model):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
            yield Stopped("no_key")

    async def story() -> None:
        desk = Desk(NoKey())
        assert (await ask(desk.job()))[1:] == [Stopped("no_key")]
        assert (desk.kept, desk.purse.calibrations) == ([], {})

    run(story())


def test_an_unknown_price_stops_nothing_and_is_told_once() -> None:
    async def story() -> None:
        desk = Desk(budget_job=1e-9, budget_day=1e-9)
        unknown = ModelRequest("my.model", (), (), REQUEST.messages)
        for _ in range(2):
            job = desk.job()
            for _ in range(2):
                first, *others = await ask(job, unknown)
                assert isinstance(first, Asking) and first.cost is None and len(others) == 4
        assert desk.kept == [("my.model", USED, None)] * 4
        (words,) = desk.told
        assert "`budget.job` and `budget.day`" in words and 'prices."my.model" = [input, output]' in words

    run(story())


def test_without_a_budget_nothing_is_told_of_an_unknown_price() -> None:
    async def story() -> None:
        desk = Desk()
        await ask(desk.job(), ModelRequest("my.model", (), (), REQUEST.messages))
        assert desk.told == []

    run(story())


def test_what_a_job_has_learned_the_next_one_knows() -> None:
    async def story() -> None:
        desk = Desk(Model(used=Usage(input=2_000, output=1)))
        estimates = [(await ask(desk.job()))[0] for _ in range(12)]
        tokens = [event.tokens for event in estimates if isinstance(event, Asking)]
        assert tokens == sorted(tokens) and tokens[0] < 1_010 and tokens[-1] == pytest.approx(2_000, rel=0.05)
        # Another model counts in its own way.
        other = ModelRequest("claude-haiku-5-5", REQUEST.tools, REQUEST.system, REQUEST.messages)
        (first, *_) = await ask(desk.job(), other)
        assert isinstance(first, Asking) and first.tokens == tokens[0]

    run(story())
