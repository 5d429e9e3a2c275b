"""What people have written down for agents: `CLAUDE.md` and `AGENTS.md`, from the folder's top down to a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from claude_ls.workspace.files import FileProblem, read, real

NAMES = ("AGENTS.md", "CLAUDE.md")
MAX_CHARACTERS = 40_000
"""More of them are not read: nobody means that to be sent with every request."""


@dataclass(frozen=True)
class Rules:
    """The text of one file with rules. `path` is how a person would name it."""

    path: str
    text: str


def rules_for(root: Path | None, file: Path, own: Path | None) -> list[Rules]:
    """The rules that hold for `file` in the folder `root`, the most general first: the person's `own` before all.

    Without a `root` only those, as a folder that is not trusted has no say.
    """
    found: list[Rules] = []
    if own is not None:
        _take(own, str(own), None, found)
    if root is None:
        return found
    folders = [root]
    if file.is_relative_to(root):
        for part in file.relative_to(root).parts[:-1]:
            folders.append(folders[-1] / part)
    for folder in folders:
        for name in NAMES:
            _take(folder / name, (folder / name).relative_to(root).as_posix(), root, found)
    return found


def _take(path: Path, name: str, inside: Path | None, found: list[Rules]) -> None:
    """Add the rules at `path`, where there are some; a link must not lead out of the folder."""
    if not path.is_file() or (inside is not None and not real(path).is_relative_to(real(inside))):
        return
    try:
        text = read(path).text.strip()
    except FileProblem:
        return
    left = MAX_CHARACTERS - sum(len(rules.text) for rules in found)
    # A link from one name to the other is a usual thing.
    if text and left > 0 and all(rules.text != text[:left] for rules in found):
        found.append(Rules(name, text[:left]))
