"""What a file takes from others, read from its import statements: under which name, from where, what it is there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from claude_ls.syntax.languages import Language


@dataclass(frozen=True, slots=True)
class Import:
    """`local` is the name in this file, `module` is where it comes from, as it is written, and `name` what it is there.

    An empty `name` is the module itself; a `local` of ``*`` takes all that the module has.
    """

    local: str
    module: str
    name: str


def read_imports(language: Language, statement: str) -> list[Import]:
    """What one import statement of `language` brings in."""
    if len(statement) > _LONG:
        return []
    statement = statement.replace("\r\n", "\n")
    if language.words == "python":
        return _python(_without_comments(statement))
    if language.words == "script":
        return _script(_BESIDE.sub(r"\1", statement))
    if language.name == "Go":
        return _go(statement)
    if language.name == "Lua":
        return _lua(statement)
    if language.name == "Bash":
        return _by_path(_sourced(statement))
    return _by_path(_BESIDE.sub(r"\1", statement))


_LONG = 10_000
"""No one writes such a statement, and to take one apart could take long."""
_BESIDE = re.compile(r"""("[^"\n]*"|'[^'\n]*')|//[^\n]*|/\*(?:[^*]++|\*(?!/))*+\*/""")
"""Strings, to be kept, and comments."""


def _without_comments(statement: str) -> str:
    return re.sub(r"#[^\n]*", "", statement).replace("\\\n", " ")


_FROM = re.compile(r"from\b([\w.\s]*?)\bimport\b\s*\(?([^)]*)\)?\s*$")
_AS = re.compile(r"([\w.]+|\*)(?:\s+as\s+(\w+))?\s*$")


def _python(statement: str) -> list[Import]:
    found = _FROM.match(statement.strip())
    if found:
        module = "".join(found[1].split())
        parts = [_AS.match(part.strip()) for part in found[2].split(",") if part.strip()]
        return [Import(part[2] or part[1], module, "" if part[1] == "*" else part[1]) for part in parts if part]
    imports: list[Import] = []
    for piece in statement.strip().removeprefix("import").split(","):
        part = _AS.match(piece.strip())
        if part and part[2]:
            imports.append(Import(part[2], part[1], ""))
        elif part:
            # `import a.b` gives the name `a`, and makes `a.b` one.
            imports.append(Import(part[1], part[1], ""))
    return imports


_GO = re.compile(r"""([\w.]+)?\s*["`]([^"`]+)["`]""")


def _go(statement: str) -> list[Import]:
    found = _GO.match(statement)
    if found is None:
        return []
    module = found[2]
    if found[1] == ".":
        return [Import("*", module, "")]
    # The last part is the name but for a version: "a/b/v2" and "a/b.v2" are both `b`.
    last = re.sub(r"[./]v\d+$", "", module).rpartition("/")[2]
    return [Import(found[1] or last.partition(".")[0], module, "")]


_REQUIRE = re.compile(r"""require\s*\(?\s*(?:["']([^"'\n]+)["']|\[\[([^\]\n]+)\]\])\s*\)?(?:\s*\.\s*(\w+))?""")


def _lua(statement: str) -> list[Import]:
    names, _, values = statement.partition("=")
    locals_ = re.findall(r"\w+", names.strip().removeprefix("local"))
    return [
        Import(local, quoted or bracketed, name)
        for local, (quoted, bracketed, name) in zip(locals_, _REQUIRE.findall(values), strict=False)
    ]


_SOURCE = re.compile(r"""(?:from\s*|import\s*\(?\s*|require\s*\(\s*)["']([^"'\n]+)["']""")
_BRACES = re.compile(r"\{([^}]*)\}")
_NAMED = re.compile(r"(?:type\s+)?([\w$]+|\*)(?:\s+as\s+([\w$]+))?$")
_NAMESPACE = re.compile(r"\*\s*(?:as\s+([\w$]+))?|import\s+([\w$]+)\s*=")
_DEFAULT = re.compile(r"import\s+(?:type\s+)?([\w$]+)\s*(?:,|\bfrom\b)")


def _script(statement: str) -> list[Import]:
    source = _SOURCE.search(statement)
    if source is None:
        return []
    module = source[1]
    imports: list[Import] = []
    if braces := _BRACES.search(statement):
        for piece in braces[1].split(","):
            part = _NAMED.match(" ".join(piece.split()))
            if part:
                imports.append(Import(part[2] or part[1], module, part[1]))
    elif namespace := _NAMESPACE.search(statement):
        imports.append(Import(namespace[1] or namespace[2] or "*", module, ""))
    if default := _DEFAULT.match(statement):
        imports.append(Import(default[1], module, "default"))
    return imports


_PATH = re.compile(r"[\w./\\:$+-]+(?:\s+as\s+\w+)?|\*")
_KEYWORDS = frozenset(
    {
        *("import", "using", "use", "from", "require", "require_relative", "include", "include_once", "source"),
        *("static", "package", "pub", "crate", "global", "local", "function", "const", "mod", "extend", "namespace"),
        *("alias", "open", "typedef"),
    }
)
_GROUP = re.compile(r"(?<![\w:.\\])([\w:.\\]*(?:::|\\))\{([^{}]*)\}")
_KIND = re.compile(r"\s*(?:(?:function|const)\s+)?")
_ALIAS = re.compile(r"(?:global\s+)?using\s+(\w+)\s*=\s*([\w.:]+)")
_SIGNS = re.compile(r"#\s*include|\bpub\s*\([^)]*\)|[\"'<>();{}=]")
_EXPANSION = re.compile(r"\$\([^()]*\)|\$\{[^{}]*\}|\$\w+")
_ENDINGS = frozenset({"h", "hpp", "hh", "hxx", "inl", "cuh", "lua", "sh", "bash", "zsh", "rb", "php"})


def _sourced(statement: str) -> str:
    """The command that reads a file, without its further arguments and what only a run can tell of the path."""
    for _ in range(9):  # one in another: "$(cd "$(dirname "$0")" && pwd)/lib.sh"
        statement, count = _EXPANSION.subn("", statement)
        if not count:
            break
    return " ".join(statement.split()[:2])


def _by_path(statement: str) -> list[Import]:
    """Languages that name a file or a package by its path: the last part is the name that code uses."""
    alias = _ALIAS.match(statement)
    text = f"{alias[2]} as {alias[1]}" if alias else statement
    while len(text) < 2 * _LONG and (found := _GROUP.search(text)):
        text = (
            text[: found.start()]
            + ", ".join(found[1] + _KIND.sub("", part, count=1) for part in found[2].split(",") if part.strip())
            + text[found.end() :]
        )
    imports: list[Import] = []
    for piece in _PATH.findall(_SIGNS.sub(" ", text)):
        path, _, local = piece.partition(" as ")
        path = path.strip().strip(":.\\-")
        if not path or path.lower() in _KEYWORDS or path == "*":
            continue
        parts = [part for part in re.split(r"::|[./\\]", path) if part and part not in ("crate", "self", "super")]
        if not parts:
            continue
        # A file is known by its name without ending, and so is what it defines in many of these languages.
        name = parts[-2] if len(parts) > 1 and parts[-1] in _ENDINGS else parts[-1]
        imports.append(Import(local.strip() or name, path, name))
    return imports
