"""Runs one of the project's own checks on a copy that has all changes in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from claude_ls.agent.tools.tool import Tool, ToolOutcome, tool_schema
from claude_ls.agent.tools.view import View


def run_check_tool(names: Sequence[str]) -> Tool:
    """The tool, which takes one of these names."""
    return Tool(
        name="run_check",
        description=(
            "Run one of the project's checks on a copy of the workspace that has all changes in it. What you have "
            "changed is checked at the end in any case; use this to see how things stand before."
        ),
        schema=tool_schema({"name": {"type": "string", "enum": list(names)}}),
    )


async def run_check(view: View, given: Mapping[str, Any]) -> ToolOutcome:
    """What it said."""
    passed, words = await view.check(str(given["name"]))
    return ToolOutcome(words, failed=not passed)
