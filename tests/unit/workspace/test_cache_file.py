"""A cache file never gets in the way: damaged, old, locked or read-only, there is always one to work with."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from claude_ls.workspace.cache_file import CacheFile, NotWritten

TABLES = ("CREATE TABLE thing (name TEXT)",)


def put(cache: CacheFile, name: str) -> None:
    with cache.transaction() as connection:
        connection.execute("INSERT INTO thing VALUES (?)", (name,))


def names(cache: CacheFile) -> list[str]:
    return [name for (name,) in cache.rows("SELECT name FROM thing")]


def test_it_is_kept_for_the_next_start_and_for_the_person_alone(tmp_path: Path) -> None:
    path = tmp_path / "in" / "cache.db"
    cache = CacheFile(path, TABLES, "1")
    put(cache, "a")
    cache.close()
    again = CacheFile(path, TABLES, "1")
    assert names(again) == ["a"]
    again.close()
    assert path.stat().st_mode & 0o077 == 0


def test_another_version_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    cache = CacheFile(path, TABLES, "1")
    put(cache, "a")
    cache.close()
    newer = CacheFile(path, ("CREATE TABLE thing (name TEXT, more TEXT)",), "2")
    assert newer.rows("SELECT name, more FROM thing") == []
    newer.close()


@pytest.mark.parametrize("damage", [b"not a database at all, and long enough to be looked at" * 40, b""])
def test_a_damaged_one_begins_anew(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "cache.db"
    path.write_bytes(damage)
    cache = CacheFile(path, TABLES, "1")
    put(cache, "a")
    assert names(cache) == ["a"]
    cache.close()


def test_damage_in_the_middle_loses_the_cache_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    cache = CacheFile(path, TABLES, "1")
    for number in range(500):
        put(cache, f"{number}" * 50)
    cache.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\x5a" * (len(data) - 4096)
    path.write_bytes(data)
    again = CacheFile(path, TABLES, "1")
    names(again)
    put(again, "a")
    assert names(again)[-1:] == ["a"]
    again.close()


def test_where_it_cannot_be_made_memory_will_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = CacheFile(tmp_path / "file" / "cache.db", TABLES, "1")
    put(cache, "a")
    assert names(cache) == ["a"]
    cache.close()


def test_what_another_server_keeps_from_being_written_is_lost_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claude_ls.workspace.cache_file.WAIT_SECONDS", 0.01)
    path = tmp_path / "cache.db"
    cache = CacheFile(path, TABLES, "1")
    put(cache, "a")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(NotWritten), cache.transaction() as connection:
        connection.execute("INSERT INTO thing VALUES ('b')")
    other.rollback()
    other.close()
    assert names(cache) == ["a"]
    cache.close()


def test_what_goes_wrong_in_a_transaction_takes_all_of_it_back(tmp_path: Path) -> None:
    cache = CacheFile(None, TABLES, "1")
    with pytest.raises(KeyError), cache.transaction() as connection:
        connection.execute("INSERT INTO thing VALUES ('b')")
        raise KeyError
    assert names(cache) == []
