"""A price is only told where it is known, and the list that comes with claude-ls is whole."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import date

import pytest

from claude_ls.agent.prices import Price, PriceList, list_prices, price_of
from claude_ls.agent.usage import Usage
from claude_ls.config import Settings

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        (Usage(), 0),
        (Usage(input=MILLION), 3),
        (Usage(output=MILLION), 15),
        (Usage(cache_read=MILLION), 0.3),
        (Usage(cache_write=MILLION), 3.75),
        (Usage(cache_write=MILLION, cache_write_hour=MILLION), 6),
        (Usage(cache_write=2 * MILLION, cache_write_hour=MILLION), 9.75),
        (Usage(1000, 200, 10_000, 2000), 0.0165),
    ],
)
def test_cost(usage: Usage, dollars: float) -> None:
    assert Price(3, 15).cost(usage) == pytest.approx(dollars)
    assert Price(3, 15).cost(usage, batch=True) == pytest.approx(dollars / 2)


@pytest.mark.parametrize(
    ("model", "input_and_output"),
    [
        ("claude-sonnet-5-5", (2, 10)),
        ("claude-sonnet-5", (2, 10)),
        ("claude-sonnet-4-20250514", (3, 15)),
        ("claude-sonnet-4-5-20250929", (3, 15)),
        ("claude-sonnet-4.5", (3, 15)),
        ("claude-opus-5-5-20260101", (4, 20)),
        ("claude-opus-5", (5, 25)),
        ("us.anthropic.claude-opus-4-8-v1:0", (5, 25)),
        ("claude-opus-4@20250514", (15, 75)),
        ("claude-opus-4-1", (15, 75)),
        ("claude-3-5-haiku-latest", (0.8, 4)),
        ("claude-haiku-5-5[1m]", (0.1, 0.5)),
        # Of these nobody knows what they cost, though others of their line are known.
        ("claude-sonnet-5-7", None),
        ("claude-sonnet-6", None),
        ("claude-opus-4-17", None),
        ("haiku", None),
        ("claude-haikus-5-5", None),
        ("myclaude-sonnets-5", None),
        ("qwen3-coder", None),
        ("", None),
    ],
)
def test_which_price_is_whose(model: str, input_and_output: tuple[float, float] | None) -> None:
    price = price_of(model, {"mine": (1, 2)})
    assert (price and (price.input, price.output)) == input_and_output


def test_the_default_model_has_a_price() -> None:
    assert price_of(Settings().model, {}) is not None


def test_ones_own_price_wins_and_keeps_the_factors_of_the_list() -> None:
    assert price_of("mine", {"mine": (1, 2)}) == Price(1, 2)
    listed = price_of("claude-sonnet-5-5", {})
    assert listed is not None and listed.cache_read == 0.05
    assert price_of("claude-sonnet-5-5", {"claude-sonnet-5-5": (7, 8)}) == replace(listed, input=7, output=8)
    own = price_of("claude-haiku-5-5", {"claude-haiku-5-5": (7, 8)})
    assert own is not None and own.cost(Usage(input=MILLION)) == 7


def test_a_long_prompt_costs_more_where_the_list_says_so_and_all_of_it() -> None:
    haiku = price_of("claude-haiku-5-5", {})
    assert haiku is not None
    assert haiku.cost(Usage(input=100_000, output=MILLION)) == pytest.approx(0.01 + 0.5)
    for usage in (Usage(input=100_001), Usage(cache_read=100_001), Usage(cache_write=100_001)):
        output = replace(usage, output=MILLION)
        assert haiku.cost(output) - haiku.cost(usage) == pytest.approx(2.5)


def test_every_line_of_the_list_is_of_sense() -> None:
    prices = list_prices()
    assert date.fromisoformat(prices.as_of) <= date.today()
    assert {"haiku", "sonnet", "opus"} <= {name.partition("-")[0] for name in prices.lines}
    for name, price in prices.lines.items():
        assert 0 < price.input < price.output, name
        assert 0 < price.cache_read < 1 < price.cache_write < price.cache_write_hour, name
        assert 0 < price.batch < 1, name
        # No model can be taken for another, whatever order the rows have.
        alone = PriceList("", {name: price})
        assert [other for other in prices.lines if alone.find(f"claude-{other}")] == [name]


def test_nothing_is_read_before_a_price_is_asked_for() -> None:
    code = "import sys, claude_ls.agent.prices; print('tomllib' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "False\n"
