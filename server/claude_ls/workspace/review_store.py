"""Keeps what waits for review through the end of the server, by document."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from claude_ls.workspace.database import Database

TABLES = ("CREATE TABLE reviews (uri TEXT PRIMARY KEY, text BLOB NOT NULL, hunks TEXT NOT NULL) STRICT",)


@dataclass(frozen=True)
class StoredReview:
    """Of one document: its `text` when this was written, and the hunks in it, as plain values."""

    uri: str
    text: str
    hunks: tuple[Mapping[str, Any], ...]


class ReviewStore:
    """Blocks like the database it is in, and is on disk when it returns; `DatabaseProblem` where it cannot be."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, reviews: Iterable[StoredReview]) -> None:
        """Keep these in the place of what was kept of their documents; one without hunks is forgotten."""
        with self._database.transaction() as connection:
            for review in reviews:
                if review.hunks:
                    text = zlib.compress(review.text.encode("utf-8", "surrogatepass"), 1)
                    row = (review.uri, text, json.dumps(review.hunks))
                    connection.execute("INSERT OR REPLACE INTO reviews VALUES (?, ?, ?)", row)
                else:
                    connection.execute("DELETE FROM reviews WHERE uri = ?", (review.uri,))

    def all(self) -> list[StoredReview]:
        """All that is kept, in the order of the names."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT uri, text, hunks FROM reviews ORDER BY uri").fetchall()
        return [
            StoredReview(uri, zlib.decompress(text).decode("utf-8", "surrogatepass"), tuple(json.loads(hunks)))
            for uri, text, hunks in rows
        ]
