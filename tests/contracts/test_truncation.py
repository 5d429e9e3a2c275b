"""A stream may end after any byte: what was read until then is the beginning of the whole, and no tool is half."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_ls.agent import failure
from claude_ls.agent.model import ModelEvent, Stopped, ToolFinished, ToolStarted
from claude_ls.agent.wire import AnswerReader
from contracts.model_contract import events_of, well_formed
from contracts.models import PATIENT, replayed, run

STREAMS = {file.stem: file.read_bytes() for file in (Path(__file__).parents[2] / "fixtures" / "streams").glob("*.sse")}
RECORDINGS = pytest.mark.parametrize("raw", STREAMS.values(), ids=STREAMS.keys())


def complete_events(raw: bytes) -> list[tuple[int, dict[str, Any]]]:
    """Each event and the byte behind the empty line that ends it, found by another way than the reader's."""
    ends = [match.end() for match in re.finditer(rb"\r\n\r\n|\n\n", raw)]
    found = []
    for start, end in pairwise([0, *ends]):
        data = [line[5:] for line in raw[start:end].splitlines() if line.startswith(b"data:")]
        if data:
            found.append((end, json.loads(b"".join(data))))
    return found


class Expected:
    """What a prefix of a recording may tell."""

    def __init__(self, raw: bytes) -> None:
        self.ends = [end for end, _ in complete_events(raw)]
        self._starts = [end for end, event in complete_events(raw) if event["type"] == "message_start"]
        ids: dict[int, str] = {}
        self._closed: list[tuple[int, str]] = []
        for end, event in complete_events(raw):
            if event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use":
                ids[event["index"]] = event["content_block"]["id"]
            elif event["type"] == "content_block_stop" and event["index"] in ids:
                self._closed.append((end, ids[event["index"]]))

    def tools(self, place: int) -> list[str]:
        """Those whose `content_block_stop` is inside the prefix."""
        return [identity for end, identity in self._closed if end <= place]

    def reason(self, place: int) -> str:
        return "cut" if self._starts[0] <= place else "bad_response"


def tools(events: list[ModelEvent]) -> list[str]:
    return [event.id for event in events if isinstance(event, ToolFinished)]


def read(chunks: list[bytes]) -> tuple[list[ModelEvent], AnswerReader]:
    reader = AnswerReader()
    return [event for chunk in chunks for event in reader.feed(chunk)], reader


def cut_up(raw: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    return [raw[start:end] for start, end in pairwise(bounds)]


@RECORDINGS
def test_a_stream_that_ends_after_any_byte(raw: bytes) -> None:
    whole, _ = read([raw])
    expected = Expected(raw)
    for place in range(len(raw)):
        events, reader = read([raw[:place]])
        assert events == whole[: len(events)], place
        assert tools(events) == expected.tools(place), place
        assert reader.problem is None and reader.stopped is None, place
        assert failure.of_end(reader).stopped.reason == expected.reason(place), place


@settings(deadline=None)
@given(st.sampled_from(sorted(STREAMS)), st.integers(0), st.lists(st.integers(0), max_size=60))
def test_where_the_pieces_end_changes_nothing(name: str, length: int, places: list[int]) -> None:
    prefix = STREAMS[name][: length % (len(STREAMS[name]) + 1)]
    assert read(cut_up(prefix, places))[0] == read([prefix])[0]


@settings(deadline=None)
@given(st.sampled_from(sorted(STREAMS)), st.integers(0), st.binary(min_size=1, max_size=3), st.lists(st.integers(0)))
def test_bytes_that_went_wrong_never_raise(name: str, place: int, wrong: bytes, places: list[int]) -> None:
    raw = STREAMS[name]
    place %= len(raw)
    damaged = raw[:place] + wrong + raw[place + len(wrong) :]
    events, reader = read(cut_up(damaged, places))
    started = [event.id for event in events if isinstance(event, ToolStarted)]
    assert all(event.id in started for event in events if isinstance(event, ToolFinished))
    assert [event for event in events if isinstance(event, Stopped)] == ([reader.stopped] if reader.stopped else [])
    assert reader.stopped is None or reader.problem is None


@RECORDINGS
def test_a_connection_that_ends_behind_any_event(raw: bytes) -> None:
    """And one byte before, where an event is whole in all but its end, and one behind, where the next has begun."""
    expected = Expected(raw)
    places = [place + by for place in expected.ends for by in (-1, 0, 1) if place + by < len(raw)]
    faults = [f"{number}:eof@b{place}" for number, place in enumerate(places, 1)]

    async def main() -> None:
        async with replayed(raw=[raw], faults=faults, patience=replace(PATIENT, tries=1)) as (model, server, _):
            for number, place in enumerate(places, 1):
                events = await events_of(model)
                well_formed(events)
                stopped = events[-1]
                assert isinstance(stopped, Stopped) and stopped.reason == expected.reason(place), place
                assert tools(events) == expected.tools(place), place
                assert len(server.requests) == number
            assert await events_of(model) == read([raw])[0]

    run(main())
