"""One folder's index: what its files define, kept in step with disk and with unsaved text, and asked for context.

One thread at a time. Reading files takes long and is left to whoever calls: `stale` says what is to be read, `add`
takes what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from claude_ls.index.elided import Elided, Lines
from claude_ls.index.one_file import Indexed, read_bytes
from claude_ls.index.popularity import leading
from claude_ls.index.related import related
from claude_ls.index.resolve import Names
from claude_ls.index.store import Place, Store, Unsaved
from claude_ls.syntax import tags
from claude_ls.syntax.languages import LANGUAGES, language_of_name
from claude_ls.syntax.tags import Tag, code_of, tags_in
from claude_ls.workspace.listing import IGNORE_FILES, ListedFile, Listing

_ENDINGS = frozenset(ending for language in LANGUAGES for ending in language.suffixes)


@dataclass(frozen=True, slots=True)
class Shown:
    """Lines of one file that matter for a place."""

    path: str
    text: str


class FolderIndex:
    """`cache` is the file in which it is kept from one start to the next; None keeps it in memory."""

    def __init__(self, root: Path, cache: Path | None) -> None:
        self.root = root
        self.listing = Listing(root)
        self._store = Store(cache, f"{tags.VERSION}", lambda path: read_bytes(f"{root}/{path}"))
        self._texts: dict[str, list[str]] = {}
        self._live: dict[str, tuple[str, Unsaved]] = {}
        self._names = Names(self._store)

    def stale(self) -> list[ListedFile]:
        """Files that are to be read, after a look at the whole folder; those that are gone are forgotten."""
        known = self._store.stamps()
        changed: list[ListedFile] = []
        for file in self.listing.walk(is_code):
            if known.pop(file.path, None) != file.stamp:
                changed.append(file)
        if known:
            self._store.forget(known)
        if known or changed:
            self._changed()
        return changed

    def look_again(self, paths: Iterable[str]) -> list[ListedFile]:
        """Which of these are to be read; those that are gone, or hidden now, are forgotten."""
        changed: list[ListedFile] = []
        gone: list[str] = []
        known = self._store.stamps()
        for path in dict.fromkeys(paths):
            file = self.listing.look(path) if is_code(path) else None
            if file is None:
                gone += [name for name in known if name == path or name.startswith(path + "/")]
            elif known.get(path) != file.stamp:
                changed.append(file)
        if gone:
            self._store.forget(gone)
        if gone or changed:
            self._changed()
        return changed

    def add(self, files: Sequence[Indexed]) -> None:
        """What was read of some files."""
        self._store.add(files)
        self._changed()

    def show(self, texts: dict[str, str]) -> None:
        """The unsaved text of these files counts from now on, and for all others what is on disk.

        What is ignored stays ignored, open or not.
        """
        texts = {path: text for path, text in texts.items() if is_code(path) and self.listing.shows(path)}
        if {path: text for path, (text, _) in self._live.items()} == texts:
            return
        live: dict[str, tuple[str, Unsaved]] = {}
        for path, text in texts.items():
            known = self._live.get(path)
            if known and known[0] == text:
                live[path] = known
            elif language := language_of_name(path):
                code = code_of(language, text.encode("utf-8", "replace"))
                if found := tags_in(code):
                    live[path] = (text, Unsaved(code, found))
        self._live = live
        self._store.show({path: found for path, (_, found) in live.items()})
        self._changed()

    def context(
        self, path: str, first: int, last: int, characters: int, wanted: Callable[[str], bool] = lambda path: True
    ) -> list[Shown]:
        """What matters for the definition around the lines of the file `path`, in at most so many characters.

        `wanted` tells which files may be shown; the definition itself is not among them.
        """
        place = self.place_at(path, first, last)
        tag = self._store.tag(place)
        lines = self._lines(path)
        code = "\n".join(lines[tag.first : tag.last + 1])
        around = ""
        if place.number and (parent := self._store.file(path).tags[tag.parent]).noun != "file":
            around = "\n".join(lines[parent.first : parent.last + 1])
        signatures = _Signatures(self._store, self._lines)
        elided = Elided(self._store, self._lines, characters)
        misses = 0
        for item in related(self._names, place, code, around, signatures):
            if wanted(item.place.path) and not elided.add(item.place):
                misses += 1
                if misses > 20:
                    break
        return [Shown(shown, text) for shown, text in elided.rendered()]

    def known(self) -> tuple[Names, Lines]:
        """The names of the folder and the lines of its files, for whoever asks other questions of them (see
        `references`): as they are now, and not to be kept."""
        return self._names, self._lines

    def place_at(self, path: str, first: int, last: int) -> Place:
        """The innermost definition around these lines; the file where there is none."""
        found = 0
        for number, tag in enumerate(self._store.file(path).tags):
            if tag.first <= first and last <= tag.last:
                found = number
        return Place(path, found)

    def map(self, characters: int) -> list[Shown]:
        """The folder in so many characters: what most of it leans on, first."""
        elided = Elided(self._store, self._lines, characters)
        misses = 0
        for place in self._leading():
            if not elided.add(place):
                misses += 1
                if misses > 50:
                    break
        return [Shown(path, text) for path, text in sorted(elided.rendered())]

    def dump(self) -> dict[str, tuple[tuple[Tag, ...], tuple[str, ...], tuple[str, ...]]]:
        """Everything that is known, for comparison: the tags of each file, what each uses, and the imports."""
        return {
            path: (
                file.tags,
                tuple(self._store.uses(Place(path, number)) for number in range(len(file.tags))),
                file.statements,
            )
            for path in sorted(self._store.paths())
            if (file := self._store.file(path)).tags[0].last or len(file.tags) > 1
        }

    def rank(self) -> None:
        """Count what the folder leans on, so that the next map is there at once."""
        next(self._leading(), None)

    def is_rule(self, path: str) -> bool:
        """Whether a change of this file changes which others are shown."""
        return path.rpartition("/")[2] in IGNORE_FILES

    def tidy(self) -> None:
        self._store.tidy()

    def close(self) -> None:
        self._store.close()

    def _leading(self) -> Iterator[Place]:
        """The definitions of the folder that the most files name, weighed by how many share the name."""
        return leading(self._store)

    def _changed(self) -> None:
        self._names = Names(self._store)
        self._texts.clear()

    def _lines(self, path: str) -> list[str]:
        known = self._texts.get(path)
        if known is None:
            text = self._live[path][0] if path in self._live else _text(self.root / path)
            known = self._texts[path] = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return known


class _Signatures(dict[Place, str]):
    """By definition, its first lines, read when they are asked for."""

    def __init__(self, store: Store, lines: Callable[[str], list[str]]) -> None:
        super().__init__()
        self._store = store
        self._lines = lines

    def get(self, place: Place, default: str = "") -> str:  # type: ignore[override]
        if place not in self:
            tag = self._store.tag(place)
            self[place] = "\n".join(self._lines(place.path)[tag.line : min(tag.body, tag.line + 20)])
        return self[place]


def is_code(name: str) -> bool:
    return name[name.rfind(".") :].lower() in _ENDINGS


def _text(path: Path) -> str:
    return (read_bytes(path) or b"").decode("utf-8", "replace")
