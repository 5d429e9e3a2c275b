"""Which checks a project seems to have, from the files at its top: suggested to the person, and never run unasked."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["style", "types", "tests"]


@dataclass(frozen=True)
class Suggestion:
    """A check by the name of its tool; `argv` is what to set in `verify.commands`, `reason` why it is suggested."""

    name: str
    argv: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class _Found:
    kind: Kind
    name: str
    argv: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class _Project:
    """The top of a project: the names of its files, and what those say that we can read."""

    names: Collection[str]
    pyproject: Mapping[str, Any]
    package: Mapping[str, Any]
    sections: Mapping[str, str]
    """Of files like setup.cfg: from a section to the file that has it."""
    makefile: str

    def first(self, *names: str) -> str | None:
        return next((name for name in names if name in self.names), None)

    def tool(self, name: str) -> str | None:
        return "[tool." + name + "] in pyproject.toml" if name in _table(self.pyproject, "tool") else None

    def section(self, *names: str) -> str | None:
        return next((f"[{name}] in {self.sections[name]}" for name in names if name in self.sections), None)

    def requires(self, package: str) -> str | None:
        """Where a package is named as needed for development or otherwise."""
        tables = ("dependencies", "devDependencies")
        if any(package in _table(self.package, table) for table in tables):
            return f"{package} in package.json"
        project = _table(self.pyproject, "project")
        lists = [
            *_table(project, "optional-dependencies").values(),
            *_table(self.pyproject, "dependency-groups").values(),
        ]
        words = [word for found in (project.get("dependencies"), *lists) if isinstance(found, list) for word in found]
        names = {re.split(r"[^\w.\-]", word.strip(), maxsplit=1)[0].lower() for word in words if isinstance(word, str)}
        return f"{package} in pyproject.toml" if package in names else None


READ = ("pyproject.toml", "package.json", "setup.cfg", "tox.ini", "Makefile", "makefile", "GNUmakefile")
"""The files whose contents count; of all others only the name."""


def suggest(
    names: Collection[str], read: Callable[[str], str | None], which: Callable[[str], str | None]
) -> list[Suggestion]:
    """Checks for a folder with files of these `names`. `read` gives a file's text, None where it cannot be read;
    `which` tells where a program is, None where it is not installed: then its check is not suggested."""
    project = _Project(
        names,
        _toml(_text(names, read, "pyproject.toml")),
        _json(_text(names, read, "package.json")),
        {
            section: name
            for name in ("tox.ini", "setup.cfg")
            for section in re.findall(r"^\[([^\]\n]+)\]", _text(names, read, name), re.MULTILINE)
        },
        next((_text(names, read, name) for name in ("GNUmakefile", "makefile", "Makefile") if name in names), ""),
    )
    found = [one for one in (*_python(project), *_javascript(project), *_others(project)) if which(one.argv[0])]
    covered = {one.kind for one in found}
    # A project's own words for it come second: they often do more than to check, and several things at once.
    for one in (*_scripts(project), *_targets(project)):
        if one.kind not in covered and which(one.argv[0]):
            found.append(one)
            covered.add(one.kind)
    return [Suggestion(one.name, one.argv, one.reason) for one in found]


def _python(project: _Project) -> Iterator[_Found]:
    ruff = project.first("ruff.toml", ".ruff.toml") or project.tool("ruff") or project.requires("ruff")
    if ruff:
        yield _Found("style", "ruff", ("ruff", "check"), ruff)
    flake8 = project.first(".flake8") or project.section("flake8")
    if flake8:
        yield _Found("style", "flake8", ("flake8",), flake8)
    mypy = project.first("mypy.ini", ".mypy.ini") or project.tool("mypy") or project.section("mypy")
    if mypy:
        settings = _table(_table(project.pyproject, "tool"), "mypy")
        # Without settings that say what to look at it has to be told.
        told = () if {"files", "packages", "modules"} & settings.keys() else (".",)
        yield _Found("types", "mypy", ("mypy", *told), mypy)
    pyright = project.first("pyrightconfig.json") or project.tool("pyright")
    if pyright:
        yield _Found("types", "pyright", ("pyright",), pyright)
    pytest = (
        project.first("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "conftest.py")
        or project.tool("pytest")
        or project.section("tool:pytest", "pytest")
        or project.requires("pytest")
    )
    if pytest:
        yield _Found("tests", "pytest", ("pytest", "-q"), pytest)


def _javascript(project: _Project) -> Iterator[_Found]:
    if "tsconfig.json" in project.names:
        yield _Found("types", "tsc", ("tsc", "--noEmit"), "tsconfig.json")
    eslint = _starting(project, "eslint.config.", ".eslintrc") or (
        "eslintConfig in package.json" if "eslintConfig" in project.package else None
    )
    if eslint:
        yield _Found("style", "eslint", ("eslint", "."), eslint)
    biome = project.first("biome.json", "biome.jsonc")
    if biome:
        yield _Found("style", "biome", ("biome", "check"), biome)
    vitest = _starting(project, "vitest.config.") or project.requires("vitest")
    if vitest:
        yield _Found("tests", "vitest", ("vitest", "run"), vitest)
    jest = _starting(project, "jest.config.") or project.requires("jest")
    if jest:
        yield _Found("tests", "jest", ("jest",), jest)


def _others(project: _Project) -> Iterator[_Found]:
    if "Cargo.toml" in project.names:
        yield _Found("types", "cargo check", ("cargo", "check"), "Cargo.toml")
        yield _Found("tests", "cargo test", ("cargo", "test"), "Cargo.toml")
    if "go.mod" in project.names:
        yield _Found("types", "go vet", ("go", "vet", "./..."), "go.mod")
        yield _Found("tests", "go test", ("go", "test", "./..."), "go.mod")
    if ".rspec" in project.names:
        yield _Found("tests", "rspec", ("bundle", "exec", "rspec"), ".rspec")
    if "mix.exs" in project.names:
        yield _Found("tests", "mix test", ("mix", "test"), "mix.exs")
    phpunit = project.first("phpunit.xml", "phpunit.xml.dist")
    if phpunit:
        yield _Found("tests", "phpunit", ("phpunit",), phpunit)


_SCRIPTS: Mapping[str, Kind] = {"lint": "style", "typecheck": "types", "type-check": "types", "test": "tests"}
_TARGETS: Mapping[str, Kind] = {"lint": "style", "check": "style", "test": "tests"}


def _scripts(project: _Project) -> Iterator[_Found]:
    locks = (("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bun"), ("bun.lockb", "bun"))
    manager = next((manager for lock, manager in locks if lock in project.names), "npm")
    scripts = _table(project.package, "scripts")
    for name, kind in _SCRIPTS.items():
        script = scripts.get(name)
        # What `npm init` writes is no test.
        if isinstance(script, str) and "no test specified" not in script:
            yield _Found(kind, name, (manager, "run", name), f"the script {name!r} in package.json")


def _targets(project: _Project) -> Iterator[_Found]:
    for name, kind in _TARGETS.items():
        if re.search(rf"^{name}[ \t]*::?(?!=)", project.makefile, re.MULTILINE):
            yield _Found(kind, f"make {name}", ("make", name), f"the target {name!r} in the Makefile")


def _starting(project: _Project, *beginnings: str) -> str | None:
    return next((name for name in sorted(project.names) if name.startswith(beginnings)), None)


def _text(names: Collection[str], read: Callable[[str], str | None], name: str) -> str:
    return (read(name) or "") if name in names else ""


def _table(value: Any, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _toml(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _json(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}
