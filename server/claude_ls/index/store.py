"""The tags of every file of a folder: on disk by content, so that a start finds them again, and unsaved text over them.

It is a cache and nothing else: a file that is damaged, or of another version, is begun anew. One thread at a time.
"""

from __future__ import annotations

import contextlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from claude_ls.syntax.imports import Import
from claude_ls.syntax.tags import FileTags, Tag
from claude_ls.workspace.cache_file import CacheFile, NotWritten

KEPT_FILES = 512
"""So many files' tags are kept in memory once they were read."""
_TABLES = (
    "CREATE TABLE file (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, content INTEGER) WITHOUT ROWID",
    # A `weight` says how much a definition tells of its file, from 0 to 1.
    # `tags` is what `FileTags` holds, as JSON; `words` are all names in the file, each once, with blanks between them.
    "CREATE TABLE content (id INTEGER PRIMARY KEY, digest BLOB NOT NULL, language TEXT NOT NULL, tags TEXT NOT NULL,"
    " words TEXT NOT NULL, UNIQUE (digest, language))",
    "CREATE TABLE name (name TEXT NOT NULL, content INTEGER NOT NULL, number INTEGER NOT NULL,"
    " weight REAL NOT NULL, PRIMARY KEY (name, content, number)) WITHOUT ROWID",
    "CREATE INDEX file_content ON file (content)",
)


class Place(NamedTuple):
    """A definition: the file, relative to the folder, and its number among the tags of that file."""

    path: str
    number: int


@dataclass(frozen=True, slots=True)
class Indexed:
    """What was read of one file. `stamp` tells this state of it from others, without reading it; `tags` is None where
    it could not be read, which is not tried again before it changes. Tags are kept as they travel: `packed`."""

    path: str
    stamp: str
    digest: bytes = b""
    language: str = ""
    tags: str | None = None
    names: tuple[tuple[str, float], ...] = ()
    words: str = ""


def packed(file: FileTags) -> tuple[str, tuple[tuple[str, float], ...], str]:
    """The tags as text, the name and the weight of each, and all names that the file uses, each once."""
    tags = json.dumps([file.tags, [[item.local, item.module, item.name] for item in file.imports]])
    words = dict.fromkeys(" ".join([tag.uses for tag in file.tags]).replace(".", " ").split())
    return tags, tuple((tag.name, _weight(file, tag)) for tag in file.tags), " ".join(words)


def _weight(file: FileTags, tag: Tag) -> float:
    """How much a definition tells of its file: what others can name at once, by a name that is not just any word."""
    outer = tag.parent == 0 or file.tags[tag.parent].noun in ("namespace", "module")
    if file.tags[tag.parent].noun in ("function", "method"):
        return 0.0
    if tag.noun == "variable":
        weight = 0.1 if outer else 0.01
    else:
        weight = 1.0 if outer else 0.3
    name = tag.name.strip("_")
    telling = len(name) >= 6 and (("_" in name) or not name.islower())
    return weight * (1.0 if telling else 0.2) * (0.1 if tag.name.startswith("_") else 1.0)


def unpacked(tags: str) -> FileTags:
    found, imports = json.loads(tags)
    return FileTags(tuple(map(Tag._make, found)), tuple(Import(*item) for item in imports))


_NOTHING = FileTags((Tag("", "file", 0, 0, 0, 0, -1, "", ""),), ())


class Store:
    """`path` is the file of the cache; None keeps all in memory."""

    def __init__(self, path: Path | None, version: str) -> None:
        self._cache = CacheFile(path, _TABLES, version)
        self._known: OrderedDict[int, FileTags] = OrderedDict()
        self._live: dict[str, FileTags] = {}
        self._live_names: dict[str, list[Place]] = {}
        self._files: dict[str, int | None] | None = None

    def stamps(self) -> dict[str, str]:
        """By path, the state in which each file was read."""
        return dict(self._cache.rows("SELECT path, stamp FROM file"))

    def paths(self) -> Iterable[str]:
        """All files of which something is known."""
        return self._contents().keys() | self._live.keys()

    def contents(self, digests: Iterable[tuple[bytes, str]]) -> set[tuple[bytes, str]]:
        """Which of these contents (digest and language) are known, and need not be read again."""
        return {
            (digest, language)
            for digest, language in digests
            if self._cache.rows("SELECT id FROM content WHERE digest = ? AND language = ?", (digest, language))
        }

    def add(self, files: Sequence[Indexed]) -> None:
        """Remember what these files hold; those with a content that is known need no tags."""
        with contextlib.suppress(NotWritten), self._cache.transaction() as connection:
            for file in files:
                content = None
                if file.digest:
                    found = connection.execute(
                        "SELECT id FROM content WHERE digest = ? AND language = ?", (file.digest, file.language)
                    ).fetchone()
                    content = found[0] if found else None
                    if content is None and file.tags is not None:
                        content = connection.execute(
                            "INSERT INTO content (digest, language, tags, words) VALUES (?, ?, ?, ?)",
                            (file.digest, file.language, file.tags, file.words),
                        ).lastrowid
                        connection.executemany(
                            "INSERT INTO name VALUES (?, ?, ?, ?)",
                            [(name, content, at, weight) for at, (name, weight) in enumerate(file.names) if at],
                        )
                connection.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?)", (file.path, file.stamp, content))
                if self._files is not None:
                    self._files[file.path] = content

    def forget(self, paths: Iterable[str]) -> None:
        """These files are no more."""
        gone = [(path,) for path in paths]
        with contextlib.suppress(NotWritten), self._cache.transaction() as connection:
            connection.executemany("DELETE FROM file WHERE path = ?", gone)
        for (path,) in gone:
            if self._files is not None:
                self._files.pop(path, None)

    def tidy(self) -> None:
        """Drop the contents that no file has."""
        with contextlib.suppress(NotWritten), self._cache.transaction() as connection:
            unused = "SELECT id FROM content WHERE id NOT IN (SELECT content FROM file WHERE content IS NOT NULL)"
            connection.execute(f"DELETE FROM name WHERE content IN ({unused})")
            connection.execute(f"DELETE FROM content WHERE id IN ({unused})")

    def show(self, live: Mapping[str, FileTags]) -> None:
        """From now on these files hold what their unsaved text says, and all others what is on disk."""
        self._live = dict(live)
        self._live_names = {}
        for path, file in self._live.items():
            for number, tag in enumerate(file.tags):
                self._live_names.setdefault(tag.name, []).append(Place(path, number))

    def file(self, path: str) -> FileTags:
        """The tags of a file; nothing but the file itself where it is not known."""
        if path in self._live:
            return self._live[path]
        content = self._contents().get(path)
        if content is None:
            return _NOTHING
        found = self._known.get(content)
        if found is None:
            rows = self._cache.rows("SELECT tags FROM content WHERE id = ?", (content,))
            if not rows:
                return _NOTHING
            found = unpacked(rows[0][0])
            self._known[content] = found
            while len(self._known) > KEPT_FILES:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(content)
        return found

    def tag(self, place: Place) -> Tag:
        return self.file(place.path).tags[place.number]

    def named(self, name: str, limit: int) -> list[Place]:
        """The definitions of that name in the whole folder, at most `limit`."""
        rows = self._cache.rows(
            "SELECT file.path, name.number FROM name JOIN file ON file.content = name.content WHERE name.name = ?"
            " LIMIT ?",
            (name, limit + len(self._live)),
        )
        found = [Place(path, number) for path, number in rows if path not in self._live]
        return (self._live_names.get(name, []) + sorted(found))[:limit]

    def note(self, name: str) -> str:
        """What was last kept under this name; empty where nothing was."""
        rows = self._cache.rows("SELECT value FROM meta WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else ""

    def keep_note(self, name: str, value: str) -> None:
        with contextlib.suppress(NotWritten), self._cache.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def defined(self) -> Iterable[tuple[str, str, int, float]]:
        """Every definition on disk: its name, the path of the file, its number there, its weight."""
        return self._cache.each(
            "SELECT name.name, file.path, name.number, name.weight FROM name JOIN file ON file.content = name.content"
        )

    def used(self) -> Iterable[tuple[str, str]]:
        """By the path of each file on disk, all names in it, with blanks between them."""
        return self._cache.each("SELECT file.path, content.words FROM file JOIN content ON content.id = file.content")

    def close(self) -> None:
        self._cache.close()

    def _contents(self) -> dict[str, int | None]:
        if self._files is None:
            self._files = dict(self._cache.rows("SELECT path, content FROM file"))
        return self._files
