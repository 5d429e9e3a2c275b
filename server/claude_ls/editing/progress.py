"""What a place looks like while Claude is still rewriting it: the new lines so far, above the old ones yet to come.

The new lines are aligned with the old as they arrive, one row of dynamic programming for each. Old lines that the
alignment has passed are gone; those below stay, so that the text never looks half deleted and there is little that a
person could be typing into.
"""

from __future__ import annotations

from typing import NamedTuple

from claude_ls.text.diff import lines_with_breaks

MAX_OLD_LINES = 1500
"""Above this a row takes a third of a millisecond for each new line: such places are replaced when all is written."""
INSERTED = -1.0
DELETED = -4.0
"""Deleting is dear, so that old lines go only when it is clear that the new text is past them."""
EQUAL = 2.0
EQUAL_FOR_EACH_CHARACTER = 0.1
"""A long line that is equal says more than a bracket that is."""
ALIKE = 0.5
"""From this share of equal characters at its ends on, a line is taken for another one's successor."""
CHANGED = -1.0
"""What a line that is only alike is worth less than its share of an equal one."""
LOOKED_AHEAD = 200
"""Old lines beyond those passed that are looked at for likeness."""
_NEVER = float("-inf")


class Progress(NamedTuple):
    """`text` is to stand there now; its last `rest` characters are old text that was not reached yet."""

    text: str
    rest: int


class Alignment:
    """Aligns a growing text with the `old` one. Lines break with `line_break`; the last of `old` has no break."""

    def __init__(self, old: str, line_break: str) -> None:
        self._old = lines_with_breaks(old)
        self._bare = [line.rstrip("\r\n") for line in self._old]
        self._line_break = line_break
        self._row: list[float] = []
        self._new: list[str] = []
        self._passed = 0
        self._restart()

    def progress(self, text: str) -> Progress:
        """How it stands when `text`, whole lines, is written so far. Cheap where `text` only grew since last time."""
        if len(self._old) > MAX_OLD_LINES:
            return Progress("".join(self._old), sum(map(len, self._old)))
        lines = [line.rstrip("\r\n") for line in lines_with_breaks(text)]
        if lines[: len(self._new)] != self._new:
            self._restart()
        for line in lines[len(self._new) :]:
            self._take(line)
        rest = "".join(self._old[self._passed :])
        text = text.removesuffix("\n").removesuffix("\r")
        return Progress(text + self._line_break + rest if text and rest else text + rest, len(rest))

    def _restart(self) -> None:
        self._row = [DELETED * count for count in range(len(self._old) + 1)]
        self._new, self._passed = [], 0

    def _take(self, line: str) -> None:
        """One more row: what each number of passed old lines is worth, this new line included."""
        reward = EQUAL + EQUAL_FOR_EACH_CHARACTER * len(line)
        above = self._row
        row = [above[0] + INSERTED if self._passed == 0 else _NEVER]
        for count, old in enumerate(self._bare, 1):
            best = max(above[count] + INSERTED, row[count - 1] + DELETED)
            if old == line:
                best = max(best, above[count - 1] + reward)
            elif self._passed < count <= self._passed + LOOKED_AHEAD:
                share = _likeness(old, line)
                if share >= ALIKE:
                    best = max(best, above[count - 1] + share * reward + CHANGED)
            row.append(best if count >= self._passed else _NEVER)
        self._row = row
        self._new.append(line)
        self._passed = row.index(max(row))


def _likeness(old: str, new: str) -> float:
    """How much of the longer line the two have in common at their ends, blanks around them aside: 0 to 1."""
    old, new = old.strip(), new.strip()
    if not old or not new or (old[0] != new[0] and old[-1] != new[-1]):
        return 0.0
    limit = min(len(old), len(new))
    head = 0
    while head < limit and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < limit - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return (head + tail) / max(len(old), len(new))
