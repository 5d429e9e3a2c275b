"""Keeps what must outlive the session, in the order in which it happened and without making the editor wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

from claude_ls.session.client import Client
from claude_ls.workspace import authorship, checkpoints, review_store, usage_store
from claude_ls.workspace.authorship import Authorship, JobRecord, WrittenLines
from claude_ls.workspace.checkpoints import Checkpoints
from claude_ls.workspace.database import Database, DatabaseProblem
from claude_ls.workspace.files import FileProblem
from claude_ls.workspace.review_store import ReviewStore, StoredReview
from claude_ls.workspace.usage_store import Turn, UsageStore

Result = TypeVar("Result")
REMEMBERED_DAYS = 730.0
"""How long it is known who wrote what, and what was spent."""


class Background(Protocol):
    """Does blocking work where nobody waits for it, one piece behind the other."""

    def __call__(self, work: Callable[[], Result], /) -> Awaitable[Result]: ...


@dataclass(frozen=True)
class Stores:
    """All that is kept, in one database."""

    database: Database
    checkpoints: Checkpoints
    reviews: ReviewStore
    authorship: Authorship
    usage: UsageStore


def open_stores(root: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Stores:
    """All that is kept in the folder `root`. Nothing is opened or made before it is needed."""
    rooms = {"checkpoints": checkpoints, "reviews": review_store, "authorship": authorship, "usage": usage_store}
    database = Database(root, {name: room.TABLES for name, room in rooms.items()})
    return Stores(
        database, Checkpoints(database, now), ReviewStore(database), Authorship(database), UsageStore(database)
    )


def one_thread() -> Background:
    """A thread of its own for what blocks and must happen in order."""
    executor = ThreadPoolExecutor(1, "claude-ls-keeping")

    def background(work: Callable[[], Result], /) -> Awaitable[Result]:
        return asyncio.get_running_loop().run_in_executor(executor, work)

    return background


SPENT_SECONDS = 0.2


class Keeping:
    """The stores, off the event loop. What cannot be kept is told once, and nothing else suffers."""

    def __init__(self, stores: Stores, background: Background, client: Client) -> None:
        self._stores = stores
        self._background = background
        self._client = client
        self._told: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns: list[Turn] = []
        self._soon: asyncio.TimerHandle | None = None

    async def keep(self, job: str, title: str, path: Path, text: str | None) -> str | None:
        """Store what is at `path`, before `job` changes it; why that cannot be, or None once it is on disk."""
        try:
            await self.ask(lambda: self._stores.checkpoints.keep(job, job, title, path, text))
        except (DatabaseProblem, FileProblem) as problem:
            return f"no checkpoint could be made first: {problem}"
        return None

    def came_of(self, job: str, changed: Iterable[tuple[Path, str, str]]) -> None:
        """What `job` has made so far: path, the text as it is, and the same without what the job changed."""
        for path, after, reverted in changed:
            self._later(lambda p=path, a=after, r=reverted: self._stores.checkpoints.came_of(job, p, a, r))  # type: ignore[misc]

    def save(self, reviews: list[StoredReview]) -> None:
        self._later(lambda: self._stores.reviews.save(reviews))

    def remember(self, record: JobRecord, lines: list[WrittenLines]) -> None:
        """Who asked for what, and the lines that came of it."""
        journal = self._stores.authorship

        def work() -> None:
            journal.remember_job(record)
            for path in {written.path for written in lines}:
                journal.forget_lines(record.id, path)
            journal.remember_lines(lines)

        self._later(work)

    def spent(self, turn: Turn) -> None:
        """What one turn of a model took: kept a moment later, so that no edit goes out while that is half written."""
        self._turns.append(turn)
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(SPENT_SECONDS, self._keep_turns)

    def _keep_turns(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
        turns, self._turns, self._soon = self._turns, [], None
        for turn in turns:
            self._later(lambda turn=turn: self._stores.usage.add(turn))  # type: ignore[misc]

    def prune(self, days: float, size: int) -> None:
        self._later(lambda: self._stores.checkpoints.prune(days, size))
        self._later(lambda: self._stores.authorship.prune(REMEMBERED_DAYS))
        self._later(lambda: self._stores.usage.prune(REMEMBERED_DAYS))

    async def reviews(self) -> list[StoredReview]:
        """All that waited for review when the last server ended; nothing where that cannot be read, which is told."""
        try:
            return await self.ask(self._stores.reviews.all)
        except DatabaseProblem as problem:
            self._tell(str(problem))
            return []

    async def ask(self, work: Callable[[], Result]) -> Result:
        """Have `work` done behind all that was to be kept before; whatever it raises is raised."""
        try:
            return await self._background(work)
        finally:
            for told in self._stores.database.told:
                self._tell(told)

    @property
    def checkpoints(self) -> Checkpoints:
        return self._stores.checkpoints

    @property
    def authorship(self) -> Authorship:
        return self._stores.authorship

    @property
    def usage(self) -> UsageStore:
        return self._stores.usage

    async def finished(self) -> None:
        """Wait until all is on disk."""
        self._keep_turns()
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def aclose(self) -> None:
        await self.finished()
        await self._background(self._stores.database.close)

    def _later(self, work: Callable[[], object]) -> None:
        task = asyncio.get_running_loop().create_task(self._do(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, work: Callable[[], object]) -> None:
        try:
            await self.ask(work)
        except (DatabaseProblem, FileProblem) as problem:
            self._tell(str(problem))

    def _tell(self, problem: str) -> None:
        if problem not in self._told:
            self._told.add(problem)
            self._client.tell("warning", f"Claude: {problem}.")
