"""What tests there are for a file, so that new ones join them: the test file itself, or one to take the style from."""

from __future__ import annotations

from dataclasses import dataclass

from claude_ls.index.elided import LONGEST_LINE, MARK
from claude_ls.index.folder_index import FolderIndex
from claude_ls.syntax.testing import tests_of

HEAD_LINES = 40
"""Lines from the top of a long test file that are shown: imports and fixtures stand there."""
EXAMPLE_LINES = 60
"""Of tests of something else so many lines are enough to see how tests are written here."""


@dataclass(frozen=True, slots=True)
class Tests:
    """Where the tests of a file belong: `text` is what stands there where it `exists`, as far as there was room.
    `example` is another test file with the beginning of its text, for the style, where there is one."""

    path: str
    exists: bool
    text: str = ""
    example: tuple[str, str] = ("", "")


def tests_for(index: FolderIndex, path: str, characters: int) -> Tests | None:
    """The tests of the file `path`; None for a language that has no tests."""
    names, lines = index.known()
    found = tests_of(path, names.paths)
    if found is None:
        return None
    if found.exists:
        # Tests that stand in the file itself are seen there.
        return Tests(found.path, True, "" if found.path == path else _ends(lines(found.path), characters))
    example = _ends(lines(found.example)[:EXAMPLE_LINES], characters) if found.example else ""
    return Tests(found.path, False, "", (found.example, example) if example else ("", ""))


def _ends(lines: list[str], characters: int) -> str:
    """The lines as far as they fit: the first ones, and of the rest the last, since new tests go behind them."""
    lines = [line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…" for line in lines]
    if sum(map(len, lines)) + len(lines) <= characters:
        return "\n".join(lines)
    head: list[str] = []
    for line in lines[:HEAD_LINES]:
        if len(line) + 1 > characters // 2:
            break
        characters -= len(line) + 1
        head.append(line)
    tail: list[str] = []
    for line in reversed(lines[len(head) :]):
        if len(line) + 1 > characters:
            break
        characters -= len(line) + 1
        tail.append(line)
    return "\n".join([*head, MARK, *reversed(tail)])
