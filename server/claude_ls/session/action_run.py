"""One running action: from what the person asked to lines in their buffer, or words on their screen."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from claude_ls.actions.action import Action, Situation, Task, prompt
from claude_ls.agent import loop
from claude_ls.agent.context import ContextBlock, Diagnostic, diagnostics_block
from claude_ls.agent.ledger import Ledger
from claude_ls.agent.model import (
    COMPLETE,
    SAID_ON_STOP,
    Message,
    Model,
    ModelRequest,
    Stopped,
    TextDelta,
    ToolFinished,
    ToolInputDelta,
    ToolStarted,
)
from claude_ls.agent.prompt import build, going_on
from claude_ls.agent.tools import REWRITE_REGION, Tool, ToolOutcome
from claude_ls.config import Settings
from claude_ls.editing.events import HunkEnded
from claude_ls.editing.hunk import HunkState, Label
from claude_ls.session.books import Books
from claude_ls.session.buffer import Buffer
from claude_ls.session.client import Client
from claude_ls.session.file_changes import FileChanges
from claude_ls.session.gathering import Around, Gathering
from claude_ls.session.job import Job
from claude_ls.session.job_progress import JobProgress
from claude_ls.session.job_queue import JobQueue
from claude_ls.session.journal import Journal
from claude_ls.session.keeping import Keeping
from claude_ls.session.parsing import PATIENCE
from claude_ls.session.writing import FindBuffer, OpenFile, Writing
from claude_ls.text.patch import Span
from claude_ls.workspace.files import StateFolder

CLOSED_MEANWHILE = "Stopped: the document was closed."
HIDDEN = (
    "it is ignored (by .gitignore, .ignore or .claudeignore), so nothing of it is read or sent: take it off that list "
    "if Claude may see it"
)
MAX_DIAGNOSTICS = 20
"""Of those that the editor tells by itself, so many are sent with the lines that they are about."""
SHOWN_CHARACTERS = 40
"""After how many more characters the phase says again how many there are: about twice a second."""
MAX_REGION_LINES = 80
"""Longer regions are edited in places: rewriting them whole would cost more, take longer and risk more."""


@dataclass(frozen=True)
class Tools:
    """What a job works with: the ports and values that the session hands to each."""

    model: Model
    client: Client
    settings: Settings
    state: StateFolder
    find_buffer: FindBuffer
    open_file: OpenFile
    files: FileChanges
    journal: Journal
    keeping: Keeping
    gathering: Gathering
    path_of: Callable[[str], Path]
    name_of: Callable[[str], str]
    """How Claude and the person know a document."""
    queue: JobQueue
    diagnostics: Callable[[str], Sequence[Diagnostic]]
    """What other tools say about a document, as far as the editor tells."""
    explained: Callable[[Job, Span, str], None]
    """Called with all words so far as an explanation grows, for hover."""
    changed: Callable[[Job, str], None]
    """Called when the job is done and has changed something, with a line that says what."""

    def writing(
        self,
        job: Job,
        books: Books,
        stop: Callable[[str], None],
        buffer: Buffer | None = None,
        region: Span | None = None,
    ) -> Writing:
        """What takes down all that `job` writes; `stop` ends it with a reason once the person has undone any of it."""
        preview = self.settings.review == "preview"
        streaming = self.settings.streaming or ("line" if self.client.undo_groups else "hunk")
        return Writing(
            job=job.id,
            label=Label(f"Claude: {job.title}", job.id, preview),
            find_buffer=self.find_buffer,
            open_file=self.open_file,
            files=self.files,
            # Where the editor asks the person about every edit there had better be one.
            streaming="final" if preview else streaming,
            claimed=books.claimed,
            undone=lambda: stop("Stopped: you undid what Claude had written."),
            buffer=buffer,
            region=region,
        )


@dataclass(frozen=True)
class Composed:
    """A request, and the parts of its first message."""

    request: ModelRequest
    blocks: tuple[ContextBlock, ...]
    ask: str
    shown: Ledger | None = None
    """What the next request of this `kind` can go on from; None where this one goes on with a conversation."""
    kind: tuple[str, ...] = ()


class _Stop(Exception):
    """The job cannot go on; the message is for the person."""


class Run:
    """Runs one job in a task of its own. Whatever happens, the job ends in exactly one end state."""

    def __init__(
        self,
        job: Job,
        action: Action,
        task: Task,
        buffer: Buffer,
        path: str,
        tools: Tools,
        earlier: tuple[Message, ...] = (),
    ) -> None:
        """`earlier` is a conversation that this one goes on with."""
        self.job = job
        self.action = action
        self._heard = earlier
        self._task = task
        self._buffer = buffer
        self._path = path
        self._tools = tools
        self._progress = JobProgress(job, tools.client, tools.settings)
        self._books = Books(job, tools.keeping, tools.settings, tools.path_of)
        self._failed_last = False
        """Whether the last tool of the job failed: what came before it is then not the whole of what was asked."""
        self._overrun: str | None = None
        self._complete = False
        """Whether only books are left to be kept, so that there is nothing to stop any more."""
        self._writing: Writing | None = None
        self._place = buffer.follow(action.region(task))
        self._span = buffer.follow(task.situation.span)
        self._told = [buffer.follow(item.span) for item in task.situation.diagnostics]
        self._running: asyncio.Task[None] | None = None

    def start(self, after: Sequence[Run] = ()) -> None:
        """Begin, once the runs of `after` have ended."""
        self._running = asyncio.create_task(self._run(after), name=f"job {self.job.id}")

    @property
    def conversation(self) -> tuple[Message, ...]:
        """What was said so far, by both, for whoever goes on with it."""
        return self._progress.conversation

    @property
    def place(self) -> Span:
        """The lines that it works on, as they are now."""
        return self._place.span

    def works_on(self, buffer: Buffer, span: Span) -> bool:
        """Whether this is going to change lines of `span`."""
        mine = self.place
        return (
            not self.job.ended
            and bool(self.action.tools)
            and buffer is self._buffer
            and mine.start <= span.end
            and span.start <= mine.end
        )

    def cancel(self) -> None:
        """Stop now: the stream to the model closes, and nothing more of what it wrote is sent."""
        if self._running and not self.job.ended:
            self._progress.end("cancelled", f"cancelled{self._kept()}")
            self._running.cancel()

    async def wait(self) -> None:
        if self._running:
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self, after: Sequence[Run]) -> None:
        try:
            await self._wait_for(after)
            async with self._tools.queue.turn(self._progress.waits_for_others):
                self._progress.phase(f"reading {self._path}", "running")
                if self.action.tools:
                    await self._edit()
                else:
                    await self._answer()
        except asyncio.CancelledError:
            if self._overrun:
                await self._settled()
                self._progress.fail(self._overrun + self._kept())
            else:
                self._progress.end("cancelled", "cancelled")
        except _Stop as stop:
            self._progress.fail(str(stop))
        except Exception as error:
            self._progress.fail(f"an error in claude-ls itself ({type(error).__name__}: {error})")
            raise
        finally:
            self._close_books()

    async def _wait_for(self, after: Sequence[Run]) -> None:
        """Let earlier jobs have their way with the same lines, and look at what they left."""
        if not after:
            return
        self._progress.phase(f"waiting for “{after[-1].job.title}”, which works on the same lines", "queued")
        for run in after:
            await run.wait()
        if not self._buffer.open:
            raise _Stop(CLOSED_MEANWHILE)
        await self._look_again()

    async def _look_again(self) -> None:
        """Take the task as it is now, with the tree of the text as it is now."""
        await self._buffer.syntax.within(PATIENCE)
        self._task = self.task_now()

    @property
    def words(self) -> str:
        """What the person asked for."""
        return self._task.words

    def task_now(self) -> Task:
        """The same task where its lines stand now."""
        situation = self._task.situation
        told = [replace(item, span=anchor.span) for item, anchor in zip(situation.diagnostics, self._told, strict=True)]
        now = Situation(self._buffer.document, self._buffer.tree, self._span.span, tuple(told))
        return replace(self._task, situation=now)

    async def _edit(self) -> None:
        request = self._sent(await self.composed())
        region = self.action.region(self._task)
        place = region if REWRITE_REGION in self._offered(region) else None
        writing = self._tools.writing(self.job, self._books, self._stop, self._buffer, place)
        self._writing = writing
        if writing.region:
            self._buffer.end_of(writing.region).add_done_callback(self._region_ended)
        async with self._books.recording(writing, self._tools.journal, self._exchange):
            await self._stream(request, writing)
        self._complete = True
        # What is said to be done is on disk, with all that is to be known of it: whoever sees it may pull the plug.
        await self._tools.keeping.finished()
        self._report(writing)

    def _exchange(self) -> tuple[str, str]:
        """The person's words, and Claude's so far."""
        return self._task.words, self._progress.said.strip()

    def _close_books(self) -> None:
        if self._writing:
            self._books.close(self._writing, *self._exchange())

    def _report(self, writing: Writing) -> None:
        """End the job by what came of it."""
        progress, stopped = self._progress, self._progress.stopped
        landed, kept = writing.landed, self._kept()
        if writing.guesses:
            lines = ", ".join(writing.guesses)
            one = len(writing.guesses) == 1
            self._tools.client.tell(
                "warning",
                f"Claude: {self.job.title} — Claude quoted line{'s' * (not one)} {lines} only roughly: see whether the "
                f"change{'s are' if not one else ' is'} where {'they' if not one else 'it'} should be.",
            )
        if stopped.reason in ("turns", "budget") and writing.problem:
            progress.fail(f"{_words(stopped)} {writing.problem}{self._saved(writing)}{kept}")
        elif stopped.reason not in COMPLETE and not (writing.problem and stopped.reason == "failed"):
            progress.fail(_words(stopped) + kept)
        elif writing.declined:
            before = f" Before that: {writing.problem}" if writing.problem else ""
            progress.fail(f"Claude declined: {writing.declined}{before}{kept}")
        elif stopped.reason == "tool_use" and (landed or writing.unchanged) and not self._failed_last:
            self._done(writing)
        elif writing.problem:
            progress.fail(f"{writing.problem}{self._saved(writing)}{kept}")
        elif landed or writing.unchanged:
            self._done(writing)
        else:
            progress.fail(
                f"Claude answered in words and changed nothing: {progress.said.strip()[:500] or '(no words)'}"
            )

    def _done(self, writing: Writing) -> None:
        self._progress.end("done", _changes(writing.landed))
        if summary := self._books.summary(writing):
            self._tools.changed(self.job, summary)

    async def _settled(self) -> None:
        if self._writing:
            await self._writing.settled()

    def _kept(self) -> str:
        """Which changes of an unfinished job stay."""
        writing = self._writing
        if writing is None or not writing.landed:
            return ""
        one = writing.landed == 1
        return f" ({_changes(writing.landed)} landed before and stay{'s' * one}: {writing.where()})"

    def _saved(self, writing: Writing) -> str:
        """Keep what did not get into the text where the person can find it, and say where."""
        file: Path | None = None
        for uri, old, new in writing.refused():
            lines = difflib.unified_diff(old.splitlines(), new.splitlines(), uri, uri, lineterm="")
            text = "".join(f"{line}\n" for line in lines)
            file = _append(self._tools.state, f"refused/{self.job.id}.diff", text)
        return f" What Claude wrote is in {file}." if file else ""

    async def _answer(self) -> None:
        state = self._tools.state
        name = f"explain/{self.job.id}.md"
        request = self._sent(await self.composed())
        region = self.action.region(self._task)
        line = self._buffer.document.line_of(region.start) + 1
        head = f"# {self.job.title[:1].upper()}{self.job.title[1:]}\n\n`{self._path}`, line {line}\n\n"
        file: Path | None = None
        shown: asyncio.Task[bool] | None = None
        async with aclosing(loop.run(self._tools.model, request, _no_tool)) as events:
            async for event in events:
                self._progress.note(event)
                if isinstance(event, TextDelta):
                    file = _append(state, name, event.text if file else head + event.text)
                    self._tools.explained(self.job, region, self._progress.said)
                    self._tools.client.job_text(self.job, event.text)
                    if shown is None and file and self._tools.client.reloads_files:
                        shown = asyncio.create_task(self._tools.client.show_file(file))
        complete = self._progress.stopped.reason == "end_turn"
        if not self._progress.said.strip():
            self._progress.fail("Claude gave no answer." if complete else _words(self._progress.stopped))
            return
        if file:
            file = _append(state, name, "\n" if complete else f"\n\n*(incomplete: {_words(self._progress.stopped)})*\n")
        if file and shown is None:
            shown = asyncio.create_task(self._tools.client.show_file(file))
        if shown is None or not await shown:
            self._tools.client.tell("info", self._progress.said)
        if complete:
            self._progress.end("done", "explained")
        else:
            self._progress.fail(_words(self._progress.stopped))

    async def composed(self) -> Composed:
        """What is to be sent for the lines as they are now; nothing is sent by this."""
        situation = self._task.situation
        document = situation.document
        file = self._tools.path_of(document.uri)
        if await self._tools.gathering.hides(file):
            raise _Stop(f"{self._path}: {HIDDEN}.")
        around = await self._tools.gathering.around(document, file, self.action.region(self._task), self.action)
        if self._buffer.document is not document:
            # The person went on typing while we looked around.
            if not self._buffer.open:
                raise _Stop(CLOSED_MEANWHILE)
            await self._look_again()
        return self._compose(around)

    def _known_diagnostics(self, region: Span) -> list[Diagnostic]:
        """What the editor has told about lines of `region`, from the top."""
        known = self._tools.diagnostics(self._task.situation.document.uri)
        inside = [item for item in known if item.span.start <= region.end and region.start <= item.span.end]
        return sorted(inside, key=lambda item: item.span)[:MAX_DIAGNOSTICS]

    def _sent(self, composed: Composed) -> ModelRequest:
        if composed.shown:
            file = self._tools.path_of(self._task.situation.document.uri)
            self._tools.gathering.sent(composed.shown, file, composed.kind)
        return composed.request

    def _offered(self, region: Span) -> tuple[Tool, ...]:
        """The tools for this task: what is long, or about several places, is edited in places."""
        document = self._task.situation.document
        long = document.line_of(region.end) - document.line_of(region.start) >= MAX_REGION_LINES
        in_places = long or self.action.in_places(self._task)
        return tuple(tool for tool in self.action.tools if not (in_places and tool is REWRITE_REGION))

    def _compose(self, around: Around) -> Composed:
        task, settings = self._task, self._tools.settings
        document, diagnostics = task.situation.document, task.situation.diagnostics
        region = self.action.region(task)
        system = "system_edit" if self.action.tools else "system_explain"
        tools = self._offered(region)
        kind = (settings.model_for(self.action.name), system, *(tool.name for tool in tools))
        file = self._tools.path_of(document.uri)
        shown = self._tools.gathering.shown(around, document, file, self._path, region, kind)
        told = diagnostics_block(document, diagnostics or self._known_diagnostics(region))
        first, last = document.line_of(region.start) + 1, document.line_of(region.end) + 1
        # The region depends on the request, so it follows the file, which does not.
        marked = [ContextBlock("region", region.of(document.text), (("lines", f"{first}-{last}"),))]
        span = task.situation.span
        if self.action.name == "extract" and task.situation.selected:
            marked.append(ContextBlock("selection", span.of(document.text)))
        ask = "\n\n".join([*(block.rendered() for block in marked), self.action.ask(task)])
        request = build(
            action=self.action.name,
            system=prompt(system),
            parts=shown.parts,
            ask=f"{told.rendered()}\n\n{ask}" if told else ask,
            tools=tools,
            settings=settings,
        )
        if not self._heard:
            return Composed(request, shown.blocks if told is None else (*shown.blocks, told), ask, shown, kind)
        now = [prompt("follow_up"), marked[0].rendered(), ContextBlock("instruction", task.words).rendered()]
        ask = "\n\n".join(now)
        return Composed(going_on(request, self._heard, ask), (), ask)

    async def _stream(self, request: ModelRequest, writing: Writing) -> None:
        async def use_tool(use: ToolFinished) -> ToolOutcome:
            asking = use.name in ("write_file", "rename_file", "delete_file")
            self._progress.phase(
                "waiting for your answer" if asking else "waiting for the editor", "waiting" if asking else "running"
            )
            outcome = await writing.finished(use)
            self._books.keep(writing, *self._exchange())
            self._failed_last = outcome.failed
            return outcome

        shown = -SHOWN_CHARACTERS
        async with aclosing(loop.run(self._tools.model, request, use_tool)) as events:
            async for event in events:
                if isinstance(event, ToolInputDelta):
                    characters = writing.delta(event.id, event.json)
                    if not shown <= characters < shown + SHOWN_CHARACTERS:
                        shown = characters
                        self._progress.phase("writing", detail=f"{characters} characters")
                    continue
                self._progress.note(event)
                if isinstance(event, ToolStarted):
                    writing.started(event.id, event.name)

    def _region_ended(self, future: asyncio.Future[HunkEnded]) -> None:
        """The person changed what Claude is about to replace: there is no point in going on."""
        if not future.cancelled() and future.result().state is HunkState.LOST and not self._buffer.open:
            self._stop(CLOSED_MEANWHILE)

    def _stop(self, reason: str) -> None:
        if self._running and not self.job.ended and not self._complete and self._overrun is None:
            self._overrun = reason
            self._running.cancel()


def _words(stopped: Stopped) -> str:
    return stopped.message or SAID_ON_STOP.get(stopped.reason, "Claude stopped without an answer.")


def _changes(count: int) -> str:
    if not count:
        return "nothing to change: it is so already"
    return f"{count} change{'' if count == 1 else 's'}"


def _append(state: StateFolder, name: str, text: str) -> Path | None:
    """The file with `text` added; None where the state folder cannot be written, and the words go elsewhere."""
    try:
        return state.append(name, text)
    except OSError:
        return None


async def _no_tool(use: ToolFinished) -> ToolOutcome:
    return ToolOutcome(f"There is no tool {use.name!r}: answer in words.", failed=True)
