"""Where the tests of a file stand, by the conventions of its language and by what the folder has already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from posixpath import basename, dirname, join

from claude_ls.syntax.languages import Language, language_of

_SCRIPT = ("{stem}.test{suffix}", "{stem}.spec{suffix}")
_NAMES: Mapping[str, tuple[str, ...]] = {
    "Python": ("test_{stem}.py", "{stem}_test.py"),
    "JavaScript": _SCRIPT,
    "TypeScript": _SCRIPT,
    "TSX": _SCRIPT,
    "Go": ("{stem}_test.go",),
    "Java": ("{stem}Test.java", "{stem}Tests.java", "{stem}IT.java"),
    "C": ("test_{stem}.c", "{stem}_test.c"),
    "C++": ("{stem}_test{suffix}", "test_{stem}{suffix}", "{stem}Test{suffix}"),
    "C#": ("{stem}Tests.cs", "{stem}Test.cs"),
    "Ruby": ("{stem}_spec.rb", "{stem}_test.rb", "test_{stem}.rb"),
    "PHP": ("{stem}Test.php",),
    "Bash": ("test_{stem}.sh", "{stem}_test.sh"),
    "Lua": ("{stem}_spec.lua", "{stem}_test.lua", "test_{stem}.lua"),
}
"""What test files are called, the most usual name first. Rust has its tests in the file itself."""
_FOLDERS: Mapping[str, str] = {
    **{"Python": "tests", "PHP": "tests", "C": "tests", "C++": "tests", "Bash": "tests", "C#": "tests"},
    **{"Ruby": "spec", "Lua": "spec"},
}
"""Where they are where there are none yet; in a language that is not here, beside what they test."""
_TEST_FOLDERS = frozenset({"tests", "test", "spec", "specs", "__tests__", "testing", "unit"})
_PLAIN_FOLDERS = _TEST_FOLDERS | {"src", "lib", "main", "server", "app", "source", "integration"}
"""Folders whose names say nothing of what is in them."""


@dataclass(frozen=True)
class Proposal:
    """The file for the tests of another one: whether it `exists`, and where it does not, one to take the style from."""

    path: str
    exists: bool
    example: str = ""


def is_test_file(path: str) -> bool:
    """Whether a file holds tests, by its name; by its folder only where names do not tell."""
    language = language_of("", path)
    if language is None:
        return False
    if language.name == "Rust":
        return basename(dirname(path)) == "tests" or basename(path) in ("tests.rs", "test.rs")
    if basename(dirname(path)) == "__tests__" or "/src/test/" in f"/{path}" or basename(path) == "conftest.py":
        return True
    return any(re.fullmatch(pattern, basename(path)) for pattern in _patterns(language))


def tests_of(path: str, paths: Iterable[str]) -> Proposal | None:
    """Where the tests of the file `path` are, or should be, among the `paths` of the folder (all relative to it, with
    slashes); None for a language that has no tests."""
    language = language_of("", path)
    if language is None or not language.is_code:
        return None
    if language.name == "Rust":
        return Proposal(path, exists=True)
    tests = [other for other in paths if is_test_file(other) and _family(other) == _family(path)]
    folders = dirname(path).split("/")
    mine = [
        other
        for other in tests
        if basename(other) in _names(path) and set(dirname(other).split("/")) - _PLAIN_FOLDERS - {""} <= set(folders)
    ]
    if mine:
        return Proposal(min(mine, key=lambda other: (-_alike(other, path), len(other), other)), exists=True)
    example = min(tests, key=lambda other: (-_alike(other, path), len(other), other), default="")
    return Proposal(_new(path, language, example, tests), exists=False, example=example)


def _new(path: str, language: Language, example: str, tests: Iterable[str]) -> str:
    """A new file, called and placed as `example` is."""
    folder, names = dirname(path), _names(path)
    kinds = _NAMES[language.name]
    fits = [bool(re.fullmatch(_pattern(kind), basename(example))) for kind in kinds]
    name = names[fits.index(True)] if True in fits else names[0]
    if not example:
        if language.name == "Java" and "src/main/" in path:
            return join(folder.replace("src/main/", "src/test/", 1), name)
        default = _FOLDERS.get(language.name)
        return join(default, name) if default else join(folder, name)
    parts = dirname(example).split("/")
    if parts[-1] == "__tests__":
        return join(folder, "__tests__", name)
    if "src/test/" in example and "src/main/" in path:
        return join(folder.replace("src/main/", "src/test/", 1), name)
    roots = [index for index, part in enumerate(parts) if part in _TEST_FOLDERS]
    if not roots:
        return join(folder, name)
    root = "/".join(parts[: roots[-1] + 1])
    known = {dirname(other) for other in tests}
    inner = folder.split("/")
    for start in range(len(inner)):
        mirrored = join(root, *inner[start:])
        if mirrored in known:
            return join(mirrored, name)
    return join(root, name)


def _names(path: str) -> list[str]:
    """What the test file of `path` could be called."""
    stem, suffix = _split(path)
    language = language_of("", path)
    kinds = _NAMES[language.name] if language else ()
    names = [kind.format(stem=stem, suffix=suffix) for kind in kinds]
    if kinds is _SCRIPT:
        names += [kind.format(stem=stem, suffix=other) for kind in kinds for other in (".ts", ".tsx", ".js", ".jsx")]
    return names


def _patterns(language: Language) -> list[str]:
    return [_pattern(kind) for kind in _NAMES.get(language.name, ())]


def _pattern(kind: str) -> str:
    return re.escape(kind).replace(r"\{stem\}", ".+").replace(r"\{suffix\}", r"\.\w+")


def _split(path: str) -> tuple[str, str]:
    stem, dot, suffix = basename(path).rpartition(".")
    return stem, dot + suffix


def _family(path: str) -> str:
    language = language_of("", path)
    return (language.family or language.words) if language else ""


def _alike(other: str, path: str) -> int:
    """How many folders two paths have in common, wherever in them."""
    return len(set(dirname(other).split("/")) & set(dirname(path).split("/")) - {""})
