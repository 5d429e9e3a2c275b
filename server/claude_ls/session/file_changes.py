"""Makes, renames and deletes files for Claude, each only after the person has said yes, and takes it back again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from claude_ls.session.client import Client
from claude_ls.session.permission import Permission
from claude_ls.workspace import files
from claude_ls.workspace.files import FileProblem


@dataclass(frozen=True)
class FileChange:
    """What was done to a file: `data` are its bytes then."""

    kind: Literal["create", "rename", "delete"]
    path: Path
    new_path: Path | None = None
    data: bytes = b""


Keep = Callable[[Path], Awaitable[str | None]]
"""Stores what is at a path before it is changed; why that cannot be, or None."""


class FileChanges:
    """The changes of one job. `is_open` tells whether the editor shows a file."""

    def __init__(
        self,
        client: Client,
        folders: Callable[[], Iterable[Path]],
        is_open: Callable[[Path], bool],
        keep: Keep,
        permission: Permission,
        *,
        each_time: bool = True,
    ) -> None:
        """With `each_time`, the person is asked about every file anew."""
        self._permission = permission
        self._each_time = each_time
        self._keep = keep
        self._client = client
        self._folders = folders
        self._is_open = is_open
        self.made: list[FileChange] = []

    async def create(self, name: str, text: str) -> None:
        """Make a file and show it; `FileProblem` where that is not to be."""
        path = files.inside(self._folders(), name)
        if path.exists():
            raise FileProblem(f"{name!r} exists already: change it with edit_file")
        count = len(text.splitlines())
        await self._ask("create", f"Claude wants to make the file {name} ({count} line{'' if count == 1 else 's'}).")
        data = text.encode("utf-8", "replace")
        await self._kept(path)
        await asyncio.to_thread(files.create, path, data)
        self.made.append(FileChange("create", path, data=data))
        await self._client.show_file(path)

    async def rename(self, name: str, new_name: str) -> None:
        path, new_path = files.inside(self._folders(), name), files.inside(self._folders(), new_name)
        data = await asyncio.to_thread(files.contents, path)
        if new_path.exists():
            raise FileProblem(f"{new_name!r} exists already")
        await self._ask("rename", f"Claude wants to rename the file {name} to {new_name}.")
        change = FileChange("rename", path, new_path, data)
        await self._kept(path, new_path)
        await self._do(change)
        self.made.append(change)

    async def delete(self, name: str) -> None:
        path = files.inside(self._folders(), name)
        data = await asyncio.to_thread(files.contents, path)
        await self._ask("delete", f"Claude wants to delete the file {name}.")
        change = FileChange("delete", path, data=data)
        await self._kept(path)
        await self._do(change)
        self.made.append(change)

    async def _kept(self, *paths: Path) -> None:
        for path in paths:
            if problem := await self._keep(path):
                raise FileProblem(problem)

    async def _ask(self, kind: str, question: str) -> None:
        # What is deleted, or has another name, is asked about each time: nobody sees it in a text that is open.
        if not await self._permission.allows(kind, question, each_time=self._each_time or kind != "create"):
            raise FileProblem("the person did not allow it")

    async def _do(self, change: FileChange) -> None:
        await redone(self._client, change, self._is_open)


async def undone(client: Client, change: FileChange, is_open: Callable[[Path], bool]) -> None:
    """Take `change` back; `FileProblem` where the file is not any more what was made of it."""
    if change.kind == "create":
        await redone(client, FileChange("delete", change.path, data=change.data), is_open)
    elif change.kind == "delete":
        await redone(client, FileChange("create", change.path, data=change.data), is_open)
    elif change.new_path:
        await redone(client, FileChange("rename", change.new_path, change.path), is_open)


async def redone(client: Client, change: FileChange, is_open: Callable[[Path], bool]) -> None:
    """Do `change`: by the editor where it can, since it then takes its own windows along; else on disk."""
    if change.kind == "create":
        await asyncio.to_thread(files.create, change.path, change.data)
        return
    if change.kind == "delete" and await asyncio.to_thread(files.contents, change.path) != change.data:
        raise FileProblem(f"{change.path.name!r} was changed meanwhile, and is kept")
    if await client.move_file(change.path, change.new_path) and not change.path.exists():
        return
    if is_open(change.path):
        raise FileProblem(f"{change.path.name!r} is open in the editor: close it first")
    if change.new_path:
        await asyncio.to_thread(files.rename, change.path, change.new_path)
    else:
        await asyncio.to_thread(files.delete, change.path, change.data)
