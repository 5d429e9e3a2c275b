"""A model that plays a script: for tests, demonstrations and the tests of editor clients.

A script is a text of sections; each ``-- claude --`` section is one turn of the model::

    -- claude --
    ~ a thought, one line each
    Plain lines are what Claude says.
    >>> edit_file
    path: total.py
    edits.0.line: 3
    edits.0.old_text:
    |    s = 0
    edits.0.new_text:
    |    s = 1
    !cut

``>>> name`` starts a use of a tool. Below it, ``key: value`` gives one input (JSON where it parses, else the words
themselves), and a bare ``key:`` takes the ``|`` lines that follow, every blank of them, joined by newlines; without any
it is the empty text. Dots reach into lists and objects. A line that starts with ``=`` is the input's JSON as it stands,
valid or not. ``!reason`` ends the turn with one of the reasons of `claude_ls.agent.model.StopReason`; what stands above
it is streamed first, and nothing may stand below it. A tool that is open when ``!cut`` comes is cut in the middle of
its input. Line breaks may be those of Windows.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

from claude_ls.agent.model import (
    SAID_ON_STOP,
    ModelEvent,
    ModelRequest,
    Stopped,
    StopReason,
    Text,
    TextDelta,
    ThinkingDelta,
    ToolInputDelta,
    ToolResult,
    ToolStarted,
    UsageReported,
    finished_tool,
)
from claude_ls.agent.usage import Usage, estimated_tokens

_SECTION = re.compile(r"^-- (.+?) --[ \t]*\r?\n", re.MULTILINE)
# Turns and budgets run out around a model, never in it.
_STOPS = tuple(reason for reason in get_args(StopReason) if reason not in ("turns", "budget"))


class ScriptError(ValueError):
    """A script that cannot be read; the message names the line."""


@dataclass(frozen=True)
class Say:
    text: str


@dataclass(frozen=True)
class Think:
    text: str


@dataclass(frozen=True)
class Use:
    """A use of a tool; `json` is its input as it goes over the wire."""

    name: str
    json: str


@dataclass(frozen=True)
class Turn:
    """What the model answers to one request."""

    parts: tuple[Say | Think | Use, ...]
    stop: StopReason


def read_sections(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The text above the first ``-- name --`` line, and then each name with what stands below it."""
    pieces = _SECTION.split(text)
    return pieces[0], list(zip(pieces[1::2], pieces[2::2], strict=True))


def read_script(text: str) -> tuple[Turn, ...]:
    """The turns of a script; `ScriptError` where it cannot be read or has none."""
    why, sections = read_sections(text)
    turns: list[Turn] = []
    above = why.count("\n")
    for name, body in sections:
        above += 1
        if name == "claude":
            turns.append(read_turn(body, above))
        above += body.count("\n")
    if not turns:
        raise ScriptError("the script has no `-- claude --` section, so the model would have nothing to say")
    return tuple(turns)


def read_turn(body: str, above: int = 0) -> Turn:
    """The turn of one section; `above` is how many lines stand above it in the file, for what `ScriptError` says."""
    parts: list[Say | Think | Use] = []
    said: list[str] = []
    lines = iter(enumerate(body.replace("\r\n", "\n").split("\n"), above + 1))
    pending: list[tuple[int, str]] = []
    stop: StopReason | None = None

    def finish_saying() -> None:
        words = "\n".join(said).strip("\n")
        if words:
            parts.append(Say(words))
        said.clear()

    def next_line() -> tuple[int, str] | None:
        return pending.pop() if pending else next(lines, None)

    while (numbered := next_line()) is not None:
        number, line = numbered
        if stop is not None and line.strip():
            raise ScriptError(f"line {number}: `!{stop}` ended the turn already, so this would never be played")
        if line.startswith(">>> "):
            finish_saying()
            fields: list[tuple[int, str]] = []
            while (following := next_line()) is not None:
                if following[1].startswith((">>> ", "!", "~ ")):
                    pending.append(following)
                    break
                fields.append(following)
            parts.append(Use(line[4:].strip(), _tool_json(fields)))
        elif line.startswith("~ "):
            finish_saying()
            parts.append(Think(line[2:]))
        elif line.startswith("!"):
            reason = line[1:].strip()
            if reason not in _STOPS:
                raise ScriptError(f"line {number}: {reason!r} is not a way to stop: {', '.join(_STOPS)}")
            stop = reason  # type: ignore[assignment]  # checked on the line above
        else:
            said.append(line)
    finish_saying()
    used_tool = any(isinstance(part, Use) for part in parts)
    return Turn(tuple(parts), stop or ("tool_use" if used_tool else "end_turn"))


def _tool_json(lines: Iterable[tuple[int, str]]) -> str:
    root: dict[str, Any] = {}
    parent: Any = root
    key = ""
    taken: list[str] | None = None
    for number, line in lines:
        if line.startswith("="):
            return line[1:].strip()
        if line.startswith("|"):
            if taken is None:
                raise ScriptError(f"line {number}: `|` lines need a `key:` line above them")
            taken.append(line[1:])
            parent[key] = "\n".join(taken)
        elif line.strip():
            path, colon, value = (part.strip() for part in line.partition(":"))
            if not colon:
                raise ScriptError(f"line {number}: expected `key: value`, `key:` or `|text`, found {line!r}")
            *outer, key = path.split(".")
            parent = root
            for name in outer:
                parent = parent.setdefault(name, {}) if isinstance(parent, dict) else None
            if not isinstance(parent, dict) or key in parent:
                raise ScriptError(f"line {number}: {path!r} has no place: a value stands above it already")
            taken = None if value else []
            parent[key] = _value(value) if value else ""
    return json.dumps(_lists(root), ensure_ascii=False)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _lists(value: Any) -> Any:
    """Objects whose keys are all numbers are lists."""
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(item) for key, item in value.items()}
    return list(inner.values()) if inner and all(key.isdigit() for key in inner) else inner


Chunking = Callable[[str], Iterator[str]]
"""Cuts what the model says into the pieces in which it arrives."""


def by_tokens(text: str) -> Iterator[str]:
    """Pieces of four characters: about a token each."""
    return (text[at : at + 4] for at in range(0, len(text), 4))


def by_chance(seed: int) -> Chunking:
    """Pieces of 1 to 12 characters, the same ones for the same seed."""
    generator = random.Random(seed)

    def cut(text: str) -> Iterator[str]:
        at = 0
        while at < len(text):
            size = generator.randint(1, 12)
            yield text[at : at + size]
            at += size

    return cut


async def at_once(characters: int) -> None:
    """The pace of a model that never waits."""


@dataclass
class ScriptedModel:
    """Plays `turns` in order, one for each request, cut up by `chunking`.

    `pace` is awaited before each piece with the number of characters streamed so far in this turn, and so decides how
    fast the model is; tests use it to let a person type in the middle of an answer. `requests` keeps what was asked.
    """

    turns: tuple[Turn, ...]
    chunking: Chunking = by_tokens
    pace: Callable[[int], Awaitable[None]] = at_once
    requests: list[ModelRequest] = field(default_factory=list)

    @property
    def turns_left(self) -> int:
        return max(0, len(self.turns) - len(self.requests))

    def warm(self) -> None:
        return None

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        number = len(self.requests)
        self.requests.append(request)
        if number >= len(self.turns):
            yield Stopped("failed", "The scripted model has no turn left to play.")
            return
        turn = self.turns[number]
        asked = estimated_tokens(request_text(request))
        yield UsageReported(Usage(input=asked))
        streamed = 0
        for index, part in enumerate(turn.parts):
            identity = f"toolu_{number}_{index}"
            words = part.json if isinstance(part, Use) else part.text
            cut = turn.stop == "cut" and index == len(turn.parts) - 1 and isinstance(part, Use)
            if cut:
                words = words[: len(words) * 2 // 3]
            if isinstance(part, Use):
                yield ToolStarted(identity, part.name)
            for piece in self.chunking(words):
                await self.pace(streamed)
                streamed += len(piece)
                if isinstance(part, Use):
                    yield ToolInputDelta(identity, piece)
                elif isinstance(part, Think):
                    yield ThinkingDelta(piece)
                else:
                    yield TextDelta(piece)
            if isinstance(part, Use) and not cut:
                yield finished_tool(identity, part.name, part.json)
        await self.pace(streamed)
        yield UsageReported(Usage(input=asked, output=estimated_tokens("x" * streamed)))
        yield Stopped(turn.stop, SAID_ON_STOP.get(turn.stop, ""))

    async def count(self, request: ModelRequest) -> int | None:
        return estimated_tokens(request_text(request))

    async def aclose(self) -> None:
        return None


def request_text(request: ModelRequest) -> str:
    """All words of a request, for counting and for showing."""
    blocks = [block for message in request.messages for block in message.blocks]
    words = [text.text for text in request.system]
    words += [block.text for block in blocks if isinstance(block, Text | ToolResult)]
    return "\n".join(words)
