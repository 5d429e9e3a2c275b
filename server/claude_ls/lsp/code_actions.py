"""textDocument/codeAction: what Claude can do here, computed from the tree at once, with nothing left to resolve."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from claude_ls.lsp import convert
from claude_ls.lsp.client_profile import ClientProfile
from claude_ls.lsp.hunk_marks import KIND, review_actions
from claude_ls.session.session import Session


def code_action(session: Session, profile: ClientProfile, params: types.CodeActionParams) -> list[types.CodeAction]:
    document = session.document(params.text_document.uri)
    if document is None:
        return []
    disabled = session.unavailable(document.uri)
    span = convert.span_of_range(document, params.range, profile.encoding)
    diagnostics = {convert.diagnostic_of(document, item, profile.encoding): item for item in params.context.diagnostics}
    actions = [
        action
        for action in review_actions(session, profile, document, span, params.context.diagnostics)
        if _wanted(KIND, params.context.only)
    ]
    if disabled and not profile.disabled_actions:
        return actions
    return actions + [
        convert.code_action(offer, document, profile, diagnostics, disabled)
        for offer in session.offers(document.uri, span, diagnostics)
        if (profile.prompts or not offer.prompts) and _wanted(offer.kind, params.context.only)
    ]


def _wanted(kind: str, only: Sequence[types.CodeActionKind | str] | None) -> bool:
    """Whether the client asked for this kind: kinds are paths, and a path stands for all below it."""
    wanted = [item.value if isinstance(item, types.CodeActionKind) else item for item in only or ()]
    return not wanted or any(item in ("", kind) or kind.startswith(f"{item}.") for item in wanted)
