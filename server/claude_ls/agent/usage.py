"""What a turn used, in tokens, and how such figures are told."""

from __future__ import annotations

from dataclasses import dataclass

CHARACTERS_PER_TOKEN = 3.5
"""A cautious average over source code; the service counts exactly, and its count replaces this one."""


@dataclass(frozen=True)
class Usage:
    """Tokens. `input` leaves out what was read from or written to the prompt cache.

    `cache_write_hour` is what of `cache_write` is kept for an hour instead of five minutes.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_hour: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.cache_write_hour + other.cache_write_hour,
        )

    @property
    def prompt(self) -> int:
        """All that was sent."""
        return self.input + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        return self.prompt + self.output


def cost_words(cost: float) -> str:
    """US dollars, as people read them."""
    return f"${cost:.4f}" if cost < 0.1 else f"${cost:.2f}"


def estimated_tokens(text: str) -> int:
    """About how many tokens `text` is, without asking anybody."""
    return round(len(text) / CHARACTERS_PER_TOKEN + 0.5)
