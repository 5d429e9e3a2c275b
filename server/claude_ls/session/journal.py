"""What each job changed in open documents, and how to take it back and put it there again.

An undo is an edit like any other: the hunks that a job landed are followed through everything typed since, and replaced
by what stood there before. What the person has typed into other lines of a hunk stays; a hunk whose own lines they
have changed is theirs: it is kept, and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from claude_ls.editing.events import HunkClaimed, HunksWritten
from claude_ls.editing.hunk import Hunk, HunkState, Label
from claude_ls.session.buffer import Buffer
from claude_ls.session.file_changes import FileChange
from claude_ls.text.merge import merge
from claude_ls.text.patch import Span


@dataclass(frozen=True)
class Reverted:
    """What an undo or redo did: how many hunks it takes back, and which spans it kept, by uri, as they are now."""

    job: str
    count: int
    kept: tuple[tuple[str, Span], ...]
    files: tuple[FileChange, ...] = ()
    """Changes of files that have to be taken back, in this order, or (not `undone`) made again."""
    undone: bool = True


@dataclass
class _Entry:
    """The newest hunks of one job, by name, with the buffers they are in, and whether they are its undoing."""

    title: str
    hunks: dict[str, Buffer]
    undone: bool = False
    turns: int = 0
    files: tuple[FileChange, ...] = ()


@dataclass
class Journal:
    """The jobs of a session that changed something, oldest first."""

    _entries: dict[str, _Entry] = field(default_factory=dict)

    def record(self, job: str, title: str, hunks: Mapping[str, Buffer], files: Iterable[FileChange] = ()) -> None:
        """`job` has ended. Which of its hunks are in the text is asked later: one may still be on its way."""
        self._entries[job] = _Entry(title, dict(hunks), files=tuple(files))

    def knows(self, job: str) -> bool:
        return job in self._entries

    def last(self, *, undone: bool) -> str | None:
        """The newest job that can be undone (or, with `undone`, redone)."""
        return next((job for job in reversed(self._entries) if self.can(job, undone=undone)), None)

    def can(self, job: str, *, undone: bool) -> bool:
        entry = self._entries.get(job)
        return entry is not None and entry.undone is undone and bool(entry.files or _in_text(entry))

    def revert(self, job: str) -> Reverted:
        """Take back what is in the text of `job`, one edit for each document: an undo, or the undo of an undo."""
        entry = self._entries[job]
        entry.turns += 1
        label = Label(f"Claude: {'redo' if entry.undone else 'undo'} {entry.title}", f"{job}.{entry.turns}")
        texts: dict[int, list[tuple[str, str]]] = {}
        buffers: dict[int, Buffer] = {}
        kept: list[tuple[str, Span]] = []
        current: dict[str, Buffer] = {}
        for number, (hunk, buffer) in enumerate(_in_text(entry)):
            here = hunk.span.of(buffer.document.text)
            back = merge(hunk.text, hunk.base, here)
            if not back.clean:
                kept.append((buffer.document.uri, hunk.span))
            if not back.clean or back.text == here:
                continue
            inverse = f"{job}.{entry.turns}-{number}"
            buffer.step(HunkClaimed(inverse, label, hunk.span))
            texts.setdefault(id(buffer), []).append((inverse, back.text))
            buffers[id(buffer)] = buffer
            current[inverse] = buffer
        for key, written in texts.items():
            buffers[key].step(HunksWritten(tuple(written)))
        files = entry.files if entry.undone else entry.files[::-1]
        reverted = Reverted(job, len(current), tuple(kept), files, undone=not entry.undone)
        if current or files:
            entry.hunks, entry.undone = current, not entry.undone
        return reverted


def _in_text(entry: _Entry) -> list[tuple[Hunk, Buffer]]:
    """The hunks of the entry that have landed and changed something."""
    known = [(buffer.live.hunks.get(name), buffer) for name, buffer in entry.hunks.items()]
    return [
        (hunk, buffer)
        for hunk, buffer in known
        if hunk is not None and hunk.state is HunkState.LANDED and hunk.text != hunk.base
    ]
