"""Settings that decide what is run: where they count, and what they may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from claude_ls import config

TESTS = {"tests": ["pytest", "-q"]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.mark.parametrize(
    "text",
    [
        '[verify.commands]\ntests = ["pytest", "-q"]\n"go vet" = ["go", "vet", "./..."]\n[verify]\nseconds = 30\n',
        '"verify.seconds" = 30\n["verify.commands"]\ntests = ["pytest", "-q"]\n"go vet" = ["go", "vet", "./..."]\n',
        'verify = {seconds = 30, commands = {tests = ["pytest", "-q"], "go vet" = ["go", "vet", "./..."]}}\n',
    ],
)
def test_checks_are_set_in_ones_own_file(file: Path, text: str) -> None:
    file.write_text(text)
    loaded = config.load(editor=None, options=None, file=file)
    assert loaded.problems == ()
    assert loaded.settings.verify_commands == {"tests": ("pytest", "-q"), "go vet": ("go", "vet", "./...")}
    assert loaded.settings.verify_seconds == 30.0


def test_no_check_is_set_by_default() -> None:
    settings = config.load(editor=None, options=None, file=None).settings
    assert (settings.verify_commands, settings.verify_seconds) == ({}, 120.0)


@pytest.mark.parametrize("values", [{"verify": {"commands": TESTS}}, {"verify.commands": TESTS}])
@pytest.mark.parametrize("source", ["editor", "options"])
def test_an_editor_cannot_set_what_is_run(file: Path, source: str, values: Any) -> None:
    """Its settings can come from a file of the workspace."""
    file.write_text('[verify.commands]\nown = ["make", "test"]\n')
    loaded = config.load(**{"editor": None, "options": None, source: values}, file=file)
    assert loaded.settings.verify_commands == {"own": ("make", "test")}
    (problem,) = loaded.problems
    assert "'verify.commands' counts only in your own config.toml" in problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"verify.commands" = "pytest"', "must be a table from name"),
        ('[verify.commands]\ntests = "pytest -q"', "has a line for a shell as 'tests', and none is used"),
        ("[verify.commands]\ntests = []", "has no list of words as 'tests'"),
        ('[verify.commands]\ntests = ["pytest", 3]', "has no list of words as 'tests'"),
        ('[verify.commands.tests]\nargv = ["pytest"]', "has no list of words as 'tests'"),
        ('[verify.commands]\ntests = [" "]', "has no program that could be run as 'tests'"),
        ('[verify.commands]\ntests = ["a", "\\u0000"]', "has no program that could be run as 'tests'"),
        ('[verify.commands]\n"" = ["a"]', "has the name '', which cannot be shown"),
        ('[verify.commands]\n"\\n" = ["a"]', "which cannot be shown"),
        ("verify.seconds = 0", "'verify.seconds' must be a number above 0"),
        ("verify.seconds = inf", "'verify.seconds' must be a number above 0"),
        ("verify.seconds = nan", "'verify.seconds' must be a number above 0"),
        ('verify.seconds = "2"', "'verify.seconds' must be a number above 0"),
    ],
)
def test_what_is_wrong_is_left_out_and_told(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    loaded = config.load(editor=None, options=None, file=file)
    assert (loaded.settings.verify_commands, loaded.settings.verify_seconds) == ({}, 120.0)
    (problem,) = loaded.problems
    assert words in problem
