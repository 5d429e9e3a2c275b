"""What the next turn is going to take, told before it is asked for; pure.

Tokens are estimated from all text of the request, and corrected by how far earlier estimates for the same model were
off. What the cache saves is counted only as far as it is known: what the turn before has read from it or written to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from claude_ls.agent.model import Block, ModelRequest, Opaque, Text, ToolResult, ToolUse
from claude_ls.agent.prices import Price
from claude_ls.agent.usage import Usage, estimated_tokens

OUTPUT_ALLOWANCE = 1_000
"""Tokens that an answer is taken to have: most edits have fewer."""
_TRUSTED = 2_000.0
"""So many tokens' worth of answers the first estimate is believed like."""
_KEPT = 0.8
"""How much of what was learned earlier counts beside the next answer."""
_LEAST, _MOST = 0.25, 4.0
"""No text is further off than this; a service that says so counts something else."""


@dataclass(frozen=True)
class Calibration:
    """How many tokens answers of one model said there were for how many that had been estimated, the latest most."""

    estimated: float = _TRUSTED
    real: float = _TRUSTED

    @property
    def ratio(self) -> float:
        """What an estimate is to be multiplied with."""
        return min(max(self.real / self.estimated, _LEAST), _MOST)

    def learned(self, estimated: int, real: int) -> Calibration:
        """With one more answer; one that counts nothing teaches nothing."""
        if estimated <= 0 or real <= 0:
            return self
        # One answer that is far off must not outweigh all others.
        real = round(min(max(real, estimated * _LEAST), estimated * _MOST))
        return Calibration(self.estimated * _KEPT + estimated, self.real * _KEPT + real)


@dataclass(frozen=True)
class Estimate:
    """`tokens` are those of the request; `uncorrected` is what its text alone says, to learn from. `cost` is US dollars
    with an answer of usual length, None where the price is not known."""

    uncorrected: int
    tokens: int
    cost: float | None


def estimate(
    request: ModelRequest, price: Price | None, calibration: Calibration, before: Usage | None = None
) -> Estimate:
    """`before` is what the turn before this one in the same conversation has used; None for the first."""
    texts = list(_texts(request))
    uncorrected = estimated_tokens("".join(text for text, _ in texts))
    tokens = round(uncorrected * calibration.ratio)
    output = min(OUTPUT_ALLOWANCE, request.max_tokens)
    if before is None:
        # What is marked for the cache is new to it, as far as anybody here knows.
        marked = max((number for number, (_, cached) in enumerate(texts, 1) if cached), default=0)
        share = sum(len(text) for text, _ in texts[:marked]) / max(1, sum(len(text) for text, _ in texts))
        written = round(tokens * share)
        usage = Usage(input=tokens - written, output=output, cache_write=written)
    else:
        read = min(tokens, before.cache_read + before.cache_write)
        usage = Usage(input=tokens - read, output=output, cache_read=read)
    return Estimate(uncorrected, tokens, price.cost(usage) if price else None)


def _texts(request: ModelRequest) -> Iterator[tuple[str, bool]]:
    """All text of the request in the order of the wire, and whether the cache is to hold all up to its end."""
    for tool in request.tools:
        yield json.dumps([tool.name, tool.description, dict(tool.schema)], ensure_ascii=False), False
    for text in request.system:
        yield text.text, text.cached
    for message in request.messages:
        for block in message.blocks:
            yield _words(block), isinstance(block, Text) and block.cached


def _words(block: Block) -> str:
    match block:
        case Text() | ToolResult():
            return block.text
        case ToolUse():
            return block.name + json.dumps(dict(block.input), ensure_ascii=False)
        case Opaque():
            return json.dumps(dict(block.block), ensure_ascii=False)
