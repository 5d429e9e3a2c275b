"""The prompt cache of the replay server: prefixes to the byte, from marks back, as the service documents it."""

from __future__ import annotations

from typing import Any

from claude_ls.agent.prompt_cache import LOOK_BACK, PromptCache

MARK = {"cache_control": {"type": "ephemeral"}}


def block(words: str, marked: bool = False) -> dict[str, Any]:
    return {"type": "text", "text": words * 700, **(MARK if marked else {})}


def body(*blocks: dict[str, Any], model: str = "m", system: str = "s") -> dict[str, Any]:
    return {
        "model": model,
        "system": [{"type": "text", "text": system * 7000, **MARK}],
        "messages": [{"role": "user", "content": list(blocks)}],
    }


def test_what_is_marked_is_written_once_and_read_from_then_on() -> None:
    cache = PromptCache()
    first = cache.count(body(block("a", True), block("ask 1")))
    assert first.read == 0 and first.written > 2000 and first.input > 0
    second = cache.count(body(block("a", True), block("ask 2")))
    assert (second.read, second.written, second.input) == (first.written, 0, first.input)


def test_a_prefix_that_goes_on_is_read_as_far_as_it_was_written() -> None:
    cache = PromptCache()
    first = cache.count(body(block("a", True), block("x")))
    # The mark has moved: it is no part of what is compared.
    second = cache.count(body(block("a"), block("b", True), block("x")))
    assert second.read == first.written and 0 < second.written < first.written
    third = cache.count(body(block("a"), block("other", True), block("x")))
    assert third.read == first.written


def test_one_letter_at_the_start_changes_all() -> None:
    cache = PromptCache()
    cache.count(body(block("a", True)))
    assert cache.count(body(block("a", True), system="t")).read == 0
    assert cache.count(body(block("a", True), model="n")).read == 0


def test_little_is_not_kept_and_what_is_far_back_is_not_found() -> None:
    cache = PromptCache()
    small = {"model": "m", "system": [{"type": "text", "text": "short", **MARK}], "messages": []}
    assert cache.count(small).written == 0 and cache.count(small).read == 0
    alone = {"model": "m", "messages": [{"role": "user", "content": [block("abcdefgh", True)]}]}
    kept = cache.count(alone).written
    assert kept > 1024
    more = [block(f"{number}", number == LOOK_BACK) for number in range(1, LOOK_BACK + 1)]
    near = {"model": "m", "messages": [{"role": "user", "content": [block("abcdefgh"), *more]}]}
    assert PromptCache().count(near).read == 0 and cache.count(near).read == kept
    far = [block(f"x{number}", number == LOOK_BACK + 1) for number in range(1, LOOK_BACK + 2)]
    assert cache.count({"model": "m", "messages": [{"role": "user", "content": [block("abcdefgh"), *far]}]}).read == 0
