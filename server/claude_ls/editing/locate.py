"""Finds the place in a text that Claude means by quoting it: one place, or none with the reason.

Rules:

* Exact first. Each further level forgives one thing a model gets wrong when it copies, and every level wants exactly
  one hit: a guess in the wrong place is worse than a question back.
* Case, inner blanks and words are never forgiven but in the last level, which counts every character of them.
* A place never holds half a line break, and never the byte order mark that a text may begin with.
* Two places that are as good as each other are none, whatever the level. Only where they are equal to the quote in
  all that counts does the line that Claude named choose among them.

Theory of the last level, "similar". Quoted lines and lines of the file are paired, in order, so that the cost is
least: a pair costs the share of characters in which it differs, a line without a partner, on either side, costs one
line; lines that are blank cost nothing and are paired afterwards. A candidate is a place where the first and the last
quoted line have found a partner that is much alike. Such pairings are run through once from the front, which gives the
cost of the best candidate for each line it can end with, and once from the back, for each line it can begin with. The
best of all is taken if its cost is low, and if any other is clearly worse: `RIVAL` lines where it is somewhere else
altogether, `SHIFTED` where it shares lines with the best. (One line is what the next `}` costs in a row of them.) Where
it is somewhere else and near in all, it counts even if its first or last line is another.

As all costs between two pairs are a sum of what each of the two adds, the best pair to come from is a running minimum,
and only lines that are alike are ever looked at. Which are is found out once for each different line of the file.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Literal

from rapidfuzz import process
from rapidfuzz.distance import Indel

from claude_ls.text.patch import Span
from claude_ls.text.position import line_starts

Level = Literal["exact", "line breaks", "line numbers", "trailing blanks", "indentation", "punctuation", "similar"]

Pair = tuple[str | None, str | None]
"""A quoted line and the line of the file that it stands for, without line breaks; None where one has no partner."""

MARK = "\ufeff"
"""The byte order mark. Editors hide it, mostly; where they do not, it is no part of the first line."""
LINE_REACH = 10
LINE_CLEAR = 200
"""The line that Claude named chooses a hit within `LINE_REACH` of it if no other is within `LINE_CLEAR`."""
MAX_HITS = 1000
"""What occurs more often is no quote, whatever line is named."""

LINE = 1000
"""Costs are counted in thousandths of a line, so that they add up exactly."""
ALIKE_COST = 400
"""What a pair may cost: lines that share fewer than 0.6 of their characters are never partners."""
EDGE_COST = 200
"""What the pairs of the first and of the last quoted line may cost at most."""
SIMILAR_COST = 200
"""What a place may cost for each line quoted: at least 0.8 of the quote is there then."""
NEAR_COST = 400
"""The same for a place that is only pointed out to Claude."""
RIVAL = 3 * LINE
SHIFTED = LINE
SIMILAR_LINES = 3
"""Quotes of fewer lines are never guessed at."""
MAX_CELLS = 2_000_000
"""Product of two numbers of lines up to which they are compared line by line."""
MAX_CHARACTERS = 10_000_000_000
"""The same for characters: about a quarter of a second where all lines are as long as each other."""
MAX_LINE = 100_000
MAX_LINES = 20_000
AROUND = 2000
"""In a text of more than `MAX_LINES` only so many lines before and behind the one that Claude named are compared."""
MAX_ALIKE = 50_000
"""Where there are more pairs of lines that are alike, nothing can be told apart."""
SHOWN_LINES = 20
SHOWN_CHARACTERS = 4000

NUMBERED = re.compile(r"\s*\d+ *(?:\t|[:|→] ?)")
"""How a line begins that has its number in front of it. A tab behind the number belongs to it, a second does not."""

_BREAK = re.compile(r"\r\n?|\n")
_NEVER = float("inf")
_TYPED = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'),
        **dict.fromkeys("\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a", " "),
        **dict.fromkeys("\u202f\u205f\u3000", " "),
        "\u2026": "...",
    }
)
"""What a keyboard gives for the characters that typesetting uses. Inner blanks stay as many as they are."""

_EMPTY = "old_text is empty: quote the lines that the edit replaces"
_TAKEN = "old_text stands where another change is still being written"
_ABSENT = "old_text does not occur in the file as it is now"
_MORE = "quote more lines, so that it is unique"


@dataclass(frozen=True)
class Found:
    """Where the quoted text stands. `pairs` are all its lines and all lines of the place, where it is not exact."""

    span: Span
    level: Level
    pairs: Sequence[Pair] = ()

    @property
    def guess(self) -> bool:
        """Whether Claude and the person should be told that the place is only probably the one that was meant."""
        return self.level in ("punctuation", "similar")


@dataclass(frozen=True)
class NotFound:
    """`reason` is for a person as well; `nearest` tells Claude what stands where it may have meant."""

    reason: str
    nearest: str = ""

    @property
    def problem(self) -> str:
        """All of it, for Claude, who can then quote better."""
        return self.reason + self.nearest


def locate(text: str, quoted: str, line: int | None = None, closed: Sequence[Span] = ()) -> Found | NotFound:
    """The one place of `text` that `quoted` means; `line` (from 1) only chooses among equal hits.

    Spans in `closed` are being changed by somebody else and are not looked into. An empty quote means an empty text.
    """
    page = _Page(text)
    if not quoted.removeprefix(MARK).strip():
        if text[page.body :].strip():
            return NotFound(_EMPTY)
        return NotFound(_TAKEN) if closed else Found(Span(page.body, len(text)), "exact")
    starts = _occurrences(text, quoted)
    if len(starts) > MAX_HITS:
        return NotFound(f"old_text occurs more than {MAX_HITS} times: {_MORE}")
    hits = [Found(_whole(page, start, start + len(quoted)), "exact") for start in starts]
    quoted = quoted.removeprefix(MARK)
    for level in _LINES_EQUAL:
        chosen = _choose(page, hits, line, closed)
        if chosen is not None:
            return chosen
        hits = _by_lines(page, quoted, level)
    return _choose(page, hits, line, closed) or _compared(page, quoted, line, closed)


def without_number(line: str) -> str:
    """`line` without the number that tools show in front of it."""
    number = NUMBERED.match(line)
    return line[number.end() :] if number else line


def bare_lines(text: str) -> list[str]:
    """The lines of `text` without their breaks; a text that ends in a break has no empty last line."""
    lines = _BREAK.split(text)
    return lines if lines[-1] else lines[:-1]


def indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


class _Page:
    """A text and its lines, which are told apart only if a quote is not found without them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.body = len(text) - len(text.removeprefix(MARK))

    @cached_property
    def lines(self) -> Sequence[str]:
        return bare_lines(self.text[self.body :])

    @cached_property
    def starts(self) -> Sequence[int]:
        return [self.body, *line_starts(self.text, 0, len(self.text))]

    def line_of(self, offset: int) -> int:
        """The number of the line, from 1, that `offset` stands on."""
        return bisect_right(self.starts, offset)

    def span(self, first: int, last: int) -> Span:
        """From the start of one line to the end of another, both counted from 0, without the last line break."""
        return Span(self.starts[first], self.starts[last] + len(self.lines[last]))


def _occurrences(text: str, quoted: str) -> list[int]:
    starts: list[int] = []
    at = text.find(quoted)
    while at >= 0 and len(starts) <= MAX_HITS:
        starts.append(at)
        at = text.find(quoted, at + 1)
    return starts


def _whole(page: _Page, start: int, end: int) -> Span:
    """The span grown where it cuts a line break in two, and without the byte order mark."""
    if page.text[max(0, start - 1) : start + 1] == "\r\n":
        start -= 1
    if page.text[end - 1 : end + 1] == "\r\n":
        end += 1
    return Span(max(start, page.body), end)


def _choose(page: _Page, hits: Sequence[Found], line: int | None, closed: Sequence[Span]) -> Found | NotFound | None:
    """The one of `hits` that is meant; None if there are none at all."""
    free = [hit for hit in hits if not _touches(hit.span, closed)]
    if not free:
        return NotFound(_TAKEN) if hits else None
    if len(free) == 1:
        return free[0]
    lines = [page.line_of(hit.span.start) for hit in free]
    if line is not None:
        near = [hit for hit, at in zip(free, lines, strict=True) if abs(at - line) <= LINE_REACH]
        clear = [hit for hit, at in zip(free, lines, strict=True) if abs(at - line) <= LINE_CLEAR]
        if len(near) == 1 and len(clear) == 1:
            return near[0]
    places = ", ".join(str(at) for at in lines[:10])
    return NotFound(f"old_text occurs {len(free)} times (lines {places}): {_MORE}")


def _touches(span: Span, closed: Sequence[Span]) -> bool:
    return any(span.touches(other) for other in closed)


# Whole lines that equal the quoted ones but for one thing.


def _typed(line: str) -> str:
    """`line` as it would be typed on a keyboard, its letters composed."""
    return line if line.isascii() else unicodedata.normalize("NFC", line).translate(_TYPED)


def _same(line: str) -> str:
    return line


_LINES_EQUAL: Mapping[Level, Callable[[str], str]] = {
    "line breaks": _same,
    "line numbers": _same,
    "trailing blanks": str.rstrip,
    "indentation": str.strip,
    "punctuation": lambda line: _typed(line).strip(),
}


def _by_lines(page: _Page, quoted: str, level: Level) -> list[Found]:
    """Runs of whole lines that equal the quoted lines but for what `level` forgives."""
    lines = bare_lines(quoted)
    if level == "line numbers":
        lines = _without_numbers(lines)
    first, last = _without_edges(lines, str)
    wanted = lines[first:last]
    if not wanted:
        return []
    key = _LINES_EQUAL[level]
    keys, wanted_keys = list(map(key, page.lines)), list(map(key, wanted))
    hits: list[Found] = []
    for at, candidate in enumerate(keys):
        if candidate != wanted_keys[0] or keys[at : at + len(wanted)] != wanted_keys:
            continue
        actual = page.lines[at : at + len(wanted)]
        if level == "indentation" and not _evenly_shifted(wanted, actual):
            continue
        if level == "punctuation" and not _evenly_shifted(list(map(_typed, wanted)), list(map(_typed, actual))):
            continue
        pairs: list[Pair] = [(line, None) for line in lines[:first]]
        pairs += zip(wanted, actual, strict=True)
        pairs += [(line, None) for line in lines[last:]]
        hits.append(Found(page.span(at, at + len(wanted) - 1), level, pairs))
    return hits


def _without_edges(lines: Sequence[str], visible: Callable[[str], str]) -> tuple[int, int]:
    """From where to where `lines` go without those at their ends of which nothing is `visible`."""
    kept = [index for index, line in enumerate(lines) if visible(line)]
    return (kept[0], kept[-1] + 1) if kept else (0, 0)


def _without_numbers(lines: Sequence[str]) -> list[str]:
    """`lines` without their numbers; none where not all have one."""
    numbered = all(NUMBERED.match(line) for line in lines if line.strip())
    return [without_number(line) for line in lines] if numbered else []


def _evenly_shifted(quoted: Sequence[str], actual: Sequence[str]) -> bool:
    """Whether one change of indentation explains all lines."""
    pairs = [(indent_of(left), indent_of(right)) for left, right in zip(quoted, actual, strict=True) if left.strip()]
    common = min(len(left) for left, _ in pairs)
    if not all(right.endswith(left[common:]) for left, right in pairs):
        return False
    return len({(left[:common], right.removesuffix(left[common:])) for left, right in pairs}) == 1


# Lines that are only similar.

_Alike = Sequence[Mapping[int, int]]
"""For each quoted line what a pair with each line of the file costs that is alike."""


@dataclass(frozen=True)
class _Comparison:
    """Some lines of a file and a quote without blank edges. Pairs of them count lines that are not blank only."""

    quoted: Sequence[str]
    lines: Sequence[str]
    alike: _Alike

    @cached_property
    def quoted_at(self) -> Sequence[int]:
        return _visible(self.quoted)

    @cached_property
    def lines_at(self) -> Sequence[int]:
        return _visible(self.lines)

    def best(self) -> list[tuple[int, int]]:
        """The place that is similar, as indices of all quoted and actual lines that are partners; none if unsure."""
        count = len(self.alike)
        if count < SIMILAR_LINES:
            return []
        alike = list(self.alike)
        for edge in (0, -1):
            alike[edge] = {at: cost for at, cost in alike[edge].items() if cost <= EDGE_COST}
        forward = _chains(alike, anywhere=False)
        ends = forward[-1]
        starts = {-at: cost for at, cost in _chains(_mirrored(alike), anywhere=False)[-1].items()}
        if not ends:
            return []
        last, first = min(ends, key=ends.__getitem__), min(starts, key=starts.__getitem__)
        least = ends[last]
        if least > SIMILAR_COST * count:
            return []
        rivals = [(cost, at < first) for at, cost in ends.items() if at != last]
        rivals += [(cost, at > last) for at, cost in starts.items() if at != first]
        # The edges of the place that was meant may be what has changed.
        near = NEAR_COST * count
        rivals += [(cost, True) for cost, _, at in _ends(self.alike) if cost <= near and at < first]
        rivals += [(cost, True) for cost, _, at in _ends(_mirrored(self.alike)) if cost <= near and -at > last]
        if any(cost - least < (RIVAL if elsewhere else SHIFTED) for cost, elsewhere in rivals):
            return []
        return self._with_blank_lines(_way(forward, alike, count - 1, last))

    def nearest(self) -> tuple[int, int] | None:
        """The first and the last line that the quote would cover where it is least unlike the file."""
        cost, row, at = min(_ends(self.alike), default=(_NEVER, 0, 0))
        if cost > NEAR_COST * len(self.alike):
            return None
        way = self._with_blank_lines(_way(_chains(self.alike, anywhere=True), self.alike, -row, at))
        first, last = way[0], way[-1]
        return max(0, first[1] - first[0]), min(len(self.lines), last[1] + len(self.quoted) - last[0]) - 1

    def _with_blank_lines(self, way: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """The same pairs as indices of all lines, and with pairs of the blank lines between them."""
        partners = [(self.quoted_at[left], self.lines_at[right]) for left, right in way]
        between = [
            pair
            for (left, right), (next_left, next_right) in pairwise(partners)
            for pair in zip(_blank(self.quoted, left, next_left), _blank(self.lines, right, next_right), strict=False)
        ]
        return sorted(partners + between)


def _visible(lines: Sequence[str]) -> list[int]:
    return [index for index, line in enumerate(lines) if line.strip()]


def _blank(lines: Sequence[str], after: int, before: int) -> list[int]:
    return [index for index in range(after + 1, before) if not lines[index].strip()]


def _compared(page: _Page, quoted: str, line: int | None, closed: Sequence[Span]) -> Found | NotFound:
    """The place that is similar to the quote; else what stands where it was probably meant."""
    lines = bare_lines(quoted)
    first, last = _without_edges(lines, str.strip)
    start, end = _compared_lines(len(page.lines), last - first, line)
    comparison = _comparison(lines[first:last], page.lines[start:end])
    if comparison is None:
        return NotFound(_ABSENT)
    # Where numbers are in the way nothing is certain any more: a number could end up in the file.
    best = [] if _without_numbers(lines) else comparison.best()
    if best:
        span = page.span(start + best[0][1], start + best[-1][1])
        if _touches(span, closed):
            return NotFound(_TAKEN)
        pairs: list[Pair] = [(left, None) for left in lines[:first]]
        pairs += _all_lines(comparison, best)
        pairs += [(left, None) for left in lines[last:]]
        return Found(span, "similar", pairs)
    nearest = comparison.nearest()
    if nearest is None or _touches(page.span(start + nearest[0], start + nearest[1]), closed):
        return NotFound(_ABSENT)
    return NotFound(_ABSENT, _told(page, start + nearest[0], start + nearest[1]))


def _compared_lines(count: int, quoted: int, line: int | None) -> tuple[int, int]:
    """Which lines of a text of `count` are compared: from, and up to, as far as there are any."""
    if count <= MAX_LINES:
        return 0, count
    if line is None:
        return 0, 0
    return max(0, line - 1 - AROUND), max(0, line - 1 + AROUND + quoted)


def _comparison(quoted: Sequence[str], lines: Sequence[str]) -> _Comparison | None:
    """None where it would cost too much, or nothing could come of it."""
    if len(quoted) * len(lines) > MAX_CELLS or max(map(len, (*quoted, *lines))) > MAX_LINE:
        return None
    if sum(map(len, quoted)) * sum(map(len, lines)) > MAX_CHARACTERS:
        return None
    alike = _alike(
        [_typed(line).strip() for line in quoted if line.strip()],
        [_typed(line).strip() for line in lines if line.strip()],
    )
    return None if alike is None else _Comparison(quoted, lines, alike)


def _alike(quoted: Sequence[str], lines: Sequence[str]) -> _Alike | None:
    """What each pair of lines that are alike costs; None if there are too many."""
    places: dict[str, list[int]] = {}
    for at, line in enumerate(lines):
        places.setdefault(line, []).append(at)
    costs: dict[str, Mapping[int, int]] = {}
    pairs = 0
    for line in quoted:
        if line not in costs:
            # A little less is asked for, since the library rounds before it compares.
            least = 1 - (ALIKE_COST + 1) / LINE
            found = process.extract(
                line, places.keys(), scorer=Indel.normalized_similarity, score_cutoff=least, limit=None
            )
            shares = ((places[other], round(LINE * (1 - share))) for other, share, _ in found)
            costs[line] = {at: cost for lines_at, cost in shares if cost <= ALIKE_COST for at in lines_at}
        pairs += len(costs[line])
        if pairs > MAX_ALIKE:
            return None
    return [costs[line] for line in quoted]


def _chains(alike: _Alike, *, anywhere: bool) -> list[dict[int, float]]:
    """For each pair the least cost of a row of pairs that ends with it, lines without a partner between them included.

    The row begins with the first quoted line, or `anywhere`, and then the quoted lines before it cost as well.
    """
    columns = {at: column for column, at in enumerate(sorted(set[int]().union(*alike)))}
    # What the best pair so far that lies before each line adds to the cost of a pair behind it.
    reach = [_NEVER] * (len(columns) + 1)
    chains: list[dict[int, float]] = []
    for row, costs in enumerate(alike):
        chain: dict[int, float] = {}
        for at, cost in costs.items():
            begun = LINE * row if anywhere or row == 0 else _NEVER
            before = min(begun, reach[columns[at]] + LINE * (row + at))
            if before < _NEVER:
                chain[at] = before + cost
        chains.append(chain)
        for at, total in chain.items():
            column = columns[at] + 1
            reach[column] = min(reach[column], total - LINE * (row + at + 2))
        reach = list(accumulate(reach, min))
    return chains


def _ends(alike: _Alike) -> list[tuple[float, int, int]]:
    """What the quote costs in all if this is the last pair: the cost, the quoted line (negative), the line."""
    chains = enumerate(_chains(alike, anywhere=True))
    return [(cost + LINE * (len(alike) - 1 - row), -row, at) for row, chain in chains for at, cost in chain.items()]


def _mirrored(alike: _Alike) -> _Alike:
    """The same pairs seen from the end of the file: its lines count backwards, below zero."""
    return [{-at: cost for at, cost in row.items()} for row in reversed(alike)]


def _way(chains: Sequence[Mapping[int, float]], alike: _Alike, row: int, at: int) -> list[tuple[int, int]]:
    """The pairs of the row of pairs that ends with this one, from the first to the last."""
    way = [(row, at)]
    added = chains[row][at] - alike[row][at] - LINE * (row + at)
    for earlier in reversed(range(row)):
        before = [
            other
            for other, cost in chains[earlier].items()
            if other < at and cost - LINE * (earlier + other + 2) == added
        ]
        if before:
            row, at = earlier, max(before)
            way.append((row, at))
            added = chains[row][at] - alike[row][at] - LINE * (row + at)
    return way[::-1]


def _all_lines(comparison: _Comparison, partners: Sequence[tuple[int, int]]) -> list[Pair]:
    """All lines of a place in their order, with their partners or without one."""
    pairs: list[Pair] = []
    left, right = partners[0]
    for next_left, next_right in partners:
        pairs += [(line, None) for line in comparison.quoted[left:next_left]]
        pairs += [(None, line) for line in comparison.lines[right:next_right]]
        pairs.append((comparison.quoted[next_left], comparison.lines[next_right]))
        left, right = next_left + 1, next_right + 1
    return pairs


def _told(page: _Page, first: int, last: int) -> str:
    """What stands on these lines, for Claude."""
    shown: list[str] = []
    for line in page.lines[first : last + 1][:SHOWN_LINES]:
        if sum(map(len, shown)) + len(line) > SHOWN_CHARACTERS:
            break
        shown.append(line)
    one = first == last
    where = f"is line {first + 1}" if one else f"are lines {first + 1}-{last + 1}"
    if not shown:
        return f"; nearest {where}"
    whole = len(shown) == last - first + 1
    which = ("which reads" if one else "which read") if whole else f"the first {len(shown)} of which read"
    meant = "If it is meant, quote it exactly" if one else "If they are meant, quote them exactly"
    return f"; nearest {where}, {which}:\n<lines>\n" + "\n".join(shown) + f"\n</lines>\n{meant}"
