"""What every `Model` does, whoever plays it: `test_model_contract.py` holds the scripted and the real one to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from claude_ls.agent.model import (
    Asking,
    Message,
    Model,
    ModelEvent,
    ModelRequest,
    OpaqueBlock,
    Stopped,
    Text,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolInputDelta,
    ToolStarted,
    UsageReported,
)
from claude_ls.agent.scripted import Turn, read_turn
from claude_ls.agent.tools import CANNOT_DO, EDIT_FILE, REWRITE_REGION

MakeModel = Callable[[tuple[Turn, ...]], AbstractAsyncContextManager[Model]]
Story = list[tuple[str, ...]]


def request(words: str = "make it better") -> ModelRequest:
    return ModelRequest(
        model="claude-sonnet-5-5",
        tools=(REWRITE_REGION, EDIT_FILE, CANNOT_DO),
        system=(Text("Be brief.", cached=True),),
        messages=(Message("user", (Text("x = 1", cached=True), Text(words))),),
    )


async def events_of(model: Model, asked: ModelRequest | None = None) -> list[ModelEvent]:
    return [event async for event in model.stream(asked or request())]


def story(events: list[ModelEvent]) -> Story:
    """What happened, without what may differ: ids, the cutting into pieces, counts, and blocks of the vendor's."""
    told: Story = []
    for event in events:
        match event:
            case TextDelta(text):
                line: tuple[str, ...] = ("says", text)
            case ThinkingDelta(text):
                line = ("thinks", text)
            case ToolStarted():
                line = ("uses", event.name)
            case ToolInputDelta():
                line = ("writes", event.json)
            case ToolFinished():
                line = ("used", event.name, repr(event.input))
            case Stopped():
                line = ("stopped", event.reason)
            case UsageReported() | OpaqueBlock() | Asking():
                continue
            case _:
                line = (repr(event),)
        if told and len(line) == 2 and line[0] == told[-1][0] in ("says", "thinks", "writes"):
            told[-1] = (line[0], told[-1][1] + line[1])
        else:
            told.append(line)
    return told


def well_formed(events: list[ModelEvent]) -> None:
    """The rules of every stream, whatever went wrong in it."""
    assert [type(event) for event in events].count(Stopped) == 1
    stopped = events[-1]
    assert isinstance(stopped, Stopped)
    assert "\n" not in stopped.message and stopped.message.isprintable() and len(stopped.message) < 600
    if stopped.reason not in ("end_turn", "tool_use"):
        assert stopped.message, stopped.reason
    open_tools: dict[str, str] = {}
    for event in events:
        if isinstance(event, ToolStarted):
            assert event.id not in open_tools
            open_tools[event.id] = ""
        elif isinstance(event, ToolInputDelta):
            open_tools[event.id] += event.json
        elif isinstance(event, ToolFinished):
            assert event.id in open_tools
            del open_tools[event.id]


STORIES: dict[str, tuple[str, Story]] = {
    "text": ("One — 𝒳.\n\nTwo.\n", [("says", "One — 𝒳.\n\nTwo."), ("stopped", "end_turn")]),
    "thinking": ("~ hm, é\nYes.\n", [("thinks", "hm, é"), ("says", "Yes."), ("stopped", "end_turn")]),
    "one tool": (
        ">>> rewrite_region\nnew_text:\n|  s = 1\n",
        [
            ("uses", "rewrite_region"),
            ("writes", '{"new_text": "  s = 1"}'),
            ("used", "rewrite_region", "{'new_text': '  s = 1'}"),
            ("stopped", "tool_use"),
        ],
    ),
    "several tools": (
        'Both.\n>>> cannot_do\nmessage: no\n>>> rewrite_region\n= {"new_text": "\\ud83d\\ude00"}\n',
        [
            ("says", "Both."),
            ("uses", "cannot_do"),
            ("writes", '{"message": "no"}'),
            ("used", "cannot_do", "{'message': 'no'}"),
            ("uses", "rewrite_region"),
            ("writes", '{"new_text": "\\ud83d\\ude00"}'),
            ("used", "rewrite_region", "{'new_text': '😀'}"),
            ("stopped", "tool_use"),
        ],
    ),
    "a tool that is not JSON": (
        ">>> rewrite_region\n= {nonsense\n",
        [
            ("uses", "rewrite_region"),
            ("writes", "{nonsense"),
            ("used", "rewrite_region", "None"),
            ("stopped", "tool_use"),
        ],
    ),
    "a tool with a key twice": (
        '>>> rewrite_region\n= {"new_text": "a", "new_text": "b"}\n',
        [
            ("uses", "rewrite_region"),
            ("writes", '{"new_text": "a", "new_text": "b"}'),
            ("used", "rewrite_region", "None"),
            ("stopped", "tool_use"),
        ],
    ),
    "nothing": ("", [("stopped", "end_turn")]),
    "cut in a text": ("Half\n!cut\n", [("says", "Half"), ("stopped", "cut")]),
    "cut in a tool": (
        '>>> rewrite_region\n= {"new_text": "123456"}\n!cut\n',
        [("uses", "rewrite_region"), ("writes", '{"new_text": "'), ("stopped", "cut")],
    ),
    "refusal": ("Well\n!refusal\n", [("says", "Well"), ("stopped", "refusal")]),
    "max tokens": ("Well\n!max_tokens\n", [("says", "Well"), ("stopped", "max_tokens")]),
    "context window": ("!context_window\n", [("stopped", "context_window")]),
    "pause": ("Well\n!pause_turn\n", [("says", "Well"), ("stopped", "pause_turn")]),
    "unauthorized": ("!unauthorized\n", [("stopped", "unauthorized")]),
    "overloaded": ("!overloaded\n", [("stopped", "overloaded")]),
    "overloaded in the middle": ("Well\n!overloaded\n", [("says", "Well"), ("stopped", "overloaded")]),
    "rejected": ("!rejected\n", [("stopped", "rejected")]),
    "bad response": ("!bad_response\n", [("stopped", "bad_response")]),
    "failed": ("!failed\n", [("stopped", "failed")]),
}


async def tells_the_story(make: MakeModel, name: str) -> None:
    script, expected = STORIES[name]
    # A second turn shows that the first was used up, by one request and whatever retries that took.
    async with make((read_turn(script), read_turn("next\n"))) as model:
        events = await events_of(model)
        well_formed(events)
        assert story(events) == expected
        assert story(await events_of(model, request("again"))) == [("says", "next"), ("stopped", "end_turn")]


async def reports_usage(make: MakeModel) -> None:
    async with make((read_turn("Some words.\n"),)) as model:
        reports = [event.usage for event in await events_of(model) if isinstance(event, UsageReported)]
    assert reports[0].input > 0
    assert reports[-1].input == reports[0].input and reports[-1].output > 0


async def counts_what_it_then_reports(make: MakeModel) -> None:
    asked = request("some more words than that")
    async with make((read_turn("Some words.\n"),)) as model:
        counted = await model.count(asked)
        # Nothing was asked by it: the turn is still there, and is sent as many tokens as had been counted.
        reports = [event.usage for event in await events_of(model, asked) if isinstance(event, UsageReported)]
        assert counted == reports[0].input
        more = await model.count(request("some more words than that" * 100))
    assert counted is not None and more is not None and more > counted + 500


async def streams_in_parallel(make: MakeModel) -> None:
    turns = tuple(read_turn(f"answer {number} " + "x" * 400 + "\n") for number in range(8))
    async with make(turns) as model:
        model.warm()
        answers = await asyncio.gather(*(events_of(model, request(str(number))) for number in range(8)))
    for events in answers:
        well_formed(events)
    words = sorted(told[0][1][:8] for told in map(story, answers))
    assert words == [f"answer {number}" for number in range(8)]


async def may_be_closed_at_any_event(make: MakeModel) -> None:
    turn = read_turn("Words\n>>> rewrite_region\nnew_text: abcdef\n")
    for taken in range(1, 8):
        async with make((turn, turn)) as model:
            stream = model.stream(request())
            for _ in range(taken):
                await anext(stream)
            await stream.aclose()
            # What was closed leaves the model as good as new.
            assert story(await events_of(model, request("again")))[-1] == ("stopped", "tool_use")


async def may_be_cancelled(make: MakeModel) -> None:
    async with make((read_turn("Words " * 50 + "\n"), read_turn("next\n"))) as model:
        begun = asyncio.Event()

        async def read() -> None:
            async for event in model.stream(request()):
                if isinstance(event, TextDelta):
                    begun.set()
                    await asyncio.Event().wait()

        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        assert await asyncio.gather(task, return_exceptions=True) != [None]
        assert task.cancelled()
        assert story(await events_of(model, request("again"))) == [("says", "next"), ("stopped", "end_turn")]


async def ends_without_a_turn(make: MakeModel) -> None:
    async with make((read_turn("one\n"),)) as model:
        await events_of(model)
        events = await events_of(model, request("again"))
    well_formed(events)
    assert story(events)[-1][0] == "stopped" and story(events)[-1][1] in ("failed", "rejected")


async def closes_unused_and_twice(make: MakeModel) -> None:
    async with make((read_turn("one\n"),)) as model:
        await model.aclose()
        model.warm()
        await model.aclose()


CHECKS = (
    reports_usage,
    counts_what_it_then_reports,
    streams_in_parallel,
    may_be_closed_at_any_event,
    may_be_cancelled,
    ends_without_a_turn,
    closes_unused_and_twice,
)
