"""Shows what waits for review in the ways that an editor has: code lenses, diagnostics, code actions, inlay hints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsprotocol import types

from claude_ls.lsp import convert
from claude_ls.lsp.client_profile import ClientProfile
from claude_ls.session.reviewing import Selection, Waiting
from claude_ls.session.session import Session
from claude_ls.text.diff import line_counts
from claude_ls.text.document import Document
from claude_ls.text.patch import Span

KIND = "quickfix.claude.review"


def code_lens(session: Session, profile: ClientProfile, params: types.CodeLensParams) -> list[types.CodeLens]:
    """`Accept · Reject · Undo · Why` above each change."""
    lenses: list[types.CodeLens] = []
    for item in session.waiting(Selection(uri=params.text_document.uri)):
        line = shown_range(item, profile).start.line
        length = len(item.buffer.document.line_span(line).of(item.buffer.document.text))
        typed = " (with yours)" if item.theirs_in_part else ""
        for place, (title, command, argument) in enumerate(
            (
                (f"Accept{typed}", "claude.accept", {"hunk": item.hunk.id}),
                ("Reject", "claude.reject", {"hunk": item.hunk.id}),
                ("Undo", "claude.undo", {"job": item.hunk.job}),
                ("Why", "claude.why", {"hunk": item.hunk.id, "show": True}),
            )
        ):
            # Neovim sorts them by column, and those of one column in any order.
            at = types.Position(line, min(place, length))
            lenses.append(types.CodeLens(types.Range(at, at), types.Command(title, command, arguments=[argument])))
    return lenses


def inlay_hint(session: Session, profile: ClientProfile, params: types.InlayHintParams) -> list[types.InlayHint]:
    """`+12 −3` behind the first line of each change, for those who want it."""
    if not session.settings.review_hints:
        return []
    hints: list[types.InlayHint] = []
    for item in session.waiting(Selection(uri=params.text_document.uri)):
        document = item.buffer.document
        span, old, new = item.shown
        line = document.line_of(span.start)
        if params.range.start.line <= line <= params.range.end.line:
            at = document.position(document.line_span(line).end, profile.encoding)
            place = types.Position(at.line, at.column)
            hints.append(types.InlayHint(place, counts(old, new), padding_left=True, tooltip=_tooltip(item)))
    return hints


def diagnostics(waiting: Sequence[Waiting], profile: ClientProfile) -> list[types.Diagnostic]:
    """The same for an editor that shows no lenses."""
    found: list[types.Diagnostic] = []
    for item in waiting:
        _, old, new = item.shown
        found.append(
            types.Diagnostic(
                range=shown_range(item, profile),
                message=f"{_tooltip(item)} ({counts(old, new)}), waits for review",
                severity=types.DiagnosticSeverity.Information,
                source="claude",
                code=item.hunk.id,
            )
        )
    return found


def review_actions(
    session: Session, profile: ClientProfile, document: Document, span: Span, shown: Sequence[types.Diagnostic]
) -> list[types.CodeAction]:
    """Accept and reject, on or beside a change."""
    waiting = session.waiting(Selection(uri=document.uri))
    first, last = document.line_of(span.start), document.line_of(span.end)
    here = [item for item in waiting if _is_beside(item, first, last)]
    actions: list[types.CodeAction] = []
    for item in here[:1]:
        same = [diagnostic for diagnostic in shown if diagnostic.code == item.hunk.id]
        actions += [
            _action(f"Claude: {word} this change", f"claude.{word}", {"hunk": item.hunk.id}, same)
            for word in ("accept", "reject")
        ]
    if here:
        actions += [
            _action(f"Claude: {word} all changes in this file", f"claude.{word}", {"uri": document.uri}, [])
            for word in ("accept", "reject")
        ]
    return actions


def shown_range(item: Waiting, profile: ClientProfile) -> types.Range:
    """The whole lines of a change, in its document of today."""
    return convert.range_of(item.buffer.document, item.shown[0], profile.encoding)


def json_hunk(item: Waiting, profile: ClientProfile) -> dict[str, Any]:
    """A change as `claude.hunks` shows it."""
    _, old, new = item.shown
    return {
        "id": item.hunk.id,
        "job": item.hunk.job,
        "uri": item.buffer.document.uri,
        "range": convert.json_range_of(item.buffer.document, item.shown[0], profile.encoding),
        "oldText": old,
        "newText": new,
        "title": item.title,
        "checks": [{"name": name, "ok": ok} for name, ok in item.checks],
        "theirsInPart": item.theirs_in_part,
    }


def counts(old: str, new: str) -> str:
    added, removed = line_counts(old, new)
    return f"+{added} −{removed}"


def _tooltip(item: Waiting) -> str:
    typed = ", and you in part" if item.theirs_in_part else ""
    return f"Claude changed this{typed}: {item.title}" if item.title else f"Claude changed this{typed}"


def _is_beside(item: Waiting, first: int, last: int) -> bool:
    document = item.buffer.document
    span, _, new = item.shown
    top = document.line_of(span.start)
    bottom = document.line_of(span.end) - (1 if new.endswith(("\n", "\r")) else 0)
    return top - 1 <= last and first <= max(top, bottom) + 1


def _action(title: str, command: str, argument: Any, shown: list[types.Diagnostic]) -> types.CodeAction:
    return types.CodeAction(
        title=title,
        kind=KIND,
        diagnostics=shown or None,
        command=types.Command(title=title, command=command, arguments=[argument]),
    )
