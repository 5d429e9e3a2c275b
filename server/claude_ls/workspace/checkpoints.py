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
from claude_ls.workspace.database import Database
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
    """`time` is aware, in UTC; `files` is how many paths were kept."""

    id: str
    job: str
    title: str
    time: datetime
    files: int


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


class Checkpoints:
    """All of them. Every method blocks, and what it keeps is on disk when it returns."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def keep(self, checkpoint: str, job: str, title: str, path: Path, text: str | None) -> bool:
        """Keep what is at `path`, and its `text` in an editor; False where that checkpoint has it already."""
        state = look(path)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO checkpoints (id, job, title, made) VALUES (?, ?, ?, ?)",
                (checkpoint, job, title, self._now().timestamp()),
            )
            key = (checkpoint, bytes(path))
            if connection.execute("SELECT 1 FROM kept WHERE checkpoint = ? AND path = ?", key).fetchone():
                return False
            data = _keep_blob(connection, state.data) if state.kind == "file" else None
            shown = None if text is None else _keep_blob(connection, text.encode("utf-8", "surrogatepass"))
            link = state.link.encode("utf-8", "surrogateescape")
            row = (*key, state.kind, state.mode, link, data, shown)
            connection.execute("INSERT INTO kept VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)", row)
        return True

    def came_of(self, checkpoint: str, path: Path, after: str, reverted: str) -> None:
        with self._database.transaction() as connection:
            blobs = [_keep_blob(connection, text.encode("utf-8", "surrogatepass")) for text in (after, reverted)]
            connection.execute(
                "UPDATE kept SET after = ?, reverted = ? WHERE checkpoint = ? AND path = ?",
                (*blobs, checkpoint, bytes(path)),
            )

    def all(self) -> list[Checkpoint]:
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT id, job, title, made, (SELECT count(*) FROM kept WHERE checkpoint = id) "
                "FROM checkpoints ORDER BY sequence DESC"
            ).fetchall()
        return [
            Checkpoint(identity, job, title, datetime.fromtimestamp(made, UTC), count)
            for identity, job, title, made, count in rows
        ]

    def find(self, checkpoint: str) -> Checkpoint | None:
        return next((item for item in self.all() if item.id == checkpoint), None)

    def kept(self, checkpoint: str) -> list[Kept]:
        return self._kept("id = ?", (checkpoint,))

    def since(self, checkpoint: str) -> list[Kept]:
        return self._kept("sequence >= (SELECT sequence FROM checkpoints WHERE id = ?)", (checkpoint,))

    def prune(self, max_age_days: float, max_bytes: int) -> int:
        oldest = (self._now() - timedelta(days=max_age_days)).timestamp()
        with self._database.transaction() as connection:
            ids = [row[0] for row in connection.execute("SELECT id FROM checkpoints ORDER BY sequence")]
            old = {row[0] for row in connection.execute("SELECT id FROM checkpoints WHERE made < ?", (oldest,))}
            gone = 0
            for identity in ids[:-1]:
                size = connection.execute("SELECT coalesce(sum(length(data)), 0) FROM blobs").fetchone()[0]
                if identity not in old and size <= max_bytes:
                    break
                connection.execute("DELETE FROM checkpoints WHERE id = ?", (identity,))
                connection.execute(
                    "DELETE FROM blobs WHERE digest NOT IN (SELECT bytes FROM kept WHERE bytes IS NOT NULL UNION "
                    "SELECT text FROM kept WHERE text IS NOT NULL UNION SELECT after FROM kept WHERE after IS NOT NULL "
                    "UNION SELECT reverted FROM kept WHERE reverted IS NOT NULL)"
                )
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
            for identity, path, kind, mode, link, *digests in rows:
                data, text, after, reverted = (_blob(connection, digest) for digest in digests)
                state = PathState(kind, mode, data or b"", link.decode("utf-8", "surrogateescape"))
                if text is None and kind == "file":
                    text = _text_of(state.data)
                texts = (
                    None if item is None else item.decode("utf-8", "surrogatepass") for item in (text, after, reverted)
                )
                found.append(Kept(identity, Path(os.fsdecode(path)), state, *texts))
        return found


def _text_of(data: bytes) -> bytes | None:
    """The bytes as a text, which they may not be."""
    try:
        return data.decode("utf-8").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").encode()
    except UnicodeDecodeError:
        return None


def _decoded(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "surrogatepass")


def _keep_blob(connection: sqlite3.Connection, data: bytes) -> bytes:
    digest = hashlib.blake2b(data, digest_size=32).digest()
    if not connection.execute("SELECT 1 FROM blobs WHERE digest = ?", (digest,)).fetchone():
        connection.execute("INSERT INTO blobs VALUES (?, ?, ?)", (digest, len(data), zlib.compress(data, 1)))
    return digest


def _blob(connection: sqlite3.Connection, digest: bytes | None) -> bytes | None:
    if digest is None:
        return None
    row = connection.execute("SELECT data FROM blobs WHERE digest = ?", (digest,)).fetchone()
    return zlib.decompress(row[0]) if row else None
