"""Checkpoints come back as they were kept, and go by age and size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.workspace import checkpoints
from claude_ls.workspace.checkpoints import Checkpoints, Kept, wound_back
from claude_ls.workspace.database import Database
from claude_ls.workspace.path_state import ABSENT, PathState


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


@pytest.fixture
def store(tmp_path: Path) -> Checkpoints:
    return Checkpoints(Database(tmp_path / "state", {"checkpoints": checkpoints.TABLES}), Clock())


def test_what_is_kept_comes_back(tmp_path: Path, store: Checkpoints) -> None:
    path, link, none = tmp_path / "it", tmp_path / "link", tmp_path / "none"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\r")
    path.chmod(0o755)
    link.symlink_to("elsewhere")
    assert store.keep("job1", "job1", "do it", path, None)
    assert store.keep("job1", "job1", "do it", link, None)
    assert store.keep("job1", "job1", "do it", none, "not saved\u2028\ud800")
    found = {kept.path.name: kept for kept in store.kept("job1")}
    assert found["it"].state == PathState("file", 0o755, b"\xef\xbb\xbfa\r\nb\r")
    assert found["it"].text == "a\r\nb\r"
    assert found["link"].state == PathState("link", link="elsewhere")
    assert found["none"].state == ABSENT
    assert found["none"].text == "not saved\u2028\ud800"
    assert [(item.id, item.title, item.files) for item in store.all()] == [("job1", "do it", 3)]


def test_bytes_that_are_no_text_have_none(tmp_path: Path, store: Checkpoints) -> None:
    (tmp_path / "it").write_bytes(b"\xff\x00")
    store.keep("job1", "job1", "", tmp_path / "it", None)
    (kept,) = store.kept("job1")
    assert (kept.state.data, kept.text) == (b"\xff\x00", None)


def test_the_first_state_of_a_checkpoint_stays(tmp_path: Path, store: Checkpoints) -> None:
    path = tmp_path / "it"
    for text in ("one", "two"):
        path.write_text(text)
        assert store.keep("job1", "job1", "", path, text) == (text == "one")
    (kept,) = store.kept("job1")
    assert (kept.state.data, kept.text, kept.after, kept.reverted) == (b"one", "one", None, None)
    store.came_of("job1", path, "three", "two")
    store.came_of("job1", path, "four", "three")
    (kept,) = store.kept("job1")
    assert (kept.text, kept.after, kept.reverted) == ("one", "four", "three")


def test_all_since_the_newest_first(tmp_path: Path, store: Checkpoints) -> None:
    path = tmp_path / "it"
    for number in range(4):
        path.write_text(str(number))
        store.keep(f"job{number}", f"job{number}", f"title {number}", path, None)
    assert [item.id for item in store.all()] == ["job3", "job2", "job1", "job0"]
    assert [kept.text for kept in store.since("job1")] == ["3", "2", "1"]
    assert store.since("no such") == []
    assert store.find("no such") is None
    assert (found := store.find("job2")) is not None
    assert found.title == "title 2"
    assert found.time == datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC)


def test_what_is_alike_is_kept_once_and_small(tmp_path: Path) -> None:
    root = tmp_path / "state"
    database = Database(root, {"checkpoints": checkpoints.TABLES})
    store = Checkpoints(database, Clock())
    path = tmp_path / "it"
    path.write_text("the same line\n" * 50_000)
    for number in range(20):
        store.keep(f"job{number}", f"job{number}", "", path, path.read_text())
    with database.transaction() as connection:
        assert connection.execute("SELECT count(*), sum(size) FROM blobs").fetchone() == (1, 700_000)
        assert connection.execute("SELECT sum(length(data)) FROM blobs").fetchone()[0] < 20_000
    database.close()


def test_the_oldest_go_by_age_and_by_size_and_the_newest_stays(tmp_path: Path) -> None:
    clock = Clock()
    database = Database(tmp_path / "state", {"checkpoints": checkpoints.TABLES})
    store = Checkpoints(database, clock)
    path = tmp_path / "it"
    for number in range(6):
        path.write_bytes(bytes((number * 31 + at * at * (number + 7)) % 251 for at in range(50_000)))
        store.keep(f"job{number}", f"job{number}", "", path, None)
        clock.time += timedelta(days=1)
    assert store.prune(100, 10**9) == 0
    assert store.prune(3.5, 10**9) == 3
    assert [item.id for item in store.all()] == ["job5", "job4", "job3"]
    with database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM blobs").fetchone() == (3,)
        size = connection.execute("SELECT sum(length(data)) FROM blobs").fetchone()[0]
    store.prune(100, size * 3 // 4)
    assert [item.id for item in store.all()] == ["job5", "job4"]
    store.prune(0.0, 0)
    assert [item.id for item in store.all()] == ["job5"]
    assert store.kept("job5")[0].state.data == path.read_bytes()
    database.close()


def kept(text: str | None, after: str | None = None, reverted: str | None = None) -> Kept:
    return Kept("job", Path("it"), ABSENT, text, after, reverted)


@given(st.text("ab\r\n"), st.text("ab\r\n"))
def test_without_typing_the_text_is_as_it_was(before: str, after: str) -> None:
    wound = wound_back([kept(before, after, before)], after)
    assert (wound.text, wound.clean, wound.before) == (before, True, before)


def test_what_was_typed_elsewhere_stays() -> None:
    wound = wound_back(
        [kept("a\nB\nc\n", "a\nB\nC\n", "a\nB\nc\n"), kept("a\nb\nc\n", "a\nB\nc\n", "a\nb\nc\n")], "mine\na\nB\nC\n"
    )
    assert (wound.text, wound.clean, wound.before) == ("mine\na\nb\nc\n", True, "a\nb\nc\n")


def test_what_was_typed_while_claude_wrote_stays() -> None:
    wound = wound_back([kept("a\nb\n", "a\nB\nmine\n", "a\nb\nmine\n")], "a\nB\nmine\n")
    assert (wound.text, wound.clean) == ("a\nb\nmine\n", True)


def test_lines_that_both_have_changed_are_not_touched() -> None:
    wound = wound_back([kept("a\nb\n", "a\nB\n", "a\nb\n")], "a\nmine\n")
    assert (wound.text, wound.clean, wound.before) == ("a\nmine\n", False, "a\nb\n")


@pytest.mark.parametrize(("now", "clean"), [("a\n", True), ("b\n", False)])
def test_what_nobody_could_say_any_more_is_not_guessed(now: str, clean: bool) -> None:
    wound = wound_back([kept("a\n")], now)
    assert (wound.text, wound.clean, wound.before) == (now, clean, "a\n")
