"""What a check writes, as people can read it: its beginning and its end, without terminal codes, with short paths."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

KEPT_BYTES = 20_000

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # titles and links
    r"|\x1b[PX^_][^\x1b\n]*(?:\x1b\\)?"  # device strings
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, movements
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
"""Besides those of terminals, those that hide text or turn it around."""


@dataclass
class KeptOutput:
    """The first and the last of what was written, half of `limit` bytes each."""

    limit: int = KEPT_BYTES
    written: int = 0
    _head: bytearray = field(default_factory=bytearray)
    _tail: bytearray = field(default_factory=bytearray)

    def add(self, data: bytes) -> None:
        self.written += len(data)
        room = self.limit // 2 - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        # Seldom, since each time costs as much as the tail is long.
        if len(self._tail) > 8 * self.limit:
            del self._tail[: -(self.limit // 2)]

    @property
    def left_out(self) -> int:
        """Bytes between the two."""
        return max(0, self.written - 2 * (self.limit // 2))

    def text(self, places: Iterable[tuple[str, str]] = ()) -> str:
        """What is kept, fit to be shown. `places` are folders and what is written in their place ("" for nothing)."""
        places = tuple(places)
        head = self._head.decode("utf-8", "replace")
        tail = self._tail[-(self.limit // 2) :].decode("utf-8", "replace")
        if not self.left_out:
            return readable((self._head + self._tail).decode("utf-8", "replace"), places)
        between = f"\n… {self.left_out:,} bytes are left out here …\n"
        # A character that was cut in two is none.
        return readable(head.rstrip("\ufffd"), places) + between + readable(tail.lstrip("\ufffd"), places)


def readable(text: str, places: Iterable[tuple[str, str]] = ()) -> str:
    """`text` without terminal codes, a line that was written over as it was in the end, and paths shortened."""
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    lines = [_last_written(line) if "\r" in line else line for line in text.split("\n")]
    text = _CONTROLS.sub("", "\n".join(lines))
    for folder, name in sorted(places, key=lambda place: -len(place[0])):
        # Only where the path begins and where its last name ends.
        before = r"(?<![\w.\-/])(?:file://)?"
        text = re.sub(f"{before}{re.escape(folder)}/", f"{name}/" if name else "", text)
        text = re.sub(rf"{before}{re.escape(folder)}(?![\w.\-])", name or ".", text)
    return text


def _last_written(line: str) -> str:
    return next((part for part in reversed(line.split("\r")) if part.strip()), "")
