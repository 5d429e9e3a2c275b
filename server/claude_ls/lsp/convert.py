"""Turns our values into the protocol's and back, and does nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types

from claude_ls.actions.action import Offer
from claude_ls.agent.context import Diagnostic, Severity
from claude_ls.lsp.client_profile import ClientProfile
from claude_ls.session.job import Job
from claude_ls.session.spending import Spent
from claude_ls.text.document import Document
from claude_ls.text.patch import Patch, Span, TextEdit
from claude_ls.text.position import Encoding, Position
from claude_ls.workspace.usage_store import Tally

_SEVERITIES: Mapping[int, Severity] = {1: "error", 2: "warning", 3: "information", 4: "hint"}


def span_of(document: Document, start: Position, end: Position, encoding: Encoding) -> Span:
    """The offsets of a range, clamped into the document; one that is turned around is turned back."""
    first, last = document.offset(start, encoding), document.offset(end, encoding)
    return Span(min(first, last), max(first, last))


def span_of_range(document: Document, value: types.Range, encoding: Encoding) -> Span:
    start, end = value.start, value.end
    return span_of(document, Position(start.line, start.character), Position(end.line, end.character), encoding)


def range_of(document: Document, span: Span, encoding: Encoding) -> types.Range:
    start, end = document.position(span.start, encoding), document.position(span.end, encoding)
    return types.Range(types.Position(start.line, start.column), types.Position(end.line, end.column))


def changed_document(
    document: Document,
    version: int,
    changes: Iterable[types.TextDocumentContentChangeEvent],
    encoding: Encoding,
) -> tuple[Document, Sequence[TextEdit]]:
    """The document after `changes`, each of which counts in the text the one before it left, and the same as edits."""
    edits: list[TextEdit] = []
    for change in changes:
        if isinstance(change, types.TextDocumentContentChangePartial):
            span = span_of_range(document, change.range, encoding)
        else:
            span = Span(0, len(document.text))
        edits.append(TextEdit(span.start, span.end, change.text))
        document = document.edited(version, edits[-1:])
    return (document if edits else document.edited(version, ())), edits


def workspace_edit(
    document: Document, patch: Patch, profile: ClientProfile, *, confirmed: str | None = None
) -> types.WorkspaceEdit:
    """`patch` for exactly this version, where the client knows versions.

    With `confirmed`, which says what it is, the client shows it to the person before it is made.
    """
    edits = [
        types.TextEdit(range=range_of(document, edit.span, profile.encoding), new_text=edit.text) for edit in patch
    ]
    if not profile.document_changes:
        return types.WorkspaceEdit(changes={document.uri: edits})
    identifier = types.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=document.version)
    if confirmed is None:
        return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identifier, list(edits))])
    shown = [types.AnnotatedTextEdit("claude", edit.range, edit.new_text) for edit in edits]
    annotation = types.ChangeAnnotation(label=confirmed, needs_confirmation=True)
    change = types.TextDocumentEdit(identifier, list(shown))
    return types.WorkspaceEdit(document_changes=[change], change_annotations={"claude": annotation})


def unopened_edit(document: Document, patch: Patch, profile: ClientProfile) -> types.WorkspaceEdit:
    """`patch` for a file that is not open, and so has no version."""
    edit = workspace_edit(document, patch, profile)
    for change in edit.document_changes or ():
        assert isinstance(change, types.TextDocumentEdit)
        change.text_document.version = None
    return edit


def moved_file(path: Path, new_path: Path | None) -> types.WorkspaceEdit:
    """A rename, or with None the deletion."""
    change: types.RenameFile | types.DeleteFile = types.DeleteFile(uri=path.as_uri())
    if new_path:
        change = types.RenameFile(old_uri=path.as_uri(), new_uri=new_path.as_uri())
    return types.WorkspaceEdit(document_changes=[change])


def code_action(
    offer: Offer,
    document: Document,
    profile: ClientProfile,
    diagnostics: Mapping[Diagnostic, types.Diagnostic],
    disabled: str | None,
) -> types.CodeAction:
    shown = [diagnostics[item] for item in offer.diagnostics]
    arguments: dict[str, Any] = {"uri": document.uri}
    if shown:
        arguments["diagnostics"] = [json_diagnostic(item) for item in shown]
    elif offer.ranged:
        arguments["range"] = json_range(range_of(document, offer.span, profile.encoding))
    arguments |= offer.arguments
    return types.CodeAction(
        title=offer.title,
        kind=offer.kind,
        diagnostics=shown or None,
        disabled=types.CodeActionDisabled(reason=disabled) if disabled else None,
        command=types.Command(title=offer.title, command=offer.command, arguments=[arguments]),
        tags=[types.CodeActionTag.LlmGenerated] if profile.tags else None,
    )


def json_range_of(document: Document, span: Span, encoding: Encoding) -> dict[str, Any]:
    start, end = document.position(span.start, encoding), document.position(span.end, encoding)
    return {
        "start": {"line": start.line, "character": start.column},
        "end": {"line": end.line, "character": end.column},
    }


def json_range(value: types.Range) -> dict[str, Any]:
    return {
        "start": {"line": value.start.line, "character": value.start.character},
        "end": {"line": value.end.line, "character": value.end.character},
    }


def json_diagnostic(value: types.Diagnostic) -> dict[str, Any]:
    """What `claude.fix` needs of a diagnostic, so that it can come back as the command's argument."""
    fields: dict[str, Any] = {"range": json_range(value.range), "message": value.message}
    if value.severity is not None:
        fields["severity"] = int(value.severity)
    if value.source is not None:
        fields["source"] = value.source
    if value.code is not None:
        fields["code"] = value.code
    return fields


def diagnostic_of(document: Document, value: types.Diagnostic, encoding: Encoding) -> Diagnostic:
    return Diagnostic(
        span=span_of_range(document, value.range, encoding),
        message=value.message,
        severity=severity_of(value.severity),
        source=value.source or "",
        code="" if value.code is None else str(value.code),
    )


def severity_of(value: int | None) -> Severity:
    return _SEVERITIES.get(value or 1, "error")


def json_job(job: Job) -> dict[str, Any]:
    """A job as `claude.jobs` and `claude/job` show it."""
    shown: dict[str, Any] = {
        "id": job.id,
        "action": job.action,
        "title": job.title,
        "uri": job.uri,
        "state": job.state,
        "phase": job.phase,
        "startedAt": job.started_at.isoformat(timespec="milliseconds"),
        "tokens": {
            "input": job.usage.input,
            "output": job.usage.output,
            "cacheRead": job.usage.cache_read,
            "cacheWrite": job.usage.cache_write,
        },
        "cost": None if job.cost is None else round(job.cost, 6),
    }
    if job.error is not None:
        shown["error"] = job.error
    return shown


def json_usage(spent: Spent) -> dict[str, Any]:
    """What was used, as `claude.usage` and `claude-ls usage --json` show it."""
    return {
        **_json_tally(spent.total),
        "unpriced": spent.unpriced,
        "days": [{"day": day, **_json_tally(tally)} for day, tally in spent.days.items()],
        "actions": [{"action": action, **_json_tally(tally)} for action, tally in spent.actions.items()],
        "models": [{"model": model, **_json_tally(tally)} for model, tally in spent.models.items()],
    }


def _json_tally(tally: Tally) -> dict[str, Any]:
    rate = tally.cache_hit_rate
    return {
        "turns": tally.turns,
        "tokens": {
            "input": tally.input,
            "output": tally.output,
            "cacheRead": tally.cache_read,
            "cacheWrite": tally.cache_write,
        },
        "cost": None if tally.cost is None else round(tally.cost, 6),
        "cacheHitRate": None if rate is None else round(rate, 4),
    }
