"""The starts of lines against a plain list of them, through edits of any size."""

import random
from itertools import pairwise

import pytest

from claude_ls.text.line_starts import LineStarts


def starts(chance: random.Random, count: int, first: int = 0) -> list[int]:
    found = [first]
    for _ in range(count - 1):
        found.append(found[-1] + chance.choice([1, 2, 40, 5000]))
    return found


@pytest.mark.parametrize("seed", range(30))
def test_replacing_lines_is_replacing_them_in_the_list(seed: int) -> None:
    chance = random.Random(seed)
    plain = starts(chance, chance.choice([1, 2, 255, 256, 257, 3000]))
    rows = LineStarts.of(plain)
    for _ in range(60):
        first = chance.randint(1, len(plain))
        last = min(len(plain), first + chance.choice([0, 0, 1, 3, 300, 2000]))
        fresh = starts(chance, chance.choice([1, 2, 3, 600]), plain[first - 1] + 1) if chance.random() < 0.6 else []
        end = plain[last - 1] if not fresh else fresh[-1]
        moved = end + chance.randint(1, 9) - plain[last] if last < len(plain) else 0
        plain = [*plain[:first], *fresh, *(start + moved for start in plain[last:])]
        rows = rows.replaced(first, last, fresh, moved)
        assert list(rows) == plain
        assert len(rows) == len(plain)
        assert [rows[at] for at in range(len(plain))] == plain
        text_end = plain[-1] + chance.randint(0, 60)
        assert rows.longest(text_end) == max(right - left for left, right in pairwise([*plain, text_end]))


def test_what_was_edited_stays_as_it_was() -> None:
    before = LineStarts.of(range(0, 5000, 5))
    before.replaced(3, 500, [16], 7)
    assert list(before) == list(range(0, 5000, 5))


def test_the_line_of_an_offset() -> None:
    rows = LineStarts.of(range(0, 5000, 5))
    assert [rows.line_of(offset) for offset in (-1, 0, 4, 5, 1279, 1280, 4999, 9999)] == [
        -1,
        0,
        0,
        1,
        255,
        256,
        999,
        999,
    ]


def test_starts_are_a_sequence() -> None:
    rows = LineStarts.of(range(0, 5000, 5))
    assert (rows[-1], list(rows[254:258])) == (4995, [1270, 1275, 1280, 1285])
    with pytest.raises(IndexError):
        rows[1000]
