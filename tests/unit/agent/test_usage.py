"""Tokens add up, and estimates of them are cautious."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from claude_ls.agent.usage import Usage, cost_words, estimated_tokens

USAGES = st.builds(Usage, *[st.integers(0, 10**9)] * 5)


def test_sums() -> None:
    used = Usage(1, 20, 300, 4000, 500) + Usage(5, 60, 700, 8000, 600)
    assert used == Usage(input=6, output=80, cache_read=1000, cache_write=12_000, cache_write_hour=1100)
    assert (used.prompt, used.total) == (13_006, 13_086)


@given(st.lists(USAGES))
def test_the_order_of_a_sum_does_not_matter_and_nothing_is_lost(usages: list[Usage]) -> None:
    total = sum(usages, Usage())
    assert total == sum(reversed(usages), Usage())
    assert total.total == sum(usage.total for usage in usages)


def test_costs_are_told_as_exactly_as_they_are_small() -> None:
    assert [cost_words(cost) for cost in (0, 0.00123, 0.0999, 0.1, 12.345)] == [
        *("$0.0000", "$0.0012", "$0.0999", "$0.10", "$12.35"),
    ]


def test_estimates_are_cautious_and_never_nothing() -> None:
    assert estimated_tokens("") >= 0
    assert estimated_tokens("x") >= 1
    assert [estimated_tokens("x" * 35 * times) for times in (1, 10, 100)] == [10, 100, 1000]
