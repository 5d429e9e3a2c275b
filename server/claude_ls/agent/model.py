"""What a model is to us: a request goes in, events come out, and nothing is ever raised.

A failed stream ends with `Stopped` like any other; its `reason` is one of a closed list and its `message` is written
for the person at the keyboard. Every stream ends with exactly one `Stopped`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from claude_ls.agent.tools import Tool
from claude_ls.agent.usage import Usage
from claude_ls.config import Effort, Thinking

StopReason = Literal[
    "end_turn",  # Claude finished its answer
    "tool_use",  # Claude waits for the results of its tools
    "max_tokens",  # the answer was cut by its length limit
    "refusal",  # Claude declined; what came before must not be used
    "pause_turn",  # the service paused a long turn
    "context_window",  # the conversation no longer fits
    "cut",  # the connection ended before the answer did
    "turns",  # the loop allows no further turn, and Claude was not done; no model says it
    "budget",  # the next turn would cost more than is left of a budget, and was not sent; no model says it
    "no_key",  # no credentials
    "unauthorized",  # credentials that the service does not accept
    "overloaded",  # the service is busy, and stayed so over all retries
    "rejected",  # the service calls the request invalid
    "unreachable",  # no connection
    "bad_response",  # the service answers, but not with the Messages API
    "failed",  # anything else
]
COMPLETE: frozenset[StopReason] = frozenset({"end_turn", "tool_use"})
"""The stops after which what was streamed may be acted on in full."""


@dataclass(frozen=True)
class Text:
    """Words, from either side. `cached` marks the end of a prefix worth caching."""

    text: str
    cached: bool = False


@dataclass(frozen=True)
class ToolUse:
    """Claude's wish to use a tool, with its complete input."""

    id: str
    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True)
class ToolResult:
    """What the tool said."""

    id: str
    text: str
    failed: bool = False


@dataclass(frozen=True)
class Opaque:
    """A block only the vendor understands (thinking, mostly), to be sent back byte for byte."""

    block: Mapping[str, Any]


Block = Text | ToolUse | ToolResult | Opaque


@dataclass(frozen=True)
class Message:
    role: Literal["user", "assistant"]
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class ModelRequest:
    """One turn to be answered. What comes first here comes first on the wire, so that prefixes can be cached."""

    model: str
    tools: tuple[Tool, ...]
    system: tuple[Text, ...]
    messages: tuple[Message, ...]
    must_use_tool: bool = False
    effort: Effort | None = None
    thinking: Thinking = "adaptive"
    max_tokens: int = 16_384
    compact_at: int | None = None
    """From so many tokens on, the service may put a summary of its own in the place of what was said before."""


@dataclass(frozen=True)
class TextDelta:
    text: str


@dataclass(frozen=True)
class ThinkingDelta:
    """Claude is thinking; `text` may be empty where the service does not show it."""

    text: str


@dataclass(frozen=True)
class ToolStarted:
    id: str
    name: str


@dataclass(frozen=True)
class ToolInputDelta:
    """The next piece of a tool's input, as unfinished JSON."""

    id: str
    json: str


@dataclass(frozen=True)
class ToolFinished:
    """The tool's input is complete. `input` is None where it is not a valid JSON object; `problem` then says why."""

    id: str
    name: str
    input: Mapping[str, Any] | None
    problem: str = ""


@dataclass(frozen=True)
class OpaqueBlock:
    """A finished block to be sent back unchanged with the next turn: a thought, or the service's own summary."""

    block: Mapping[str, Any]


@dataclass(frozen=True)
class UsageReported:
    """The turn's usage up to now; a later report replaces an earlier one."""

    usage: Usage


@dataclass(frozen=True)
class Asking:
    """The request goes out now: about so many tokens, for about so many US dollars (None: the price is not known)."""

    tokens: int
    cost: float | None


@dataclass(frozen=True)
class Retrying:
    """The request failed before anything was answered, and goes out again in `seconds`."""

    seconds: float
    why: str


@dataclass(frozen=True)
class Stopped:
    reason: StopReason
    message: str = ""


ModelEvent = (
    TextDelta
    | ThinkingDelta
    | ToolStarted
    | ToolInputDelta
    | ToolFinished
    | OpaqueBlock
    | UsageReported
    | Asking
    | Retrying
    | Stopped
)


class Model(Protocol):
    """The port to a model. Closing the iterator (or cancelling its task) stops the work and the billing."""

    def warm(self) -> None:
        """Prepare for the first request, if that takes time."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]: ...

    async def count(self, request: ModelRequest) -> int | None:
        """How many tokens `request` has, as whoever answers it counts them; None where that cannot be known."""
        ...

    async def aclose(self) -> None: ...


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; `ValueError` where a key stands twice, which readers take differently."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def finished_tool(identity: str, name: str, raw: str) -> ToolFinished:
    """The event for a whole tool input: strictly read, since half an input must never be acted on.

    Nor is what JSON does not have (NaN, infinity) or does not settle (a key that stands twice).
    """
    try:
        value = json.loads(raw or "{}", object_pairs_hook=each_once)
        json.dumps(value, allow_nan=False)
    except ValueError as error:
        return ToolFinished(identity, name, None, f"its input is not JSON ({error})")
    if not isinstance(value, dict):
        return ToolFinished(identity, name, None, "its input is not a JSON object")
    return ToolFinished(identity, name, value)


SAID_ON_STOP: Mapping[StopReason, str] = {
    "max_tokens": "Claude's answer was cut at its length limit.",
    "refusal": "Claude declined to answer this request.",
    "pause_turn": "The service paused the answer.",
    "context_window": "The conversation no longer fits into the model's context window.",
    "cut": "The connection to Claude broke before the answer was complete.",
    "turns": "Claude did not finish within the turns that it may take.",
    "budget": "The budget does not allow the next turn: raise `budget.job` or `budget.day`.",
    "no_key": "No API key: set ANTHROPIC_API_KEY, or run `claude-ls check` to see what is missing.",
    "unauthorized": "The API key was not accepted: run `claude-ls check`.",
    "overloaded": "Claude is overloaded at the moment. Try again in a minute.",
    "rejected": "The service rejected the request.",
    "unreachable": "Claude cannot be reached: check the network, or ANTHROPIC_BASE_URL.",
    "bad_response": "The endpoint does not speak the Messages API: check ANTHROPIC_BASE_URL.",
    "failed": "The request to Claude failed.",
}
"""What a person is told when a stream ends without a finished answer."""
