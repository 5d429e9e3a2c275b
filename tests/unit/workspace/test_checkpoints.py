"""Checkpoints come back as they were kept, and go by age and size."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_ls.workspace import checkpoints
from claude_ls.workspace.checkpoints import Checkpoints, Kept, WoundBack, wound_back
from claude_ls.workspace.database import Database, DatabaseProblem
from claude_ls.workspace.files import MAX_BYTES, FileProblem
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


def test_what_somebody_says_again_and_again_leaves_nothing_behind(tmp_path: Path) -> None:
    """And so it does not push out what is kept of others."""
    database = Database(tmp_path / "state", {"checkpoints": checkpoints.TABLES})
    store = Checkpoints(database, Clock())
    path = tmp_path / "it"
    path.write_text("the same")
    for job in ("job1", "job2"):
        store.keep(job, job, "", path, None)
    store.came_of("job1", path, "a\n", "z\n")
    store.came_of("job2", path, "x\n", "the same")
    for number in range(20):
        store.came_of("job2", path, f"a\n{number}", "a\n")
    store.came_of("job2", path, "b\n", "c\n")
    with database.transaction() as connection:
        sizes = [row[0] for row in connection.execute("SELECT size FROM blobs ORDER BY size")]
    assert sizes == [2, 2, 2, 2, 8]
    assert [(kept.text, kept.after, kept.reverted) for kept in store.since("job1")] == [
        ("the same", "b\n", "c\n"),
        ("the same", "a\n", "z\n"),
    ]
    store.came_of("job2", tmp_path / "never kept", "x", "y")
    store.came_of("job3", path, "x", "y")
    assert len(store.since("job1")) == 2
    with database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM blobs").fetchone() == (5,)
        connection.execute("INSERT INTO blobs VALUES (x'00', 9, zeroblob(100000))")
    assert store.prune(100, 50_000) == 0
    database.close()


BYTES = st.binary(max_size=200) | st.text(max_size=50).map(lambda text: text.encode("utf-8", "replace"))
ANY_TEXT = st.text(st.characters(codec=None) | st.sampled_from("\r\n\0\u2028\ufeff\ud800\udcff"), max_size=50)


@settings(max_examples=60, deadline=None)
@given(BYTES, st.none() | ANY_TEXT, ANY_TEXT, ANY_TEXT, st.sampled_from([0o600, 0o644, 0o755, 0o4711]))
def test_it_comes_back_to_the_bit_after_a_restart(
    data: bytes, text: str | None, after: str, reverted: str, mode: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        root, path = Path(name) / "state", Path(name).resolve() / os.fsdecode(b"it \xff\n")
        path.write_bytes(data)
        path.chmod(mode)
        for step in ("keep", "say", "read"):
            database = Database(root, {"checkpoints": checkpoints.TABLES})
            store = Checkpoints(database, Clock())
            if step == "keep":
                store.keep("job1", "job1", "t", path, text)
            elif step == "say":
                store.came_of("job1", path, after, reverted)
            else:
                (kept,) = store.kept("job1")
                assert kept.state == PathState("file", mode, data)
                assert (kept.path, kept.after, kept.reverted) == (path, after, reverted)
                if text is not None:
                    assert kept.text == text
            database.close()


@pytest.mark.parametrize("link", ["./x//y/", os.fsdecode(b"\xff"), "\n"])
def test_a_link_is_kept_to_the_letter(tmp_path: Path, store: Checkpoints, link: str) -> None:
    os.symlink(link, tmp_path / "it")  # noqa: PTH211 (a Path would tidy it up)
    store.keep("job1", "job1", "", tmp_path / "it", None)
    assert store.kept("job1")[0].state == PathState("link", link=link)


def test_a_file_is_the_same_by_whatever_links_it_is_found(tmp_path: Path, store: Checkpoints) -> None:
    """Later the link can lead elsewhere, and then nothing must be written there."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "by_link").symlink_to("folder")
    assert store.keep("job1", "job1", "", tmp_path / "by_link" / "it", "a")
    assert not store.keep("job1", "job1", "", tmp_path / "folder" / "it", "a")
    store.came_of("job1", tmp_path / "by_link" / "it", "b", "a")
    (kept,) = store.kept("job1")
    assert (kept.path, kept.after) == (tmp_path / "folder" / "it", "b")


@pytest.mark.parametrize(
    "spoil",
    [
        "DELETE FROM blobs",
        "UPDATE blobs SET data = x'00'",
        "UPDATE blobs SET data = substr(data, 1, length(data) - 1)",
        # Whole as such, and something else: "other".
        "UPDATE blobs SET data = x'789ccb2fc9482d020006740223'",
    ],
)
def test_what_is_damaged_is_said_and_never_comes_back_as_something_else(tmp_path: Path, spoil: str) -> None:
    database = Database(tmp_path / "state", {"checkpoints": checkpoints.TABLES})
    store = Checkpoints(database, Clock())
    path = tmp_path / "it"
    path.write_text("precious")
    store.keep("job1", "job1", "", path, None)
    with database.transaction() as connection:
        connection.execute(spoil)
    for find in (store.kept, store.since):
        with pytest.raises(DatabaseProblem, match="'it' is damaged"):
            find("job1")
    assert [item.id for item in store.all()] == ["job1"]
    # The next one that keeps the same does not rely on it.
    store.keep("job2", "job2", "", path, None)
    assert [kept.text for kept in store.since("job1")] == ["precious", "precious"]
    database.close()


def test_what_is_kept_already_is_not_looked_at_again(tmp_path: Path, store: Checkpoints) -> None:
    path = tmp_path / "it"
    path.write_text("one")
    store.keep("job1", "job1", "", path, None)
    os.truncate(path, MAX_BYTES + 1)
    assert not store.keep("job1", "job1", "", path, None)
    with pytest.raises(FileProblem, match="too large"):
        store.keep("job2", "job2", "", path, None)
    assert [item.id for item in store.all()] == ["job1"]


def test_words_with_half_a_character_are_no_obstacle(tmp_path: Path, store: Checkpoints) -> None:
    assert store.keep("job1", "job1", "say \ud83d\0", tmp_path / "it", None)
    assert [item.title for item in store.all()] == ["say ?\0"]


def test_it_can_be_kept_from_many_threads(tmp_path: Path, store: Checkpoints) -> None:
    def keep(number: int) -> bool:
        return store.keep("job1", "job1", "", tmp_path / str(number % 20), str(number))

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(keep, range(80))) == 20
    assert [item.files for item in store.all()] == [20]


def test_who_is_first_stays_first(tmp_path: Path, store: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one keeps the same while we look."""

    def look_late(path: Path) -> PathState:
        monkeypatch.undo()
        assert store.keep("job1", "job1", "", path, "theirs")
        return ABSENT

    monkeypatch.setattr(checkpoints, "look", look_late)
    assert not store.keep("job1", "job1", "", tmp_path / "it", "ours")
    assert [kept.text for kept in store.kept("job1")] == ["theirs"]


def test_the_size_is_that_of_all_that_was_there(tmp_path: Path, store: Checkpoints) -> None:
    (tmp_path / "it").write_bytes(b"12345")
    (tmp_path / "other").write_bytes(b"12345")
    store.keep("job1", "job1", "", tmp_path / "it", "12345")
    store.keep("job1", "job1", "", tmp_path / "other", "123 not saved")
    store.keep("job1", "job1", "", tmp_path / "none", None)
    store.keep("job2", "job2", "", tmp_path / "none", None)
    assert [(item.files, item.size) for item in store.all()] == [(1, 0), (3, 5 + 5 + 13)]


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


def test_a_file_that_a_job_has_made_was_empty_before() -> None:
    made = kept(None, "a\nb\n", "")
    assert wound_back([made], "a\nb\n") == WoundBack("", True, "")
    assert wound_back([kept("a\nb\n", "a\nB\n", "a\nb\n"), made], "a\nB\n") == WoundBack("", True, "")
    assert not wound_back([made], "a\nmine\n").clean
    assert wound_back([kept(None)], "whose?") == WoundBack("whose?", False, "")


LINE = st.tuples(st.sampled_from(["claude", "person", "both"]), st.integers(1, 3))


@given(st.lists(LINE, max_size=8), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_only_what_claude_wrote_is_taken_out(changes: list[tuple[str, int]], end: str, ends: bool) -> None:
    """Jobs, one behind the other, and then a person; between any two changed lines is one that nobody touched."""
    jobs = 3
    columns: list[list[str]] = [[] for _ in range(jobs + 2)]
    for number, (who, job) in enumerate(changes):
        for stage in range(jobs + 1):
            by_claude = who != "person" and stage >= job
            columns[stage] += [f"rest {number}", f"job{job} {number}" if by_claude else f"line {number}"]
        columns[-1] += [f"rest {number}", f"mine {number}" if who != "claude" else columns[jobs][-1]]
    texts = [end.join([*column, *[""] * ends]) for column in columns]
    story = [kept(texts[job], texts[job + 1], texts[job]) for job in reversed(range(jobs))]
    wound = wound_back(story, texts[-1])
    wanted = [
        line
        for number, (who, _) in enumerate(changes)
        for line in (f"rest {number}", f"line {number}" if who == "claude" else f"mine {number}")
    ]
    assert wound.clean == all(who != "both" for who, _ in changes)
    assert wound.before == texts[0]
    assert wound.text == end.join([*wanted, *[""] * ends])
