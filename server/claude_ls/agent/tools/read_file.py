"""Shows a file, or lines of it, as it is in the editor now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claude_ls.agent.tools.tool import Tool, ToolOutcome, tool_schema
from claude_ls.agent.tools.view import View
from claude_ls.text.diff import bare_lines

MAX_LINES = 1_000
MAX_CHARACTERS = 60_000
LONGEST_LINE = 1_000

READ_FILE = Tool(
    name="read_file",
    description=(
        "Read a file of the workspace as it is in the editor now, unsaved changes included. Each line comes with its "
        f"number and a tab before it, which are not part of the file. At most {MAX_LINES:,} lines at once: ask for the "
        "lines that you need."
    ),
    schema=tool_schema(
        {"path": {"type": "string", "description": "The file, as seen from the folder of the workspace."}},
        {
            "first_line": {"type": "integer", "description": "Counted from 1; the start of the file if left out."},
            "last_line": {"type": "integer", "description": "The end of the file if left out."},
        },
    ),
    reads=True,
)


async def read_file(view: View, given: Mapping[str, Any]) -> ToolOutcome:
    """The lines asked for, as many as fit, and which are left."""
    path = str(given["path"])
    lines = bare_lines(await view.text(path))
    first = max(1, given.get("first_line", 1))
    last = min(len(lines), given.get("last_line", len(lines)))
    if not lines:
        return ToolOutcome(f"{path} is empty.")
    if first > len(lines) or last < first:
        return ToolOutcome(f"{path} has {len(lines):,} lines; there is no line {first} to {last}.", failed=True)
    shown: list[str] = []
    size = 0
    for number in range(first, min(last, first + MAX_LINES - 1) + 1):
        line = lines[number - 1]
        if len(line) > LONGEST_LINE:
            line = f"{line[:LONGEST_LINE]}… [{len(line) - LONGEST_LINE:,} more characters in this line]"
        size += len(line) + 8
        if size > MAX_CHARACTERS:
            break
        shown.append(f"{number}\t{line}")
    end = first + len(shown) - 1
    if end < last:
        shown.append(f"[lines {end + 1} to {last} are not shown: ask for them if you need them]")
    elif end < len(lines):
        shown.append(f"[the file has {len(lines):,} lines]")
    return ToolOutcome("\n".join(shown))
