"""The port to the person's editor: what the session asks of it, in our own words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from claude_ls.editing.hunk import Label
from claude_ls.text.document import Document
from claude_ls.text.patch import Patch, Span

if TYPE_CHECKING:
    from claude_ls.session.job import Job
    from claude_ls.session.reviewing import Waiting

Level = Literal["error", "warning", "info"]


class Answered(Protocol):
    """Takes the answer to an edit: whether it was made, why not, and whether that is `final` for this editor."""

    def __call__(self, applied: bool, reason: str, *, final: bool = False) -> None: ...


class Edits(Protocol):
    """Whoever makes the edits of one document: the editor that shows it, or what stands in for one."""

    def send_edit(self, document: Document, patch: Patch, label: Label, answered: Answered) -> None:
        """Ask for `patch` on exactly this version; `answered` is called once, with a reason where it is a no."""


class Client(Edits, Protocol):
    """An ideal editor. Whatever the real one lacks, the adapter makes up for or answers with a no."""

    def send_unopened_edit(self, document: Document, patch: Patch, label: Label, answered: Answered) -> None:
        """Ask for `patch` to a file that is not open, whatever version the editor may give it."""

    async def move_file(self, path: Path, new_path: Path | None) -> bool:
        """Have the editor rename a file, or delete it (None); False where it cannot or would not."""
        ...

    async def ask(self, question: str, choices: Sequence[str]) -> str | None:
        """The person's choice; None where they made none, or cannot be asked."""
        ...

    def job_changed(self, job: Job) -> None:
        """The job's state, phase or count of tokens is a new one."""

    def job_text(self, job: Job, text: str) -> None:
        """The next words of an explanation."""

    @property
    def undo_groups(self) -> bool:
        """Whether all edits of one group are one undo step."""
        ...

    async def show_file(self, path: Path) -> bool:
        """Open a file of ours for the person; False where the editor cannot or would not."""
        ...

    @property
    def reloads_files(self) -> bool:
        """Whether an open file follows its bytes on disk by itself, so that it can be shown while it grows."""
        ...

    def review_changed(self, document: Document, waiting: Sequence[Waiting]) -> None:
        """These changes wait for review in `document` now, and no others."""

    async def show_place(self, document: Document, span: Span) -> bool:
        """Show the person this place, selected; False where the editor cannot or would not."""
        ...

    async def show_review(self, path: Path) -> bool:
        """Show the person the diff of all that waits for review: ours, or the file at `path`, which is the same."""
        ...

    async def offer(self, text: str, choices: Sequence[str]) -> str | None:
        """Tell the person something, with choices where these do not stand in their way; the choice, if any."""
        ...

    def tell(self, level: Level, text: str) -> None:
        """Show one message to the person."""
