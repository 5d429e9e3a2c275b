"""The models that the tests of this folder use: the scripted one, and the real one before a replay server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from claude_ls.agent.budgeted import Budgeted, Purse
from claude_ls.agent.claude import ClaudeModel, Patience
from claude_ls.agent.model import Model
from claude_ls.agent.replay import ReplayServer, read_fault
from claude_ls.agent.scripted import Chunking, ScriptedModel, Turn, by_tokens
from claude_ls.config import Settings

KEY = "sk-canary-0123456789"
# So long that a busy machine is never taken for a service that does not answer.
PATIENT = Patience(connect=30, read=30, progress=30, total=50)
# For the faults that are a silence: short, so that they do not make tests slow.
IMPATIENT = Patience(connect=2, read=0.15, progress=0.3, total=20)


@dataclass
class Waits:
    """A sleep that only notes how long it would have been."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@asynccontextmanager
async def scripted_model(turns: tuple[Turn, ...]) -> AsyncGenerator[Model, None]:
    yield ScriptedModel(turns)


@asynccontextmanager
async def budgeted_model(turns: tuple[Turn, ...]) -> AsyncGenerator[Model, None]:
    async def spent_today() -> float:
        return 0.0

    settings = Settings(budget_job=100.0, budget_day=100.0)
    yield Budgeted(ScriptedModel(turns), Purse(spent_today, lambda words: None), settings, lambda *turn: None)


@asynccontextmanager
async def claude_model(turns: tuple[Turn, ...]) -> AsyncGenerator[Model, None]:
    async with replayed(turns) as (model, _, _):
        yield model


@asynccontextmanager
async def replayed(
    turns: tuple[Turn, ...] = (),
    *,
    faults: Sequence[str] = (),
    raw: Sequence[bytes] = (),
    patience: Patience = PATIENT,
    chunking: Chunking = by_tokens,
    tokens_per_second: float | None = None,
) -> AsyncGenerator[tuple[ClaudeModel, ReplayServer, Waits], None]:
    waits = Waits()
    server = ReplayServer(turns, tokens_per_second, chunking, [read_fault(fault) for fault in faults], raw)
    await server.start()
    model = ClaudeModel(environ={"ANTHROPIC_API_KEY": KEY}, endpoint=server.url, patience=patience, sleep=waits)
    try:
        yield model, server, waits
    finally:
        await model.aclose()
        await server.close()


def run(main: Coroutine[Any, Any, None]) -> None:
    """`asyncio.run` that also finds tasks left behind."""

    async def watched() -> None:
        await asyncio.wait_for(main, 60)
        for _ in range(3):
            await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left

    asyncio.run(watched())
