"""Which checks are suggested for which projects, and for what reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.workspace.check_suggestions import READ, Suggestion, suggest


def suggested(files: dict[str, str], missing: tuple[str, ...] = ()) -> list[Suggestion]:
    return suggest(list(files), files.get, lambda name: None if name in missing else f"/bin/{name}")


def commands(files: dict[str, str], missing: tuple[str, ...] = ()) -> list[str]:
    return [" ".join(one.argv) for one in suggested(files, missing)]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, []),
        ({"read.md": ""}, []),
        ({"ruff.toml": ""}, ["ruff check"]),
        (
            {"pyproject.toml": "[tool.ruff.lint]\n[tool.mypy]\n[tool.pytest.ini_options]"},
            ["ruff check", "mypy .", "pytest -q"],
        ),
        ({"pyproject.toml": "[tool.mypy]\nfiles = ['src']"}, ["mypy"]),
        (
            {"pyproject.toml": "[project]\ndependencies = ['Ruff>=1']\n[dependency-groups]\ndev = ['pytest ~= 8']"},
            ["ruff check", "pytest -q"],
        ),
        ({"pyproject.toml": "[project.optional-dependencies]\nx = ['pytest[a]; y', 'pytest-cov']"}, ["pytest -q"]),
        ({"pyproject.toml": "[dependency-groups]\ndev = ['pytest-cov', {include-group = 'x'}]"}, []),
        ({"mypy.ini": "", "pytest.ini": "", ".flake8": ""}, ["flake8", "mypy .", "pytest -q"]),
        ({"setup.cfg": "[mypy]\n[tool:pytest]\n[flake8]\n"}, ["flake8", "mypy .", "pytest -q"]),
        ({"tox.ini": "[tox]\n[pytest]\n"}, ["pytest -q"]),
        ({"conftest.py": "", "pyrightconfig.json": "{}"}, ["pyright", "pytest -q"]),
        ({"tsconfig.json": "{ // comment", "eslint.config.mjs": ""}, ["tsc --noEmit", "eslint ."]),
        ({".eslintrc.json": "{}"}, ["eslint ."]),
        ({"package.json": '{"eslintConfig": {}, "devDependencies": {"vitest": "1"}}'}, ["eslint .", "vitest run"]),
        ({"package.json": '{"dependencies": {"jest": "1"}}'}, ["jest"]),
        ({"jest.config.ts": "", "biome.json": ""}, ["biome check", "jest"]),
        (
            {"package.json": '{"scripts": {"test": "node --test", "lint": "x", "build": "y"}}'},
            ["npm run lint", "npm run test"],
        ),
        ({"package.json": '{"scripts": {"test": "x"}}', "pnpm-lock.yaml": ""}, ["pnpm run test"]),
        (
            {"package.json": '{"scripts": {"test": "x", "lint": "y"}}', "vitest.config.ts": ""},
            ["vitest run", "npm run lint"],
        ),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, []),
        ({"Cargo.toml": ""}, ["cargo check", "cargo test"]),
        ({"go.mod": ""}, ["go vet ./...", "go test ./..."]),
        ({".rspec": "", "mix.exs": "", "phpunit.xml.dist": ""}, ["bundle exec rspec", "mix test", "phpunit"]),
        ({"Makefile": ".PHONY: test\ntest: build\n\tx\ncheck::\nlint := 3\n"}, ["make check", "make test"]),
        ({"Makefile": "tests:\n\ttest: x\nchecks:\n"}, []),
        ({"Makefile": "test:\nlint:\n", "pytest.ini": ""}, ["pytest -q", "make lint"]),
    ],
)
def test_files_at_the_top_tell(files: dict[str, str], found: list[str]) -> None:
    assert commands(files) == found


def test_reasons_are_given() -> None:
    files = {
        "pyproject.toml": "[tool.ruff]\n[dependency-groups]\ndev = ['pytest']",
        "tox.ini": "[mypy]",
        "Cargo.toml": "",
    }
    assert [(one.name, one.reason) for one in suggested(files)] == [
        ("ruff", "[tool.ruff] in pyproject.toml"),
        ("mypy", "[mypy] in tox.ini"),
        ("pytest", "pytest in pyproject.toml"),
        ("cargo check", "Cargo.toml"),
        ("cargo test", "Cargo.toml"),
    ]


def test_what_is_not_installed_is_not_suggested_and_something_else_may_be() -> None:
    files = {"pytest.ini": "", "ruff.toml": "", "Makefile": "test:\n"}
    assert commands(files, missing=("pytest",)) == ["ruff check", "make test"]
    assert commands(files, missing=("pytest", "make", "ruff")) == []


@pytest.mark.parametrize(
    "text",
    [
        "[tool",
        "{",
        "[]",
        '"x"',
        "[tool]\nruff = 3",
        '{"scripts": [1]}',
        '{"scripts": {"test": 1}}',
        "[project]\nx",
        "\0",
    ],
)
def test_what_cannot_be_read_is_passed_over(text: str) -> None:
    files = {name: text for name in READ if name != "pyproject.toml"} | {"pyproject.toml": text, "go.mod": ""}
    assert {"go vet ./...", "go test ./..."} <= set(commands(files))
    assert suggest(["pyproject.toml", "package.json", "Makefile"], lambda name: None, lambda name: name) == []


KEYS = st.sampled_from(
    ["project", "dependencies", "optional-dependencies", "dependency-groups", "tool", "scripts", "test", "x"]
)
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
)


@given(st.dictionaries(KEYS, VALUES))
def test_tables_of_any_shape_are_no_trouble(table: dict[str, object]) -> None:
    suggested({"package.json": json.dumps(table)})
