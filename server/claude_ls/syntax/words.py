"""The names that a piece of code uses, read from its characters: what stands in comments and strings does not count.

A tree knows this too, at several times the cost. What the characters do not tell (where a regular expression ends, say)
costs the names of one line.
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
        # What is behind the string's letter is asked for first: it is much seldomer than what is before it.
        holding=rb"[fF](?<!\w[fF])[rR]?(?:%b|%b|%b)" % (_TRIPLE, _DOUBLE, _SINGLE),
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
_CHAIN = re.compile(rb"[\w$.\x80-\xff]++")
_INSIDE = re.compile(rb"\{([^{}]*)\}")
_APART = bytes(byte if re.match(rb"[\w$\x80-\xff]", bytes([byte])) else 32 for byte in range(256))
"""For each byte itself where it is part of a name, and else a blank."""


def words(family: Words, pieces: Sequence[bytes]) -> str:
    """The names in some pieces of code: blanks between them, in the order of first appearance.

    Where one name is asked of another they are joined by dots: `self.items.append(x)` gives ``self.items.append x``. A
    name that is asked of something without a name begins with a dot. Numbers are left in, since to tell them would take
    time.
    """
    if not family:
        return ""
    return " ".join(dict.fromkeys(name for code in pieces for name in _names(family, code)))


def single_words(family: Words, code: bytes) -> str:
    """The parts of all these names, each once: for counting, and quicker to find than the names."""
    if not family:
        return ""
    return b" ".join(dict.fromkeys(_bare(family, code).translate(_APART).split())).decode("utf-8", "replace")


def _names(family: Words, code: bytes) -> list[str]:
    bare = _bare(family, code)
    for join in _SPELLINGS[family].joins:
        bare = bare.replace(join, b".")
    return b" ".join(_CHAIN.findall(bare)).decode("utf-8", "replace").split()


def _bare(family: Words, code: bytes) -> bytes:
    """Some code without comments and strings, but for the code in these."""
    skipped, holding = _patterns(family)
    if holding and any(hint in code for hint in _SPELLINGS[family].hints):
        code = holding.sub(_inside, code)
    return skipped.sub(b" ", code)


def _inside(string: re.Match[bytes]) -> bytes:
    """The code that stands in a string."""
    return b" ".join(_INSIDE.findall(string[0]))


@cache
def _patterns(family: Words) -> tuple[re.Pattern[bytes], re.Pattern[bytes] | None]:
    spelling = _SPELLINGS[family]
    holding = re.compile(spelling.holding, re.MULTILINE) if spelling.holding else None
    return re.compile(spelling.skipped, re.MULTILINE), holding
