"""textDocument/hover: what Claude explained about this place in this session, or what it wrote here and why."""

from __future__ import annotations

from lsprotocol import types

from claude_ls.lsp import convert
from claude_ls.lsp.client_profile import ClientProfile
from claude_ls.session.session import Session
from claude_ls.text.position import Position


async def hover(session: Session, profile: ClientProfile, params: types.HoverParams) -> types.Hover | None:
    document = session.document(params.text_document.uri)
    if document is None:
        return None
    offset = document.offset(Position(params.position.line, params.position.character), profile.encoding)
    explanation = session.explanation(document.uri, offset)
    if explanation is None:
        reason = await session.why_here(document.uri, offset)
        return types.Hover(contents=types.MarkupContent(types.MarkupKind.PlainText, reason.words())) if reason else None
    kind = types.MarkupKind.Markdown if profile.markdown_hover else types.MarkupKind.PlainText
    return types.Hover(
        contents=types.MarkupContent(kind=kind, value=explanation.text),
        range=convert.range_of(document, explanation.span, profile.encoding),
    )
