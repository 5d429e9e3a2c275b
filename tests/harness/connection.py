"""A server and an editor in this process, for tests that are not case files."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claude_ls.agent.model import Model
from claude_ls.agent.scripted import ScriptedModel, at_once, read_script
from claude_ls.config import Settings
from claude_ls.lsp.server import Server, create_server
from claude_ls.session.client import Client
from claude_ls.session.indexing import Surroundings
from claude_ls.session.keeping import Background
from claude_ls.session.session import Session
from claude_ls.session.verifying import RunsChecks
from claude_ls.workspace.files import StateFolder
from claude_ls.workspace.watcher import FileWatch, Watcher
from harness.editor import Editor
from harness.run import stores, stores_at_once

ROOT = "file:///project"


@dataclass
class Connection:
    server: Server
    editor: Editor
    model: Model

    async def job(self, command: str, **argument: Any) -> dict[str, Any]:
        """Run a command that starts a job, wait for its end, and tell how it is."""
        answer = await self.execute(command, argument)
        await self.server.session.finished()
        for _ in range(5):
            await asyncio.sleep(0)
        jobs = (await self.execute("claude.jobs", {}))["jobs"]
        return dict(next(job for job in jobs if job["id"] == answer["job"]))

    async def execute(self, command: str, argument: Any, **more: Any) -> Any:
        params = {"command": command, "arguments": [argument], **more}
        return await self.editor.request("workspace/executeCommand", params)


@asynccontextmanager
async def connected(
    tmp_path: Path,
    script: str = "-- claude --\nhello\n",
    *,
    model: Model | None = None,
    pace: Callable[[int], Awaitable[None]] = at_once,
    encoding: str = "utf-16",
    flags: frozenset[str] = frozenset(),
    root: str = ROOT,
    options: dict[str, Any] | None = None,
    background: Background = stores_at_once,
    first: int = 1,
    watch: Callable[[Callable[[Path], None]], FileWatch] | None = None,
    surroundings: Surroundings | None = None,
    checks: RunsChecks | None = None,
    own_rules: Path | None = None,
    clock: Callable[[], float] | None = None,
) -> AsyncIterator[Connection]:
    """A server and an editor in this process; jobs are numbered from `first` on."""
    played = model or ScriptedModel(read_script(script), pace=pace)
    numbers = itertools.count(first)
    loop = asyncio.get_running_loop()

    def make_session(client: Client, settings: Settings) -> Session:
        return Session(
            model=played,
            client=client,
            settings=settings,
            state=StateFolder(tmp_path / "state"),
            stores=stores(tmp_path / "state"),
            background=background,
            watch=watch or (lambda changed: Watcher(loop.call_soon_threadsafe, changed)),
            later=loop.call_later,
            clock=clock or loop.time,
            menu_patience=60,
            surroundings=surroundings,
            checks=checks,
            own_rules=own_rules,
            new_id=lambda: f"job{next(numbers)}",
        )

    server = create_server(make_session, clock=lambda: 0.0, settings_file=lambda: tmp_path / "config.toml")
    editor = Editor(server, habit="strict", encoding=encoding, seed=1, flags=flags)
    await editor.start(root, options or {})
    try:
        yield Connection(server, editor, played)
    finally:
        await server.aclose()
