"""The database: durable, shared, and never lost where it is damaged."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from claude_ls.workspace.database import NAME, Database, DatabaseProblem

TABLES = {"things": ("CREATE TABLE things (name TEXT PRIMARY KEY)",)}


def add(database: Database, *names: str) -> None:
    with database.transaction() as connection:
        connection.executemany("INSERT INTO things VALUES (?)", [(name,) for name in names])


def names(database: Database) -> list[str]:
    with database.transaction() as connection:
        return [row[0] for row in connection.execute("SELECT name FROM things ORDER BY name")]


def filled(root: Path, count: int = 2000) -> Database:
    database = Database(root, TABLES)
    add(database, *(f"{number:05}" * 20 for number in range(count)))
    return database


def test_what_was_committed_is_there_for_the_next_one(tmp_path: Path) -> None:
    first = Database(tmp_path / "state", TABLES)
    add(first, "a")
    # Not closed: whoever is killed does not close either.
    second = Database(tmp_path / "state", TABLES)
    assert names(second) == ["a"]
    add(second, "b")
    assert names(first) == ["a", "b"]
    first.close()
    second.close()


def test_it_is_durable_and_for_the_person_alone(tmp_path: Path) -> None:
    database = Database(tmp_path / "state", TABLES)
    with database.transaction() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()}
    assert set(modes.values()) == {0o600}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    database.close()


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path, TABLES)
    with pytest.raises(DatabaseProblem):
        add(database, "a", "a")
    with pytest.raises(KeyError), database.transaction() as connection:
        connection.execute("INSERT INTO things VALUES ('b')")
        raise KeyError
    assert names(database) == []
    database.close()


def spoil_header(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)


def spoil_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(4096, len(data)):
        data[at] ^= 0x5A
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("spoil", [spoil_header, spoil_page, truncate])
def test_a_damaged_file_is_set_aside_and_told(tmp_path: Path, spoil: object) -> None:
    filled(tmp_path).close()
    path = tmp_path / NAME
    assert callable(spoil)
    spoil(path)
    damaged = path.read_bytes()
    # Somebody was killed: the log is there.
    path.with_name(f"{NAME}-wal").touch()
    database = Database(tmp_path, TABLES)
    for _ in range(2):
        try:
            found = names(database)
        except DatabaseProblem:
            continue  # Found out in the middle: the next one begins anew.
        assert found == []
    aside = [path for path in tmp_path.iterdir() if ".damaged-" in path.name]
    aside = [path for path in aside if not path.name.endswith(("-wal", "-shm"))]
    assert [path.read_bytes() for path in aside] == [damaged]
    assert len(database.told) == 1
    assert str(aside[0]) in database.told[0]
    add(database, "new")
    assert names(database) == ["new"]
    database.close()


def test_one_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    newer = Database(tmp_path, {"things": (*TABLES["things"], "CREATE TABLE more (x)")})
    add(newer, "a")
    newer.close()
    before = (tmp_path / NAME).read_bytes()
    older = Database(tmp_path, TABLES)
    with pytest.raises(DatabaseProblem, match="newer claude-ls"):
        names(older)
    assert (tmp_path / NAME).read_bytes() == before


def test_tables_grow_with_the_version(tmp_path: Path) -> None:
    older = Database(tmp_path, TABLES)
    add(older, "a")
    older.close()
    newer = Database(tmp_path, {"things": (*TABLES["things"], "CREATE TABLE more (x);\nCREATE TABLE most (x)")})
    with newer.transaction() as connection:
        connection.execute("INSERT INTO more VALUES (1)")
        connection.execute("INSERT INTO most VALUES (1)")
    assert names(newer) == ["a"]
    newer.close()


def test_a_full_disk_is_said_and_breaks_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path, TABLES)
    add(database, "a")
    with database.transaction() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DatabaseProblem, match="full"):
        add(database, *(f"{number}" * 500 for number in range(1000)))
    assert names(database) == ["a"]
    database.close()


def test_another_one_that_does_not_let_go_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claude_ls.workspace.database.WAIT_SECONDS", 0.05)
    database = Database(tmp_path, TABLES)
    add(database, "a")
    other = sqlite3.connect(tmp_path / NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseProblem, match="another claude-ls"):
        add(database, "b")
    other.rollback()
    add(database, "b")
    other.close()
    database.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DatabaseProblem, match="cannot be used"):
        names(Database(tmp_path, TABLES))


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(DatabaseProblem, match="cannot be used"):
        names(Database(tmp_path / "state", TABLES))


WRITE = """
import sys
from pathlib import Path
from claude_ls.workspace.database import Database
for number in range(30):
    database = Database(Path(sys.argv[1]), {"things": ("CREATE TABLE things (name TEXT PRIMARY KEY)",)})
    with database.transaction() as connection:
        connection.execute("INSERT INTO things VALUES (?)", (f"{sys.argv[2]}{number:02}",))
    if number % 3:
        database.close()
"""


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), letter]) for letter in "abc"]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    database = Database(tmp_path, TABLES)
    assert names(database) == [f"{letter}{number:02}" for letter in "abc" for number in range(30)]
    assert not database.told
    database.close()
