"""The loop of an agent on one screen: ask, run the tools, verify, repeat, stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

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
from claude_ls.agent.tools import ToolOutcome

UseTool = Callable[[ToolFinished], Awaitable[ToolOutcome]]
Shorten = Callable[[tuple[Message, ...], bool], tuple[Message, ...]]
"""The conversation, shorter where it is too long, or in any case where it did not fit (True)."""
MAX_CORRECTIONS = 3
MAX_CUTS = 2
"""How often in a row an answer may be cut at its length limit and still be gone on with."""
REPEATED = 3
"""The same uses of tools so often in a row lead nowhere."""
CUT = "Your answer was cut at its length limit; a tool use that was not complete was not run. Go on in smaller steps."


@dataclass(frozen=True)
class Limits:
    """Where a loop ends that does not end by itself. The time is up to whoever runs it, and so is the money.

    With `goes_on`, an answer that was cut at its length limit is gone on with.
    """

    turns: int = 4
    """One answer and three corrections: what is not right by then is not going to be."""
    tool_uses: int = 200
    goes_on: bool = False


@dataclass(frozen=True)
class Conversation:
    """All that was said so far, by both sides, in a form that can be gone on with."""

    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Corrected:
    """What was done does not hold: Claude is told, for the `number`-th time, and tries again."""

    number: int
    words: str


LoopEvent = ModelEvent | Conversation | Corrected


@dataclass
class _Turn:
    """One answer of the model, as far as it has come."""

    blocks: list[Block] = field(default_factory=list)
    uses: list[ToolFinished] = field(default_factory=list)
    stopped: Stopped = field(default_factory=lambda: Stopped("cut"))

    def take(self, event: ModelEvent) -> None:
        match event:
            case TextDelta(text):
                if self.blocks and isinstance(self.blocks[-1], Text):
                    self.blocks[-1] = Text(self.blocks[-1].text + text)
                else:
                    self.blocks.append(Text(text))
            case OpaqueBlock(block):
                self.blocks.append(Opaque(block))
            case ToolFinished():
                self.blocks.append(ToolUse(event.id, event.name, event.input or {}))
                self.uses.append(event)
            case Stopped():
                self.stopped = event

    @property
    def message(self) -> Message:
        return Message("assistant", tuple(self.blocks))

    @property
    def without_uses(self) -> tuple[Message, ...]:
        """What can be gone on with where no tool is to be run: the service takes no use without its result."""
        said = tuple(block for block in self.blocks if isinstance(block, Text) and block.text.strip())
        return (Message("assistant", said),) if said else ()


async def run(
    model: Model,
    request: ModelRequest,
    use_tool: UseTool,
    limits: Limits = Limits(),  # a frozen value
    *,
    verify: Callable[[], Awaitable[str | None]] | None = None,
    shorten: Shorten = lambda messages, did_not_fit: messages,
) -> AsyncGenerator[LoopEvent, None]:
    """The events of all turns in order. Each turn ends with its `Stopped`; the last one says how the loop ended.

    Tools are run only after a turn that stopped to have them run: after a cut, a refusal or a length limit none is.
    What the tools of the last turn did Claude never hears, so where limits end the loop one more `Stopped` says that.
    When Claude is done, `verify` says what does not hold, if anything, and is asked once more after each correction.
    """
    messages, at_once = request.messages, {tool.name for tool in request.tools if tool.reads}
    uses = corrections = cuts = same = 0
    before: list[tuple[str, object]] = []
    for _ in range(limits.turns):
        turn, messages = _Turn(), shorten(messages, False)
        async with aclosing(model.stream(replace(request, messages=messages))) as events:
            async for event in events:
                turn.take(event)
                yield event
        reason = turn.stopped.reason
        cuts = cuts + 1 if reason == "max_tokens" else 0
        if reason == "pause_turn" and turn.blocks and not turn.uses:
            messages = (*messages, turn.message)
        elif reason == "max_tokens" and limits.goes_on and cuts <= MAX_CUTS:
            messages = _with_words((*messages, *turn.without_uses), CUT)
        elif reason == "context_window" and limits.goes_on and (shorter := shorten(messages, True)) != messages:
            messages = shorter
        elif reason == "tool_use" and turn.uses:
            outcomes = await _used(turn.uses, use_tool, at_once)
            results = tuple(
                ToolResult(use.id, outcome.text, outcome.failed)
                for use, outcome in zip(turn.uses, outcomes, strict=True)
            )
            messages = (*messages, turn.message, Message("user", results))
            yield Conversation(messages)
            if all(outcome.ends for outcome in outcomes):
                return
            now: list[tuple[str, object]] = [(use.name, use.input) for use in turn.uses]
            same, before, uses = same + 1 if now == before else 1, now, uses + len(now)
            if same >= REPEATED:
                yield Stopped("turns", f"Claude took the same step {REPEATED} times and got no further.")
                return
            if uses >= limits.tool_uses:
                yield Stopped("turns", f"Claude used its tools {uses} times and was not done.")
                return
        elif reason == "end_turn" and not turn.uses:
            if turn.blocks:
                messages = (*messages, turn.message)
                yield Conversation(messages)
            wrong = await verify() if verify else None
            if wrong is None or corrections == MAX_CORRECTIONS:
                return
            corrections += 1
            yield Corrected(corrections, wrong)
            messages = _with_words(messages, wrong)
        else:
            return
    yield Stopped("turns", f"Claude did not finish within {limits.turns} turns.")


async def _used(uses: Sequence[ToolFinished], use_tool: UseTool, at_once: set[str]) -> list[ToolOutcome]:
    """What became of each. Neighbours that change nothing run at the same time, all others one after the other."""
    outcomes: list[ToolOutcome] = []
    while len(outcomes) < len(uses):
        rest = uses[len(outcomes) :]
        together = next((number for number, use in enumerate(rest) if use.name not in at_once), len(rest))
        if together > 1:
            outcomes += await asyncio.gather(*map(use_tool, rest[:together]))
        else:
            outcomes.append(await use_tool(rest[0]))
    return outcomes


def _with_words(messages: tuple[Message, ...], words: str) -> tuple[Message, ...]:
    """The conversation with `words` said by us: two messages of one side in a row are one."""
    last = messages[-1]
    if last.role == "user":
        return (*messages[:-1], Message("user", (*last.blocks, Text(words))))
    return (*messages, Message("user", (Text(words),)))
