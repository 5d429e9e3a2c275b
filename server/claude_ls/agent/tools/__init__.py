"""The tools that Claude is offered, one file each; those that change files stand together."""

from __future__ import annotations

from claude_ls.agent.tools.edit_tools import CANNOT_DO as CANNOT_DO
from claude_ls.agent.tools.edit_tools import DELETE_FILE as DELETE_FILE
from claude_ls.agent.tools.edit_tools import EDIT_FILE as EDIT_FILE
from claude_ls.agent.tools.edit_tools import RENAME_FILE as RENAME_FILE
from claude_ls.agent.tools.edit_tools import REWRITE_REGION as REWRITE_REGION
from claude_ls.agent.tools.edit_tools import WRITE_FILE as WRITE_FILE
from claude_ls.agent.tools.tool import Tool as Tool
from claude_ls.agent.tools.tool import ToolOutcome as ToolOutcome
