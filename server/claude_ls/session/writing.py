"""Turns Claude's tool inputs, while they are still being written, into hunks of live edits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from claude_ls.agent.model import ToolFinished
from claude_ls.agent.tools import ToolOutcome
from claude_ls.config import Streaming
from claude_ls.editing.align import fitted_to_quote, fitted_to_region, gap_beside
from claude_ls.editing.events import HunkClaimed, HunkEnded, HunkGrew, HunksDropped, HunksWritten
from claude_ls.editing.hunk import Hunk, HunkState, Label
from claude_ls.editing.json_stream import JsonStrings, Piece
from claude_ls.editing.locate import Found, NotFound, locate
from claude_ls.session.buffer import Buffer
from claude_ls.session.file_changes import FileChanges
from claude_ls.text.patch import Span
from claude_ls.workspace.files import FileProblem

FindBuffer = Callable[[str], Buffer | str | None]
"""The open document that a path of Claude's means, or why it may not be changed; None where it is not open."""
OpenFile = Callable[[str], Awaitable[Buffer | str]]
"""The same for a file that is not open, and takes a while."""

_SAID = {
    HunkState.CONFLICT: "You changed the same lines while Claude wrote: your text was kept.",
    HunkState.LOST: "The document was closed while Claude wrote.",
}
"""What the person is told of changes that they prevented themselves."""
_UNREAD = "The input could not be read and nothing was changed: {}. Send the whole call again."


@dataclass
class _Place:
    """One edit of an `edit_file` input: its streamed parts, and the hunk or the problem they became."""

    parts: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    hunk: str = ""
    found: Found | None = None
    problem: str = ""
    """For Claude; `reason` is the same for the person, without what only helps Claude to quote better."""
    reason: str = ""

    @property
    def tried(self) -> bool:
        return bool(self.hunk or self.problem)

    @property
    def line(self) -> int | None:
        words = self.parts.get("line", "")
        return int(words) if words.isdecimal() else None


@dataclass
class _Input:
    """One tool input that is being written."""

    name: str
    strings: JsonStrings = field(default_factory=JsonStrings)
    characters: int = 0
    path: str = ""
    path_done: bool = False
    new_text: str = ""
    """What `rewrite_region` has written so far."""
    places: dict[int, _Place] = field(default_factory=dict)
    buffer: Buffer | None = None
    problem: str = ""
    """Why the file may not be changed."""


class Writing:
    """All that one job writes. `region` is claimed at once, so that it follows what the person types around it."""

    def __init__(
        self,
        *,
        job: str,
        label: Label,
        find_buffer: FindBuffer,
        open_file: OpenFile,
        files: FileChanges,
        streaming: Streaming,
        claimed: Callable[[Buffer, str], None] = lambda buffer, hunk: None,
        undone: Callable[[], None] = lambda: None,
        buffer: Buffer | None = None,
        region: Span | None = None,
    ) -> None:
        """`claimed` is called with each hunk before anything of it is sent.

        `undone` is called when the person takes back a change of this job while it is running.
        """
        self._job = job
        self._label = label
        self._buffer = buffer
        self._find_buffer = find_buffer
        self._open_file = open_file
        self.files = files
        self._streaming = streaming
        self._claimed = claimed
        self._undone = undone
        self._inputs: dict[str, _Input] = {}
        self._hunks: dict[str, Buffer] = {}
        self.unchanged = False
        """Whether some change turned out to be none: the text was so already."""
        self.declined = ""
        self.problem = ""
        self.guesses: list[str] = []
        """Lines of changes that landed where Claude's quote was only much alike."""
        self.region: str | None = None
        self._gap = ""
        """The lines beside the region that go with it; no change of its own to whoever counts them."""
        if buffer is not None and region is not None:
            self.region = self._claim(buffer, region)

    def started(self, identity: str, name: str) -> None:
        self._inputs[identity] = _Input(name)

    def delta(self, identity: str, json: str) -> int:
        """Take the next piece of an input; how many characters of text this tool has written so far."""
        writing = self._inputs[identity]
        for piece in writing.strings.push(json):
            writing.characters += len(piece.text)
            if writing.name == "edit_file":
                self._edit_file_piece(writing, piece)
            elif writing.name == "rewrite_region" and piece.path == ("new_text",):
                writing.new_text += piece.text
                if self._streaming == "line" and self.region and self._buffer and "\n" in piece.text:
                    self._grow(self._buffer, self.region, writing.new_text, self._fitted_region)
        return writing.characters

    async def finished(self, use: ToolFinished) -> ToolOutcome:
        """Run the tool, whose whole input is known by now, and say what became of it once the editor has shown it."""
        writing = self._inputs.setdefault(use.id, _Input(use.name))
        if use.input is None:
            self.problem = self.problem or f"Claude's answer could not be read: {use.problem}."
            return await self._unread(writing, use.problem)
        try:
            if use.name == "rewrite_region":
                return await self._rewrite_region(use.input["new_text"])
            if use.name == "edit_file":
                return await self._edit_file(writing, use.input["path"], use.input["edits"])
            if use.name == "write_file":
                return await self._write_file(use.input["path"], str(use.input["content"]))
            if use.name == "rename_file":
                return await self._change_file(self.files.rename(use.input["old_path"], use.input["new_path"]))
            if use.name == "delete_file":
                return await self._change_file(self.files.delete(use.input["path"]))
            if use.name == "cannot_do":
                self.declined = str(use.input["message"])
                return ToolOutcome("", ends=True)
        except (KeyError, TypeError, AttributeError) as error:
            problem = f"it does not have the shape that {use.name} takes ({type(error).__name__}: {error})"
            self.problem = self.problem or f"Claude's answer could not be used: {problem}."
            return await self._unread(writing, problem)
        self.problem = self.problem or f"Claude asked for a tool that it was not offered: {use.name}."
        return ToolOutcome(f"There is no tool {use.name!r}.", failed=True)

    async def _unread(self, writing: _Input, problem: str) -> ToolOutcome:
        """What to say of an input that is no good as a whole. Parts of it may have landed while it was streamed."""
        parts = {index: place for index, place in writing.places.items() if place.hunk}
        ends: list[HunkEnded] = []
        if buffer := writing.buffer:
            hunks = [place.hunk for place in parts.values()]
            buffer.step(HunksDropped(tuple(hunk for hunk in hunks if not buffer.live.hunks[hunk].whole)))
            ends = await asyncio.gather(*map(buffer.end_of, hunks))
        landed = [str(index + 1) for index, end in zip(parts, ends, strict=True) if end.state is HunkState.LANDED]
        if not landed:
            return ToolOutcome(_UNREAD.format(problem), failed=True)
        kept = f"Of its edits, these were applied: {', '.join(landed)}. Do not send them again; send the others."
        return ToolOutcome(f"The input could not be read to its end: {problem}. {kept}", failed=True)

    def drop(self) -> None:
        """Give up what is not finished. What is already on its way to the editor may still land."""
        for buffer in self.buffers:
            names = tuple(hunk for hunk, owner in self._hunks.items() if owner is buffer)
            buffer.step(HunksDropped(names))

    async def settled(self) -> None:
        """Wait until the editor has shown what became of everything that is on its way to it."""
        await asyncio.gather(*self.endings)

    @property
    def endings(self) -> list[asyncio.Future[HunkEnded]]:
        """How the hunks will end that are still on their way."""
        return [buffer.end_of(name) for name, buffer in self._remembered() if not buffer.ended(name)]

    @property
    def hunks(self) -> Mapping[str, Buffer]:
        """All hunks of this job, and where they are, in whatever state."""
        return self._hunks

    @property
    def buffers(self) -> list[Buffer]:
        """The documents that this job works on."""
        return list({id(buffer): buffer for buffer in self._hunks.values()}.values())

    @property
    def landed(self) -> int:
        """How many changes there are so far, in texts and of files."""
        return len(self._landed()) + len(self.files.made)

    def where(self) -> str:
        """On which lines the changes are that landed, for the person."""
        places: list[str] = []
        for buffer, hunk in self._landed():
            first, last = (buffer.document.line_of(offset) + 1 for offset in hunk.span)
            place = str(first) if first == last else f"{first}-{last}"
            if place not in places:
                places.append(place)
        lines = f"line{'' if len(places) == 1 and places[0].isdecimal() else 's'} {', '.join(places[:20])}"
        names = [change.path.name for change in self.files.made]
        return ", ".join(([lines] if places else []) + names)

    def refused(self) -> list[tuple[str, str, str]]:
        """Uri, old and new text of what is whole and did not get into the text against the will of both."""
        known = [(buffer, buffer.live.hunks[name]) for name, buffer in self._remembered()]
        return [
            (buffer.document.uri, hunk.base, hunk.text)
            for buffer, hunk in known
            if hunk.whole and hunk.state in (HunkState.REFUSED, HunkState.CONFLICT, HunkState.LOST)
        ]

    def _landed(self) -> list[tuple[Buffer, Hunk]]:
        hunks = [(buffer, buffer.live.hunks[name]) for name, buffer in self._remembered()]
        return [
            (buffer, hunk)
            for buffer, hunk in hunks
            if hunk.id != self._gap
            and hunk.state is HunkState.LANDED
            and hunk.base not in (hunk.text, hunk.span.of(buffer.document.text))
        ]

    def _remembered(self) -> list[tuple[str, Buffer]]:
        """Our hunks that their documents have not forgotten yet."""
        return [(name, buffer) for name, buffer in self._hunks.items() if name in buffer.live.hunks]

    async def _rewrite_region(self, new_text: str) -> ToolOutcome:
        if self.region is None or self._buffer is None:
            self.problem = self.problem or "Claude rewrote a region where none was given."
            return ToolOutcome("No region was given: use edit_file.", failed=True)
        claimed = self._buffer.live.hunks[self.region]
        if claimed.whole:
            return ToolOutcome("The region was already rewritten by this answer.", failed=True)
        written = [(self.region, self._fitted_region(str(new_text)))]
        if not str(new_text).strip() and claimed.base.strip():
            # Nothing is to be left of it: not an empty line, nor the blank lines on both of its sides.
            gap = gap_beside(self._buffer.live.document.text, claimed.span)
            if not any(span.start < gap.end and gap.start < span.end for span in self._buffer.live.claimed):
                self._gap = self._claim(self._buffer, gap)
                written.append((self._gap, ""))
        self._buffer.step(HunksWritten(tuple(written)))
        return self._outcome([await self._buffer.end_of(hunk) for hunk, _ in written])

    def _fitted_region(self, new_text: str) -> str:
        assert self.region is not None and self._buffer is not None
        return fitted_to_region(new_text, self._buffer.live.hunks[self.region].base, self._buffer.document)

    def _grow(self, buffer: Buffer, hunk: str, text: str, fitted: Callable[[str], str]) -> None:
        """Show the lines that are finished. What may be a fence is held back until its end is known."""
        finished = text[: text.rindex("\n") + 1] if "\n" in text else ""
        if finished and not finished.lstrip().startswith("```"):
            buffer.step(HunkGrew(hunk, fitted(finished)))

    def _edit_file_piece(self, writing: _Input, piece: Piece) -> None:
        match piece.path:
            case ("path",):
                writing.path += piece.text
                writing.path_done = piece.done
            case ("edits", int(index), str(name)):
                place = writing.places.setdefault(index, _Place())
                place.parts[name] = place.parts.get(name, "") + piece.text
                if piece.done:
                    place.done.add(name)
                if self._streaming == "final" or not writing.path_done or "old_text" not in place.done:
                    return
                whole = "new_text" in place.done
                if not place.tried and (whole or self._streaming == "line") and self._found(writing):
                    self._place(writing, place)
                if not place.hunk or not writing.buffer:
                    return
                if whole:
                    self._write(writing, [place])
                elif name == "new_text" and "\n" in piece.text:
                    fitted = partial(self._fitted, place, writing.buffer)
                    self._grow(writing.buffer, place.hunk, place.parts[name], fitted)

    async def _edit_file(self, writing: _Input, path: str, edits: list[dict[str, object]]) -> ToolOutcome:
        writing.path = str(path)
        if not self._found(writing):
            opened = await self._open_file(writing.path)
            if isinstance(opened, Buffer):
                writing.buffer = opened
            else:
                writing.problem = opened
        waiting: list[_Place] = []
        for index, edit in enumerate(edits):
            old_text, new_text = str(edit["old_text"]), str(edit["new_text"])
            place = writing.places.setdefault(index, _Place())
            if not place.tried:
                place.parts = {"old_text": old_text, "new_text": new_text, "line": str(edit.get("line", ""))}
                self._place(writing, place)
                waiting.append(place)
            elif place.parts["old_text"] != old_text or place.parts["new_text"] != new_text:
                place.problem = "what was streamed is not what the finished input says; look at the lines"
        self._write(writing, waiting)
        if not edits:
            return ToolOutcome("edits is empty: nothing was changed.", failed=True)
        places = [writing.places[index] for index in range(len(edits))]
        ended = (
            await asyncio.gather(*(writing.buffer.end_of(place.hunk) for place in places if place.hunk))
            if (writing.buffer)
            else []
        )
        for place in places:
            if place.found and place.found.guess and writing.buffer:
                hunk = writing.buffer.live.hunks[place.hunk]
                if hunk.state is HunkState.LANDED:
                    self.guesses.append(str(writing.buffer.document.line_of(hunk.span.start) + 1))
        refused = [(number, place) for number, place in enumerate(places, 1) if place.problem]
        if refused:
            number, place = refused[0]
            self.problem = self.problem or f"Edit {number}: {place.reason or place.problem}."
        return self._outcome(ended, [f"Edit {number}: {place.problem}." for number, place in refused])

    async def _write_file(self, path: str, content: str) -> ToolOutcome:
        """A new file; or all of one that is there already, of which only what differs is touched."""
        writing = _Input("write_file", path=str(path))
        if not self._found(writing):
            opened = await self._open_file(writing.path)
            if isinstance(opened, str):
                return await self._change_file(self.files.create(writing.path, content))
            writing.buffer = opened
        if writing.buffer is None:
            self.problem = self.problem or f"{writing.problem}."
            return ToolOutcome(f"Nothing was written: {writing.problem}.", failed=True)
        text = writing.buffer.document.text
        hunk = self._claim(writing.buffer, Span(0, len(text)))
        writing.buffer.step(HunksWritten(((hunk, writing.buffer.document.with_own_breaks(content)),)))
        return self._outcome([await writing.buffer.end_of(hunk)])

    async def _change_file(self, change: Awaitable[None]) -> ToolOutcome:
        try:
            await change
        except FileProblem as problem:
            self.problem = self.problem or f"{str(problem)[:1].upper()}{str(problem)[1:]}."
            return ToolOutcome(f"Not done: {problem}.", failed=True)
        return ToolOutcome("Done.", ends=True)

    def _found(self, writing: _Input) -> bool:
        """Whether it is known which open document is meant, or why none may be."""
        if writing.buffer is None and not writing.problem:
            found = self._find_buffer(writing.path)
            if isinstance(found, str):
                writing.problem = found
            else:
                writing.buffer = found
        return bool(writing.buffer or writing.problem)

    def _place(self, writing: _Input, place: _Place) -> None:
        """Find the lines that one edit means, and claim them."""
        buffer = writing.buffer
        if buffer is None:
            place.problem = writing.problem
            return
        quoted = place.parts["old_text"]
        own = buffer.live.hunks[self.region].span if self.region and buffer is self._buffer else None
        closed = [span for span in buffer.live.claimed if span != own]
        found = locate(buffer.live.document.text, quoted, place.line, closed)
        if isinstance(found, NotFound):
            new_text = place.parts.get("new_text", "")
            done = new_text.strip() and new_text in buffer.live.document.text
            place.problem = found.problem + ("; new_text stands there already" if done else "")
            place.reason = found.reason
            return
        place.found = found
        place.hunk = self._claim(buffer, found.span)

    def _fitted(self, place: _Place, buffer: Buffer, new_text: str) -> str:
        assert place.found is not None
        return fitted_to_quote(new_text, place.parts["old_text"], place.found, buffer.document)

    def _write(self, writing: _Input, places: list[_Place]) -> None:
        buffer = writing.buffer
        if buffer:
            placed = [place for place in places if place.hunk]
            texts = tuple((place.hunk, self._fitted(place, buffer, place.parts["new_text"])) for place in placed)
            buffer.step(HunksWritten(texts))

    def _claim(self, buffer: Buffer, span: Span) -> str:
        name = f"{self._job}.{len(self._hunks) + 1}"
        self._hunks[name] = buffer
        buffer.when_undone(name, self._undone)
        self._claimed(buffer, name)
        buffer.step(HunkClaimed(name, self._label, span))
        return name

    def _outcome(self, ended: list[HunkEnded], problems: list[str] | None = None) -> ToolOutcome:
        """What became of a tool use, for Claude; the first thing that went wrong is kept for the person."""
        problems = list(problems or ())
        landed = sum(end.state is HunkState.LANDED for end in ended)
        self.unchanged |= any(end.landed is not None and end.landed.old == end.landed.new for end in ended)
        problems += [f"A change did not land: {end.reason}." for end in ended if end.state is not HunkState.LANDED]
        if not problems:
            return ToolOutcome("Applied.", ends=True)
        first = next((end for end in ended if end.state is not HunkState.LANDED), None)
        self.problem = self.problem or (first and _SAID.get(first.state)) or problems[0]
        kept = f"{landed} applied; do not send those again. " if landed else "Nothing was applied. "
        # What the person or their editor would not have is not asked for again.
        unwanted = any(end.state is not HunkState.LANDED for end in ended)
        return ToolOutcome(kept + " ".join(problems), failed=True, ends=unwanted)
