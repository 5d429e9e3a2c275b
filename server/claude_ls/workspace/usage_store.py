"""Keeps what each turn of a model took and cost, of all servers of this person, and sums it up."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from claude_ls.workspace.database import Database

TABLES: tuple[str, ...] = (
    # Paths are kept as bytes: a name on disk need not be valid text.
    """CREATE TABLE usage_turns (
    number INTEGER PRIMARY KEY, time TEXT NOT NULL, job TEXT NOT NULL, action TEXT NOT NULL, model TEXT NOT NULL,
    folder BLOB NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL, cache_read INTEGER NOT NULL,
    cache_write INTEGER NOT NULL, cost REAL
) STRICT;
CREATE INDEX usage_turns_by_time ON usage_turns (time)""",
)
MOST_TOKENS = 10**12
"""More than this in one turn is nonsense of the endpoint's, which must not spoil every sum from then on."""
MOST_DAYS = 36_500
"""Dates cannot be counted back much further."""


@dataclass(frozen=True)
class Tally:
    """The sum of some turns: tokens, and US dollars of those turns whose price was known (`turns` less `unpriced`)."""

    turns: int = 0
    unpriced: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    dollars: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.turns + other.turns,
            self.unpriced + other.unpriced,
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.dollars + other.dollars,
        )

    @property
    def cost(self) -> float | None:
        """US dollars; None where the price of not one of the turns was known."""
        return None if self.turns and self.turns == self.unpriced else self.dollars

    @property
    def cache_hit_rate(self) -> float | None:
        """From 0 to 1: how much of all that was sent came from the prompt cache; None where nothing was sent."""
        sent = self.input + self.cache_read + self.cache_write
        return self.cache_read / sent if sent else None


@dataclass(frozen=True)
class Turn:
    """One answer of a model. `time` is aware; `cost` is US dollars, None where the price is not known."""

    time: datetime
    job: str
    action: str
    model: str
    folder: Path
    input: int
    output: int
    cache_read: int
    cache_write: int
    cost: float | None


@dataclass(frozen=True)
class Group:
    """All turns of one action with one model on one day (ISO date, where the person is)."""

    day: str
    action: str
    model: str
    tally: Tally


class UsageStore:
    """Blocks like the database it is in, and is on disk when it returns; `DatabaseProblem` where it cannot be."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, turn: Turn) -> None:
        """Keep one turn; `ValueError` where its time is not aware."""
        tokens = (turn.input, turn.output, turn.cache_read, turn.cache_write)
        row = (
            *(_stamp(turn.time), _plain(turn.job), _plain(turn.action), _plain(turn.model), os.fsencode(turn.folder)),
            *(min(count, MOST_TOKENS) for count in tokens),
            turn.cost,
        )
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO usage_turns (time, job, action, model, folder, input, output, cache_read, cache_write,"
                " cost) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def since(self, time: datetime | None) -> list[Group]:
        """All turns from `time` on, or all there are: the oldest day first, within it by action and model."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT date(time, 'localtime') AS day, action, model, count(*), count(*) - count(cost), sum(input),"
                " sum(output), sum(cache_read), sum(cache_write), total(cost) FROM usage_turns WHERE time >= ?"
                " GROUP BY day, action, model ORDER BY day, action, model",
                (_stamp(time) if time else "",),
            ).fetchall()
        return [Group(day, action, model, Tally(*figures)) for day, action, model, *figures in rows]

    def spent(self, since: datetime) -> float:
        """US dollars from that time on, as far as prices were known."""
        with self._database.transaction() as connection:
            query = "SELECT total(cost) FROM usage_turns WHERE time >= ?"
            return float(connection.execute(query, (_stamp(since),)).fetchone()[0])

    def prune(self, max_age_days: float) -> None:
        """Forget all turns that are older."""
        limit = _stamp(datetime.now(UTC) - timedelta(days=min(max_age_days, MOST_DAYS)))
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM usage_turns WHERE time < ?", (limit,))


def total(groups: Iterable[Group]) -> Tally:
    """All of them together."""
    return sum((group.tally for group in groups), Tally())


def summed(groups: Iterable[Group], name: Callable[[Group], str]) -> dict[str, Tally]:
    """The same by what `name` says of each, in the order in which the names first come."""
    found: dict[str, Tally] = {}
    for group in groups:
        key = name(group)
        found[key] = found.get(key, Tally()) + group.tally
    return found


def _stamp(time: datetime) -> str:
    """A time as text that sorts as times do."""
    if time.tzinfo is None:
        raise ValueError(f"{time} says nothing about its time zone")
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _plain(text: str) -> str:
    """Text that SQLite takes: a setting can hold half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8")
