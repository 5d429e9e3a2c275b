"""Where the characters of a text stand in its UTF-8, without reading it from its start for each question.

A lone half of a surrogate pair, which UTF-8 cannot hold, counts as U+FFFD: as long as the three bytes it would take.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from claude_ls.text.regions import Region

_APART = 1024
"""So many code points, and at most twice as many, are between places whose bytes are remembered."""


class ByteIndex:
    """Offsets to bytes and back for one text. Never changes; that of an edited text takes over what still holds."""

    def __init__(self, text: str, source: bytes, marks: tuple[list[int], list[int]] | None = None) -> None:
        """`source` is the UTF-8 of `text`, and `marks` some of its offsets, and their bytes."""
        self._text: Final = text
        self._source: Final = source
        self._ascii: Final = len(source) == len(text)
        self._known = marks

    def byte(self, offset: int) -> int:
        """The byte at which the code point `offset` begins."""
        if self._ascii:
            return offset
        offsets, places = self._marks
        mark = bisect_right(offsets, offset) - 1
        return places[mark] + len(encoded(self._text[offsets[mark] : offset]))

    def offset(self, byte: int) -> int:
        """The code point that begins at `byte`."""
        if self._ascii:
            return byte
        offsets, places = self._marks
        mark = bisect_right(places, byte) - 1
        return offsets[mark] + len(self._source[places[mark] : byte].decode("utf-8", "replace"))

    def edited(self, text: str, source: bytes, regions: Sequence[Region]) -> ByteIndex:
        """The index of `text`, which differs from this one's in `regions`."""
        if self._known is None or len(source) == len(text):
            return ByteIndex(text, source)
        old_offsets, old_places = self._known
        offsets: list[int] = []
        places: list[int] = []
        kept = moved = moved_bytes = 0
        waiting = list(regions)
        while waiting:
            # From the last mark before a region to the first behind it all is looked at again, and so on where
            # the next region begins before that mark.
            region = waiting.pop(0)
            low = bisect_right(old_offsets, region.before.start) - 1
            high = bisect_left(old_offsets, region.before.end, lo=low + 1)
            while waiting and high < len(old_offsets) and waiting[0].before.start < old_offsets[high]:
                region = waiting.pop(0)
                high = bisect_left(old_offsets, region.before.end, lo=high)
            if high == len(old_offsets) and waiting:
                region, waiting = waiting[-1], []
            offsets += [offset + moved for offset in old_offsets[kept : low + 1]]
            places += [place + moved_bytes for place in old_places[kept : low + 1]]
            moved = region.after.end - region.before.end
            end = old_offsets[high] + moved if high < len(old_offsets) else len(text)
            reached = _add_marks(text, offsets, places, end)
            if high < len(old_offsets):
                moved_bytes = reached - old_places[high]
            kept = high
        offsets += [offset + moved for offset in old_offsets[kept:]]
        places += [place + moved_bytes for place in old_places[kept:]]
        return ByteIndex(text, source, (offsets, places))

    @property
    def _marks(self) -> tuple[list[int], list[int]]:
        if self._known is None:
            self._known = [0], [0]
            _add_marks(self._text, *self._known, len(self._text))
        return self._known


def encoded(text: str) -> bytes:
    """`text` in UTF-8."""
    if text.isascii():
        return text.encode("ascii")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text).encode("utf-8")


def _add_marks(text: str, offsets: list[int], places: list[int], end: int) -> int:
    """Add marks behind the last one, up to and without `end`; the byte of `end`."""
    offset, place = offsets[-1], places[-1]
    while offset + 2 * _APART < end:
        place += len(encoded(text[offset : offset + _APART]))
        offset += _APART
        offsets.append(offset)
        places.append(place)
    return place + len(encoded(text[offset:end]))
