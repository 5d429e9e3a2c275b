"""Reads one answer of the Messages API as it comes over the wire: bytes in, model events out, no I/O.

Rules: an answer begins with ``message_start``, once, and ends with ``message_stop``; what ends otherwise was cut. A
tool counts only when its block was closed and its input is a whole JSON object. Unknown events, blocks and deltas are
passed over, since the API grows; an unknown reason to stop is not acted on, nor is what readers of JSON differ over.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from claude_ls.agent.model import (
    SAID_ON_STOP,
    ModelEvent,
    OpaqueBlock,
    Stopped,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolInputDelta,
    ToolStarted,
    UsageReported,
    each_once,
    finished_tool,
)
from claude_ls.agent.usage import Usage

_STOPS: Mapping[str, StopReason] = {
    "end_turn": "end_turn",
    "stop_sequence": "end_turn",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "refusal": "refusal",
    "pause_turn": "pause_turn",
    "model_context_window_exceeded": "context_window",
}
_ERRORS: Mapping[str, StopReason] = {
    "overloaded_error": "overloaded",
    "rate_limit_error": "overloaded",
    "api_error": "failed",
    "timeout_error": "failed",
    "authentication_error": "unauthorized",
    "permission_error": "unauthorized",
    "invalid_request_error": "rejected",
    "not_found_error": "rejected",
    "request_too_large": "rejected",
}
# The kind of block that each known delta belongs to.
_HOME: Mapping[str, str] = {
    "text_delta": "text",
    "citations_delta": "text",
    "input_json_delta": "tool_use",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
    "compaction_delta": "compaction",
}
_OPAQUE = frozenset({"thinking", "redacted_thinking", "compaction"})
_KNOWN = _OPAQUE | {"text", "tool_use"}
MAX_EVENT_BYTES = 8 * 1024 * 1024
LONGEST_DETAIL = 300


class BadWire(Exception):
    """What arrives is not an answer of the Messages API; the message says what is wrong with it."""


class ServiceError(Exception):
    """The service reported an error in the middle of its answer."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message or kind)
        self.reason = _ERRORS.get(kind, "failed")
        self.kind = kind


class EventSplitter:
    """Cuts the bytes of a stream of server-sent events into the data of each event.

    What the stream ends in the middle of is never given: an event counts once the empty line after it has come.
    """

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        if b"\n" not in chunk and b"\r" not in chunk:
            # Nothing can end here. Joined only when something does, or else a long event in crumbs costs its square.
            self._hold(chunk)
            return []
        if self._held:
            chunk = b"".join((*self._held, chunk))
            self._held.clear()
            self._size = 0
        if b"\r" in chunk:
            # A CR at the end may be half of a CRLF, so it waits.
            tail = b"\r" if chunk.endswith(b"\r") else b""
            chunk = chunk[: len(chunk) - len(tail)].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + tail
        *events, rest = chunk.split(b"\n\n")
        if rest:
            self._hold(rest)
        return [data for event in events if (data := _data_of(event))]

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > MAX_EVENT_BYTES:
            raise BadWire("an event does not end")
        self._held.append(piece)


def _data_of(event: bytes) -> bytes:
    # This API sends an `event` line and a `data` line, and the data repeats the event's name: the way most events go.
    if event.startswith(b"event:") and event.count(b"\n") == 1:
        event = event[event.index(b"\n") + 1 :]
    if b"\n" not in event:
        return event[5:] if event.startswith(b"data:") else b""
    return b"\n".join(line[5:] for line in event.split(b"\n") if line.startswith(b"data:"))


class AnswerReader:
    """The state of one answer. `feed` takes bytes as they come and never raises.

    Once `stopped` or `problem` is set the answer is over and further bytes mean nothing; an answer whose bytes end
    before was cut.
    """

    def __init__(self) -> None:
        self._splitter = EventSplitter()
        self.started = False
        """Whether it is an answer of the Messages API at all."""
        self._usage = Usage()
        self._summaries = Usage()
        self._stop: str | None = None
        self._stop_detail = ""
        # Open blocks by index: what `content_block_start` said of them, and the pieces of a tool's input.
        self._blocks: dict[int, dict[str, Any]] = {}
        self._pieces: dict[int, list[str]] = {}
        self._closed: set[int] = set()
        self._used_tool = False
        self.stopped: Stopped | None = None
        self.problem: BadWire | ServiceError | None = None
        self.answered = False
        """Whether anything of the answer itself has been given: from then on the request must not be sent again."""

    def feed(self, chunk: bytes) -> list[ModelEvent]:
        """The events that `chunk` completes, up to the one the answer ended or broke at."""
        found: list[ModelEvent] = []
        try:
            for data in self._splitter.feed(chunk):
                if self.stopped is not None or self.problem is not None:
                    break
                self._read(data, found)
        except (BadWire, ServiceError) as problem:
            self.problem = problem
        return found

    def _read(self, data: bytes, found: list[ModelEvent]) -> None:
        try:
            # A tool's input may come whole with the beginning of its block. Deltas, which are many, hold it as a text.
            hook = each_once if b'"content_block_start"' in data else None
            event = json.loads(data.decode(), object_pairs_hook=hook)
        except (ValueError, RecursionError) as error:
            raise BadWire(f"an event is not JSON ({error})") from error
        if type(event) is not dict:
            raise BadWire("an event is not an object")
        try:
            self._event(event, found)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            raise BadWire(f"a {event.get('type')} event is not as it should be ({error!r})") from error

    def _event(self, event: dict[str, Any], found: list[ModelEvent]) -> None:
        kind = event["type"]
        if kind == "content_block_delta":
            self._delta(event["index"], event["delta"], found)
        elif kind == "ping":
            return
        elif kind == "error":
            error = event["error"]
            raise ServiceError(str(error["type"]), str(error.get("message") or ""))
        elif kind == "message_start":
            if self.started:
                raise BadWire("the answer began twice")
            self.started = True
            self._report(event["message"].get("usage") or {}, found)
        elif kind == "content_block_start":
            self._begin(event["index"], event["content_block"], found)
        elif kind == "content_block_stop":
            self._finish(event["index"], found)
        elif kind == "message_delta":
            self._need_start(kind)
            delta = event["delta"]
            self._stop = delta.get("stop_reason") or self._stop
            details = delta.get("stop_details") or {}
            self._stop_detail = str(details.get("explanation") or details.get("category") or "")
            self._report(event.get("usage") or {}, found)
        elif kind == "message_stop":
            self._need_start(kind)
            self._end(found)

    def _need_start(self, kind: str) -> None:
        if not self.started:
            raise BadWire(f"the answer began with {kind}")

    def _begin(self, index: int, block: dict[str, Any], found: list[ModelEvent]) -> None:
        self._need_start("content_block_start")
        if index in self._blocks or index in self._closed:
            raise BadWire(f"block {index} began twice")
        if self._stop is not None:
            raise BadWire(f"block {index} began after the answer had said why it stopped")
        kind = block["type"]
        if kind == "tool_use":
            found.append(ToolStarted(_words(block["id"]), _words(block["name"])))
        elif kind == "text" and block.get("text"):
            found.append(TextDelta(_words(block["text"])))
        self._blocks[index] = dict(block)
        self._pieces[index] = []
        self.answered = True

    def _delta(self, index: int, delta: dict[str, Any], found: list[ModelEvent]) -> None:
        block = self._blocks.get(index)
        if block is None:
            raise BadWire(f"a piece of block {index}, which is not open")
        kind = delta["type"]
        home = _HOME.get(kind)
        if home is None:
            return
        if block["type"] != home:
            if block["type"] in _KNOWN:
                raise BadWire(f"a {kind} in a {block['type']} block")
            return
        if kind == "input_json_delta":
            piece = _words(delta["partial_json"])
            self._pieces[index].append(piece)
            found.append(ToolInputDelta(block["id"], piece))
        elif kind == "text_delta":
            found.append(TextDelta(_words(delta["text"])))
        elif kind == "thinking_delta":
            thought = _words(delta["thinking"])
            self._pieces[index].append(thought)
            found.append(ThinkingDelta(thought))
        elif kind == "compaction_delta":
            block |= {name: delta[name] for name in ("content", "encrypted_content") if delta.get(name) is not None}
        elif kind == "signature_delta":
            block["signature"] = block.get("signature", "") + _words(delta["signature"])

    def _finish(self, index: int, found: list[ModelEvent]) -> None:
        block = self._blocks.pop(index, None)
        if block is None:
            raise BadWire(f"block {index} ended and was not open")
        self._closed.add(index)
        whole = "".join(self._pieces.pop(index))
        if block["type"] == "tool_use":
            self._used_tool = True
            # Without deltas the input came whole with the beginning of the block.
            found.append(finished_tool(block["id"], block["name"], whole or json.dumps(block.get("input") or {})))
        elif block["type"] in _OPAQUE:
            if whole:
                block["thinking"] = block.get("thinking", "") + whole
            found.append(OpaqueBlock(block))

    def _end(self, found: list[ModelEvent]) -> None:
        if self._blocks:
            raise BadWire("the answer ended inside of a block")
        if self._stop is None:
            raise BadWire("the answer ended without saying why")
        if self._stop == "tool_use" and not self._used_tool:
            raise BadWire("the answer stopped to have a tool run and used none")
        reason = _STOPS.get(self._stop)
        if reason is None:
            words = f"Claude stopped for a reason that this version does not know ({one_line(self._stop)})."
            self.stopped = Stopped("failed", f"{words} Nothing more was done; a newer claude-ls may know it.")
        else:
            self.stopped = said(reason, self._stop_detail if reason == "refusal" else "")
        found.append(self.stopped)

    def _report(self, usage: dict[str, Any], found: list[ModelEvent]) -> None:
        def count(name: str, before: int) -> int:
            value = usage.get(name)
            number = before if value is None else int(value)
            if number < 0:
                raise BadWire(f"{name} is below zero")
            return number

        # How long what was written is kept stands one level deeper than all else.
        usage = {**(usage.get("cache_creation") or {}), **usage}
        # The counts of `message_delta` are totals too, not additions.
        self._usage = Usage(
            input=count("input_tokens", self._usage.input),
            output=count("output_tokens", self._usage.output),
            cache_read=count("cache_read_input_tokens", self._usage.cache_read),
            cache_write=count("cache_creation_input_tokens", self._usage.cache_write),
            cache_write_hour=count("ephemeral_1h_input_tokens", self._usage.cache_write_hour),
        )
        # A summary that the service made is billed as well, and not in the counts above.
        summaries = [item for item in usage.get("iterations") or () if item.get("type") == "compaction"]
        if summaries:
            self._summaries = sum((_summary_usage(item) for item in summaries), Usage())
        found.append(UsageReported(self._usage + self._summaries))


def _summary_usage(iteration: dict[str, Any]) -> Usage:
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return Usage(*(max(0, int(iteration.get(name) or 0)) for name in names))


def said(reason: StopReason, detail: str = "") -> Stopped:
    """A stop in our words for the person, with `detail` of somebody else's behind them."""
    words = SAID_ON_STOP.get(reason, "")
    return Stopped(reason, f"{words} ({one_line(detail)})" if detail else words)


def one_line(text: str) -> str:
    """One short printable line of somebody else's text."""
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[:2000])
    plain = " ".join(plain.split())
    return plain if len(plain) <= LONGEST_DETAIL else plain[: LONGEST_DETAIL - 1] + "…"


def _words(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(f"{type(value).__name__} where a text should be")
    return value
