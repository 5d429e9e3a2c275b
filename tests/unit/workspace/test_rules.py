"""Rules: the general before the special, each once, none from outside."""

from __future__ import annotations

from pathlib import Path

from claude_ls.workspace import rules
from claude_ls.workspace.rules import rules_for


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def told(found: list[rules.Rules]) -> list[tuple[str, str]]:
    return [(item.path, item.text) for item in found]


def test_from_the_top_down_to_the_file(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(root / "CLAUDE.md", "top\n")
    put(root / "AGENTS.md", "agents\n")
    put(root / "a" / "CLAUDE.md", "a\n")
    put(root / "a" / "b" / "CLAUDE.md", "b\n")
    put(root / "c" / "CLAUDE.md", "another branch\n")
    own = put(tmp_path / "own" / "CLAUDE.md", "mine\n")
    assert told(rules_for(root, root / "a" / "b" / "x.py", own)) == [
        (str(own), "mine"),
        ("AGENTS.md", "agents"),
        ("CLAUDE.md", "top"),
        ("a/CLAUDE.md", "a"),
        ("a/b/CLAUDE.md", "b"),
    ]


def test_a_folder_that_is_not_trusted_has_no_say(tmp_path: Path) -> None:
    put(tmp_path / "CLAUDE.md", "top\n")
    own = put(tmp_path / "own" / "CLAUDE.md", "mine\n")
    assert told(rules_for(None, tmp_path / "x.py", own)) == [(str(own), "mine")]


def test_two_names_for_one_file_are_sent_once_and_a_link_out_of_the_folder_never(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(root / "AGENTS.md", "rules\n")
    (root / "CLAUDE.md").symlink_to("AGENTS.md")
    put(tmp_path / "secret", "secret\n")
    (root / "a").mkdir()
    (root / "a" / "CLAUDE.md").symlink_to(tmp_path / "secret")
    assert told(rules_for(root, root / "a" / "x.py", None)) == [("AGENTS.md", "rules")]


def test_what_nobody_means_to_send_is_cut_or_left_out(tmp_path: Path) -> None:
    put(tmp_path / "AGENTS.md", "x" * (rules.MAX_CHARACTERS - 1))
    put(tmp_path / "CLAUDE.md", "yy")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "CLAUDE.md").write_bytes(b"\xff\xfe not UTF-8")
    (tmp_path / "a" / "AGENTS.md").mkdir()
    found = rules_for(tmp_path, tmp_path / "a" / "x.py", None)
    assert [len(item.text) for item in found] == [rules.MAX_CHARACTERS - 1, 1]
