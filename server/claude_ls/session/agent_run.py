"""One task over the whole workspace: Claude looks, changes, is checked and corrects, within limits that were set."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from claude_ls.actions.action import prompt
from claude_ls.agent import loop
from claude_ls.agent.compaction import SHARE, shortened, tokens_of
from claude_ls.agent.context import ContextBlock, diagnostics_block
from claude_ls.agent.loop import Corrected, Limits
from claude_ls.agent.model import (
    COMPLETE,
    SAID_ON_STOP,
    Message,
    ModelRequest,
    Stopped,
    ToolFinished,
    ToolInputDelta,
    ToolStarted,
)
from claude_ls.agent.prompt import build, going_on
from claude_ls.agent.tools import CANNOT_DO, DELETE_FILE, EDIT_FILE, RENAME_FILE, WRITE_FILE, ToolOutcome
from claude_ls.agent.tools.run_check import run_check_tool
from claude_ls.agent.tools.table import Toolbox
from claude_ls.config import Mode
from claude_ls.session.action_run import Tools
from claude_ls.session.books import Books
from claude_ls.session.buffer import Buffer
from claude_ls.session.job import Job
from claude_ls.session.job_progress import JobProgress
from claude_ls.session.permission import Permission
from claude_ls.session.verifying import Verified, Verifying
from claude_ls.session.writing import Writing

CHANGING = (EDIT_FILE, WRITE_FILE, RENAME_FILE, DELETE_FILE, CANNOT_DO)
AGENT = "agent"
PLANS = "plan"
"""The folder of the state folder in which plans are."""
DOING = {
    "read_file": "reading {path}",
    "outline": "reading {path}",
    "search_text": "looking for {pattern}",
    "list_files": "looking around",
    "references": "looking for uses of {name}",
    "diagnostics": "reading what is wrong with {path}",
    "run_check": "running {name}",
    "edit_file": "changing {path}",
    "write_file": "writing {path}",
}
"""What the person sees while a tool runs."""
WINDOW = 200_000
"""Tokens of a model's context window, where nobody says how large it is."""


@dataclass(frozen=True)
class AgentTask:
    """What the person asked for. `buffer` is the document that they were in, if any, and `plan` says that it holds the
    plan which is to be carried out."""

    words: str
    mode: Mode = "ask"
    buffer: Buffer | None = None
    plan: bool = False


class AgentRun:
    """Runs one task. Whatever happens, its job ends in exactly one end state."""

    def __init__(
        self,
        job: Job,
        task: AgentTask,
        tools: Tools,
        toolbox: Toolbox,
        permission: Permission,
        verifying: Verifying,
        root: Path | None,
        earlier: tuple[Message, ...] = (),
    ) -> None:
        """`earlier` is a conversation that this one goes on with."""
        self.job = job
        self.task = task
        self._tools = tools
        self._toolbox = toolbox
        self._permission = permission
        self._verifying = verifying
        self._root = root
        self._earlier = earlier
        self._progress = JobProgress(job, tools.client, tools.settings)
        self._books = Books(job, tools.keeping, tools.settings, tools.path_of)
        self._writing: Writing | None = None
        self._verified: Verified | None = None
        self._corrections = 0
        self._overrun: str | None = None
        self._complete = False
        """Whether only books are left to be kept, so that there is nothing to stop any more."""
        self._running: asyncio.Task[None] | None = None

    @property
    def words(self) -> str:
        """What the person asked for."""
        return self.task.words

    @property
    def conversation(self) -> tuple[Message, ...]:
        """What was said so far, by both, for whoever goes on with it."""
        return self._progress.conversation

    def waits_for_an_answer(self) -> None:
        """The person has been asked something."""
        self._progress.phase("waiting for your answer", "waiting")

    def phase(self, words: str) -> None:
        """What it is doing now."""
        self._progress.phase(words, "running")

    def texts_before(self) -> Iterator[tuple[Path, str | None]]:
        """By file, what it has changed as it would read without that; None where it would not be there."""
        writing = self._writing
        for buffer in writing.buffers if writing else ():
            if changes := buffer.changes_of(self.job.id):
                yield self._tools.path_of(buffer.document.uri), changes.base
        for change in writing.files.made if writing else ():
            if change.kind == "create":
                yield change.path, None

    def start(self) -> None:
        """Begin, once there is a place for it."""
        self._running = asyncio.create_task(self._run(), name=f"job {self.job.id}")

    def cancel(self) -> None:
        """Stop now: the stream to the model closes, tools and checks end, nothing more of what it wrote is sent."""
        if self._running and not self.job.ended:
            self._progress.end("cancelled", f"cancelled{self._kept()}")
            self._running.cancel()

    async def wait(self) -> None:
        if self._running:
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        minutes = self._tools.settings.agent_minutes
        try:
            async with self._tools.queue.turn(self._progress.waits_for_others), asyncio.timeout(minutes * 60):
                await self._work()
        except TimeoutError:
            await self._settled()
            self._progress.fail(f"Stopped after {minutes:g} minutes (setting `agent.minutes`).{self._kept()}")
        except asyncio.CancelledError:
            if self._overrun:
                await self._settled()
                self._progress.fail(self._overrun + self._kept())
            else:
                self._progress.end("cancelled", "cancelled")
        except Exception as error:
            self._progress.fail(f"an error in claude-ls itself ({type(error).__name__}: {error})")
            raise
        finally:
            if self._writing:
                self._books.close(self._writing, self.words, self._said)

    async def _work(self) -> None:
        self._progress.phase("reading the workspace", "running")
        await self._verifying.prepare()
        request = await self._composed()
        writing = self._writing = self._tools.writing(self.job, self._books, self._stop)
        async with self._books.recording(writing, self._tools.journal, lambda: (self.words, self._said)):
            await self._stream(request, writing)
        self._complete = True
        await self._tools.keeping.finished()
        await self._report(writing)

    async def _composed(self) -> ModelRequest:
        task, settings = self.task, self._tools.settings
        blocks = list(await self._tools.gathering.folder_blocks(self._root, self._file()))
        parts = [blocks] if blocks else []
        ask: list[str] = []
        if task.buffer and task.plan:
            ask.append(ContextBlock("plan", task.buffer.document.text).rendered())
        elif task.buffer:
            document = task.buffer.document
            ask += [f"The person is in {self._tools.name_of(document.uri)}."]
            if told := diagnostics_block(document, self._tools.diagnostics(document.uri)):
                ask.append(told.rendered())
        ask.append(ContextBlock("task", task.words).rendered())
        if task.mode != "plan" and self._verifying.commands:
            self._toolbox = replace(self._toolbox, check=run_check_tool(list(self._verifying.commands)))
        tools = self._toolbox.tools + (CHANGING if task.mode != "plan" else ())
        system = "system_plan" if task.mode == "plan" else "system_agent"
        words = "\n\n".join(ask)
        request = build(action=AGENT, system=prompt(system), parts=parts, ask=words, tools=tools, settings=settings)
        request = replace(request, must_use_tool=False, compact_at=int(WINDOW * SHARE))
        return going_on(request, self._earlier, words) if self._earlier else request

    def _file(self) -> Path:
        """The file that rules are looked up for."""
        if self.task.buffer and not self.task.plan:
            return self._tools.path_of(self.task.buffer.document.uri)
        return (self._root or Path()) / "any"

    async def _stream(self, request: ModelRequest, writing: Writing) -> None:
        settings = self._tools.settings
        streamed: set[str] = set()

        async def use_tool(use: ToolFinished) -> ToolOutcome:
            self._doing(use)
            if use.input is not None and self._toolbox.has(use.name):
                return await self._toolbox.use(use.name, use.input)
            if use.id not in streamed and use.name == EDIT_FILE.name and not await self._may_edit(use):
                return ToolOutcome("Nothing was changed: the person did not allow it.", failed=True)
            outcome = await writing.finished(use)
            self._books.keep(writing, self.words, self._said)
            # There is more to a task than one change: Claude says itself when it is done.
            return outcome if use.name == CANNOT_DO.name else replace(outcome, ends=False)

        async def verify() -> str | None:
            if not writing.landed:
                return None
            self._progress.phase("checking what was changed")
            self._verified = await self._verifying.verify(writing.buffers)
            self.job.checks = self._verified.checks
            return self._verified.words_for_claude

        def shorten(messages: tuple[Message, ...], did_not_fit: bool) -> tuple[Message, ...]:
            return shortened(messages) if did_not_fit or tokens_of(messages) > WINDOW * SHARE else messages

        limits = Limits(settings.agent_turns, settings.agent_tool_uses, goes_on=True)
        events = loop.run(self._tools.model, request, use_tool, limits, verify=verify, shorten=shorten)
        async with aclosing(events) as happened:
            async for event in happened:
                match event:
                    case ToolStarted(identity, name):
                        # Until the person has allowed edits, none may land while it is being written.
                        if (
                            name != EDIT_FILE.name
                            or self.task.mode == "acceptEdits"
                            or self._permission.already("edit")
                        ):
                            streamed.add(identity)
                            writing.started(identity, name)
                    case ToolInputDelta(identity, json) if identity in streamed:
                        writing.delta(identity, json)
                    case ToolInputDelta():
                        pass
                    case Corrected(number):
                        self._corrections = number
                        self._progress.phase(f"correcting what the checks found ({number} of {loop.MAX_CORRECTIONS})")
                    case _:
                        self._progress.note(event)

    async def _may_edit(self, use: ToolFinished) -> bool:
        if self.task.mode == "acceptEdits":
            return True
        path = str((use.input or {}).get("path", "a file"))
        return await self._permission.allows("edit", f"Claude wants to change {path}.")

    def _doing(self, use: ToolFinished) -> None:
        words = DOING.get(use.name, use.name.replace("_", " "))
        try:
            words = words.format(**(use.input or {}))
        except (KeyError, IndexError, ValueError):
            words = use.name.replace("_", " ")
        self._progress.phase(words[:80], "running")

    async def _report(self, writing: Writing) -> None:
        """End the job by what came of it."""
        progress, stopped = self._progress, self._progress.stopped
        if writing.declined:
            progress.fail(f"Claude declined: {writing.declined}{self._kept()}")
        elif stopped.reason not in COMPLETE:
            progress.fail(_words(stopped) + self._kept())
        elif self.task.mode == "plan":
            await self._show_plan()
        elif self._verified and self._verified.failed:
            tried = f" after {self._corrections} corrections" if self._corrections else ""
            progress.fail(f"checks fail{tried}: {self._verified.failed}{self._kept()}")
        else:
            words = self._said or "done"
            if writing.landed:
                progress.end("done", f"{writing.landed} change{'' if writing.landed == 1 else 's'}")
                self._tools.changed(
                    self.job, self._books.summary(writing, self._verified.badges if self._verified else ())
                )
            else:
                progress.end("done", "nothing changed")
            self._tools.client.job_text(self.job, words)
            if not writing.landed:
                self._tools.client.tell("info", f"Claude: {words[:1000]}")

    async def _show_plan(self) -> None:
        plan = _without_fence(self._said)
        if not plan:
            self._progress.fail("Claude gave no plan.")
            return
        try:
            file = self._tools.state.append(f"{PLANS}/{self.job.id}.md", plan + "\n")
        except OSError as error:
            self._tools.client.tell("info", plan)
            self._progress.fail(f"The plan could not be written to a file: {error}.")
            return
        self._progress.end("done", "planned")
        if not await self._tools.client.show_file(file):
            self._tools.client.tell("info", f"Claude: the plan is in {file}")

    async def _settled(self) -> None:
        if self._writing:
            await self._writing.settled()

    def _kept(self) -> str:
        """Which changes of an unfinished job stay."""
        writing = self._writing
        if writing is None or not writing.landed:
            return ""
        one = writing.landed == 1
        return f" ({writing.landed} change{'' if one else 's'} landed and stay{'s' * one} for review)"

    def _stop(self, reason: str) -> None:
        if self._running and not self.job.ended and not self._complete and self._overrun is None:
            self._overrun = reason
            self._running.cancel()

    @property
    def _said(self) -> str:
        """The words of Claude's last turn, which are for the person; those before were between uses of tools."""
        for message in reversed(self._progress.conversation):
            if message.role == "assistant":
                return "".join(block.text for block in message.blocks if hasattr(block, "text")).strip()
        return self._progress.said.strip()


def _words(stopped: Stopped) -> str:
    return stopped.message or SAID_ON_STOP.get(stopped.reason, "Claude stopped before it was done.")


def _without_fence(text: str) -> str:
    """The document itself, where Claude has put it between fences."""
    lines = text.strip().split("\n")
    if len(lines) > 2 and lines[0].startswith("```") and lines[-1] == "```":
        return "\n".join(lines[1:-1])
    return text.strip()
