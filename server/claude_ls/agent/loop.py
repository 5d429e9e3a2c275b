"""The loop of an agent on one screen: ask, run the tools, repeat, stop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from claude_ls.agent.model import (
    Block,
    Message,
    Model,
    ModelEvent,
    ModelRequest,
    Opaque,
    OpaqueBlock,
    Stopped,
    Text,
    TextDelta,
    ToolFinished,
    ToolResult,
    ToolUse,
)

MAX_TURNS = 4
"""One answer and three corrections: what is not right by then is not going to be."""


@dataclass(frozen=True)
class ToolOutcome:
    """What a tool did, in words for Claude. With `ends` there is nothing left to say back."""

    text: str
    failed: bool = False
    ends: bool = False


@dataclass(frozen=True)
class Conversation:
    """All that was said so far, by both sides, in a form that can be gone on with."""

    messages: tuple[Message, ...]


async def run(
    model: Model,
    request: ModelRequest,
    use_tool: Callable[[ToolFinished], Awaitable[ToolOutcome]],
    max_turns: int = MAX_TURNS,
) -> AsyncGenerator[ModelEvent | Conversation, None]:
    """The events of all turns in order. Each turn ends with its `Stopped`; the last one says how the loop ended.

    Behind each turn that came to its end stands the `Conversation` so far.

    Tools are run only after a turn that stopped to have them run: after a cut, a refusal or a length limit none is.
    What the tools of the last turn did Claude never hears, so where turns run out one more `Stopped` says that.
    """
    messages = request.messages
    for _ in range(max_turns):
        blocks: list[Block] = []
        uses: list[ToolFinished] = []
        stopped = Stopped("cut")
        async with aclosing(model.stream(replace(request, messages=messages))) as events:
            async for event in events:
                match event:
                    case TextDelta(text):
                        if blocks and isinstance(blocks[-1], Text):
                            blocks[-1] = Text(blocks[-1].text + text)
                        else:
                            blocks.append(Text(text))
                    case OpaqueBlock(block):
                        blocks.append(Opaque(block))
                    case ToolFinished():
                        blocks.append(ToolUse(event.id, event.name, event.input or {}))
                        uses.append(event)
                    case Stopped():
                        stopped = event
                yield event
        # A paused turn with a use cannot go on: the service takes no use without its result.
        if stopped.reason == "pause_turn" and blocks and not uses:
            messages = (*messages, Message("assistant", tuple(blocks)))
            continue
        if stopped.reason != "tool_use" or not uses:
            if stopped.reason == "end_turn" and blocks and not uses:
                yield Conversation((*messages, Message("assistant", tuple(blocks))))
            return
        outcomes = [(use, await use_tool(use)) for use in uses]
        results = tuple(ToolResult(use.id, outcome.text, outcome.failed) for use, outcome in outcomes)
        messages = (*messages, Message("assistant", tuple(blocks)), Message("user", results))
        yield Conversation(messages)
        if all(outcome.ends for _, outcome in outcomes):
            return
    yield Stopped("turns", f"Claude did not finish within {max_turns} turns.")
