"""What a turn is going to take: all of its text, the cache as far as it is known, and what earlier answers taught."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.agent.estimate import OUTPUT_ALLOWANCE, Calibration, estimate
from claude_ls.agent.model import Message, ModelRequest, Opaque, Text, ToolResult, ToolUse
from claude_ls.agent.prices import Price
from claude_ls.agent.tools import REWRITE_REGION
from claude_ls.agent.usage import CHARACTERS_PER_TOKEN, Usage

PRICE = Price(1_000_000, 0)  # a dollar a token, and answers for nothing
EMPTY = ModelRequest("m", (), (), ())
LONG = "x" * 7_000
TOKENS = 2_000


def said(*blocks: Text | ToolUse | ToolResult | Opaque) -> ModelRequest:
    return replace(EMPTY, messages=(Message("user", blocks),))


@pytest.mark.parametrize(
    "request_",
    [
        replace(EMPTY, system=(Text(LONG),)),
        replace(EMPTY, tools=(replace(REWRITE_REGION, description=LONG),)),
        replace(EMPTY, tools=(replace(REWRITE_REGION, schema={"x": LONG}),)),
        said(Text(LONG)),
        said(ToolResult("1", LONG)),
        said(ToolUse("1", "edit", {"new_text": LONG})),
        said(Opaque({"type": "thinking", "thinking": LONG})),
    ],
)
def test_all_text_counts_wherever_it_stands(request_: ModelRequest) -> None:
    assert TOKENS <= estimate(request_, None, Calibration()).tokens < TOKENS * 1.1


def test_without_a_price_there_is_no_cost() -> None:
    assert estimate(said(Text(LONG)), None, Calibration()).cost is None


def test_an_answer_is_allowed_for_but_no_longer_one_than_may_come() -> None:
    dear = Price(0, 1_000_000)
    assert estimate(EMPTY, dear, Calibration()).cost == OUTPUT_ALLOWANCE
    assert estimate(replace(EMPTY, max_tokens=10), dear, Calibration()).cost == 10


def test_what_is_marked_for_the_cache_is_new_to_it_in_the_first_turn() -> None:
    request = said(Text(LONG, cached=True), Text(LONG))
    told = estimate(request, PRICE, Calibration())
    assert told.cost == pytest.approx(1.25 * TOKENS + TOKENS, rel=0.01)
    assert estimate(said(Text(LONG), Text(LONG)), PRICE, Calibration()).cost == pytest.approx(2 * TOKENS, rel=0.01)


def test_later_only_what_the_turn_before_read_or_wrote_is_in_the_cache() -> None:
    request = said(Text(LONG, cached=True), Text(LONG))
    for before in (
        Usage(input=9, cache_read=1_500),
        Usage(cache_write=1_500),
        Usage(cache_read=500, cache_write=1_000),
    ):
        told = estimate(request, PRICE, Calibration(), before)
        assert told.cost == pytest.approx(0.1 * 1_500 + told.tokens - 1_500)
    # A prompt can be too short for the cache; and none is longer than itself.
    told = estimate(request, PRICE, Calibration(), Usage(input=4_000))
    assert told.cost == pytest.approx(told.tokens)
    assert estimate(request, PRICE, Calibration(), Usage(cache_read=10**9)).cost == pytest.approx(0.1 * told.tokens)


def test_what_was_learned_corrects_the_tokens_and_not_what_is_learned_from() -> None:
    calibration = Calibration()
    for _ in range(40):
        told = estimate(said(Text(LONG)), PRICE, calibration)
        calibration = calibration.learned(told.uncorrected, 3_000)
    told = estimate(said(Text(LONG)), PRICE, calibration)
    assert told.tokens == pytest.approx(3_000, rel=0.01)
    assert told.uncorrected == pytest.approx(LONG.__len__() / CHARACTERS_PER_TOKEN, rel=0.01)
    assert told.cost == pytest.approx(told.tokens)


def test_the_latest_answers_count_most() -> None:
    rising, falling = Calibration(), Calibration()
    for real in (1_000, 2_000, 3_000):
        rising = rising.learned(2_000, real)
    for real in (3_000, 2_000, 1_000):
        falling = falling.learned(2_000, real)
    assert falling.ratio < 1 < rising.ratio


@given(st.lists(st.tuples(st.integers(-5, 10**7), st.integers(-5, 10**12))))
def test_no_answer_makes_estimates_absurd(answers: list[tuple[int, int]]) -> None:
    calibration = Calibration()
    for estimated, real in answers:
        before = calibration
        calibration = calibration.learned(estimated, real)
        if estimated <= 0 or real <= 0:
            assert calibration == before
    assert 0.25 <= calibration.ratio <= 4.0


@given(st.floats(0.3, 3.5), st.lists(st.integers(1_000, 100_000), min_size=30, max_size=30))
def test_a_model_that_is_always_as_far_off_is_learned(factor: float, sizes: list[int]) -> None:
    calibration = Calibration()
    for size in sizes:
        calibration = calibration.learned(size, round(size * factor))
    assert calibration.ratio == pytest.approx(factor, rel=0.05)
