"""What a check finds around it: its tools, the copy's own code, and no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from claude_ls.workspace.check_environment import environment, program_finder


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    folder, copy = tmp_path / "project", tmp_path / "copy"
    folder.mkdir()
    copy.mkdir()
    return folder, copy


def program(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


def test_only_what_is_known_to_be_needed_is_passed_on(folders: tuple[Path, Path], tmp_path: Path) -> None:
    folder, copy = folders
    environ = {"PATH": "/bin", "HOME": "/home/me", "LC_ALL": "de_DE.UTF-8", "CARGO_HOME": "/cargo"}
    secrets = {
        "ANTHROPIC_API_KEY": "k",
        "GITHUB_TOKEN": "t",
        "SSH_AUTH_SOCK": "s",
        "PYTHONPATH": "/p",
        "LD_PRELOAD": "x",
    }
    made = environment(copy, folder, tmp_path, environ | secrets)
    assert made == environ | {
        "LANG": "C.UTF-8",
        "CI": "1",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CEILING_DIRECTORIES": str(tmp_path),
        "TMPDIR": str(tmp_path),
    }


def test_the_projects_own_tools_come_first_and_no_place_is_relative(folders: tuple[Path, Path], tmp_path: Path) -> None:
    folder, copy = folders
    for name in (".venv/bin", "node_modules/.bin"):
        (copy / name).mkdir(parents=True)
    environ = {"PATH": f".::bin:{folder}/tools:/usr/bin:/bin:/usr/bin"}
    found = environment(copy, folder, tmp_path, environ)["PATH"].split(":")
    assert found == [f"{copy}/.venv/bin", f"{copy}/node_modules/.bin", f"{copy}/tools", "/usr/bin", "/bin"]


def test_programs_are_found_where_the_check_will_find_them(folders: tuple[Path, Path], tmp_path: Path) -> None:
    folder, _ = folders
    for path in (folder / ".venv/bin/pytest", tmp_path / "bin/pytest", tmp_path / "bin/cargo"):
        program(path)
    find = program_finder(folder, {"PATH": str(tmp_path / "bin")})
    assert find("pytest") == str(folder / ".venv/bin/pytest")
    assert find("cargo") == str(tmp_path / "bin/cargo")
    assert find("go") is None


@pytest.mark.parametrize("way", ["path file", "finder"])
def test_a_project_that_is_installed_to_be_edited_is_imported_from_the_copy(tmp_path: Path, way: str) -> None:
    """A real environment, in which the project is installed as the two ways of today's tools leave it."""
    folder, copy = tmp_path / "project", tmp_path / "copy"
    for root in (folder, copy):
        (root / "src/demo").mkdir(parents=True)
        (root / "src/demo/__init__.py").write_text(f"where = {root.name!r}\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / ".venv")], check=True, timeout=60)
    (packages,) = (folder / ".venv").glob("lib/python*/site-packages")
    if way == "path file":
        (packages / "_demo.pth").write_text(f"{folder}/src\n/elsewhere\nimport sys\n")
    else:
        (packages / "__editable__.demo-1.pth").write_text("import __editable___demo_finder")
        (packages / "__editable___demo_finder.py").write_text(
            f"MAPPING: dict[str, str] = {{'demo': '{folder}/src/demo'}}\nimport sys\nsys.path.append('{folder}/src')\n"
        )
    (copy / ".venv").symlink_to(folder / ".venv")
    command = ["python", "-c", "import demo; print(demo.where)"]
    made = environment(copy, folder, tmp_path, {"PATH": os.environ["PATH"]})
    python = str(copy / ".venv/bin/python")
    assert subprocess.run([python, *command[1:]], capture_output=True, text=True, check=True).stdout == "project\n"
    ran = subprocess.run([python, *command[1:]], env=made, cwd=copy, capture_output=True, text=True, check=True)
    assert ran.stdout == "copy\n"
    assert made["VIRTUAL_ENV"] == str(copy / ".venv")
    assert made["PYTHONPATH"] == str(copy / "src")


def test_an_environment_elsewhere_that_is_active_counts_too(folders: tuple[Path, Path], tmp_path: Path) -> None:
    folder, copy = folders
    packages = tmp_path / "env/lib/python3.12/site-packages"
    packages.mkdir(parents=True)
    (packages / "x.pth").write_text(f"{folder}\n{tmp_path}/other\n")
    (packages / "__editable___odd_finder.py").write_text("MAPPING = {'a': open}\n")
    made = environment(copy, folder, tmp_path, {"VIRTUAL_ENV": str(tmp_path / "env")})
    assert made["PYTHONPATH"] == str(copy)
    assert made["VIRTUAL_ENV"] == str(tmp_path / "env")
