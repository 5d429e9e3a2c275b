"""What a session's turns cost: kept as they end, and summed up for the budget of the day and for whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from claude_ls.agent.budgeted import Budgeted, Purse
from claude_ls.agent.model import Model
from claude_ls.agent.usage import Usage
from claude_ls.config import Settings
from claude_ls.session.client import Client
from claude_ls.session.keeping import Keeping
from claude_ls.workspace.usage_store import Group, Tally, Turn, summed, total


@dataclass(frozen=True)
class Spent:
    """All that was used in some time, together and by day (ISO dates, where the person is), action and model."""

    total: Tally
    days: dict[str, Tally]
    actions: dict[str, Tally]
    models: dict[str, Tally]

    @property
    def unpriced(self) -> list[str]:
        """The models that were used and whose price was not known."""
        return [model for model, tally in self.models.items() if tally.unpriced]


def spent_in(groups: list[Group]) -> Spent:
    """The same, summed in every way."""
    return Spent(
        total(groups),
        summed(groups, lambda group: group.day),
        summed(groups, lambda group: group.action),
        summed(groups, lambda group: group.model),
    )


def since_of(text: str, now: datetime) -> datetime:
    """From when on, as a person writes it: `today`, an ISO date, or one with a time; `ValueError` for anything else.

    What says nothing of its time zone is meant where the person is.
    """
    if text == "today":
        return start_of_day(now)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f'must be "today", a date (2026-01-31) or a date and time (2026-01-31T12:00), not {text!r}'
        ) from error


def start_of_day(now: datetime) -> datetime:
    """The last midnight before `now`, where the person is."""
    today: date = now.astimezone().date()
    return datetime.combine(today, time()).astimezone(UTC)


class Spending:
    """Of one session. `now` is aware."""

    def __init__(self, keeping: Keeping, client: Client, now: Callable[[], datetime]) -> None:
        self._keeping = keeping
        self._now = now
        self._purse = Purse(self._spent_today, lambda words: client.tell("warning", words))

    def watched(self, model: Model, settings: Settings, job: str, action: str, folder: Path) -> Model:
        """`model` for one job that does `action` in `folder`, held to the budgets of `settings`."""

        def keep(name: str, used: Usage, cost: float | None) -> None:
            tokens = (used.input, used.output, used.cache_read, used.cache_write)
            self._keeping.spent(Turn(self._now(), job, action, name, folder, *tokens, cost))

        return Budgeted(model, self._purse, settings, keep)

    async def since(self, begin: datetime | None) -> Spent:
        """What all servers of this person used since then, or ever; `DatabaseProblem` where it cannot be read."""
        await self._keeping.finished()
        usage = self._keeping.usage
        return spent_in(await self._keeping.ask(lambda: usage.since(begin)))

    async def _spent_today(self) -> float:
        # What this session has used must be on disk before it is asked for.
        await self._keeping.finished()
        begin, usage = start_of_day(self._now()), self._keeping.usage
        return await self._keeping.ask(lambda: usage.spent(begin))
