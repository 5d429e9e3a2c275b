"""The refactorings: one row each, with the code it makes sense on and the words of its menu entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from claude_ls.actions.action import Action, Entry, Offer, Situation, Task, prompt
from claude_ls.agent.tools import CANNOT_DO, EDIT_FILE, REWRITE_REGION, WRITE_FILE, Tool
from claude_ls.syntax import outline
from claude_ls.text.patch import Span

LONG_FUNCTION, LONG_TYPE = 20, 40
"""Lines from which on a definition is long enough to be split: shorter ones fit on a screen."""
FUNCTIONS = frozenset({"function", "method", "constructor"})
TYPES = frozenset({"class", "struct", "record", "enum", "union", "interface", "trait", "implementation", "module"})
_NAMED_BY_THE_LANGUAGE = frozenset({"main", "constructor", "initialize", "init"})
_INSTEAD_OF_SYMBOL = "<symbol>"
_INSTEAD_OF_SUBJECT = "<symbol or selection>"


def _refactoring(
    name: str,
    kind: str,
    title: str,
    applies: Callable[[Situation], bool],
    *,
    when: str,
    summary: str,
    tools: tuple[Tool, ...] = (REWRITE_REGION, EDIT_FILE, CANNOT_DO),
    callers: Literal["", "itself", "members"] = "",
) -> Action:
    """A row. `title` names what it is about: `<symbol>` is the definition around the place, which is then what the
    action works on; `<symbol or selection>` may be less."""
    whole = _INSTEAD_OF_SUBJECT not in title

    def titled(situation: Situation) -> str:
        named = title.replace(_INSTEAD_OF_SUBJECT, situation.subject)
        return named.replace(_INSTEAD_OF_SYMBOL, _definition_name(situation)) if _INSTEAD_OF_SYMBOL in named else named

    def offers(situation: Situation) -> Iterable[Offer]:
        if applies(situation):
            words = f"Claude: {titled(situation)}"
            yield Offer(words, kind, "claude.refactor", situation.span, {"refactoring": name})

    def ask(task: Task) -> str:
        words = [f"<instruction>\n{task.words}\n</instruction>"] if task.words else []
        return "\n\n".join([prompt(name), *([prompt("callers")] if callers else []), *words])

    return Action(
        name=name,
        offers=offers,
        region=_definition_lines if whole else _subject_lines,
        title=lambda task: titled(task.situation),
        ask=ask,
        tools=tools,
        callers=callers,
        entries=(Entry(f"Claude: {title}", kind, when),),
        summary=summary,
        command="claude.refactor",
        arguments={"refactoring": name},
        words="instruction",
    )


def _subject_lines(task: Task) -> Span:
    return task.situation.region


def _definition_name(situation: Situation) -> str:
    return Situation(situation.document, situation.tree, Span(situation.span.start, situation.span.start)).subject


def _definition_lines(task: Task) -> Span:
    """The definition around it all: what is extracted must find its place beside it, types and words belong to it."""
    situation = task.situation
    definition = situation.definition
    return situation.document.whole_lines(definition.whole if definition else situation.span)


def _is_definition(situation: Situation) -> bool:
    return situation.is_code and situation.definition is not None


def _can_extract(situation: Situation) -> bool:
    return situation.is_code and situation.selection is not None


def _is_subject(situation: Situation) -> bool:
    return situation.is_code and (situation.definition is not None or situation.selected)


def _can_modernize(situation: Situation) -> bool:
    """Where there is no grammar it may be no programming language, or any."""
    return situation.tree is not None and _is_subject(situation)


def _can_type(situation: Situation) -> bool:
    """Not what is a type itself: it has all of its types, or nobody could read it."""
    definition, tree = situation.definition, situation.tree
    if definition is None or tree is None or not situation.is_code:
        return False
    return tree.language.can_type and definition.noun not in ("interface", "type", "enum", "namespace")


def _can_inline(situation: Situation) -> bool:
    """What stands for its body, and can be replaced by it: no class, nothing that the language or a runner calls."""
    definition = situation.definition
    if situation.is_test and definition is not None and definition.name.lower().startswith("test"):
        return False
    return (
        situation.is_code
        and situation.on_definition
        and definition is not None
        and definition.noun in ("function", "method", "macro")
        and _has_own_name(definition)
        and _has_body(situation)
    )


def _can_rename(situation: Situation) -> bool:
    definition = situation.definition
    if definition is None or not situation.is_code or not situation.on_definition:
        return False
    return definition.noun not in ("constructor", "implementation") and _has_own_name(definition)


def _can_fail(situation: Situation) -> bool:
    """Only code that runs can go wrong: a function with a body, or statements in one. What fails in a test should."""
    definition = situation.definition
    if definition is None or not situation.is_code or situation.is_test:
        return False
    runs = definition.noun in FUNCTIONS and _has_body(situation)
    return runs or (situation.selection is not None and situation.selection.kind == "statements")


def _can_split(situation: Situation) -> bool:
    definition = situation.definition
    if definition is None or not situation.is_code or not situation.on_definition:
        return False
    document = situation.document
    lines = document.line_of(definition.span.end) - document.line_of(definition.span.start) + 1
    if definition.noun in FUNCTIONS:
        return lines >= LONG_FUNCTION
    return definition.noun in TYPES and lines >= LONG_TYPE


def _can_move(situation: Situation) -> bool:
    definition, tree = situation.definition, situation.tree
    if definition is None or tree is None or not situation.is_code or not situation.on_definition:
        return False
    return definition.name not in ("", "main") and outline.top_level(tree, situation.span)


def _has_own_name(definition: outline.Definition) -> bool:
    """Whether somebody chose the name: those of constructors and the like are the language's."""
    name = definition.name.rpartition(".")[2].rpartition("::")[2]
    dunder = name.startswith("__") and name.endswith("__")
    return bool(name) and not dunder and name.lower() not in _NAMED_BY_THE_LANGUAGE


def _has_body(situation: Situation) -> bool:
    return situation.tree is not None and outline.has_body(situation.tree, situation.span)


REFACTORINGS = (
    _refactoring(
        "extract",
        "refactor.extract.claude",
        "extract function",
        _can_extract,
        when="whole statements or one expression are selected",
        summary="makes a function of what is selected",
    ),
    _refactoring(
        "inline",
        "refactor.inline.claude",
        "inline <symbol>",
        _can_inline,
        when="in a function, method or macro with a body",
        summary="puts the body where the function is called, in all files, and takes the function away",
        callers="itself",
    ),
    _refactoring(
        "simplify",
        "refactor.rewrite.claude.simplify",
        "simplify <symbol or selection>",
        _is_subject,
        when="in a definition, or on a selection",
        summary="the same behaviour with less to read",
    ),
    _refactoring(
        "types",
        "refactor.rewrite.claude.types",
        "add types to <symbol>",
        _can_type,
        when="in a definition, where the language has types to add",
        summary="annotates parameters, results and what cannot be told",
    ),
    _refactoring(
        "document",
        "refactor.rewrite.claude.document",
        "document <symbol>",
        _is_definition,
        when="in a definition",
        summary="writes its documentation in the language's own form",
    ),
    _refactoring(
        "modernize",
        "refactor.rewrite.claude.modernize",
        "modernize <symbol or selection>",
        _can_modernize,
        when="in a definition, or on a selection, in a language that we know",
        summary="uses what the language has learned since it was written",
    ),
    _refactoring(
        "errors",
        "refactor.rewrite.claude.errors",
        "handle errors in <symbol or selection>",
        _can_fail,
        when="in a function that has a body, or on statements; not in tests",
        summary="looks after what can go wrong, in the way of the project",
        callers="itself",
    ),
    _refactoring(
        "split",
        "refactor.rewrite.claude.split",
        "split <symbol>",
        _can_split,
        when=f"in a function of {LONG_FUNCTION} lines or more, a class of {LONG_TYPE} or more",
        summary="makes several of one that does too much",
        callers="members",
    ),
    _refactoring(
        "rename",
        "refactor.rewrite.claude.rename",
        "rename <symbol> for clarity",
        _can_rename,
        when="in a definition whose name somebody chose",
        summary="finds a better name, and changes all that use it, in all files",
        callers="itself",
    ),
    _refactoring(
        "move",
        "refactor.move.claude",
        "move <symbol> to another file",
        _can_move,
        when="in a definition at the top level",
        summary="puts it into the file where it belongs, and mends all imports",
        tools=(REWRITE_REGION, EDIT_FILE, WRITE_FILE, CANNOT_DO),
        callers="itself",
    ),
)
