"""How a request is written on the wire of the Messages API; pure."""

from __future__ import annotations

import re
from typing import Any

from claude_ls.agent.model import Block, Message, ModelRequest, Opaque, Text, ToolResult, ToolUse
from claude_ls.agent.tools import Tool

MAX_BREAKPOINTS = 4
"""The service takes no more `cache_control` marks than this in one request."""
PLAIN_MAX_TOKENS = 8192
"""What even old models may be asked for."""
MIN_COMPACT_AT = 50_000
"""The service makes no summary of fewer tokens of input than these."""
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


def wire_request(request: ModelRequest, *, plain: bool) -> dict[str, Any]:
    """The request as the library takes it; `plain` leaves out what older models and other servers may not know."""
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": min(request.max_tokens, PLAIN_MAX_TOKENS) if plain else request.max_tokens,
        "messages": _wire_messages(request.messages),
    }
    if request.system:
        body["system"] = [{"type": "text", "text": _sendable(text.text)} for text in request.system]
    if request.tools:
        body["tools"] = [_wire_tool(tool, plain=plain) for tool in request.tools]
    # The first mark ends what all jobs of one kind share: tools come before the system prompt on the wire.
    shared = body.get("system") or body.get("tools")
    if shared:
        shared[-1]["cache_control"] = {"type": "ephemeral"}
    if plain:
        return body
    body["thinking"] = {"type": "adaptive" if request.thinking == "adaptive" else "disabled"}
    if request.effort:
        body["output_config"] = {"effort": request.effort}
    if request.must_use_tool and request.tools and request.thinking == "off":
        # While Claude thinks, the service takes no other choice than "auto".
        body["tool_choice"] = {"type": "any"}
    return body


def wire_extras(request: ModelRequest, *, plain: bool) -> dict[str, Any]:
    """What goes with the request that the library does not know as its own: for services that know it."""
    if plain or request.compact_at is None:
        return {}
    trigger = {"type": "input_tokens", "value": max(MIN_COMPACT_AT, request.compact_at)}
    edits = [{"type": "compact_20260112", "trigger": trigger}]
    return {
        "extra_headers": {"anthropic-beta": "compact-2026-01-12"},
        "extra_body": {"context_management": {"edits": edits}},
    }


def _wire_tool(tool: Tool, *, plain: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": tool.name, "description": tool.description, "input_schema": dict(tool.schema)}
    if tool.streams and not plain:
        shown["eager_input_streaming"] = True
    return shown


def _wire_messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    marked: list[dict[str, Any]] = []
    for message in messages:
        content: list[dict[str, Any]] = []
        for block in message.blocks:
            if isinstance(block, Text) and not block.text.strip():
                continue  # the service rejects them, and Claude sends them at times
            content.append(_wire_block(block))
            if isinstance(block, Text) and block.cached:
                marked.append(content[-1])
        shown.append({"role": message.role, "content": content})
    if len(shown) > 1:
        # A conversation grows at its end, and where the turn before ended the cache can be found again, however many
        # blocks a turn has.
        ends = [message["content"][-1] for message in shown if message["role"] == "user" and message["content"]]
        marked = [*marked[-1:], *ends[-2:]]
    # The later the mark, the longer the prefix it saves.
    for block_shown in marked[-(MAX_BREAKPOINTS - 1) :]:
        block_shown["cache_control"] = {"type": "ephemeral"}
    return shown


def _wire_block(block: Block) -> dict[str, Any]:
    match block:
        case Text():
            return {"type": "text", "text": _sendable(block.text)}
        case ToolUse():
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": _sendable(dict(block.input))}
        case ToolResult():
            shown = {"type": "tool_result", "tool_use_id": block.id, "content": _sendable(block.text)}
            return {**shown, "is_error": True} if block.failed else shown
        case Opaque():
            return dict(block.block)


def _sendable(value: Any) -> Any:
    """`value` with U+FFFD for each half of a character, since UTF-8 has no bytes for one.

    Editors let a document hold them. What Claude quotes with the sign in it is not found, and so not changed.
    """
    match value:
        case str():
            return _LONE_SURROGATE.sub("\ufffd", value)
        case dict():
            return {_sendable(key): _sendable(item) for key, item in value.items()}
        case list():
            return [_sendable(item) for item in value]
    return value
