"""Reads one answer of the Messages API as it comes over the wire: bytes in, model events out, no I/O.

Rules: an answer begins with ``message_start``, once, and ends with ``message_stop``; what ends otherwise was cut. A
tool counts only when its block was closed and its input is a whole JSON object. Unknown events, blocks and deltas are
passed over, since the API grows; an unknown reason to stop is not acted on.
"""

from __future__ import annotations

import json
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
_OPAQUE = frozenset({"thinking", "redacted_thinking"})
MAX_EVENT_BYTES = 16 * 1024 * 1024


class BadWire(Exception):
    """What arrives is not an answer of the Messages API; the message says what is wrong with it."""


class ServiceError(Exception):
    """The service reported an error in the middle of its answer."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.reason = _ERRORS.get(kind, "failed")
        self.kind = kind


class EventSplitter:
    """Cuts the bytes of a stream of server-sent events into the data of each event.

    The client library's own decoder works line by line and costs three times as much (see bench/stream.py); an event
    of this API is always one ``event`` and one ``data`` line, and the data repeats the event's name.
    """

    def __init__(self) -> None:
        self._held = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        held = self._held + chunk
        if b"\r" in held:
            # A lone CR at the end may be half of a CRLF, so it waits.
            tail = b"\r" if held.endswith(b"\r") else b""
            held = held[: len(held) - len(tail)].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + tail
        *events, self._held = held.split(b"\n\n")
        if len(self._held) > MAX_EVENT_BYTES:
            raise BadWire("an event does not end")
        return [data for event in events if (data := _data_of(event))]


def _data_of(event: bytes) -> bytes:
    if event.startswith(b"event:") and event.count(b"\n") == 1:
        event = event[event.index(b"\n") + 1 :]
    if b"\n" not in event:
        return event[5:].lstrip() if event.startswith(b"data:") else b""
    return b"\n".join(line[5:].lstrip() for line in event.split(b"\n") if line.startswith(b"data:"))


class AnswerReader:
    """The state of one answer. `feed` takes bytes; after the last of them `ended` says how it came out."""

    def __init__(self) -> None:
        self._splitter = EventSplitter()
        self._started = False
        self._usage = Usage()
        self._stop: str | None = None
        # Open blocks by index: type, id, name, and their pieces.
        self._blocks: dict[int, dict[str, Any]] = {}
        self.stopped: Stopped | None = None
        self.answered = False
        """Whether anything of the answer itself has been given: from then on the request must not be sent again."""

    def feed(self, chunk: bytes) -> list[ModelEvent]:
        """The events that `chunk` completes; `BadWire` and `ServiceError` end the answer."""
        found: list[ModelEvent] = []
        for data in self._splitter.feed(chunk):
            if self.stopped is not None:
                break
            try:
                event = json.loads(data.decode())
            except ValueError as error:
                raise BadWire(f"an event is not JSON ({error})") from error
            if not isinstance(event, dict):
                raise BadWire("an event is not an object")
            try:
                self._event(event, found)
            except (KeyError, TypeError, AttributeError) as error:
                raise BadWire(f"a {event.get('type')} event lacks {error}") from error
        return found

    def ended(self) -> Stopped:
        """How the answer ended, once there are no more bytes."""
        return self.stopped or Stopped("cut", SAID_ON_STOP["cut"])

    def _event(self, event: dict[str, Any], found: list[ModelEvent]) -> None:
        kind = event["type"]
        if kind == "content_block_delta":
            self._delta(event["index"], event["delta"], found)
        elif kind == "ping":
            return
        elif kind == "error":
            error = event["error"]
            raise ServiceError(str(error["type"]), str(error.get("message", "")))
        elif kind == "message_start":
            if self._started:
                raise BadWire("the answer began twice")
            self._started = True
            self._report(event["message"].get("usage") or {}, found)
        elif not self._started:
            raise BadWire(f"the answer began with {kind}")
        elif kind == "content_block_start":
            self._begin(event["index"], event["content_block"], found)
        elif kind == "content_block_stop":
            self._finish(event["index"], found)
        elif kind == "message_delta":
            self._stop = event["delta"].get("stop_reason") or self._stop
            self._report(event.get("usage") or {}, found)
        elif kind == "message_stop":
            self._end(found)

    def _begin(self, index: int, block: dict[str, Any], found: list[ModelEvent]) -> None:
        if index in self._blocks:
            raise BadWire(f"block {index} began twice")
        self._blocks[index] = {**block, "parts": []}
        self.answered = True
        if block["type"] == "tool_use":
            found.append(ToolStarted(block["id"], block["name"]))
        elif block["type"] == "text" and block.get("text"):
            found.append(TextDelta(block["text"]))

    def _delta(self, index: int, delta: dict[str, Any], found: list[ModelEvent]) -> None:
        block = self._blocks.get(index)
        if block is None:
            raise BadWire(f"a piece of block {index}, which is not open")
        kind = delta["type"]
        if kind == "input_json_delta":
            piece = delta["partial_json"]
            block["parts"].append(piece)
            if block["type"] == "tool_use":
                found.append(ToolInputDelta(block["id"], piece))
        elif kind == "text_delta":
            found.append(TextDelta(delta["text"]))
        elif kind == "thinking_delta":
            block["thinking"] = block.get("thinking", "") + delta["thinking"]
            found.append(ThinkingDelta(delta["thinking"]))
        elif kind == "signature_delta":
            block["signature"] = block.get("signature", "") + delta["signature"]

    def _finish(self, index: int, found: list[ModelEvent]) -> None:
        block = self._blocks.pop(index, None)
        if block is None:
            raise BadWire(f"block {index} ended and was not open")
        parts = "".join(block.pop("parts"))
        if block["type"] == "tool_use":
            # Without deltas the input came whole with the beginning of the block.
            found.append(finished_tool(block["id"], block["name"], parts or json.dumps(block.get("input") or {})))
        elif block["type"] in _OPAQUE:
            found.append(OpaqueBlock(block))

    def _end(self, found: list[ModelEvent]) -> None:
        reason = _STOPS.get(self._stop or "")
        if self._blocks:
            raise BadWire("the answer ended inside of a block")
        if reason is None:
            words = f"Claude stopped for a reason that this version does not know ({self._stop})."
            self.stopped = Stopped("failed", f"{words} Nothing more was done; a newer claude-ls may know it.")
        else:
            self.stopped = Stopped(reason, SAID_ON_STOP.get(reason, ""))
        found.append(self.stopped)

    def _report(self, usage: dict[str, Any], found: list[ModelEvent]) -> None:
        def count(name: str, before: int) -> int:
            value = usage.get(name)
            return before if value is None else int(value)

        self._usage = Usage(
            input=count("input_tokens", self._usage.input),
            output=count("output_tokens", self._usage.output),
            cache_read=count("cache_read_input_tokens", self._usage.cache_read),
            cache_write=count("cache_creation_input_tokens", self._usage.cache_write),
        )
        found.append(UsageReported(self._usage))
