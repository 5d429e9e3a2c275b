"""Lines are found in what is saved and what is not, with and without ripgrep, and nothing takes for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from claude_ls.workspace.files import FileProblem
from claude_ls.workspace.searching import FoundLine, Search, find_ripgrep, search

WITH = [
    pytest.param(None, id="by ourselves"),
    pytest.param(
        find_ripgrep(), id="ripgrep", marks=pytest.mark.skipif(find_ripgrep() is None, reason="rg is not installed")
    ),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "a.py").write_text("x = f(1)\r\n\ny = F(2)\n")
    (tmp_path / "in" / "b é.py").write_text("z = f(3)")
    (tmp_path / "unknown.py").write_text("f(4)\n")
    (tmp_path / "in" / "raw").write_bytes(b"f(5)\0\xff")
    return tmp_path


PATHS = ["a.py", "in/b é.py", "in/raw", "gone.py"]


def look(
    root: Path, pattern: str, ripgrep: str | None, texts: dict[str, str] | None = None, **more: object
) -> list[FoundLine]:
    wanted = Search(pattern, bool(more.get("ignore_case")), int(str(more.get("limit", 100))))
    return asyncio.run(search(root, PATHS, texts or {}, wanted, ripgrep=ripgrep, seconds=20))


@pytest.mark.parametrize("ripgrep", WITH)
def test_lines_of_the_files_that_are_known(root: Path, ripgrep: str | None) -> None:
    assert look(root, r"f\(\d", ripgrep) == [("a.py", 1, "x = f(1)"), ("in/b é.py", 1, "z = f(3)")]
    assert [item.line for item in look(root, r"f\(", ripgrep, ignore_case=True)] == [1, 3, 1]
    assert len(look(root, r"f\(", ripgrep, ignore_case=True, limit=1)) == 1
    assert look(root, "nowhere", ripgrep) == []
    assert look(root, "^y", ripgrep) == [("a.py", 3, "y = F(2)")]


@pytest.mark.parametrize("ripgrep", WITH)
def test_unsaved_text_counts(root: Path, ripgrep: str | None) -> None:
    texts = {"a.py": "nothing\rf(7)\u2028f(8)\n"}
    assert look(root, r"f\(\d", ripgrep, texts) == [("a.py", 2, "f(7)\u2028f(8)"), ("in/b é.py", 1, "z = f(3)")]


@pytest.mark.parametrize("ripgrep", WITH)
def test_patterns_that_only_python_reads(root: Path, ripgrep: str | None) -> None:
    assert look(root, r"(?<=x = )f", ripgrep) == [("a.py", 1, "x = f(1)")]


def test_what_takes_for_ever_is_stopped_and_told(root: Path) -> None:
    (root / "a.py").write_text("a" * 40 + "!\n")
    with pytest.raises(FileProblem, match="longer than"):
        asyncio.run(search(root, ["a.py"], {}, Search(r"(a+)+$", False, 9), seconds=0.5))
