"""Asks the person before a job does what is not simply undone, or what its mode says: once, or for all of the job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

ONCE, FOR_THIS_JOB, DENY = "Allow once", "Allow for this job", "Deny"
Ask = Callable[[str, Sequence[str]], Awaitable[str | None]]


class Permission:
    """Of one job. No answer, a closed question and an editor that cannot ask are all a no."""

    def __init__(self, ask: Ask, waiting: Callable[[], None] = lambda: None) -> None:
        """`waiting` is called each time before the person is asked."""
        self._ask = ask
        self._waiting = waiting
        self._allowed: set[str] = set()

    async def allows(self, kind: str, question: str, *, each_time: bool = False) -> bool:
        """Whether the person says yes, now or earlier to all of this `kind`. With `each_time` only for this once."""
        if kind in self._allowed:
            return True
        self._waiting()
        choices = (ONCE, DENY) if each_time else (ONCE, FOR_THIS_JOB, DENY)
        answer = await self._ask(question, choices)
        if answer == FOR_THIS_JOB and not each_time:
            self._allowed.add(kind)
        return answer in choices[:-1]

    def already(self, kind: str) -> bool:
        """Whether all of this kind is allowed without a question."""
        return kind in self._allowed
