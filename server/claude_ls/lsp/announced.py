"""What the answer to `initialize` announces, apart from the code behind it, which is loaded only afterwards."""

from __future__ import annotations

COMMANDS = (
    "claude.edit",
    "claude.explain",
    "claude.refactor",
    "claude.fix",
    "claude.cancel",
    "claude.jobs",
    "claude.undo",
    "claude.redo",
)
CODE_ACTION_KINDS = (
    "quickfix.claude",
    "refactor.extract.claude",
    "refactor.rewrite.claude",
    "source.claude.explain",
)
