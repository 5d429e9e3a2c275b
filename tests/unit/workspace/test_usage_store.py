"""What turns took is summed to the last token, whoever writes at the same time, and is not lost where it is damaged."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_ls.workspace import usage_store
from claude_ls.workspace.database import NAME, Database, DatabaseProblem
from claude_ls.workspace.usage_store import MOST_TOKENS, Group, Tally, Turn, UsageStore, summed, total

NOW = datetime.now(UTC)
TURN = Turn(NOW, "job1", "edit", "claude-sonnet-5-5", Path("/project"), 100, 20, 300, 40, 0.25)
TABLES = {"usage": usage_store.TABLES}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[UsageStore]:
    database = Database(tmp_path, TABLES)
    yield UsageStore(database)
    database.close()


def day_of(time: datetime) -> str:
    return time.astimezone().date().isoformat()


def test_nothing_is_nothing(store: UsageStore) -> None:
    assert (store.since(None), store.spent(NOW)) == ([], 0.0)
    assert (total([]).cost, total([]).cache_hit_rate) == (0.0, None)


def test_turns_of_one_kind_are_one_group(store: UsageStore) -> None:
    for turn in (
        TURN,
        replace(TURN, job="job2"),
        replace(TURN, action="explain"),
        replace(TURN, model="other", cost=None),
    ):
        store.add(turn)
    today = day_of(NOW)
    assert store.since(None) == [
        Group(today, "edit", "claude-sonnet-5-5", Tally(2, 0, 200, 40, 600, 80, 0.5)),
        Group(today, "edit", "other", Tally(1, 1, 100, 20, 300, 40, 0.0)),
        Group(today, "explain", "claude-sonnet-5-5", Tally(1, 0, 100, 20, 300, 40, 0.25)),
    ]
    by_model = summed(store.since(None), lambda group: group.model)
    assert [(name, tally.cost) for name, tally in by_model.items()] == [("claude-sonnet-5-5", 0.75), ("other", None)]
    assert total(store.since(None)).cost == 0.75
    assert total(store.since(None)).cache_hit_rate == 300 / 440


def test_only_what_came_since_counts_to_the_microsecond(store: UsageStore) -> None:
    before, after = NOW - timedelta(microseconds=1), NOW + timedelta(microseconds=1)
    store.add(TURN)
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-11)))
    assert [len(store.since(time)) for time in (before, NOW, elsewhere, after)] == [1, 1, 1, 0]
    assert [store.spent(time) for time in (before, NOW, elsewhere, after)] == [0.25, 0.25, 0.25, 0.0]
    with pytest.raises(ValueError, match="time zone"):
        store.add(replace(TURN, time=datetime(2026, 1, 1)))


def test_days_are_those_of_the_person(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from claude_ls.workspace import usage_store as u\n"
        "from claude_ls.workspace.database import Database\n"
        "print([group.day for group in u.UsageStore(Database(Path(sys.argv[1]), {'usage': u.TABLES})).since(None)])"
    )
    database = Database(tmp_path, TABLES)
    for hour in (5, 11, 23):
        UsageStore(database).add(replace(TURN, time=datetime(2026, 7, 1, hour, 30, tzinfo=UTC)))
    database.close()

    def days(zone: str) -> str:
        environ = {**os.environ, "TZ": zone}
        return subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], env=environ, capture_output=True, text=True, check=True
        ).stdout.strip()

    assert days("UTC0") == "['2026-07-01']"
    assert days("EAST-1") == "['2026-07-01', '2026-07-02']"
    assert days("WEST+6") == "['2026-06-30', '2026-07-01']"


@pytest.mark.parametrize("odd", [{"model": "half \ud83d"}, {"folder": Path(os.fsdecode(b"/\xff"))}, {"job": ""}])
def test_odd_names_are_kept(store: UsageStore, odd: dict[str, object]) -> None:
    store.add(replace(TURN, **odd))  # type: ignore[arg-type]
    assert total(store.since(None)).turns == 1


def test_a_count_that_is_nonsense_spoils_no_sum(store: UsageStore) -> None:
    store.add(replace(TURN, input=10**30))
    store.add(TURN)
    assert total(store.since(None)).input == MOST_TOKENS + 100


def test_a_prune_forgets_what_is_older(store: UsageStore) -> None:
    store.add(replace(TURN, time=NOW - timedelta(days=31)))
    store.add(replace(TURN, time=NOW - timedelta(days=29)))
    store.prune(1e12)
    assert total(store.since(None)).turns == 2
    store.prune(30)
    assert [group.day for group in store.since(None)] == [day_of(NOW - timedelta(days=29))]


TURNS = st.builds(
    Turn,
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(("job1", "job2")),
    st.sampled_from(("edit", "explain", "fix")),
    st.sampled_from(("a", "b")),
    st.just(Path("/project")),
    *[st.integers(0, 10**7)] * 4,
    # In sixteenths, so that sums are exact in whatever order.
    st.none() | st.integers(0, 10**4).map(lambda number: number / 16),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(TURNS, max_size=12), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_whatever_way_it_is_summed_it_comes_to_the_same(turns: list[Turn], since: datetime) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder), TABLES)
        store = UsageStore(database)
        for turn in turns:
            store.add(turn)
        groups, spent = store.since(since), store.spent(since)
        database.close()
    wanted = [turn for turn in turns if turn.time >= since]
    whole = total(groups)
    assert whole == Tally(
        len(wanted),
        sum(turn.cost is None for turn in wanted),
        *(sum(getattr(turn, name) for turn in wanted) for name in ("input", "output", "cache_read", "cache_write")),
        sum(turn.cost or 0.0 for turn in wanted),
    )
    assert spent == whole.dollars
    for name in ("day", "action", "model"):
        parts = summed(groups, lambda group, name=name: getattr(group, name))  # type: ignore[misc]
        assert sum(parts.values(), Tally()) == whole
    for action, tally in summed(groups, lambda group: group.action).items():
        assert tally.turns == sum(turn.action == action for turn in wanted)
    assert [group.day for group in groups] == sorted(group.day for group in groups)


def test_several_servers_write_at_once_and_no_turn_is_lost(tmp_path: Path) -> None:
    databases = [Database(tmp_path, TABLES) for _ in range(4)]
    problems: list[BaseException] = []

    def write(database: Database) -> None:
        try:
            for _ in range(25):
                UsageStore(database).add(TURN)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert total(UsageStore(databases[0]).since(None)).turns == 100
    assert UsageStore(databases[1]).spent(NOW) == 25.0
    for database in databases:
        database.close()


def test_a_database_from_before_there_was_usage_takes_it(tmp_path: Path) -> None:
    older = Database(tmp_path, {"reviews": ("CREATE TABLE reviews (uri TEXT)",)})
    with older.transaction():
        pass
    older.close()
    database = Database(tmp_path, TABLES)
    UsageStore(database).add(TURN)
    assert total(UsageStore(database).since(None)).turns == 1
    database.close()


def test_one_of_a_newer_claude_ls_is_left_alone(tmp_path: Path) -> None:
    newer = Database(tmp_path, {"usage": (*usage_store.TABLES, "CREATE TABLE usage_more (x TEXT)")})
    UsageStore(newer).add(TURN)
    newer.close()
    database = Database(tmp_path, TABLES)
    with pytest.raises(DatabaseProblem, match="newer claude-ls"):
        UsageStore(database).add(TURN)
    with pytest.raises(DatabaseProblem, match="newer claude-ls"):
        UsageStore(database).spent(NOW)


def test_a_damaged_one_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no database" * 1000)
    database = Database(tmp_path, TABLES)
    UsageStore(database).add(TURN)
    assert total(UsageStore(database).since(None)).turns == 1
    assert len(database.told) == 1 and "is set aside as" in database.told[0]
    database.close()
