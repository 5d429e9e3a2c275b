"""`claude-ls map` as a person runs it: a real process, its worker processes, its state folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run_map(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    folders = {"CLAUDE_LS_STATE_DIR": str(tmp_path / "state"), "CLAUDE_LS_CONFIG_DIR": str(tmp_path / "config")}
    command = [sys.executable, "-m", "claude_ls", "map", *words]
    environ = {**os.environ, **folders, "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environ, cwd=tmp_path, timeout=60)


def test_the_map_of_a_folder_and_what_it_costs(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "in").mkdir(parents=True)
    (project / "core.py").write_text("class ImportantThing:\n    def go_on(self):\n        pass\n")
    for number in range(20):
        (project / "in" / f"user_{number}.py").write_text(
            "from core import ImportantThing\n\nImportantThing().go_on()\n"
        )
    (project / ".gitignore").write_text("hidden.py\n")
    (project / "hidden.py").write_text("class HiddenThing: pass\n")
    for words in (("project",), ("project", "--tokens", "200")):
        done = run_map(tmp_path, *words)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("core.py\nclass ImportantThing:\n")
        assert "Hidden" not in done.stdout
        assert "tokens" in done.stderr and "$" in done.stderr
    assert [path.parent.name for path in (tmp_path / "state").rglob("*.db")] == ["index"]
    assert sorted(path.name for path in project.iterdir()) == [".gitignore", "core.py", "hidden.py", "in"]


def test_a_folder_without_code_or_none_at_all_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, said in ((("empty",), "no code"), (("missing",), "not a folder"), ((".", "--tokens", "0"), "above 0")):
        done = run_map(tmp_path, *words)
        assert done.returncode in (1, 2) and said in done.stderr and done.stdout == ""
