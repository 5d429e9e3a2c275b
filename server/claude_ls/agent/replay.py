"""The Messages API on this machine: plays a script as real server-sent events, and fails in whatever way it is told to.

A turn tells the same story here as in `claude_ls.agent.scripted.ScriptedModel`. ``!cut`` closes the connection in the
middle; ``!overloaded`` and the like answer with that status where the turn says nothing else, and with an ``error``
event where it does. Such a status asks for a long wait, so that a client gives up at once as the script wants it to.

Faults are written ``[N:]kind``; with ``N`` only the N-th request (from 1) fails so, without it every one does. A
request that is failed on purpose uses up no turn.

=========================  =================================================================================
``status=529``             that HTTP status, with the error body the API sends; ``status=429/3`` asks to wait 3 s
``html``, ``empty``        200 with a page, or with nothing
``type=application/json``  the stream comes with another content type
``redirect=URL``           307 to another place
``refuse``                 the connection is closed instead of an answer
``eof@3``, ``eof@b99``     the stream ends cleanly after 3 events, or 99 bytes
``close@3``                the connection is closed there, without an end of the stream
``reset@3``                the connection breaks there instead
``stall@3``                nothing comes any more
``pings@3``                nothing but pings comes any more
``garbage@3``              an event that is not JSON
``error@3=TYPE``           an ``error`` event of that type (default ``overloaded_error``)
``twice``, ``headless``    ``message_start`` comes twice, or not at all
``unknown``                events, blocks and deltas of types that nobody knows are mixed in
``stop=REASON``            the answer stops for that reason
=========================  =================================================================================
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import h11

from claude_ls.agent import wire_answer
from claude_ls.agent.credentials import LOOPBACK
from claude_ls.agent.model import StopReason
from claude_ls.agent.prompt_cache import Counted, PromptCache
from claude_ls.agent.scripted import Chunking, Turn, by_tokens

MODELS = ("claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5")
_FAULT = re.compile(r"(?:(?P<request>\d+):)?(?P<kind>[a-z]+)(?:@(?P<bytes>b?)(?P<at>\d+))?(?:=(?P<value>.+))?")
_BEFORE = ("status", "html", "empty", "type", "redirect", "refuse")
_BREAKS = ("eof", "close", "reset", "stall", "pings", "garbage", "error")
_ODD = ("twice", "headless", "unknown", "stop")
_KINDS = (*_BEFORE, *_BREAKS, *_ODD)
_NEED_VALUE = ("status", "type", "redirect", "stop")
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
_LONG = "120"
# How a turn that is nothing but a failure goes over the wire, and how one that fails after it has begun.
_INSTEAD: dict[StopReason, str] = {
    "no_key": "status=401",
    "unauthorized": "status=401",
    "overloaded": f"status=529/{_LONG}",
    "failed": f"status=500/{_LONG}",
    "rejected": "status=413",  # and not 400, which clients answer with a plainer request
    "bad_response": "html",
    "unreachable": "refuse",
}
_AFTERWARDS: dict[StopReason, str] = {
    "no_key": "error=authentication_error",
    "unauthorized": "error=authentication_error",
    "overloaded": "error=overloaded_error",
    "failed": "error=api_error",
    "rejected": "error=invalid_request_error",
    "bad_response": "garbage",
    "unreachable": "reset",
}
_ANSWERED_AGAIN = 5
"""How often the same request in a row is taken for a retry, where the turn is to look like a broken connection."""
_HIDDEN_HEADERS = frozenset({b"authorization", b"x-api-key", b"cookie", b"proxy-authorization"})
MAX_BODY = 64 * 1024 * 1024
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
    if match["kind"] in _NEED_VALUE and not match["value"]:
        raise ValueError(f"{text!r} needs a value: {match['kind']}=…")
    if match["kind"] == "status" and not re.fullmatch(r"[2-5]\d\d(/\d+(\.\d+)?)?", match["value"]):
        raise ValueError(f"{text!r} needs an HTTP status, and the seconds to wait if any: status=429/3")
    request = int(match["request"]) if match["request"] else None
    return Fault(match["kind"], request, int(match["at"] or 0), bool(match["bytes"]), match["value"] or "")


@dataclass
class Recorded:
    """A request that came in. Headers with credentials are not kept."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client hangs up before its answer is complete."""


@dataclass
class ReplayServer:
    """Answers each ``POST /v1/messages`` with the next turn."""

    turns: Sequence[Turn]
    tokens_per_second: float | None = None
    chunking: Chunking = by_tokens
    faults: Sequence[Fault] = ()
    raw: Sequence[bytes] = ()
    """Recorded streams to send as they are, instead of turns; the last one again and again."""
    requests: list[Recorded] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)
    """Of each request that was answered by a turn, what of it came from the prompt cache."""
    connections: int = 0
    """How many were opened, so that tests can tell whether one is used again."""
    url: str = ""
    _cache: PromptCache = field(default_factory=PromptCache)
    _next: int = 0
    _broken: tuple[dict[str, Any], int] | None = None
    _server: asyncio.Server | None = None
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def disconnects(self) -> int:
        """How many clients hung up before their answer was complete."""
        return sum(request.disconnected.is_set() for request in self.requests)

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self._server = await asyncio.start_server(self._connected, host, port)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.connections += 1
        try:
            await self._serve(_Connection(reader, writer))
        except (ConnectionError, h11.ProtocolError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, connection: _Connection) -> None:
        while True:
            request, body = await connection.read_request()
            if request is None:
                return
            await self._answer(request, body, connection)
            if not connection.next_request():
                return

    async def _answer(self, request: h11.Request, raw: bytes, connection: _Connection) -> None:
        path = request.target.decode("ascii", "replace").partition("?")[0]
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = None
        if not isinstance(body, dict):
            await connection.json(400, wire_answer.error("invalid_request_error", "the body is not a JSON object"))
        elif path == "/v1/messages/count_tokens":
            await connection.json(200, {"input_tokens": max(1, sum(PromptCache().count(body)))})
        elif path in ("/v1/models", "/v1/models/"):
            listed = [wire_answer.model_info(name) for name in MODELS]
            page = {"data": listed, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
            await connection.json(200, page)
        elif path.startswith("/v1/models/"):
            await connection.json(200, wire_answer.model_info(path.rpartition("/")[2]))
        elif path == "/v1/messages" and request.method == b"POST":
            headers = {name.decode(): value.decode() for name, value in request.headers if name not in _HIDDEN_HEADERS}
            self.requests.append(Recorded(path, body, headers))
            await self._answer_message(self.requests[-1], connection)
        else:
            await connection.json(404, wire_answer.error("not_found_error", f"there is no {path}"))

    async def _answer_message(self, recorded: Recorded, connection: _Connection) -> None:
        number = len(self.requests)
        body = recorded.body
        fault = next((fault for fault in self.faults if fault.request in (None, number)), None)
        if fault is not None and fault.kind in _BEFORE:
            await _fail(fault, connection)
            return
        keeps_turn = fault is not None and fault.kind in _BREAKS
        if self.raw:
            recording = self.raw[min(self._next, len(self.raw) - 1)]
            self._next += not keeps_turn
            events = [event + b"\n\n" for event in recording.split(b"\n\n") if event]
        else:
            index = self._turn_for(body)
            if index >= len(self.turns):
                words = "the script has no turn left to play"
                await connection.json(400, wire_answer.error("invalid_request_error", words))
                return
            turn = self.turns[index]
            if not keeps_turn:
                self._next = index + 1
                # What looks like a broken connection before anything was said makes a client try again.
                breaks = not turn.parts and turn.stop in ("cut", "unreachable")
                again = self._broken[1] + 1 if self._broken and self._broken[0] == body else 1
                self._broken = (body, again) if breaks else None
            if turn.stop in _INSTEAD and not turn.parts and fault is None:
                await _fail(read_fault(_INSTEAD[turn.stop]), connection)
                return
            asked = self._cache.count(body)
            self.counted.append(asked)
            events = list(
                wire_answer.events(
                    turn,
                    index,
                    body,
                    asked,
                    self.chunking,
                    odd=fault.kind if fault else "",
                    stop=fault.value if fault and fault.kind == "stop" else "",
                )
            )
            if turn.stop in _AFTERWARDS and fault is None:
                fault = replace(read_fault(_AFTERWARDS[turn.stop]), at=len(events))
        if body.get("stream"):
            await self._race(self._stream(events, fault, connection, number), recorded, connection)
        else:
            await connection.json(200, wire_answer.whole(events))

    def _turn_for(self, body: dict[str, Any]) -> int:
        if self._broken is not None and self._broken[0] == body and self._broken[1] < _ANSWERED_AGAIN:
            return self._next - 1
        return self._next

    async def _race(self, streaming: Coroutine[Any, Any, None], recorded: Recorded, connection: _Connection) -> None:
        """Stream until the end, or until the client hangs up."""
        stream = asyncio.create_task(streaming)
        gone = asyncio.create_task(connection.wait_until_gone())
        try:
            await asyncio.wait((stream, gone), return_when=asyncio.FIRST_COMPLETED)
            if not stream.done() or isinstance(stream.exception(), ConnectionError):
                recorded.disconnected.set()
        finally:
            for task in (stream, gone):
                task.cancel()
            results = await asyncio.gather(stream, gone, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _stream(self, events: Sequence[bytes], fault: Fault | None, connection: _Connection, number: int) -> None:
        breaks = fault if fault is not None and fault.kind in _BREAKS else None
        await connection.begin(200, "text/event-stream; charset=utf-8", [("request-id", f"req_replay_{number}")])
        for event in _until(events, breaks) if breaks else events:
            await connection.send(h11.Data(data=event))
            if self.tokens_per_second:
                await asyncio.sleep(1 / self.tokens_per_second)
        if breaks is not None and await _break(breaks, connection):
            return
        await connection.send(h11.EndOfMessage())


class _Connection:
    """One client: requests are parsed by h11, answers go out event by event."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._state = h11.Connection(h11.SERVER)

    async def read_request(self) -> tuple[h11.Request | None, bytes]:
        request: h11.Request | None = None
        body: list[bytes] = []
        size = 0
        while True:
            event = self._state.next_event()
            if event is h11.NEED_DATA:
                data = await self._reader.read(65536)
                self._state.receive_data(data)
                if not data and request is None:
                    return None, b""
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                size += len(event.data)
                if size > MAX_BODY:
                    return None, b""
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return request, b"".join(body)
            else:
                return None, b""

    def next_request(self) -> bool:
        """Whether the connection is good for another request, which may then be read."""
        if self._state.our_state is not h11.DONE or self._state.their_state is not h11.DONE:
            return False
        self._state.start_next_cycle()
        return True

    async def wait_until_gone(self) -> None:
        """Until the client hangs up. A next request that it sends already is kept."""
        while data := await self._reader.read(65536):
            self._state.receive_data(data)

    async def begin(self, status: int, kind: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        shown = [("content-type", kind), ("transfer-encoding", "chunked"), *headers]
        await self.send(h11.Response(status_code=status, headers=shown))

    async def send(self, event: h11.Event) -> None:
        data = self._state.send(event)
        if data:
            self._writer.write(data)
            await self._writer.drain()

    async def plain(self, status: int, kind: str, body: bytes, extra: Sequence[tuple[str, str]] = ()) -> None:
        headers = [("content-type", kind), ("content-length", str(len(body))), *extra]
        await self.send(h11.Response(status_code=status, headers=headers))
        if body:
            await self.send(h11.Data(data=body))
        await self.send(h11.EndOfMessage())

    async def json(self, status: int, value: dict[str, Any], extra: Sequence[tuple[str, str]] = ()) -> None:
        await self.plain(status, "application/json", json.dumps(value).encode(), extra)

    def reset(self) -> None:
        """Without lingering, closing sends a reset instead of an orderly end."""
        raw: socket.socket = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


async def serve(
    turns: Sequence[Turn],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tokens_per_second: float | None = None,
    chunking: Chunking = by_tokens,
    faults: Sequence[str] = (),
) -> ReplayServer:
    """Start a server; `ValueError` for a fault that does not exist, `OSError` for a port that cannot be had."""
    if host not in LOOPBACK:
        raise ValueError(f"{host!r} is not this machine: the replay server asks for no key, so it stays on loopback")
    server = ReplayServer(turns, tokens_per_second, chunking, [read_fault(fault) for fault in faults])
    await server.start(port, host)
    return server


def _until(events: Sequence[bytes], fault: Fault) -> Iterable[bytes]:
    """What is sent before the fault."""
    if not fault.in_bytes:
        return events[: fault.at]
    return [b"".join(events)[: fault.at]] if fault.at else []


async def _break(fault: Fault, connection: _Connection) -> bool:
    """Whether that was the end of the connection, so that nothing may be sent any more."""
    match fault.kind:
        case "reset":
            connection.reset()
            return True
        case "close":
            return True
        case "stall":
            await asyncio.Event().wait()
        case "pings":
            while True:
                await connection.send(h11.Data(data=wire_answer.event({"type": "ping"})))
                await asyncio.sleep(PING_SECONDS)
        case "garbage":
            await connection.send(h11.Data(data=b'event: content_block_delta\ndata: {"type": oops\n\n'))
        case "error":
            error = wire_answer.error(fault.value or "overloaded_error", "failed as asked")
            await connection.send(h11.Data(data=wire_answer.event(error)))
    return False


async def _fail(fault: Fault, connection: _Connection) -> None:
    match fault.kind:
        case "status":
            code, _, wait = fault.value.partition("/")
            extra = [("retry-after", wait)] if wait else []
            body = wire_answer.error(_STATUS_TYPES.get(int(code), "api_error"), f"status {code} as asked")
            await connection.json(int(code), body, extra)
        case "redirect":
            await connection.json(307, {}, [("location", fault.value)])
        case "html":
            await connection.plain(200, "text/html", b"<html><body>Welcome to the hotel</body></html>")
        case "type":
            await connection.plain(200, fault.value, wire_answer.event({"type": "message_stop"}))
        case "empty":
            await connection.plain(200, "text/event-stream", b"")
        case "refuse":
            connection.reset()
