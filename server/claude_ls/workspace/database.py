"""The one SQLite file in the state folder: opened when first needed, durable, and set aside where it is damaged.

What is committed has reached the disk (write-ahead log, `synchronous=FULL`): a process that is killed at any moment and
a machine that loses its power leave the last commit or the one before it. Several servers can share the file. A file
that is damaged is renamed, never deleted, and a new one is begun; one of a newer claude-ls is not touched.

Everything in here blocks, for milliseconds mostly: call it from a thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

NAME = "claude-ls.db"
WAIT_SECONDS = 10.0
"""How long to wait for another server that is writing."""
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_NOT_ALLOWED = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR})

Tables = Mapping[str, Sequence[str]]
"""By the name of each part: the scripts that lead its tables from one version to the next."""


class DatabaseProblem(Exception):
    """Nothing can be kept or found; the message says why and what to do."""


class Database:
    """`tables` are all parts that keep something here. `told` collects what the person should hear of the file."""

    def __init__(self, root: Path, tables: Tables) -> None:
        self.path = root / NAME
        self.told: list[str] = []
        self._tables = tables
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        """Which file it is that is open: another server, or the person, can put a new one in its place."""

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and on disk once it is left; `DatabaseProblem` where that cannot be."""
        with self._lock:
            connection = self._open()
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    connection.rollback()
                    raise
                connection.commit()
            except sqlite3.Error as error:
                if connection.in_transaction:
                    connection.rollback()
                problem = self._words(error)
                if _damaged(error):
                    problem = f"{self.path} is damaged, and is set aside: try it again with a new one"
                    try:
                        self._set_aside()
                    except OSError as reason:
                        problem = self._words(reason)
                raise DatabaseProblem(problem) from error

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and _identity(self.path) != self._file:
            self.close()
        if self._connection is None:
            try:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                try:
                    self._connection = self._connected()
                except sqlite3.Error as error:
                    if not _damaged(error):
                        raise
                    self._set_aside()
                    self._connection = self._connected()
            except (sqlite3.Error, OSError) as error:
                raise DatabaseProblem(self._words(error)) from error
        return self._connection

    def _connected(self) -> sqlite3.Connection:
        # After a clean end the log is gone. Where it is not, somebody was killed, or is still at it.
        unclean = self.path.with_name(f"{NAME}-wal").exists()
        # The file is made first, for the person alone: SQLite gives its other files the same permissions. One that is
        # there already is not opened: to close it again would drop the locks of every other connection of this process.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        self._file = _identity(self.path)
        connection = sqlite3.connect(self.path, WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            if unclean and connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise _damage("quick_check found damage")
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute("CREATE TABLE IF NOT EXISTS versions (part TEXT PRIMARY KEY, version INTEGER NOT NULL)")
            known = dict(connection.execute("SELECT part, version FROM versions"))
            for part, scripts in self._tables.items():
                if known.get(part, 0) > len(scripts):
                    raise DatabaseProblem(
                        f"{self.path} was written by a newer claude-ls, and is left alone: update claude-ls, or set "
                        "CLAUDE_LS_STATE_DIR to another folder"
                    )
                for script in scripts[known.get(part, 0) :]:
                    for statement in script.split(";\n"):
                        connection.execute(statement)
                if known.get(part) != len(scripts):
                    connection.execute("INSERT OR REPLACE INTO versions VALUES (?, ?)", (part, len(scripts)))
        except BaseException:
            connection.rollback()
            raise
        connection.commit()

    def _set_aside(self) -> None:
        """Give the damaged file another name, together with its log, in which there may be more than in itself."""
        self.close()
        if _identity(self.path) != self._file:
            return  # Another server has done it, and the new file is a good one.
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        aside = self.path.with_name(f"{NAME}.damaged-{stamp}")
        # The file itself is the last: whoever is killed in the middle of this leaves nothing that looks good.
        for ending in ("-wal", "-shm", ""):
            with_ending = self.path.with_name(f"{NAME}{ending}")
            if with_ending.exists():
                with_ending.rename(aside.with_name(f"{aside.name}{ending}"))
        self.told.append(
            f"the database of checkpoints and reviews was damaged and is set aside as {aside}; a new one was begun"
        )

    def _words(self, error: Exception) -> str:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_BUSY:
            return f"{self.path} is in use by another claude-ls that does not let go of it; end it and try again"
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        if code == sqlite3.SQLITE_FULL or getattr(error, "errno", 0) in (errno.ENOSPC, errno.EDQUOT):
            advice = "make room there"
        elif code in _NOT_ALLOWED or isinstance(error, OSError):
            advice = "make it readable and writable, or set CLAUDE_LS_STATE_DIR to another folder"
        else:
            return f"{self.path} cannot be used: {text}"
        return f"{self.path} cannot be used: {text}; {advice}"


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _damaged(error: sqlite3.Error) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED


def _damage(words: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(words)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error
