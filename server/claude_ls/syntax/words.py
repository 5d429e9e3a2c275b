"""The names that a piece of code uses, read from its characters: what stands in comments and strings does not count.

A tree knows this too, at several times the cost: an index reads whole projects, and most of what it does is this. What
the characters do not tell (where a regular expression ends, say) costs the names of one line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from claude_ls.syntax.languages import Words

# Possessive throughout, and what has no end goes on to that of the line or the file: to look for an end again and again
# would take as long as there are beginnings.
_DOUBLE = rb'"(?:[^"\\\n]++|\\[\s\S])*+(?:"|\\?$)'
_SINGLE = rb"'(?:[^'\\\n]++|\\[\s\S])*+(?:'|\\?$)"
_TRIPLE = rb'"""(?:[^"\\]++|\\[\s\S]|"(?!""))*+(?:"""|\\?\Z)' + rb"|'''(?:[^'\\]++|\\[\s\S]|'(?!''))*+(?:'''|\\?\Z)"
_BLOCK = rb"/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)"
_TEMPLATE = rb"`(?:[^`\\]++|\\[\s\S])*+(?:`|\\?\Z)"
_BRACKETS = rb"\[\[(?:[^\]]++|\](?!\]))*+(?:\]\]|\Z)"


@dataclass(frozen=True)
class _Spelling:
    """Patterns: what is `skipped` and which strings hold code; what `joins` the names of a chain but for dots."""

    skipped: bytes
    joins: tuple[bytes, ...] = ()
    holding: bytes = b""
    hints: tuple[bytes, ...] = ()
    """What is in the code where such a string is: to look for this first is much quicker."""


_SPELLINGS: Mapping[Words, _Spelling] = {
    "python": _Spelling(
        b"|".join((rb"#[^\n]*", _TRIPLE, _DOUBLE, _SINGLE)),
        holding=rb"(?<!\w)[fF][rR]?(?:%b|%b|%b)" % (_TRIPLE, _DOUBLE, _SINGLE),
        hints=(b'f"', b"f'", b'F"', b"F'", b'fr"', b"fr'"),
    ),
    "script": _Spelling(
        b"|".join((rb"//[^\n]*", _BLOCK, _DOUBLE, _SINGLE, _TEMPLATE)),
        joins=(b"?.", b"!."),
        holding=_TEMPLATE,
        hints=(b"${",),
    ),
    "c": _Spelling(
        b"|".join((rb"//[^\n]*", _BLOCK, _DOUBLE, rb"'(?:[^'\\\n]|\\[^\n]{1,9})'", _TEMPLATE)),
        joins=(b"::", b"->", b"?."),
    ),
    "hash": _Spelling(
        b"|".join((rb"(?<![$\w{])#[^\n]*", _SINGLE, _DOUBLE)),
        joins=(b"::", b"&."),
        holding=_DOUBLE,
        hints=(b"#{", b"${"),
    ),
    "lua": _Spelling(b"|".join((b"--" + _BRACKETS, rb"--[^\n]*", _BRACKETS, _DOUBLE, _SINGLE)), joins=(b":",)),
}
_MARK, _BETWEEN = "\x01", b"\n\x01\n"
_CHAIN = re.compile(rb"[\w$.\x80-\xff]++|\x01")
_INSIDE = re.compile(rb"\{([^{}]*)\}")


def words(family: Words, pieces: Sequence[tuple[int, bytes]], count: int) -> list[str]:
    """The names in some code, for each of `count` owners: blanks between them, in the order of first appearance.

    `pieces` are an owner and a part of the file, in the order in which they stand in it. Where one name is asked of
    another they are joined by dots: `self.items.append(x)` gives ``self.items.append x``. A name that is asked of
    something without a name begins with a dot. Numbers are left in, since to tell them would take time.
    """
    if not family:
        return [""] * count
    # All at once is much quicker than one after the other. A string without an end may swallow what tells the pieces
    # apart, and then they are read one after the other after all.
    split = _names(family, _BETWEEN.join([code for _, code in pieces])).split(_MARK)
    if len(split) != len(pieces):
        split = [_names(family, code) for _, code in pieces]
    found: list[dict[str, None]] = [{} for _ in range(count)]
    for (owner, _), names in zip(pieces, split, strict=True):
        found[owner].update(dict.fromkeys(names.split()))
    return [" ".join(names) for names in found]


def _names(family: Words, code: bytes) -> str:
    skipped, holding = _patterns(family)
    if holding and any(hint in code for hint in _SPELLINGS[family].hints):
        code = holding.sub(_inside, code)
    bare = skipped.sub(b" ", code)
    for join in _SPELLINGS[family].joins:
        bare = bare.replace(join, b".")
    return b" ".join(_CHAIN.findall(bare)).decode("utf-8", "replace")


def _inside(string: re.Match[bytes]) -> bytes:
    """The code that stands in a string."""
    return b" ".join(_INSIDE.findall(string[0]))


@cache
def _patterns(family: Words) -> tuple[re.Pattern[bytes], re.Pattern[bytes] | None]:
    spelling = _SPELLINGS[family]
    holding = re.compile(spelling.holding, re.MULTILINE) if spelling.holding else None
    return re.compile(spelling.skipped, re.MULTILINE), holding
