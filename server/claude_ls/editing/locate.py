"""Finds the place in a text that Claude means by quoting it: one place, or none with the reason.

Exact first. Each further level forgives one thing a model gets wrong when it copies (line breaks, blanks at the ends
of lines, the indentation of the whole), and every level wants exactly one hit: a guess in the wrong place is worse
than a question back. Case, inner blanks and words are never forgiven.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from claude_ls.text.diff import lines_with_breaks
from claude_ls.text.patch import Span

Level = Literal["exact", "line breaks", "line numbers", "trailing blanks", "indentation"]

_LEVELS: tuple[Level, ...] = ("exact", "line breaks", "line numbers", "trailing blanks", "indentation")
_NUMBERED = re.compile(r"^\s*\d+\s*[:|→\t] ?")
LINE_REACH = 10
LINE_CLEAR = 200


@dataclass(frozen=True)
class Found:
    """Where the quoted text stands. `indent` is (quoted, actual) where only the indentation differed."""

    span: Span
    level: Level
    indent: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class NotFound:
    """`problem` is written for Claude, who can then quote better."""

    problem: str


def locate(text: str, quoted: str, line: int | None = None, closed: Sequence[Span] = ()) -> Found | NotFound:
    """The one place of `text` that `quoted` means; `line` (from 1) only chooses among equal hits.

    Spans in `closed` are being changed by somebody else and are not looked into.
    """
    if not quoted.strip():
        return NotFound("old_text is empty: quote the lines that the edit replaces")
    for level in _LEVELS:
        hits = _hits(text, quoted, level)
        open_hits = [hit for hit in hits if not any(hit.span.touches(span) for span in closed)]
        if hits and not open_hits:
            return NotFound("old_text stands where another change is still being written")
        chosen = _choose(text, open_hits, line)
        if isinstance(chosen, NotFound):
            return chosen
        if chosen is not None:
            return Found(chosen.span, level, chosen.indent)
    return NotFound("old_text does not occur in the file as it is now")


def _hits(text: str, quoted: str, level: Level) -> list[Found]:
    if level == "exact":
        return _exact(text, quoted)
    if level == "line numbers":
        return _by_lines(text, _without_numbers(quoted), "line breaks")
    return _by_lines(text, quoted, level)


def _exact(text: str, quoted: str) -> list[Found]:
    hits: list[Found] = []
    at = text.find(quoted)
    while at >= 0 and len(hits) < 50:
        hits.append(Found(Span(at, at + len(quoted)), "exact"))
        at = text.find(quoted, at + 1)
    return hits


def _by_lines(text: str, quoted: str, forgiving: Level) -> list[Found]:
    """Runs of whole lines that equal the quoted lines but for what `forgiving` names."""
    wanted = [line.rstrip("\r\n") for line in lines_with_breaks(quoted.strip("\r\n"))]
    breaks = lines_with_breaks(text)
    have = [line.rstrip("\r\n") for line in breaks]
    if not wanted or len(wanted) > len(have):
        return []
    if forgiving == "line breaks":
        keys, wanted_keys = have, wanted
    elif forgiving == "trailing blanks":
        keys, wanted_keys = [line.rstrip() for line in have], [line.rstrip() for line in wanted]
    else:
        keys, wanted_keys = [line.strip() for line in have], [line.strip() for line in wanted]
    starts = [0]
    for line in breaks:
        starts.append(starts[-1] + len(line))
    hits: list[Found] = []
    for first, key in enumerate(keys[: len(keys) - len(wanted) + 1]):
        if key != wanted_keys[0] or keys[first : first + len(wanted)] != wanted_keys:
            continue
        last = first + len(wanted) - 1
        indent = ("", "")
        if forgiving == "indentation":
            shift = _shift(wanted, have[first : last + 1])
            if shift is None:
                continue
            indent = shift
        hits.append(Found(Span(starts[first], starts[last] + len(have[last])), forgiving, indent))
    return hits


def _shift(quoted: Sequence[str], actual: Sequence[str]) -> tuple[str, str] | None:
    """The one change of indentation that explains all lines, as (quoted, actual) prefixes; None if there is none."""
    pairs = {
        (left[: len(left) - len(left.lstrip())], right[: len(right) - len(right.lstrip())])
        for left, right in zip(quoted, actual, strict=True)
        if left.strip()
    }
    common = min((len(left) for left, _ in pairs), default=0)
    if any(right[: len(right) - (len(left) - common)] + left[common:] != right for left, right in pairs):
        return None
    prefixes = {(left[:common], right[: len(right) - (len(left) - common)]) for left, right in pairs}
    return prefixes.pop() if len(prefixes) == 1 else None


def _without_numbers(quoted: str) -> str:
    lines = lines_with_breaks(quoted)
    if all(_NUMBERED.match(line) for line in lines if line.strip()):
        return "".join(_NUMBERED.sub("", line) for line in lines)
    return ""


def _choose(text: str, hits: Sequence[Found], line: int | None) -> Found | NotFound | None:
    if len(hits) <= 1:
        return hits[0] if hits else None
    lines = [text.count("\n", 0, hit.span.start) + 1 for hit in hits]
    if line is not None:
        near = [hit for hit, at in zip(hits, lines, strict=True) if abs(at - line) <= LINE_REACH]
        clear = [hit for hit, at in zip(hits, lines, strict=True) if abs(at - line) <= LINE_CLEAR]
        if len(near) == 1 and len(clear) == 1:
            return near[0]
    places = ", ".join(str(at) for at in lines[:10])
    return NotFound(f"old_text occurs {len(hits)} times (lines {places}): quote more lines, so that it is unique")
