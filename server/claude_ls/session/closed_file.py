"""Makes Claude's edits of a file that the editor does not show: by the editor if it will, else on disk.

To a buffer this looks like an editor. Three ways, the best first: the editor shows the file, and from then on it is a
document like any other; the editor takes one edit for it all the same, and tells by opening it; the file is written
anew, if it still is what was read. Whatever another program does to the file meanwhile counts as typed by somebody.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from claude_ls.editing.hunk import Label
from claude_ls.session.buffer import Buffer
from claude_ls.session.client import Answered, Client
from claude_ls.text.diff import changes
from claude_ls.text.document import Document
from claude_ls.text.patch import Patch, apply
from claude_ls.workspace import files
from claude_ls.workspace.files import FileProblem, FileText

OPENING_SECONDS = 1.0
"""How long an editor may take from showing a file, or changing it, to saying that it is open."""


@dataclass(eq=False)
class ClosedFile:
    """The editor's part for one file. `buffer` is set once there is one, `opened` when the editor has it."""

    path: Path
    known: FileText
    client: Client
    buffer: Buffer | None = None
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def shown(self) -> bool:
        """Whether the editor opens the file when it is asked to."""
        return await self.client.show_file(self.path) and await self._opens()

    def send_edit(self, document: Document, patch: Patch, label: Label, answered: Answered) -> None:
        """Make the edit in the best way that works; `answered` is called once, after the change is reported."""
        task = asyncio.get_running_loop().create_task(self._make(document, patch, label, answered))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _make(self, document: Document, patch: Patch, label: Label, answered: Answered) -> None:
        if self.opened.is_set() or await self._by_the_editor(document, patch, label):
            # Opened with the edit in it, or without: its text tells which.
            answered(False, "the file was opened meanwhile")
            return
        try:
            text = apply(document.text, patch)
            self.known = await asyncio.to_thread(files.replace, self.path, text, self.known)
        except FileProblem as problem:
            await self.look_again(document)
            answered(False, str(problem))
        else:
            self._report(document, text)
            answered(True, "")

    async def _by_the_editor(self, document: Document, patch: Patch, label: Label) -> bool:
        """Whether the editor opened the file for the edit."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def answered(applied: bool, reason: str, *, final: bool = False) -> None:
            if not done.done():
                done.set_result(applied)

        self.client.send_unopened_edit(document, patch, label, answered)
        return await done and await self._opens()

    async def _opens(self) -> bool:
        try:
            await asyncio.wait_for(self.opened.wait(), OPENING_SECONDS)
        except TimeoutError:
            return False
        return True

    async def look_again(self, document: Document) -> None:
        """Report what another program has made of the file since `document`, which is what we know of it."""
        try:
            now = await asyncio.to_thread(files.read, self.path)
        except FileProblem:
            return
        if now.digest != self.known.digest:
            self.known = now
            self._report(document, now.text)

    def _report(self, document: Document, text: str) -> None:
        if self.buffer and not self.opened.is_set():
            edits = changes(document.text, text)
            self.buffer.changed(document.edited(document.version + 1, edits), edits)
