"""textDocument/didOpen, didChange, didSave, didClose and what other tools say: the editor's text becomes ours."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from lsprotocol import types

from claude_ls.lsp import convert
from claude_ls.session.session import Session
from claude_ls.text.document import Document
from claude_ls.text.position import Encoding, Position

MAX_TOLD = 100
"""Odd things that are logged; whoever does a hundred of them has been told."""

_log = logging.getLogger(__name__)


def did_open(session: Session, params: types.DidOpenTextDocumentParams) -> None:
    opened = params.text_document
    session.opened(opened.uri, opened.language_id, opened.version, opened.text)


def did_change(session: Session, encoding: Encoding, params: types.DidChangeTextDocumentParams, told: set[str]) -> None:
    """Take the editor's report as the specification says, and log once (`told`) what it should not have said."""
    uri, version = params.text_document.uri, params.text_document.version
    document = session.document(uri)
    if document is None:
        _log_once(told, f"the editor changed {uri}, which it had not opened")
        return
    if version <= document.version:
        _log_once(told, f"a version of {uri} is not above the one before it")
    after, edits = convert.changed_document(document, version, params.content_changes, encoding)
    if len(told) < MAX_TOLD:
        for problem in _problems(document, params.content_changes, encoding):
            _log_once(told, f"{problem} in {uri}")
    session.changed(after, edits)


def _problems(
    document: Document, changes: Sequence[types.TextDocumentContentChangeEvent], encoding: Encoding
) -> Iterator[str]:
    """What is odd about the first of `changes`, the only one that counts in the text as we know it."""
    first = changes[0] if changes else None
    if not isinstance(first, types.TextDocumentContentChangePartial):
        return
    start, end = first.range.start, first.range.end
    if (start.line, start.character) > (end.line, end.character):
        yield "a range that ends before it starts"
    for place in (start, end):
        meant = Position(place.line, place.character)
        # The end of a line, or of the text, may be named by any column, or line, beyond it.
        found = document.position(document.offset(meant, encoding), encoding)
        if found.line == meant.line and found.column < meant.column and not _at_line_end(document, found, encoding):
            yield "a position in the middle of a character"


def _at_line_end(document: Document, place: Position, encoding: Encoding) -> bool:
    return document.offset(place, encoding) == document.line_span(place.line).end


def _log_once(told: set[str], problem: str) -> None:
    if problem not in told and len(told) < MAX_TOLD:
        told.add(problem)
        _log.warning("%s; it is taken as the specification says", problem)


def diagnosed(session: Session, encoding: Encoding, params: types.PublishDiagnosticsParams) -> None:
    """What the editor's other tools say about a document; of another version than ours it is not taken."""
    document = session.document(params.uri)
    if document is not None and params.version in (None, document.version):
        session.diagnosed(params.uri, [convert.diagnostic_of(document, item, encoding) for item in params.diagnostics])


def did_save(session: Session, params: types.DidSaveTextDocumentParams) -> None:
    session.saved(params.text_document.uri)


def did_close(session: Session, params: types.DidCloseTextDocumentParams) -> None:
    session.closed(params.text_document.uri)
