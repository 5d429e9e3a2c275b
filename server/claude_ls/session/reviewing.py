"""What waits for review in all documents: listed, accepted, rejected, walked through, and kept over a restart."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from claude_ls.editing.events import HunkClaimed, HunkEnded, HunksWritten
from claude_ls.editing.hunk import HunkState, Label
from claude_ls.editing.review import PendingHunk, Rejection, ReviewLog, unchanged_in, whole_lines
from claude_ls.session.buffer import Buffer, Later
from claude_ls.session.client import Client
from claude_ls.session.journal import Journal
from claude_ls.session.keeping import Keeping
from claude_ls.text.patch import Span
from claude_ls.workspace.review_store import StoredReview

SAVE_SECONDS = 1.0
"""How long after somebody has typed it is kept where the hunks are now. What they are is kept at once."""
TAKE_OUT, LEAVE = "Take it out", "Leave it"


@dataclass(frozen=True)
class Waiting:
    """One hunk that waits for review, in its document."""

    buffer: Buffer
    hunk: PendingHunk
    title: str
    """What the person had asked for."""
    checks: tuple[tuple[str, bool], ...] = ()
    """What was run on it, each with whether it passed."""

    @cached_property
    def shown(self) -> tuple[Span, str, str]:
        """It as people read it: its whole lines today, what they were, and what they are."""
        return whole_lines(self.buffer.document.text, self.hunk)

    @property
    def theirs_in_part(self) -> bool:
        """Whether somebody has typed into it."""
        return self.buffer.review.typed_into(self.hunk)


@dataclass(frozen=True)
class Selection:
    """Which hunks are meant: one, those of a document, those of a job, or all."""

    hunk: str | None = None
    uri: str | None = None
    job: str | None = None

    def has(self, buffer: Buffer, hunk: PendingHunk) -> bool:
        return (
            self.hunk in (None, hunk.id)
            and self.uri in (None, buffer.document.uri)
            and (self.job is None or self.job in hunk.jobs)
        )


class Reviewing:
    """Of one session. `buffers` are all documents in which something may wait."""

    def __init__(
        self,
        *,
        client: Client,
        keeping: Keeping,
        journal: Journal,
        later: Later,
        buffers: Callable[[], Iterable[Buffer]],
        writable: Callable[[Buffer], Awaitable[str | None]],
        shown_path: Callable[[str], str],
        about: Callable[[str], tuple[str, tuple[tuple[str, bool], ...]]],
        noted: Callable[[], None] = lambda: None,
    ) -> None:
        """`writable` has a document that no editor shows made ready to be changed; why it cannot be, or None.

        `about` says what was asked for in a job, and what was checked. `noted` is called when something else waits.
        """
        self._client = client
        self._keeping = keeping
        self._journal = journal
        self._later = later
        self._buffers = buffers
        self._writable = writable
        self._shown_path = shown_path
        self._about = about
        self._noted = noted
        self._stored: dict[str, StoredReview] = {}
        """What was kept by an earlier server and has not found its document yet."""
        self._adopted: dict[str, StoredReview] = {}
        """What was kept of documents in which nothing was decided since."""
        self._kept: dict[str, tuple[object, ...]] = {}
        """By document, what was last kept of it."""
        self._shown: dict[str, tuple[object, ...]] = {}
        """By document, what the editor was last told to show."""
        self._changed_now: dict[str, Buffer] = {}
        self._unsaved: dict[str, Buffer] = {}
        self._leaving: set[asyncio.Future[HunkEnded]] = set()
        self._numbers = 0
        self._hunk_numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, buffer: Buffer) -> None:
        """A document that the session works with from now on."""
        buffer.reviewed = partial(self._changed, buffer)
        buffer.review.numbers = self._hunk_numbers
        if stored := self._stored.pop(buffer.document.uri, None):
            self._adopt(buffer, stored)

    async def load(self) -> list[str]:
        """Read what earlier servers have kept; the documents of it that the session does not know yet."""
        self._stored = {review.uri: review for review in await self._keeping.reviews()}
        for buffer in self._buffers():
            if stored := self._stored.pop(buffer.document.uri, None):
                self._adopt(buffer, stored)
        return list(self._stored)

    def waiting(self, selection: Selection = Selection()) -> list[Waiting]:  # a value
        """The hunks in the order in which a person walks through them: by file, from top to bottom."""
        known = (buffer for buffer in self._buffers() if selection.uri in (None, buffer.document.uri))
        buffers = sorted(known, key=lambda buffer: self._shown_path(buffer.document.uri))
        return [item for buffer in buffers for item in self._waiting_in(buffer) if selection.has(buffer, item.hunk)]

    def _waiting_in(self, buffer: Buffer) -> list[Waiting]:
        return [Waiting(buffer, hunk, *self._about(hunk.job)) for hunk in buffer.pending]

    def accept(self, selection: Selection) -> list[str]:
        """These have been looked at and stay. Their names."""
        chosen = self.waiting(selection)
        for buffer, hunks in _by_buffer(chosen):
            self._adopted.pop(buffer.document.uri, None)
            buffer.review.settle(hunk.id for hunk in hunks)
            self._changed(buffer)
        return [item.hunk.id for item in chosen]

    def accept_where(self, buffer: Buffer, text: str) -> None:
        """Accept what reads in `text`, a version of the document that was committed, as it does here."""
        names = unchanged_in(buffer.review, text)
        if names:
            buffer.review.settle(names)
            self._changed(buffer)

    def reject(self, selection: Selection) -> list[str]:
        """Take these out of the text again: the names of those that nothing stands against.

        The person is asked about a hunk that they have typed into in such a way that it is not to be told apart.
        """
        chosen = self.waiting(selection)
        if not chosen:
            return []
        self._numbers += 1
        group = f"reject-{self._numbers}"
        names: list[str] = []
        inverses: dict[str, Buffer] = {}
        for place, (buffer, hunks) in enumerate(_by_buffer(chosen)):
            self._adopted.pop(buffer.document.uri, None)
            clear = [hunk for hunk in hunks if not buffer.review.rejected(hunk).kept]
            names += [hunk.id for hunk in clear]
            if not buffer.open or buffer.editor is not self._client:
                self._spawn(self._reject_closed(buffer, clear, f"{group}-{place}"))
            else:
                inverses |= self._take_out(buffer, clear, group, len(inverses))
            for hunk in hunks:
                if hunk not in clear:
                    self._spawn(self._ask_about(buffer, hunk, f"{group}-{hunk.id}"))
        if inverses:
            self._journal.record(group, "reject", inverses)
        return names

    def next(self, uri: str, offset: int, step: int) -> Waiting | None:
        """The hunk behind (`step` 1) or before (-1) a place, round and round through all documents."""
        waiting = self.waiting()
        if not waiting:
            return None
        here = (self._shown_path(uri), offset)
        places = [(self._shown_path(item.buffer.document.uri), item.shown[0].start) for item in waiting]
        if step > 0:
            found = next((at for at, place in enumerate(places) if place > here), 0)
        else:
            found = next((at for at in reversed(range(len(places))) if places[at] < here), -1)
        return waiting[found]

    def save(self) -> None:
        """Keep what has changed since the last time."""
        self._unsaved |= self._changed_now
        reviews = []
        for uri, buffer in self._unsaved.items():
            hunks = tuple(hunk.as_values() for hunk in buffer.review.hunks)
            if hunks or self._kept.get(uri):
                reviews.append(StoredReview(uri, buffer.review.text, hunks))
                self._kept[uri] = _state(buffer.review)
        self._unsaved = {}
        if reviews:
            self._keeping.save(reviews)

    async def taken_out(self) -> None:
        """Wait until all that was rejected is out of the text, or cannot be."""
        while self._leaving:
            await asyncio.gather(*self._leaving)

    async def finished(self) -> None:
        while self._tasks:
            await asyncio.gather(*self._tasks)
        await self.taken_out()

    async def aclose(self) -> None:
        """Keep the last of it, and wait for nobody."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.save()

    def _changed(self, buffer: Buffer) -> None:
        """Something else waits in `buffer`, or stands elsewhere: told and kept together with all that changes now."""
        if not self._changed_now:
            asyncio.get_running_loop().call_soon(self._tell)
        self._changed_now[buffer.document.uri] = buffer

    def _tell(self) -> None:
        """The editor shows anew what waits, and it is kept: at once what it is, later where it stands."""
        changed, self._changed_now = self._changed_now, {}
        first, news = not self._unsaved, False
        for uri, buffer in changed.items():
            shown = tuple((hunk.id, hunk.jobs, hunk.old, buffer.review.typed_into(hunk)) for hunk in buffer.pending)
            if self._shown.get(uri, ()) != shown:
                self._shown[uri] = shown
                self._client.review_changed(buffer.document, self._waiting_in(buffer))
            self._unsaved[uri] = buffer
            news |= self._kept.get(uri, ()) != _state(buffer.review)
        if news:
            self.save()
            self._noted()
        elif first and self._unsaved:
            self._later(SAVE_SECONDS, self.save)

    def reopened(self, buffer: Buffer) -> None:
        """The editor shows a document that was known from its file: what was kept is carried over to the editor's text.

        By way of the file it would be carried over twice, and an editor that had not saved shows just what was kept.
        """
        stored = self._adopted.pop(buffer.document.uri, None)
        if stored and {hunk.id for hunk in buffer.review.hunks} <= {values["id"] for values in stored.hunks}:
            buffer.review.hunks = []
            self._adopt(buffer, stored)

    def _adopt(self, buffer: Buffer, stored: StoredReview) -> None:
        """What an earlier server has kept, carried over whatever happened to the text since."""
        hunks = [PendingHunk.of_values(values) for values in stored.hunks]
        log = ReviewLog(stored.text, hunks, self._hunk_numbers)
        self._kept[stored.uri] = _state(log)
        if not buffer.review.hunks:
            log.step([], buffer.live.text)
            buffer.review = log
            self._adopted[stored.uri] = stored
        self._changed(buffer)

    def _take_out(self, buffer: Buffer, hunks: list[PendingHunk], group: str, count: int) -> Mapping[str, Buffer]:
        """Have the editor put back what was there before; the live hunks that do it."""
        label = Label("Claude: reject", group)
        texts: list[tuple[str, str]] = []
        for number, hunk in enumerate(hunks, count + 1):
            rejection: Rejection = buffer.review.rejected(hunk)
            name = f"{group}.{number}"
            buffer.step(HunkClaimed(name, label, rejection.span))
            self._leave(buffer, hunk, name)
            texts.append((name, rejection.text))
        buffer.step(HunksWritten(tuple(texts)))
        return {name: buffer for name, _ in texts}

    def _leave(self, buffer: Buffer, hunk: PendingHunk, name: str) -> None:
        ending = buffer.end_of(name)
        buffer.review.leaving.add(hunk.id)
        self._leaving.add(ending)
        ending.add_done_callback(partial(self._taken_out, buffer, hunk))

    def _taken_out(self, buffer: Buffer, hunk: PendingHunk, future: asyncio.Future[HunkEnded]) -> None:
        self._leaving.discard(future)
        buffer.review.leaving.discard(hunk.id)
        if future.cancelled():
            return
        end = future.result()
        if end.state is HunkState.LANDED:
            # Where somebody had typed into it, what is left of it is theirs.
            buffer.review.settle([hunk.id] if buffer.review.find(hunk.id) else [])
            self._changed(buffer)
        else:
            path = self._shown_path(buffer.document.uri)
            self._client.tell("warning", f"Claude: a change in {path} could not be taken out: {end.reason}.")

    async def _reject_closed(self, buffer: Buffer, hunks: list[PendingHunk], group: str) -> None:
        """The same for a document that no editor shows."""
        if problem := await self._writable(buffer):
            self._client.tell("warning", f"Claude: nothing was rejected: {problem}.")
            return
        # It may have become another text meanwhile.
        known = {hunk.id for hunk in hunks}
        now = [hunk for hunk in buffer.review.pending if hunk.id in known and not buffer.review.rejected(hunk).kept]
        self._journal.record(group, "reject", self._take_out(buffer, now, group, 0))

    async def _ask_about(self, buffer: Buffer, hunk: PendingHunk, group: str) -> None:
        line = buffer.document.line_of(hunk.span.start) + 1
        path = self._shown_path(buffer.document.uri)
        question = f"You have changed what Claude wrote in line {line} of {path}. Take it out, with your changes to it?"
        if await self._client.ask(question, (TAKE_OUT, LEAVE)) != TAKE_OUT:
            return
        found = buffer.review.find(hunk.id)
        if found is None:
            return
        if problem := await self._writable(buffer):
            self._client.tell("warning", f"Claude: nothing was rejected: {problem}.")
            return
        name = f"{group}.1"
        buffer.step(HunkClaimed(name, Label("Claude: reject", group), found.span))
        self._leave(buffer, found, name)
        buffer.step(HunksWritten(((name, found.old),)))
        self._journal.record(group, "reject", {name: buffer})

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _by_buffer(chosen: Iterable[Waiting]) -> list[tuple[Buffer, list[PendingHunk]]]:
    found: dict[int, tuple[Buffer, list[PendingHunk]]] = {}
    for item in chosen:
        found.setdefault(id(item.buffer), (item.buffer, []))[1].append(item.hunk)
    return list(found.values())


def _state(log: ReviewLog) -> tuple[object, ...]:
    """What the hunks are, apart from where they stand."""
    return tuple((hunk.id, hunk.jobs, hunk.old, hunk.wrote, hunk.undone) for hunk in log.hunks)
