"""Finds where something that is defined in the workspace is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claude_ls.agent.tools.tool import Tool, ToolOutcome, tool_schema
from claude_ls.agent.tools.view import View

MAX_PLACES = 200
LONGEST_LINE = 240

REFERENCES = Tool(
    name="references",
    description=(
        "Find where a function, class, method or constant is used, by what the names mean and not by their letters "
        "alone. Give the file that defines it where several do."
    ),
    schema=tool_schema({"name": {"type": "string"}}, {"path": {"type": "string"}}),
    reads=True,
)


async def references(view: View, given: Mapping[str, Any]) -> ToolOutcome:
    """Lines with their places."""
    name = str(given["name"]).rpartition(".")[2]
    found = await view.references(name, str(given.get("path", "")))
    if not found:
        return ToolOutcome(f"No use of {name} is known: search_text finds what has the same letters.")
    lines = [f"{match.path}:{match.line}: {match.text.strip()[:LONGEST_LINE]}" for match in found[:MAX_PLACES]]
    if len(found) > MAX_PLACES:
        lines.append(f"[{len(found) - MAX_PLACES} more]")
    return ToolOutcome("\n".join(lines))
