"""What the editor at the other end can do, as it says itself or as it was seen to behave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lsprotocol import types

if TYPE_CHECKING:
    from claude_ls.text.position import Encoding


@dataclass(frozen=True)
class ClientProfile:
    """Read once from `initialize`; every later decision about the client asks here."""

    name: str = ""
    encoding: Encoding = "utf-16"
    document_changes: bool = False
    progress: bool = False
    show_document: bool = False
    configuration: bool = False
    disabled_actions: bool = False
    tags: bool = False
    markdown_hover: bool = False
    prompts: bool = False
    events: bool = False
    undo_groups: bool = False
    """Whether it makes `claude/applyEdit`, where several edits can be one undo step."""
    reloads_files: bool = False
    code_lenses: bool = False
    lens_refresh: bool = False
    hint_refresh: bool = False
    annotations: bool = False
    """Whether it can show an edit to the person before it makes it."""
    virtual_documents: bool = False
    calm_questions: bool = False
    """Whether a question does not stand in the way of the person until they have answered it."""
    renames: bool = False
    deletes: bool = False


def read_profile(params: types.InitializeParams, encoding: Encoding) -> ClientProfile:
    capabilities = params.capabilities
    workspace = capabilities.workspace
    window = capabilities.window
    text_document = capabilities.text_document
    action = text_document.code_action if text_document else None
    hover = text_document.hover if text_document else None
    name = params.client_info.name if params.client_info else ""
    edit = workspace.workspace_edit if workspace else None
    flags = claude_options(params)
    operations = (edit.resource_operations if edit else None) or ()
    tags = action.tag_support.value_set if action and action.tag_support else ()
    # Neovim reads versioned `documentChanges` without announcing them (seen in 0.11.4), and checks the version.
    document_changes = bool(edit and edit.document_changes) or name == "Neovim"
    return ClientProfile(
        name=name,
        encoding=encoding,
        document_changes=document_changes,
        progress=bool(window and window.work_done_progress),
        show_document=bool(window and window.show_document and window.show_document.support),
        configuration=bool(workspace and workspace.configuration),
        disabled_actions=bool(action and action.disabled_support),
        tags=types.CodeActionTag.LlmGenerated in tags,
        markdown_hover=types.MarkupKind.Markdown in ((hover.content_format if hover else None) or ()),
        prompts=flags.get("prompts") is True,
        events=flags.get("events") is True,
        undo_groups=flags.get("applyEdit") is True,
        renames=types.ResourceOperationKind.Rename in operations,
        deletes=types.ResourceOperationKind.Delete in operations,
        # VS Code shows the bytes on disk of a file that is not dirty; Neovim waits for `:checktime`.
        reloads_files=name.startswith("Visual Studio Code"),
        code_lenses=bool(text_document and text_document.code_lens),
        lens_refresh=bool(workspace and workspace.code_lens and workspace.code_lens.refresh_support),
        hint_refresh=bool(workspace and workspace.inlay_hint and workspace.inlay_hint.refresh_support),
        annotations=bool(edit and edit.change_annotation_support),
        virtual_documents=bool(workspace and workspace.text_document_content),
        # Neovim and Emacs stop whatever the person is doing until a question is answered.
        calm_questions=name.startswith(("Visual Studio Code", "Zed")),
    )


def claude_options(params: types.InitializeParams) -> dict[str, Any]:
    """`initializationOptions.claude`, or nothing where there is no such object."""
    options = params.initialization_options
    found = options.get("claude") if isinstance(options, dict) else None
    return found if isinstance(found, dict) else {}
