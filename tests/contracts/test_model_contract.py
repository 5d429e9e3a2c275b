"""The scripted model, Claude's adapter and what watches over budgets obey the same suite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from contracts import model_contract
from contracts.model_contract import CHECKS, STORIES, MakeModel
from contracts.models import budgeted_model, claude_model, run, scripted_model

MODELS = pytest.mark.parametrize("make", [scripted_model, claude_model, budgeted_model])


@MODELS
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(make: MakeModel, check: Callable[[MakeModel], Awaitable[None]]) -> None:
    async def main() -> None:
        await check(make)

    run(main())


@MODELS
@pytest.mark.parametrize("name", STORIES)
def test_story(make: MakeModel, name: str) -> None:
    run(model_contract.tells_the_story(make, name))
