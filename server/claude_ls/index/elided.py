"""Files with only the lines that matter: whole signatures, and a mark where something was left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from claude_ls.index.store import Place, Store

MARK = "⋮"
"""Stands for lines that are left out."""
SIGNATURE_LINES = 8
"""No signature is shown with more lines than these."""
LONGEST_LINE = 200
"""Longer lines are cut: they are data, mostly."""

Lines = Callable[[str], list[str]]
"""The lines of a file of the folder as they are now, without their ends; none where it cannot be read."""


@dataclass
class Elided:
    """Grows by one definition after the other, as long as there is room for `characters`."""

    store: Store
    lines: Lines
    characters: int
    overhead: int = 60
    """What each file costs beside its lines: the tags around it."""
    shown: dict[str, set[int]] = field(default_factory=dict)
    used: int = 0

    def add(self, place: Place) -> bool:
        """Show the signature of a definition, and what it stands in; False where there is no room for it."""
        tags = self.store.file(place.path).tags
        lines = self.lines(place.path)
        known = self.shown.get(place.path, set())
        wanted: set[int] = set()
        number = place.number
        while number > 0:
            tag = tags[number]
            first = tag.line if number != place.number else max(tag.first, tag.line - 3)
            wanted.update(range(first, min(max(tag.body, tag.line + 1), tag.line + SIGNATURE_LINES, len(lines))))
            number = tag.parent
        wanted -= known
        if not wanted:
            return True
        cost = sum(min(len(lines[line]), LONGEST_LINE) + 1 for line in wanted)
        # Each new line can bring a mark with it, before it and behind it.
        cost += 2 * (len(MARK) + 1) * _runs(wanted)
        cost += 0 if place.path in self.shown else self.overhead + len(place.path)
        if self.used + cost > self.characters:
            return False
        self.used += cost
        self.shown.setdefault(place.path, set()).update(wanted)
        return True

    def rendered(self) -> Iterable[tuple[str, str]]:
        """Path and text of each file, in the order in which they came up."""
        for path, shown in self.shown.items():
            lines = self.lines(path)
            parts: list[str] = []
            at = 0
            for line in sorted(shown):
                if line > at:
                    parts.append(MARK)
                text = lines[line] if line < len(lines) else ""
                parts.append(text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 1] + "…")
                at = line + 1
            if at < len(lines):
                parts.append(MARK)
            yield path, "\n".join(parts)


def _runs(lines: set[int]) -> int:
    return sum(1 for line in lines if line - 1 not in lines)
