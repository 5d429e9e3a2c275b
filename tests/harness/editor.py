"""In-memory editors that speak LSP to a server in the same process, each with the habits of a real one.

Positions are counted here by a slow and obvious method of their own, so that the server's are checked against it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from claude_ls.lsp.server import Server

Habit = Literal["strict", "rebasing", "liar"]
"""`strict` refuses an edit of an older version (VS Code, Helix); `rebasing` moves it over what was typed since (Zed);
`liar` says that it applied it and did nothing, and reports its changes late (Neovim)."""


@dataclass
class Buffer:
    text: str
    version: int
    language: str
    history: list[tuple[int, int, int, str]] = field(default_factory=list)
    """Version, start, end and text of each change."""
    texts: dict[int, str] = field(default_factory=dict)
    to_undo: list[tuple[int, int, str]] = field(default_factory=list)
    """What takes back the last change, where the server made it."""
    to_redo: list[tuple[int, int, str]] = field(default_factory=list)


class Editor:
    """Sends what a person does, applies what the server asks, and keeps a transcript of what a person would notice."""

    def __init__(self, server: Server, *, habit: Habit, encoding: str, seed: int, flags: frozenset[str]) -> None:
        self.buffers: dict[str, Buffer] = {}
        self.closed: dict[str, str] = {}
        """What closed documents held at last."""
        self.transcript: list[str] = []
        self.shown: list[str] = []
        self.diagnostics: dict[str, list[dict[str, Any]]] = {}
        """What the server has published last, by document."""
        self.answer: Callable[[dict[str, Any]], str | None] | None = None
        """What the person says to a question; None for no answer."""
        self.unanswered: dict[int, asyncio.Future[Any]] = {}
        self.ended: set[str] = set()
        self.refused = 0
        self.messages = 0
        """How many went to and fro."""
        self._late: list[Callable[[], None]] = []
        """Reports of changes that this editor is slow to make."""
        self._server = server
        self._habit = habit
        self._encoding = encoding
        self._chance = random.Random(seed)
        self._flags = flags
        self._ids = itertools.count(1)
        server.protocol.set_writer(self)  # type: ignore[arg-type]

    # What pygls calls as its writer.
    def write(self, data: bytes) -> None:
        self.messages += 1
        header, _, body = data.partition(b"\r\n\r\n")
        assert int(header.split(b"\r\n")[0].split(b":")[1]) == len(body)
        asyncio.get_running_loop().call_soon(self._receive, json.loads(body))

    def close(self) -> None:
        pass

    async def start(self, root: str, options: dict[str, Any]) -> dict[str, Any]:
        capabilities: dict[str, Any] = {
            "general": {"positionEncodings": [self._encoding]},
            "window": {"workDoneProgress": True, "showDocument": {"support": "no showDocument" not in self._flags}},
            "workspace": {
                "codeLens": {"refreshSupport": True},
                "workspaceEdit": {
                    "documentChanges": "no documentChanges" not in self._flags,
                    "resourceOperations": ["rename", "delete"] if "moves files" in self._flags else [],
                    **({"changeAnnotationSupport": {}} if "annotations" in self._flags else {}),
                },
            },
            "textDocument": {
                "codeAction": {
                    "disabledSupport": "no disabledSupport" not in self._flags,
                    "tagSupport": {"valueSet": [1]},
                },
                "hover": {"contentFormat": ["markdown"]},
                **({} if "no lenses" in self._flags else {"codeLens": {}}),
            },
        }
        flags = {"prompts": "prompts" in self._flags, "applyEdit": "undo groups" in self._flags}
        answer = await self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": root,
                "workspaceFolders": [{"uri": root, "name": "root"}],
                "capabilities": capabilities,
                "initializationOptions": {"claude": {**flags, **options}},
                **({"clientInfo": {"name": "Visual Studio Code"}} if "calm questions" in self._flags else {}),
            },
        )
        assert answer["capabilities"]["positionEncoding"] == self._encoding
        self.notify("initialized", {})
        return answer

    async def request(self, method: str, params: Any) -> Any:
        identity = next(self._ids)
        self.unanswered[identity] = asyncio.get_running_loop().create_future()
        self._send({"id": identity, "method": method, "params": params})
        return await self.unanswered[identity]

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def open(self, uri: str, language: str, text: str) -> None:
        self.buffers[uri] = Buffer(text, 1, language, texts={1: text})
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def close_document(self, uri: str) -> None:
        self._report_late()
        self.closed[uri] = self.buffers.pop(uri).text
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def reopen(self, uri: str, language: str) -> None:
        """Show a closed document again, as it was."""
        self.open(uri, language, self.closed.pop(uri))

    def undo(self, uri: str) -> None:
        """The person takes back the last change, which must be one of the server's."""
        edits = self.buffers[uri].to_undo
        assert edits, "there is nothing to undo"
        self._report_late()
        before = self.buffers[uri].text
        self._change(uri, edits)()
        self.buffers[uri].to_redo = _inverse(before, edits)

    def redo(self, uri: str) -> None:
        """The person takes back their undo."""
        edits = self.buffers[uri].to_redo
        assert edits, "there is nothing to redo"
        self._change(uri, edits)()

    def type(self, uri: str, start: int, end: int, text: str) -> None:
        """The person replaces `start..end` (characters) by `text`."""
        self._report_late()
        self._change(uri, [(start, end, text)])()

    def save(self, uri: str) -> None:
        self._report_late()
        self.notify("textDocument/didSave", {"textDocument": {"uri": uri}})

    def position(self, text: str, offset: int) -> dict[str, int]:
        """Where `offset` is, counted character by character."""
        line = column = at = 0
        while at < offset:
            if text[at] == "\n" or (text[at] == "\r" and text[at + 1 : at + 2] != "\n"):
                line, column = line + 1, 0
            else:
                column += self._units(text[at])
            at += 1
        return {"line": line, "character": column}

    def offset(self, text: str, position: dict[str, int]) -> int:
        """The character at `position`, which must exist: the server may not rely on clamping."""
        line = column = at = 0
        while (line, column) != (position["line"], position["character"]):
            if at >= len(text):
                raise AssertionError(f"the server named a position that does not exist: {position} in {text!r}")
            if text[at] == "\n" or (text[at] == "\r" and text[at + 1 : at + 2] != "\n"):
                line, column = line + 1, 0
            else:
                column += self._units(text[at])
            at += 1
        return at

    def _units(self, character: str) -> int:
        if self._encoding == "utf-32":
            return 1
        return len(character.encode("utf-8")) if self._encoding == "utf-8" else 1 + (ord(character) > 0xFFFF)

    def _send(self, message: dict[str, Any]) -> None:
        self.messages += 1
        protocol = self._server.protocol
        raw = json.dumps({"jsonrpc": "2.0", **message})
        protocol.handle_message(json.loads(raw, object_hook=protocol.structure_message))

    def _change(self, uri: str, edits: list[tuple[int, int, str]]) -> Callable[[], None]:
        """Change the buffer now; what comes back reports it to the server."""
        buffer = self.buffers[uri]
        changes: list[dict[str, Any]] = []
        buffer.to_undo, buffer.to_redo = [], []
        for start, end, text in sorted(edits, reverse=True):
            where = {"start": self.position(buffer.text, start), "end": self.position(buffer.text, end)}
            changes.append({"range": where, "text": text})
            buffer.text = buffer.text[:start] + text + buffer.text[end:]
            buffer.history.append((buffer.version + 1, start, end, text))
        buffer.version += 1
        buffer.texts[buffer.version] = buffer.text
        if "full text" in self._flags:
            changes = [{"text": buffer.text}]
        version = buffer.version

        def report() -> None:
            identifier = {"uri": uri, "version": version}
            self.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": changes})

        return report

    def _receive(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            future = self.unanswered.pop(message["id"])
            if "error" in message:
                future.set_exception(RuntimeError(f"{message['error']['code']}: {message['error']['message']}"))
            else:
                future.set_result(message["result"])
            return
        params = message.get("params", {})
        match message["method"]:
            case "workspace/applyEdit" | "claude/applyEdit":
                self._apply(message["id"], params)
            case "window/workDoneProgress/create":
                self._send({"id": message["id"], "result": None})
            case "window/showDocument":
                place = ""
                if "selection" in params:
                    start = params["selection"]["start"]
                    place = f" {start['line'] + 1}:{start['character'] + 1}"
                self.transcript.append("show " + params["uri"].rpartition("/")[2].replace(" ", "%20") + place)
                self.shown.append(params["uri"])
                if "opens files" in self._flags:
                    self.open_file(params["uri"])
                self._send({"id": message["id"], "result": {"success": True}})
            case "window/showMessageRequest":
                self.transcript.append(f"asked: {params['message']}")
                choices = [action["title"] for action in params["actions"]]
                chosen = {"title": choices[0]} if "says yes" in self._flags else None
                if answer := next((choice for choice in choices if f"answers {choice}" in self._flags), None):
                    chosen = {"title": answer}
                if self.answer and (given := self.answer(params)):
                    chosen = {"title": given}
                self._send({"id": message["id"], "result": chosen})
            case "workspace/codeLens/refresh" | "workspace/inlayHint/refresh":
                self._send({"id": message["id"], "result": None})
            case "textDocument/publishDiagnostics":
                self.diagnostics[params["uri"]] = params["diagnostics"]
            case "window/showMessage":
                kind = {1: "error", 2: "warning", 3: "info"}[params["type"]]
                self.transcript.append(f"{kind}: {params['message']}")
            case "$/progress":
                value = params["value"]
                if value["kind"] == "begin":
                    self.transcript.append(f"begin {value['title']}")
                elif value["kind"] == "end":
                    self.transcript.append(f"end: {value['message'].split(' · ')[0]}")
                    self.ended.add(params["token"])
            case method:
                raise AssertionError(f"the editor does not know {method}")

    def _apply(self, identity: Any, params: dict[str, Any]) -> None:
        if "no applyEdit" in self._flags:
            self._send({"id": identity, "error": {"code": -32601, "message": "applyEdit is not supported"}})
            return
        edit = params["edit"]
        for annotation in edit.get("changeAnnotations", {}).values():
            self.transcript.append(f"to be confirmed: {annotation['label']}")
        if "undoStopBefore" in params:
            self.transcript.append("new undo step" if params["undoStopBefore"] else "same undo step")
        if "kind" in edit.get("documentChanges", [{}])[0]:
            self._send({"id": identity, "result": {"applied": self._move(edit["documentChanges"][0])}})
            return
        if "documentChanges" in edit:
            (change,) = edit["documentChanges"]
            uri, version, edits = change["textDocument"]["uri"], change["textDocument"]["version"], change["edits"]
        else:
            ((uri, edits),) = edit["changes"].items()
            version = None
        if uri not in self.buffers and version is None and "edits closed files" in self._flags:
            self._edit_closed(identity, uri, edits)
            return
        buffer = self.buffers.get(uri)
        if buffer is None:
            self._send({"id": identity, "result": {"applied": False, "failureReason": "the file is not open"}})
            return
        stale = version is not None and version != buffer.version
        if stale and self._habit == "strict":
            self.refused += 1
            self._send({"id": identity, "result": {"applied": False}})
            return
        if stale and self._habit == "liar":
            self.refused += 1
            self._send({"id": identity, "result": {"applied": True}})
            return
        base = buffer.texts[version] if version is not None else buffer.text
        spans = [
            (self.offset(base, e["range"]["start"]), self.offset(base, e["range"]["end"]), e["newText"]) for e in edits
        ]
        name = uri.rpartition("/")[2]
        shown = version if version is not None else "?"
        for item in edits:
            start, end = item["range"]["start"], item["range"]["end"]
            where = f"{start['line'] + 1}:{start['character'] + 1}-{end['line'] + 1}:{end['character'] + 1}"
            self.transcript.append(f"edit {name} v{shown} {where} {item['newText']!r}")
        if stale:
            spans = [self._rebased(buffer, version, span) for span in spans]
        before = buffer.text
        report = self._change(uri, spans)
        buffer.to_undo = _inverse(before, spans)
        answer = {"id": identity, "result": {"applied": True}}
        if self._habit == "liar":
            self._send(answer)
            self._late.append(report)
            asyncio.get_running_loop().call_soon(self._report_late)
        elif self._chance.random() < 0.5:
            self._send(answer)
            report()
        else:
            report()
            self._send(answer)

    def open_file(self, uri: str) -> None:
        """Open what is on disk, as an editor that is asked to show it."""
        if uri not in self.buffers:
            with _path(uri).open(encoding="utf-8-sig", newline="") as file:
                self.open(uri, "plaintext", file.read())

    def _edit_closed(self, identity: Any, uri: str, edits: list[dict[str, Any]]) -> None:
        """Load the file, make the edits and only then tell that it is open."""
        with _path(uri).open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
        for edit in reversed(edits):
            start, end = (self.offset(text, edit["range"][side]) for side in ("start", "end"))
            text = text[:start] + edit["newText"] + text[end:]
        self._send({"id": identity, "result": {"applied": True}})
        self.open(uri, "plaintext", text)

    def _move(self, change: dict[str, Any]) -> bool:
        """Rename or delete a file, and the buffer that shows it."""
        uri = change.get("uri") or change["oldUri"]
        if uri in self.buffers:
            self.close_document(uri)
        if change["kind"] == "delete":
            _path(uri).unlink()
        else:
            _path(uri).rename(_path(change["newUri"]))
        return True

    def _report_late(self) -> None:
        while self._late:
            self._late.pop(0)()

    def _rebased(self, buffer: Buffer, version: int | None, span: tuple[int, int, str]) -> tuple[int, int, str]:
        start, end, text = span
        for number, at, until, typed in buffer.history:
            if version is not None and number > version:
                delta = len(typed) - (until - at)
                if until <= start:
                    start, end = start + delta, end + delta
                elif at < end:
                    end = max(start, end + delta)
        return start, end, text


def _inverse(before: str, edits: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """What leads back to `before` from what `edits` make of it."""
    moved = 0
    found = []
    for start, end, text in sorted(edits):
        found.append((start + moved, start + moved + len(text), before[start:end]))
        moved += len(text) - (end - start)
    return found


def _path(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))
