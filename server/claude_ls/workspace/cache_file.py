"""A SQLite file that holds nothing that could not be made again: quick, and begun anew where it is damaged."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

WAIT_SECONDS = 5.0


class NotWritten(Exception):
    """What was to be kept is not; whoever needs it makes it again."""


class CacheFile:
    """`tables` are the statements that make it, `version` changes whenever what they hold does. A table ``meta`` of
    names and values is always there. Without a `path` all is kept in memory."""

    def __init__(self, path: Path | None, tables: Sequence[str], version: str) -> None:
        self._path = path
        self._tables = tables
        self._version = version
        self._connection: sqlite3.Connection | None = None

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """What `query` finds; nothing where the file is damaged, which is then begun anew."""
        try:
            return self._open().execute(query, values).fetchall()
        except sqlite3.DatabaseError:
            self._begin_anew()
            return []

    def each(self, query: str) -> Iterator[Any]:
        """The same one row after the other, for those that are too many to hold."""
        try:
            yield from self._open().execute(query)
        except sqlite3.DatabaseError:
            self._begin_anew()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; `NotWritten` where it is nothing, which a cache may be."""
        connection = self._open()
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()
        except sqlite3.DatabaseError as error:
            with contextlib.suppress(sqlite3.Error):
                connection.rollback()
            # Another server is writing, or the disk is full: the file itself is as good as before.
            if not isinstance(error, sqlite3.OperationalError):
                self._begin_anew()
            raise NotWritten(str(error)) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = self._connected(self._path)
            except (sqlite3.DatabaseError, OSError):
                self._begin_anew()
        assert self._connection is not None
        return self._connection

    def _connected(self, path: Path | None) -> sqlite3.Connection:
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path or ":memory:", WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -8000")
            connection.execute("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
            found = connection.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
            if found is None or found[0] != self._version:
                connection.execute("BEGIN IMMEDIATE")
                for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                    if not name.startswith("sqlite_"):
                        connection.execute(f'DELETE FROM "{name}"' if name == "meta" else f'DROP TABLE "{name}"')
                for statement in self._tables:
                    connection.execute(statement)
                connection.execute("INSERT OR REPLACE INTO meta VALUES ('version', ?)", (self._version,))
                connection.commit()
        except BaseException:
            connection.close()
            raise
        return connection

    def _begin_anew(self) -> None:
        """Put an empty file in the place of the damaged one, or go on in memory where that cannot be."""
        self.close()
        if self._path is not None:
            try:
                for ending in ("-wal", "-shm", ""):
                    self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
                self._connection = self._connected(self._path)
                return
            except (sqlite3.DatabaseError, OSError):
                pass
        self._connection = self._connected(None)
