"""What is kept of a job that changes files: what came of it, for a rewind, and who wrote which lines, for later."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from claude_ls.agent.usage import cost_words
from claude_ls.config import Settings
from claude_ls.editing.review import ReviewLog, whole_lines
from claude_ls.session.buffer import Buffer
from claude_ls.session.job import Job
from claude_ls.session.journal import Journal
from claude_ls.session.keeping import Keeping
from claude_ls.session.writing import Writing
from claude_ls.text.diff import bare_lines, line_counts, lines_around
from claude_ls.workspace.authorship import JobRecord, WrittenLines
from claude_ls.workspace.path_state import as_text


class Books:
    """Of one job. `path_of` gives the file of a URI."""

    def __init__(self, job: Job, keeping: Keeping, settings: Settings, path_of: Callable[[str], Path]) -> None:
        self._job = job
        self._keeping = keeping
        self._settings = settings
        self._path_of = path_of

    def claimed(self, buffer: Buffer, hunk: str) -> None:
        """Before anything is changed, its document is stored; and what is changed waits for review."""
        job = self._job
        buffer.keep_first(
            job.id,
            lambda document: self._keeping.keep(job.id, job.title, self._path_of(document.uri), document.text),
        )
        if self._settings.review != "off":
            buffer.to_be_reviewed(hunk, job.id)

    @asynccontextmanager
    async def recording(
        self, writing: Writing, journal: Journal, said: Callable[[], tuple[str, str]]
    ) -> AsyncIterator[None]:
        """Around all that is written; `said` gives the person's words and Claude's so far.

        Whatever happens inside, what is not finished is dropped and what landed is remembered. Where nothing happens,
        all of it has landed afterwards."""
        try:
            yield
        finally:
            writing.drop()
            journal.record(self._job.id, self._job.title, writing.hunks, writing.files.made)
            for ending in writing.endings:
                # An edit that is on its way when the job is cancelled may still land.
                ending.add_done_callback(lambda _: self.close(writing, *said()))
            self.keep(writing, *said())
        await writing.settled()
        self.keep(writing, *said())

    def keep(self, writing: Writing, words: str, answer: str) -> None:
        """Keep what has come of the job so far: `words` are the person's, and `answer` is Claude's."""
        job = self._job
        came: list[tuple[Path, str, str]] = []
        lines: list[WrittenLines] = []
        for buffer in writing.buffers:
            changes = buffer.changes_of(job.id)
            if changes is None:
                continue
            path = self._path_of(buffer.document.uri)
            came.append((path, changes.text, changes.base))
            lines += _written_lines(job.id, path, changes)
        for change in writing.files.made:
            # A rewind deletes what holds nothing but what Claude has put there.
            new = change.path if change.kind == "create" else change.new_path
            if new:
                came.append((new, as_text(change.data), ""))
        self._keeping.came_of(job.id, came)
        if came or writing.files.made:
            record = JobRecord(
                job.id, job.action, job.title, words, job.model, job.cost, job.checks, answer, job.started_at, ""
            )
            self._keeping.remember(record, lines)

    def close(self, writing: Writing, words: str, answer: str) -> None:
        """Once nothing more can come: the last word on what came of the job."""
        if self._job.ended and not writing.endings:
            self.keep(writing, words, answer)
            for buffer in writing.buffers:
                buffer.forget_changes_of(self._job.id)

    def summary(self, writing: Writing, badges: Sequence[str] = ()) -> str:
        """What came of the job: where, how many lines, what was checked (`badges`), at what cost; empty for nothing."""
        names: list[str] = []
        added = removed = 0
        for buffer in writing.buffers:
            changes = buffer.changes_of(self._job.id)
            if changes and changes.text != changes.base:
                more, less = line_counts(changes.base, changes.text)
                added, removed = added + more, removed + less
                names.append(self._path_of(buffer.document.uri).name)
        names += [change.path.name for change in writing.files.made]
        if not names:
            return ""
        where = names[0] if len(names) == 1 else f"{len(names)} files"
        parts = [f"+{added} −{removed} in {where}"] if added or removed else [where]
        parts += badges
        if self._job.cost:
            parts.append(cost_words(self._job.cost))
        return " · ".join(parts)


def _written_lines(job: str, path: Path, changes: ReviewLog) -> list[WrittenLines]:
    """The lines that stand there by the work of `job`, with some of those around them."""
    changes.tidy(job)
    found: list[WrittenLines] = []
    for hunk in changes.pending:
        span, _, new = whole_lines(changes.text, hunk)
        before, after = lines_around(changes.text, span)
        lines = tuple(bare_lines(new))
        if lines:
            found.append(WrittenLines(job, path, before, lines, after))
    return found
