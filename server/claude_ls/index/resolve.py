"""Which definitions the names in a piece of code mean: by scope, imports, inheritance and types before by name alone.

No type checker, and quick instead: names are followed as a reader follows them who knows where everything stands. What
cannot be followed is looked for by name, and is worth less the more definitions have that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from posixpath import dirname, join, normpath

from claude_ls.index.store import Place, Store
from claude_ls.syntax.languages import Language, language_of
from claude_ls.syntax.tags import FileTags, Tag

STEPS = 6
"""How many base classes are followed from one to the next."""
NAMESAKES = 24
"""More definitions of one name than these tell nothing."""
LONG = 30_000
"""Characters of a definition that are looked at for the types of its variables: a longer one is a whole module."""
_SELF = frozenset({"self", "this", "cls", "Self", "@"})
_TYPES = frozenset({"class", "struct", "interface", "trait", "implementation", "record", "enum", "type", "union"})
_OUTER = frozenset({"file", "namespace", "module"})
_SCRIPT_ENDINGS = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mts", ".cts", ".mjs", ".cjs")
_TYPED = re.compile(r"(?<![\w.])((?:self\.|this\.)?[A-Za-z_$][\w$]*)\s*\??:\s*['\"]?((?:[\w.$]+\[)*[\w.$]+)")
_MADE = re.compile(
    r"(?<![\w.])((?:self\.|this\.)?[A-Za-z_$][\w$]*)\s*(?::[^=\n]{1,80})?=\s*(?:await\s+|new\s+)?([A-Za-z_$][\w.$]*)\s*\("
)
_COPIED = re.compile(
    r"(?<![\w.])((?:self\.|this\.)?[A-Za-z_$][\w$]*)\s*(?::[^=\n]{1,80})?=\s*([A-Za-z_$][\w.$]*)\s*$", re.M
)
_CONTEXT = re.compile(r"\bwith\s+([A-Za-z_][\w.]*)\s*\([^\n]{0,300}\)\s+as\s+(\w+)")
_INSTANCE = re.compile(r"\bisinstance\(\s*([A-Za-z_][\w.]*)\s*,\s*\(?\s*([A-Za-z_][\w.]*)")
_BOUND = re.compile(
    r"(?:^|[;{(])[^\S\n]*(?:for|async for|const|let|var|with .{1,80} as)\s+[\[{(]?\s*([A-Za-z_$][\w$]*)|"
    r"^[^\S\n]*([A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*)\s*(?::[^=\n]{1,80})?=(?!=)",
    re.M,
)
_PARAMETER = re.compile(r"[(,]\s*(?:\*{0,2}|\.\.\.)([A-Za-z_$][\w$]*)\s*(?=[:,)=?]|$)", re.M)
_INNER = re.compile(r"\(([^()]*)\)(?:\s*:[^=\n]{1,80})?\s*=>|\b([A-Za-z_$][\w$]*)\s*=>|\blambda\s+([^:\n]{0,200}):")
"""Functions inside of the code."""
_RETURNS = re.compile(r"(?:->\s*|\)\s*:\s*)['\"]?((?:[\w.$]+\[)*[\w.$]+)")
_WRAPPERS = frozenset(
    {
        *("Optional", "Union", "List", "Sequence", "Iterable", "Iterator", "Type", "type", "list", "set", "tuple"),
        *("dict", "Set", "Tuple", "Awaitable", "Promise", "Array", "Readonly", "Partial", "Generator", "Callable"),
        *("ClassVar", "Final", "Annotated", "t", "typing", "None", "readonly"),
    }
)
"""Names in a type that say nothing of the class that it is about."""


@dataclass(frozen=True, slots=True)
class Found:
    """A definition that a name may mean, and how sure that is: from 0 to 1."""

    place: Place
    sure: float


@dataclass
class Names:
    """The names of a folder, as they are now: to be made anew once anything in the store changes."""

    store: Store
    _named: dict[str, list[Place]] = field(default_factory=dict)
    _tops: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    _files: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _exported: dict[tuple[str, str], list[Place]] = field(default_factory=dict)
    _imported: dict[tuple[str, str], list[Place]] = field(default_factory=dict)
    _within: dict[str, dict[int, dict[str, list[int]]]] = field(default_factory=dict)

    def named(self, name: str) -> list[Place]:
        known = self._named.get(name)
        if known is None:
            known = self._named[name] = self.store.named(name, NAMESAKES + 1)
        return known

    def tops(self, path: str) -> Mapping[str, list[int]]:
        """By name, what a file defines for others."""
        known = self._tops.get(path)
        if known is None:
            known = self._tops[path] = {}
            tags = self.store.file(path).tags
            for number, tag in enumerate(tags):
                if number and tags[tag.parent].noun in _OUTER:
                    known.setdefault(tag.name, []).append(number)
        return known

    @cached_property
    def by_stem(self) -> Mapping[str, list[str]]:
        """By the last part of their names, without endings, all files."""
        found: dict[str, list[str]] = {}
        for path in sorted(self.store.paths()):
            found.setdefault(path.rpartition("/")[2].partition(".")[0], []).append(path)
        return found

    @cached_property
    def paths(self) -> frozenset[str]:
        return frozenset(self.store.paths())

    # Modules

    def files_of(self, path: str, module: str) -> list[str]:
        """The files that `module` means, imported in the file `path`."""
        known = self._files.get((path, module))
        if known is None:
            known = self._files[path, module] = self._module(path, module)
        return known

    def _module(self, path: str, module: str) -> list[str]:
        language = _language(path)
        if language is None:
            return []
        if language.words == "python":
            return self._python_module(path, module)
        if language.words == "script":
            return self._script_module(path, module)
        parts = [part for part in re.split(r"::|[./\\]", module) if part not in ("", "crate", "self", "super")]
        for length in range(len(parts), 0, -1):
            found = self._by_parts(path, parts[:length], language)
            if found:
                return found
        return []

    def _python_module(self, path: str, module: str) -> list[str]:
        dots = len(module) - len(module.lstrip("."))
        parts = [part for part in module[dots:].split(".") if part]
        if dots:
            folder = path
            for _ in range(dots):
                folder = dirname(folder)
            return self._first(folder, parts)
        folder = dirname(path)
        while True:  # the nearest root in which it is found: an absolute import does not say which one is meant
            found = self._first(folder, parts)
            if found or not folder:
                return found or self._first("src", parts)
            folder = dirname(folder)

    def _first(self, folder: str, parts: list[str]) -> list[str]:
        base = join(folder, *parts) if parts else folder
        for name in (f"{base}.py", f"{base}/__init__.py" if base else "__init__.py", f"{base}.pyi"):
            if name in self.paths:
                return [name]
        return []

    def _script_module(self, path: str, module: str) -> list[str]:
        if not module.startswith("."):
            parts = [part for part in module.split("/") if part and part[0] not in "@~"]
            candidates = self.by_stem.get(parts[-1].partition(".")[0], []) if parts else []
            return [name for name in candidates if name.rpartition(".")[0].endswith("/".join(parts))][:1]
        base = normpath(join(dirname(path), module))
        stem = re.sub(r"\.[mc]?jsx?$", "", base)
        for name in (base, *(stem + ending for ending in _SCRIPT_ENDINGS)):
            if name in self.paths:
                return [name]
        return [name for ending in _SCRIPT_ENDINGS if (name := f"{base}/index{ending}") in self.paths][:1]

    def _by_parts(self, path: str, parts: list[str], language: Language) -> list[str]:
        """Files whose path ends in `parts`, or that are in such a folder; the nearest first."""
        family = language.family or language.words
        stem = self.by_stem.get(parts[-1], [])
        tail = "/".join(parts)
        named = [name for name in stem if f"/{name.rpartition('.')[0]}".endswith(f"/{tail}")]
        if not named and language.name in ("Go", "Java", "C#"):
            named = [name for name in sorted(self.paths) if f"/{dirname(name)}".endswith(f"/{tail}")][:50]
        own = [name for name in named if _family(name) == family]
        return sorted(own, key=lambda name: -_shared(name, path))

    def exported(self, path: str, name: str) -> list[Place]:
        """What `name` is, taken from the file `path`: defined there, or handed on."""
        known = self._exported.get((path, name))
        if known is None:
            known = self._exported[path, name] = self._handed_on(path, name, set())
        return known

    def _handed_on(self, path: str, name: str, asked: set[tuple[str, str]]) -> list[Place]:
        """Each file is `asked` once for a name: files can hand on everything of each other."""
        numbers = self.tops(path).get(name)
        if numbers:
            return [Place(path, number) for number in numbers]
        if (path, name) in asked:
            return []
        asked.add((path, name))
        for item in self.store.file(path).imports:
            if item.local == name or item.local == "*":
                for target in self.files_of(path, item.module):
                    wanted = item.name if item.local == name else name
                    if found := self._handed_on(target, wanted, asked) if wanted else [Place(target, 0)]:
                        return found
                if item.local == name and (found := self._submodule(path, item.module, item.name)):
                    return found
        return []

    def _submodule(self, path: str, module: str, name: str) -> list[Place]:
        """`name` as a module inside of the package `module`."""
        inner = module + name if module.endswith(".") else f"{module}.{name}"
        return [Place(target, 0) for target in self.files_of(path, inner)] if name else []

    # Names

    def meaning(self, place: Place, name: str) -> list[Place]:
        """What a plain name means in the definition at `place`, by scope and imports."""
        file = self.store.file(place.path)
        number: int = place.number
        while number > 0:
            if file.tags[number].noun not in _TYPES and (inner := self.within(place.path, number).get(name)):
                return [Place(place.path, index) for index in inner]
            number = file.tags[number].parent
        own = self.tops(place.path).get(name)
        if own:
            return [Place(place.path, index) for index in own]
        return self.imported(place.path, file, name)

    def within(self, path: str, number: int) -> Mapping[str, list[int]]:
        """By name, what is defined in a definition."""
        known = self._within.get(path)
        if known is None:
            known = self._within[path] = {}
            for index, tag in enumerate(self.store.file(path).tags):
                known.setdefault(tag.parent, {}).setdefault(tag.name, []).append(index)
        return known.get(number, {})

    def imported(self, path: str, file: FileTags, name: str) -> list[Place]:
        """What `name` is by the imports of a file, or else by what is near it."""
        known = self._imported.get((path, name))
        if known is None:
            known = self._imported[path, name] = self._by_imports(path, file, name)
        return known

    def _by_imports(self, path: str, file: FileTags, name: str) -> list[Place]:
        for item in file.imports:
            if item.local == name:
                targets = self.files_of(path, item.module)
                if not item.name and targets:
                    return [Place(target, 0) for target in targets]
                for target in targets:
                    if found := self.exported(target, item.name):
                        return found
                if item.name and (found := self._submodule(path, item.module, item.name)):
                    return found
                if targets and item.name == "default":
                    return [Place(targets[0], 0)]
        for item in file.imports:
            if item.local == "*":
                for target in self.files_of(path, item.module):
                    if found := self.exported(target, name):
                        return found
            elif item.local.startswith(f"{name}."):  # `import a.b` gives the name `a`
                return [Place(target, 0) for target in self.files_of(path, name)]
        language = _language(path)
        if language and language.words in ("c", "hash") and language.name != "Rust":
            # No import says where it is from: what is near, and what the imported files define.
            near = [place for place in self.named(name) if _family(place.path) == (language.family or language.words)]
            near = [
                place for place in near if self.store.file(place.path).tags[self.store.tag(place).parent].noun in _OUTER
            ]
            return sorted(near, key=lambda place: -_shared(place.path, path))[:2]
        return []

    def member(self, holder: Place, name: str, steps: int = STEPS) -> list[Place]:
        """`name` asked of a class, its bases, or a module."""
        tags = self.store.file(holder.path).tags
        tag = tags[holder.number]
        if tag.noun in _OUTER:
            if holder.number:
                return self._inside(holder, name)
            return self.exported(holder.path, name) or self._submodule(holder.path, ".", name)
        if found := self._inside(holder, name):
            return found
        if steps:
            for base in tag.bases.split():
                for place in self.chain(Place(holder.path, tag.parent), base)[-1:]:
                    if place != holder and (found := self.member(place, name, steps - 1)):
                        return found
        return []

    def _inside(self, holder: Place, name: str) -> list[Place]:
        tags = self.store.file(holder.path).tags
        numbers = {holder.number}
        if tags[holder.number].noun in ("struct", "enum", "implementation", "trait"):
            # Rust, and C++ as many write it: what belongs to a type may stand in blocks of its own.
            own = tags[holder.number].name
            numbers.update(index for index in self.tops(holder.path).get(own, ()) if tags[index].noun in _TYPES)
        found = {index for number in numbers for index in self.within(holder.path, number).get(name, ())}
        return [Place(holder.path, index) for index in sorted(found)]

    def chain(self, place: Place, names: str) -> list[Place]:
        """Every definition that is met on the way along ``a.b.c``."""
        head, *rest = [part for part in names.split(".") if part] or [""]
        current = self.meaning(place, head)
        met = list(current)
        for part in rest:
            current = [found for holder in current[:8] for found in self.member(self.typed(holder), part)]
            met += current
            if not current:
                break
        return met

    def typed(self, place: Place) -> Place:
        """The class of what is defined at `place`, where its own words tell; else the place itself."""
        tag = self.store.tag(place)
        if tag.noun in _TYPES or tag.noun in _OUTER:
            return place
        if tag.noun == "variable":
            for name in self.store.uses(place).split()[:12]:
                if name != tag.name and name.rpartition(".")[2][:1].isupper():
                    for found in self.chain(Place(place.path, tag.parent), name)[-1:]:
                        if self.store.tag(found).noun in _TYPES:
                            return found
        return place


@dataclass
class Reader:
    """Reads one piece of code: `code` is the text of the definition at `place`, `around` that of the class around it,
    `signature` gives the first lines of any definition."""

    names: Names
    place: Place
    code: str
    around: str
    signatures: Mapping[Place, str] | None = None

    def found(self, uses: Iterable[str]) -> list[Found]:
        """What the names in `uses` (with their dots) mean, the surest first."""
        best: dict[Place, float] = {}
        for names in uses:
            for item in self._one(names):
                if item.place.number and item.sure > best.get(item.place, 0.0):
                    best[item.place] = item.sure
        return [Found(place, sure) for place, sure in sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))]

    def types(self) -> Iterator[str]:
        """The names in the annotations of the code, which may stand in quotes."""
        for _, words in _TYPED.findall(self.code[:LONG]):
            yield from _type_names(words)

    def _one(self, names: str) -> Iterator[Found]:
        parts = [part for part in names.split(".") if part]
        if not parts or not (parts[0][0].isalpha() or parts[0][0] in "_$") or len(parts) > 12:
            return
        if names.startswith("."):
            yield from self._by_name(parts, held=True)
            return
        head = parts[0]
        current: list[Place] = []
        if head in _SELF:
            current, parts = self._own_class(), parts[1:]
            if parts and (found := self._typed_as(f"{head}.{parts[0]}")) and not self._members(current, parts[0]):
                current, parts = found, parts[1:]
                yield from (Found(place, 0.9) for place in found)
        elif head in self._locals:
            current, parts = self._typed_as(head), parts[1:]
            yield from (Found(place, 0.9) for place in current)
        else:
            current, parts = self.names.meaning(self.place, head), parts[1:]
            yield from (Found(place, 1.0) for place in current)
            if not current and not parts and head != self.names.store.tag(self.place).name:
                yield from self._by_name([head], held=False)
        while parts:
            members = self._members(current, parts[0])
            if not members:
                yield from self._by_name(parts, held=True)
                return
            yield from (Found(place, 0.95) for place in members)
            current, parts = [self._result(place) for place in members], parts[1:]

    def _members(self, holders: Iterable[Place], name: str) -> list[Place]:
        return [place for holder in holders for place in self.names.member(self.names.typed(holder), name)]

    def _result(self, place: Place) -> Place:
        """What one gets that calls the function at `place`, where its signature says."""
        if self.signatures is None or self.names.store.tag(place).noun in _TYPES:
            return place
        match = _RETURNS.search(self.signatures.get(place, ""))
        tag = self.names.store.tag(place)
        for name in _type_names(match[1]) if match else ():
            if name in _SELF:
                return Place(place.path, tag.parent)
            for found in self.names.chain(Place(place.path, tag.parent), name)[-1:]:
                return found
        return place

    def _by_name(self, parts: list[str], *, held: bool) -> Iterator[Found]:
        """Whatever has this name: the less of them, the surer; and rather what the code has to do with anyhow."""
        own = _family(self.place.path)
        for name in parts:
            if len(name) < 2 or name.startswith("__"):
                continue
            places = [place for place in self.names.named(name) if _family(place.path) == own]
            if len(places) > NAMESAKES:
                places = [place for place in places if place.path == self.place.path or place.path in self._near]
            tags = [(place, self.names.store.tag(place)) for place in places]
            if held:
                tags = [(place, tag) for place, tag in tags if self._holder(place, tag).noun in _TYPES] or tags
            else:
                tags = [(place, tag) for place, tag in tags if self._holder(place, tag).noun in _OUTER]
            for place, _ in tags:
                near = 0.3 if place.path == self.place.path else 0.2 if place.path in self._near else 0.0
                yield Found(place, min(0.8, 0.4 / max(1, len(tags)) + near))

    def _holder(self, place: Place, tag: Tag) -> Tag:
        return self.names.store.file(place.path).tags[tag.parent]

    @cached_property
    def _near(self) -> frozenset[str]:
        """The files that this one imports."""
        imports = self.names.store.file(self.place.path).imports
        return frozenset(
            target for item in imports for target in self.names.files_of(self.place.path, item.module)
        ) | frozenset(
            place.path for item in imports for place in self.names.meaning(Place(self.place.path, 0), item.local)
        )

    def _own_class(self) -> list[Place]:
        tags = self.names.store.file(self.place.path).tags
        number = self.place.number
        while number > 0:
            if tags[number].noun in _TYPES:
                return [Place(self.place.path, number)]
            number = tags[number].parent
        return []

    @cached_property
    def _locals(self) -> frozenset[str]:
        """Names that the code itself gives a meaning."""
        found: set[str] = set()
        for match in _BOUND.finditer(self.code[:LONG]):
            found.update(part.strip() for part in (match[1] or match[2]).split(","))
        name = self.names.store.tag(self.place).name
        parameters = [_in_brackets(self.code, self.code.find(name) if name else -1)]
        parameters += [match[1] or match[2] or match[3] for match in _INNER.finditer(self.code[:LONG])]
        for text in parameters:
            found.update(match[1] for match in _PARAMETER.finditer(f"({text})"))
        return frozenset(found) - {"else", "return", "default"}

    @cached_property
    def _types(self) -> Mapping[str, list[str]]:
        """By variable (or ``self.name``), the names that may be its class."""
        types: dict[str, list[str]] = {}
        for text in (self.code[:LONG], self.around[:LONG]):
            for name, words in _TYPED.findall(text):
                types.setdefault(name, []).extend(_type_names(words))
            for name, maker in _MADE.findall(text):
                types.setdefault(name, []).append(maker)
            for name, other in _COPIED.findall(text):
                types.setdefault(name, []).append(other)
            for maker, name in _CONTEXT.findall(text):
                types.setdefault(name, []).append(maker)
            for name, words in _INSTANCE.findall(text):
                types.setdefault(name, []).append(words)
        return types

    def _typed_as(self, name: str, steps: int = 3) -> list[Place]:
        """The classes that a variable may be of."""
        found: list[Place] = []
        for words in self._types.get(name, ())[:6]:
            if words == name or not steps:
                continue
            head, _, rest = words.partition(".")
            if head in self._locals or head in _SELF:
                holders = self._own_class() if head in _SELF else self._typed_as(head, steps - 1)
                places = (
                    holders
                    if not rest
                    else [self._result(place) for part in rest.split(".")[:1] for place in self._members(holders, part)]
                )
                if not places and head in _SELF and rest:
                    places = self._typed_as(words, steps - 1) if words in self._types else []
            else:
                places = [self._result(place) for place in self.names.chain(self.place, words)[-1:]]
            found += [place for place in places if place.number and place not in found]
        return found


def _in_brackets(code: str, start: int) -> str:
    """What stands in the first round brackets from `start` on, as far as they go."""
    begin = code.find("(", start) if start >= 0 else -1
    if begin < 0:
        return ""
    depth = 0
    for at in range(begin, min(len(code), begin + 4_000)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
            if not depth:
                return code[begin + 1 : at]
    return ""


def _type_names(words: str) -> list[str]:
    """The names in a type that are not merely wrapped around another."""
    names = re.findall(r"[\w.$]+", words)
    return [name for name in names if name.rpartition(".")[2] not in _WRAPPERS]


@cache
def _of_ending(ending: str) -> Language | None:
    return language_of("", f"x.{ending}")


def _language(path: str) -> Language | None:
    return _of_ending(path.rpartition(".")[2])


def _family(path: str) -> str:
    language = _language(path)
    return (language.family or language.words) if language else ""


def _shared(one: str, other: str) -> int:
    """How many folders two paths share from the top."""
    count = 0
    for left, right in zip(one.split("/"), other.split("/"), strict=False):
        if left != right:
            break
        count += 1
    return count
