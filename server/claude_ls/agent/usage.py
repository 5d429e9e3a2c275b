"""What a turn used, in tokens, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CHARACTERS_PER_TOKEN = 3.5
"""A cautious average over source code; the service counts exactly, and its count replaces this one."""


@dataclass(frozen=True)
class Usage:
    """Tokens. `input` leaves out what was read from or written to the prompt cache."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
        )

    @property
    def total(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens."""

    input: float
    output: float

    def cost(self, usage: Usage) -> float:
        """US dollars. Cache reads cost a tenth of input, five-minute cache writes a quarter more than input."""
        return (
            usage.input * self.input
            + usage.output * self.output
            + usage.cache_read * self.input * 0.1
            + usage.cache_write * self.input * 1.25
        ) / 1_000_000


# The API tells everything about a model but its price. These are the vendor's list prices of each line; a person with
# other prices sets `prices`, and a model of no known line has no cost rather than a wrong one.
LIST_PRICES: Mapping[str, Price] = {
    "haiku": Price(1.0, 5.0),
    "sonnet": Price(3.0, 15.0),
    "opus": Price(5.0, 25.0),
}


def price_of(model: str, own: Mapping[str, Price]) -> Price | None:
    """The price of `model`: the person's own setting first, then the list price of its line, else None."""
    if model in own:
        return own[model]
    return next((price for line, price in LIST_PRICES.items() if f"-{line}-" in f"-{model}-"), None)


def cost_words(cost: float) -> str:
    """US dollars, as people read them."""
    return f"${cost:.4f}" if cost < 0.1 else f"${cost:.2f}"


def estimated_tokens(text: str) -> int:
    """About how many tokens `text` is, without asking anybody."""
    return round(len(text) / CHARACTERS_PER_TOKEN + 0.5)
