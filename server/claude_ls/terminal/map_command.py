"""`claude-ls map`: the folder as Claude would see it before anything else, and what it costs to show it."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Event

from rich.console import Console

from claude_ls.agent.prices import price_of
from claude_ls.agent.usage import CHARACTERS_PER_TOKEN, Usage, cost_words, estimated_tokens
from claude_ls.config import Settings
from claude_ls.index.elided import MARK
from claude_ls.index.folder_index import FolderIndex
from claude_ls.index.reading import processes, read_files
from claude_ls.session.indexing import cache_file


def show_map(folder: Path, cache: Path, tokens: int, settings: Settings) -> int:
    """Print the map of `folder`; the exit code. What was read is kept in `cache`, as a server does."""
    if not folder.is_dir():
        sys.stderr.write(f"claude-ls: {folder} is not a folder; name one, or leave it out for the current one\n")
        return 1
    root = folder.resolve()
    index = FolderIndex(root, cache_file(cache, root))
    try:
        for piece in read_files(root, index.stale(), processes(), Event()):
            index.add(piece)
        shown = index.map(int(tokens * CHARACTERS_PER_TOKEN))
    finally:
        index.close()
    if not shown:
        sys.stderr.write(f"claude-ls: there is no code in {folder} that git would show\n")
        return 1
    console = Console(highlight=False, soft_wrap=True)
    for item in shown:
        console.print(item.path, style="bold", markup=False)
        for line in item.text.split("\n"):
            console.print(line, style="dim" if line == MARK else None, markup=False)
        console.print()
    size = estimated_tokens("\n\n".join(f"{item.path}:\n{item.text}" for item in shown))
    price = price_of(settings.model, settings.prices)
    cost = f", {cost_words(price.cost(Usage(cache_write=size)))} for {settings.model}" if price else ""
    Console(stderr=True, highlight=False).print(f"about {size:,} tokens{cost}, less from the cache")
    return 0
