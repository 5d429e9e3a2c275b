"""Fixes what another tool reports: a compiler, a linter, a type checker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from claude_ls.actions.action import Action, Entry, Offer, Situation, Task, prompt, short
from claude_ls.agent.context import Diagnostic
from claude_ls.agent.tools import CANNOT_DO, EDIT_FILE, REWRITE_REGION
from claude_ls.text.patch import Span

KIND = "quickfix.claude"
MAX_REGION_LINES = 80


def _offers(situation: Situation) -> Iterable[Offer]:
    groups = _by_likeness(situation.diagnostics)
    for diagnostic in situation.diagnostics:
        if not _is_here(situation, diagnostic) and any(_is_here(situation, item) for item in groups[_kind(diagnostic)]):
            continue  # handed on for the sake of the one that is here
        title = f'Claude: fix "{short(diagnostic.message)}"'
        yield Offer(title, KIND, "claude.fix", diagnostic.span, diagnostics=(diagnostic,))
    for alike in groups.values():
        if len(alike) > 1:
            span = Span(min(item.span.start for item in alike), max(item.span.end for item in alike))
            title = f'Claude: fix all {len(alike)} like this: "{short(alike[0].message)}"'
            yield Offer(title, KIND, "claude.fix", span, diagnostics=tuple(alike))


def _by_likeness(diagnostics: Iterable[Diagnostic]) -> Mapping[tuple[str, str], list[Diagnostic]]:
    found: dict[tuple[str, str], list[Diagnostic]] = {}
    for item in dict.fromkeys(diagnostics):
        found.setdefault(_kind(item), []).append(item)
    return found


def _kind(item: Diagnostic) -> tuple[str, str]:
    """Alike for all that say the same: by one tool under one code, or in the same words where it has no codes."""
    return item.source, item.code or f"“{item.message}”"


def _is_here(situation: Situation, item: Diagnostic) -> bool:
    lines = situation.document.whole_lines(situation.span)
    return item.span.start <= lines.end and lines.start <= item.span.end


def _region(task: Task) -> Span:
    """The definition around what is reported, if it is of a size to be rewritten; else the statement; else the line."""
    document = task.situation.document
    if _several(task):
        return task.situation.lines
    region = Situation(document, task.situation.tree, Span(task.situation.span.start, task.situation.span.start)).region
    region = Span(min(region.start, task.situation.lines.start), max(region.end, task.situation.lines.end))
    if document.line_of(region.end) - document.line_of(region.start) < MAX_REGION_LINES:
        return region
    return task.situation.lines


def _several(task: Task) -> bool:
    return len(task.situation.diagnostics) > 1


def _title(task: Task) -> str:
    first = short(task.situation.diagnostics[0].message)
    return f'fix all {len(task.situation.diagnostics)} like "{first}"' if _several(task) else f'fix "{first}"'


FIX = Action(
    name="fix",
    offers=_offers,
    region=_region,
    title=_title,
    ask=lambda task: f"{prompt('fix')}\n\n{prompt('fix_all')}" if _several(task) else prompt("fix"),
    tools=(REWRITE_REGION, EDIT_FILE, CANNOT_DO),
    in_places=_several,
    entries=(
        Entry('Claude: fix "<message>"', KIND, "for each diagnostic in the context"),
        Entry(
            'Claude: fix all <n> like this: "<message>"',
            KIND,
            "several diagnostics in the context have the same source and code, or the same message",
        ),
    ),
    summary="mends what the linter, compiler or type checker reports here",
    command="claude.fix",
)
