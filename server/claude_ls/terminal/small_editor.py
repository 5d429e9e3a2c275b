"""A small editor without a screen: it starts a real server process and speaks LSP with it over its pipes."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_ls.text.document import Document
from claude_ls.text.patch import Patch, Span, TextEdit, apply, invert
from claude_ls.text.position import Encoding, Position
from claude_ls.text.rebase import sequential

ENCODING: Encoding = "utf-8"


class ServerGone(Exception):
    """The server ended or answered with an error; the message says what it said."""


@dataclass
class JobView:
    """What the server told of a job."""

    id: str
    state: str = "queued"
    phase: str = ""
    title: str = ""
    tokens: Mapping[str, int] = field(default_factory=dict)
    cost: float | None = None
    error: str | None = None
    text: str = ""


class SmallEditor:
    """One document, its undo stack, and the jobs that run on it. `changed` is called after everything that happens."""

    def __init__(self, document: Document, changed: Callable[[], None] = lambda: None) -> None:
        self.document = document
        self.jobs: dict[str, JobView] = {}
        self.messages: list[str] = []
        self.labels: list[str] = []
        self._changed = changed
        self.refused = 0
        """How many edits came for an older version than ours."""
        self._undo: list[list[Patch]] = []
        """What takes back each step: the inverses of its edits, oldest first."""
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self, environ: Mapping[str, str], root: Path) -> Mapping[str, Any]:
        """Start the server and open the document; the server's capabilities."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "claude_ls",
            "--stdio",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=dict(environ),
            cwd=root,
        )
        self._reader = asyncio.create_task(self._read())
        answer = await self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": root.as_uri(),
                "clientInfo": {"name": "claude-ls demo"},
                "capabilities": {
                    "general": {"positionEncodings": [ENCODING]},
                    "window": {"workDoneProgress": True},
                    "workspace": {"workspaceEdit": {"documentChanges": True}},
                },
                "initializationOptions": {"claude": {"prompts": True, "events": True, "applyEdit": True}},
            },
        )
        self.notify("initialized", {})
        item = {
            "uri": self.document.uri,
            "languageId": self.document.language_id,
            "version": self.document.version,
            "text": self.document.text,
        }
        self.notify("textDocument/didOpen", {"textDocument": item})
        return dict(answer["capabilities"])

    async def stop(self) -> int:
        """Leave as an editor should; the server's exit code."""
        assert self._process is not None and self._reader is not None
        await self.request("shutdown", None)
        self.notify("exit", None)
        code = await asyncio.wait_for(self._process.wait(), 10)
        await self._reader
        return code

    def kill(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()

    async def menu(self, span: Span, diagnostics: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        params = {
            "textDocument": {"uri": self.document.uri},
            "range": self.range(span),
            "context": {"diagnostics": diagnostics or []},
        }
        return list(await self.request("textDocument/codeAction", params) or [])

    async def run(self, command: str, **argument: Any) -> JobView:
        """Start a job and wait until it has ended."""
        params = {"command": command, "arguments": [{"uri": self.document.uri, **argument}]}
        answer = await self.request("workspace/executeCommand", params)
        job = self.jobs.setdefault(answer["job"], JobView(answer["job"]))
        await self._ended.setdefault(job.id, asyncio.Event()).wait()
        return job

    def undo(self) -> bool:
        """Take back the last step that the server made, as the person's own undo key would."""
        if not self._undo:
            return False
        for inverse in reversed(self._undo.pop()):
            self._edit(inverse)
        return True

    def type(self, offset: int, text: str) -> None:
        """The person types."""
        self._undo.clear()  # What was before would no longer fit, and this editor is a small one.
        self._edit((TextEdit(offset, offset, text),))

    def range(self, span: Span) -> dict[str, Any]:
        start, end = (self.document.position(offset, ENCODING) for offset in span)
        return {
            "start": {"line": start.line, "character": start.column},
            "end": {"line": end.line, "character": end.column},
        }

    async def request(self, method: str, params: Any) -> Any:
        identity = next(self._ids)
        self._answers[identity] = asyncio.get_running_loop().create_future()
        self._send({"id": identity, "method": method, "params": params})
        return await self._answers[identity]

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        stream = self._process.stdout
        while header := await stream.readline():
            length = 0
            while header.strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                header = await stream.readline()
            self._receive(json.loads(await stream.readexactly(length)))
            self._changed()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ServerGone("the server ended without an answer"))
        for ended in self._ended.values():
            ended.set()

    def _receive(self, message: dict[str, Any]) -> None:
        method, params = message.get("method"), message.get("params") or {}
        if method is None:
            answer = self._answers.pop(message["id"])
            if "error" in message:
                answer.set_exception(ServerGone(str(message["error"]["message"])))
            else:
                answer.set_result(message.get("result"))
        elif method == "claude/applyEdit":
            self._send({"id": message["id"], "result": {"applied": self._apply(params)}})
        elif method == "claude/job":
            self._job(params["job"])
        elif method == "claude/text":
            self.jobs.setdefault(params["job"], JobView(params["job"])).text += params["text"]
        elif method == "window/showMessage":
            self.messages.append(params["message"])
        elif "id" in message:
            self._send({"id": message["id"], "result": None})

    def _job(self, told: Mapping[str, Any]) -> None:
        job = self.jobs.setdefault(told["id"], JobView(told["id"]))
        job.state, job.phase, job.title = told["state"], told["phase"], told["title"]
        job.tokens, job.cost, job.error = told["tokens"], told["cost"], told.get("error")
        if job.state in ("done", "failed", "cancelled"):
            self._ended.setdefault(job.id, asyncio.Event()).set()

    def _apply(self, params: Mapping[str, Any]) -> bool:
        (change,) = params["edit"]["documentChanges"]
        if change["textDocument"]["version"] != self.document.version:
            self.refused += 1
            return False
        patch = tuple(self._text_edit(edit) for edit in change["edits"])
        if params["undoStopBefore"] or not self._undo:
            self._undo.append([])
        self._undo[-1].append(invert(self.document.text, patch))
        self.labels.append(params.get("label") or "")
        self._edit(patch)
        return True

    def _text_edit(self, edit: Mapping[str, Any]) -> TextEdit:
        start, end = (
            self.document.offset(Position(place["line"], place["character"]), ENCODING)
            for place in (edit["range"]["start"], edit["range"]["end"])
        )
        return TextEdit(start, end, edit["newText"])

    def _edit(self, patch: Patch) -> None:
        """Change the buffer and report it."""
        expected = apply(self.document.text, patch)
        changes: list[dict[str, Any]] = []
        version = self.document.version + 1
        for edit in sequential(patch):
            changes.append({"range": self.range(edit.span), "text": edit.text})
            self.document = self.document.edited(version, [edit])
        assert self.document.text == expected
        identifier = {"uri": self.document.uri, "version": version}
        self.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": changes})
