"""Claude, through the official client library: the only module that knows the vendor.

The library does authentication, endpoints, headers, connections and statuses. We do what it cannot know: when to try
again (never after a piece of the answer was given), how long to wait, and what to tell the person. It takes seconds to
import, so it is imported in a thread, once, when there is time.

The answer is read from the response's bytes by `claude_ls.agent.wire` instead of by the library. CPU for each of 1,964
deltas from a server on this machine (median of seven runs, anthropic 2.12.0, Python 3.11); "burst" comes as fast as it
can be read, "paced" one packet each as from a real model, where the transport alone takes 200 µs:

=================================================  ======  ======
reading path                                       burst   paced
=================================================  ======  ======
``create(stream=True)``, events of the library      60 µs  299 µs
``AsyncStream.raw_events`` and ``json.loads``       31 µs  245 µs
`ClaudeModel.stream`, socket to `ModelEvent`        34 µs  236 µs
=================================================  ======  ======
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import ssl
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from claude_ls.agent import failure
from claude_ls.agent.credentials import CREDENTIALS as CREDENTIALS
from claude_ls.agent.credentials import credential_source, is_loopback, needs_no_key, without_secrets
from claude_ls.agent.credentials import has_credentials as has_credentials
from claude_ls.agent.failure import Failure
from claude_ls.agent.model import ModelEvent, ModelRequest, Retrying, Stopped
from claude_ls.agent.wire import AnswerReader, BadWire, one_line, said
from claude_ls.agent.wire_request import wire_extras, wire_request

if TYPE_CHECKING:
    import anthropic
    import httpx2

DRAIN_SECONDS = 0.05
"""How long to wait for the formal end of a finished answer, after which its connection can carry the next request."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds, and how often to try."""

    connect: float = 5.0
    read: float = 75.0
    """For the first byte, and from one to the next: the service sends pings meanwhile."""
    progress: float = 120.0
    """Pings alone for so long count as no answer."""
    total: float = 900.0
    count: float = 10.0
    """For a count of tokens, which nobody waits longer for than for an estimate."""
    tries: int = 5
    longest_wait: float = 30.0
    """A service that asks for a longer wait than this is told to the person instead."""


@dataclass(frozen=True)
class Inspection:
    """What the API itself says about a model, for `claude-ls check`; `problem` where it cannot be asked."""

    endpoint: str
    credential: str = ""
    """Where the credential comes from, never what it is."""
    problem: str = ""
    name: str = ""
    lifecycle: str = ""
    retires: str = ""
    max_input_tokens: int | None = None
    max_tokens: int | None = None
    capabilities: tuple[str, ...] = ()


class _Refused(Exception):
    """We do not even send the request; the message tells the person why."""

    def __init__(self, stopped: Stopped) -> None:
        super().__init__(stopped.message)
        self.stopped = stopped


class ClaudeModel:
    """Implements `claude_ls.agent.model.Model` over the Messages API.

    `endpoint` overrides what the environment says. A server of one's own (any host that is not the vendor's) may need
    no key; where none is set a dummy is sent, since the library insists on one. `use_proxies` lets the environment's
    HTTP_PROXY and the like decide who sees the requests. `sleep` and `transport` are there for tests.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        endpoint: str | None = None,
        patience: Patience | None = None,
        use_proxies: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._environ = environ
        self._endpoint = endpoint or environ.get("ANTHROPIC_BASE_URL") or None
        self._patience = patience or Patience()
        self._use_proxies = use_proxies
        self._sleep = sleep
        self._transport = transport
        self._client: asyncio.Task[anthropic.AsyncAnthropic] | None = None
        # Models that answered only without thinking, effort and the like.
        self._plain: set[str] = set()

    def warm(self) -> None:
        """Begin to import the library, so that the first request need not wait for it."""
        if self._client is None:
            self._client = asyncio.create_task(asyncio.to_thread(self._connect), name="import anthropic")
            # Whoever needs the client hears of the failure; warming alone must not log it as never retrieved.
            self._client.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                await (await client).close()
            except Exception as error:
                logging.getLogger(__name__).info("the client did not close: %s", one_line(str(error)))

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._patience.total
        plain = request.model in self._plain
        tries = 0
        while True:
            reader = AnswerReader()
            try:
                async with self._opened(request, plain, deadline) as chunks:
                    if plain:
                        self._plain.add(request.model)
                    progress = clock()
                    async for chunk in chunks:
                        events = reader.feed(chunk)
                        for event in events:
                            yield event
                        if reader.stopped is not None:
                            await _drain(chunks)
                            return
                        if reader.problem is not None:
                            break
                        # The wait for each chunk is limited, so looking at the clock after each is enough.
                        now = clock()
                        if events:
                            progress = now
                        self._check_time(now, progress, deadline)
                found = failure.of_end(reader)
            except Exception as error:
                found = self._explained(error, answered=reader.answered)
            if found.plain and not plain and not reader.answered:
                plain = True
                continue
            tries += 1
            if not found.again or reader.answered or tries >= self._patience.tries:
                yield found.stopped
                return
            wait = found.wait if found.wait is not None else _pause(tries)
            if wait > self._patience.longest_wait:
                words = f"{found.stopped.message} The service asks to wait {wait:.0f} s before the next try."
                yield Stopped(found.stopped.reason, words)
                return
            if clock() + wait > deadline:
                yield found.stopped
                return
            yield Retrying(wait, found.stopped.message)
            await self._sleep(wait)

    async def count(self, request: ModelRequest) -> int | None:
        """Ask the API, once: how many tokens there are is worth no second try. Never raises."""
        try:
            client = await self._connected()
            asked = wire_request(request, plain=request.model in self._plain)
            # How long an answer may be is nothing that is counted.
            del asked["max_tokens"]
            async with asyncio.timeout(self._patience.count):
                found = await client.messages.count_tokens(**asked)
            # The library does not check what it parses.
            return int(found.input_tokens)
        except Exception as error:
            words = self._explained(error).stopped.message
            logging.getLogger(__name__).info("the tokens were not counted: %s", words)
            return None

    async def inspect(self, model: str) -> Inspection:
        """Ask the API about `model`, once. Never raises."""
        credential = credential_source(self._environ)
        endpoint = self._endpoint or ""
        try:
            async with asyncio.timeout(self._patience.total):
                client = await self._connected()
                endpoint = str(client.base_url)
                found = await client.models.retrieve(model, timeout=10)
            # The library does not check what it parses, so a field may be missing or of any type.
            retires: Any = getattr(found, "retires_at", None)
            return Inspection(
                endpoint,
                credential,
                name=one_line(str(getattr(found, "display_name", None) or model)),
                lifecycle=one_line(str(getattr(found, "lifecycle", None) or "")),
                retires=one_line(retires.date().isoformat() if hasattr(retires, "date") else str(retires or "")),
                max_input_tokens=getattr(found, "max_input_tokens", None),
                max_tokens=getattr(found, "max_tokens", None),
                capabilities=tuple(_supported(found.to_dict().get("capabilities"))),
            )
        except Exception as error:
            return Inspection(endpoint, credential, problem=self._explained(error).stopped.message)

    @asynccontextmanager
    async def _opened(
        self, request: ModelRequest, plain: bool, deadline: float
    ) -> AsyncGenerator[AsyncIterator[bytes], None]:
        """The bytes of an answer with status 200; whatever ends this closes the response, and with it the billing."""
        async with AsyncExitStack() as stack:
            async with asyncio.timeout_at(deadline):
                client = await self._connected()
                create = client.messages.with_streaming_response.create
                sent = create(**wire_request(request, plain=plain), **wire_extras(request, plain=plain), stream=True)
                response = (await stack.enter_async_context(sent)).http_response
            kind = response.headers.get("content-type", "")
            if not kind.startswith("text/event-stream"):
                raise BadWire(f"the answer is {kind or 'of no type'} instead of a stream of events")
            yield await stack.enter_async_context(aclosing(response.aiter_bytes()))

    def _check_time(self, now: float, progress: float, deadline: float) -> None:
        if now - progress > self._patience.progress:
            raise _Refused(said("cut", f"nothing but signs of life for {self._patience.progress:.0f} s"))
        if now > deadline:
            raise _Refused(said("cut", f"it took longer than {self._patience.total:.0f} s"))

    def _explained(self, error: Exception, *, answered: bool = False) -> Failure:
        found = _explained(error, answered=answered)
        message = without_secrets(found.stopped.message, self._environ)
        return replace(found, stopped=replace(found.stopped, message=message))

    async def _connected(self) -> anthropic.AsyncAnthropic:
        self.warm()
        assert self._client is not None
        client = self._client
        try:
            # One request that is cancelled must not take the import away from the others.
            return await asyncio.shield(client)
        except Exception:
            if self._client is client:
                self._client = None
            raise

    def _connect(self) -> anthropic.AsyncAnthropic:
        """Import and construct; runs in a thread."""
        base_url = _checked_url(self._endpoint)
        with _without_library_log(), _polite():
            import anthropic
            import httpx2
        key = self._environ.get("ANTHROPIC_API_KEY", "").strip()
        token = "" if key else self._environ.get("ANTHROPIC_AUTH_TOKEN", "").strip()
        if not (key + token).isascii() or not (key + token).isprintable():
            raise _Refused(said("unauthorized", "it holds characters that no key has"))
        if not credential_source(self._environ) and needs_no_key(base_url):
            key = "local"
        timeout = httpx2.Timeout(self._patience.read, connect=self._patience.connect)
        # Redirects are not followed: the library would send the whole request, code and all, to wherever the answer
        # points.
        if self._transport is not None:
            http = httpx2.AsyncClient(transport=self._transport, timeout=timeout, trust_env=False)
        elif self._use_proxies and not is_loopback(base_url):
            http = anthropic.DefaultAsyncHttpxClient(follow_redirects=False, timeout=timeout)
        else:
            # The certificates of SSL_CERT_FILE are still trusted: companies with a proxy of their own need them.
            context = httpx2.create_ssl_context()
            http = httpx2.AsyncClient(follow_redirects=False, timeout=timeout, trust_env=False, verify=context)
        client = anthropic.AsyncAnthropic(
            api_key=key or None,
            auth_token=token or None,
            base_url=base_url,
            max_retries=0,
            http_client=http,
            open_telemetry=False,
        )
        if base_url is None and client.base_url.scheme != "https" and not is_loopback(str(client.base_url)):
            where = f"the profile's address {client.base_url} is not https, so nothing was sent"
            raise _Refused(said("unreachable", where))
        return client


def _explained(error: Exception, *, answered: bool = False) -> Failure:
    """Whatever went wrong, as one outcome in words for the person."""
    if isinstance(error, _Refused):
        return Failure(error.stopped)
    if isinstance(error, BadWire):
        return failure.of_problem(error)
    if isinstance(error, UnicodeEncodeError) and error.encoding == "utf-8":
        return Failure(said("failed", "nothing was sent: the text holds half a character (a lone surrogate)"))
    if isinstance(error, ImportError):
        return Failure(said("failed", f"the library `anthropic` cannot be loaded, install claude-ls again: {error}"))
    import anthropic
    import httpx2

    if isinstance(error, anthropic.APIStatusError):
        return failure.of_status(error.status_code, error.response.headers, error.body)
    if isinstance(error, TypeError) and "authentication" in str(error):
        return Failure(said("no_key"))
    if isinstance(error, anthropic.CredentialsError):
        return Failure(said("unauthorized", str(error)))
    if isinstance(error, anthropic.APIConnectionError | httpx2.TransportError | TimeoutError | OSError):
        late = isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException | TimeoutError)
        cause = str(error.__cause__ or error)
        if answered:
            return Failure(said("cut", "nothing came any more" if late else ""))
        # A certificate that is not trusted now will not be in a second.
        again = not (isinstance(error.__cause__, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in cause)
        return Failure(said("unreachable", "there was no answer in time" if late else cause), again=again)
    if isinstance(error, anthropic.AnthropicError | httpx2.HTTPError | httpx2.InvalidURL | UnicodeError):
        return Failure(said("bad_response", str(error)))
    return Failure(said("failed", f"{type(error).__name__}: {error}"))


def _checked_url(endpoint: str | None) -> str | None:
    """Plain http is all right for an address the person wrote down; anything that is not http at all is a mistake."""
    if endpoint is None:
        return None
    try:
        parts = urlsplit(endpoint)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise _Refused(said("unreachable", f"{endpoint!r} is not an http or https address"))
    return endpoint


@contextmanager
def _polite() -> Iterator[None]:
    """Let the event loop in ten times as often while this thread works: whoever opens a menu meanwhile waits less."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 10)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


@contextmanager
def _without_library_log() -> Iterator[None]:
    """ANTHROPIC_LOG makes the library, on import, log whole prompts to stderr: not from inside an editor."""
    asked = os.environ.pop("ANTHROPIC_LOG", None)
    try:
        yield
    finally:
        if asked is not None:
            os.environ["ANTHROPIC_LOG"] = asked
    for name in ("anthropic", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _supported(capabilities: object, prefix: str = "") -> Iterator[str]:
    """Names of all that is said to be `supported`, with dots for nesting."""
    if not isinstance(capabilities, Mapping):
        return
    for name, value in capabilities.items():
        if isinstance(value, Mapping):
            if value.get("supported") is True:
                yield f"{prefix}{name}"
            yield from _supported(value, f"{prefix}{name}.")


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    with suppress(Exception):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in chunks:
                pass


def _pause(tries: int) -> float:
    """Doubling from half a second to eight, a little less each by chance so that clients do not march in step."""
    return float(min(8.0, 0.5 * 2 ** (tries - 1)) * (1 - 0.25 * random.random()))
