"""The language server: one table of methods, each handed to the module of its name.

pygls carries the messages; our own documents hold the text. Its document class is kept out of the way because it
breaks lines where the protocol does not (form feeds, U+2028), and its handlers for documents are replaced here.

An editor waits for the answer to `initialize`. Nothing that this answer does not need is imported before it is given:
session, actions and syntax are loaded with the first thing that asks for them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter
from pygls.protocol.language_server import lsp_method

from claude_ls import __version__
from claude_ls.lsp import announced
from claude_ls.lsp.client_profile import ClientProfile, claude_options, read_profile

if TYPE_CHECKING:
    from cattrs import Converter

    from claude_ls.config import Settings
    from claude_ls.lsp.client import EditorClient
    from claude_ls.session.client import Client
    from claude_ls.session.session import Session
    from claude_ls.text.position import Encoding

    MakeSession = Callable[[Client, Settings], Session]

REQUEST_FAILED = -32803
KEPT_REQUESTS = 100

_log = logging.getLogger(__name__)


class Plain(dict[str, Any]):
    """The answer to a command: plain values already, which need not be looked through for others."""


@dataclass
class Diagnosed:
    """The notification `claude/diagnostics`: all that the editor knows about one document."""

    params: types.PublishDiagnosticsParams
    method: str
    jsonrpc: str


@cache
def _converter() -> Converter:
    """Takes 60 ms to make, and every connection can use the same."""
    converter: Converter = default_converter()  # type: ignore[no-untyped-call]
    converter.register_unstructure_hook(Plain, lambda value: value)
    return converter


class Protocol(LanguageServerProtocol):
    """pygls' protocol with our own documents, commands, cancellation and end."""

    def __init__(self, server: Server, converter: Any) -> None:
        self._jobs_of_requests: dict[str | int, str] = {}
        self.asked_to_exit: Callable[[], None] = lambda: None
        super().__init__(server, converter)

    @property
    def shut_down(self) -> bool:
        """Whether the client has asked for `shutdown`, as it must before `exit`."""
        return self._shutdown

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        from claude_ls.lsp import documents

        documents.did_open(self.server.session, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        from claude_ls.lsp import documents

        documents.did_change(self.server.session, self.server.profile.encoding, params, self.server.odd)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        from claude_ls.lsp import documents

        documents.did_close(self.server.session, params)

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Generator[Any, Any, Any]:
        # A generator, as pygls has it: what is done at once is done before the next message is looked at.
        from claude_ls.lsp import commands
        from claude_ls.session.job import Job
        from claude_ls.session.session import Refused

        server = self.server
        context = commands.Context(server.session, server.profile)
        request = self.msg_id
        try:
            answer = commands.execute(context, params.command, params.arguments)
        except commands.InvalidArgument as error:
            raise JsonRpcInvalidParams(str(error)) from None
        except Refused as error:
            raise JsonRpcException(str(error), REQUEST_FAILED) from None
        if isinstance(answer, Coroutine):
            answer = yield _answered, (answer,), {}
        if not isinstance(answer, Job):
            return Plain(answer)
        if params.work_done_token is not None:
            server.client.use_token(answer.id, params.work_done_token)
        if request is not None:
            self._jobs_of_requests[request] = answer.id
            for old in list(self._jobs_of_requests)[:-KEPT_REQUESTS]:
                del self._jobs_of_requests[old]
        return Plain(job=answer.id)

    @lsp_method(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def lsp_work_done_progress_cancel(self, params: types.WorkDoneProgressCancelParams) -> None:
        self._cancel_job(self.server.client.job_of(params.token))

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> None:  # type: ignore[override]  # pygls ends the process from here
        self.asked_to_exit()

    def _handle_cancel_notification(self, msg_id: str | int) -> None:
        # The command was answered long ago; what goes on is the job that it started.
        job = self._jobs_of_requests.get(msg_id)
        if job is None:
            super()._handle_cancel_notification(msg_id)
        else:
            self._cancel_job(job)

    def get_message_type(self, method: str) -> Any:  # type: ignore[override]  # there it is remembered
        # Ours has the shape of the standard one that goes the other way.
        return Diagnosed if method == announced.DIAGNOSTICS else super().get_message_type(method)

    def _cancel_job(self, job: str | None) -> None:
        if job is not None and any(known.id == job for known in self.server.session.jobs()):
            self.server.session.cancel(job)

    @property
    def server(self) -> Server:
        assert isinstance(self._server, Server)
        return self._server


class Server(LanguageServer):
    """One editor's connection: the protocol, the client at its other end, and their session."""

    def __init__(
        self, make_session: MakeSession, clock: Callable[[], float], settings_file: Callable[[], Path | None]
    ) -> None:
        super().__init__("claude-ls", __version__, protocol_cls=Protocol, converter_factory=_converter)
        self.profile = ClientProfile()
        self.folders: tuple[str, ...] = ()
        self.options: dict[str, Any] = {}
        self._make_session = make_session
        self._clock = clock
        self._settings_file = settings_file
        self._told: set[str] = set()
        self.odd: set[str] = set()
        """What this editor has said that it should not have, as far as it was logged."""

    @cached_property
    def client(self) -> EditorClient:
        from claude_ls.lsp.client import EditorClient

        assert isinstance(self.protocol, Protocol)
        return EditorClient(self.protocol, lambda: self.profile, self._clock)

    @cached_property
    def session(self) -> Session:
        """Made when first needed, with the settings that are known by then; the editor's own may follow."""
        session = self._make_session(self.client, self._settings(None))
        session.folders = self.folders
        return session

    async def aclose(self) -> None:
        """End the session, if there ever was one."""
        if "session" in self.__dict__:
            await self.session.aclose()

    def configure(self, editor: Any) -> None:
        """Read the settings anew, `editor` being what the editor itself has set."""
        self.session.settings = self._settings(editor)

    def _settings(self, editor: Any) -> Settings:
        """All settings together; what is wrong with them is told once."""
        from claude_ls import config

        loaded = config.load(editor=editor, options=self.options, file=self._settings_file())
        for problem in loaded.problems:
            if problem not in self._told:
                self._told.add(problem)
                self.client.tell("warning", f"claude-ls: {problem}")
        return loaded.settings


def create_server(
    make_session: MakeSession,
    *,
    clock: Callable[[], float],
    settings_file: Callable[[], Path | None] = lambda: None,
) -> Server:
    """A server for one connection. `clock` counts seconds, from whenever it likes."""
    server = Server(make_session, clock, settings_file)

    def initialize(params: types.InitializeParams) -> None:
        agreed = server.workspace.position_encoding
        encoding = agreed.value if isinstance(agreed, types.PositionEncodingKind) else agreed
        server.profile = read_profile(params, cast("Encoding", encoding))
        server.options = claude_options(params)
        folders = [folder.uri for folder in params.workspace_folders or ()]
        server.folders = tuple(folders or filter(None, [params.root_uri]))

    async def initialized(params: types.InitializedParams) -> None:
        server.session.warm()
        if server.profile.virtual_documents:
            options = types.TextDocumentContentRegistrationOptions(schemes=["claude"])
            virtual = types.Registration("claude-documents", types.WORKSPACE_TEXT_DOCUMENT_CONTENT, options)
            await server.client_register_capability_async(types.RegistrationParams([virtual]))
        server.configure(await _editor_settings(server))

    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        from claude_ls.lsp import documents

        documents.did_save(server.session, params)

    def did_change_watched_files(params: types.DidChangeWatchedFilesParams) -> None:
        changed = [event.uri for event in params.changes if event.uri.startswith("file:")]
        server.session.files_changed(Path(unquote(urlsplit(uri).path)) for uri in changed)

    async def did_change_configuration(params: types.DidChangeConfigurationParams) -> None:
        pushed = params.settings.get("claude") if isinstance(params.settings, dict) else None
        server.configure(await _editor_settings(server) if server.profile.configuration else pushed)

    def did_change_folders(params: types.DidChangeWorkspaceFoldersParams) -> None:
        gone = {folder.uri for folder in params.event.removed}
        kept = [uri for uri in server.session.folders if uri not in gone]
        server.session.folders = (*kept, *(folder.uri for folder in params.event.added))

    def diagnostics(params: types.PublishDiagnosticsParams) -> None:
        from claude_ls.lsp import documents

        documents.diagnosed(server.session, server.profile.encoding, params)

    def code_action(params: types.CodeActionParams) -> Generator[Any, Any, list[types.CodeAction]]:
        from claude_ls.lsp import code_actions

        answer = code_actions.code_action(server.session, server.profile, params)
        if isinstance(answer, Coroutine):
            answer = yield _answered, (answer,), {}
        return answer

    async def hover(params: types.HoverParams) -> types.Hover | None:
        from claude_ls.lsp import hover

        return await hover.hover(server.session, server.profile, params)

    def code_lens(params: types.CodeLensParams) -> list[types.CodeLens]:
        from claude_ls.lsp import hunk_marks

        return hunk_marks.code_lens(server.session, server.profile, params)

    def inlay_hint(params: types.InlayHintParams) -> list[types.InlayHint]:
        from claude_ls.lsp import hunk_marks

        return hunk_marks.inlay_hint(server.session, server.profile, params)

    def text_document_content(params: types.TextDocumentContentParams) -> types.TextDocumentContentResult:
        return types.TextDocumentContentResult(text=server.session.review_diff())

    kinds = types.CodeActionOptions(code_action_kinds=list(announced.CODE_ACTION_KINDS), resolve_provider=False)
    features: list[tuple[str, Callable[..., Any], Any]] = [
        (types.INITIALIZE, initialize, None),
        (types.INITIALIZED, initialized, None),
        (types.TEXT_DOCUMENT_DID_SAVE, did_save, types.SaveOptions(include_text=False)),
        (types.WORKSPACE_DID_CHANGE_WATCHED_FILES, did_change_watched_files, None),
        (types.WORKSPACE_DID_CHANGE_CONFIGURATION, did_change_configuration, None),
        (types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, did_change_folders, None),
        (announced.DIAGNOSTICS, diagnostics, None),
        (types.TEXT_DOCUMENT_CODE_ACTION, code_action, kinds),
        (types.TEXT_DOCUMENT_HOVER, hover, None),
        (types.TEXT_DOCUMENT_CODE_LENS, code_lens, types.CodeLensOptions(resolve_provider=False)),
        (types.TEXT_DOCUMENT_INLAY_HINT, inlay_hint, types.InlayHintOptions(resolve_provider=False)),
        (types.WORKSPACE_TEXT_DOCUMENT_CONTENT, text_document_content, None),
    ]
    for method, handler, options in features:
        server.feature(method, options)(handler)
    for name in announced.COMMANDS:
        # pygls lists these as the server's commands; running them is `Protocol.lsp_workspace__execute_command`.
        server.command(name)(lambda *arguments: None)
    return server


async def _answered(answer: Coroutine[Any, Any, Any]) -> Any:
    """What a command answers later, and what was refused as the protocol says it."""
    from claude_ls.session.session import Refused

    try:
        return await answer
    except Refused as error:
        raise JsonRpcException(str(error), REQUEST_FAILED) from None


async def _editor_settings(server: Server) -> Any:
    """The editor's own settings for us; None where it has none or cannot be asked."""
    if not server.profile.configuration:
        return None
    params = types.ConfigurationParams(items=[types.ConfigurationItem(section="claude")])
    try:
        answer = await server.protocol.send_request_async(types.WORKSPACE_CONFIGURATION, params)
    except Exception as error:
        _log.warning("the editor did not tell its settings: %s", error)
        return None
    return answer[0] if answer else None
