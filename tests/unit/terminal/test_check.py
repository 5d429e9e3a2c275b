"""What `claude-ls check` says about the checks of a folder."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from claude_ls.terminal.check import Finding, checks_here


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in ("project/.venv/bin/pytest", "bin/cargo"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("#!/bin/sh\ntouch ran\n")
        (tmp_path / path).chmod(0o755)
    return tmp_path / "project"


def here(folder: Path) -> list[Finding]:
    return checks_here({"PATH": str(folder.parent / "bin")}, folder.parent / "config.toml", folder)


def test_what_is_set_and_what_could_be_is_told_and_nothing_is_run(folder: Path) -> None:
    (folder / "pytest.ini").write_text("")
    (folder / "ruff.toml").write_text("")
    (folder / "Cargo.toml").write_text("")
    (folder.parent / "config.toml").write_text(
        '[verify.commands]\ntests = ["pytest", "-q"]\nlint = ["ruff", "check", "a b"]\nown = ["./check.sh"]\n'
    )
    found = here(folder)
    assert [(one.mark, one.words) for one in found] == [
        ("ok", "tests: pytest -q"),
        ("note", "lint: ruff check 'a b' (ruff is not found from here)"),
        ("ok", "own: ./check.sh"),
        ("note", "cargo check is not set; this folder has Cargo.toml"),
        ("note", "cargo test is not set; this folder has Cargo.toml"),
    ]
    assert found[1].advice.startswith("Install ruff where this folder finds it")
    assert not list(folder.rglob("ran"))


def test_the_advice_can_be_pasted_into_the_settings(folder: Path) -> None:
    (folder / "Cargo.toml").write_text("")
    (folder / "conftest.py").write_text("")
    lines = [one.advice.partition("[verify.commands]: ")[2] for one in here(folder)]
    assert tomllib.loads("\n".join(lines)) == {
        "pytest": ["pytest", "-q"],
        "cargo check": ["cargo", "check"],
        "cargo test": ["cargo", "test"],
    }
    (folder.parent / "config.toml").write_text("\n".join(["[verify.commands]", *lines]))
    assert {one.mark for one in here(folder)} == {"ok"}


def test_where_nothing_is_known_it_is_told_how_to_set_one(folder: Path) -> None:
    (folder / "pyproject.toml").symlink_to("/dev/zero")
    (finding,) = here(folder)
    assert finding.words == "none is set, and none is known for this folder"
    assert 'tests = ["make", "test"]' in finding.advice
    (gone,) = here(folder / "gone")
    assert gone.words == finding.words
