"""What a model's tokens cost: the person's own prices first, then the vendor's list in `prices.toml`.

The API tells everything about a model but its price. The list is read when a price is first asked for, and a model that
is not on it has no cost rather than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from claude_ls.agent.usage import Usage


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens; what is cached costs a factor of `input`, and a batch one of everything."""

    input: float
    output: float
    cache_read: float = 0.1
    cache_write: float = 1.25
    """For five minutes."""
    cache_write_hour: float = 2.0
    batch: float = 0.5
    long_prompt: int | None = None
    """A turn whose prompt has more tokens than these costs what `long` says, all of it."""
    long: Price | None = None

    def cost(self, usage: Usage, *, batch: bool = False) -> float:
        """US dollars for one turn; of several, cost each: a long prompt may have a price of its own."""
        if self.long and self.long_prompt is not None and usage.prompt > self.long_prompt:
            return self.long.cost(usage, batch=batch)
        five_minutes = max(0, usage.cache_write - usage.cache_write_hour)
        prompt = (
            usage.input
            + usage.cache_read * self.cache_read
            + five_minutes * self.cache_write
            + usage.cache_write_hour * self.cache_write_hour
        )
        dollars = (prompt * self.input + usage.output * self.output) / 1_000_000
        return dollars * self.batch if batch else dollars


@dataclass(frozen=True)
class PriceList:
    """`lines` is by what names a line and a version in the names of models; `as_of` is an ISO date."""

    as_of: str
    lines: Mapping[str, Price]

    def find(self, model: str) -> Price | None:
        """The price of `model`, which may carry a date, a platform's prefix or its suffix."""
        name = model.lower().replace(".", "-")
        return next((price for line, price in self.lines.items() if _is_of(name, line)), None)


def _is_of(name: str, line: str) -> bool:
    # Behind `sonnet-5` there may be a date, but no further version: `sonnet-5-7` is another model.
    return re.search(rf"(?<![a-z0-9]){re.escape(line)}(?![a-z0-9]|-\d{{1,2}}(?!\d))", name) is not None


@cache
def list_prices() -> PriceList:
    """The vendor's prices, as this version of claude-ls knows them."""
    import tomllib  # nobody need wait for it before something has a price

    data = tomllib.loads(files("claude_ls.agent").joinpath("prices.toml").read_text(encoding="utf-8"))
    lines: dict[str, Price] = {}
    for row in data["line"]:
        models, long = row.pop("models"), row.pop("long", None)
        price = Price(**row)
        if long:
            dearer = replace(price, input=long["input"], output=long["output"])
            price = replace(price, long_prompt=long["over"], long=dearer)
        lines |= dict.fromkeys(models, price)
    return PriceList(data["as_of"], lines)


def price_of(model: str, own: Mapping[str, tuple[float, float]]) -> Price | None:
    """The price of `model`: `own` is the setting `prices`, which wins; None where nobody knows it."""
    listed = list_prices().find(model)
    if model in own:
        given, taken = own[model]
        # Whoever has other prices has the vendor's factors all the same.
        return replace(listed or Price(0, 0), input=given, output=taken, long_prompt=None, long=None)
    return listed
