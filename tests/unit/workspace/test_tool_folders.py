"""Which installed packages a copy is given, and that none of them leads to where it should not."""

from __future__ import annotations

from pathlib import Path

from claude_ls.workspace.tool_folders import tool_links

COPY = Path("/copy")


def make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")


def test_environments_are_linked_whole_and_packages_one_by_one(tmp_path: Path) -> None:
    make(tmp_path, ".venv/bin/python", "node_modules/a/x.js", "node_modules/@scope/b/x.js", "node_modules/.bin/tsc")
    make(
        tmp_path,
        "node_modules/.cache/x",
        "node_modules/.pnpm/c@1/node_modules/c/x.js",
        "node_modules/.package-lock.json",
    )
    (tmp_path / "node_modules/c").symlink_to(".pnpm/c@1/node_modules/c")
    assert tool_links(tmp_path, COPY, ["package.json"]) == {
        path: str(tmp_path / path)
        for path in (
            ".venv",
            "node_modules/a",
            "node_modules/@scope/b",
            "node_modules/.bin",
            "node_modules/.pnpm",
            "node_modules/.package-lock.json",
            "node_modules/c",
        )
    }


def test_a_package_of_the_project_itself_is_the_copys(tmp_path: Path) -> None:
    make(tmp_path, "packages/own/index.js", "node_modules/x/y")
    (tmp_path / "node_modules/own").symlink_to("../packages/own")
    (tmp_path / "node_modules/@us").mkdir()
    (tmp_path / "node_modules/@us/own").symlink_to("../../packages/own")
    links = tool_links(tmp_path, COPY, ["package.json", "packages/own/package.json"])
    assert links["node_modules/own"] == links["node_modules/@us/own"] == "/copy/packages/own"


def test_they_are_looked_for_beside_manifests_only(tmp_path: Path) -> None:
    make(tmp_path, "web/node_modules/a/x.js", "docs/node_modules/a/x.js", "api/.venv/pyvenv.cfg")
    shown = ["web/package.json", "docs/read.md", "api/pyproject.toml"]
    assert set(tool_links(tmp_path, COPY, shown)) == {"web/node_modules/a", "api/.venv"}


def test_what_git_shows_is_not_linked_since_it_is_copied(tmp_path: Path) -> None:
    make(tmp_path, "vendor/a/x.go", ".yarn/cache/a.zip")
    assert set(tool_links(tmp_path, COPY, ["go.mod", "vendor/a/x.go"])) == {".yarn/cache"}
    assert set(tool_links(tmp_path, COPY, ["go.mod"])) == {".yarn/cache", "vendor"}


def test_nothing_leads_out_of_the_project(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    make(folder, "node_modules/a/x.js")
    make(tmp_path, "outside/x", "environment/pyvenv.cfg")
    (folder / "node_modules/linked").symlink_to(tmp_path / "outside")
    (folder / ".venv").symlink_to(tmp_path / "environment")
    make(folder, "venv")
    assert set(tool_links(folder, COPY, ["package.json"])) == {"node_modules/a"}
