"""Says what a file defines, without showing all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claude_ls.agent.tools.tool import Tool, ToolOutcome, tool_schema
from claude_ls.agent.tools.view import View

MAX_DEFINITIONS = 500
LONGEST_LINE = 200

OUTLINE = Tool(
    name="outline",
    description="List what a file defines (classes, functions, constants), with the lines of each.",
    schema=tool_schema({"path": {"type": "string"}}),
    reads=True,
)


async def outline(view: View, given: Mapping[str, Any]) -> ToolOutcome:
    """A line for each definition, further in where it stands in another."""
    path = str(given["path"])
    found = await view.outline(path)
    if not found:
        return ToolOutcome(f"Nothing in {path} is known as a definition: read it instead.")
    lines = [
        f"{item.first}-{item.last}\t{'  ' * item.depth}{item.signature.strip()[:LONGEST_LINE]}"
        for item in found[:MAX_DEFINITIONS]
    ]
    if len(found) > MAX_DEFINITIONS:
        lines.append(f"[{len(found) - MAX_DEFINITIONS} more]")
    return ToolOutcome("\n".join(lines))
