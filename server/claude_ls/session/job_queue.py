"""Lets only so many jobs run at once; those that wait have their turn in the order in which they came."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class JobQueue:
    """Of one session. `limit` is asked anew each time, since settings change."""

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self, waits: Callable[[int], None]) -> AsyncIterator[None]:
        """Wait for a place, and keep it; `waits` is told how many are running where there is none."""
        if self._running >= self._limit() or self._waiting:
            waits(self._running)
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self._leave()
                else:
                    self._waiting.remove(place)
                raise
        else:
            self._running += 1
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        self._running -= 1
        while self._waiting and self._running < self._limit():
            place = self._waiting.popleft()
            if not place.done():
                self._running += 1
                place.set_result(None)
