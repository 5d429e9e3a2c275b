"""Makes a long conversation shorter where the service does not do it: what tools said long ago is left out.

What was read can be read again. What was asked, answered and decided stays, and so does the shape: each use of a tool
keeps its result, as the service demands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from claude_ls.agent.model import Block, Message, Text, ToolResult, ToolUse
from claude_ls.agent.usage import estimated_tokens

KEPT_MESSAGES = 8
"""The newest messages, which stay as they are."""
WORTH = 400
"""Characters; what is shorter stays."""
SHARE = 0.75
"""Of the model's context window: a conversation that fills more than this is made shorter."""
LEFT_OUT = "[left out after {:,} characters were read: read it again if you need it]"


def shortened(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The conversation without what its older tool uses took and gave; the same where there is nothing of that."""
    old = messages[: max(1, len(messages) - KEPT_MESSAGES)]
    short = tuple(replace(message, blocks=tuple(map(_short, message.blocks))) for message in old)
    return (*short, *messages[len(old) :]) if short != old else messages


def tokens_of(messages: tuple[Message, ...]) -> int:
    """About how many tokens a conversation is."""
    return sum(estimated_tokens(_words(block)) for message in messages for block in message.blocks)


def _words(block: Block) -> str:
    match block:
        case Text(text) | ToolResult(_, text):
            return text
        case ToolUse():
            return str(block.input)
        case _:
            return str(block.block)


def _short(block: Block) -> Block:
    if isinstance(block, ToolResult) and len(block.text) > WORTH:
        return replace(block, text=LEFT_OUT.format(len(block.text)))
    if isinstance(block, ToolUse) and len(str(block.input)) > WORTH:
        return replace(block, input=_short_input(block.input))
    return block


def _short_input(value: Mapping[str, Any]) -> dict[str, Any]:
    def short(item: Any) -> Any:
        if isinstance(item, str) and len(item) > WORTH // 4:
            return f"[{len(item):,} characters left out]"
        if isinstance(item, list):
            return [short(inner) for inner in item]
        return {key: short(inner) for key, inner in item.items()} if isinstance(item, dict) else item

    return {key: short(item) for key, item in value.items()}
