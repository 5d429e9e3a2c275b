"""The Messages API on this machine: plays a script as real server-sent events, and fails in whatever way it is told to.

Faults are written ``[N:]kind``; with ``N`` only the N-th request (from 1) fails so, without it every one does:

=====================  ================================================================================
``status=529``         that HTTP status, with the error body the API sends; ``status=429/3`` adds retry-after: 3
``html``, ``empty``    200 with a page, or with nothing
``redirect=URL``       307 to another place
``eof@3``, ``eof@b99`` the stream ends cleanly after 3 events, or 99 bytes
``reset@3``            the connection breaks there instead
``stall@3``            nothing comes any more
``pings@3``            nothing but pings comes any more
``garbage@3``          an event that is not JSON
``error@3=TYPE``       an ``error`` event of that type (default ``overloaded_error``)
``twice``, ``headless`` ``message_start`` comes twice, or not at all
``unknown``            events, blocks and deltas of types that nobody knows are mixed in
``stop=REASON``        the answer stops for that reason
=====================  ================================================================================
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import h11

from claude_ls.agent.model import StopReason
from claude_ls.agent.scripted import Chunking, Say, Think, Turn, Use, by_tokens
from claude_ls.agent.usage import estimated_tokens

_FAULT = re.compile(r"(?:(?P<request>\d+):)?(?P<kind>[a-z]+)(?:@(?P<bytes>b?)(?P<at>\d+))?(?:=(?P<value>.+))?")
_BEFORE = ("status", "html", "empty", "redirect")
_BREAKS = ("eof", "reset", "stall", "pings", "garbage", "error")
_ODD = ("twice", "headless", "unknown", "stop")
_KINDS = (*_BEFORE, *_BREAKS, *_ODD)
_STATUS_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
_STATUS_OF_STOP: dict[StopReason, int] = {"unauthorized": 401, "no_key": 401, "overloaded": 529, "rejected": 400}
_WIRE_STOPS: dict[StopReason, str] = {"context_window": "model_context_window_exceeded"}
PING_SECONDS = 0.05


@dataclass(frozen=True)
class Fault:
    kind: str
    request: int | None = None
    at: int = 0
    in_bytes: bool = False
    value: str = ""


def read_fault(text: str) -> Fault:
    """`ValueError` for a fault that does not exist."""
    match = _FAULT.fullmatch(text)
    if match is None or match["kind"] not in _KINDS:
        raise ValueError(f"{text!r} is not a fault: write [N:]kind[@place][=value], kind one of {', '.join(_KINDS)}")
    request = int(match["request"]) if match["request"] else None
    return Fault(match["kind"], request, int(match["at"] or 0), bool(match["bytes"]), match["value"] or "")


@dataclass
class Recorded:
    """A request that came in. Headers with credentials are not kept."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    disconnected: bool = False


@dataclass
class ReplayServer:
    """Answers the n-th ``POST /v1/messages`` with the n-th turn."""

    turns: Sequence[Turn]
    tokens_per_second: float | None = None
    chunking: Chunking = by_tokens
    faults: Sequence[Fault] = ()
    raw: Sequence[bytes] = ()
    """Recorded streams to send as they are, instead of turns."""
    requests: list[Recorded] = field(default_factory=list)
    url: str = ""
    _server: asyncio.Server | None = None
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        while True:
            request, body = await _read_request(connection, reader)
            if request is None:
                return
            keep = await self._answer(request, body, connection, reader, writer)
            if not keep or connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()

    async def _answer(
        self,
        request: h11.Request,
        raw: bytes,
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer one request; whether the connection is still good for another."""
        path = request.target.decode("ascii").partition("?")[0]
        body = json.loads(raw) if raw else {}
        if path == "/v1/messages/count_tokens":
            return await _json(connection, writer, 200, {"input_tokens": estimated_tokens(json.dumps(body))})
        if path.startswith("/v1/models"):
            return await _json(connection, writer, 200, _model(path.rpartition("/")[2]))
        if path != "/v1/messages":
            return await _json(connection, writer, 404, _error("not_found_error", f"there is no {path}"))
        hidden = (b"authorization", b"x-api-key")
        headers = {name.decode(): value.decode() for name, value in request.headers if name not in hidden}
        recorded = Recorded(path, body, headers)
        self.requests.append(recorded)
        number = len(self.requests)
        fault = next((fault for fault in self.faults if fault.request in (None, number)), None)
        # Requests that are failed on purpose before their stream do not use up a turn.
        turn_index = (
            number
            - 1
            - sum(1 for fault in self.faults if fault.request is not None and fault.request < number and _before(fault))
        )
        if fault is not None and _before(fault):
            return await _fail(fault, connection, writer)
        if self.raw:
            events = [self.raw[min(turn_index, len(self.raw) - 1)]]
        elif turn_index >= len(self.turns):
            words = "the script has no turn left to play"
            return await _json(connection, writer, 400, _error("invalid_request_error", words))
        else:
            turn = self.turns[turn_index]
            status = _STATUS_OF_STOP.get(turn.stop)
            if status is not None and not turn.parts:
                return await _json(connection, writer, status, _error(_STATUS_TYPES[status], turn.stop))
            events = list(_events(turn, turn_index, body, self.chunking, fault))
        if not body.get("stream"):
            return await _json(connection, writer, 200, _whole(events))
        gone = asyncio.create_task(_wait_until_gone(reader, recorded))
        try:
            return await self._stream(events, fault, connection, writer)
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    async def _stream(
        self, events: Sequence[bytes], fault: Fault | None, connection: h11.Connection, writer: asyncio.StreamWriter
    ) -> bool:
        headers = [
            ("content-type", "text/event-stream; charset=utf-8"),
            ("transfer-encoding", "chunked"),
            ("request-id", f"req_replay_{len(self.requests)}"),
        ]
        await _send(connection, writer, h11.Response(status_code=200, headers=headers))
        ended_early = fault is not None and fault.kind in _BREAKS
        async for piece in self._paced(_until(events, fault) if ended_early and fault else events):
            await _send(connection, writer, h11.Data(data=piece))
        if ended_early and fault is not None and fault.kind != "eof":
            await _break(fault, connection, writer)
            if fault.kind in ("reset", "stall", "pings"):
                return False
        await _send(connection, writer, h11.EndOfMessage())
        return True

    async def _paced(self, events: Iterable[bytes]) -> AsyncIterator[bytes]:
        for event in events:
            yield event
            if self.tokens_per_second:
                await asyncio.sleep(1 / self.tokens_per_second)


async def serve(
    turns: Sequence[Turn],
    *,
    port: int = 0,
    tokens_per_second: float | None = None,
    chunking: Chunking = by_tokens,
    faults: Sequence[str] = (),
) -> ReplayServer:
    """Start a server; `ValueError` for a fault that does not exist, `OSError` for a port that cannot be had."""
    server = ReplayServer(turns, tokens_per_second, chunking, [read_fault(fault) for fault in faults])
    await server.start(port)
    return server


def _before(fault: Fault) -> bool:
    """Whether the fault comes in the place of a stream."""
    return fault.kind in _BEFORE


def _events(turn: Turn, number: int, body: dict[str, Any], chunking: Chunking, fault: Fault | None) -> Iterable[bytes]:
    """The turn as the API would send it."""
    kind = fault.kind if fault else ""
    asked = estimated_tokens(json.dumps(body, ensure_ascii=False))
    start = {
        "type": "message_start",
        "message": {
            "id": f"msg_replay_{number}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", ""),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": asked, "output_tokens": 1},
        },
    }
    if kind != "headless":
        yield _event(start)
    if kind == "twice":
        yield _event(start)
    yield _event({"type": "ping"})
    if kind == "unknown":
        yield _event({"type": "weather_report", "sky": "blue"})
    written = 0
    for index, part in enumerate(turn.parts):
        cut = turn.stop == "cut" and index == len(turn.parts) - 1
        words = part.json if isinstance(part, Use) else part.text
        if cut and isinstance(part, Use):
            words = words[: len(words) * 2 // 3]
        yield _event({"type": "content_block_start", "index": index, "content_block": _block(part, number, index)})
        if kind == "unknown":
            yield _event({"type": "content_block_delta", "index": index, "delta": {"type": "mood_delta", "mood": "up"}})
        for piece in chunking(words):
            written += len(piece)
            yield _event({"type": "content_block_delta", "index": index, "delta": _delta(part, piece)})
        if cut:
            return
        if isinstance(part, Think):
            signature = {"type": "signature_delta", "signature": f"sig-{number}-{index}"}
            yield _event({"type": "content_block_delta", "index": index, "delta": signature})
        yield _event({"type": "content_block_stop", "index": index})
    if turn.stop == "cut":
        return
    stop = fault.value if fault and kind == "stop" else _WIRE_STOPS.get(turn.stop, turn.stop)
    usage = {"output_tokens": estimated_tokens("x" * written)}
    yield _event({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": usage})
    yield _event({"type": "message_stop"})


def _block(part: Say | Think | Use, number: int, index: int) -> dict[str, Any]:
    match part:
        case Use():
            return {"type": "tool_use", "id": f"toolu_{number}_{index}", "name": part.name, "input": {}}
        case Think():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case Say():
            return {"type": "text", "text": ""}


def _delta(part: Say | Think | Use, piece: str) -> dict[str, Any]:
    match part:
        case Use():
            return {"type": "input_json_delta", "partial_json": piece}
        case Think():
            return {"type": "thinking_delta", "thinking": piece}
        case Say():
            return {"type": "text_delta", "text": piece}


def _event(data: dict[str, Any]) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _until(events: Sequence[bytes], fault: Fault) -> Iterable[bytes]:
    """What is sent before the fault."""
    if not fault.in_bytes:
        return events[: fault.at]
    return [b"".join(events)[: fault.at]] if fault.at else []


async def _break(fault: Fault, connection: h11.Connection, writer: asyncio.StreamWriter) -> None:
    match fault.kind:
        case "reset":
            # Without lingering, closing sends a reset instead of an orderly end.
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        case "stall":
            await asyncio.Event().wait()
        case "pings":
            while True:
                await _send(connection, writer, h11.Data(data=_event({"type": "ping"})))
                await asyncio.sleep(PING_SECONDS)
        case "garbage":
            await _send(connection, writer, h11.Data(data=b'event: content_block_delta\ndata: {"type": oops\n\n'))
        case "error":
            error = _error(fault.value or "overloaded_error", "the service is busy")
            await _send(connection, writer, h11.Data(data=_event(error)))


async def _fail(fault: Fault, connection: h11.Connection, writer: asyncio.StreamWriter) -> bool:
    match fault.kind:
        case "status":
            code, _, wait = fault.value.partition("/")
            status = int(code)
            extra = [("retry-after", wait)] if wait else []
            body = _error(_STATUS_TYPES.get(status, "api_error"), f"status {status} as asked")
            return await _json(connection, writer, status, body, extra)
        case "redirect":
            return await _json(connection, writer, 307, {}, [("location", fault.value)])
        case "html":
            return await _plain(connection, writer, "text/html", b"<html><body>Welcome to the hotel</body></html>")
        case _:
            return await _plain(connection, writer, "text/plain", b"")


async def _plain(connection: h11.Connection, writer: asyncio.StreamWriter, kind: str, body: bytes) -> bool:
    headers = [("content-type", kind), ("content-length", str(len(body)))]
    await _send(connection, writer, h11.Response(status_code=200, headers=headers))
    if body:
        await _send(connection, writer, h11.Data(data=body))
    await _send(connection, writer, h11.EndOfMessage())
    return True


async def _json(
    connection: h11.Connection,
    writer: asyncio.StreamWriter,
    status: int,
    value: dict[str, Any],
    extra: Sequence[tuple[str, str]] = (),
) -> bool:
    body = json.dumps(value).encode()
    headers = [("content-type", "application/json"), ("content-length", str(len(body))), *extra]
    await _send(connection, writer, h11.Response(status_code=status, headers=headers))
    await _send(connection, writer, h11.Data(data=body))
    await _send(connection, writer, h11.EndOfMessage())
    return True


async def _send(connection: h11.Connection, writer: asyncio.StreamWriter, event: h11.Event) -> None:
    data = connection.send(event)
    if data:
        writer.write(data)
        await writer.drain()


async def _read_request(connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request | None, bytes]:
    request: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(65536)
            connection.receive_data(data)
            if not data and request is None:
                return None, b""
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return request, body
        else:
            return None, b""


async def _wait_until_gone(reader: asyncio.StreamReader, recorded: Recorded) -> None:
    """Notes when the client hangs up: a client sends nothing while it is being answered."""
    if await reader.read(1) == b"":
        recorded.disconnected = True


def _whole(events: Sequence[bytes]) -> dict[str, Any]:
    """The same answer in one piece, for clients that do not stream."""
    message: dict[str, Any] = {}
    parts: list[str] = []
    for event in events:
        data = json.loads(event.partition(b"data: ")[2])
        match data["type"]:
            case "message_start":
                message = data["message"]
            case "content_block_start":
                message["content"].append(data["content_block"])
                parts = []
            case "content_block_delta":
                parts.append(next(iter(value for key, value in data["delta"].items() if key != "type")))
            case "content_block_stop":
                block = message["content"][-1]
                text = "".join(parts)
                key = {"tool_use": "input", "thinking": "thinking", "text": "text"}[block["type"]]
                block[key] = json.loads(text or "{}") if key == "input" else text
            case "message_delta":
                message |= data["delta"]
                message["usage"] |= data["usage"]
    return message


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_replay"}


def _model(name: str) -> dict[str, Any]:
    shown = {
        "type": "model",
        "id": name,
        "display_name": f"{name} (replayed)",
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    }
    return shown if name != "models" else {"data": [], "has_more": False, "first_id": None, "last_id": None}
