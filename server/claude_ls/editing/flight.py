"""The edit that is on its way to the editor, and what a report of the editor's says about it.

Editors differ in what they do with an edit when somebody has typed since it was sent. They refuse it; they carry its
ranges over what was typed, and replace what was typed into them as well; they carry it character by character, so that
what was typed stays in the middle of ours; they make it where it would have been; they make its parts one by one. What
has happened is read from the text alone: whichever reading leaves the least to explain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from claude_ls.editing.events import EditAnswered
from claude_ls.text.diff import distance, minimal_patch
from claude_ls.text.patch import Patch, TextEdit, apply
from claude_ls.text.rebase import cover, split


@dataclass(frozen=True)
class Step:
    """What one hunk gets next: `goal` is what it stands at then by our own doing, `text` the same with the person's.

    `rest` is how much at the end of `goal` is old text still; with `last`, nothing comes behind this step.
    """

    goal: str
    text: str
    rest: int = 0
    last: bool = True


@dataclass(frozen=True)
class Reading:
    """What a report says: our edit is `in` the text, `part` of it is, it is in and went `astray`, or it is `out`.

    `patch` is what of ours is in, in the text before the report, `owners` whose it is; `text` is that text with it in.
    Where the report is still another one, the difference is somebody else's.
    """

    kind: Literal["in", "part", "astray", "out"]
    patch: Patch = ()
    owners: Sequence[str] = ()
    text: str = ""


@dataclass
class Flight:
    """`patch` leads from the confirmed text to `expected`; `sent` is the patch as it went out, `at` the time it did.

    `owners` names the hunk of each edit in it. `doomed` are hunks whose lines the person changed meanwhile. An editor
    that rebases makes the edit all the same: one that carries ranges over what was typed (`patch`) swallows it, and it
    is given back; one that carries characters (`gentle`) leaves it in the middle of ours.
    """

    request: int
    sent: Patch
    patch: Patch
    owners: Sequence[str]
    expected: str
    steps: Mapping[str, Step]
    at: float
    wanted: str | None = None
    """Set where this repairs an edit that went astray: what the text should be in the end, with all that was typed
    since. The spans of hunks are then already those of this text."""
    doomed: frozenset[str] = frozenset()
    moved: bool = False
    """Whether anything was reported since it was sent."""
    gentle: Patch | None = None
    """`patch` as an editor would make it that leaves typed characters alone; None where that is the same."""
    gentle_owners: Sequence[str] = ()
    typed: int = 0
    """How many characters somebody else has put in since it was sent."""
    answer: EditAnswered | None = None
    echoed: bool = False

    def carry(self, edit: TextEdit) -> None:
        """Carry the patch over somebody else's `edit`, in both ways in which editors do it themselves."""
        self.typed += len(edit.text)
        own = zip(self.gentle or self.patch, self.gentle_owners or self.owners, strict=True)
        parts = [(part, owner) for piece, owner in own for part in split(piece, edit)]
        self.patch = tuple(cover(piece, edit) for piece in self.patch)
        same = tuple(part for part, _ in parts) == self.patch
        self.gentle = None if same else tuple(part for part, _ in parts)
        self.gentle_owners = () if same else [owner for _, owner in parts]

    def read(self, before: str, after: str) -> Reading:
        """What the report that the text is `after`, and not `before` any more, says about this edit."""
        if after == self.wanted or (after == self.expected and self.wanted is None):
            return Reading("in", self.patch, self.owners, after)
        part = self._part(before, after)
        if part is not None:
            return part
        if self.gentle is not None and after == apply(before, self.gentle):
            return Reading("in", self.gentle, self.gentle_owners, after)
        # Where it belonged before the person typed; or right, but the text was to become another one.
        moved = self.sent != self.patch and self.sent[-1].end <= len(before)
        if (self.wanted is not None and after == self.expected) or (moved and after == apply(before, self.sent)):
            return Reading("astray")
        return self._closest(before, after)

    def _near(self, parts: Patch) -> bool:
        """Whether any of `parts` comes near to any of our own edits, so that it may be ours in some way.

        Near is what was typed meanwhile: beside that ours may stand on either side. So is all that is half as large as
        ours: among equal lines, where something was put in is a matter of opinion.
        """
        if 2 * _size(parts) >= _size(self.patch):
            return True
        own = (*self.patch, *(self.gentle or ()), *self.sent)
        reach = self.typed
        return any(part.start <= edit.end + reach and edit.start <= part.end + reach for part in parts for edit in own)

    def take_out(self, done: Patch) -> None:
        """`done`, the foremost or the hindmost edits of the patch, are in the text: what is left is still to come."""
        count = len(done)
        first = self.patch[:count] == done
        left = slice(count, None) if first else slice(len(self.patch) - count)
        moved = sum(edit.delta for edit in done) if first else 0
        self.patch = tuple(TextEdit(edit.start + moved, edit.end + moved, edit.text) for edit in self.patch[left])
        self.sent, self.owners = self.patch, self.owners[left]

    def _part(self, before: str, after: str) -> Reading | None:
        """Editors may report each edit of a patch on its own, from either end."""
        grown = len(after) - len(before)
        for count in range(1, len(self.patch)):
            last = len(self.patch) - count
            for some in (slice(last, None), slice(count)):
                done = self.patch[some]
                if sum(edit.delta for edit in done) == grown and apply(before, done) == after:
                    return Reading("part", done, self.owners[some], after)
        return None

    def _closest(self, before: str, after: str) -> Reading:
        if not self._near(minimal_patch(before, after)):
            return Reading("out")  # Mostly: a key was pressed elsewhere. What follows looks at all that lies between.
        readings = [Reading("in", self.patch, self.owners, self.expected)]
        if self.gentle is not None:
            readings.append(Reading("in", self.gentle, self.gentle_owners, apply(before, self.gentle)))
        distances = [distance(reading.text, after) for reading in readings]
        best, if_out = min(distances), distance(before, after)
        if best < if_out or (best == if_out and self.answer is not None):
            return readings[distances.index(best)]
        return Reading("out")


def _size(patch: Patch) -> int:
    """How many characters go out and come in."""
    return sum(edit.end - edit.start + len(edit.text) for edit in patch)
