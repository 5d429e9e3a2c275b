"""Bytes and code points find each other, also in a text that was edited many times."""

import random

import pytest

from claude_ls.syntax.byte_index import ByteIndex, encoded
from claude_ls.text.patch import TextEdit
from claude_ls.text.regions import changed_regions

PIECES = ["a", "é", "€", "😀", "\ud800", "\u2028", "\f", "\r\n", "abc" * 700, "é😀" * 900, "€" * 1024, ""]


@pytest.mark.parametrize("seed", range(25))
def test_the_index_of_an_edited_text_is_the_index_of_the_text(seed: int) -> None:
    chance = random.Random(seed)
    text = "".join(chance.choices(PIECES, k=12))
    index = ByteIndex(text, encoded(text))
    for _ in range(12):
        edits = []
        for _ in range(chance.choice([1, 1, 3, 40])):
            start = chance.randint(0, len(text))
            end = min(len(text), start + chance.choice([0, 0, 1, 5, 1500]))
            edits.append(TextEdit(start, end, chance.choice(PIECES)))
            text = text[:start] + edits[-1].text + text[end:]
        if chance.random() < 0.8:
            index.byte(len(index._text))  # An index that was never asked has nothing to hand on.
        source = encoded(text)
        index = index.edited(text, source, changed_regions(edits))
        for offset in (0, len(text), *(chance.randint(0, len(text)) for _ in range(60))):
            assert index.byte(offset) == len(encoded(text[:offset]))
            assert index.offset(index.byte(offset)) == offset


def test_marks_stay_about_as_far_apart_however_much_is_typed() -> None:
    text = "é" * 5000
    index = ByteIndex(text, encoded(text))
    index.byte(0)
    for _ in range(6000):
        text = text[:2500] + "é" + text[2500:]
        index = index.edited(text, encoded(text), changed_regions([TextEdit(2500, 2500, "é")]))
    offsets, _ = index._marks
    assert max(right - left for left, right in zip(offsets, [*offsets[1:], len(text)], strict=True)) <= 2048
    assert len(offsets) <= 40
