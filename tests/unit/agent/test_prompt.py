"""How a request is laid out: what others share comes first, and the cache is told where it ends."""

from __future__ import annotations

from claude_ls.agent.context import ContextBlock
from claude_ls.agent.model import Message, ModelRequest, Text
from claude_ls.agent.prompt import build
from claude_ls.agent.tools import CANNOT_DO, REWRITE_REGION, Tool
from claude_ls.config import Settings, Thinking

TOOLS = (REWRITE_REGION, CANNOT_DO)
BLOCKS = (ContextBlock("file", "x = 1", (("path", "a.py"),)), ContextBlock("diagnostics", "line 1: error: no"))


def built(
    ask: str = "Do it.",
    blocks: tuple[ContextBlock, ...] = BLOCKS,
    tools: tuple[Tool, ...] = TOOLS,
    thinking: Thinking = "adaptive",
) -> ModelRequest:
    settings = Settings(model="usual", models={"explain": "other"}, effort="low", thinking=thinking)
    return build(
        action="edit", system="Be brief.", parts=(blocks,) if blocks else (), ask=ask, tools=tools, settings=settings
    )


def test_the_file_first_the_ask_last_and_marks_between() -> None:
    shown = '<file path="a.py">\nx = 1\n</file>\n\n<diagnostics>\nline 1: error: no\n</diagnostics>'
    assert built() == ModelRequest(
        model="usual",
        tools=TOOLS,
        system=(Text("Be brief.", cached=True),),
        messages=(Message("user", (Text(shown, cached=True), Text("Do it."))),),
        must_use_tool=False,
        effort="low",
        thinking="adaptive",
    )


def test_another_ask_changes_nothing_above_it() -> None:
    one, two = built("One."), built("Two.")
    assert (one.tools, one.system) == (two.tools, two.system)
    assert one.messages[0].blocks[:-1] == two.messages[0].blocks[:-1]
    assert one != two


def test_without_context_there_is_only_the_ask() -> None:
    assert built(blocks=()).messages == (Message("user", (Text("Do it."),)),)


def test_a_tool_is_demanded_only_where_there_is_one_and_no_thinking() -> None:
    assert built(thinking="off").must_use_tool
    assert not built(thinking="off", tools=()).must_use_tool
    assert not built(thinking="adaptive").must_use_tool


def test_an_action_may_have_a_model_of_its_own() -> None:
    settings = Settings(model="usual", models={"explain": "other"})
    for action, model in (("explain", "other"), ("edit", "usual")):
        request = build(action=action, system="", parts=(), ask="?", tools=(), settings=settings)
        assert request.model == model
