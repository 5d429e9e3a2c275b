"""Finds lines in the files of a folder: by ripgrep where it is installed, else by a process of our own.

A process, since a regular expression may take for ever: what takes too long is killed, and costs nobody else anything.
Paths are relative to the folder. Only the files that the caller knows are looked at, and texts that are not saved are
looked at instead of what is on disk.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from claude_ls.workspace.files import FileProblem

SECONDS = 10.0
MAX_LINE_BYTES = 1_000_000


class FoundLine(NamedTuple):
    """`line` counts from 1."""

    path: str
    line: int
    text: str


@dataclass(frozen=True)
class Search:
    """What is looked for: a regular expression, and at most so many lines."""

    pattern: str
    ignore_case: bool
    limit: int


async def search(
    root: Path,
    paths: Sequence[str],
    texts: Mapping[str, str],
    wanted: Search,
    *,
    ripgrep: str | None = None,
    seconds: float = SECONDS,
) -> list[FoundLine]:
    """The lines that match, by file in the order of `paths`; `FileProblem` where it took too long.

    `ripgrep` is the program, if there is one. Patterns that only Python reads we look for ourselves. Which lines come
    where there are more than the limit is not settled.
    """
    on_disk = [path for path in paths if path not in texts]
    found: list[FoundLine] | None = None
    async with _Deadline(seconds):
        if ripgrep and on_disk:
            found = await _by_ripgrep(ripgrep, root, set(on_disk), wanted)
        rest = {path: texts[path] for path in paths if path in texts}
        if found is None or rest:
            found = (found or []) + await _by_ourselves(root, on_disk if found is None else [], rest, wanted)
    order = {path: number for number, path in enumerate(paths)}
    return sorted(found, key=lambda item: (order[item.path], item.line))[: wanted.limit]


def find_ripgrep() -> str | None:
    """The program on the person's path, if it is installed."""
    return shutil.which("rg")


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            await self._timeout.__aexit__(kind, error, None)
        except TimeoutError:
            words = f"the search took longer than {self._seconds:.0f} s: look for something simpler, or in one folder"
            raise FileProblem(words) from None


async def _by_ripgrep(program: str, root: Path, paths: set[str], wanted: Search) -> list[FoundLine] | None:
    """None where ripgrep does not take the pattern."""
    command = [program, "--json", "--no-config", "--hidden", "--no-messages", "--max-columns", "100000"]
    command += ["--ignore-case"] if wanted.ignore_case else []
    command += ["--glob", "!.git", "--regexp", wanted.pattern, "--", "."]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=root,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=MAX_LINE_BYTES,
    )
    assert process.stdout is not None
    found: list[FoundLine] = []
    try:
        while len(found) < wanted.limit:
            try:
                line = await process.stdout.readline()
            except ValueError:
                continue  # longer than anybody reads
            if not line:
                break
            if (item := _of_ripgrep(line)) and item.path in paths:
                found.append(item)
        else:
            return found
        return None if await process.wait() == 2 and not found else found
    finally:
        await _ended(process)


def _of_ripgrep(line: bytes) -> FoundLine | None:
    event = json.loads(line)
    if event["type"] != "match":
        return None
    data = event["data"]
    if "text" not in data["path"] or "text" not in data["lines"]:
        return None  # not UTF-8
    return FoundLine(data["path"]["text"].removeprefix("./"), data["line_number"], data["lines"]["text"].rstrip("\r\n"))


async def _by_ourselves(root: Path, paths: Sequence[str], texts: Mapping[str, str], wanted: Search) -> list[FoundLine]:
    asked = {
        "root": str(root),
        "paths": list(paths),
        "texts": dict(texts),
        "pattern": wanted.pattern,
        "ignore_case": wanted.ignore_case,
        "limit": wanted.limit,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "claude_ls.workspace.search_process"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        output, _ = await process.communicate(json.dumps(asked).encode())
    finally:
        await _ended(process)
    if process.returncode:
        raise FileProblem("the search failed: look for something simpler")
    return [FoundLine(*item) for item in json.loads(output)]


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
