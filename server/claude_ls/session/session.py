"""The product without a protocol: open documents, what Claude can do in them, and the jobs that are doing it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from claude_ls.actions import ACTIONS
from claude_ls.actions.action import Action, Offer, Situation, Task, prompt, short
from claude_ls.agent.context import ContextBlock, Diagnostic
from claude_ls.agent.model import Message, Model
from claude_ls.agent.tools.table import Toolbox
from claude_ls.agent.usage import cost_words, estimated_tokens
from claude_ls.config import Mode, Settings
from claude_ls.editing.review import as_diff
from claude_ls.session.action_run import CLOSED_MEANWHILE, HIDDEN, Run, Tools
from claude_ls.session.agent_run import AGENT, PLANS, AgentRun, AgentTask
from claude_ls.session.auto_running import AutoRunning
from claude_ls.session.buffer import Anchor, Buffer, Clock, Later, Record
from claude_ls.session.client import Client, Edits
from claude_ls.session.closed_file import ClosedFile
from claude_ls.session.file_changes import FileChanges, redone, undone
from claude_ls.session.gathering import Gathering, Ledgers
from claude_ls.session.indexing import NoSurroundings, Surroundings
from claude_ls.session.job import Job
from claude_ls.session.job_queue import JobQueue
from claude_ls.session.journal import Journal, Reverted
from claude_ls.session.keeping import Background, Keeping, Stores
from claude_ls.session.parsing import PATIENCE, Turns
from claude_ls.session.permission import Permission
from claude_ls.session.reviewing import Reviewing, Selection, Waiting
from claude_ls.session.rewinding import Rewinding
from claude_ls.session.sending import Context, context_of
from claude_ls.session.spending import Spending, Spent
from claude_ls.session.verifying import Folder, NoChecks, RunsChecks, Verifying
from claude_ls.session.workspace_view import WorkspaceView
from claude_ls.syntax.outline import Instruction
from claude_ls.text.diff import unified_diff
from claude_ls.text.document import Document
from claude_ls.text.patch import Span, TextEdit
from claude_ls.text.rebase import carry_span_over
from claude_ls.workspace.checkpoints import Checkpoint
from claude_ls.workspace.database import DatabaseProblem
from claude_ls.workspace.files import FileProblem, StateFolder, inside, read, real
from claude_ls.workspace.git import Repository, find_repository
from claude_ls.workspace.listing import IGNORE_FILES
from claude_ls.workspace.watcher import FileWatch

Result = TypeVar("Result")
MENU_PATIENCE = 0.25
"""Seconds that a menu may wait for a tree; without one it goes by lines."""
KEPT_JOBS = 100
KEPT_EXPLANATIONS = 50
KEPT_CLOSED = 50
"""Closed documents with changes of Claude's, in case they are opened again."""
REVIEW, UNDO = "Review", "Undo"


CARRY_OUT = Offer(
    "Claude: carry out this plan",
    "source.claude.plan",
    "claude.agent",
    Span(0, 0),
    {"task": "Carry out the plan."},
    ranged=False,
)


class Refused(Exception):
    """What the person asked cannot be done; the message says why and what to do."""


@dataclass(frozen=True)
class Explanation:
    """What Claude said about a place, for whoever points at it later."""

    uri: str
    span: Span
    text: str


@dataclass(frozen=True)
class Reason:
    """Why a line reads as it does: what was asked of Claude, and what it said. `cost` is US dollars."""

    job: str
    title: str
    instruction: str
    model: str
    cost: float | None
    checks: tuple[tuple[str, bool], ...]
    answer: str

    def words(self) -> str:
        """For a person, in a few lines."""
        head = f"Claude wrote this: {self.instruction or self.title}"
        parts = [self.model, *([cost_words(self.cost)] if self.cost else [])]
        parts += [f"{name} {'ok' if ok else 'fails'}" for name, ok in self.checks]
        said = f"\n\n{self.answer}" if self.answer else ""
        return f"{head}\n({' · '.join(parts)}){said}"


class Session:
    """One editor's session. All of it runs on one event loop; nothing in here blocks."""

    def __init__(
        self,
        *,
        model: Model,
        client: Client,
        settings: Settings,
        state: StateFolder,
        stores: Stores,
        background: Background,
        watch: Callable[[Callable[[Path], None]], FileWatch],
        later: Later,
        clock: Clock,
        surroundings: Surroundings | None = None,
        checks: RunsChecks | None = None,
        own_rules: Path | None = None,
        record: Record = lambda uri: None,
        new_id: Callable[[], str],
        unavailable: Callable[[], str | None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        menu_patience: float = MENU_PATIENCE,
    ) -> None:
        self.settings = settings
        self._folders: tuple[str, ...] = ()
        self._surroundings = surroundings or NoSurroundings()
        self._own_rules = own_rules
        self._model = model
        self._client = client
        self._state = state
        self._later = later
        self._clock = clock
        self._turns = Turns(clock)
        self._menu_patience = menu_patience
        self._record = record
        self._new_id = new_id
        self._unavailable = unavailable
        self._now = now
        self._buffers: dict[str, Buffer] = {}
        self._closed: dict[str, Buffer] = {}
        self._files: dict[Path, ClosedFile] = {}
        """What Claude has changed, or is changing, without an editor showing it."""
        self._tasks: set[asyncio.Task[object]] = set()
        self._blamed: dict[str, tuple[Document, list[str | None]]] = {}
        """By document, who wrote which line of it, as far as that was asked."""
        self._titles: dict[str, tuple[str, tuple[tuple[str, bool], ...]]] = {}
        """By job of an earlier server, what was asked for in it, and what was checked."""
        self._runs: dict[str, Run | AgentRun] = {}
        self._queue = JobQueue(lambda: self.settings.jobs)
        self._checks = checks or NoChecks()
        self._journal = Journal()
        self._explanations: dict[str, Explanation] = {}
        self._diagnostics: dict[str, tuple[Diagnostic, ...]] = {}
        self._hidden: set[str] = set()
        """The documents that are on a list of what is to be ignored, as far as that is known by now."""
        self._warm = False
        self._ledgers = Ledgers(clock)
        self._keeping = Keeping(stores, background, client)
        self._spending = Spending(self._keeping, client, self._now)
        self._reviewing = Reviewing(
            client=client,
            keeping=self._keeping,
            journal=self._journal,
            later=later,
            buffers=self._known_buffers,
            writable=self._writable,
            shown_path=self.shown_path,
            about=self._about,
            noted=self._follow_files,
        )
        self._auto_running = AutoRunning(
            wanted=lambda: self.settings.auto_run,
            later=later,
            run=self._run_comment,
            on_disk=self._text_on_disk,
            spawn=self._spawn,
        )
        self._watch = watch(self._file_changed)
        self._repositories: dict[Path, Repository] = {}
        """By the file that tells of its commits, each repository in a trusted folder."""

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of the workspace, as URIs."""
        return self._folders

    @folders.setter
    def folders(self, folders: tuple[str, ...]) -> None:
        self._folders = folders
        if self._warm:
            self._surroundings.follow([real(folder) for folder in self._folder_paths()])

    def warm(self) -> None:
        """Prepare what takes time, in the background."""
        self._warm = True
        self._surroundings.follow([real(folder) for folder in self._folder_paths()])
        self._model.warm()
        self._spawn(self._load())

    def opened(self, uri: str, language_id: str, version: int, text: str) -> None:
        document = Document.opened(uri, language_id, version, text)
        known = self._buffers.get(uri) or self._closed.pop(uri, None)
        file = self._files.pop(real(_path(uri)), None) if self._files else None
        if file and file.buffer and not known:
            known, file.buffer.editor = file.buffer, self._client
            file.opened.set()
        if known:
            known.editor = self._client
            known.reopened(document)
            self._reviewing.reopened(known)
        self._buffers[uri] = known or self._new_buffer(document, self._client)
        self._spawn(self._look_whether_hidden(uri))
        self._auto_running.opened(self._buffers[uri])

    def changed(self, document: Document, edits: Sequence[TextEdit]) -> None:
        """The editor reports `edits`, one behind the other, which led to `document`."""
        buffer = self._buffers.get(document.uri)
        if buffer is None:
            return
        for job, item in self._explanations.items():
            if item.uri == document.uri:
                self._explanations[job] = replace(item, span=carry_span_over(item.span, edits))
        if told := self._diagnostics.get(document.uri):
            carried = (replace(item, span=carry_span_over(item.span, edits)) for item in told)
            self._diagnostics[document.uri] = tuple(carried)
        buffer.changed(document, edits)
        self._auto_running.changed(buffer, edits)

    def saved(self, uri: str) -> None:
        """The person has saved the document."""
        buffer = self._buffers.get(uri)
        if buffer is not None:
            self._auto_running.saved(buffer)

    def closed(self, uri: str) -> None:
        buffer = self._buffers.pop(uri, None)
        self._diagnostics.pop(uri, None)
        self._hidden.discard(uri)
        if buffer is None:
            return
        self._auto_running.closed(uri)
        buffer.closed()
        if buffer.live.hunks or buffer.review.hunks:
            self._closed[uri] = buffer
            for old in [uri for uri, known in self._closed.items() if not known.review.hunks][:-KEPT_CLOSED]:
                del self._closed[old]
            if buffer.review.hunks and not buffer.live.claimed:
                # What was not saved is gone with the editor's window: what waits is now what is in the file.
                self._spawn(self._on_disk(buffer))

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
        if refusal or uri in self._hidden:
            return f"Not in this file: {refusal or HIDDEN}."
        return self._unavailable()

    def diagnosed(self, uri: str, diagnostics: Iterable[Diagnostic]) -> None:
        """What other tools say about an open document: all of it, instead of what they said before."""
        if uri in self._buffers:
            self._diagnostics[uri] = tuple(diagnostics)

    def diagnostics(self, uri: str) -> tuple[Diagnostic, ...]:
        """What other tools say about a document, as far as the editor tells."""
        return self._diagnostics.get(uri, ())

    def parsed(self, uri: str) -> bool:
        """Whether a menu is to be answered now: the tree is there, after a moment at most, or will not be in time."""
        buffer = self._buffers.get(uri)
        if buffer is None or not uri.startswith("file:") or buffer.refusal:
            return True
        if buffer.syntax.at_once():
            return True
        if buffer.syntax.slow:
            # The next menu finds what comes of it.
            buffer.syntax.start()
        return buffer.syntax.slow

    async def parse(self, uri: str) -> None:
        """Wait for the tree, but not for longer than a menu can wait."""
        if uri in self._buffers:
            await self._buffers[uri].syntax.within(self._menu_patience)

    def follow(self, uri: str, span: Span) -> Anchor:
        """Where `span` stands while the document changes."""
        return self._buffers[uri].follow(span)

    def offers(self, uri: str, span: Span, diagnostics: Iterable[Diagnostic] = ()) -> list[Offer]:
        """What Claude can do here, for a menu. No model, no disk: syntax, as far as the text is `parsed`, and lines."""
        buffer = self._buffers.get(uri)
        if buffer is None or not uri.startswith("file:") or buffer.refusal:
            return []
        if self._is_plan(uri):
            return [CARRY_OUT]
        situation = Situation(buffer.document, buffer.syntax.fresh, span, tuple(diagnostics))
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
    ) -> Job | Coroutine[Any, Any, Job]:
        """Begin a job, now or as soon as the text is parsed; `Refused` where it cannot begin."""
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
        action, place = ACTIONS[action_name], buffer.follow(span)
        told = [(item, buffer.follow(item.span)) for item in diagnostics]

        def begin() -> Job:
            reports = tuple(replace(item, span=anchor.span) for item, anchor in told)
            task = Task(Situation(buffer.document, buffer.tree, place.span, reports), words.strip())
            return self._begin(action, task, buffer, action.title(task))

        return self._once_parsed(buffer, begin)

    def follow_up(self, job: str, words: str, title: str = "") -> Job | Coroutine[Any, Any, Job]:
        """Go on with what was said in `job`, which has ended, as a job of its own."""
        earlier = self._ended(job)
        if not earlier.conversation:
            raise Refused(f"Nothing came of the job {job!r} that could be gone on with: start it anew (claude.retry).")
        if isinstance(earlier, AgentRun):
            return self._work_again(earlier, words, earlier.conversation)
        buffer = self._buffer(earlier.job.uri)

        def begin() -> Job:
            task = replace(earlier.task_now(), words=words.strip())
            return self._begin(earlier.action, task, buffer, title or short(task.words), earlier.conversation)

        return self._once_parsed(buffer, begin)

    def retry(self, job: str) -> Job | Coroutine[Any, Any, Job]:
        """Do the same once more, where its lines stand now."""
        earlier = self._ended(job)
        if isinstance(earlier, AgentRun):
            return self._work_again(earlier, earlier.words)
        buffer = self._buffer(earlier.job.uri)
        return self._once_parsed(
            buffer, lambda: self._begin(earlier.action, earlier.task_now(), buffer, earlier.job.title)
        )

    def _work_again(self, run: AgentRun, words: str, earlier: tuple[Message, ...] = ()) -> Job:
        open_still = run.job.uri if run.job.uri in self._buffers else None
        return self.work(words, open_still, run.task.mode, earlier)

    def _once_parsed(self, buffer: Buffer, begin: Callable[[], Job]) -> Job | Coroutine[Any, Any, Job]:
        """Begin now where the tree is there; else wait for it, since it decides on which lines a job works."""
        if buffer.refusal or buffer.syntax.at_once():
            return begin()
        return self._begin_later(buffer, begin)

    async def _begin_later(self, buffer: Buffer, begin: Callable[[], Job]) -> Job:
        await buffer.syntax.within(PATIENCE)
        if not buffer.open:
            raise Refused(CLOSED_MEANWHILE)
        return begin()

    def _ended(self, job: str) -> Run | AgentRun:
        run = self._runs.get(job)
        if run is None:
            raise Refused(f"There is no job {job!r}.")
        if not run.job.ended:
            raise Refused(f"The job {job!r} is still running: wait for it, or cancel it first.")
        return run

    def _begin(self, action: Action, task: Task, buffer: Buffer, title: str, earlier: tuple[Message, ...] = ()) -> Job:
        uri = buffer.document.uri
        if reason := self.unavailable(uri):
            raise Refused(reason)
        self._fits(action, task, buffer)
        run = self._run(action, task, buffer, title, earlier)
        job = run.job
        others = [other for other in self._runs.values() if isinstance(other, Run)]
        before = [other for other in others if action.tools and other.works_on(buffer, run.place)]
        self._keep_run(run)
        run.start(after=before)
        return job

    def work(self, words: str, uri: str | None, mode: Mode | None, earlier: tuple[Message, ...] = ()) -> Job:
        """Begin a task over the whole workspace and answer at once; `Refused` where it cannot begin."""
        if reason := self._unavailable():
            raise Refused(reason)
        buffer = self._buffer(uri) if uri else None
        root = self._folder_of(uri) if uri and not self._is_plan(uri) else None
        roots = [real(folder) for folder in self._folder_paths()]
        root = root if root in roots else next(iter(roots), None)
        if root is None:
            raise Refused("A task needs a folder to work in: open one in your editor.")
        task = AgentTask(
            words.strip(), mode or self.settings.permissions_mode, buffer, uri is not None and self._is_plan(uri)
        )
        model = self.settings.model_for(AGENT)
        title = short(task.words)
        job = Job(self._new_id(), AGENT, title, uri or root.as_uri(), model, self._now())
        run = self._agent_run(job, task, root, earlier)
        self._keep_run(run)
        run.start()
        return job

    def _agent_run(self, job: Job, task: AgentTask, root: Path, earlier: tuple[Message, ...]) -> AgentRun:
        client, settings = self._client, self.settings

        def waiting() -> None:
            run.waits_for_an_answer()

        permission = Permission(client.ask, waiting)
        verifying = Verifying(
            runs=self._checks,
            settings=settings,
            permission=permission,
            folder=Folder(root, lambda: self._texts_in(root), lambda: self._texts_in(root, without=job.id)),
            phase=lambda words: run.phase(words),
            job=job.id,
        )

        async def ask(question: str, choices: Sequence[str]) -> str | None:
            waiting()
            return await client.ask(f"Claude asks: {question}", choices)

        view = WorkspaceView(
            surroundings=self._surroundings,
            folders=self._folder_paths,
            documents=self._documents,
            name_of=lambda path: self.shown_path(path.as_uri()),
            told=lambda path: self.diagnostics(self._uri_of(path)),
            checked=verifying.check,
            asked=ask,
        )
        tools = self._tools(job, root, permission, each_time=task.mode != "acceptEdits")
        run = AgentRun(job, task, tools, Toolbox(view), permission, verifying, root, earlier)
        return run

    def _documents(self) -> dict[Path, Document]:
        """What editors show, and what has changes of Claude's in it, by file."""
        known = [*self._files.values()]
        found = {file.path: file.buffer.document for file in known if file.buffer}
        for uri, buffer in self._buffers.items():
            if uri.startswith("file:") and not buffer.refusal and uri not in self._hidden:
                found[real(_path(uri))] = buffer.document
        return found

    def _texts_in(self, root: Path, without: str | None = None) -> dict[str, str | None]:
        """The texts that count in a folder instead of what is on disk; `without` what that job has changed."""
        texts: dict[str, str | None] = {}
        for path, document in self._documents().items():
            if path.is_relative_to(root):
                texts[path.relative_to(root).as_posix()] = document.text
        run = self._runs.get(without or "")
        if isinstance(run, AgentRun):
            for path, text in run.texts_before():
                if path.is_relative_to(root):
                    texts[path.relative_to(root).as_posix()] = text
        return texts

    def _uri_of(self, path: Path) -> str:
        """The name by which the editor knows an open file."""
        return next((uri for uri in self._buffers if real(_path(uri)) == path), path.as_uri())

    def _is_plan(self, uri: str) -> bool:
        return real(_path(uri)).is_relative_to(real(self._state.root / PLANS))

    def _keep_run(self, run: Run | AgentRun) -> None:
        self._runs[run.job.id] = run
        for old in [known.job.id for known in self._runs.values() if known.job.ended][:-KEPT_JOBS]:
            del self._runs[old]

    def _fits(self, action: Action, task: Task, buffer: Buffer) -> None:
        tokens = estimated_tokens(action.region(task).of(buffer.document.text))
        if tokens > self.settings.context_tokens:
            raise Refused(
                f"That is too much at once: about {tokens:,} tokens, and the setting `context.tokens` allows "
                f"{self.settings.context_tokens:,}. Select fewer lines."
            )

    def _run(self, action: Action, task: Task, buffer: Buffer, title: str, earlier: tuple[Message, ...]) -> Run:
        """A job that has not begun."""
        uri = buffer.document.uri
        model = self.settings.model_for(action.name)
        job = Job(self._new_id(), action.name, title, uri, model, self._now())

        tools = self._tools(job, self._folder_of(uri), Permission(self._client.ask), each_time=True)
        return Run(job, action, task, buffer, self.shown_path(uri), tools, earlier)

    def _tools(self, job: Job, folder: Path, permission: Permission, *, each_time: bool) -> Tools:
        """What a job in `folder` works with. With `each_time`, the person is asked about each file that it makes."""

        async def keep(path: Path) -> str | None:
            return await self._keeping.keep(job.id, job.title, path, None)

        return Tools(
            model=self._spending.watched(self._model, self.settings, job.id, job.action, folder),
            client=self._client,
            settings=self.settings,
            state=self._state,
            find_buffer=self._find_buffer,
            open_file=self._open_file,
            files=FileChanges(self._client, self._folder_paths, self._is_open, keep, permission, each_time=each_time),
            journal=self._journal,
            keeping=self._keeping,
            gathering=Gathering(
                surroundings=self._surroundings,
                settings=self.settings,
                folders=self._folder_paths,
                unsaved=self._unsaved,
                ledgers=self._ledgers,
                trusted=self._trusts,
                own_rules=self._own_rules,
            ),
            path_of=lambda uri: real(_path(uri)),
            name_of=self.shown_path,
            queue=self._queue,
            diagnostics=self.diagnostics,
            explained=self._explained,
            changed=self._job_changed_something,
        )

    def files_changed(self, paths: Iterable[Path]) -> None:
        """The editor tells that somebody has changed these files on disk."""
        changed = [real(path) for path in paths]
        self._surroundings.changed(changed)
        if any(path.name in IGNORE_FILES for path in changed):
            for uri in self._buffers:
                self._spawn(self._look_whether_hidden(uri))

    async def context(self, action_name: str, uri: str, span: Span, words: str) -> Context:
        """What would be sent; `Refused` where there is nothing to send.

        Nothing is sent, but to be counted where the setting `context.count` allows that.
        """
        buffer = self._buffer(uri)
        if buffer.refusal:
            raise Refused(f"Not in this file: {buffer.refusal}.")
        if await self._surroundings.hides(real(_path(uri))):
            raise Refused(f"Not in this file: {HIDDEN}.")
        place = buffer.follow(span)
        await buffer.syntax.within(PATIENCE)
        task = Task(Situation(buffer.document, buffer.tree, place.span, ()), words.strip())
        action = ACTIONS[action_name]
        self._fits(action, task, buffer)
        run = self._run(action, task, buffer, action.title(task), ())
        composed = await run.composed()
        counted = await self._model.count(composed.request) if self.settings.context_count else None
        return context_of(composed, self.settings, counted)

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

    def waiting(self, selection: Selection) -> list[Waiting]:
        """What waits for review."""
        return self._reviewing.waiting(selection)

    def accept(self, selection: Selection) -> list[str]:
        """These changes have been looked at and stay; their names. One that is gone is told, and no mistake."""
        return self._told(selection, self._reviewing.accept(selection))

    def reject(self, selection: Selection, reason: str = "") -> list[str]:
        """Take these changes out of the text; their names. With a `reason`, Claude is asked to do it better."""
        by_job: dict[str, list[str]] = {}
        for item in self.waiting(selection):
            by_job.setdefault(item.hunk.job, []).append(self._as_diff(item))
        names = self._told(selection, self._reviewing.reject(selection))
        for job, diffs in by_job.items() if reason.strip() else ():
            self._spawn(self._try_again(job, reason.strip(), "".join(diffs)))
        return names

    async def go_to_hunk(self, uri: str, offset: int, step: int) -> Waiting | None:
        """Show the person the next hunk (`step` 1) or the one before (-1)."""
        found = self._reviewing.next(uri, offset, step)
        if found:
            await self._client.show_place(found.buffer.document, found.shown[0])
        return found

    def review_diff(self) -> str:
        """All that waits for review as one diff that every tool reads, with the place of each change above it."""
        by_uri: dict[str, list[Waiting]] = {}
        for item in self.waiting(Selection()):
            by_uri.setdefault(item.buffer.document.uri, []).append(item)
        if not by_uri:
            return "Nothing of Claude's waits for review.\n"
        parts: list[str] = []
        for uri, items in by_uri.items():
            log = items[0].buffer.review
            document = items[0].buffer.document
            for item in items:
                line = document.line_of(item.shown[0].start) + 1
                parts.append(f"{uri}#L{line}  {item.title}\n")
            parts.append(as_diff(log, self.shown_path(uri)) + "\n")
        return "".join(parts)

    async def show_review(self) -> list[str]:
        """Show the person the diff of all that waits for review; the names of the changes in it."""
        names = [item.hunk.id for item in self.waiting(Selection())]
        path = self._state.root / "review.diff"
        try:
            path.unlink(missing_ok=True)
            self._state.append(path.name, self.review_diff())
        except OSError as error:
            raise Refused(f"The diff cannot be written: {error}.") from error
        if not await self._client.show_review(path):
            self._client.tell("info", f"Claude: the changes that wait for review are in {path}")
        return names

    async def why(self, hunk: str) -> Reason | None:
        """What a change that waits for review was made for; None for one that does not wait any more."""
        found = next((item for item in self.waiting(Selection(hunk=hunk))), None)
        if found is None:
            self._told(Selection(hunk=hunk), [])
            return None
        return await self._reason(found.hunk.job)

    async def why_here(self, uri: str, offset: int) -> Reason | None:
        """What the line at `offset` was written for, if Claude wrote it; whether it was reviewed or not."""
        document = self.open_document(uri)
        line = document.line_of(offset)
        for item in self.waiting(Selection(uri=uri)):
            span, _, _ = item.shown
            if document.line_of(span.start) <= line <= document.line_of(max(span.start, span.end - 1)):
                return await self._reason(item.hunk.job)
        known = self._blamed.get(uri)
        if known is None or known[0] is not document:
            path = real(_path(uri))
            authorship = self._keeping.authorship
            try:
                blamed = await self._keeping.ask(lambda: authorship.blame(path, document.text))
            except DatabaseProblem:
                return None
            known = self._blamed[uri] = document, blamed
            for old in list(self._blamed)[:-KEPT_CLOSED]:
                del self._blamed[old]
        job = known[1][line] if line < len(known[1]) else None
        return await self._reason(job) if job else None

    async def _reason(self, job: str) -> Reason | None:
        authorship = self._keeping.authorship
        try:
            record = await self._keeping.ask(lambda: authorship.job(job))
        except DatabaseProblem:
            record = None
        if record is not None:
            return Reason(
                job, record.title, record.instruction, record.model, record.cost, record.checks, record.answer
            )
        run = self._runs.get(job)
        return Reason(job, run.job.title, run.words, run.job.model, run.job.cost, (), "") if run else None

    async def usage(self, since: datetime | None) -> Spent:
        """What was used since then, or ever, by all servers of this person."""
        try:
            return await self._spending.since(since)
        except DatabaseProblem as problem:
            raise Refused(f"{str(problem)[:1].upper()}{str(problem)[1:]}.") from problem

    def tell(self, text: str) -> None:
        """Show the person a message."""
        self._client.tell("info", text)

    async def checkpoints(self) -> list[Checkpoint]:
        """To what a rewind can go back, the newest first."""
        return await self._asked(self._keeping.checkpoints.all)

    async def rewind(self, checkpoint: str) -> str:
        """Go back to a checkpoint; the new one by which that can be undone. `Refused` where nothing was touched."""
        checkpoints = self._keeping.checkpoints
        known = await self._asked(lambda: checkpoints.find(checkpoint))
        if known is None:
            raise Refused(f"There is no checkpoint {checkpoint!r}: see claude.checkpoints.")
        running = [run.job.title for run in self._runs.values() if not run.job.ended]
        if running:
            raise Refused(f"“{running[0]}” is still running: wait for it, or cancel it first.")
        kept = await self._asked(lambda: checkpoints.since(checkpoint))
        rewinding = Rewinding(self._client, self._keeping, self._any_document, self._is_open)
        identity = f"rewind-{self._new_id()}"
        paths = list(dict.fromkeys(item.path for item in kept))
        if problem := await rewinding.keep_all(identity, f"before going back to “{known.title}”", paths):
            raise Refused(f"Nothing was changed: {problem}.")
        self._spawn(rewinding.go_back(identity, kept))
        return identity

    async def _asked(self, work: Callable[[], Result]) -> Result:
        try:
            return await self._keeping.ask(work)
        except (DatabaseProblem, FileProblem) as problem:
            raise Refused(f"{str(problem)[:1].upper()}{str(problem)[1:]}.") from problem

    async def _any_document(self, path: Path) -> Buffer | str:
        """The document of a file, whoever shows it; why there is none otherwise."""
        for uri, buffer in self._buffers.items():
            if real(_path(uri)) == path:
                return buffer
        return await self._closed_buffer(path, path.as_uri())

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

    def _folder_of(self, uri: str) -> Path:
        """The folder of the workspace that the file is in, else its own."""
        path = real(_path(uri))
        folders = [folder for folder in map(real, self._folder_paths()) if path.is_relative_to(folder)]
        return max(folders, key=lambda folder: len(folder.parts), default=path.parent)

    async def finished(self) -> None:
        """Wait until no job is running, nor anything that one has left to do."""
        for run in list(self._runs.values()):
            await run.wait()
        while self._tasks:
            await asyncio.gather(*self._tasks)
        await self._reviewing.finished()
        await self._keeping.finished()

    async def aclose(self) -> None:
        self.cancel()
        self._watch.close()
        for run in list(self._runs.values()):
            await run.wait()
        # An editor that is leaving answers nothing any more: what waits for it would wait for a minute.
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._turns.aclose()
        await self._surroundings.aclose()
        await self._checks.aclose()
        await self._reviewing.aclose()
        await self._keeping.aclose()
        await self._model.aclose()

    def _revert(self, job: str | None, *, undone: bool) -> Reverted:
        word = "redo" if undone else "undo"
        if job is not None and job not in self._runs and not self._journal.knows(job):
            if not undone and (names := self.reject(Selection(job=job))):
                # Of an earlier server: what of it waits for review can be taken out.
                return Reverted(job, len(names), ())
            raise Refused(f"There is no job {job!r}.")
        if job in self._runs and not self._runs[job].job.ended:
            raise Refused(f"The job {job!r} is still running: cancel it first.")
        chosen = job or self._journal.last(undone=undone)
        if chosen is None or not self._journal.can(chosen, undone=undone):
            raise Refused(f"There is nothing of Claude's to {word}.")
        reverted = self._journal.revert(chosen)
        if reverted.files:
            self._spawn(self._move_files(reverted))
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

    async def _look_whether_hidden(self, uri: str) -> None:
        if uri.startswith("file:") and await self._surroundings.hides(real(_path(uri))):
            self._hidden.add(uri)
        else:
            self._hidden.discard(uri)

    def _new_buffer(self, document: Document, editor: Edits) -> Buffer:
        buffer = Buffer(document, editor, self._later, self._clock, self._turns, self._record)
        self._reviewing.watch(buffer)
        return buffer

    def _known_buffers(self) -> list[Buffer]:
        """All documents that Claude has changed or may change, whoever shows them."""
        files = [file.buffer for file in self._files.values() if file.buffer]
        return [*self._buffers.values(), *self._closed.values(), *files]

    def _about(self, job: str) -> tuple[str, tuple[tuple[str, bool], ...]]:
        """What was asked for in a job, and what was checked."""
        run = self._runs.get(job)
        return (run.job.title, run.job.checks) if run else self._titles.get(job, ("", ()))

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _as_diff(self, item: Waiting) -> str:
        path = self.shown_path(item.buffer.document.uri)
        _, old, new = item.shown
        return unified_diff(path, old, new)

    async def _try_again(self, job: str, reason: str, diff: str) -> None:
        """Tell Claude why what it did was rejected, once it is out of the text."""
        await self._reviewing.taken_out()
        block = ContextBlock("rejected", diff).rendered()
        try:
            again = self.follow_up(
                job, f"{prompt('rejected')}\n\n{block}\n\n{ContextBlock('reason', reason).rendered()}", short(reason)
            )
            if isinstance(again, Coroutine):
                await again
        except Refused as refused:
            self._client.tell("warning", f"Claude: the change is taken out, but was not tried again: {refused}")

    def _told(self, selection: Selection, names: list[str]) -> list[str]:
        if not names and selection.hunk is not None and not self.waiting(selection):
            self._client.tell("info", "Claude: this change does not wait for review any more.")
        return names

    def _run_comment(self, buffer: Buffer, instruction: Instruction) -> None:
        """Do what a comment asks for that nobody chose from a menu: what is in the way of that is told."""
        uri, text = buffer.document.uri, instruction.text
        try:
            if instruction.asks:
                self.start("explain", uri, instruction.target, words=text)
            else:
                self.start("edit", uri, instruction.span, words=text)
        except Refused as refused:
            self._client.tell("warning", f"Claude: “{short(text)}” was not begun: {refused}")

    async def _text_on_disk(self, buffer: Buffer) -> str | None:
        try:
            return (await asyncio.to_thread(read, real(_path(buffer.document.uri)))).text
        except FileProblem:
            return None

    async def _load(self) -> None:
        """Find again what waited for review when the last server ended."""
        await self._find_repositories()
        authorship = self._keeping.authorship
        self._keeping.prune(self.settings.checkpoints_days, int(self.settings.checkpoints_megabytes * 1_000_000))
        for uri in await self._reviewing.load():
            path = real(_path(uri))
            if any(path.is_relative_to(real(folder)) for folder in self._folder_paths()):
                await self._closed_buffer(path, uri)
        for job in {item.hunk.job for item in self.waiting(Selection())}:
            try:
                record = await self._keeping.ask(lambda job=job: authorship.job(job))  # type: ignore[misc]
            except DatabaseProblem:
                return
            if record:
                self._titles[job] = record.title, record.checks

    async def _on_disk(self, buffer: Buffer) -> str | None:
        """Have a document that the editor does not show any more follow its file; why it cannot, or None."""
        path = real(_path(buffer.document.uri))
        try:
            text = await asyncio.to_thread(read, path)
        except FileProblem as problem:
            return str(problem)
        document = buffer.document
        if self._closed.get(document.uri) is buffer:
            del self._closed[document.uri]
            file = ClosedFile(path, text, self._client, buffer)
            self._files[path], buffer.editor = file, file
            buffer.reopened(Document.opened(document.uri, document.language_id, document.version + 1, text.text))
        return None

    async def _writable(self, buffer: Buffer) -> str | None:
        """Make a document ready to be changed, whoever shows it; why it cannot be, or None."""
        if not buffer.open and (problem := await self._on_disk(buffer)):
            return problem
        file = self._files.get(real(_path(buffer.document.uri)))
        if file and file.buffer is buffer:
            await file.look_again(buffer.document)
        return None

    def _follow_files(self) -> None:
        """Watch what waits for review in files that no editor shows, and the commits that may hold any of it."""
        files = {path for path, file in self._files.items() if file.buffer and file.buffer.review.hunks}
        waits = any(buffer.review.hunks for buffer in self._known_buffers())
        self._watch.follow(frozenset(files | (set(self._repositories) if waits else set())))

    def _file_changed(self, path: Path) -> None:
        """Another program has written a file that is being watched."""
        file = self._files.get(path)
        if file and file.buffer:
            self._spawn(file.look_again(file.buffer.document))
        elif path in self._repositories:
            self._spawn(self._accept_committed(self._repositories[path]))

    async def _find_repositories(self) -> None:
        """Those of the trusted folders; no other one is asked anything."""
        for folder in [real(folder) for folder in self._folder_paths()]:
            if self._trusts(folder):
                repository = await asyncio.to_thread(find_repository, folder)
                if repository and self._trusts(repository.top):
                    self._repositories[repository.log] = repository
        if self._repositories:
            self._follow_files()

    def _trusts(self, folder: Path) -> bool:
        """Whether the person has said that the files of this folder may be believed."""
        return any(folder.is_relative_to(real(Path(root))) for root in self.settings.trusted)

    def _unsaved(self) -> dict[Path, str]:
        """The text of all documents that an editor shows."""
        return {
            real(_path(uri)): buffer.document.text
            for uri, buffer in self._buffers.items()
            if uri.startswith("file:") and not buffer.refusal
        }

    async def _accept_committed(self, repository: Repository) -> None:
        """Whoever commits a change has looked at it."""
        for buffer in self._known_buffers():
            if not buffer.review.pending:
                continue
            path = real(_path(buffer.document.uri))
            text = await asyncio.to_thread(repository.committed, path)
            if text is not None:
                self._reviewing.accept_where(buffer, text)

    def _job_changed_something(self, job: Job, summary: str) -> None:
        self._spawn(self._offer_review(job, f"Claude: {job.title} — {summary}"))

    async def _offer_review(self, job: Job, text: str) -> None:
        choices = (REVIEW, UNDO) if self.settings.review == "after" else (UNDO,)
        chosen = await self._client.offer(text, choices)
        if chosen == UNDO and self._journal.can(job.id, undone=False):
            self.undo(job.id)
        elif chosen == REVIEW:
            await self.show_review()

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
        except FileProblem as problem:
            return str(problem)
        buffer = await self._closed_buffer(path, path.as_uri(), show=True)
        return buffer if isinstance(buffer, str) else self._usable(name, buffer)

    async def _closed_buffer(self, path: Path, uri: str, *, show: bool = False) -> Buffer | str:
        """The document of a file that no editor shows, or why there is none. With `show`, the editor may show it."""
        for buffer in self._closed.values():
            if real(_path(buffer.document.uri)) == path:
                return await self._on_disk(buffer) or buffer
        file = self._files.get(path)
        try:
            file = file or ClosedFile(path, await asyncio.to_thread(read, path), self._client)
        except FileProblem as problem:
            return str(problem)
        # The editor may have opened it meanwhile.
        shown = next((buffer for uri, buffer in self._buffers.items() if real(_path(uri)) == path), None)
        if shown:
            return shown
        file = self._files.get(path, file)
        if file.buffer is None:
            unneeded = [known for known, item in self._files.items() if item.buffer and not item.buffer.review.hunks]
            for old in unneeded[: 1 - KEPT_CLOSED]:
                del self._files[old]
            self._files[path] = file
            file.buffer = self._new_buffer(Document.opened(uri, "", 0, file.known.text), file)
            if show:
                await file.shown()
        else:
            await file.look_again(file.buffer.document)
        return file.buffer

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
