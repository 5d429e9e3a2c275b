"""Every case file, played over several chunkings of the model's stream, habits of editors and encodings."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.case import read_case, written
from harness.run import Variant, play

CASES = Path(__file__).parent.parent / "fixtures" / "cases"
VARIANTS = [
    Variant(seed, habit, encoding)
    for seed in (None, 1, 2)
    for habit in ("strict", "rebasing", "liar")
    for encoding in ("utf-16", "utf-8")
]


@pytest.mark.parametrize("path", sorted(CASES.rglob("*.case")), ids=lambda path: str(path.relative_to(CASES)))
def test_case(path: Path, request: pytest.FixtureRequest) -> None:
    case = read_case(path)
    variants = [Variant(v.seed, v.habit, "utf-32") if "utf-32" in case.client else v for v in VARIANTS]
    outcomes = {}
    for variant in variants:
        try:
            outcomes[variant] = asyncio.run(play(case, variant), debug=False)
        except BaseException as error:
            error.add_note(f"in the variant {variant}")
            raise
    first = outcomes[variants[0]]
    if request.config.getoption("--update"):
        path.write_bytes(written(case, first.files, first.transcript, first.prompt).encode())
        case = read_case(path)
    for variant, outcome in outcomes.items():
        assert outcome.files == {**case.files, **case.expected}, f"in the variant {variant}"
    if case.client_transcript is not None:
        assert first.transcript == case.client_transcript
    if case.prompt is not None:
        assert first.prompt == case.prompt
