"""Fixes what another tool reports: a compiler, a linter, a type checker."""

from __future__ import annotations

from collections.abc import Iterable

from claude_ls.actions.action import Action, Offer, Situation, Task, prompt, short
from claude_ls.agent.tools import CANNOT_DO, EDIT_FILE, REWRITE_REGION
from claude_ls.text.patch import Span

MAX_REGION_LINES = 80


def _offers(situation: Situation) -> Iterable[Offer]:
    for diagnostic in situation.diagnostics:
        title = f'Claude: fix "{short(diagnostic.message)}"'
        yield Offer(title, "quickfix.claude", "claude.fix", diagnostic.span, diagnostic=diagnostic)


def _region(task: Task) -> Span:
    """The definition around what is reported, if it is of a size to be rewritten; else the statement; else the line."""
    document = task.situation.document
    region = Situation(document, task.situation.tree, Span(task.situation.span.start, task.situation.span.start)).region
    region = Span(min(region.start, task.situation.lines.start), max(region.end, task.situation.lines.end))
    if document.line_of(region.end) - document.line_of(region.start) < MAX_REGION_LINES:
        return region
    return task.situation.lines


FIX = Action(
    name="fix",
    offers=_offers,
    region=_region,
    title=lambda task: f'fix "{short(task.situation.diagnostics[0].message)}"',
    ask=lambda task: prompt("fix"),
    tools=(REWRITE_REGION, EDIT_FILE, CANNOT_DO),
)
