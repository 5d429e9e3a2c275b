"""Checkpoints: what every path was like before a job of Claude's first changed it, kept by its content."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from claude_ls.text.merge import merge
from claude_ls.workspace.database import Database, DatabaseProblem
from claude_ls.workspace.files import real
from claude_ls.workspace.path_state import PathState, look

TABLES = (
    """CREATE TABLE blobs (digest BLOB PRIMARY KEY, size INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE TABLE checkpoints (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL,
    title TEXT NOT NULL,
    made REAL NOT NULL
) STRICT;
CREATE TABLE kept (
    checkpoint TEXT NOT NULL REFERENCES checkpoints (id) ON DELETE CASCADE,
    path BLOB NOT NULL,
    kind TEXT NOT NULL,
    mode INTEGER NOT NULL,
    link BLOB NOT NULL,
    bytes BLOB,
    text BLOB,
    after BLOB,
    reverted BLOB,
    PRIMARY KEY (checkpoint, path)
) STRICT""",
)


@dataclass(frozen=True)
class Checkpoint:
    """`time` is aware, in UTC; `files` is how many paths were kept, `size` how many bytes they and their texts have."""

    id: str
    job: str
    title: str
    time: datetime
    files: int
    size: int = 0


@dataclass(frozen=True)
class Kept:
    """One path of a checkpoint: its `state` on disk, and the `text` of it, as an editor showed it if one did.

    `after` is the text when the job had made its changes, `reverted` that without them, but with what somebody typed
    meanwhile; None where the server ended before it could say.
    """

    checkpoint: str
    path: Path
    state: PathState
    text: str | None
    after: str | None
    reverted: str | None


@dataclass(frozen=True)
class WoundBack:
    """A text with what jobs changed taken out; not `clean` where it could not be told apart. `before` is exact."""

    text: str
    clean: bool
    before: str


def wound_back(kept: Sequence[Kept], text: str) -> WoundBack:
    """`text` without what the jobs of `kept`, states of one path and the newest first, have changed in it."""
    clean = True
    for item in kept:
        if item.after is None or item.reverted is None:
            clean &= text == (item.text or "")
        else:
            merged = merge(item.after, item.reverted, text)
            text, clean = merged.text, clean and merged.clean
    return WoundBack(text, clean, kept[-1].text or "")


def is_all_claudes(kept: Sequence[Kept], text: str) -> bool:
    """Whether `text` is of a file that was not there, and nothing is left of it without what the jobs have written.

    What the newest job left is no measure of that: a person may have typed into the file while it worked.
    """
    wound = wound_back(kept, text)
    return wound.clean and not wound.text


class Checkpoints:
    """All of them. Every method blocks, and what it keeps is on disk when it returns; `DatabaseProblem` otherwise.

    `now` tells the time, aware of its zone.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def keep(self, checkpoint: str, job: str, title: str, path: Path, text: str | None) -> bool:
        """Keep what is at `path`, and its `text` in an editor; False where that checkpoint has it already.

        `FileProblem` where the path cannot be read, or holds too much; then nothing is kept.
        """
        key = _key(checkpoint, path)
        with self._database.transaction() as connection:
            if _has(connection, key):
                return False
        # Not while others wait for the database: a disk can be slow.
        state = look(path)
        with self._database.transaction() as connection:
            if _has(connection, key):
                return False
            connection.execute(
                "INSERT OR IGNORE INTO checkpoints (id, job, title, made) VALUES (?, ?, ?, ?)",
                (checkpoint, job, _storable(title), self._now().timestamp()),
            )
            data = _keep_blob(connection, state.data) if state.kind == "file" else None
            shown = None if text is None else _keep_blob(connection, text.encode("utf-8", "surrogatepass"))
            row = (*key, state.kind, state.mode, os.fsencode(state.link), data, shown)
            connection.execute("INSERT INTO kept VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)", row)
        return True

    def came_of(self, checkpoint: str, path: Path, after: str, reverted: str) -> None:
        """What the job has made of it, in the place of what was said of that before; nothing where it was not kept."""
        key = _key(checkpoint, path)
        with self._database.transaction() as connection:
            known = connection.execute(
                "SELECT after, reverted FROM kept WHERE checkpoint = ? AND path = ?", key
            ).fetchone()
            if known is None:
                return
            blobs = [_keep_blob(connection, text.encode("utf-8", "surrogatepass")) for text in (after, reverted)]
            connection.execute(
                "UPDATE kept SET after = ?, reverted = ? WHERE checkpoint = ? AND path = ?", (*blobs, *key)
            )
            # It is said again and again while a job works: what it was before does not stay behind.
            for digest in {*known} - {None, *blobs}:
                connection.execute(
                    "DELETE FROM blobs WHERE digest = ?1 AND NOT EXISTS "
                    "(SELECT 1 FROM kept WHERE ?1 IN (bytes, text, after, reverted))",
                    (digest,),
                )

    def all(self) -> list[Checkpoint]:
        """The newest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT checkpoints.id, job, title, made, count(path), coalesce(sum(disk.size), 0) + "
                "coalesce(sum(shown.size) FILTER (WHERE shown.digest IS NOT disk.digest), 0) FROM checkpoints "
                "LEFT JOIN kept ON checkpoint = checkpoints.id LEFT JOIN blobs AS disk ON disk.digest = bytes "
                "LEFT JOIN blobs AS shown ON shown.digest = text GROUP BY sequence ORDER BY sequence DESC"
            ).fetchall()
        return [
            Checkpoint(identity, job, title, datetime.fromtimestamp(made, UTC), count, size)
            for identity, job, title, made, count, size in rows
        ]

    def find(self, checkpoint: str) -> Checkpoint | None:
        return next((item for item in self.all() if item.id == checkpoint), None)

    def kept(self, checkpoint: str) -> list[Kept]:
        """All of one checkpoint."""
        return self._kept("id = ?", (checkpoint,))

    def since(self, checkpoint: str) -> list[Kept]:
        """All of this checkpoint and of those made after it, the newest checkpoint first."""
        return self._kept("sequence >= (SELECT sequence FROM checkpoints WHERE id = ?)", (checkpoint,))

    def prune(self, max_age_days: float, max_bytes: int) -> int:
        """Drop what is too old and, the oldest first, what is too much; how many checkpoints went.

        The newest always stays. `max_bytes` are those of the disk, after compression.
        """
        oldest = (self._now() - timedelta(days=max_age_days)).timestamp()
        with self._database.transaction() as connection:
            _drop_orphans(connection)
            rows = connection.execute("SELECT id, made < ? FROM checkpoints ORDER BY sequence", (oldest,)).fetchall()
            gone = 0
            for identity, is_old in rows[:-1]:
                size = connection.execute("SELECT coalesce(sum(length(data)), 0) FROM blobs").fetchone()[0]
                if not is_old and size <= max_bytes:
                    break
                connection.execute("DELETE FROM checkpoints WHERE id = ?", (identity,))
                _drop_orphans(connection)
                gone += 1
        return gone

    def _kept(self, where: str, values: tuple[str, ...]) -> list[Kept]:
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT checkpoint, path, kind, mode, link, bytes, text, after, reverted FROM kept "
                f"JOIN checkpoints ON id = checkpoint WHERE {where} ORDER BY sequence DESC, path",
                values,
            ).fetchall()
            found: list[Kept] = []
            for identity, name, kind, mode, link, *digests in rows:
                path = Path(os.fsdecode(name))
                data, text, after, reverted = (_blob(connection, digest, path) for digest in digests)
                state = PathState(kind, mode, data or b"", os.fsdecode(link))
                shown = _text_of(state.data) if text is None and kind == "file" else _decoded(text)
                found.append(Kept(identity, path, state, shown, _decoded(after), _decoded(reverted)))
        return found


def _key(checkpoint: str, path: Path) -> tuple[str, bytes]:
    """By what a path is found. Its folder is meant as it is now, whatever links lead to it later."""
    return checkpoint, bytes(real(path.parent) / path.name)


def _has(connection: sqlite3.Connection, key: tuple[str, bytes]) -> bool:
    row = connection.execute("SELECT 1 FROM kept WHERE checkpoint = ? AND path = ?", key).fetchone()
    return row is not None


def _storable(words: str) -> str:
    """A person's words can have half a character in them, which SQLite takes for no text."""
    return words.encode("utf-8", "replace").decode()


def _text_of(data: bytes) -> str | None:
    """The bytes as a text, which they may not be."""
    try:
        return data.decode("utf-8").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    except UnicodeDecodeError:
        return None


def _decoded(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "surrogatepass")


def _keep_blob(connection: sqlite3.Connection, data: bytes) -> bytes:
    digest = _digest(data)
    row = connection.execute("SELECT data FROM blobs WHERE digest = ?", (digest,)).fetchone()
    # What is there already counts only if it is whole: the person's text must come back from it.
    if row is None or _whole(row[0], digest) is None:
        values = (digest, len(data), zlib.compress(data, 1))
        connection.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?)", values)
    return digest


def _blob(connection: sqlite3.Connection, digest: bytes | None, path: Path) -> bytes | None:
    if digest is None:
        return None
    row = connection.execute("SELECT data FROM blobs WHERE digest = ?", (digest,)).fetchone()
    data = _whole(row[0], digest) if row else None
    if data is None:
        raise DatabaseProblem(f"what was kept of {path.name!r} is damaged, and is not brought back")
    return data


def _whole(compressed: bytes, digest: bytes) -> bytes | None:
    """What was compressed; None where it is not what `digest` says. SQLite itself does not notice."""
    try:
        data = zlib.decompress(compressed)
    except zlib.error:
        return None
    return data if _digest(data) == digest else None


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=32).digest()


def _drop_orphans(connection: sqlite3.Connection) -> None:
    connection.execute(
        "DELETE FROM blobs WHERE digest NOT IN (SELECT bytes FROM kept WHERE bytes IS NOT NULL UNION "
        "SELECT text FROM kept WHERE text IS NOT NULL UNION SELECT after FROM kept WHERE after IS NOT NULL "
        "UNION SELECT reverted FROM kept WHERE reverted IS NOT NULL)"
    )
