"""What is sent: marks for the cache, tools that stream, and blocks that go back as they came."""

from __future__ import annotations

import json
from dataclasses import replace

from claude_ls.agent.model import Message, ModelRequest, Opaque, Text, ToolResult, ToolUse
from claude_ls.agent.tools import CANNOT_DO, REWRITE_REGION
from claude_ls.agent.wire_request import wire_extras, wire_request

MARK = {"type": "ephemeral"}
REQUEST = ModelRequest(
    model="m",
    tools=(REWRITE_REGION, CANNOT_DO),
    system=(Text("Be brief."),),
    messages=(Message("user", (Text("file", cached=True), Text("ask"))),),
    must_use_tool=True,
)


def test_order_and_marks() -> None:
    body = wire_request(REQUEST, plain=False)
    assert body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": MARK}]
    assert [tool.get("cache_control") for tool in body["tools"]] == [None, None]
    assert [tool.get("eager_input_streaming") for tool in body["tools"]] == [True, None]
    assert [block.get("cache_control") for block in body["messages"][0]["content"]] == [MARK, None]


def test_without_a_system_prompt_the_last_tool_is_marked() -> None:
    body = wire_request(replace(REQUEST, system=()), plain=False)
    assert "system" not in body
    assert [tool.get("cache_control") for tool in body["tools"]] == [None, MARK]


def test_no_more_than_four_marks() -> None:
    message = Message("user", tuple(Text(f"part {number}", cached=True) for number in range(9)))
    body = wire_request(replace(REQUEST, messages=(message,)), plain=False)
    marked = [block["text"] for block in body["messages"][0]["content"] if "cache_control" in block]
    assert marked == ["part 6", "part 7", "part 8"]


def test_a_tool_can_only_be_demanded_of_who_does_not_think() -> None:
    assert "tool_choice" not in wire_request(REQUEST, plain=False)
    off = wire_request(replace(REQUEST, thinking="off", effort="low"), plain=False)
    assert off["tool_choice"] == {"type": "any"}
    assert off["thinking"] == {"type": "disabled"}
    assert off["output_config"] == {"effort": "low"}


def test_plain() -> None:
    body = wire_request(replace(REQUEST, thinking="off", effort="low", max_tokens=64_000), plain=True)
    assert body.keys() == {"model", "max_tokens", "messages", "system", "tools"}
    assert body["max_tokens"] == 8192
    assert not any("eager_input_streaming" in tool for tool in body["tools"])


def test_half_a_character_goes_out_as_the_sign_for_one_that_is_not_known() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "abc"}
    messages = (
        Message("user", (Text("a \ud83d b 😀"),)),
        Message("assistant", (Opaque(thought), ToolUse("t", "edit_file", {"edits": [{"old_text": "\udc00"}]}))),
        Message("user", (ToolResult("t", "no \ud83d"),)),
    )
    body = wire_request(replace(REQUEST, messages=messages, system=(Text("\ud83d"),)), plain=False)
    json.dumps(body, ensure_ascii=False).encode()
    asked, used, answered = (message["content"] for message in body["messages"])
    assert body["system"][0]["text"] == "\ufffd"
    assert asked[0]["text"] == "a \ufffd b 😀"
    assert used[1]["input"] == {"edits": [{"old_text": "\ufffd"}]}
    assert answered[0]["content"] == "no \ufffd"


def test_blocks() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "abc"}
    messages = (
        Message("assistant", (Opaque(thought), Text(" \n"), ToolUse("t", "edit_file", {"a": 1}))),
        Message("user", (ToolResult("t", "not found", failed=True), ToolResult("u", "done"))),
    )
    shown = wire_request(replace(REQUEST, messages=messages), plain=False)["messages"]
    assert shown[0]["content"] == [thought, {"type": "tool_use", "id": "t", "name": "edit_file", "input": {"a": 1}}]
    assert shown[1]["content"] == [
        {"type": "tool_result", "tool_use_id": "t", "content": "not found", "is_error": True},
        {"type": "tool_result", "tool_use_id": "u", "content": "done", "cache_control": MARK},
    ]


def test_a_conversation_is_marked_where_it_ends_and_where_it_ended_before() -> None:
    def turn(number: int) -> tuple[Message, Message]:
        use = ToolUse(f"t{number}", "look", {})
        return Message("assistant", (Text("words"), use)), Message("user", (ToolResult(f"t{number}", "seen"),))

    asked = Message("user", (Text("rules", cached=True), Text("file", cached=True), Text("ask")))
    messages = (asked, *turn(1), *turn(2), *turn(3))
    body = wire_request(replace(REQUEST, messages=messages), plain=False)
    marked = [
        (number, block.get("text") or block.get("tool_use_id"))
        for number, message in enumerate(body["messages"])
        for block in message["content"]
        if "cache_control" in block
    ]
    assert marked == [(0, "file"), (4, "t2"), (6, "t3")]
    one = wire_request(replace(REQUEST, messages=messages[:3]), plain=False)
    assert [number for number, message in enumerate(one["messages"]) if "cache_control" in str(message)] == [0, 2]


def test_the_service_is_asked_to_summarize_where_it_may() -> None:
    assert wire_extras(REQUEST, plain=False) == {} == wire_extras(replace(REQUEST, compact_at=99_000), plain=True)
    extras = wire_extras(replace(REQUEST, compact_at=99_000), plain=False)
    assert extras["extra_headers"] == {"anthropic-beta": "compact-2026-01-12"}
    (edit,) = extras["extra_body"]["context_management"]["edits"]
    assert edit == {"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 99_000}}
    small = wire_extras(replace(REQUEST, compact_at=9), plain=False)["extra_body"]["context_management"]["edits"][0]
    assert small["trigger"]["value"] == 50_000
