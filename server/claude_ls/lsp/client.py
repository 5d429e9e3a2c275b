"""The session's client, spoken over the protocol: edits, progress, messages, files to show."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.protocol import LanguageServerProtocol

from claude_ls.agent.usage import cost_words
from claude_ls.editing.hunk import Label
from claude_ls.lsp import convert
from claude_ls.lsp.client_profile import ClientProfile
from claude_ls.session.client import Answered, Level
from claude_ls.session.job import Job, JobState
from claude_ls.session.reviewing import Waiting
from claude_ls.text.document import Document
from claude_ls.text.patch import Patch, Span

SHOW_SECONDS = 10.0
"""Both Emacs clients were seen never to answer `window/showDocument`."""
REVIEW_URI = "claude:/review.diff"
METHOD_NOT_FOUND = -32601
REPORT_SECONDS = 0.1
"""At most ten progress reports a second for a job: no eye follows more, and some status bars flicker."""

_LEVELS = {
    "error": types.MessageType.Error,
    "warning": types.MessageType.Warning,
    "info": types.MessageType.Info,
}
_log = logging.getLogger(__name__)


@dataclass
class _Shown:
    """What the client has been told of one job."""

    token: str | int | None = None
    begun: bool = False
    asked: bool = False
    ended: bool = False
    state: JobState | None = None
    at: float = float("-inf")


class EditorClient:
    """Implements `claude_ls.session.client.Client`. `profile` is asked anew each time: it is not known at first."""

    def __init__(
        self, protocol: LanguageServerProtocol, profile: Callable[[], ClientProfile], clock: Callable[[], float]
    ) -> None:
        self._profile = profile
        self._protocol = protocol
        self._clock = clock
        self._shown: dict[str, _Shown] = {}
        self._tokens: dict[str | int, str] = {}
        self._groups: dict[str, str] = {}
        """The group of the last edit of each document."""
        self._marked: set[str] = set()
        """Documents that have, or had, diagnostics of ours."""
        self._refreshing: dict[str, bool] = {}
        """Requests to ask again that have no answer yet, and whether there is news since."""

    @property
    def profile(self) -> ClientProfile:
        return self._profile()

    @property
    def reloads_files(self) -> bool:
        return self.profile.reloads_files and self.profile.show_document

    @property
    def undo_groups(self) -> bool:
        return self.profile.undo_groups

    def send_edit(self, document: Document, patch: Patch, label: Label, answered: Answered) -> None:
        confirmed = label.confirm and self.profile.annotations
        edit = convert.workspace_edit(document, patch, self.profile, confirmed=label.words if confirmed else None)
        method: str = types.WORKSPACE_APPLY_EDIT
        params: Any = types.ApplyWorkspaceEditParams(edit=edit, label=label.words)
        if self.profile.undo_groups and not confirmed:
            # One action is one undo step: only its first edit of a document opens a new one.
            first = self._groups.get(document.uri) != label.group
            self._groups[document.uri] = label.group
            stops = {"undoStopBefore": first, "undoStopAfter": False}
            method, params = "claude/applyEdit", {"label": label.words, "edit": edit, **stops}
        self._apply(method, params, answered)

    def send_unopened_edit(self, document: Document, patch: Patch, label: Label, answered: Answered) -> None:
        edit = convert.unopened_edit(document, patch, self.profile)
        self._apply(types.WORKSPACE_APPLY_EDIT, types.ApplyWorkspaceEditParams(edit=edit, label=label.words), answered)

    async def move_file(self, path: Path, new_path: Path | None) -> bool:
        if not (self.profile.renames if new_path else self.profile.deletes):
            return False
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        params = types.ApplyWorkspaceEditParams(edit=convert.moved_file(path, new_path), label="Claude")

        def answered(applied: bool, reason: str, *, final: bool = False) -> None:
            if not done.done():
                done.set_result(applied)

        self._apply(types.WORKSPACE_APPLY_EDIT, params, answered)
        try:
            return await asyncio.wait_for(done, SHOW_SECONDS)
        except TimeoutError:
            return False

    async def ask(self, question: str, choices: Sequence[str]) -> str | None:
        return await self._question(types.MessageType.Warning, question, choices)

    async def _question(self, kind: types.MessageType, question: str, choices: Sequence[str]) -> str | None:
        # Nobody need announce this one. An editor that does not know it answers with an error, which is a no.
        params = types.ShowMessageRequestParams(
            type=kind,
            message=question,
            actions=[types.MessageActionItem(title=choice) for choice in choices],
        )
        try:
            answer = await self._protocol.send_request_async(types.WINDOW_SHOW_MESSAGE_REQUEST, params)
        except Exception as error:
            _log.info("the client did not ask %r: %s", question, error)
            return None
        return answer.title if answer else None

    def _apply(self, method: str, params: Any, answered: Answered) -> None:
        # A done-callback, not an await: it runs before the next message of the client is looked at, so that the
        # answer and the change it speaks of are seen in the order in which they came.
        def done(future: Future[Any]) -> None:
            if future.cancelled():
                return
            error = future.exception()
            if error is not None:
                answered(False, str(error), final=getattr(error, "code", None) == METHOD_NOT_FOUND)
            else:
                result = future.result()
                applied = bool(result and result.applied)
                # The answer to our own request is not converted: its names are as they were sent.
                reason = getattr(result, "failure_reason", None) or getattr(result, "failureReason", None)
                answered(applied, reason or "")

        self._protocol.send_request(method, params).add_done_callback(done)

    def use_token(self, job: str, token: str | int) -> None:
        """Report the job on the token that the client sent along with its command."""
        self._shown[job] = _Shown(token=token, begun=False, asked=True)
        self._tokens[token] = job

    def job_of(self, token: str | int) -> str | None:
        """The job whose progress is reported on `token`."""
        return self._tokens.get(token)

    def job_changed(self, job: Job) -> None:
        shown = self._shown.setdefault(job.id, _Shown())
        news = job.state != shown.state
        now = self._clock()
        if not news and now - shown.at < REPORT_SECONDS:
            return
        shown.state, shown.at = job.state, now
        self._progress(job, shown)
        if self.profile.events:
            self._protocol.notify("claude/job", {"job": convert.json_job(job)})

    def job_text(self, job: Job, text: str) -> None:
        if self.profile.events:
            self._protocol.notify("claude/text", {"job": job.id, "text": text})

    async def show_file(self, path: Path) -> bool:
        return await self._show(types.ShowDocumentParams(uri=path.as_uri(), external=False, take_focus=False))

    async def _show(self, params: types.ShowDocumentParams) -> bool:
        if not self.profile.show_document:
            return False
        request = self._protocol.send_request_async(types.WINDOW_SHOW_DOCUMENT, params)
        try:
            result = await asyncio.wait_for(request, SHOW_SECONDS)
        except Exception as error:
            _log.info("the client did not show %s: %s", params.uri, error)
            return False
        return bool(result and result.success)

    def review_changed(self, document: Document, waiting: Sequence[Waiting]) -> None:
        from claude_ls.lsp import hunk_marks

        if not self.profile.code_lenses:
            shown = hunk_marks.diagnostics(waiting, self.profile)
            if shown or document.uri in self._marked:
                self._marked.add(document.uri)
                params = types.PublishDiagnosticsParams(document.uri, shown, document.version)
                self._protocol.notify(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, params)
        elif self.profile.lens_refresh:
            self._refresh(types.WORKSPACE_CODE_LENS_REFRESH)
        if self.profile.hint_refresh:
            self._refresh(types.WORKSPACE_INLAY_HINT_REFRESH)
        if self.profile.virtual_documents:
            self._refresh(
                types.WORKSPACE_TEXT_DOCUMENT_CONTENT_REFRESH, types.TextDocumentContentRefreshParams(REVIEW_URI)
            )

    def _refresh(self, method: str, params: Any = None) -> None:
        """Have the editor ask again: once for all that changes until it has answered."""
        if method in self._refreshing:
            self._refreshing[method] = True
            return
        self._refreshing[method] = False

        def done(future: Future[Any]) -> None:
            again = self._refreshing.pop(method)
            if again and not future.cancelled():
                self._refresh(method, params)

        self._protocol.send_request(method, params).add_done_callback(done)

    async def show_place(self, document: Document, span: Span) -> bool:
        selection = convert.range_of(document, span, self.profile.encoding)
        return await self._show(
            types.ShowDocumentParams(document.uri, external=False, take_focus=True, selection=selection)
        )

    async def show_review(self, path: Path) -> bool:
        uri = REVIEW_URI if self.profile.virtual_documents else path.as_uri()
        return await self._show(types.ShowDocumentParams(uri, external=False, take_focus=True))

    async def offer(self, text: str, choices: Sequence[str]) -> str | None:
        if not self.profile.calm_questions:
            self.tell("info", text)
            return None
        return await self._question(types.MessageType.Info, text, choices)

    def tell(self, level: Level, text: str) -> None:
        self._protocol.notify(types.WINDOW_SHOW_MESSAGE, types.ShowMessageParams(type=_LEVELS[level], message=text))

    def _progress(self, job: Job, shown: _Shown) -> None:
        """Begin, report or end, as far as the client is ready for it."""
        if shown.token is None and not self.profile.progress:
            return
        if not shown.asked:
            shown.asked = True
            token = f"claude-{job.id}"
            self._tokens[token] = job.id
            request = self._protocol.send_request(
                types.WINDOW_WORK_DONE_PROGRESS_CREATE, types.WorkDoneProgressCreateParams(token=token)
            )

            def created(future: Future[Any]) -> None:
                if not future.cancelled() and future.exception() is None:
                    shown.token = token
                    self._progress(job, shown)

            request.add_done_callback(created)
        if shown.token is None or shown.ended:
            return
        if not shown.begun:
            shown.begun = True
            begin = types.WorkDoneProgressBegin(title=f"Claude: {job.title}", message=_status(job), cancellable=True)
            self._report(shown.token, begin)
        elif not job.ended:
            self._report(shown.token, types.WorkDoneProgressReport(message=_status(job), cancellable=True))
        if job.ended:
            shown.ended = True
            self._report(shown.token, types.WorkDoneProgressEnd(message=_status(job)))
            self._tokens.pop(shown.token, None)
            self._shown = {key: value for key, value in self._shown.items() if not value.ended or key == job.id}

    def _report(self, token: str | int, value: Any) -> None:
        self._protocol.notify(types.PROGRESS, types.ProgressParams(token=token, value=value))


def _status(job: Job) -> str:
    """Phase, tokens and cost in one short line."""
    parts = [job.phase]
    if job.usage.total:
        sent = job.usage.input + job.usage.cache_read + job.usage.cache_write
        parts.append(f"{_count(sent)} → {_count(job.usage.output)} tokens")
    if job.cost:
        parts.append(cost_words(job.cost))
    return " · ".join(parts)


def _count(number: int) -> str:
    return str(number) if number < 1000 else f"{number / 1000:.1f}k"
