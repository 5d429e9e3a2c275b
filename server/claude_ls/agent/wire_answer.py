"""A scripted turn as the Messages API would send it: the other direction of `claude_ls.agent.wire`, and as pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from claude_ls.agent.model import StopReason
from claude_ls.agent.prompt_cache import Counted
from claude_ls.agent.scripted import Chunking, Say, Think, Turn, Use
from claude_ls.agent.usage import estimated_tokens

_WIRE_STOPS: dict[StopReason, str] = {"context_window": "model_context_window_exceeded"}
ENDED_BY_A_STOP: frozenset[StopReason] = frozenset(
    {"end_turn", "tool_use", "max_tokens", "refusal", "pause_turn", "context_window"}
)
"""What the API says by ending its message; everything else happens to the connection or to the request."""


def events(
    turn: Turn,
    number: int,
    body: dict[str, Any],
    asked: Counted,
    chunking: Chunking,
    *,
    odd: str = "",
    stop: str = "",
) -> Iterable[bytes]:
    """Each event as its bytes; `asked` is what the request counts.

    `odd` makes the answer `twice`, `headless` or `unknown` (see `replay`)."""
    start = {
        "type": "message_start",
        "message": {
            "id": f"msg_replay_{number}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", ""),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": asked.input,
                "cache_read_input_tokens": asked.read,
                "cache_creation_input_tokens": asked.written,
                "output_tokens": 1,
            },
        },
    }
    if odd != "headless":
        yield event(start)
    if odd == "twice":
        yield event(start)
    yield event({"type": "ping"})
    if odd == "unknown":
        yield event({"type": "weather_report", "sky": "blue"})
    written = 0
    for index, part in enumerate(turn.parts):
        cut = turn.stop == "cut" and index == len(turn.parts) - 1
        words = part.json if isinstance(part, Use) else part.text
        if cut and isinstance(part, Use):
            words = words[: len(words) * 2 // 3]
        yield event({"type": "content_block_start", "index": index, "content_block": _block(part, number, index)})
        if odd == "unknown":
            yield event({"type": "content_block_delta", "index": index, "delta": {"type": "mood_delta", "mood": "up"}})
        for piece in chunking(words):
            written += len(piece)
            yield event({"type": "content_block_delta", "index": index, "delta": _delta(part, piece)})
        if cut:
            return
        if isinstance(part, Think):
            signature = {"type": "signature_delta", "signature": f"sig-{number}-{index}"}
            yield event({"type": "content_block_delta", "index": index, "delta": signature})
        yield event({"type": "content_block_stop", "index": index})
    if turn.stop not in ENDED_BY_A_STOP:
        return
    reason = stop or _WIRE_STOPS.get(turn.stop, turn.stop)
    usage = {"output_tokens": estimated_tokens("x" * written)}
    yield event({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage})
    yield event({"type": "message_stop"})


def _block(part: Say | Think | Use, number: int, index: int) -> dict[str, Any]:
    match part:
        case Use():
            return {"type": "tool_use", "id": f"toolu_{number}_{index}", "name": part.name, "input": {}}
        case Think():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case Say():
            return {"type": "text", "text": ""}


def _delta(part: Say | Think | Use, piece: str) -> dict[str, Any]:
    match part:
        case Use():
            return {"type": "input_json_delta", "partial_json": piece}
        case Think():
            return {"type": "thinking_delta", "thinking": piece}
        case Say():
            return {"type": "text_delta", "text": piece}


def event(data: dict[str, Any]) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def whole(events: Sequence[bytes]) -> dict[str, Any]:
    """The same answer in one piece, for clients that do not stream."""
    message: dict[str, Any] = {}
    tool_json: list[str] = []
    for event in events:
        data = json.loads(event.partition(b"data: ")[2])
        match data["type"]:
            case "message_start":
                message = data["message"]
            case "content_block_start":
                message["content"].append(dict(data["content_block"]))
                tool_json = []
            case "content_block_delta":
                block = message["content"][-1]
                for key, value in data["delta"].items():
                    if key == "partial_json":
                        tool_json.append(value)
                    elif key in block and key != "type":
                        block[key] += value
            case "content_block_stop":
                if message["content"][-1]["type"] == "tool_use":
                    message["content"][-1]["input"] = _object("".join(tool_json))
            case "message_delta":
                message |= data["delta"]
                message["usage"] |= data["usage"]
    return message


def _object(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return {}


def error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_replay"}


def model_info(name: str) -> dict[str, Any]:
    yes = {"supported": True}
    return {
        "type": "model",
        "id": name,
        "display_name": f"{name} (replayed)",
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "line": None,
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
        "capabilities": {"thinking": {**yes, "types": {"adaptive": yes, "disabled": yes}}, "effort": yes},
    }
