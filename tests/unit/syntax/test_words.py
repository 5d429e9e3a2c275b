"""Names are read from characters: in each family what is no code is skipped, and nothing takes forever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.syntax.languages import Words
from claude_ls.syntax.words import single_words, words


def alone(family: Words, code: str) -> str:
    return words(family, [code.encode()])


@pytest.mark.parametrize(
    ("family", "code", "names"),
    [
        ("python", "a.b(c) # no\nr'no' b\"no\" '''no\nno''' d", "a.b c r b d"),
        ("python", "f\"{x.y!r} no\" + F'{z}'", "x.y r z"),
        ("python", "g()[0].h", "g 0 .h"),
        ("python", "é.ü = 1e5", "é.ü 1e5"),
        ("python", "'it\\'s no' a \"\\\\\" b", "a b"),
        ("script", "a?.b!.c // no\n/* no */ `no ${d.e} no` 'no' \"no\"", "a.b.c d.e"),
        ("script", "`no`", ""),
        ("c", "a->b::c.d('x', \"no\") // no\n/* no */ e", "a.b.c.d e"),
        ("c", "fn f<'a>(x: &'a str)", "fn f a x str"),
        ("hash", "a::B&.c # no\n'no' \"no #{d} ${e}\" $# f", "a.B.c d e $ f"),
        ("lua", "a:b() -- no\n--[[ no\nno ]] [[no]] c.d", "a.b c.d"),
        ("", "a.b", ""),
    ],
)
def test_what_is_read_and_what_is_skipped(family: Words, code: str, names: str) -> None:
    assert alone(family, code) == names
    assert set(single_words(family, code.encode()).split()) == set(names.replace(".", " ").split())


@pytest.mark.parametrize("family", ["python", "script", "c", "hash", "lua"])
@pytest.mark.parametrize(
    "unit",
    ['"', "'", "`", '"""', "'''", "/*", "//", "#", "[[", "--[[", "\\", '"\\', "`${", 'f"{', "a.", "a", "{", "\x01"],
)
def test_what_has_no_end_comes_to_an_end(family: Words, unit: str) -> None:
    for code in (unit * 50_000, unit + "a b " * 50_000, (unit + "\n") * 20_000, unit + '"\\' * 50_000):
        alone(family, code)
        single_words(family, code.encode())


def test_a_string_without_an_end_does_not_swallow_the_next_piece() -> None:
    assert words("python", [b'a = """ b', b"c d"]) == "a c d"


@given(st.lists(st.text("ab.c \n1_é", max_size=12), max_size=8))
def test_pieces_give_what_they_give_alone(pieces: list[str]) -> None:
    expected = dict.fromkeys(name for code in pieces for name in alone("python", code).split())
    assert words("python", [code.encode() for code in pieces]) == " ".join(expected)
