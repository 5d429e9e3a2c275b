"""textDocument/didOpen, didChange and didClose: the editor's text becomes ours."""

from __future__ import annotations

import logging

from lsprotocol import types

from claude_ls.lsp import convert
from claude_ls.session.session import Session
from claude_ls.text.position import Encoding

_log = logging.getLogger(__name__)


def did_open(session: Session, params: types.DidOpenTextDocumentParams) -> None:
    opened = params.text_document
    session.opened(opened.uri, opened.language_id, opened.version, opened.text)


def did_change(session: Session, encoding: Encoding, params: types.DidChangeTextDocumentParams) -> None:
    uri, version = params.text_document.uri, params.text_document.version
    document = session.document(uri)
    if document is None:
        _log.warning("the editor changed %s, which it had not opened", uri)
        return
    if version <= document.version:
        _log.warning("version %s of %s comes after version %s", version, uri, document.version)
    session.changed(*convert.changed_document(document, version, params.content_changes, encoding))


def did_close(session: Session, params: types.DidCloseTextDocumentParams) -> None:
    session.closed(params.text_document.uri)
