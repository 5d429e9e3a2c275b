"""A model that knows what a turn costs: estimated before, refused where a budget does not allow it, kept after.

Rules:

1. A request that does not fit is not sent. What is under way counts with what it was estimated to cost: two jobs cannot
   both take the last of a budget.
2. What was billed is kept, however the turn ended: also where somebody stopped it.
3. Without a price there is no cost, so no budget can stop anything; the person is told so once.
4. Where what was spent today cannot be read, the budget of the day allows nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from claude_ls.agent.estimate import Calibration, Estimate, estimate
from claude_ls.agent.model import (
    Asking,
    Model,
    ModelEvent,
    ModelRequest,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolInputDelta,
    UsageReported,
)
from claude_ls.agent.prices import price_of
from claude_ls.agent.usage import Usage, cost_words, estimated_tokens
from claude_ls.config import Settings
from claude_ls.workspace.database import DatabaseProblem


@dataclass
class Purse:
    """What all jobs of a session have in common. `spent_today` is US dollars, of all servers of this person."""

    spent_today: Callable[[], Awaitable[float]]
    tell: Callable[[str], None]
    """Shows the person a warning."""
    calibrations: dict[str, Calibration] = field(default_factory=dict)
    reserved: float = 0.0
    """US dollars that all turns so far were estimated to cost,"""
    released: float = 0.0
    """and how much of that is of turns that have ended."""
    told: set[str] = field(default_factory=set)
    """Models of which the person knows that their price is not known."""


class Budgeted:
    """Implements `claude_ls.agent.model.Model` for one job on top of another one, which it does not own.

    `keep` is called at the end of each turn that used anything, with the cost in US dollars or None.
    """

    def __init__(
        self, model: Model, purse: Purse, settings: Settings, keep: Callable[[str, Usage, float | None], None]
    ) -> None:
        self._model = model
        self._purse = purse
        self._settings = settings
        self._keep = keep
        self._before: Usage | None = None
        self._spent = 0.0

    def warm(self) -> None:
        self._model.warm()

    async def aclose(self) -> None:
        return None

    async def count(self, request: ModelRequest) -> int | None:
        return await self._model.count(request)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        purse = self._purse
        price = price_of(request.model, self._settings.prices)
        expected = estimate(request, price, purse.calibrations.get(request.model, Calibration()), self._before)
        if expected.cost is None:
            self._tell_that_no_budget_holds(request.model)
        reserved = expected.cost or 0.0
        refused = await self._refusal(expected)
        if refused is not None:
            yield Stopped("budget", refused)
            return
        # Nothing was awaited since it was found to fit, so nobody else can have taken what is left.
        purse.reserved += reserved
        used, unreported = Usage(), 0
        try:
            yield Asking(expected.tokens, expected.cost)
            async with aclosing(self._model.stream(request)) as events:
                async for event in events:
                    match event:
                        case UsageReported():
                            used, unreported = event.usage, 0
                        case TextDelta(words) | ThinkingDelta(words) | ToolInputDelta(_, words):
                            unreported += len(words)
                    yield event
        finally:
            purse.released += reserved
            if used.total:
                calibration = purse.calibrations.get(request.model, Calibration())
                purse.calibrations[request.model] = calibration.learned(expected.uncorrected, used.prompt)
                if unreported:
                    # The service counts an answer at its end. One that was stopped before is billed all the same.
                    used += Usage(output=estimated_tokens("x" * unreported))
                cost = price.cost(used) if price else None
                self._before = used
                self._spent += cost or 0.0
                self._keep(request.model, used, cost)

    async def _refusal(self, expected: Estimate) -> str | None:
        """Why this turn is not to be asked for; None where nothing speaks against it."""
        settings, cost = self._settings, expected.cost
        if cost is None:
            return None
        turn = f"about {cost_words(cost)} (~{expected.tokens:,} tokens)"
        if settings.budget_job is not None and self._spent + cost > settings.budget_job:
            return (
                f"The next turn would cost {turn}, and {cost_words(self._spent)} of this job's budget of "
                f"{cost_words(settings.budget_job)} is spent. It was not sent: raise the setting `budget.job`."
            )
        if settings.budget_day is None:
            return None
        released = self._purse.released
        try:
            spent = await self._purse.spent_today()
        except DatabaseProblem as problem:
            return f"What was spent today cannot be read, so nothing was sent: {problem}. Or do without `budget.day`."
        # A turn that ended while that was looked up may be missing from it. Rather twice than not at all.
        under_way = round(self._purse.reserved - released, 9)
        if spent + under_way + cost > settings.budget_day:
            others = f" or under way in other jobs ({cost_words(under_way)})" if under_way else ""
            return (
                f"The next turn would cost {turn}, and {cost_words(spent + under_way)} of today's budget of "
                f"{cost_words(settings.budget_day)} is spent{others}. It was not sent: raise the setting `budget.day`, "
                "or wait for tomorrow."
            )
        return None

    def _tell_that_no_budget_holds(self, model: str) -> None:
        settings = self._settings
        budgets = {"budget.job": settings.budget_job, "budget.day": settings.budget_day}
        names = [f"`{name}`" for name, dollars in budgets.items() if dollars is not None]
        if names and model not in self._purse.told:
            self._purse.told.add(model)
            self._purse.tell(
                f"Claude: nobody knows what the model {model!r} costs, so {' and '.join(names)} cannot stop it. Set "
                f'its price in your config.toml: prices."{model}" = [input, output], US dollars for a million tokens.'
            )
