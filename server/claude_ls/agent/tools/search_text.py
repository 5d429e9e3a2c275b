"""Finds lines in the files of the workspace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from claude_ls.agent.tools.tool import Tool, ToolOutcome, tool_schema
from claude_ls.agent.tools.view import View

MAX_MATCHES = 200
LONGEST_LINE = 240

SEARCH_TEXT = Tool(
    name="search_text",
    description=(
        "Find the lines of the workspace that match, unsaved changes included. `pattern` is a regular expression, "
        f"unless `literal` is true. At most {MAX_MATCHES} lines come back, as path:line: text."
    ),
    schema=tool_schema(
        {"pattern": {"type": "string"}},
        {
            "folder": {"type": "string", "description": "Where to look; all of the workspace if left out."},
            "literal": {"type": "boolean"},
            "ignore_case": {"type": "boolean"},
        },
    ),
    reads=True,
)


async def search_text(view: View, given: Mapping[str, Any]) -> ToolOutcome:
    """Lines with their places."""
    pattern = str(given["pattern"])
    if not pattern:
        return ToolOutcome("The pattern is empty.", failed=True)
    if given.get("literal"):
        pattern = re.escape(pattern)
    else:
        try:
            re.compile(pattern)
        except re.error as error:
            return ToolOutcome(f"The pattern is no regular expression: {error}.", failed=True)
    folder = str(given.get("folder", "")).strip("/").removeprefix(".").strip("/")
    found = await view.search(pattern, folder, ignore_case=bool(given.get("ignore_case")), limit=MAX_MATCHES)
    if not found:
        return ToolOutcome("No line matches.")
    lines = [f"{match.path}:{match.line}: {_cut(match.text)}" for match in found[:MAX_MATCHES]]
    if len(found) > MAX_MATCHES:
        lines.append("[there are more: search for something narrower]")
    return ToolOutcome("\n".join(lines))


def _cut(line: str) -> str:
    line = line.strip()
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
