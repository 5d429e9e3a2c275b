"""textDocument/codeAction: what Claude can do here, computed from the tree, with nothing left to resolve."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from lsprotocol import types

from claude_ls.lsp import convert
from claude_ls.lsp.client_profile import ClientProfile
from claude_ls.lsp.hunk_marks import KIND, review_actions
from claude_ls.session.buffer import Anchor
from claude_ls.session.session import Session
from claude_ls.text.document import Document
from claude_ls.text.patch import Span

Answer = list[types.CodeAction]


def code_action(
    session: Session, profile: ClientProfile, params: types.CodeActionParams
) -> Answer | Coroutine[Any, Any, Answer]:
    """Now where the tree is there, else once it is, or is not to be waited for any longer."""
    document = session.document(params.text_document.uri)
    if document is None:
        return []
    span = convert.span_of_range(document, params.range, profile.encoding)
    if session.parsed(document.uri):
        return _actions(session, profile, document, span, params.context)
    return _later(session, profile, document, session.follow(document.uri, span), params.context)


async def _later(
    session: Session, profile: ClientProfile, asked: Document, place: Anchor, context: types.CodeActionContext
) -> Answer:
    await session.parse(asked.uri)
    document = session.document(asked.uri)
    if document is None:
        return []
    if document is not asked:
        # What was reported stood in a text that is gone, and the editor will soon report anew.
        context = types.CodeActionContext(diagnostics=[], only=context.only)
    return _actions(session, profile, document, place.span, context)


def _actions(
    session: Session, profile: ClientProfile, document: Document, span: Span, context: types.CodeActionContext
) -> Answer:
    disabled = session.unavailable(document.uri)
    diagnostics = {convert.diagnostic_of(document, item, profile.encoding): item for item in context.diagnostics}
    actions = [
        action
        for action in review_actions(session, profile, document, span, context.diagnostics)
        if _wanted(KIND, context.only)
    ]
    if disabled and not profile.disabled_actions:
        return actions
    return actions + [
        convert.code_action(offer, document, profile, diagnostics, disabled)
        for offer in session.offers(document.uri, span, diagnostics)
        if (profile.prompts or not offer.prompts) and _wanted(offer.kind, context.only)
    ]


def _wanted(kind: str, only: Sequence[types.CodeActionKind | str] | None) -> bool:
    """Whether the client asked for this kind: kinds are paths, and a path stands for all below it."""
    wanted = [item.value if isinstance(item, types.CodeActionKind) else item for item in only or ()]
    return not wanted or any(item in ("", kind) or kind.startswith(f"{item}.") for item in wanted)
