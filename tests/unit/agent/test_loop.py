"""The agent's loop: tools run only when they were asked for in full, and what they say goes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from claude_ls.agent import loop
from claude_ls.agent.compaction import SHARE, shortened, tokens_of
from claude_ls.agent.loop import Limits
from claude_ls.agent.model import (
    Message,
    Model,
    ModelEvent,
    ModelRequest,
    Opaque,
    OpaqueBlock,
    Stopped,
    StopReason,
    Text,
    TextDelta,
    ToolFinished,
    ToolInputDelta,
    ToolResult,
    ToolStarted,
    ToolUse,
)
from claude_ls.agent.scripted import ScriptedModel, read_script
from claude_ls.agent.tools import Tool, ToolOutcome

ASK = Message("user", (Text("ask"),))
REQUEST = ModelRequest("m", (), (Text("Be brief.", cached=True),), (ASK,))
TOOL = "-- claude --\n>>> tool\nn: {}\n"
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s"}


@dataclass
class Tools:
    """Answers each use with the next of `outcomes`, the last one again and again, and notes it."""

    outcomes: list[ToolOutcome] = field(default_factory=lambda: [ToolOutcome("done")])
    used: list[ToolFinished] = field(default_factory=list)

    async def __call__(self, use: ToolFinished) -> ToolOutcome:
        self.used.append(use)
        return self.outcomes[min(len(self.used), len(self.outcomes)) - 1]

    @property
    def inputs(self) -> list[object]:
        return [use.input for use in self.used]


@dataclass
class Recited:
    """A model that gives each request the next list of events as it stands."""

    turns: list[list[ModelEvent]]
    requests: list[ModelRequest] = field(default_factory=list)
    closed: int = 0

    def warm(self) -> None:
        return None

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.requests.append(request)
        try:
            for event in self.turns[len(self.requests) - 1]:
                yield event
        finally:
            self.closed += 1

    async def count(self, request: ModelRequest) -> int | None:
        return None

    async def aclose(self) -> None:
        return None


def play(model: Model, tools: Tools, max_turns: int = Limits().turns) -> list[ModelEvent]:
    async def main() -> list[ModelEvent]:
        return [event async for event in loop.run(model, REQUEST, tools, Limits(max_turns))]

    return asyncio.run(main())


def stops(events: list[ModelEvent]) -> list[StopReason]:
    return [event.reason for event in events if isinstance(event, Stopped)]


def test_words_alone_are_one_turn() -> None:
    model, tools = ScriptedModel(read_script("-- claude --\nHello.\n-- claude --\nmore\n")), Tools()
    assert stops(play(model, tools)) == ["end_turn"]
    assert (model.requests, tools.used) == ([REQUEST], [])


def test_results_go_back_behind_the_uses_in_their_order() -> None:
    script = "-- claude --\nBoth.\n>>> one\nn: 1\n>>> two\nn: 2\n-- claude --\nDone.\n"
    model = ScriptedModel(read_script(script))
    tools = Tools([ToolOutcome("first"), ToolOutcome("not found", failed=True)])
    assert stops(play(model, tools)) == ["tool_use", "end_turn"]
    answer = Message(
        "assistant", (Text("Both."), ToolUse("toolu_0_1", "one", {"n": 1}), ToolUse("toolu_0_2", "two", {"n": 2}))
    )
    results = Message("user", (ToolResult("toolu_0_1", "first"), ToolResult("toolu_0_2", "not found", failed=True)))
    assert model.requests[1].messages == (ASK, answer, results)
    assert model.requests[1].system == REQUEST.system


@pytest.mark.parametrize("stop", ["end_turn", "max_tokens", "refusal", "context_window", "cut", "overloaded", "failed"])
def test_a_tool_runs_only_after_a_stop_to_have_it_run(stop: StopReason) -> None:
    """Even one whose input is whole: what came behind it is missing."""
    whole = ToolFinished("t", "tool", {"n": 1})
    model, tools = Recited([[TextDelta("Well"), whole, Stopped(stop)]]), Tools()
    assert stops(play(model, tools)) == [stop]
    assert (tools.used, len(model.requests)) == ([], 1)


def test_a_tool_that_the_length_limit_cut_is_not_run() -> None:
    half: list[ModelEvent] = [ToolStarted("t", "tool"), ToolInputDelta("t", '{"n": 1')]
    closed = [*half, ToolFinished("t", "tool", None, "its input is not JSON")]
    for events in (half, closed):
        model, tools = Recited([[*events, Stopped("max_tokens")]]), Tools()
        assert stops(play(model, tools)) == ["max_tokens"]
        assert (tools.used, len(model.requests)) == ([], 1)


def test_tools_wait_for_the_end_of_the_turn() -> None:
    tools = Tools()

    async def main() -> None:
        model = ScriptedModel(read_script(TOOL.format(1) + ">>> tool\nn: 2\n-- claude --\nDone.\n"))
        used = [(isinstance(event, Stopped), len(tools.used)) async for event in loop.run(model, REQUEST, tools)]
        first_stop = used.index((True, 0))
        assert not any(count for _, count in used[: first_stop + 1])
        assert [item for item in used if item[0]][-1] == (True, 2)

    asyncio.run(main())


def test_an_input_that_is_no_json_reaches_the_tool_with_its_problem() -> None:
    model, tools = ScriptedModel(read_script("-- claude --\n>>> tool\n= {oops\n-- claude --\nSorry.\n")), Tools()
    play(model, tools)
    (use,) = tools.used
    assert use.input is None and "not JSON" in use.problem
    assert model.requests[1].messages[1] == Message("assistant", (ToolUse(use.id, "tool", {}),))


def test_a_pause_is_answered_with_what_there_is() -> None:
    script = "-- claude --\nHalf\n!pause_turn\n-- claude --\n, whole.\n"
    model, tools = ScriptedModel(read_script(script)), Tools()
    assert stops(play(model, tools)) == ["pause_turn", "end_turn"]
    assert model.requests[1].messages == (ASK, Message("assistant", (Text("Half"),)))


def test_a_pause_with_nothing_said_ends_it() -> None:
    model = ScriptedModel(read_script("-- claude --\n!pause_turn\n-- claude --\nmore\n"))
    assert stops(play(model, Tools())) == ["pause_turn"]


def test_a_pause_behind_a_tool_ends_it() -> None:
    """The tool may not be run, and the service takes no request in which the result of a tool is missing."""
    model, tools = ScriptedModel(read_script(TOOL.format(1) + "!pause_turn\n-- claude --\nmore\n")), Tools()
    assert stops(play(model, tools)) == ["pause_turn"]
    assert tools.used == []


def test_a_stop_for_tools_without_one_ends_it() -> None:
    model = ScriptedModel(read_script("-- claude --\nHm.\n!tool_use\n-- claude --\nmore\n"))
    assert stops(play(model, Tools())) == ["tool_use"]


def test_blocks_of_the_vendor_go_back_where_they_stood() -> None:
    words: list[ModelEvent] = [TextDelta("a"), TextDelta("b"), OpaqueBlock(THOUGHT), TextDelta("c")]
    model = Recited([[*words, ToolFinished("t", "tool", {}), Stopped("tool_use")], [Stopped("end_turn")]])
    play(model, Tools())
    answer = (Text("ab"), Opaque(THOUGHT), Text("c"), ToolUse("t", "tool", {}))
    assert model.requests[1].messages[1] == Message("assistant", answer)


def test_it_ends_when_all_tools_say_so_and_not_before() -> None:
    script = "-- claude --\n>>> one\n>>> two\n-- claude --\n>>> one\n-- claude --\nmore\n"
    model = ScriptedModel(read_script(script))
    ends = ToolOutcome("", ends=True)
    tools = Tools([ToolOutcome("not found", failed=True), ends, ends])
    assert stops(play(model, tools)) == ["tool_use", "tool_use"]
    assert len(tools.used) == 3


@pytest.mark.parametrize("max_turns", [1, 2, Limits().turns])
def test_no_more_turns_than_allowed(max_turns: int) -> None:
    model, tools = ScriptedModel(read_script("".join(map(TOOL.format, range(9))))), Tools()
    events = play(model, tools, max_turns)
    assert stops(events) == [*["tool_use"] * max_turns, "turns"]
    assert events[-1] == Stopped("turns", f"Claude did not finish within {max_turns} turns.")
    assert tools.inputs == [{"n": number} for number in range(max_turns)]
    assert len(model.requests) == max_turns


def test_a_last_turn_that_ends_it_did_not_run_out() -> None:
    script, ends = TOOL.format(1) + TOOL.format(2), ToolOutcome("", ends=True)
    tools = Tools([ToolOutcome("not found", failed=True), ends])
    assert stops(play(ScriptedModel(read_script(script)), tools, 2)) == ["tool_use", "tool_use"]
    pauses = "-- claude --\nHalf\n!pause_turn\n-- claude --\n, whole.\n"
    assert stops(play(ScriptedModel(read_script(pauses)), Tools(), 2)) == ["pause_turn", "end_turn"]
    assert stops(play(ScriptedModel(read_script(pauses)), Tools(), 1)) == ["pause_turn", "turns"]


def test_closing_the_loop_closes_the_model() -> None:
    model = Recited([[TextDelta("a"), TextDelta("b"), Stopped("end_turn")]])

    async def main() -> None:
        events = loop.run(model, REQUEST, Tools())
        assert await anext(events) == TextDelta("a")
        assert model.closed == 0
        await events.aclose()
        assert model.closed == 1

    asyncio.run(main())


LONG = Limits(20, goes_on=True)


def played(script: str, tools: Tools, limits: Limits = LONG, **more: Any) -> tuple[list[Any], ScriptedModel]:
    model = ScriptedModel(read_script(script))
    request = replace(REQUEST, tools=(Tool("look", "", {"type": "object"}, reads=True), Tool("tool", "", {})))

    async def main() -> list[Any]:
        return [event async for event in loop.run(model, request, tools, limits, **more)]

    return asyncio.run(main()), model


def test_tools_that_change_nothing_run_at_the_same_time_and_others_alone() -> None:
    running: set[str] = set()
    seen: list[frozenset[str]] = []

    class Slow(Tools):
        async def __call__(self, use: ToolFinished) -> ToolOutcome:
            running.add(use.id)
            for _ in range(3):
                await asyncio.sleep(0)
            seen.append(frozenset(running))
            running.discard(use.id)
            return ToolOutcome(use.name)

    script = "-- claude --\n" + "".join(f">>> {name}\nn: 1\n" for name in ("look", "look", "tool", "look", "tool"))
    events, model = played(script + "-- claude --\nDone.\n", Slow())
    assert stops(events) == ["tool_use", "end_turn"]
    assert sorted(len(item) for item in seen) == [1, 1, 1, 1, 2]
    results = model.requests[1].messages[-1].blocks
    assert [result.text for result in results if isinstance(result, ToolResult)] == [
        "look", "look", "tool", "look", "tool",
    ]  # fmt: skip


def test_the_same_step_three_times_ends_it() -> None:
    events, model = played("-- claude --\n>>> tool\nn: 1\n" * 3, Tools())
    assert events[-1] == Stopped("turns", "Claude took the same step 3 times and got no further.")
    other = TOOL.format(1) + TOOL.format(2) + TOOL.format(1) + TOOL.format(1) + "-- claude --\nDone.\n"
    assert stops(played(other, Tools())[0])[-1] == "end_turn"
    assert len(model.requests) == 3


def test_so_many_uses_and_no_more() -> None:
    script = "".join(TOOL.format(number) for number in range(9))
    events, model = played(script, Tools(), Limits(20, tool_uses=3))
    assert events[-1] == Stopped("turns", "Claude used its tools 3 times and was not done.")
    assert len(model.requests) == 3


def test_an_answer_cut_at_its_length_is_gone_on_with_without_half_a_tool_use() -> None:
    script = "-- claude --\nFirst words\n>>> tool\nn: 1\n!max_tokens\n-- claude --\nand the rest.\n"
    tools = Tools()
    events, model = played(script, tools)
    assert stops(events) == ["max_tokens", "end_turn"] and not tools.used
    assert model.requests[1].messages[1:] == (
        Message("assistant", (Text("First words"),)),
        Message("user", (Text(loop.CUT),)),
    )
    # Not for ever, and not where a job is one answer.
    assert stops(played("-- claude --\nwords\n!max_tokens\n" * 3, Tools())[0]) == ["max_tokens"] * 3
    assert stops(played("-- claude --\nwords\n!max_tokens\n", Tools(), Limits(4))[0]) == ["max_tokens"]


def test_what_does_not_hold_is_told_three_times_and_then_left() -> None:
    said: list[str] = []

    async def verify() -> str | None:
        said.append(f"wrong {len(said)}")
        return said[-1]

    events, model = played("-- claude --\nDone.\n" * 4, Tools(), verify=verify)
    assert [event.number for event in events if isinstance(event, loop.Corrected)] == [1, 2, 3]
    assert said == ["wrong 0", "wrong 1", "wrong 2", "wrong 3"]
    assert model.requests[3].messages[-1] == Message("user", (Text("wrong 2"),))

    async def held() -> str | None:
        return None

    assert stops(played("-- claude --\nDone.\n", Tools(), verify=held)[0]) == ["end_turn"]


def test_a_conversation_of_a_hundred_turns_stays_within_its_window() -> None:
    window = 20_000
    script = "".join(TOOL.format(number) for number in range(99)) + "-- claude --\nDone.\n"
    tools = Tools([ToolOutcome("x" * 3_500)])

    def shorten(messages: tuple[Message, ...], did_not_fit: bool) -> tuple[Message, ...]:
        return shortened(messages) if did_not_fit or tokens_of(messages) > SHARE * window else messages

    events, model = played(script, tools, Limits(100), shorten=shorten)
    assert stops(events) == ["tool_use"] * 99 + ["end_turn"] and len(tools.used) == 99
    assert all(tokens_of(request.messages) < window for request in model.requests)
    # It is shortened seldom, since the cache has to be filled again each time.
    prefixes = [request.messages[:-2] for request in model.requests]
    same = sum(prefix == before.messages for prefix, before in zip(prefixes[1:], model.requests, strict=False))
    assert same >= 80
    # The service takes no use without its result, whatever was left out.
    for request in model.requests:
        uses = [block.id for message in request.messages for block in message.blocks if isinstance(block, ToolUse)]
        results = [
            block.id for message in request.messages for block in message.blocks if isinstance(block, ToolResult)
        ]
        assert uses == results


def test_what_did_not_fit_is_shortened_and_asked_once_more() -> None:
    script = TOOL.format(1) + "-- claude --\n!context_window\n-- claude --\nDone.\n"
    asked: list[bool] = []

    def shorten(messages: tuple[Message, ...], did_not_fit: bool) -> tuple[Message, ...]:
        asked.append(did_not_fit)
        return messages[:1] if did_not_fit else messages

    events, model = played(script, Tools(), shorten=shorten)
    assert stops(events) == ["tool_use", "context_window", "end_turn"]
    assert asked == [False, False, True, False] and model.requests[2].messages == (ASK,)
    # Where nothing can be left out, that is the end.
    events, _ = played("-- claude --\n!context_window\n", Tools())
    assert stops(events) == ["context_window"]
