"""The product without a protocol: open documents, what Claude can do in them, and the jobs that are doing it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from claude_ls.actions import ACTIONS
from claude_ls.actions.action import Offer, Situation, Task
from claude_ls.agent.context import Diagnostic
from claude_ls.agent.model import Model
from claude_ls.agent.usage import estimated_tokens
from claude_ls.config import Settings
from claude_ls.session.buffer import Buffer, Clock, Later, Record
from claude_ls.session.client import Client
from claude_ls.session.closed_file import ClosedFile
from claude_ls.session.file_changes import FileChanges, redone, undone
from claude_ls.session.job import Job, Run, Tools
from claude_ls.session.journal import Journal, Reverted
from claude_ls.text.document import Document
from claude_ls.text.patch import Span, TextEdit
from claude_ls.text.rebase import carry_span_over
from claude_ls.workspace.files import FileProblem, StateFolder, inside, read, real

KEPT_JOBS = 100
KEPT_EXPLANATIONS = 50
KEPT_CLOSED = 50
"""Closed documents with changes of Claude's, in case they are opened again."""


class Refused(Exception):
    """What the person asked cannot be done; the message says why and what to do."""


@dataclass(frozen=True)
class Explanation:
    """What Claude said about a place, for whoever points at it later."""

    uri: str
    span: Span
    text: str


class Session:
    """One editor's session. All of it runs on one event loop; nothing in here blocks."""

    def __init__(
        self,
        *,
        model: Model,
        client: Client,
        settings: Settings,
        state: StateFolder,
        later: Later,
        clock: Clock,
        record: Record = lambda uri: None,
        new_id: Callable[[], str],
        unavailable: Callable[[], str | None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self.folders: tuple[str, ...] = ()
        self._model = model
        self._client = client
        self._state = state
        self._later = later
        self._clock = clock
        self._record = record
        self._new_id = new_id
        self._unavailable = unavailable
        self._now = now
        self._buffers: dict[str, Buffer] = {}
        self._closed: dict[str, Buffer] = {}
        self._files: dict[Path, ClosedFile] = {}
        """What Claude has changed, or is changing, without an editor showing it."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._runs: dict[str, Run] = {}
        self._journal = Journal()
        self._explanations: dict[str, Explanation] = {}

    def warm(self) -> None:
        """Prepare what takes time, in the background."""
        self._model.warm()

    def opened(self, uri: str, language_id: str, version: int, text: str) -> None:
        document = Document.opened(uri, language_id, version, text)
        known = self._buffers.get(uri) or self._closed.pop(uri, None)
        file = self._files.pop(real(_path(uri)), None) if self._files else None
        if file and file.buffer and not known:
            known, file.buffer.editor = file.buffer, self._client
            file.opened.set()
        if known:
            known.reopened(document)
        self._buffers[uri] = known or Buffer(document, self._client, self._later, self._clock, self._record)

    def changed(self, document: Document, edits: Sequence[TextEdit]) -> None:
        """The editor reports `edits`, one behind the other, which led to `document`."""
        buffer = self._buffers.get(document.uri)
        if buffer is None:
            return
        for job, item in self._explanations.items():
            if item.uri == document.uri:
                self._explanations[job] = replace(item, span=carry_span_over(item.span, edits))
        buffer.changed(document, edits)

    def closed(self, uri: str) -> None:
        buffer = self._buffers.pop(uri, None)
        if buffer is None:
            return
        buffer.closed()
        if buffer.live.hunks:
            self._closed[uri] = buffer
            for old in list(self._closed)[:-KEPT_CLOSED]:
                del self._closed[old]

    def document(self, uri: str) -> Document | None:
        """The document as it is now; None where it is not open."""
        buffer = self._buffers.get(uri)
        return buffer.document if buffer else None

    def open_document(self, uri: str) -> Document:
        """The document as it is now; `Refused` where Claude cannot work on it."""
        return self._buffer(uri).document

    def unavailable(self, uri: str) -> str | None:
        """Why nothing can be done for this document now; None where it can."""
        buffer = self._buffers.get(uri)
        refusal = buffer.refusal if buffer else None
        return f"Not in this file: {refusal}." if refusal else self._unavailable()

    def offers(self, uri: str, span: Span, diagnostics: Iterable[Diagnostic] = ()) -> list[Offer]:
        """What Claude can do here, for a menu. No model, no disk: syntax only."""
        buffer = self._buffers.get(uri)
        if buffer is None or not uri.startswith("file:") or buffer.refusal:
            return []
        situation = Situation(buffer.document, buffer.tree, span, tuple(diagnostics))
        return [offer for action in ACTIONS.values() for offer in action.offers(situation)]

    def start(
        self,
        action_name: str,
        uri: str,
        span: Span,
        *,
        words: str = "",
        diagnostics: Iterable[Diagnostic] = (),
        version: int | None = None,
    ) -> Job:
        """Begin a job and answer at once; `Refused` where it cannot begin."""
        buffer = self._buffer(uri)
        if reason := self.unavailable(uri):
            raise Refused(reason)
        if version is not None:
            carried = buffer.carried(span, version)
            if carried is None:
                raise Refused(
                    f"The range is for version {version} of the document, which is now at version "
                    f"{buffer.document.version}: select the lines again."
                )
            span = carried
        action = ACTIONS[action_name]
        task = Task(Situation(buffer.document, buffer.tree, span, tuple(diagnostics)), words.strip())
        tokens = estimated_tokens(action.region(task).of(buffer.document.text))
        if tokens > self.settings.context_tokens:
            raise Refused(
                f"That is too much at once: about {tokens:,} tokens, and the setting `context.tokens` allows "
                f"{self.settings.context_tokens:,}. Select fewer lines."
            )
        model = self.settings.model_for(action.name)
        job = Job(self._new_id(), action.name, action.title(task), uri, model, self._now())
        tools = Tools(
            model=self._model,
            client=self._client,
            settings=self.settings,
            state=self._state,
            find_buffer=self._find_buffer,
            open_file=self._open_file,
            files=FileChanges(self._client, self._folder_paths, self._is_open),
            journal=self._journal,
            explained=self._explained,
        )
        run = Run(job, action, task, buffer, self.shown_path(uri), tools)
        earlier = [other for other in self._runs.values() if action.tools and other.works_on(buffer, run.place)]
        self._runs[job.id] = run
        for old in [run.job.id for run in self._runs.values() if run.job.ended][:-KEPT_JOBS]:
            del self._runs[old]
        run.start(after=earlier)
        return job

    def cancel(self, job: str | None = None) -> list[str]:
        """Stop one job, or all; the ones that were running. `Refused` for a job that is not known."""
        if job is not None and job not in self._runs:
            raise Refused(f"There is no job {job!r}.")
        runs = [run for run in self._runs.values() if not run.job.ended and job in (None, run.job.id)]
        for run in runs:
            run.cancel()
        return [run.job.id for run in runs]

    def undo(self, job: str | None = None) -> Reverted:
        """Take back what a job changed, the newest one if none is named. `Refused` where there is nothing to undo."""
        return self._revert(job, undone=False)

    def redo(self, job: str | None = None) -> Reverted:
        """Put back what `undo` took away."""
        return self._revert(job, undone=True)

    def jobs(self) -> list[Job]:
        """All jobs of this session that are remembered, oldest first."""
        return [run.job for run in self._runs.values()]

    def explanation(self, uri: str, offset: int) -> Explanation | None:
        """The newest explanation of what stands at `offset`."""
        return next(
            (
                item
                for item in reversed(self._explanations.values())
                if item.uri == uri and item.span.start <= offset <= item.span.end
            ),
            None,
        )

    def shown_path(self, uri: str) -> str:
        """The path of a file as Claude and the person know it: from its workspace folder on, else its name."""
        for folder in sorted(self.folders, key=len, reverse=True):
            if uri.startswith(folder.rstrip("/") + "/"):
                return unquote(uri[len(folder.rstrip("/")) + 1 :])
        return PurePosixPath(unquote(urlsplit(uri).path)).name or uri

    async def finished(self) -> None:
        """Wait until no job is running, nor anything that one has left to do."""
        for run in list(self._runs.values()):
            await run.wait()
        await asyncio.gather(*self._tasks)

    async def aclose(self) -> None:
        self.cancel()
        await self.finished()
        await self._model.aclose()

    def _revert(self, job: str | None, *, undone: bool) -> Reverted:
        word = "redo" if undone else "undo"
        if job is not None and job not in self._runs:
            raise Refused(f"There is no job {job!r}.")
        if job is not None and not self._runs[job].job.ended:
            raise Refused(f"The job {job!r} is still running: cancel it first.")
        chosen = job or self._journal.last(undone=undone)
        if chosen is None or not self._journal.can(chosen, undone=undone):
            raise Refused(f"There is nothing of Claude's to {word}.")
        reverted = self._journal.revert(chosen)
        if reverted.files:
            task = asyncio.get_running_loop().create_task(self._move_files(reverted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return reverted

    async def _move_files(self, reverted: Reverted) -> None:
        """Make, rename and delete files as an undo or redo wants it; what cannot be is told."""
        for change in reverted.files:
            try:
                await (undone if reverted.undone else redone)(self._client, change, self._is_open)
            except FileProblem as problem:
                self._client.tell("warning", f"Claude: not everything could be taken back: {problem}.")

    def _buffer(self, uri: str) -> Buffer:
        if not uri.startswith("file:"):
            raise Refused(f"claude-ls works on files; {uri!r} is none.")
        buffer = self._buffers.get(uri)
        if buffer is None:
            raise Refused(f"{self.shown_path(uri)} is not open in the editor: open it first.")
        return buffer

    def _folder_paths(self) -> list[Path]:
        return [_path(folder) for folder in self.folders]

    async def _open_file(self, name: str) -> Buffer | str:
        """A file that no editor shows, ready to be changed; otherwise why it cannot be."""
        try:
            path = await asyncio.to_thread(inside, self._folder_paths(), name)
            # The editor may know it by another name.
            open_files = {real(_path(uri)): buffer for uri, buffer in self._buffers.items()}
            if path in open_files:
                return self._usable(name, open_files[path])
            text = await asyncio.to_thread(read, path)
        except FileProblem as problem:
            return str(problem)
        file = self._files.get(path) or ClosedFile(path, text, self._client)
        if file.buffer is None:
            for old in list(self._files)[: 1 - KEPT_CLOSED]:
                del self._files[old]
            self._files[path] = file
            document = Document.opened(path.as_uri(), "", 0, text.text)
            file.buffer = Buffer(document, file, self._later, self._clock, self._record)
            await file.shown()
        else:
            await file.look_again(file.buffer.document)
        return self._usable(name, file.buffer)

    def _usable(self, name: str, buffer: Buffer) -> Buffer | str:
        return f"{name!r} cannot be changed: {buffer.refusal}" if buffer.refusal else buffer

    def _is_open(self, path: Path) -> bool:
        return any(real(_path(uri)) == path for uri in self._buffers)

    def _find_buffer(self, path: str) -> Buffer | str | None:
        """The open document that Claude calls `path`, or why it must not be changed; None where it is not open."""
        for uri, buffer in self._buffers.items():
            if not uri.startswith("file:") or path not in (self.shown_path(uri), unquote(urlsplit(uri).path), uri):
                continue
            inside = any(uri.startswith(folder.rstrip("/") + "/") for folder in self.folders)
            if self.folders and not inside:
                return f"{path!r} is outside of the workspace and must not be changed"
            return self._usable(path, buffer)
        return None

    def _explained(self, job: Job, span: Span, text: str) -> None:
        """Keep the words for hover. The span may have moved since the job began, so only the first one counts."""
        earlier = self._explanations.get(job.id)
        self._explanations[job.id] = replace(earlier, text=text) if earlier else Explanation(job.uri, span, text)
        for old in list(self._explanations)[:-KEPT_EXPLANATIONS]:
            del self._explanations[old]


def _path(uri: str) -> Path:
    """The file that a URI of an editor means; editors write the same one in several ways."""
    return Path(unquote(urlsplit(uri).path))
