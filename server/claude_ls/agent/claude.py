"""Claude, through the official client library: the only module that knows the vendor.

The library does authentication, endpoints, headers and connections. We do what it cannot know: when to try again (never
after a piece of the answer was given), how long to wait, and what to tell the person. It takes seconds to import, so it
is imported in a thread, once, when there is time.
"""

from __future__ import annotations

import asyncio
import logging
import random
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from claude_ls.agent.model import (
    SAID_ON_STOP,
    Block,
    Message,
    ModelEvent,
    ModelRequest,
    Opaque,
    Retrying,
    Stopped,
    StopReason,
    Text,
    ToolResult,
    ToolUse,
)
from claude_ls.agent.tools import Tool
from claude_ls.agent.wire import AnswerReader, BadWire, ServiceError

if TYPE_CHECKING:
    import anthropic

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
CREDENTIALS = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_PROFILE",
    "ANTHROPIC_IDENTITY_TOKEN",
    "ANTHROPIC_IDENTITY_TOKEN_FILE",
)
RETRIED_STATUS = frozenset({408, 409, 429, 500, 502, 503, 504, 529})


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds, and how often to try."""

    connect: float = 5.0
    read: float = 75.0
    progress: float = 120.0
    """Pings alone for so long count as no answer."""
    total: float = 900.0
    tries: int = 5
    longest_wait: float = 30.0
    """A service that asks for a longer wait than this is told to the person instead."""


@dataclass(frozen=True)
class Inspection:
    """What the API itself says about a model, for `claude-ls check`; `problem` where it cannot be asked."""

    endpoint: str
    problem: str = ""
    name: str = ""
    lifecycle: str = ""
    retires: str = ""
    max_input_tokens: int | None = None


class _Failure(Exception):
    """A request that came to nothing. `again` says whether sending it once more could help, `wait` what was asked."""

    def __init__(
        self, stopped: Stopped, *, again: bool = False, wait: float | None = None, plain: bool = False
    ) -> None:
        self.stopped = stopped
        self.again = again
        self.wait = wait
        self.plain = plain
        """Whether it may have been the optional parameters that were not liked."""


def has_credentials(environ: Mapping[str, str], endpoint: str | None = None) -> bool:
    """Whether a request could be authenticated, as far as can be told without asking anybody. Cheap.

    A server on this machine needs no key.
    """
    if any(environ.get(name) for name in CREDENTIALS) or _is_local(endpoint or environ.get("ANTHROPIC_BASE_URL")):
        return True
    folder = environ.get("ANTHROPIC_CONFIG_DIR")
    base = Path(folder) if folder else Path(environ.get("HOME") or Path.home()) / ".config" / "anthropic"
    return any(base.glob("configs/*.json"))


class ClaudeModel:
    """Implements `claude_ls.agent.model.Model` over the Messages API.

    `endpoint` overrides what the environment says. `sleep` and `patience` are there for tests.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        endpoint: str | None = None,
        patience: Patience | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._environ = environ
        self._endpoint = endpoint or environ.get("ANTHROPIC_BASE_URL") or None
        self._patience = patience or Patience()
        self._sleep = sleep
        self._client: asyncio.Task[anthropic.AsyncAnthropic] | None = None
        # Models that were seen to reject thinking, effort and the like.
        self._plain: set[str] = set()

    def warm(self) -> None:
        """Begin to import the library, so that the first request need not wait for it."""
        if self._client is None:
            self._client = asyncio.create_task(asyncio.to_thread(self._connect), name="import anthropic")
            self._client.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def aclose(self) -> None:
        if self._client is not None:
            client = self._client
            self._client = None
            try:
                await (await client).close()
            except Exception as error:
                logging.getLogger(__name__).info("the client did not close: %s", error)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        patience = self._patience
        tries = 0
        while True:
            tries += 1
            reader = AnswerReader()
            plain = request.model in self._plain
            try:
                async for event in self._answer(request, reader, plain):
                    yield event
                return
            except _Failure as failure:
                if failure.plain and not plain and not reader.answered:
                    self._plain.add(request.model)
                    continue
                wait = failure.wait if failure.wait is not None else _pause(tries)
                if not failure.again or reader.answered or tries >= patience.tries:
                    yield failure.stopped
                    return
                if wait > patience.longest_wait:
                    yield Stopped(
                        failure.stopped.reason,
                        f"{failure.stopped.message} The service asks to wait {wait:.0f} s before the next try.",
                    )
                    return
                yield Retrying(wait, failure.stopped.message)
            await self._sleep(wait)

    async def inspect(self, model: str) -> Inspection:
        """Ask the API about `model`, without a retry."""
        try:
            client = await self._connected()
            endpoint = str(client.base_url)
        except Exception as error:
            return Inspection(self._endpoint or "", problem=_line(str(error)))
        try:
            found = await client.models.retrieve(model, timeout=10)
        except Exception as error:
            return Inspection(endpoint, problem=_explained(error).stopped.message)
        return Inspection(
            endpoint,
            name=found.display_name,
            lifecycle=found.lifecycle,
            retires=found.retires_at.date().isoformat() if found.retires_at else "",
            max_input_tokens=found.max_input_tokens,
        )

    async def _answer(
        self, request: ModelRequest, reader: AnswerReader, plain: bool
    ) -> AsyncGenerator[ModelEvent, None]:
        """One try. Ends with `Stopped`, or with `_Failure`."""
        watch = _Watch(self._patience)
        try:
            client = await self._connected()
            body = wire_request(request, plain=plain)
            async with client.messages.with_streaming_response.create(**body, stream=True) as response:
                kind = response.headers.get("content-type", "")
                if "text/event-stream" not in kind:
                    raise BadWire(f"the answer is {kind or 'of no type'} instead of a stream of events")
                chunks = response.iter_bytes()
                while (chunk := await watch.next(chunks)) is not None:
                    for event in reader.feed(chunk):
                        watch.progressed()
                        yield event
                    if reader.stopped:
                        return
        except (asyncio.CancelledError, GeneratorExit, _Failure):
            raise
        except Exception as error:
            raise _explained(error, answered=reader.answered) from error
        finally:
            watch.stop()
        ended = reader.ended()
        raise _Failure(ended, again=True)

    async def _connected(self) -> anthropic.AsyncAnthropic:
        self.warm()
        assert self._client is not None
        try:
            return await asyncio.shield(self._client)
        except Exception:
            self._client = None
            raise

    def _connect(self) -> anthropic.AsyncAnthropic:
        """Import and construct; runs in a thread."""
        import anthropic

        # ANTHROPIC_LOG makes the library log whole prompts to stderr on import: not from inside an editor.
        for name in ("anthropic", "httpx2", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)
        local = _is_local(self._endpoint)
        keyed = any(self._environ.get(name) for name in CREDENTIALS)
        timeout = anthropic.Timeout(self._patience.read, connect=self._patience.connect)
        return anthropic.AsyncAnthropic(
            api_key=self._environ.get("ANTHROPIC_API_KEY") or ("local" if local and not keyed else None),
            base_url=self._endpoint,
            max_retries=0,
            # Redirects are not followed: the library would send the whole request, code and all, to wherever the
            # answer points. A local server is not reached through anybody's proxy.
            http_client=_http_client(anthropic, timeout, trust_env=not local),
        )


class _Watch:
    """Ends a wait for bytes that has lasted too long.

    One timer that looks about now and then, instead of one for each piece of an answer: `asyncio.timeout` around every
    read was a sixth of the cost of reading.
    """

    def __init__(self, patience: Patience) -> None:
        self._loop = asyncio.get_running_loop()
        self._patience = patience
        self._deadline = self._loop.time() + patience.total
        self._progress = self._loop.time()
        self._waiting: asyncio.Task[Any] | None = None
        self._expired = False
        self._timer = self._loop.call_at(self._limit(), self._look)

    async def next(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        """The next bytes, None at their end; `TimeoutError` where they take too long."""
        self._waiting = asyncio.current_task()
        try:
            return await anext(chunks, None)
        except asyncio.CancelledError:
            if self._expired and self._waiting and self._waiting.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            self._waiting = None

    def progressed(self) -> None:
        self._progress = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()

    def _limit(self) -> float:
        return min(self._deadline, self._progress + self._patience.progress)

    def _look(self) -> None:
        late = self._loop.time() >= self._limit()
        if late and self._waiting:
            self._expired = True
            self._waiting.cancel()
        else:
            # Late, but whoever reads is busy with what it got: look again in a moment.
            self._timer = self._loop.call_at(self._limit() if not late else self._loop.time() + 1, self._look)


def wire_request(request: ModelRequest, *, plain: bool) -> dict[str, Any]:
    """The request as the library takes it; `plain` leaves out what older models and other servers may not know."""
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": min(request.max_tokens, 8192) if plain else request.max_tokens,
        "system": [_wire_text(text) for text in request.system],
        "messages": [_wire_message(message) for message in request.messages],
    }
    if request.tools:
        body["tools"] = [_wire_tool(tool, plain=plain) for tool in request.tools]
    if plain:
        return body
    body["thinking"] = {"type": "adaptive" if request.thinking == "adaptive" else "disabled"}
    if request.effort:
        body["output_config"] = {"effort": request.effort}
    if request.must_use_tool and request.tools:
        body["tool_choice"] = {"type": "any"}
    return body


def _wire_tool(tool: Tool, *, plain: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": tool.name, "description": tool.description, "input_schema": dict(tool.schema)}
    if tool.streams and not plain:
        shown["eager_input_streaming"] = True
    return shown


def _wire_text(text: Text) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": "text", "text": text.text}
    if text.cached:
        shown["cache_control"] = {"type": "ephemeral"}
    return shown


def _wire_message(message: Message) -> dict[str, Any]:
    return {"role": message.role, "content": [_wire_block(block) for block in message.blocks]}


def _wire_block(block: Block) -> dict[str, Any]:
    match block:
        case Text():
            return _wire_text(block)
        case ToolUse():
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": dict(block.input)}
        case ToolResult():
            shown = {"type": "tool_result", "tool_use_id": block.id, "content": block.text}
            return {**shown, "is_error": True} if block.failed else shown
        case Opaque():
            return dict(block.block)


def _http_client(anthropic: Any, timeout: Any, *, trust_env: bool) -> Any:
    if trust_env:
        return anthropic.DefaultAsyncHttpxClient(follow_redirects=False, timeout=timeout)
    import httpx2

    return httpx2.AsyncClient(follow_redirects=False, timeout=timeout, trust_env=False)


def _explained(error: Exception, *, answered: bool = False) -> _Failure:
    """Whatever went wrong, as one outcome in words for the person."""
    import anthropic
    import httpx2

    if isinstance(error, ServiceError):
        again = error.reason in ("overloaded", "failed")
        return _Failure(_stopped(error.reason, str(error)), again=again)
    if isinstance(error, BadWire):
        return _Failure(_stopped("bad_response", str(error)))
    if isinstance(error, anthropic.APIStatusError):
        return _status_failure(error)
    if isinstance(error, TypeError) and "authentication" in str(error):
        return _Failure(_stopped("no_key"))
    if isinstance(error, anthropic.CredentialsError):
        return _Failure(_stopped("unauthorized", str(error)))
    if isinstance(error, anthropic.APIConnectionError | httpx2.TransportError | TimeoutError | OSError):
        if answered:
            return _Failure(_stopped("cut"))
        late = isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException | TimeoutError)
        words = "there was no answer in time" if late else str(error.__cause__ or error)
        return _Failure(_stopped("unreachable", words), again=True)
    if isinstance(error, anthropic.AnthropicError | httpx2.HTTPError | UnicodeError):
        return _Failure(_stopped("bad_response", str(error)))
    return _Failure(_stopped("failed", f"{type(error).__name__}: {error}"))


def _status_failure(error: anthropic.APIStatusError) -> _Failure:
    status = error.status_code
    body = error.body if isinstance(error.body, dict) else {}
    told = body.get("error") if isinstance(body.get("error"), dict) else {}
    said = str(told.get("message") or "") if isinstance(told, dict) else ""
    detail = f"HTTP {status}{': ' + said if said else ''}"
    reason: StopReason
    if status in (401, 403):
        reason = "unauthorized"
    elif status == 429 or status == 529:
        reason = "overloaded"
    elif status in (400, 402, 404, 413, 422):
        reason = "rejected"
    elif status < 400:
        return _Failure(_stopped("bad_response", f"it redirects to another address, which is not followed; {detail}"))
    elif status >= 500 or status in RETRIED_STATUS:
        reason = "failed"
    else:
        reason = "rejected"
    wait = _asked_wait(error.response.headers)
    # A spending limit comes as 429 without a time: waiting does not help against it.
    hopeless = status == 429 and wait is None and "x-should-retry" in error.response.headers
    return _Failure(
        _stopped(reason, detail),
        again=status in RETRIED_STATUS and not hopeless,
        wait=wait,
        plain=status in (400, 422),
    )


def _asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the service asks to wait, where it says so in a way we understand."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) / unit)
        except (KeyError, ValueError):
            continue
    return None


def _pause(tries: int) -> float:
    """Doubling from half a second to eight, a little less each by chance so that clients do not march in step."""
    return float(min(8.0, 0.5 * 2 ** (tries - 1)) * (1 - 0.25 * random.random()))


def _stopped(reason: StopReason, detail: str = "") -> Stopped:
    words = SAID_ON_STOP.get(reason, "")
    return Stopped(reason, f"{words} ({_line(detail)})" if detail else words)


def _line(text: str) -> str:
    """One short printable line of somebody else's text."""
    plain = "".join(" " if unicodedata.category(c).startswith(("C", "Z")) else c for c in text)
    plain = " ".join(plain.split())
    return plain if len(plain) <= 300 else plain[:299] + "…"


def _is_local(url: str | None) -> bool:
    return bool(url) and urlsplit(url).hostname in LOOPBACK
