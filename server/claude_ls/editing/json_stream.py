"""Reads the strings of a JSON object while it is still being written.

Claude's tool inputs arrive as pieces of JSON cut anywhere. `JsonStrings` gives the text of every string value as far
as it is known, at a cost that grows with the input and not with its square. Half an escape or half a surrogate pair
is held back until the rest is there. Whatever is not a string (numbers, true, null) is given once it is whole.

This is a reader, not a judge: whether the whole input was valid is decided at the end, strictly, by `json.loads`.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

Path = tuple[str | int, ...]


class Piece(NamedTuple):
    """The next characters of the value at `path`; `done` with the last of them."""

    path: Path
    text: str
    done: bool


_PLAIN = re.compile(r'[^"\\]+')
_SCALAR = re.compile(r"[^\s,\]}\"{\[:]+")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class JsonStrings:
    """Feed it pieces with `push`; it answers what they added to which value."""

    def __init__(self) -> None:
        self._held = ""
        # One entry for each open container: the key or index that comes next in it.
        self._open: list[str | int | None] = []
        self._in_value = False
        self._in_key = False
        self._key = ""

    def push(self, chunk: str) -> list[Piece]:
        if self._in_value and not self._held and '"' not in chunk and "\\" not in chunk:
            return [Piece(self._path(), chunk, False)] if chunk else []  # nearly every piece there is
        text = self._held + chunk
        self._held = ""
        pieces: list[Piece] = []
        at = 0
        while at < len(text):
            if self._in_value or self._in_key:
                at = self._read_string(text, at, pieces)
                if at < 0:
                    break
            else:
                at = self._read_structure(text, at, pieces)
                if at < 0:
                    break
        return pieces

    def _read_structure(self, text: str, at: int, pieces: list[Piece]) -> int:
        """Read one token outside of strings; the offset behind it, or -1 where it is not whole yet."""
        character = text[at]
        if character == '"':
            if self._expects_key():
                self._in_key, self._key = True, ""
            else:
                self._in_value = True
                pieces.append(Piece(self._path(), "", False))
            return at + 1
        if character == "{":
            self._open.append(None)
        elif character == "[":
            self._open.append(0)
        elif character in "}]":
            if self._open:
                self._open.pop()
        elif character == ",":
            if self._open:
                last = self._open[-1]
                self._open[-1] = last + 1 if isinstance(last, int) else None
        elif character not in " \t\r\n:":
            match = _SCALAR.match(text, at)
            end = match.end() if match else at + 1
            if end == len(text):
                self._held = text[at:]
                return -1
            pieces.append(Piece(self._path(), text[at:end], True))
            return end
        return at + 1

    def _read_string(self, text: str, at: int, pieces: list[Piece]) -> int:
        """Read as much of the open string as is there; -1 where the rest must wait."""
        parts: list[str] = []
        while at < len(text):
            match = _PLAIN.match(text, at)
            if match:
                parts.append(match.group())
                at = match.end()
                continue
            if text[at] == '"':
                self._give(parts, pieces, done=True)
                return at + 1
            character, end = _escape(text, at)
            if end < 0:
                self._held = text[at:]
                at = -1
                break
            parts.append(character)
            at = end
        self._give(parts, pieces, done=False)
        return at if at >= 0 else -1

    def _give(self, parts: list[str], pieces: list[Piece], *, done: bool) -> None:
        text = "".join(parts)
        if self._in_key:
            self._key += text
            if done:
                self._in_key = False
                if self._open:
                    self._open[-1] = self._key
            return
        if text or done:
            pieces.append(Piece(self._path(), text, done))
        if done:
            self._in_value = False

    def _expects_key(self) -> bool:
        return bool(self._open) and self._open[-1] is None

    def _path(self) -> Path:
        return tuple(step for step in self._open if step is not None)


def _escape(text: str, at: int) -> tuple[str, int]:
    """The character that the escape at `at` stands for and the offset behind it; -1 where it is not whole yet."""
    if at + 1 >= len(text):
        return "", -1
    kind = text[at + 1]
    if kind != "u":
        return _ESCAPES.get(kind, kind), at + 2
    if at + 6 > len(text):
        return "", -1
    unit = _unit(text[at + 2 : at + 6])
    if unit is None:
        return "\ufffd", at + 2
    if 0xDC00 <= unit <= 0xDFFF:
        return "\ufffd", at + 6
    if not 0xD800 <= unit <= 0xDBFF:
        return chr(unit), at + 6
    # A high half: its low half is the next escape, or it stands alone.
    following = text[at + 6 : at + 12]
    if not "\\u".startswith(following[:2]):
        return "\ufffd", at + 6
    if len(following) < 6:
        return "", -1
    low = _unit(following[2:])
    if low is None or not 0xDC00 <= low <= 0xDFFF:
        return "\ufffd", at + 6
    return json.loads(f'"{text[at : at + 12]}"'), at + 12


def _unit(digits: str) -> int | None:
    try:
        return int(digits, 16) if digits.isalnum() else None
    except ValueError:
        return None
