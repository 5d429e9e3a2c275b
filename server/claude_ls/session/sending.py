"""What a request is made of, in words for the person who asks what would be sent, and what that costs."""

from __future__ import annotations

import json
from dataclasses import dataclass

from claude_ls.agent.prices import price_of
from claude_ls.agent.usage import Usage, estimated_tokens
from claude_ls.config import Settings
from claude_ls.session.action_run import Composed


@dataclass(frozen=True)
class Part:
    """One part of a request. `tokens` are estimated."""

    title: str
    tokens: int
    text: str


@dataclass(frozen=True)
class Context:
    """All that would be sent, in its order. `cost` is US dollars without what the answer costs and without what the
    prompt cache saves; None where the model's price is not known. `counted` says that `tokens` are not estimated."""

    parts: tuple[Part, ...]
    tokens: int
    cost: float | None
    counted: bool


def context_of(composed: Composed, settings: Settings, counted: int | None) -> Context:
    """The parts of a request that has been composed; `counted` is how many tokens it has, where that is known."""
    request = composed.request
    tools = json.dumps(
        [{"name": tool.name, "description": tool.description, "input_schema": tool.schema} for tool in request.tools],
        ensure_ascii=False,
        indent=2,
    )
    texts = [("tools", tools)] if request.tools else []
    texts += [("system prompt", block.text) for block in request.system]
    for block in composed.blocks:
        named = dict(block.attributes)
        lines = f", lines {named['lines']}" if "lines" in named else ""
        texts.append((f"{block.tag} {named['path']}{lines}" if "path" in named else block.tag, block.rendered()))
    texts.append(("request", composed.ask))
    parts = tuple(Part(title, estimated_tokens(text), text) for title, text in texts)
    tokens = sum(part.tokens for part in parts) if counted is None else counted
    price = price_of(request.model, settings.prices)
    cost = price.cost(Usage(input=tokens)) if price else None
    return Context(parts, tokens, cost, counted is not None)
