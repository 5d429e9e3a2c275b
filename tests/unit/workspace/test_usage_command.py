"""`claude-ls usage`: figures that add up, bars where somebody looks at them, and where the costs come from."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from claude_ls.__main__ import main
from claude_ls.agent.prices import list_prices
from claude_ls.config import Settings
from claude_ls.terminal.usage_command import bar, show_usage
from claude_ls.workspace import usage_store
from claude_ls.workspace.database import NAME, Database
from claude_ls.workspace.usage_store import Turn, UsageStore

NOON = datetime.now().astimezone().replace(hour=12, minute=0, second=0, microsecond=0)
TODAY, BEFORE = NOON.date().isoformat(), (NOON - timedelta(days=2)).date().isoformat()
TURN = Turn(NOON, "job1", "edit", "claude-sonnet-5-5", Path("/p"), 1_000, 200, 3_000, 0, 0.05)
TURNS = (
    TURN,
    replace(TURN, action="explain", cost=0.2),
    replace(TURN, time=NOON - timedelta(days=2), model="my \x1b[31mmodel", cost=None),
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    database = Database(tmp_path / "state", {"usage": usage_store.TABLES})
    for turn in TURNS:
        UsageStore(database).add(turn)
    database.close()
    return tmp_path / "state"


def run(
    state: Path,
    by: str = "day",
    since: datetime | None = None,
    *,
    terminal: bool = False,
    as_json: bool = False,
    settings: Settings | None = None,
) -> tuple[int, str]:
    out = io.StringIO()
    console = Console(file=out, width=100, highlight=False, force_terminal=terminal, color_system=None)
    code = show_usage(state, since, by, settings or Settings(), as_json=as_json, console=console)
    return code, out.getvalue()


def rows(said: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in said.splitlines()[1:4]}


def test_each_day_and_all_of_it(state: Path) -> None:
    code, said = run(state)
    assert code == 0
    assert rows(said) == {
        BEFORE: ["1", "4,000", "75", "%", "200", "not", "known"],
        TODAY: ["2", "8,000", "75", "%", "400", "$0.25"],
        "together": ["3", "12,000", "75", "%", "600", "$0.25+"],
    }
    assert "█" not in said


def test_other_ways_to_sum_it_up(state: Path) -> None:
    assert rows(run(state, "action")[1]).keys() == {"edit", "explain", "together"}
    said = run(state, "model")[1]
    assert rows(said)["claude-sonnet-5-5"][:2] == ["2", "8,000"]
    assert "my ␛[31mmodel" in said and "\x1b" not in said


def test_only_since_a_time(state: Path) -> None:
    assert rows(run(state, since=NOON)[1]).keys() >= {TODAY, "together"}
    assert BEFORE not in run(state, since=NOON)[1]
    code, said = run(state, since=NOON + timedelta(days=1))
    assert code == 0 and said.startswith("Nothing was used since ")


def test_bars_where_somebody_looks_at_them(state: Path) -> None:
    lines = run(state, "action", terminal=True)[1].splitlines()
    bars = {line.split()[0]: line.count("█") for line in lines[1:3]}
    assert abs(bars["explain"] - 4 * bars["edit"]) <= 4
    assert 0 < bars["edit"] < bars["explain"]
    assert all(cell_len(line) <= 100 for line in lines[:4])


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(1, 80))
def test_no_bar_is_too_long_and_none_is_lost(value: float, largest: float, width: int) -> None:
    largest = max(value, largest)
    drawn = bar(value, largest, width)
    assert len(drawn) <= width
    assert bool(drawn) == (value > 0)
    if value and value == largest:
        assert drawn == "█" * width


def test_where_the_costs_come_from(state: Path) -> None:
    said = run(state)[1]
    assert f"list prices of {list_prices().as_of}." in said
    assert "Without the cost of my ␛[31mmodel: set `prices`" in said
    own = run(state, settings=Settings(prices={"claude-sonnet-5-5": (1, 2), "other": (1, 2)}))[1]
    assert "and by your own prices for claude-sonnet-5-5." in own


def test_for_other_programs(state: Path) -> None:
    code, said = run(state, as_json=True)
    data = json.loads(said)
    assert code == 0
    tokens = {"input": 3_000, "output": 600, "cacheRead": 9_000, "cacheWrite": 0}
    assert (data["turns"], data["tokens"], data["cost"], data["cacheHitRate"]) == (3, tokens, 0.25, 0.75)
    assert data["unpriced"] == ["my \x1b[31mmodel"]
    assert [(day["day"], day["cost"]) for day in data["days"]] == [(BEFORE, None), (TODAY, 0.25)]
    assert {item["action"]: item["cost"] for item in data["actions"]} == {"edit": 0.05, "explain": 0.2}
    assert {item["model"]: item["turns"] for item in data["models"]} == {TURN.model: 2, TURNS[2].model: 1}


def test_where_nothing_was_kept_nothing_is_made(tmp_path: Path) -> None:
    code, said = run(tmp_path / "none")
    assert (code, said) == (0, "Nothing was used so far.\n")
    assert json.loads(run(tmp_path / "none", as_json=True)[1])["cost"] == 0
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    newer = Database(tmp_path, {"usage": (*usage_store.TABLES, "CREATE TABLE usage_more (x TEXT)")})
    UsageStore(newer).add(TURN)
    newer.close()
    code, said = run(tmp_path)
    assert code == 2 and "newer claude-ls" in said
    code, said = run(tmp_path, as_json=True)
    assert code == 2 and "newer claude-ls" in json.loads(said)["error"]
    (tmp_path / NAME).write_bytes(b"no database" * 1000)
    code, said = run(tmp_path)
    assert code == 0 and "is set aside as" in said and "Nothing was used" in said


def test_from_the_command_line(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_LS_STATE_DIR", str(state))
    monkeypatch.setenv("CLAUDE_LS_CONFIG_DIR", str(tmp_path))
    assert main(["usage", "--json", "--since", "today"]) == 0
    assert [day["day"] for day in json.loads(capsys.readouterr().out)["days"]] == [TODAY]
    assert main(["usage", "--by", "model"]) == 0
    assert "claude-sonnet-5-5" in capsys.readouterr().out
    assert main(["usage", "--since", "yesteryear"]) == 2
    assert '--since must be "today", a date (2026-01-31)' in capsys.readouterr().err
