"""What Claude has changed in one document and nobody has looked at yet, hunk by hunk.

Rules:

1. The reviewed base is the text with the `old` of every hunk put back. Claude's own edits never change it; what anybody
   else does outside of the hunks changes it just as it changes the text.
2. Whatever anybody types stays when a hunk is rejected: at the rims of a hunk it counts as beside it, inside of it as
   theirs, which a three-way merge (from what Claude wrote, to what was there before) keeps.
3. A hunk whose text is what was there before is undone: it is not shown, but still followed, for a redo may bring it
   back. So may the state that it had before a second job changed it. A hunk that somebody has written over, all of it,
   is theirs, and over.

Theory. Edits arrive one behind the other, each with the job of Claude's that made it, or none. An edit of a job makes
a hunk, or joins those that it touches; while a job is writing they come in any order and in parts, so it is only when
a part of it is finished that hunks are brought into shape (`tidy`): changes with at most a few untouched lines between
them are one hunk, those that are further apart are several.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from claude_ls.text.diff import bare_lines, changes, lines_with_breaks, minimal_patch, unified_diff
from claude_ls.text.merge import merge, with_more_lines
from claude_ls.text.patch import Patch, Span, TextEdit, apply
from claude_ls.text.position import next_line_start, this_line_start
from claude_ls.text.rebase import carry_span

KEPT_STATES = 8
CONTEXT_LINES = 3
GAP_LINES = 2
"""So many untouched lines between two changes of one job are part of one hunk."""


class Stood(NamedTuple):
    """A state that a hunk was in: what stood `here`, what of that Claude `wrote`, and the `jobs` that did."""

    here: str
    wrote: str
    jobs: tuple[str, ...]


@dataclass(frozen=True)
class PendingHunk:
    """A change that waits to be looked at.

    `span` is where it stands today. `old` is what the base has there, `wrote` what Claude made of that; what stands at
    the span is that again unless somebody has typed into it. `jobs` had a hand in it, the last one is its `job`.
    `stood` are states that an undo or a redo may bring back.
    """

    id: str
    jobs: tuple[str, ...]
    span: Span
    old: str
    wrote: str
    undone: bool = False
    stood: tuple[Stood, ...] = ()

    @property
    def job(self) -> str:
        return self.jobs[-1]

    def as_values(self) -> dict[str, Any]:
        """The hunk for a file, to be read again by `of_values`."""
        return {
            "id": self.id,
            "jobs": list(self.jobs),
            "span": list(self.span),
            "old": self.old,
            "wrote": self.wrote,
            "undone": self.undone,
            "stood": [list(state) for state in self.stood],
        }

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> PendingHunk:
        stood = tuple(Stood(here, wrote, tuple(jobs)) for here, wrote, jobs in values["stood"])
        return cls(**{**values, "span": Span(*values["span"]), "jobs": tuple(values["jobs"]), "stood": stood})


@dataclass(frozen=True)
class Rejection:
    """What rejecting a hunk leaves at its span; `kept` if it has lines that Claude and somebody else both changed."""

    span: Span
    text: str
    kept: bool


@dataclass
class ReviewLog:
    """Of one document. `text` is the one that all hunks refer to."""

    text: str
    hunks: list[PendingHunk] = field(default_factory=list)
    """In the order of their places, never overlapping; those that were undone among them."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    """For the names of new hunks; logs that are listed together share one."""

    leaving: set[str] = field(default_factory=set)
    """Hunks that are being taken out: of two that are alike, side by side, it is these that go."""

    @property
    def pending(self) -> list[PendingHunk]:
        """The hunks to be shown, in the order of their places."""
        return [hunk for hunk in self.hunks if not hunk.undone]

    @property
    def base(self) -> str:
        """The text without what nobody has looked at yet."""
        return apply(self.text, _reverting(self.hunks))

    def find(self, identity: str) -> PendingHunk | None:
        return next((hunk for hunk in self.pending if hunk.id == identity), None)

    def step(self, edits: Sequence[tuple[TextEdit, str]], after: str) -> bool:
        """Take edits, one behind the other, each with the job of Claude's that made it ("" for anybody else).

        `after` is what they lead to; if they do not, somebody else did the rest. Whether any hunk is another one now,
        or at another place.
        """
        if not self.hunks and not any(job for _, job in edits):
            self.text = after
            return False
        before, touched = self.hunks, set[str]()
        states = {hunk.id: self._state(hunk) for hunk in before}
        by_claude = any(job for _, job in edits)
        if by_claude or not self._reverted(after):
            for edit, job in edits:
                touched |= self._made(edit, job)
            for edit in changes(self.text, after):
                touched |= self._made(edit, "")
        self.text = after
        self.hunks = [
            kept
            for hunk in self.hunks
            for kept in (
                self._judged(hunk, hunk.span.of(after), states.get(hunk.id), by_claude=by_claude)
                if hunk.id in touched
                else [hunk]
            )
        ]
        return self.hunks != before

    def settle(self, identities: Iterable[str]) -> None:
        """These hunks have been looked at: what stands there is the base from now on."""
        gone = set(identities)
        self.hunks = [hunk for hunk in self.hunks if hunk.id not in gone]

    def rejected(self, hunk: PendingHunk) -> Rejection:
        """What is to stand in the place of `hunk`, once Claude's part of it is out again."""
        here = hunk.span.of(self.text)
        back = merge(hunk.wrote, hunk.old, here)
        # Whole lines between those of Claude's can stay where nothing of Claude's does.
        beside = None if back.clean else with_more_lines(hunk.wrote, hunk.old, here)
        if beside is not None:
            return Rejection(hunk.span, beside, kept=False)
        return Rejection(hunk.span, back.text, kept=not back.clean)

    def typed_into(self, hunk: PendingHunk) -> bool:
        """Whether somebody has changed what Claude wrote here: the hunk is theirs in part."""
        return hunk.span.of(self.text) != hunk.wrote

    def tidy(self, job: str) -> None:
        """Bring the hunks of `job` into shape: near ones together, and apart what lies far apart."""
        joined: list[PendingHunk] = []
        for hunk in self.hunks:
            if joined and self._belong_together(joined[-1], hunk, job):
                joined[-1] = self._union([joined[-1], hunk], hunk.span)
            else:
                joined.append(hunk)
        self.hunks = [part for hunk in joined for part in (self._parts(hunk) if hunk.job == job else [hunk])]
        for place, hunk in enumerate(self.hunks):
            if hunk.job == job and any(character in hunk.old + hunk.wrote for character in "\n\r"):
                self.hunks[place] = self._by_lines(place)

    def _made(self, edit: TextEdit, job: str) -> set[str]:
        touched = self._own(edit, job) if job else self._foreign(edit)
        self.text = self.text[: edit.start] + edit.text + self.text[edit.end :]
        return touched

    def _own(self, edit: TextEdit, job: str) -> set[str]:
        """An edit of a job's: it joins what it touches, and the other hunks of the job that it borders on."""
        places = [
            place
            for place, hunk in enumerate(self.hunks)
            if _touch(hunk.span, edit) or (hunk.job == job and _border(hunk.span, edit))
        ]
        first = places[0] if places else sum(hunk.span.end <= edit.start for hunk in self.hunks)
        behind = places[-1] + 1 if places else first
        if places:
            union = self._union(self.hunks[first:behind], edit.span)
            jobs = tuple(known for known in union.jobs if known != job)
            if union.job != job:
                before = Stood(union.span.of(self.text), union.wrote, union.jobs)
                union = replace(union, stood=_with(union.stood, before))
            union = replace(union, jobs=(*jobs, job), undone=False)
        else:
            here = edit.span.of(self.text)
            union = PendingHunk(self._new_id(job), (job,), edit.span, here, here)
        start = union.span.start
        here = union.span.of(self.text)
        now = apply(here, (TextEdit(edit.start - start, edit.end - start, edit.text),))
        # What somebody typed into it is still theirs, except where Claude has rewritten it since.
        wrote = now if union.wrote == here else merge(here, union.wrote, now).text
        union = replace(union, span=Span(start, start + len(now)), wrote=wrote)
        self.hunks[first:] = [union, *(_shifted(hunk, edit.delta) for hunk in self.hunks[behind:])]
        return {union.id}

    def _foreign(self, edit: TextEdit) -> set[str]:
        """Somebody else's edit; the hunks that it touches."""
        touched: set[str] = set()
        carried: list[PendingHunk] = []
        edit = self._as_meant(edit)
        for hunk in self.hunks:
            if hunk.span.end < edit.start:
                carried.append(hunk)
            elif edit.span == hunk.span and edit.text in (hunk.old, *(state.here for state in hunk.stood)):
                touched.add(hunk.id)
                carried.append(replace(hunk, span=Span(edit.start, edit.start + len(edit.text))))
            elif not _written_over(hunk.span, edit):
                if hunk.span.touches(edit.span):
                    touched.add(hunk.id)
                carried.append(replace(hunk, span=carry_span(hunk.span, edit)))
        self.hunks = carried
        return touched

    def _as_meant(self, edit: TextEdit) -> TextEdit:
        """A deletion over the rim of a hunk, as one within it where that comes to the same.

        Lines can be taken out from the break before them on, or up to the break behind them.
        """
        if edit.text or edit.start == edit.end:
            return edit
        for hunk in self.hunks:
            if hunk.span.touches(edit.span) and not hunk.span.covers(edit.span):
                for by in (hunk.span.start - edit.start, hunk.span.end - edit.end):
                    moved = Span(edit.start + by, edit.end + by)
                    left, right = sorted((edit.start, moved.start)), sorted((edit.end, moved.end))
                    if hunk.span.covers(moved) and self.text[slice(*left)] == self.text[slice(*right)]:
                        return TextEdit(*moved, "")
        return edit

    def _state(self, hunk: PendingHunk) -> Stood:
        return Stood(hunk.span.of(self.text), hunk.wrote, hunk.jobs)

    def _reverted(self, after: str) -> bool:
        """Whether `after` is the text with some hunks in another state and nothing else changed; they are in it then.

        Only the whole text tells. The edits may say that other ones of equal lines came or went, that something came
        beside a hunk and not in it, or they may reach from the middle of one hunk into another.
        """
        places = self._states_in(after)
        if places is None:
            return False
        hunks = [
            kept for hunk, span in zip(self.hunks, places, strict=True) for kept in self._in_state(hunk, span, after)
        ]
        self.text, self.hunks = after, hunks
        return True

    def _in_state(self, hunk: PendingHunk, span: Span, after: str) -> list[PendingHunk]:
        """The hunk when it stands at `span` of `after`; nothing where it is over."""
        before, here = self._state(hunk), span.of(after)
        now = replace(hunk, span=span)
        if here == before.here:
            return [now]
        if here == hunk.old or any(state.here == here for state in hunk.stood):
            return self._judged(now, here, before, by_claude=False)
        # Claude's part of it is out, and what somebody had typed into it has stayed.
        return [replace(now, old=here, undone=True, stood=_with(hunk.stood, before))]

    def _states_in(self, after: str) -> list[Span] | None:
        """Where each hunk stands in `after`, if that has nothing but states of them between what is outside of them."""
        ends = [hunk.span.end for hunk in self.hunks]
        between = [self.text[end : hunk.span.start] for end, hunk in zip([0, *ends], self.hunks, strict=False)]
        rest = self.text[ends[-1] :]
        # Depth first, the state as it is before the others; a way that has failed is not gone again.
        failed: set[tuple[int, int]] = set()
        way: list[Iterator[Span]] = []
        found: list[Span] = []
        at = 0
        while True:
            place = len(found)
            if place == len(between):
                if after[at:] == rest:
                    return found
            elif (place, at) not in failed and after.startswith(between[place], at):
                failed.add((place, at))
                way.append(self._standing(self.hunks[place], after, at + len(between[place])))
                found.append(Span(at, at))
            while way:
                found.pop()
                span = next(way[-1], None)
                if span is not None:
                    found.append(span)
                    at = span.end
                    break
                way.pop()
            if not way:
                return None

    def _standing(self, hunk: PendingHunk, after: str, at: int) -> Iterator[Span]:
        """The states of `hunk` that `after` can have at this place."""
        here = hunk.span.of(self.text)
        texts = [here, hunk.old, *(state.here for state in hunk.stood)]
        if hunk.id in self.leaving:
            texts = [self.rejected(hunk).text, hunk.old, *texts]
        for text in dict.fromkeys(texts):
            if after.startswith(text, at):
                yield Span(at, at + len(text))
        if not hunk.undone and here != hunk.wrote:
            rejection = self.rejected(hunk)
            if not rejection.kept and rejection.text not in texts and after.startswith(rejection.text, at):
                yield Span(at, at + len(rejection.text))

    def _judged(self, hunk: PendingHunk, here: str, before: Stood | None, *, by_claude: bool) -> list[PendingHunk]:
        """The hunk after it was touched, with `here` in it after the state `before`; nothing where it is over."""
        if here == hunk.old:
            was = hunk.stood if before is None or before.here == here or by_claude else _with(hunk.stood, before)
            return [replace(hunk, undone=True, stood=was)] if was else []
        known = None if by_claude else next((state for state in hunk.stood if state.here == here), None)
        if known is not None:
            others = tuple(state for state in hunk.stood if state is not known)
            stood = others if before is None or hunk.undone else _with(others, before)
            return [replace(hunk, wrote=known.wrote, jobs=known.jobs, undone=False, stood=stood)]
        return [] if hunk.undone else [hunk]

    def _union(self, hunks: Sequence[PendingHunk], span: Span) -> PendingHunk:
        """One hunk for all of `hunks` and `span`, called as the first of them."""
        whole = Span(min(span.start, hunks[0].span.start), max(span.end, hunks[-1].span.end))
        inner = [replace(hunk, span=Span(*(at - whole.start for at in hunk.span))) for hunk in hunks]
        here = whole.of(self.text)
        jobs = tuple(dict.fromkeys(job for hunk in hunks for job in hunk.jobs))
        wrote = apply(here, tuple(TextEdit(*hunk.span, hunk.wrote) for hunk in inner if not hunk.undone))
        undone = all(hunk.undone for hunk in hunks)
        stood = [
            Stood(_put(here, hunk.span, state.here), _put(here, hunk.span, state.wrote), state.jobs)
            for hunk in inner
            for state in hunk.stood
        ]
        old = apply(here, _reverting(inner))
        return PendingHunk(hunks[0].id, jobs, whole, old, wrote, undone, tuple(stood[-KEPT_STATES:]))

    def _belong_together(self, left: PendingHunk, right: PendingHunk, job: str) -> bool:
        if left.job != job or right.job != job or left.undone or right.undone:
            return False
        return _untouched_lines(self.text, left.span.end, right.span.start) <= GAP_LINES

    def _parts(self, hunk: PendingHunk) -> list[PendingHunk]:
        """The hunk as it is best shown; as it is where somebody has typed into it."""
        here = hunk.span.of(self.text)
        if hunk.undone or here != hunk.wrote or hunk.stood:
            return [hunk]
        groups = grouped(hunk.old, minimal_patch(hunk.old, here))
        parts: list[PendingHunk] = []
        moved = hunk.span.start
        for number, group in enumerate(groups):
            old = Span(group[0].start, group[-1].end)
            start = old.start + moved
            moved += sum(edit.delta for edit in group)
            span = Span(start, old.end + moved)
            name = hunk.id if number == 0 else self._new_id(hunk.job)
            parts.append(replace(hunk, id=name, span=span, old=old.of(hunk.old), wrote=span.of(self.text)))
        return parts

    def _by_lines(self, place: int) -> PendingHunk:
        """A hunk of several lines, grown to all of them: what somebody puts in between stands on lines of its own."""
        hunk = self.hunks[place]
        if hunk.undone or self.typed_into(hunk) or hunk.stood:
            return hunk
        span, old, new = whole_lines(self.text, hunk)
        free = Span(
            self.hunks[place - 1].span.end if place else 0,
            self.hunks[place + 1].span.start if place + 1 < len(self.hunks) else len(self.text),
        )
        return replace(hunk, span=span, old=old, wrote=new) if free.covers(span) else hunk

    def _new_id(self, job: str) -> str:
        known = {hunk.id for hunk in self.hunks}
        return next(name for name in (f"{job}-{number}" for number in self.numbers) if name not in known)


def grouped(text: str, patch: Patch) -> list[Patch]:
    """The edits of `text` in groups that are shown as one hunk each."""
    groups: list[list[TextEdit]] = []
    for edit in patch:
        if groups and _untouched_lines(text, groups[-1][-1].end, edit.start) <= GAP_LINES:
            groups[-1].append(edit)
        else:
            groups.append([edit])
    return [tuple(group) for group in groups]


def whole_lines(text: str, hunk: PendingHunk) -> tuple[Span, str, str]:
    """The hunk as people read it: its whole lines in `text`, what they were, and what they are."""
    start, end = hunk.span
    first = this_line_start(text, start)
    old_ends_line = hunk.old.endswith(("\n", "\r")) or (not hunk.old and first == start)
    last = end if old_ends_line and _starts_line(text, end) else next_line_start(text, end)
    old, new = text[first:start] + hunk.old + text[end:last], text[first:last]
    if first == start:
        return Span(first, last), old, new
    # What is put in behind a line may begin with the break of that line.
    old_lines, new_lines = lines_with_breaks(old), lines_with_breaks(new)
    same = next((n for n, pair in enumerate(zip(old_lines, new_lines, strict=False)) if pair[0] != pair[1]), None)
    count = min(len(old_lines), len(new_lines)) if same is None else same
    head = sum(map(len, old_lines[:count]))
    return Span(first + head, last), old[head:], new[head:]


def unchanged_in(log: ReviewLog, other: str) -> list[str]:
    """The hunks whose lines read in `other`, another version of the text, as they do here; line breaks do not count."""
    here, there = bare_lines(log.text), bare_lines(other)
    blocks = difflib.SequenceMatcher(None, here, there, autojunk=False).get_opcodes()
    differing = [(block[1], block[2]) for block in blocks if block[0] != "equal"]
    found: list[str] = []
    for hunk in log.pending:
        span, _, new = whole_lines(log.text, hunk)
        first = len(bare_lines(log.text[: span.start]))
        last = first + len(bare_lines(new))
        # A deletion has no lines of its own: where anything differs at its place, it was not made.
        touched = (start <= first <= end if first == last else start < last and first < end for start, end in differing)
        if not any(touched):
            found.append(hunk.id)
    return found


def as_diff(log: ReviewLog, path: str) -> str:
    """All that is pending, in the form that every tool reads: the hunks as they are, and three lines around them."""
    blocks: list[tuple[int, int, list[str]]] = []
    lines = bare_lines(log.text)
    line = at = 0
    for hunk in log.pending:
        span, old, new = whole_lines(log.text, hunk)
        if span.start < at:
            return unified_diff(path, log.base, log.text)  # Two jobs on one line: it has to be looked at as a whole.
        line += len(bare_lines(log.text[at : span.start]))
        count = len(bare_lines(new))
        blocks.append((line, line + count, bare_lines(old)))
        line, at = line + count, span.end
    parts = [f"--- a/{path}\n+++ b/{path}\n"] if blocks else []
    grown = 0
    while blocks:
        group = [blocks.pop(0)]
        while blocks and blocks[0][0] - group[-1][1] <= 2 * CONTEXT_LINES:
            group.append(blocks.pop(0))
        first, last = max(0, group[0][0] - CONTEXT_LINES), min(len(lines), group[-1][1] + CONTEXT_LINES)
        body: list[str] = []
        reached = first
        for start, end, old_lines in group:
            body += [f" {words}\n" for words in lines[reached:start]]
            body += [f"-{words}\n" for words in old_lines]
            body += [f"+{words}\n" for words in lines[start:end]]
            reached = end
        body += [f" {words}\n" for words in lines[reached:last]]
        more = sum(end - start - len(old_lines) for start, end, old_lines in group)
        parts.append(f"@@ -{_range(first - grown, last - first - more)} +{_range(first, last - first)} @@\n")
        parts += body
        grown += more
    return "".join(parts)


def _range(first: int, count: int) -> str:
    """Lines as a diff names them: from 1, and one that is not there by the line before it."""
    if count == 1:
        return str(first + 1)
    return f"{first + 1 if count else first},{count}"


def _untouched_lines(text: str, left: int, right: int) -> int:
    """How many whole lines lie between a change that ends at `left` and one that begins at `right`."""
    breaks = sum(line.endswith(("\n", "\r")) for line in lines_with_breaks(text[left:right]))
    return breaks if _starts_line(text, left) else breaks - 1


def _starts_line(text: str, offset: int) -> bool:
    return offset == 0 or text[offset - 1] in "\n\r"


def _with(stood: tuple[Stood, ...], state: Stood) -> tuple[Stood, ...]:
    return (*(known for known in stood if known.here != state.here), state)[-KEPT_STATES:]


def _put(text: str, span: Span, instead: str) -> str:
    return text[: span.start] + instead + text[span.end :]


def _reverting(hunks: Iterable[PendingHunk]) -> Patch:
    return tuple(TextEdit(*hunk.span, hunk.old) for hunk in hunks)


def _touch(span: Span, edit: TextEdit) -> bool:
    return span.touches(edit.span) or (edit.start <= span.start and span.end <= edit.end and edit.start < edit.end)


def _border(span: Span, edit: TextEdit) -> bool:
    return edit.start <= span.end and span.start <= edit.end


def _shifted(hunk: PendingHunk, delta: int) -> PendingHunk:
    return replace(hunk, span=Span(hunk.span.start + delta, hunk.span.end + delta))


def _written_over(span: Span, edit: TextEdit) -> bool:
    """Whether nothing is left of what stood at `span`."""
    if span.start == span.end:
        return edit.start < span.start < edit.end
    return edit.start <= span.start and span.end <= edit.end
