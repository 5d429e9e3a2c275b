"""The strings of unfinished JSON, however it is cut."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.editing.json_stream import JsonStrings, Path

TEXT = st.text(st.sampled_from('ab"\\\n\t/{}[],: é𝒳\u2028\x00\x7f'), max_size=12)
VALUE = st.recursive(
    TEXT | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def read(raw: str, cuts: list[int]) -> tuple[dict[Path, str], list[Path]]:
    reader, texts, done = JsonStrings(), dict[Path, str](), list[Path]()
    bounds = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    for start, end in pairwise(bounds):
        for piece in reader.push(raw[start:end]):
            texts[piece.path] = texts.get(piece.path, "") + piece.text
            assert piece.path not in done, "a value that was done went on"
            if piece.done:
                done.append(piece.path)
    return texts, done


def leaves(value: Any, path: Path = ()) -> dict[Path, str]:
    if isinstance(value, dict):
        return {key: text for name, item in value.items() for key, text in leaves(item, (*path, name)).items()}
    if isinstance(value, list):
        return {key: text for index, item in enumerate(value) for key, text in leaves(item, (*path, index)).items()}
    return {path: value if isinstance(value, str) else json.dumps(value)}


@given(st.dictionaries(TEXT, VALUE, max_size=4), st.lists(st.integers(0, 10_000), max_size=30), st.booleans())
def test_every_value_arrives_whole_however_it_is_cut(value: dict[str, Any], cuts: list[int], ascii_only: bool) -> None:
    texts, done = read(json.dumps(value, ensure_ascii=ascii_only), cuts)
    assert texts == leaves(value)
    assert sorted(map(str, done)) == sorted(map(str, texts))


@given(TEXT, st.integers(0, 200))
def test_what_is_given_of_an_unfinished_string_is_a_beginning_of_it(text: str, cut: int) -> None:
    texts, _ = read(json.dumps({"new_text": text})[:cut], [])
    assert text.startswith(texts.get(("new_text",), ""))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ('{"a": "x\\ud83d\\ude00y"}', "x😀y"),
        ('{"a": "x\\ud83dy"}', "x\ufffdy"),
        ('{"a": "x\\ude00y"}', "x\ufffdy"),
        ('{"a": "x\\ud83d\\ud83d\\ude00"}', "x\ufffd😀"),
        ('{"a": "x\\ud83d\\n"}', "x\ufffd\n"),
        ('{"a": "line\nbreak\tas it is"}', "line\nbreak\tas it is"),
    ],
)
def test_odd_escapes(raw: str, text: str) -> None:
    for cuts in ([], list(range(len(raw)))):
        assert read(raw, cuts)[0] == {("a",): text}


@given(st.text(st.sampled_from('{}[]",:\\ua1d8 n'), max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_broken_json_never_raises(raw: str, cuts: list[int]) -> None:
    read_any = JsonStrings()
    for cut in cuts:
        read_any.push(raw[:cut])
    read_any.push(raw)
