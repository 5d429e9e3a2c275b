"""CPU for each model delta, from the socket to `applyEdit`, beside the client library's own events alone.

All of it runs in this process, over real HTTP from a replay server in another one, so that the CPU time is ours alone.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import anthropic

from claude_ls.agent.claude import ClaudeModel
from claude_ls.config import Settings
from claude_ls.lsp.server import Server, create_server
from claude_ls.session.client import Client
from claude_ls.session.keeping import one_thread, open_stores
from claude_ls.session.session import Session
from claude_ls.workspace.files import StateFolder
from claude_ls.workspace.watcher import Watcher

PLACES = 40
LINES_PER_PLACE = 10
RUNS = 9
LIMIT = 1.5


def script() -> tuple[str, str, int]:
    """The text of a file, the script that edits forty places of it, and about how many deltas that is."""
    text = "".join(f"def f{n}():\n" + f"    value = {n}\n" * LINES_PER_PLACE + "\n" for n in range(PLACES))
    lines = ["-- claude --", ">>> edit_file", "path: big.py"]
    for n in range(PLACES):
        lines += [f"edits.{n}.old_text:", f"|def f{n}():", *[f"|    value = {n}"] * LINES_PER_PLACE]
        lines += [f"edits.{n}.new_text:", f"|def f{n}():", *[f"|    value = {n} + 1"] * LINES_PER_PLACE]
    return text, "\n".join(lines) + "\n", 0


class Editor:
    """Applies every edit and reports it; keeps nothing but the text."""

    def __init__(self, server: Server, text: str) -> None:
        self.text = text
        self.edits = 0
        self.version = 1
        self.ended = asyncio.Event()
        self._server = server
        server.protocol.set_writer(self)  # type: ignore[arg-type]

    def write(self, data: bytes) -> None:
        message = json.loads(data.partition(b"\r\n\r\n")[2])
        asyncio.get_running_loop().call_soon(self._receive, message)

    def send(self, message: dict[str, Any]) -> None:
        protocol = self._server.protocol
        raw = json.dumps({"jsonrpc": "2.0", **message})
        protocol.handle_message(json.loads(raw, object_hook=protocol.structure_message))

    def _receive(self, message: dict[str, Any]) -> None:
        if message.get("method") == "workspace/applyEdit":
            (change,) = message["params"]["edit"]["documentChanges"]
            self.edits += 1
            self.version += 1
            changes = [{"range": edit["range"], "text": edit["newText"]} for edit in reversed(change["edits"])]
            identifier = {"uri": change["textDocument"]["uri"], "version": self.version}
            self.send(
                {
                    "method": "textDocument/didChange",
                    "params": {"textDocument": identifier, "contentChanges": changes},
                }
            )
            self.send({"id": message["id"], "result": {"applied": True}})
        elif message.get("method") == "claude/job" and message["params"]["job"]["state"] in ("done", "failed"):
            assert message["params"]["job"]["state"] == "done", message
            self.ended.set()


async def ours(url: str, text: str, settings: dict[str, Any] | None = None) -> float:
    """Seconds of CPU for one job on all of `text`, whose edits are made by an editor in this process."""
    model = ClaudeModel(environ={"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "bench"})
    numbers = itertools.count(1)
    loop = asyncio.get_running_loop()
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)

    def make_session(client: Client, settings: Settings) -> Session:
        return Session(
            model=model,
            client=client,
            settings=settings,
            state=StateFolder(Path(folder.name)),
            stores=open_stores(Path(folder.name)),
            background=one_thread(),
            watch=lambda changed: Watcher(loop.call_soon_threadsafe, changed),
            later=loop.call_later,
            clock=loop.time,
            new_id=lambda: f"job{next(numbers)}",
        )

    server = create_server(make_session, clock=loop.time)
    editor = Editor(server, text)
    capabilities = {"workspace": {"workspaceEdit": {"documentChanges": True}}}
    options = {"claude": {"events": True, **(settings or {})}}
    params = {"processId": None, "rootUri": None, "capabilities": capabilities, "initializationOptions": options}
    editor.send({"id": 1, "method": "initialize", "params": params})
    document = {"uri": "file:///big.py", "languageId": "python", "version": 1, "text": text}
    editor.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
    await model._connected()
    end = {"line": text.count("\n"), "character": 0}
    place = {"start": {"line": 0, "character": 0}, "end": end}
    argument = {"uri": "file:///big.py", "range": place, "instruction": "add one"}
    before = time.process_time()
    command = {"command": "claude.edit", "arguments": [argument]}
    editor.send({"id": 2, "method": "workspace/executeCommand", "params": command})
    await editor.ended.wait()
    spent = time.process_time() - before
    await server.session.aclose()
    return spent


async def library(url: str) -> tuple[float, int]:
    """Seconds of CPU for reading the same answer with the library alone, and the number of deltas."""
    client = anthropic.AsyncAnthropic(api_key="bench", base_url=url, max_retries=0)
    deltas = 0
    before = time.process_time()
    messages: Any = [{"role": "user", "content": "add one"}]
    stream = await client.messages.create(model="m", max_tokens=1000, messages=messages, stream=True)
    async for event in stream:
        deltas += event.type == "content_block_delta"
    spent = time.process_time() - before
    await client.close()
    return spent, deltas


def main() -> int:
    text, played, _ = script()
    with tempfile.NamedTemporaryFile("w", suffix=".script") as file:
        file.write(played * (2 * RUNS + 2))
        file.flush()
        command = [sys.executable, "-m", "claude_ls", "replay", file.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            spent: dict[str, list[float]] = {"ours": [], "library": []}
            deltas = 0
            for run in range(RUNS + 1):
                mine = asyncio.run(ours(url, text))
                theirs, deltas = asyncio.run(library(url))
                if run:
                    spent["ours"].append(mine)
                    spent["library"].append(theirs)
            server.kill()
    for name, values in spent.items():
        print(f"{name:8} {statistics.median(values) / deltas * 1e6:6.1f} µs of CPU for each of {deltas} deltas")
    ratio = statistics.median(spent["ours"]) / statistics.median(spent["library"])
    print(f"ratio {ratio:.2f} (limit {LIMIT}), with {PLACES} edits applied by a client in the same process")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
