"""Lays a request out: what never changes first, what Claude was shown next, the ask last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from claude_ls.agent.context import ContextBlock
from claude_ls.agent.model import Message, ModelRequest, Text
from claude_ls.agent.tools import Tool
from claude_ls.config import Settings


def build(
    *,
    action: str,
    system: str,
    parts: Sequence[Sequence[ContextBlock]],
    ask: str,
    tools: tuple[Tool, ...],
    settings: Settings,
) -> ModelRequest:
    """The first request of a job. Tools and `system` are alike for all jobs of one kind, and `parts` for all that come
    after one another in one folder, but for the last of them; behind each the prompt cache can begin.

    With tools the answer must be a use of one: words would have nowhere to go. The service allows to demand that only
    while Claude does not think, so with thinking the prompt alone asks for it.
    """
    shown = ["\n\n".join(block.rendered() for block in part) for part in parts]
    content = (*(Text(text, cached=True) for text in shown), Text(ask))
    return ModelRequest(
        model=settings.model_for(action),
        tools=tools,
        system=(Text(system, cached=True),),
        messages=(Message("user", content),),
        must_use_tool=bool(tools) and settings.thinking == "off",
        effort=settings.effort,
        thinking=settings.thinking,
    )


def going_on(request: ModelRequest, earlier: Sequence[Message], ask: str) -> ModelRequest:
    """`request` with `ask` said behind an `earlier` conversation, of which all but that is in the prompt cache."""
    last = earlier[-1]
    if last.role == "user":
        messages = (*earlier[:-1], Message("user", (*last.blocks, Text(ask))))
    else:
        messages = (*earlier, Message("user", (Text(ask),)))
    return replace(request, messages=messages)
