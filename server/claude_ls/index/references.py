"""Who uses a definition: every line of the folder whose names mean it, as `Names` and `Reader` follow them.

The other way round from `related`, and found the same way: files in which the name occurs at all are few, definitions
whose `uses` hold it fewer, and each of those is read for what it means by it. What cannot be followed counts where the
name is as good as the only one; a line in a comment or a string is no use.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from claude_ls.index.elided import LONGEST_LINE, MARK, Lines
from claude_ls.index.folder_index import FolderIndex
from claude_ls.index.resolve import Found, Names, Reader
from claude_ls.index.store import Place
from claude_ls.syntax.languages import language_of
from claude_ls.syntax.tags import Tag
from claude_ls.syntax.words import words

LEAST_SURE = 0.3
"""A name that could mean one of two things, and nothing near says which, is not taken for a use of either."""
MAX_DEFINITIONS = 20
"""A name that more things have than these says nothing: who asks for it by name gets the uses of so many."""
MAX_READ = 2_000
"""So many definitions that hold the name are read at most; a name in more of them is a word, not a name."""
_IMPLICIT = frozenset({"Java", "C#", "C++", "Ruby"})
"""Languages in which a member can be named without saying whose it is."""
STATEMENT_LINES = 8
"""A call over more lines than these is shown by its first ones."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A line, from 0, that uses a definition: `place` is what it stands in itself, and `sure` is from 0 to 1."""

    place: Place
    line: int
    sure: float


@dataclass(frozen=True, slots=True)
class Callers:
    """By file, the text of the lines that use a definition, and how many lines had no room."""

    shown: tuple[tuple[str, str], ...] = ()
    left_out: int = 0


def callers_of(
    index: FolderIndex,
    path: str,
    lines: tuple[int, int],
    characters: int,
    *,
    members: bool = False,
) -> Callers | None:
    """Who uses the definition around these lines of the file `path`, or with `members` anything in it, in at most so
    many characters; None where there is none."""
    names, text_of = index.known()
    place = index.place_at(path, *lines)
    if not place.number:
        return None
    return callers(names, text_of, references(names, text_of, place, members=members), characters)


def uses_of(index: FolderIndex, name: str, path: str) -> list[tuple[str, int, str]]:
    """Path, line from 1 and text of each use of what is called `name`: of what the file `path` defines by that name, or
    any file where the path is empty."""
    names, text_of = index.known()
    places = [place for place in names.store.named(name, MAX_DEFINITIONS) if not path or place.path == path]
    found: dict[tuple[str, int], str] = {}
    for place in places:
        for item in references(names, text_of, place):
            lines = text_of(item.place.path)
            if item.line < len(lines):
                found[item.place.path, item.line + 1] = lines[item.line]
    return [(*where, text) for where, text in sorted(found.items())]


def references(names: Names, lines: Lines, place: Place, *, members: bool = False) -> list[Reference]:
    """All lines that use the definition at `place` from outside of it, by file and line: with `members` also those that
    use what is defined in it."""
    tags = names.store.file(place.path).tags
    own = _within(tags, place.number)
    wanted = [number for number in own if number == place.number or (members and tags[number].parent == place.number)]
    targets = {Place(place.path, number) for number in wanted if number and tags[number].name}
    targets |= {twin for target in list(targets) for twin in _twins(names, target)}
    called = {names.store.tag(target).name for target in targets}
    found: list[Reference] = []
    read = 0
    for path in _files_with(names, called, place.path):
        for number, tag in enumerate(names.store.file(path).tags):
            if path == place.path and number in own:
                continue
            used = names.store.uses(Place(path, number)).split()
            chains = [chain for chain in (*used, *tag.bases.split()) if not called.isdisjoint(chain.split("."))]
            if not chains or read >= MAX_READ:
                continue
            read += 1
            user = Place(path, number)
            meant = _meant(names, lines, user, chains, targets, called)
            if meant:
                found += _lines_with(lines(path), names.store.file(path).tags, user, called, meant)
    return found


def callers(names: Names, lines: Lines, uses: Sequence[Reference], characters: int) -> Callers:
    """What uses a definition, for reading: each line behind its number, below the signature that it stands in."""
    shown: list[tuple[str, str]] = []
    left_out = 0
    by_file: dict[str, list[Reference]] = {}
    for use in uses:
        by_file.setdefault(use.place.path, []).append(use)
    for path, items in by_file.items():
        text, tags = lines(path), names.store.file(path).tags
        kept: set[int] = set()
        for item in items:
            wanted = {*_heads(tags, item), *_statement(text, item.line)} - kept
            cost = sum(min(len(text[line]), LONGEST_LINE) + 10 for line in wanted) + (0 if kept else len(path) + 60)
            if cost > characters:
                left_out += 1
            else:
                characters -= cost
                kept |= wanted
        if kept:
            shown.append((path, _numbered(text, sorted(kept))))
    return Callers(tuple(shown), left_out)


def _files_with(names: Names, called: Collection[str], own: str) -> list[str]:
    """The files in which one of the names occurs, its own first and then in the order of their paths."""

    return sorted(set(names.store.holding(called)) & names.paths, key=lambda path: (path != own, path))


def _meant(
    names: Names,
    lines: Lines,
    user: Place,
    chains: Iterable[str],
    targets: Collection[Place],
    called: Collection[str],
) -> dict[str, float]:
    """Which of the `chains` that `user` holds mean one of the definitions `targets`, and how surely."""
    tags, text = names.store.file(user.path).tags, lines(user.path)
    bases = tags[user.number].bases.split()
    # What a variable of a function is set to is read with that function, which knows the types.
    number: int = user.number
    while tags[number].noun == "variable" and tags[number].parent > 0:
        number = tags[number].parent
    tag = tags[number]
    code = "\n".join(text[tag.first : tag.last + 1])
    parent = tags[tag.parent] if number else tag
    around = "\n".join(text[parent.first : parent.last + 1]) if parent.noun != "file" else ""
    reader = Reader(names, Place(user.path, number), code, around, _Signatures(names, lines))
    language = language_of("", user.path)
    implicit = language is not None and language.name in _IMPLICIT
    meant: dict[str, float] = {}
    for chain in dict.fromkeys(chains):
        found = reader.found([chain])
        if chain in bases:
            # To `Reader` what stands in the brackets of a header is a parameter.
            found += [Found(base, 1.0) for base in names.chain(Place(user.path, tag.parent), chain)[-1:]]
        if implicit and chain in called:
            found += reader.found([f"self.{chain}"])
        sure = max((item.sure for item in found if item.place in targets), default=0.0)
        if sure >= LEAST_SURE:
            meant[chain] = sure
    return meant


def _twins(names: Names, place: Place) -> Iterator[Place]:
    """Definitions that are the same thing once more: overloads, a type and its blocks of methods."""
    tags = names.store.file(place.path).tags
    own = tags[place.number]
    for number, tag in enumerate(tags):
        if tag.name == own.name and tag.parent == own.parent:
            yield Place(place.path, number)


class _Signatures(dict[Place, str]):
    """By definition, its first lines, read when they are asked for."""

    def __init__(self, names: Names, lines: Lines) -> None:
        super().__init__()
        self._names = names
        self._lines = lines

    def get(self, place: Place, default: str = "") -> str:  # type: ignore[override]
        if place not in self:
            tag = self._names.store.tag(place)
            self[place] = "\n".join(self._lines(place.path)[tag.line : min(tag.body, tag.line + 20)])
        return self[place]


def _lines_with(
    text: Sequence[str], tags: Sequence[Tag], user: Place, called: Collection[str], meant: dict[str, float]
) -> Iterator[Reference]:
    """The lines of `user` itself, not of what is defined in it, on which one of the names of `meant` stands."""
    tag = tags[user.number]
    inner = {line for item in tags if item.parent == user.number for line in range(item.first, item.last + 1)}
    # What a decorator or a default says on the lines of an inner definition is read with that definition.
    lines = (line for line in range(tag.first, min(tag.last + 1, len(text))) if line not in inner)
    own = [line for line in lines if any(name in text[line] for name in called)]
    language = language_of("", user.path)
    used = [words(language.words, [text[line].encode("utf-8", "replace")]) for line in own if language]
    found = [
        Reference(user, line, max(meant[chain] for chain in chains.split() if chain in meant))
        for line, chains in zip(own, used, strict=True)
        if any(chain in meant for chain in chains.split())
    ]
    if not found:
        # A chain over several lines, or a base in a header: whatever line has the name.
        named = "|".join(re.escape(chain.rpartition(".")[2]) for chain in meant)
        whole = re.compile(rf"(?<![\w$])(?:{named})(?![\w$])")
        found = [Reference(user, line, max(meant.values())) for line in own if whole.search(text[line])]
    yield from found


def _within(tags: Sequence[Tag], number: int) -> set[int]:
    """A definition and all that is inside of it."""
    inside = {number}
    for index in range(number + 1, len(tags)):
        if tags[index].parent in inside:
            inside.add(index)
    return inside


def _heads(tags: Sequence[Tag], item: Reference) -> Iterator[int]:
    """The first line of each definition around the reference."""
    number: int = item.place.number
    while number > 0:
        yield tags[number].line
        number = tags[number].parent


def _statement(text: Sequence[str], line: int) -> range:
    """The lines from this one until all brackets are closed that it opens."""
    open_brackets = 0
    for last in range(line, min(line + STATEMENT_LINES, len(text))):
        open_brackets += sum(text[last].count(mark) for mark in "([{") - sum(text[last].count(mark) for mark in ")]}")
        if open_brackets <= 0 or text[last].rstrip().endswith(("{", ":")):
            return range(line, last + 1)
    return range(line, line + 1)


def _numbered(text: Sequence[str], kept: Sequence[int]) -> str:
    parts: list[str] = []
    at = 0
    for line in kept:
        if line > at:
            parts.append(MARK)
        shown = text[line] if len(text[line]) <= LONGEST_LINE else text[line][: LONGEST_LINE - 1] + "…"
        parts.append(f"{line + 1}\t{shown}")
        at = line + 1
    if at < len(text):
        parts.append(MARK)
    return "\n".join(parts)
