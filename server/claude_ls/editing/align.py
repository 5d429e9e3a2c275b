"""Makes what Claude wrote fit the place it goes to: line breaks, the last line break, indentation, stray fences.

Rules:

* Only what a model gets wrong by habit is mended, and only where the mistake is certain; everything else is left as
  it was written.
* Where the quote was exact, only line breaks are adapted.
* Where it was not, a line that Claude quoted and wrote again as it had quoted it is a line that it does not change:
  the file's own stays, with the blanks, dashes and words that it has there.
* What stands in the place and was not quoted is not Claude's to remove: it stays. What was quoted and does not stand
  there is not brought in.

Theory. The quoted lines that have a partner in the file are aligned with the new lines by their longest common
subsequence. That leaves stretches in which quoted lines were replaced by new ones, and these are written. They are
indented as the file's lines are: a line gets what the nearest quoted line of the same indentation has in the file, a
deeper one gets that and the rest of its own. Nearest, because that leaves the inside of a string of several lines
alone where only the code around it was shifted; nothing here knows the language, so a changed line of such a string is
treated as its neighbours were.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from rapidfuzz.distance import LCSseq

from claude_ls.editing.locate import MARK, MAX_CELLS, NUMBERED, Found, Pair, bare_lines, indent_of, without_number
from claude_ls.text.diff import lines_with_breaks
from claude_ls.text.document import Document
from claude_ls.text.patch import Span

_BREAKS = re.compile(r"\r\n?|\n")
_FENCED = re.compile(r"\A```[\w+#.-]*\n(.*?)\n?```\s*\Z", re.DOTALL)


def gap_beside(text: str, span: Span) -> Span:
    """What goes with the whole lines of `span` where nothing is left of them: their line break, and the blank lines on
    the side that has fewer of them, so that what stood apart still does."""
    above = len(text[: span.start].rstrip())
    rest = text[span.end :]
    below = span.end + len(rest) - len(rest.lstrip())
    below = max(span.end, *(end for end in (text.rfind("\n", 0, below) + 1, text.rfind("\r", 0, below) + 1)))
    last = not rest.strip()
    if above and (
        last or len(_BREAKS.findall(text[above : span.start])) < len(_BREAKS.findall(text[span.end : below]))
    ):
        return Span(above, span.start)
    return Span(span.end, len(text) if last else below)


def fitted_to_region(new_text: str, base: str, document: Document) -> str:
    """`new_text` as the replacement of `base`, which are whole lines of `document` without the last line break."""
    if base.startswith(MARK):
        return MARK + fitted_to_region(new_text.removeprefix(MARK), base.removeprefix(MARK), document)
    fenced = _FENCED.match(new_text)
    if fenced and not base.lstrip().startswith("```"):
        new_text = fenced.group(1)
    if not base.endswith("\n"):
        new_text = new_text.removesuffix("\n").removesuffix("\r")
    return document.with_own_breaks(_indented_like(new_text, base))


def fitted_to_quote(new_text: str, quoted: str, found: Found, document: Document) -> str:
    """`new_text` as the replacement of what `quoted` was found to mean in `document`."""
    exact = not found.pairs
    if (found.span.start == len(MARK) and document.text.startswith(MARK)) or (quoted.startswith(MARK) and not exact):
        # The mark stays in front of the place that is replaced.
        new_text = new_text.removeprefix(MARK)
    if not exact:
        # Whole lines were found, without the line break of the last: the replacement does not bring one either.
        lines = bare_lines(new_text)
        if found.level == "line numbers":
            lines = _without_numbers(lines, quoted, found.pairs)
        new_text = "\n".join(_merged(lines, found.pairs))
    return document.with_own_breaks(new_text)


def _without_numbers(lines: Sequence[str], quoted: str, pairs: Sequence[Pair]) -> list[str]:
    """The new lines without the numbers that were copied with the quoted ones."""
    known = set(bare_lines(quoted))
    # Where the file has such numbers of its own, only the lines that were quoted are known to have one too many.
    own = all(NUMBERED.match(actual) for _, actual in pairs if actual and actual.strip())
    numbered = not own and all(NUMBERED.match(line) for line in lines if line.strip())
    return [without_number(line) if numbered or line in known else line for line in lines]


def _merged(lines: list[str], pairs: Sequence[Pair]) -> list[str]:
    """What stands in the place when `lines` have replaced the quoted ones."""
    here = [at for at, (_, actual) in enumerate(pairs) if actual is not None]
    lines = _without_edges(lines, pairs[: here[0]], pairs[here[-1] + 1 :])
    pairs = pairs[here[0] : here[-1] + 1]
    present = [(quoted, actual) for quoted, actual in pairs if quoted is not None and actual is not None]
    # Lines of the file without a partner, by how many of those that have one stand above them.
    unquoted: list[list[str]] = [[] for _ in range(len(present) + 1)]
    above = 0
    for quoted, actual in pairs:
        if actual is None:
            continue
        if quoted is None:
            unquoted[above].append(actual)
        else:
            above += 1
    absent = [quoted for quoted, actual in pairs if actual is None]
    indentation = _Indentation(present)
    merged: list[str] = []
    ends = [(-1, -1), *_common([quoted for quoted, _ in present], lines), (len(present), len(lines))]
    for (left, right), (next_left, next_right) in pairwise(ends):
        written: list[str] = []
        for line in lines[right + 1 : next_right]:
            if line in absent:
                absent.remove(line)
            else:
                written.append(indentation.fitted(line, next_left))
        merged += _with_unquoted(written, unquoted[left + 1 : next_left + 1])
        merged += [actual for _, actual in present[next_left : next_left + 1]]
    return merged


def _with_unquoted(written: Sequence[str], unquoted: Sequence[Sequence[str]]) -> list[str]:
    """What was `written` between two lines that stay, and what was not quoted there.

    `unquoted` are the lines behind the first of the two, and behind each line that was quoted between them. They keep
    their distance from the line above that stays, but the last stand right above the one below.
    """
    merged = list(unquoted[0])
    reached = 0
    for count, lines in enumerate(unquoted[1:], 1):
        upto = len(written) if count == len(unquoted) - 1 else count
        merged += [*written[reached:upto], *lines]
        reached = upto
    return [*merged, *written[reached:]]


def _without_edges(lines: list[str], above: Sequence[Pair], below: Sequence[Pair]) -> list[str]:
    """`lines` without the blank ones at their ends that were quoted as well: they are not part of the place."""
    for quoted, _ in above:
        lines = lines[1:] if lines[:1] == [quoted] else lines
    for quoted, _ in reversed(below):
        lines = lines[:-1] if lines[-1:] == [quoted] else lines
    return lines


def _common(quoted: Sequence[str], lines: Sequence[str]) -> list[tuple[int, int]]:
    """The indices of lines that Claude left as it had quoted them."""
    if len(quoted) * len(lines) > MAX_CELLS:
        return []
    numbers: dict[str, int] = {}
    left, right = ([numbers.setdefault(line, len(numbers)) for line in side] for side in (quoted, lines))
    return [
        (block.a + index, block.b + index)
        for block in LCSseq.opcodes(left, right).as_matching_blocks()
        for index in range(block.size)
    ]


class _Indentation:
    """How the file is indented where Claude quoted it otherwise."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._actual = [indent_of(actual) for _, actual in pairs]
        self._places: dict[str, list[int]] = {}
        own: dict[str, set[str]] = {}
        for at, (quoted, actual) in enumerate(pairs):
            if quoted.strip():
                own.setdefault(quoted, set()).add(actual)
                self._places.setdefault(indent_of(quoted), []).append(at)
        self._own = {quoted: known.pop() for quoted, known in own.items() if len(known) == 1}
        steps = (_step(indent, self._actual[places[0]]) for indent, places in self._places.items())
        self._step = next((step for step in steps if step), ("", ""))

    def fitted(self, line: str, before: int) -> str:
        """A new `line` as it is written where it stands above the quoted line of that index."""
        if line in self._own or not line.strip():
            return self._own.get(line, line)
        indent = indent_of(line)
        for size in range(len(indent), -1, -1):
            places = self._places.get(indent[:size])
            if places:
                nearest = places[max(0, bisect_left(places, before) - 1)]
                return self._actual[nearest] + indent[size:].replace(*self._step) + line[len(indent) :]
        return line


def _step(quoted: str, actual: str) -> tuple[str, str] | None:
    """One step of indentation as it was copied and as it is, where one is of tabs and the other of blanks."""
    if set(quoted) == {" "} and set(actual) == {"\t"} and len(quoted) % len(actual) == 0:
        return " " * (len(quoted) // len(actual)), "\t"
    if set(quoted) == {"\t"} and set(actual) == {" "} and len(actual) % len(quoted) == 0:
        return "\t", " " * (len(actual) // len(quoted))
    return None


def _indented_like(new_text: str, base: str) -> str:
    """Give `new_text` the indentation of `base` where all of it was written without any."""
    wanted = _common_indent(base)
    if not wanted or _common_indent(new_text):
        return new_text
    return "".join(wanted + line if line.strip() else line for line in lines_with_breaks(new_text))


def _common_indent(text: str) -> str:
    lines = [line for line in lines_with_breaks(text) if line.strip()]
    return min((line[: len(line) - len(line.lstrip(" \t"))] for line in lines), key=len, default="")
