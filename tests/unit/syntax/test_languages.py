"""The table of languages agrees with itself and with the grammars."""

import pytest

from claude_ls.syntax.languages import LANGUAGES, Language, language_of
from claude_ls.syntax.tree import missing_grammars, parse
from claude_ls.text.document import Document


@pytest.mark.parametrize(
    ("language_id", "uri", "name"),
    [
        ("python", "file:///a.txt", "Python"),
        ("Python", "file:///a.txt", "Python"),
        ("typescriptreact", "file:///a.ts", "TSX"),
        ("shellscript", "file:///x", "Bash"),
        ("", "file:///a.pyi", "Python"),
        ("unheard-of", "file:///C%3A/some%20dir/A.CPP", "C++"),
        ("unheard-of", "untitled:Untitled-1", None),
        ("plaintext", "file:///notes.txt", None),
    ],
)
def test_the_editors_name_decides_and_then_the_ending(language_id: str, uri: str, name: str | None) -> None:
    language = language_of(language_id, uri)
    assert (language and language.name) == name


def test_no_id_and_no_ending_belongs_to_two_languages() -> None:
    for keys in ([key for row in LANGUAGES for key in row.ids], [key for row in LANGUAGES for key in row.suffixes]):
        assert len(keys) == len(set(keys))


def test_every_grammar_is_installed() -> None:
    assert missing_grammars() == []


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_every_node_type_of_a_row_is_one_of_its_grammar(language: Language) -> None:
    """A typing mistake in the table would otherwise only show as an action that is never offered."""
    tree = parse(Document.opened("file:///x", language.ids[0], 1, ""))
    assert tree is not None
    grammar = tree.tree.language
    known = {grammar.node_kind_for_id(number) for number in range(grammar.node_kind_count)}
    named = (
        set(language.definitions)
        | language.blocks
        | language.members
        | language.expressions
        | language.wrappers
        | language.prefixes
        | set(language.needs)
        | frozenset().union(*language.needs.values())
    )
    assert named - known == set()
