"""Five stories of a person at an editor, each with a real server that may be killed at any moment of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from claude_ls.terminal.small_editor import ENCODING, JobView, ServerGone, SmallEditor
from claude_ls.text.document import Document

SECONDS = 20.0
"""After this long without what was waited for, a server that is still alive has failed."""
YES = ("Allow once", "As it was then", "Delete it")
"""What our person answers to a question, if it is among the choices."""
TEMPORARY = re.compile(r"\.(.+)\.[a-z0-9_]{8}")
"""The name under which a file is written before it takes its place."""

Snapshot = Mapping[str, tuple[bytes, int]]
"""All files of a project by their names: bytes and mode."""


@dataclass(frozen=True)
class Ground:
    """The folders of one run; `main.py` is what the editor shows."""

    root: Path

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def state(self) -> Path:
        return self.root / "state"

    def lay(self, scenario: Scenario) -> None:
        """Make everything as it is before the scenario."""
        self.project.mkdir(parents=True)
        self.project.chmod(0o755)
        self.put(scenario.before)
        (self.root / "script").write_text(scenario.script, encoding="utf-8")

    def put(self, snapshot: Snapshot) -> None:
        """Make of the project what `snapshot` says."""
        for path in [path for path in self.project.rglob("*") if not path.is_dir()]:
            path.unlink()
        for name, (data, mode) in snapshot.items():
            path = self.project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(mode)

    def look(self) -> tuple[Snapshot, list[str]]:
        """All files of the project, and the names of our temporary files, which are none of its."""
        found: dict[str, tuple[bytes, int]] = {}
        temporary: list[str] = []
        for path in sorted(self.project.rglob("*")):
            name = str(path.relative_to(self.project))
            if TEMPORARY.fullmatch(path.name):
                temporary.append(name)
            elif not path.is_dir():
                # While a server is at work it may be gone by now.
                with contextlib.suppress(FileNotFoundError):
                    found[name] = path.read_bytes(), stat.S_IMODE(path.stat().st_mode)
        return found, temporary

    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC", "CLAUDE_LS"))}
        folders = {"CLAUDE_LS_STATE_DIR": str(self.state), "CLAUDE_LS_CONFIG_DIR": str(self.root / "config")}
        return {**kept, **folders, "HOME": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}

    def command(self) -> list[str]:
        return [sys.executable, "-m", "claude_ls", "--stdio", "--model", f"script:{self.root / 'script'}"]


class Gate(Protocol):
    """What a process has to pass: `stop_me` is called in it, `let_pass` here."""

    def stop_me(self) -> None: ...

    def let_pass(self, process: int) -> None: ...


class Client(SmallEditor):
    """A small editor that outlives its server: whoever waits for something of a dead one gets `ServerGone`.

    It shows no files when it is asked to, makes no edits of files that it does not show, and says yes to all questions.
    """

    def __init__(self, ground: Ground, text: str) -> None:
        super().__init__(Document.opened((ground.project / "main.py").as_uri(), "python", 1, text))
        self.ground = ground
        self.seen = [text]
        """Every text that the document has had."""
        self.answers: list[tuple[str, Any]] = []
        """What commands were answered."""
        self.questions: list[str] = []

    async def begin(self, command: Sequence[str], gate: Gate | None = None) -> None:
        """Start the server by `command`, behind a gate if one is given, and show it the document."""
        self._process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.ground.environ(),
            cwd=self.ground.root,
            preexec_fn=gate.stop_me if gate else None,
        )
        self._reader = asyncio.create_task(self._read_to_the_end())
        if gate:
            gate.let_pass(self._process.pid)
        await self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": self.ground.project.as_uri(),
                "capabilities": {
                    "general": {"positionEncodings": [ENCODING]},
                    "workspace": {"workspaceEdit": {"documentChanges": True}},
                },
                "initializationOptions": {"claude": {"events": True, "applyEdit": True}},
            },
        )
        self.notify("initialized", {})
        document = self.document
        item = {"uri": document.uri, "languageId": "python", "version": document.version, "text": document.text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    async def end(self) -> int:
        """What became of the server: its exit code, or less than 0 where it was killed."""
        assert self._process is not None and self._reader is not None
        await asyncio.wait({self._reader}, timeout=SECONDS)
        async with asyncio.timeout(SECONDS):
            return await self._process.wait()

    def kill(self) -> None:
        # Not by asyncio's process, which would look whether it has ended, and take the news from whoever waits for it.
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    async def leave(self) -> None:
        await self.request("shutdown", None)
        self.notify("exit", None)
        await self.end()

    async def execute(self, command: str, **argument: Any) -> Any:
        answer = await self.request("workspace/executeCommand", {"command": command, "arguments": [argument]})
        self.answers.append((command, answer))
        return answer

    async def ask_claude(self, words: str) -> str:
        """Have the scripted Claude do something; the name of the job, which is done then."""
        place = {"line": 0, "character": 0}
        where = {"uri": self.document.uri, "range": {"start": place, "end": place}}
        job: str = (await self.execute("claude.edit", **where, instruction=words))["job"]
        await self.until(lambda: self.jobs.setdefault(job, JobView(job)).state in ("done", "failed", "cancelled"))
        assert self.jobs[job].state == "done", self.jobs[job]
        return job

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that the server brings about."""
        assert self._reader is not None
        async with asyncio.timeout(SECONDS):
            while not holds():
                if self._reader.done():
                    raise ServerGone("the server ended")
                await asyncio.sleep(0.002)

    async def request(self, method: str, params: Any) -> Any:
        if self._reader is None or self._reader.done():
            raise ServerGone("the server has ended")
        return await asyncio.wait_for(super().request(method, params), SECONDS)

    async def _read_to_the_end(self) -> None:
        try:
            await self._read()
        except asyncio.IncompleteReadError:
            # Killed in the middle of a message. Nobody waits for the rest of it.
            for answer in self._answers.values():
                answer.set_exception(ServerGone("the server ended in the middle of a message"))

    def _receive(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method == "window/showMessageRequest":
            choices = [action["title"] for action in message["params"]["actions"]]
            chosen = next(({"title": choice} for choice in choices if choice in YES), None)
            self.questions.append(message["params"]["message"])
            self._send({"id": message["id"], "result": chosen})
        elif method == "workspace/applyEdit":
            self._send({"id": message["id"], "result": {"applied": False, "failureReason": "it is not open"}})
        else:
            super()._receive(message)
            if self.document.text != self.seen[-1]:
                self.seen.append(self.document.text)


@dataclass(frozen=True)
class Scenario:
    """What Claude does and what the person does, and what may be there at any moment of it.

    `shown` is the text of `main.py` in the editor, `shown_after` that at the end. `steps` are all states in which the
    project may be found, the first one before and the last one after all. `checkpoints` are, in order, what each that
    is made has to bring back: an index of `steps`, and the text in the editor.
    """

    name: str
    script: str
    drive: Callable[[Client], Awaitable[None]]
    shown: str
    shown_after: str
    steps: Sequence[Snapshot]
    checkpoints: Sequence[tuple[int, str]]

    @property
    def before(self) -> Snapshot:
        return self.steps[0]


def script(*uses: tuple[str, Mapping[str, Any]]) -> str:
    return "-- claude --\n" + "".join(f">>> {tool}\n= {json.dumps(value)}\n" for tool, value in uses)


def edits(path: str, *pairs: tuple[str, str]) -> tuple[str, Mapping[str, Any]]:
    return "edit_file", {"path": path, "edits": [{"old_text": old, "new_text": new} for old, new in pairs]}


MAIN = "x = 1\n\n\ny = 2\n\n\nz = 3\n"
"""What is in the file. The editor shows more, which nobody has saved."""
SHOWN = MAIN + "unsaved = True\n"
FIRST, SECOND = ("y = 2", "y = 20\ny += 2"), ("unsaved = True", "unsaved = None")
WRITTEN = SHOWN.replace(*FIRST).replace(*SECOND)
HALF = SHOWN.replace(*FIRST)

# A byte order mark, breaks of Windows, no last break, and a mode of its own: what comes back has to have them all.
OTHER = ("\ufeffa = 1\r\nb = 2\r\nc = ä".encode(), 0o750)
OTHER_WRITTEN = ("\ufeffa = 1\r\nb = 20\r\nc = ä".encode(), 0o750)
OTHER_EDITS = edits("other.py", ("b = 2", "b = 20"))
TOOL = (b"#!/bin/sh\r\necho it\r\n", 0o644)
NEW = (b"n = 1\n", 0o644)
EMPTY = (b"", 0o644)
OLD = ("o = 'ö'\n".encode(), 0o640)
PLAIN: Snapshot = {"main.py": (MAIN.encode(), 0o644)}


async def edit(client: Client) -> None:
    await client.ask_claude("change it")
    await client.leave()


async def move_and_undo(client: Client) -> None:
    job = await client.ask_claude("make a file, rename one, delete one")
    await client.execute("claude.undo", job=job)
    await client.until(lambda: "sub/new.py" not in client.ground.look()[0])
    await client.leave()


async def review_and_undo(client: Client) -> None:
    await client.ask_claude("change it")
    first, second = (await client.execute("claude.hunks"))["hunks"]
    await client.execute("claude.accept", hunk=first["id"])
    await client.execute("claude.reject", hunk=second["id"])
    await client.until(lambda: client.document.text == HALF)
    await client.execute("claude.undo")
    await client.until(lambda: client.document.text == WRITTEN)
    await client.leave()


async def go_back_and_forth(client: Client) -> None:
    job = await client.ask_claude("change it")
    there = await go_back(client, job, SHOWN, OTHER)
    # The server is done only when it has heard of that itself: then nothing of Claude's waits for review any more.
    while (await client.execute("claude.hunks"))["hunks"]:  # noqa: ASYNC110  # a server tells no events of its own
        await asyncio.sleep(0.002)
    await go_back(client, there, WRITTEN, OTHER_WRITTEN)
    await client.leave()


async def go_back(client: Client, checkpoint: str, shown: str, other: tuple[bytes, int]) -> str:
    """Rewind, and wait until it is done; the checkpoint by which this can be undone."""
    made: str = (await client.execute("claude.rewind", checkpoint=checkpoint))["checkpoint"]
    await client.until(lambda: (client.document.text, client.ground.look()[0]["other.py"]) == (shown, other))
    return made


def moved(*changes: Mapping[str, tuple[bytes, int] | None]) -> list[Snapshot]:
    """What is there after each of `changes`, one behind the other; None is a file that is gone."""
    found: list[Snapshot] = []
    now: dict[str, tuple[bytes, int] | None] = {}
    for change in changes:
        now = {**now, **change}
        found.append({name: file for name, file in now.items() if file is not None})
    return found


PLAIN: Snapshot = {"main.py": (MAIN.encode(), 0o644)}
WITH_OTHER: Snapshot = {**PLAIN, "other.py": OTHER}
WITH_WRITTEN: Snapshot = {**PLAIN, "other.py": OTHER_WRITTEN}
MOVED = moved(
    {**PLAIN, "old.py": OLD, "tool.sh": TOOL},
    # What is made is written in its place: whoever is killed before that leaves an empty file behind.
    {"sub/new.py": EMPTY},
    {"sub/new.py": NEW},
    # A rename is a second name first, so that nothing is ever written over.
    {"sub/moved.py": OLD},
    {"old.py": None},
    {"tool.sh": None},
    # And all the way back.
    {"tool.sh": EMPTY},
    {"tool.sh": TOOL},
    {"old.py": OLD},
    {"sub/moved.py": None},
    {"sub/new.py": None},
)
MAIN_EDITS = edits("main.py", FIRST, SECOND)
MOVES = (
    ("write_file", {"path": "sub/new.py", "content": NEW[0].decode()}),
    ("rename_file", {"old_path": "old.py", "new_path": "sub/moved.py"}),
    ("delete_file", {"path": "tool.sh"}),
)
SCENARIOS = (
    Scenario("edit-open", script(MAIN_EDITS), edit, SHOWN, WRITTEN, [PLAIN], [(0, SHOWN)]),
    Scenario("edit-closed", script(OTHER_EDITS), edit, SHOWN, SHOWN, [WITH_OTHER, WITH_WRITTEN], [(0, SHOWN)]),
    Scenario("move-files", script(*MOVES), move_and_undo, SHOWN, SHOWN, MOVED, [(0, SHOWN)]),
    Scenario("review", script(MAIN_EDITS), review_and_undo, SHOWN, WRITTEN, [PLAIN], [(0, SHOWN)]),
    Scenario(
        "rewind",
        script(MAIN_EDITS, OTHER_EDITS),
        go_back_and_forth,
        SHOWN,
        WRITTEN,
        [WITH_OTHER, WITH_WRITTEN],
        [(0, SHOWN), (1, WRITTEN), (0, SHOWN)],
    ),
)
