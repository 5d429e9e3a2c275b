"""The port to what tools may look at: the workspace as the person has it, unsaved text before what is on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Match:
    """A line that was found. `line` counts from 1."""

    path: str
    line: int
    text: str


@dataclass(frozen=True)
class Defined:
    """A definition: its lines, from 1, how deep it stands in others, and its first line."""

    first: int
    last: int
    depth: int
    signature: str


class View(Protocol):
    """Paths are as Claude knows them: from the folder of the workspace on. What is ignored is not there.

    All of them raise `claude_ls.workspace.files.FileProblem`, whose message is for Claude.
    """

    async def text(self, path: str) -> str:
        """The text of a file as it is now."""
        ...

    async def paths(self, folder: str) -> Sequence[str]:
        """All files under a folder, which is empty for all of the workspace, in order."""
        ...

    async def search(self, pattern: str, folder: str, *, ignore_case: bool, limit: int) -> Sequence[Match]:
        """The lines that a regular expression matches, at most `limit` and one more."""
        ...

    async def outline(self, path: str) -> Sequence[Defined]:
        """What a file defines, in order."""
        ...

    async def references(self, name: str, path: str) -> Sequence[Match]:
        """Where the definition of that name in a file is used; in all files with one, where the path is empty."""
        ...

    async def diagnostics(self, path: str) -> str:
        """What other tools say about a file, a line each; empty where they say nothing."""
        ...

    async def check(self, name: str) -> tuple[bool, str]:
        """Run a check on a copy that has all changes in it: whether it passed, and what it said."""
        ...

    async def ask(self, question: str, choices: Sequence[str]) -> str | None:
        """What the person answers; None where they do not."""
        ...
