"""Says which files there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from claude_ls.agent.tools.tool import Tool, ToolOutcome, tool_schema
from claude_ls.agent.tools.view import View

MAX_PATHS = 400

LIST_FILES = Tool(
    name="list_files",
    description=(
        "List the files of a folder of the workspace and of all folders in it, without what is ignored. Where there "
        f"are more than {MAX_PATHS}, folders are shown with how many files they hold."
    ),
    schema=tool_schema({}, {"folder": {"type": "string", "description": "All of the workspace if left out."}}),
    reads=True,
)


async def list_files(view: View, given: Mapping[str, Any]) -> ToolOutcome:
    """Paths, a line each; of a large folder its inner folders, with counts."""
    folder = str(given.get("folder", "")).strip("/").removeprefix(".").strip("/")
    paths = list(await view.paths(folder))
    if not paths:
        return ToolOutcome(f"There are no files in {folder or 'the workspace'}.", failed=bool(folder))
    if len(paths) <= MAX_PATHS:
        return ToolOutcome("\n".join(paths))
    counts: dict[str, int] = {}
    skipped = len(folder) + 1 if folder else 0
    for path in paths:
        inner, slash, _ = path[skipped:].partition("/")
        name = path[:skipped] + inner + slash
        counts[name] = counts.get(name, 0) + 1
    lines = [f"{name} ({count:,} files)" if name.endswith("/") else name for name, count in sorted(counts.items())]
    if len(lines) > MAX_PATHS:
        lines = [*lines[:MAX_PATHS], f"[{len(lines) - MAX_PATHS:,} more]"]
    return ToolOutcome("\n".join(lines))
