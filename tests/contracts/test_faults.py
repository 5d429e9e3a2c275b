"""Whatever goes wrong on the way, there is one outcome, in words, and nothing half is acted on."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from claude_ls.agent.claude import ClaudeModel, Patience
from claude_ls.agent.model import (
    Message,
    ModelEvent,
    Opaque,
    Retrying,
    Stopped,
    TextDelta,
    ToolFinished,
    UsageReported,
)
from claude_ls.agent.replay import ReplayServer
from claude_ls.agent.scripted import read_turn
from claude_ls.agent.wire_request import wire_request
from contracts.model_contract import events_of, request, story, well_formed
from contracts.models import IMPATIENT, KEY, PATIENT, Waits, replayed, run

STREAMS = Path(__file__).parents[2] / "fixtures" / "streams"
TURN = read_turn('Hello there\n>>> rewrite_region\n= {"new_text": "0123456789"}\n')
ALL = [("uses", "rewrite_region"), ("used", "rewrite_region", "{'new_text': '0123456789'}")]

# Fault, reason to stop, tries, and a piece of what the person is told.
FAULTS = [
    ("status=400", "rejected", 2, "HTTP 400: status 400 as asked"),
    ("status=401", "unauthorized", 1, "claude-ls check"),
    ("status=402", "rejected", 1, "spending limit"),
    ("status=403", "unauthorized", 1, "HTTP 403"),
    ("status=404", "rejected", 1, "HTTP 404"),
    ("status=408", "failed", 5, "HTTP 408"),
    ("status=409", "failed", 5, "HTTP 409"),
    ("status=413", "rejected", 1, "HTTP 413"),
    ("status=422", "rejected", 2, "HTTP 422"),
    ("status=429", "overloaded", 5, "HTTP 429"),
    ("status=429/7", "overloaded", 5, "HTTP 429"),
    ("status=429/3600", "overloaded", 1, "wait 3600 s"),
    ("status=500", "failed", 5, "HTTP 500"),
    ("status=504", "failed", 5, "HTTP 504"),
    ("status=529", "overloaded", 5, "overloaded"),
    ("html", "bad_response", 1, "text/html"),
    ("type=application/json", "bad_response", 1, "application/json"),
    ("type=text/event-stream", "bad_response", 1, "began with message_stop"),
    ("empty", "bad_response", 5, "empty"),
    ("refuse", "unreachable", 5, "cannot be reached"),
    ("redirect=http://127.0.0.1:9/v1/messages?secret", "bad_response", 1, "http://127.0.0.1,"),
    ("eof@0", "bad_response", 5, "empty"),
    ("eof@1", "cut", 5, "broke"),
    ("eof@6", "cut", 1, "broke"),
    ("eof@b700", "cut", 1, "broke"),
    ("close@1", "unreachable", 5, ""),
    ("close@6", "cut", 1, "broke"),
    ("reset@6", "cut", 1, "broke"),
    ("reset@b700", "cut", 1, "broke"),
    ("stall@1", "unreachable", 5, "no answer in time"),
    ("stall@6", "cut", 1, "nothing came"),
    ("pings@1", "cut", 1, "signs of life"),
    ("pings@6", "cut", 1, "signs of life"),
    ("garbage@1", "bad_response", 1, "not JSON"),
    ("garbage@6", "bad_response", 1, "not JSON"),
    ("error@1", "overloaded", 5, "failed as asked"),
    ("error@1=rate_limit_error", "overloaded", 5, ""),
    ("error@1=api_error", "failed", 5, ""),
    ("error@1=invalid_request_error", "rejected", 1, ""),
    ("error@6", "overloaded", 1, "failed as asked"),
    ("error@6=api_error", "failed", 1, ""),
    ("error@6=never_heard_of_it", "failed", 1, ""),
    ("twice", "bad_response", 1, "began twice"),
    ("headless", "bad_response", 1, "began with"),
    ("stop=because", "failed", 1, "because"),
    ("stop=refusal", "refusal", 1, "declined"),
]


@pytest.mark.parametrize(("fault", "reason", "tries", "words"), FAULTS, ids=[row[0] for row in FAULTS])
def test_fault(fault: str, reason: str, tries: int, words: str) -> None:
    patience = IMPATIENT if fault.startswith(("stall", "pings")) else PATIENT

    async def main() -> None:
        async with replayed((TURN,) * 5, faults=[fault], patience=patience) as (model, server, waits):
            events = await events_of(model)
            well_formed(events)
            stopped = events[-1]
            assert isinstance(stopped, Stopped)
            assert (stopped.reason, len(server.requests)) == (reason, tries), stopped
            assert words in stopped.message
            assert KEY not in stopped.message
            retries = [event.seconds for event in events if isinstance(event, Retrying)]
            assert retries == waits.seconds
            assert len(retries) == (0 if reason == "rejected" else tries - 1)
            if not fault.startswith("stop="):
                assert not any(isinstance(event, ToolFinished) for event in events)

    run(main())


@pytest.mark.parametrize(
    ("fault", "at_least", "at_most"), [("status=529", 0.375, 8), ("status=529/2", 2, 2), ("status=529/0", 0, 0)]
)
def test_waits_double_unless_the_service_names_them(fault: str, at_least: float, at_most: float) -> None:
    async def main() -> None:
        async with replayed((TURN,), faults=[f"{n}:{fault}" for n in range(1, 5)]) as (model, server, waits):
            events = await events_of(model)
            assert story(events)[-1] == ("stopped", "tool_use")
            assert len(server.requests) == 5
            assert len(waits.seconds) == 4
            for number, seconds in enumerate(waits.seconds):
                assert at_least <= seconds <= at_most
                if at_least != at_most:
                    assert 0.75 * 0.5 * 2**number <= seconds <= 0.5 * 2**number

    run(main())


def test_unknown_kinds_are_passed_over() -> None:
    async def main() -> None:
        async with replayed((TURN,), faults=["unknown"]) as (model, _, _):
            events = await events_of(model)
            well_formed(events)
            assert [line for line in story(events) if line[0] != "writes"][1:3] == ALL

    run(main())


def test_a_redirect_sends_nothing_to_the_other_place() -> None:
    async def main() -> None:
        other = ReplayServer((TURN,))
        await other.start()
        async with replayed((TURN,), faults=[f"redirect={other.url}/v1/messages"]) as (model, _, _):
            events = await events_of(model)
            assert story(events) == [("stopped", "bad_response")]
            assert other.requests == []
        await other.close()

    run(main())


def test_optional_parameters_are_left_out_for_who_rejects_them() -> None:
    async def main() -> None:
        async with replayed((TURN, TURN), faults=["1:status=400"]) as (model, server, waits):
            assert story(await events_of(model))[-1] == ("stopped", "tool_use")
            assert story(await events_of(model, request("again")))[-1] == ("stopped", "tool_use")
            full, plain, remembered = (recorded.body for recorded in server.requests)
            assert full["thinking"] == {"type": "adaptive"}
            assert full["tools"][0]["eager_input_streaming"] is True
            for body in (plain, remembered):
                assert not {"thinking", "output_config", "tool_choice"} & body.keys()
                assert not any("eager_input_streaming" in tool for tool in body["tools"])
            assert waits.seconds == []

    run(main())


def test_a_request_that_is_invalid_anyway_does_not_make_the_model_plain() -> None:
    async def main() -> None:
        async with replayed((TURN, TURN), faults=["1:status=400", "2:status=400"]) as (model, server, _):
            assert story(await events_of(model)) == [("stopped", "rejected")]
            await events_of(model)
            assert "thinking" in server.requests[2].body

    run(main())


@pytest.mark.parametrize("how", ["aclose", "cancel", "cancel before the answer"])
def test_the_service_hears_at_once_that_nobody_listens(how: str) -> None:
    async def main() -> None:
        patient = Patience(read=30, progress=30)
        fault = "1:stall@0" if how == "cancel before the answer" else "1:stall@6"
        async with replayed((TURN,), faults=[fault], patience=patient) as (model, server, _):
            spoke = asyncio.Event()

            async def read() -> None:
                async for event in model.stream(request()):
                    if isinstance(event, TextDelta):
                        spoke.set()

            if how == "aclose":
                stream = model.stream(request())
                async for event in stream:
                    if isinstance(event, TextDelta):
                        break
                await stream.aclose()
            else:
                task = asyncio.create_task(read())
                if how == "cancel":
                    await spoke.wait()
                else:
                    while not server.requests:  # noqa: ASYNC110  # the server has no reason to offer an event
                        await asyncio.sleep(0.005)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                assert task.cancelled()
            await asyncio.wait_for(server.requests[0].disconnected.wait(), 5)
            assert server.disconnects == 1

    run(main())


def test_a_wait_between_tries_can_be_cancelled() -> None:
    async def main() -> None:
        server = ReplayServer((TURN,), faults=())
        await server.start()
        await server.close()
        model = ClaudeModel(environ={"ANTHROPIC_API_KEY": KEY}, endpoint=server.url)
        stream = model.stream(request())
        assert isinstance(await anext(stream), Retrying)
        task = asyncio.create_task(anext(stream))  # type: ignore[arg-type]  # an async generator's is a coroutine
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        await model.aclose()

    run(main())


def test_the_total_time_is_limited_while_pieces_keep_coming() -> None:
    async def main() -> None:
        patience = Patience(total=0.4)
        turn = read_turn("word " * 2000 + "\n")
        async with replayed((turn,), patience=patience, tokens_per_second=100) as (model, _, _):
            events = await events_of(model)
            well_formed(events)
            assert story(events)[-1] == ("stopped", "cut")

    run(main())


def test_a_connection_is_used_again() -> None:
    async def main() -> None:
        async with replayed((TURN,) * 3) as (model, server, _):
            for number in range(3):
                await events_of(model, request(str(number)))
            assert server.connections == 1

    run(main())


class Played(httpx2.AsyncBaseTransport):
    """Answers with `content`, without a socket; `error` is raised instead, or behind it."""

    def __init__(self) -> None:
        self.content = b""
        self.status = 200
        self.headers: dict[str, str] = {}
        self.error: Exception | None = None
        self.asked: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        headers = {"content-type": "text/event-stream", **self.headers}
        return httpx2.Response(self.status, headers=headers, content=self.content)


def finished_tools(events: list[ModelEvent]) -> set[str]:
    return {event.id for event in events if isinstance(event, ToolFinished)}


@pytest.mark.parametrize("name", sorted(file.name for file in STREAMS.glob("*.sse")))
def test_streams_cut_at_every_place(name: str) -> None:
    """At every end of an event and at bytes between: the same outcome, and no tool whose block was not closed."""
    recording = (STREAMS / name).read_bytes()
    boundaries = [match.end() for match in re.finditer(rb"\n\n|\r\n\r\n", recording)]
    places = sorted({0, *boundaries, *range(0, len(recording), 53)})

    async def main() -> None:
        played = Played()
        model = ClaudeModel(environ={"ANTHROPIC_API_KEY": KEY}, transport=played, patience=PATIENT, sleep=Waits())
        played.content = recording
        whole = await events_of(model)
        well_formed(whole)
        for place in places[:-1] if places[-1] == len(recording) else places:
            played.content = recording[:place]
            events = await events_of(model)
            well_formed(events)
            stopped = events[-1]
            assert isinstance(stopped, Stopped)
            assert stopped.reason in ("cut", "bad_response"), place
            closed = set()
            for data in re.findall(rb"data: (.*?)\r?\n\r?\n", recording[:place]):
                event = json.loads(data) if data.startswith(b"{") and data.endswith(b"}") else {}
                if event.get("type") == "content_block_stop":
                    closed.add(event["index"])
            assert len(finished_tools(events)) <= len(closed)
            shown = [event for event in events[:-1] if not isinstance(event, Retrying | UsageReported)]
            assert shown == [event for event in whole if not isinstance(event, UsageReported)][: len(shown)]
        await model.aclose()

    run(main())


@pytest.mark.parametrize("kind", ["eof", "close", "reset"])
def test_connections_cut_at_every_event(kind: str) -> None:
    recording = (STREAMS / "thinking_and_tool.sse").read_bytes()
    count = recording.count(b"\n\n")
    faults = [f"{place + 1}:{kind}@{place}" for place in range(count)]

    async def main() -> None:
        async with replayed(raw=[recording], faults=faults, patience=replace(PATIENT, tries=1)) as (model, server, _):
            for place in range(count):
                events = await events_of(model)
                well_formed(events)
                stopped = events[-1]
                assert isinstance(stopped, Stopped)
                assert stopped.reason in ("cut", "bad_response", "unreachable"), place
                # Its block is closed by the third event from the end.
                assert bool(finished_tools(events)) <= (place >= count - 2)
                assert len(server.requests) == place + 1

    run(main())


def stop_of(
    played: Played, *, environ: dict[str, str] | None = None, endpoint: str | None = None
) -> tuple[Stopped, Played]:
    """How a request ends that is answered by `played`."""
    found: list[Stopped] = []

    async def main() -> None:
        model = ClaudeModel(
            environ={"ANTHROPIC_API_KEY": KEY} if environ is None else environ,
            endpoint=endpoint,
            transport=played,
            sleep=Waits(),
        )
        events = await events_of(model)
        well_formed(events)
        stopped = events[-1]
        assert isinstance(stopped, Stopped)
        found.append(stopped)
        await model.aclose()

    run(main())
    return found[0], played


def failing(status: int, error: dict[str, object], **headers: str) -> Played:
    played = Played()
    played.status = status
    played.headers = {"content-type": "application/json", **{key.replace("_", "-"): headers[key] for key in headers}}
    played.content = json.dumps({"type": "error", "error": error}).encode()
    return played


def answering(value: object) -> Played:
    played = failing(200, {})
    played.content = json.dumps(value).encode()
    return played


def broken(error: Exception) -> Played:
    played = Played()
    played.error = error
    return played


def test_a_spending_limit_is_not_tried_against() -> None:
    details = {"error_code": "enforced_spend_limit_reached"}
    for error in (
        {"type": "rate_limit_error", "message": "Sorry.", "details": details},
        {"type": "billing_error", "message": "Sorry."},
        {"type": "rate_limit_error", "message": "You have reached your specified API usage limits."},
    ):
        stopped, played = stop_of(failing(429, error))
        assert (stopped.reason, len(played.asked)) == ("rejected", 1)
        assert "spending limit" in stopped.message and str(error["message"]) in stopped.message


def test_a_rate_limit_with_a_time_is_waited_for() -> None:
    error: dict[str, object] = {"type": "rate_limit_error", "message": "Your usage limit a minute is reached."}
    stopped, played = stop_of(failing(429, error, retry_after="1"))
    assert (stopped.reason, len(played.asked)) == ("overloaded", 5)


def test_x_should_retry_is_ignored() -> None:
    _, played = stop_of(failing(404, {"type": "not_found_error", "message": "model: x"}, x_should_retry="true"))
    assert len(played.asked) == 1
    _, played = stop_of(failing(529, {"type": "overloaded_error", "message": ""}, x_should_retry="false"))
    assert len(played.asked) == 5


def test_what_services_say_is_made_harmless() -> None:
    message = f"bad\r\n\x1b[31mkey\u202e {KEY} " + "x" * 5000
    stopped, _ = stop_of(failing(401, {"type": "authentication_error", "message": message}))
    assert KEY not in stopped.message
    assert "bad [31mkey …" in stopped.message and stopped.message.isprintable()


@pytest.mark.parametrize(
    ("error", "reason", "tries"),
    [
        (httpx2.ConnectError("All connection attempts failed"), "unreachable", 5),
        (httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"), "unreachable", 1),
        (httpx2.ReadTimeout("late"), "unreachable", 5),
        (httpx2.RemoteProtocolError("Server disconnected"), "unreachable", 5),
        (httpx2.LocalProtocolError(f"Illegal header value b'Bearer {KEY}\\n'"), "unreachable", 5),
        (RuntimeError("who knows"), "unreachable", 5),
    ],
    ids=repr,
)
def test_errors_of_the_transport(error: Exception, reason: str, tries: int) -> None:
    played = Played()
    played.error = error
    stopped, _ = stop_of(played)
    assert (stopped.reason, len(played.asked)) == (reason, tries)
    assert KEY not in stopped.message


def test_half_a_character_does_not_stop_a_request() -> None:
    async def main() -> None:
        async with replayed((TURN,)) as (model, server, _):
            events = await events_of(model, request("half: \ud83d"))
            assert story(events)[-1] == ("stopped", "tool_use")
            assert server.requests[0].body["messages"][0]["content"][1]["text"] == "half: \ufffd"

    run(main())


def test_half_a_character_that_must_go_back_as_it_came_is_not_blamed_on_the_endpoint() -> None:
    async def main() -> None:
        async with replayed((TURN,)) as (model, server, _):
            thought = Message("assistant", (Opaque({"type": "thinking", "thinking": "\ud83d", "signature": "s"}),))
            asked = request()
            events = await events_of(model, replace(asked, messages=(*asked.messages, thought, *asked.messages)))
            well_formed(events)
            assert story(events) == [("stopped", "failed")]
            assert isinstance(events[-1], Stopped) and "half a character" in events[-1].message
            assert server.requests == []

    run(main())


@pytest.mark.parametrize("endpoint", ["ftp://localhost", "localhost:8080", "http://", "http://[::1", "https://x:99999"])
def test_an_endpoint_that_is_none(endpoint: str) -> None:
    stopped, played = stop_of(Played(), endpoint=endpoint)
    assert stopped.reason == "unreachable" and played.asked == []


def test_a_key_that_cannot_be_one() -> None:
    stopped, played = stop_of(Played(), environ={"ANTHROPIC_API_KEY": "sk-ä\nbc"})
    assert stopped.reason == "unauthorized" and "sk-" not in stopped.message and played.asked == []


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """The library reads the process's environment, so that must be without a key too."""
    for name in [name for name in os.environ if name.startswith("ANTHROPIC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return {"HOME": str(tmp_path)}


def test_no_key(no_credentials: dict[str, str]) -> None:
    stopped, played = stop_of(Played(), environ=no_credentials)
    assert stopped.reason == "no_key" and played.asked == []


def test_ones_own_server_needs_no_key(no_credentials: dict[str, str]) -> None:
    played = Played()
    played.content = (STREAMS / "text.sse").read_bytes()
    stopped, _ = stop_of(played, environ=no_credentials, endpoint="http://models.lan:8000")
    assert stopped.reason == "end_turn"
    assert played.asked[0].headers["authorization"] == "Bearer local"
    assert str(played.asked[0].url) == "http://models.lan:8000/v1/messages"


def test_a_key_is_sent_as_it_is_set(no_credentials: dict[str, str]) -> None:
    played = Played()
    played.content = (STREAMS / "text.sse").read_bytes()
    stop_of(played, environ={**no_credentials, "ANTHROPIC_AUTH_TOKEN": f"{KEY}\n", "ANTHROPIC_API_KEY": ""})
    assert played.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert played.asked[0].url.host == "api.anthropic.com"


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)

    async def main() -> None:
        async with replayed((TURN,)) as (model, _, _):
            assert story(await events_of(model))[-1] == ("stopped", "tool_use")

    run(main())


def test_inspect() -> None:
    async def main() -> None:
        async with replayed() as (model, server, _):
            found = await model.inspect("claude-sonnet-5-5")
            assert found.problem == "" and found.endpoint.rstrip("/") == server.url
            assert (found.credential, found.lifecycle) == ("ANTHROPIC_API_KEY", "active")
            assert found.max_input_tokens == 200_000
            assert {"effort", "thinking.types.adaptive"} <= set(found.capabilities)
        found = await model.inspect("claude-sonnet-5-5")
        assert "cannot be reached" in found.problem
        await model.aclose()

    run(main())


@pytest.mark.parametrize(
    "played",
    [
        failing(400, {"type": "invalid_request_error", "message": "no"}),
        failing(404, {}),
        failing(429, {"type": "rate_limit_error", "message": "slowly"}, retry_after="1"),
        failing(529, {"type": "overloaded_error", "message": "later"}),
        answering({}),
        answering({"input_tokens": "many"}),
        answering({"input_tokens": None}),
        answering([]),
        broken(httpx2.ConnectError("no")),
        broken(httpx2.ReadTimeout("no")),
    ],
    ids=str,
)
def test_what_cannot_be_counted_is_not_known_and_not_tried_again(played: Played) -> None:
    async def main() -> None:
        waits = Waits()
        model = ClaudeModel(environ={"ANTHROPIC_API_KEY": KEY}, transport=played, sleep=waits)
        assert await model.count(request()) is None
        assert len(played.asked) == 1 and waits.seconds == []
        await model.aclose()

    run(main())


def test_a_count_sends_what_a_request_would_and_nothing_that_only_an_answer_needs() -> None:
    async def main() -> None:
        played = answering({"input_tokens": 1234})
        model = ClaudeModel(environ={"ANTHROPIC_API_KEY": KEY}, transport=played)
        assert await model.count(request()) == 1234
        (sent,) = played.asked
        assert sent.url.path == "/v1/messages/count_tokens"
        wanted = wire_request(request(), plain=False)
        del wanted["max_tokens"]
        assert json.loads(sent.content) == wanted
        await model.aclose()

    run(main())


def test_a_count_that_takes_long_is_given_up() -> None:
    class Silent(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            await asyncio.Event().wait()
            raise AssertionError

    async def main() -> None:
        patience = replace(PATIENT, count=0.05)
        model = ClaudeModel(environ={"ANTHROPIC_API_KEY": KEY}, transport=Silent(), patience=patience)
        assert await model.count(request()) is None
        await model.aclose()

    run(main())


def test_nothing_is_counted_without_a_key(no_credentials: dict[str, str]) -> None:
    async def main() -> None:
        played = answering({"input_tokens": 1234})
        model = ClaudeModel(environ=no_credentials, transport=played)
        assert await model.count(request()) is None
        assert played.asked == []
        await model.aclose()

    run(main())


LOUD = """
import asyncio, sys, logging
from claude_ls.agent.claude import ClaudeModel
from claude_ls.agent.model import Message, ModelRequest, Text
async def main():
    model = ClaudeModel(environ={"ANTHROPIC_API_KEY": "%s"}, endpoint=sys.argv[1])
    asked = ModelRequest("claude-sonnet-5-5", (), (), (Message("user", (Text("CANARY"),)),))
    print([event async for event in model.stream(asked)][-1].reason, logging.getLogger().handlers)
    await model.aclose()
assert "anthropic" not in sys.modules
asyncio.run(main())
"""


def test_the_librarys_log_stays_off() -> None:
    """ANTHROPIC_LOG=debug would write whole prompts to stderr."""

    async def main() -> None:
        async with replayed((TURN,)) as (_, server, _):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", LOUD % KEY, server.url),
                env={**os.environ, "ANTHROPIC_LOG": "debug"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            out, err = await process.communicate()
            assert (out, err) == (b"tool_use []\n", b"")

    run(main())


def test_nothing_is_logged_at_the_loudest(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        async with replayed((TURN,), faults=["1:status=529"]) as (model, _, _):
            await events_of(model, request("CANARY"))

    run(main())
    assert KEY not in caplog.text and "CANARY" not in caplog.text
