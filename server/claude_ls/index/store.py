"""The tags of every file of a folder: on disk by content, so that a start finds them again, and unsaved text over them.

It is a cache and nothing else: a file that is damaged, or of another version, is begun anew. One thread at a time.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from claude_ls.index.one_file import Indexed, digest_of, unpacked
from claude_ls.syntax.languages import LANGUAGES, language_of_name
from claude_ls.syntax.tags import Code, FileTags, Tag, code_of, uses_in
from claude_ls.workspace.cache_file import CacheFile, NotWritten

KEPT_FILES = 512
"""So many files' tags are kept in memory once they were read."""
KEPT_CODES = 16
"""So many files' code is kept in memory for what else may be asked of it."""
_TABLES = (
    # `counted` says whether the file has been counted for `popularity`: 1, 0 where it is new since then, and -1 where
    # it has changed.
    "CREATE TABLE file (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, content INTEGER, counted INTEGER NOT NULL)"
    " WITHOUT ROWID",
    # See `Indexed`.
    "CREATE TABLE content (id INTEGER PRIMARY KEY, digest BLOB NOT NULL, language TEXT NOT NULL, tags BLOB NOT NULL,"
    " names TEXT NOT NULL, weights BLOB NOT NULL, words TEXT NOT NULL, UNIQUE (digest, language))",
    "CREATE TABLE name (name TEXT NOT NULL, content INTEGER NOT NULL, number INTEGER NOT NULL)",
    "CREATE INDEX file_content ON file (content)",
)


class Place(NamedTuple):
    """A definition: the file, relative to the folder, and its number among the tags of that file."""

    path: str
    number: int


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A file whose text is another than what is on disk."""

    code: Code
    tags: FileTags


@dataclass(frozen=True, slots=True)
class _Known:
    """The tags of a file that were read, and the names in its definitions as far as somebody asked for them."""

    tags: FileTags
    uses: dict[int, str] = field(default_factory=dict)


_NOTHING = FileTags(LANGUAGES[0], (Tag("", "file", 0, 0, 0, 0, -1, "", 0, 0),), ())


class Store:
    """`path` is the file of the cache; None keeps all in memory. `read` gives what is on disk of a file."""

    def __init__(self, path: Path | None, version: str, read: Callable[[str], bytes | None]) -> None:
        self._cache = CacheFile(path, _TABLES, version)
        self._read = read
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._codes: OrderedDict[tuple[str, int], Code] = OrderedDict()
        self._live: dict[str, Unsaved] = {}
        self._live_names: dict[str, list[Place]] = {}
        self._live_uses: dict[Place, str] = {}
        self._files: dict[str, int | None] | None = None
        self._by_name = False

    def stamps(self) -> dict[str, str]:
        """By path, the state in which each file was read."""
        return dict(self._cache.rows("SELECT path, stamp FROM file"))

    def paths(self) -> Iterable[str]:
        """All files of which something is known."""
        return self._contents().keys() | self._live.keys()

    def add(self, files: Sequence[Indexed]) -> None:
        """Remember what these files hold."""
        contents: dict[tuple[bytes, str], int] = {}
        fresh: list[tuple[object, ...]] = []
        names: list[tuple[str, int, int]] = []
        with contextlib.suppress(NotWritten), self._cache.transaction() as connection:
            digests = [file.digest for file in files if file.digest]
            marks = ",".join("?" * len(digests))
            for id, digest, language in connection.execute(
                f"SELECT id, digest, language FROM content WHERE digest IN ({marks})", digests
            ):
                contents[digest, language] = id
            (last,) = connection.execute("SELECT max(id) FROM content").fetchone()
            for file in files:
                key = (file.digest, file.language)
                if file.tags is not None and key not in contents:
                    contents[key] = last = (last or 0) + 1
                    fresh.append((last, *key, file.tags, file.names, file.weights, file.words))
                    if file.names:
                        own = file.names.split("\n")
                        names += zip(own, repeat(last), range(1, len(own) + 1), strict=False)
            connection.executemany("INSERT INTO content VALUES (?, ?, ?, ?, ?, ?, ?)", fresh)
            connection.executemany("INSERT INTO name VALUES (?, ?, ?)", names)
            rows = [(file.path, file.stamp, contents.get((file.digest, file.language))) for file in files]
            connection.executemany(
                "INSERT INTO file VALUES (?, ?, ?, 0) ON CONFLICT (path) DO UPDATE"
                " SET stamp = excluded.stamp, content = excluded.content, counted = -abs(counted)",
                rows,
            )
            if self._files is not None:
                self._files.update((path, content) for path, _, content in rows)

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
            if connection.execute(f"{unused} LIMIT 1").fetchone():
                connection.execute(f"DELETE FROM name WHERE content IN ({unused})")
                connection.execute(f"DELETE FROM content WHERE id IN ({unused})")

    def show(self, live: Mapping[str, Unsaved]) -> None:
        """From now on these files hold what their unsaved text says, and all others what is on disk."""
        self._live = dict(live)
        self._live_names = {}
        self._live_uses = {}
        for path, file in self._live.items():
            for number, tag in enumerate(file.tags.tags):
                self._live_names.setdefault(tag.name, []).append(Place(path, number))

    def file(self, path: str) -> FileTags:
        """The tags of a file; nothing but the file itself where it is not known."""
        if path in self._live:
            return self._live[path].tags
        known = self._on_disk(path)
        return known.tags if known else _NOTHING

    def uses(self, place: Place) -> str:
        """The names in a definition, but for those in definitions inside of it. Nothing where the file has changed on
        disk, of which somebody will tell."""
        live = self._live.get(place.path)
        if live is not None:
            found = self._live_uses.get(place)
            if found is None:
                found = self._live_uses[place] = uses_in(live.code, live.tags.tags, place.number)
            return found
        known = self._on_disk(place.path)
        if known is None:
            return ""
        found = known.uses.get(place.number)
        if found is None:
            code = self._code(place.path)
            if code is None:
                return ""
            found = known.uses[place.number] = uses_in(code, known.tags.tags, place.number)
        return found

    def tag(self, place: Place) -> Tag:
        return self.file(place.path).tags[place.number]

    def named(self, name: str, limit: int) -> list[Place]:
        """The definitions of that name in the whole folder, at most `limit`."""
        self._make_findable()
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

    def uncounted(self) -> tuple[int, int, int]:
        """How many files there are, how many of them are new or another since they were counted, and how many are as
        they were or another."""
        rows = self._cache.rows("SELECT count(*), sum(counted < 1), sum(counted <> 0) FROM file")
        count, moved, counted = rows[0] if rows else (0, 0, 0)
        return count, moved or 0, counted or 0

    def keep_count(self, name: str, value: str) -> None:
        """A note that was made of all files as they are now."""
        with contextlib.suppress(NotWritten), self._cache.transaction() as connection:
            connection.execute("UPDATE file SET counted = 1 WHERE counted <> 1")
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def defined(self) -> Iterable[tuple[str, str, bytes]]:
        """Of each file on disk, always in the same order: its path, the names of its definitions, and their weights."""
        return self._cache.each(
            "SELECT file.path, content.names, content.weights FROM file JOIN content ON content.id = file.content"
            " ORDER BY file.path"
        )

    def used(self) -> Iterable[str]:
        """Of each file on disk, in that order: all words in it, with blanks between them."""
        rows = self._cache.each(
            "SELECT content.words FROM file JOIN content ON content.id = file.content ORDER BY file.path"
        )
        return (words for (words,) in rows)

    def holding(self, names: Collection[str]) -> list[str]:
        """The files in whose text any of these names stands, in whatever place."""
        wanted = [name.encode("utf-8", "replace") for name in names]
        found: list[str] = []
        for path in self.paths():
            live = self._live.get(path)
            source = live.code.source if live else self._read(path)
            if source is not None and any(name in source for name in wanted):
                found.append(path)
        return found

    def close(self) -> None:
        self._cache.close()

    def _contents(self) -> dict[str, int | None]:
        if self._files is None:
            self._files = dict(self._cache.rows("SELECT path, content FROM file"))
        return self._files

    def _on_disk(self, path: str) -> _Known | None:
        content = self._contents().get(path)
        if content is None:
            return None
        found = self._known.get(content)
        if found is None:
            rows = self._cache.rows("SELECT tags, names FROM content WHERE id = ?", (content,))
            if not rows:
                return None
            found = self._known[content] = _Known(unpacked(*rows[0]))
            while len(self._known) > KEPT_FILES:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(content)
        return found

    def _code(self, path: str) -> Code | None:
        """The code of a file on disk; None where it is another by now than the one whose tags are known."""
        content = self._contents().get(path)
        if content is None:
            return None
        found = self._codes.get((path, content))
        if found is None:
            rows = self._cache.rows("SELECT digest FROM content WHERE id = ?", (content,))
            language, data = language_of_name(path), self._read(path)
            if language is None or data is None or not rows or rows[0][0] != digest_of(data):
                return None
            found = self._codes[path, content] = code_of(language, data)
            while len(self._codes) > KEPT_CODES:
                self._codes.popitem(last=False)
        else:
            self._codes.move_to_end((path, content))
        return found

    def _make_findable(self) -> None:
        """Let names be looked up. To wait with that until somebody does is quicker by half than to have each name put
        in its place while a whole folder is read."""
        if not self._by_name:
            with contextlib.suppress(NotWritten), self._cache.transaction() as connection:
                connection.execute("CREATE INDEX IF NOT EXISTS name_name ON name (name)")
            self._by_name = True
