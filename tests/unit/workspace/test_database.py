"""The database: durable, shared, and never lost where it is damaged."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
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


def spoil_last_page(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-4096] + bytes(byte ^ 0x5A for byte in data[-4096:]))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("spoil", [spoil_header, spoil_page, spoil_last_page, truncate])
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


def test_damage_that_is_found_late_is_set_aside_as_well(tmp_path: Path) -> None:
    """After a clean end nothing is looked through: a large file takes long."""
    filled(tmp_path).close()
    spoil_last_page(tmp_path / NAME)
    damaged = (tmp_path / NAME).read_bytes()
    database = Database(tmp_path, TABLES)
    with pytest.raises(DatabaseProblem, match="is damaged, and is set aside"):
        names(database)
    assert names(database) == []
    (aside,) = [path for path in tmp_path.iterdir() if ".damaged-" in path.name]
    assert aside.read_bytes() == damaged
    database.close()


def test_one_that_cannot_be_set_aside_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path).close()
    spoil_last_page(tmp_path / NAME)
    damaged = (tmp_path / NAME).read_bytes()

    def rename(path: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", rename)
    database = Database(tmp_path, TABLES)
    with pytest.raises(DatabaseProblem, match="cannot be used: Permission denied; make it readable and writable"):
        names(database)
    assert not database.told
    assert (tmp_path / NAME).read_bytes() == damaged


def test_a_second_server_takes_the_new_file_of_the_first(tmp_path: Path) -> None:
    """Two have it open when it is damaged: one sets it aside, and the other must not do that to the new one."""
    filled(tmp_path).close()
    first, second = Database(tmp_path, TABLES), Database(tmp_path, TABLES)
    add(first, "first")
    add(second, "second")
    with (tmp_path / NAME).open("r+b") as file:
        file.write(b"garbage" * 1000)
    for database in (first, second, first, second):
        with contextlib.suppress(DatabaseProblem):
            add(database, str(id(database)))
    wanted = sorted({str(id(first)), str(id(second))})
    assert names(first) == names(second) == wanted
    assert len([path for path in tmp_path.iterdir() if ".damaged-" in path.name and path.suffix[-1].isdigit()]) == 1
    assert len(first.told + second.told) == 1
    first.close()
    second.close()
    last = Database(tmp_path, TABLES)
    assert names(last) == wanted
    last.close()


def test_one_that_is_new_is_not_set_aside_for_the_damage_of_the_old(tmp_path: Path) -> None:
    """The other server set it aside while this one was reading."""
    first, second = filled(tmp_path), Database(tmp_path, TABLES)
    damage = sqlite3.DatabaseError("database disk image is malformed")
    damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    with pytest.raises(DatabaseProblem, match="damaged"), first.transaction():
        for ending in ("", "-wal", "-shm"):
            (tmp_path / f"{NAME}{ending}").rename(tmp_path / f"aside{ending}")
        add(second, "new")
        raise damage
    assert names(first) == names(second) == ["new"]
    assert not [path for path in tmp_path.iterdir() if ".damaged-" in path.name]
    first.close()
    second.close()


@pytest.mark.parametrize("killed", [False, True])
def test_all_of_it_is_looked_through_after_somebody_was_killed(tmp_path: Path, killed: bool) -> None:
    filled(tmp_path).close()
    spoil_last_page(tmp_path / NAME)
    if killed:
        (tmp_path / f"{NAME}-wal").touch()
    database = Database(tmp_path, TABLES)
    with database.transaction():
        pass
    assert len(database.told) == killed
    database.close()


def test_the_log_is_set_aside_with_the_file(tmp_path: Path) -> None:
    """What was committed last may be there alone."""
    database = filled(tmp_path)
    folder = tmp_path / "copy"
    folder.mkdir()
    for ending in ("", "-wal"):
        (folder / f"{NAME}{ending}").write_bytes((tmp_path / f"{NAME}{ending}").read_bytes())
    database.close()
    log = (folder / f"{NAME}-wal").read_bytes()
    assert len(log) > 100_000
    damage = sqlite3.DatabaseError("database disk image is malformed")
    damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    one, reader = Database(folder, TABLES), Database(folder, TABLES)
    assert len(names(reader)) == 2000
    with pytest.raises(DatabaseProblem, match="damaged"), one.transaction():
        raise damage
    (aside,) = [path for path in folder.iterdir() if path.name.endswith("-wal") and ".damaged-" in path.name]
    assert len(aside.read_bytes()) == len(log)
    assert str(aside).removesuffix("-wal") in one.told[0]
    one.close()
    reader.close()


def test_a_folder_that_is_deleted_meanwhile_is_made_again(tmp_path: Path) -> None:
    """What were kept in a file without a name would be gone with the process."""
    database = Database(tmp_path / "state", TABLES)
    add(database, "a")
    shutil.rmtree(tmp_path / "state")
    add(database, "b")
    other = Database(tmp_path / "state", TABLES)
    assert names(other) == names(database) == ["b"]
    other.close()
    database.close()


KILLED = """
import os, sys
from pathlib import Path
from claude_ls.workspace.database import Database
database = Database(Path(sys.argv[1]), {"things": ("CREATE TABLE things (name TEXT PRIMARY KEY)",)})
with database.transaction() as connection:
    connection.execute("INSERT INTO things VALUES ('before')")
with database.transaction() as connection:
    connection.executemany("INSERT INTO things VALUES (?)", [(f"{n}" * 50,) for n in range(100_000)])
    os.kill(os.getpid(), 9)
"""


def test_who_is_killed_in_the_middle_leaves_what_was_committed(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], timeout=60)
    assert ran.returncode == -9
    database = Database(tmp_path, TABLES)
    assert names(database) == ["before"]
    assert not database.told
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
    with pytest.raises(DatabaseProblem, match="full; make room there"):
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


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """A folder with a database in which nothing can be written: even root is somebody else in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        filled(folder).close()
        (folder / NAME).chmod(0o444)
        folder.chmod(0o555)
        was = os.geteuid()
        if was == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if was == 0:
                os.seteuid(0)
            folder.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_said(closed_folder: Path) -> None:
    before = (closed_folder / NAME).read_bytes()
    database = Database(closed_folder, TABLES)
    with pytest.raises(DatabaseProblem, match=r"cannot be used: .*; make it readable and writable, or set"):
        add(database, "a")
    # Nor can a new one be made in it.
    with pytest.raises(DatabaseProblem, match="cannot be used: Permission denied; make it readable and writable"):
        add(Database(closed_folder / "new", TABLES), "a")
    database.close()
    assert [path.name for path in closed_folder.iterdir()] == [NAME]
    assert (closed_folder / NAME).read_bytes() == before


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(DatabaseProblem, match=r"cannot be used: .*; make it readable"):
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
