"""Goes back to a checkpoint, never over what the person has written since, and in such a way that it can be undone.

Every path that was touched since the checkpoint goes back to the first state that was kept of it. In a text, the
changes of each job since are taken out one behind the other, the newest first: what the person wrote meanwhile stays.
Where that cannot be told apart they are asked, and without an answer their text stays as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from claude_ls.editing.events import HunkClaimed, HunksWritten
from claude_ls.editing.hunk import HunkState, Label
from claude_ls.session.buffer import Buffer
from claude_ls.session.client import Client
from claude_ls.session.keeping import Keeping
from claude_ls.text.patch import Span
from claude_ls.workspace.checkpoints import Kept, is_all_claudes, wound_back
from claude_ls.workspace.files import FileProblem
from claude_ls.workspace.path_state import ABSENT, PathState, as_text, look, put_back

RESTORE, KEEP = "As it was then", "Keep mine"
DELETE = "Delete it"


@dataclass(frozen=True)
class Rewinding:
    """`document` finds the document of a file, shown by an editor or not, or why there is none."""

    client: Client
    keeping: Keeping
    document: Callable[[Path], Awaitable[Buffer | str]]
    is_open: Callable[[Path], bool]

    async def keep_all(self, identity: str, title: str, paths: list[Path]) -> str | None:
        """Make the checkpoint by which this can be undone; why that cannot be, or None."""
        for path in paths:
            buffer = await self.document(path)
            text = buffer.document.text if isinstance(buffer, Buffer) else None
            if problem := await self.keeping.keep(identity, title, path, text):
                return problem
        return None

    async def go_back(self, identity: str, kept: list[Kept]) -> None:
        """Bring all paths of `kept`, the newest first, back to what they were; what cannot be is told."""
        by_path: dict[Path, list[Kept]] = {}
        for item in kept:
            by_path.setdefault(item.path, []).append(item)
        problems: list[str] = []
        # What was renamed away has to be back before its new name goes.
        for path in sorted(by_path, key=lambda path: by_path[path][-1].state.kind == "absent"):
            try:
                await self._bring_back(identity, path, by_path[path])
            except FileProblem as problem:
                problems.append(str(problem))
        if problems:
            self.client.tell("warning", f"Claude: not everything could go back: {'; '.join(problems)}.")

    async def _bring_back(self, identity: str, path: Path, kept: list[Kept]) -> None:
        first = kept[-1]
        now = await asyncio.to_thread(look, path)
        if first.text is not None and (now.kind == "file" or self.is_open(path)):
            await self._change(identity, path, kept)
        elif first.state.kind == "absent":
            await self._remove(path, kept, now)
        elif now.kind == "absent":
            await asyncio.to_thread(put_back, path, first.state, now)
            self.keeping.came_of(identity, [(path, as_text(first.state.data), "")])
            if first.text is not None:
                await self._change(identity, path, kept)
        elif now != first.state:
            what = {"folder": "a folder", "link": "a link"}.get(now.kind, "another one")
            raise FileProblem(f"{path.name!r} is {what} now, and is kept")

    async def _change(self, identity: str, path: Path, kept: list[Kept]) -> None:
        """Bring a text back, in the editor if it shows it."""
        buffer = await self.document(path)
        if isinstance(buffer, str):
            raise FileProblem(buffer)
        text = buffer.document.text
        wound = wound_back(kept, text)
        wanted = wound.text
        if not wound.clean:
            question = (
                f"You have changed lines of {path.name} that Claude had changed as well. Bring it back to how it was "
                "then, without what you wrote there since, or keep your lines?"
            )
            chosen = await self.client.ask(question, (RESTORE, KEEP))
            wanted = wound.before if chosen == RESTORE else wound.text
        if wanted == text:
            self.keeping.came_of(identity, [(path, text, text)])
            return
        name = f"{identity}.{path}"
        buffer.keep_first(identity, _kept_already)
        buffer.step(HunkClaimed(name, Label("Claude: go back", identity), Span(0, len(text))))
        buffer.step(HunksWritten(((name, wanted),)))
        end = await buffer.end_of(name)
        if changes := buffer.changes_of(identity):
            self.keeping.came_of(identity, [(path, changes.text, changes.base)])
        buffer.forget_changes_of(identity)
        if end.state is not HunkState.LANDED:
            raise FileProblem(f"{path.name!r} stays as it is: {end.reason}")

    async def _remove(self, path: Path, kept: list[Kept], now: PathState) -> None:
        """Delete a file that was not there, unless somebody else has written in it."""
        if now.kind == "absent":
            return
        texts = {as_text(now.data)}
        if self.is_open(path) and isinstance(buffer := await self.document(path), Buffer):
            texts.add(buffer.document.text)
        if not all(is_all_claudes(kept, text) for text in texts):
            question = f"{path.name} was not there then, and holds what you have written since. Delete it all the same?"
            if await self.client.ask(question, (DELETE, KEEP)) != DELETE:
                raise FileProblem(f"{path.name!r} is kept")
        if await self.client.move_file(path, None):
            now = await asyncio.to_thread(look, path)
            if now.kind == "absent":
                return
        if self.is_open(path):
            raise FileProblem(f"{path.name!r} is open in the editor: close it first")
        await asyncio.to_thread(put_back, path, ABSENT, now)


async def _kept_already(document: object) -> None:
    """The checkpoint was made before anything began."""
