"""What the answer to `initialize` announces, apart from the code behind it, which is loaded only afterwards."""

from __future__ import annotations

COMMANDS = (
    "claude.edit",
    "claude.explain",
    "claude.refactor",
    "claude.fix",
    "claude.test",
    "claude.agent",
    "claude.cancel",
    "claude.jobs",
    "claude.undo",
    "claude.redo",
    "claude.followUp",
    "claude.retry",
    "claude.hunks",
    "claude.accept",
    "claude.reject",
    "claude.nextHunk",
    "claude.previousHunk",
    "claude.review",
    "claude.why",
    "claude.checkpoints",
    "claude.rewind",
    "claude.context",
    "claude.usage",
)
CODE_ACTION_KINDS = (
    "quickfix.claude",
    "quickfix.claude.review",
    "refactor.extract.claude",
    "refactor.inline.claude",
    "refactor.move.claude",
    "refactor.rewrite.claude",
    "source.claude.explain",
    "source.claude.plan",
    "source.claude.test",
)
DIAGNOSTICS = "claude/diagnostics"
"""A notification of clients that tell what their other tools say."""
