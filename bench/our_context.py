"""Our context for a function, as `context_recall.py` asks for it: an index in memory, and nothing of the server."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from claude_ls.agent.usage import CHARACTERS_PER_TOKEN
from claude_ls.index.folder_index import FolderIndex
from claude_ls.index.one_file import read_file


@cache
def _index(root: Path) -> FolderIndex:
    index = FolderIndex(root, None)
    index.add([read_file(root, file) for file in index.stale()])
    return index


def context(root: Path, path: Path, first_line: int, last_line: int, tokens: int) -> str:
    """What would be sent along with the lines `first_line` to `last_line` (from 1) of `path`, in that many tokens."""
    characters = int((tokens - 1) * CHARACTERS_PER_TOKEN)
    name = path.relative_to(root).as_posix()
    shown = _index(root).context(name, first_line - 1, last_line - 1, characters)
    return "\n\n".join(f'<file path="{item.path}">\n{item.text}\n</file>' for item in shown)
