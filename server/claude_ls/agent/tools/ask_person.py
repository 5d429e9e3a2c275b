"""Asks the person at the keyboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claude_ls.agent.tools.tool import Tool, ToolOutcome, tool_schema
from claude_ls.agent.tools.view import View

MAX_CHOICES = 5

ASK_PERSON = Tool(
    name="ask_person",
    description=(
        "Ask the person one question that only they can answer and that changes what you do next. They choose one of "
        f"2 to {MAX_CHOICES} short answers. Use it seldom; they may not answer."
    ),
    schema=tool_schema(
        {"question": {"type": "string"}, "choices": {"type": "array", "items": {"type": "string"}}},
    ),
)


async def ask_person(view: View, given: Mapping[str, Any]) -> ToolOutcome:
    """What they chose."""
    choices = [choice.strip() for choice in given["choices"] if choice.strip()]
    if not given["question"].strip() or not 2 <= len(choices) <= MAX_CHOICES:
        return ToolOutcome(f"A question needs words and 2 to {MAX_CHOICES} choices.", failed=True)
    chosen = await view.ask(given["question"].strip(), choices)
    if chosen is None:
        return ToolOutcome("The person did not answer: do what needs no answer, and say what is left.")
    return ToolOutcome(f"The person chose: {chosen}")
