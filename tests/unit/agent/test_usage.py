"""Tokens add up, and a price is only told where it is known."""

from __future__ import annotations

import pytest

from claude_ls.agent.usage import LIST_PRICES, Price, Usage, estimated_tokens, price_of

MILLION = 1_000_000


def test_sums() -> None:
    used = Usage(1, 20, 300, 4000) + Usage(5, 60, 700, 8000)
    assert used == Usage(input=6, output=80, cache_read=1000, cache_write=12_000)
    assert used.total == 13_086
    assert sum([used, used], Usage()) == used + used


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        (Usage(), 0),
        (Usage(input=MILLION), 3),
        (Usage(output=MILLION), 15),
        (Usage(cache_read=MILLION), 0.3),
        (Usage(cache_write=MILLION), 3.75),
        (Usage(1000, 200, 10_000, 2000), 0.0165),
    ],
)
def test_cost(usage: Usage, dollars: float) -> None:
    assert Price(3, 15).cost(usage) == pytest.approx(dollars)


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("claude-sonnet-5-5", LIST_PRICES["sonnet"]),
        ("claude-opus-5-5-20260101", LIST_PRICES["opus"]),
        ("claude-3-5-haiku-latest", LIST_PRICES["haiku"]),
        ("haiku", LIST_PRICES["haiku"]),
        ("claude-haikus-1", None),
        ("qwen3-coder", None),
        ("", None),
        ("mine", Price(1, 2)),
        ("claude-opus-own", Price(7, 8)),
    ],
)
def test_price_of(model: str, price: Price | None) -> None:
    assert price_of(model, {"mine": Price(1, 2), "claude-opus-own": Price(7, 8)}) == price


def test_estimates_are_cautious_and_never_nothing() -> None:
    assert estimated_tokens("") >= 0
    assert estimated_tokens("x") >= 1
    assert [estimated_tokens("x" * 35 * times) for times in (1, 10, 100)] == [10, 100, 1000]
