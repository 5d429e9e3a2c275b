"""Says what compilers and linters in the editor say about a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claude_ls.agent.tools.tool import Tool, ToolOutcome, tool_schema
from claude_ls.agent.tools.view import View

DIAGNOSTICS = Tool(
    name="diagnostics",
    description="Read what the editor's compilers and linters say about an open file, as far as the editor tells.",
    schema=tool_schema({"path": {"type": "string"}}),
    reads=True,
)


async def diagnostics(view: View, given: Mapping[str, Any]) -> ToolOutcome:
    """A line for each."""
    path = str(given["path"])
    return ToolOutcome(await view.diagnostics(path) or f"Nothing is known to be wrong with {path}.")
