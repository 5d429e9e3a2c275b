"""The same bytes mean the same answer, however they are cut up."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_ls.agent.model import (
    ModelEvent,
    OpaqueBlock,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolInputDelta,
    ToolStarted,
    UsageReported,
)
from claude_ls.agent.usage import Usage
from claude_ls.agent.wire import MAX_EVENT_BYTES, AnswerReader, BadWire, EventSplitter, ServiceError

STREAMS = Path(__file__).parents[3] / "fixtures" / "streams"


def stream(*events: dict[str, Any]) -> bytes:
    return b"".join(b"event: %s\ndata: %s\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)


def start(**usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"usage": usage}}


def begin(index: int = 0, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def piece(index: int = 0, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def end(index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def reason(stop: Any, output_tokens: int = 3) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": output_tokens}}


STOP: dict[str, Any] = {"type": "message_stop"}


def read(raw: bytes, sizes: list[int] | None = None) -> tuple[list[ModelEvent], AnswerReader]:
    reader = AnswerReader()
    events: list[ModelEvent] = []
    at = 0
    for size in sizes or [len(raw)]:
        events += reader.feed(raw[at : at + size])
        at += size
    return events, reader


@pytest.mark.parametrize("name", sorted(file.name for file in STREAMS.glob("*.sse")))
def test_recorded_streams_read_alike_in_all_chunks(name: str) -> None:
    raw = (STREAMS / name).read_bytes()
    whole, reader = read(raw)
    assert isinstance(whole[-1], Stopped) and reader.problem is None
    assert read(raw, [1] * len(raw))[0] == whole
    generator = random.Random(7)
    for _ in range(10):
        sizes = [generator.randint(1, 90) for _ in range(len(raw))]
        assert read(raw, sizes)[0] == whole


def test_thinking_and_tool() -> None:
    events, _ = read((STREAMS / "thinking_and_tool.sse").read_bytes())
    assert [event for event in events if isinstance(event, OpaqueBlock)] == [
        OpaqueBlock(
            {
                "type": "thinking",
                "thinking": "The loop adds up; sum() will do.",
                "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3h",
            }
        ),
        OpaqueBlock({"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/LafPsn4a"}),
    ]
    assert "".join(e.text for e in events if isinstance(e, ThinkingDelta)) == "The loop adds up; sum() will do."
    (finished,) = [event for event in events if isinstance(event, ToolFinished)]
    assert finished.input == {"new_text": '    s = sum(xs)  # "café" \\ 𝒳\n'}
    pieces = [event.json for event in events if isinstance(event, ToolInputDelta)]
    assert json.loads("".join(pieces)) == finished.input
    reports = [event.usage for event in events if isinstance(event, UsageReported)]
    assert reports == [Usage(12, 1, 4096, 310), Usage(12, 89, 4096, 310)]
    assert events[-1] == Stopped("tool_use")


def test_the_summary_of_the_service_goes_back_and_is_counted() -> None:
    events, _ = read((STREAMS / "compaction.sse").read_bytes())
    summary = "So far: the parser was read, two tests fail."
    block = {"type": "compaction", "content": summary, "encrypted_content": "EuYBCkQY"}
    assert [event for event in events if isinstance(event, OpaqueBlock)] == [OpaqueBlock(block)]
    reports = [event.usage for event in events if isinstance(event, UsageReported)]
    assert reports == [Usage(310, 1, 2048, 0), Usage(150_310, 940, 2068, 0)]
    assert events[-1] == Stopped("end_turn")


def test_two_tools_over_crlf() -> None:
    events, _ = read((STREAMS / "two_tools.sse").read_bytes())
    finished = [event for event in events if isinstance(event, ToolFinished)]
    assert [(tool.id, tool.name) for tool in finished] == [
        ("toolu_a", "edit_file"),
        ("toolu_b", "cannot_do"),
        ("toolu_c", "cannot_do"),
    ]
    assert finished[2].input == {"message": "whole at once"}


def test_what_nobody_knows_is_passed_over() -> None:
    events, _ = read((STREAMS / "unknown_kinds.sse").read_bytes())
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Begun. Done."
    assert not any(isinstance(event, ToolStarted | ToolFinished) for event in events)
    assert [event.usage for event in events if isinstance(event, UsageReported)][-1] == Usage(30, 9, 5, 0)


def test_how_long_a_cache_entry_is_kept_is_part_of_the_usage() -> None:
    kept = {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 20}
    usage = {"input_tokens": 7, "cache_creation_input_tokens": 120, "cache_creation": kept}
    events, _ = read(stream(start(**usage), reason("end_turn"), STOP))
    reports = [event.usage for event in events if isinstance(event, UsageReported)]
    assert (reports[-1].cache_write, reports[-1].cache_write_hour, reports[-1].input) == (120, 20, 7)


def test_a_refusal_says_why() -> None:
    events, _ = read((STREAMS / "refusal.sse").read_bytes())
    assert events[-1] == Stopped("refusal", "Claude declined to answer this request. (This could enable harm.)")


TOOL = begin(type="tool_use", id="t", name="edit_file", input={})
BROKEN = {
    "not JSON": b'data: {"type": "ping"\n\n',
    "not an object": b"data: [1]\n\n",
    "not UTF-8": b'data: "\xff"\n\n',
    "nested without end": b"data: " + b"[" * 200_000 + b"\n\n",
    "no type": stream(start()) + b"data: {}\n\n",
    "no start": stream(begin(type="text", text="")),
    "an end without a start": stream(STOP),
    "two starts": stream(start(), start()),
    "an index twice at once": stream(start(), TOOL, TOOL),
    "an index again": stream(start(), TOOL, end(), TOOL),
    "an index that cannot be one": stream(start(), {**TOOL, "index": [1]}),
    "a piece of nothing": stream(start(), piece(type="text_delta", text="x")),
    "an end of nothing": stream(start(), end()),
    "text in a tool": stream(start(), TOOL, piece(type="text_delta", text="x")),
    "JSON in a text": stream(start(), begin(type="text", text=""), piece(type="input_json_delta", partial_json="{")),
    "a piece without words": stream(start(), TOOL, piece(type="input_json_delta")),
    "a piece that is none": stream(start(), TOOL, piece(type="input_json_delta", partial_json=1)),
    "a tool without a name": stream(start(), begin(type="tool_use", id="t")),
    "an open block": stream(start(), TOOL, reason("tool_use"), STOP),
    "a block behind the reason": stream(start(), reason("tool_use"), TOOL),
    "no reason": stream(start(), STOP),
    "a count that is none": stream(start(input_tokens="many")),
    "a count without end": stream(start(input_tokens=float("inf"))),
    "a count below zero": stream(start(), reason("end_turn", output_tokens=-1)),
    "a count that is no number": stream(start(input_tokens=float("nan"))),
    "a stop for tools without one": stream(
        start(), begin(type="text", text=""), piece(type="text_delta", text="Hm."), end(), reason("tool_use"), STOP
    ),
    "a key twice where a tool begins": stream(start(), TOOL).replace(b'"input": {}', b'"input": {"a": 1, "a": 2}'),
    "an error of no kind": stream(start(), {"type": "error"}),
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_broken(raw: bytes) -> None:
    _, reader = read(raw)
    assert isinstance(reader.problem, BadWire)
    assert reader.stopped is None
    assert reader.feed(stream(start(), STOP)) == []


@settings(deadline=None)
@given(st.sampled_from(sorted(STREAMS.glob("*.sse"))), st.data())
def test_a_value_that_should_not_be_there_never_raises(file: Path, data: st.DataObject) -> None:
    lines = file.read_bytes().splitlines()
    number = data.draw(st.sampled_from([at for at, line in enumerate(lines) if line.startswith(b"data: {")]))
    try:
        event = json.loads(lines[number].removeprefix(b"data: "))
    except ValueError:
        return  # one of several lines
    place = event
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not place[key] or not isinstance(place[key], dict) or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(
        st.sampled_from([None, True, -1, 1e400, 0.5, "x", "\ud83d", "tool_use", [], [1], {}, {"a": 1}])
    )
    lines[number] = b"data: " + json.dumps(event).encode()
    events, reader = read(b"\n".join(lines) + b"\n\n")
    assert reader.stopped is None or reader.problem is None
    assert [event for event in events if isinstance(event, Stopped)] == ([reader.stopped] if reader.stopped else [])


def test_an_error_of_the_service_keeps_what_came_before_it() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    events, reader = read(stream(start(), begin(type="text", text=""), piece(type="text_delta", text="Hi"), error))
    assert TextDelta("Hi") in events
    assert isinstance(reader.problem, ServiceError) and reader.problem.reason == "overloaded"


def test_an_unknown_reason_is_not_acted_on() -> None:
    raw = stream(start(), TOOL, piece(type="input_json_delta", partial_json="{}"), end(), reason("because"), STOP)
    events, _ = read(raw)
    stopped = events[-1]
    assert isinstance(stopped, Stopped) and stopped.reason == "failed" and "because" in stopped.message


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("[1]", "not a JSON object"),
        ("1", "not a JSON object"),
        ('{"a": 1', "not JSON"),
        ('{"a": 1} x', "not JSON"),
        ("nonsense", "not JSON"),
        ('{"a": NaN}', "not JSON"),
        ('{"a": [-Infinity]}', "not JSON"),
        ('{"a": 1e999}', "not JSON"),
        ('{"a": 1, "b": 2, "a": 1}', "not JSON (an object has the same key twice)"),
        ('{"a": [{"b": 1, "\\u0062": 2}]}', "not JSON (an object has the same key twice)"),
    ],
)
def test_a_finished_tool_needs_one_strict_object(raw: str, problem: str) -> None:
    events, _ = read(stream(start(), TOOL, piece(type="input_json_delta", partial_json=raw), end()))
    (finished,) = [event for event in events if isinstance(event, ToolFinished)]
    assert finished.input is None and problem in finished.problem


def test_a_number_that_is_none_in_an_input_that_came_whole() -> None:
    events, _ = read(
        stream(start(), {**TOOL, "content_block": {**TOOL["content_block"], "input": {"a": 1e999}}}, end())
    )
    (finished,) = [event for event in events if isinstance(event, ToolFinished)]
    assert finished.input is None and finished.problem


def test_a_tool_that_the_length_limit_cut_has_no_input() -> None:
    """The service closes the block all the same."""
    half = piece(type="input_json_delta", partial_json='{"new_text": "x')
    events, _ = read(stream(start(), TOOL, half, end(), reason("max_tokens"), STOP))
    (finished,) = [event for event in events if isinstance(event, ToolFinished)]
    assert finished.input is None and finished.problem
    assert isinstance(events[-1], Stopped) and events[-1].reason == "max_tokens"


def test_an_event_without_end_is_given_up() -> None:
    reader = AnswerReader()
    for _ in range(MAX_EVENT_BYTES // 65536 + 2):
        reader.feed(b"x" * 65536)
    assert isinstance(reader.problem, BadWire)


def test_splitter_takes_every_line_end() -> None:
    for line_end in (b"\n", b"\r\n"):
        raw = line_end.join(
            [b": hello", b"", b"event: a", b"data: 1", b"", b"data:2", b"data: 3", b"", b"id: 4", b"", b""]
        )
        for size in (1, 2, 3, 100):
            splitter = EventSplitter()
            found = [data for at in range(0, len(raw), size) for data in splitter.feed(raw[at : at + size])]
            assert found == [b" 1", b"2\n 3"]
