"""Languages whose grammars do not come with us, but are used where somebody has installed them: one row each.

They have no `tags`: an index of a folder leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from claude_ls.syntax.languages import Language, language_of

MORE_LANGUAGES: Final = (
    Language(
        name="Kotlin",
        ids=("kotlin",),
        suffixes=(".kt", ".kts"),
        package="tree_sitter_kotlin",
        comment="//",
        definitions={
            "class_declaration": "class",
            "object_declaration": "object",
            "function_declaration": "function",
            "secondary_constructor": "constructor",
        },
        blocks=frozenset({"source_file", "block"}),
        members=frozenset({"class_body", "enum_class_body"}),
        tags="",
        expressions=frozenset({"lambda_literal", "string_literal"}),
        documentation=("/**",),
    ),
    Language(
        name="Swift",
        ids=("swift",),
        suffixes=(".swift",),
        package="tree_sitter_swift",
        comment="//",
        definitions={
            "class_declaration": "class",
            "protocol_declaration": "protocol",
            "function_declaration": "function",
            "init_declaration": "constructor",
            "protocol_function_declaration": "function",
        },
        blocks=frozenset({"source_file", "statements"}),
        members=frozenset({"class_body", "enum_class_body", "protocol_body"}),
        tags="",
        expressions=frozenset({"array_literal", "dictionary_literal", "lambda_literal"}),
        documentation=("///", "/**"),
    ),
    Language(
        name="Scala",
        ids=("scala",),
        suffixes=(".scala", ".sc", ".sbt"),
        package="tree_sitter_scala",
        comment="//",
        definitions={
            "class_definition": "class",
            "object_definition": "object",
            "trait_definition": "trait",
            "enum_definition": "enum",
            "function_definition": "function",
            "function_declaration": "function",
        },
        blocks=frozenset({"compilation_unit", "block", "indented_block"}),
        members=frozenset({"template_body", "enum_body"}),
        tags="",
        documentation=("/**",),
    ),
    Language(
        name="Groovy",
        ids=("groovy",),
        suffixes=(".groovy", ".gradle"),
        package="tree_sitter_groovy",
        comment="//",
        definitions={
            "class_declaration": "class",
            "method_declaration": "method",
            "function_definition": "function",
        },
        blocks=frozenset({"program", "block", "closure"}),
        members=frozenset({"class_body"}),
        tags="",
        documentation=("/**",),
    ),
    Language(
        name="Dart",
        ids=("dart",),
        suffixes=(".dart",),
        package="tree_sitter_dart",
        comment="//",
        # A function is two nodes side by side there, its signature and its body: it cannot be found as one.
        definitions={"class_definition": "class", "enum_declaration": "enum", "extension_declaration": "extension"},
        blocks=frozenset({"program", "block"}),
        members=frozenset({"class_body", "enum_body", "extension_body"}),
        tags="",
        documentation=("///",),
    ),
    Language(
        name="Objective-C",
        ids=("objective-c",),
        suffixes=(".m",),
        package="tree_sitter_objc",
        comment="//",
        definitions={
            "class_interface": "class",
            "class_implementation": "class",
            "protocol_declaration": "protocol",
            "method_definition": "method",
            "function_definition": "function",
        },
        blocks=frozenset({"translation_unit", "compound_statement"}),
        names=frozenset({"identifier"}),
        tags="",
    ),
    Language(
        name="Zig",
        ids=("zig",),
        suffixes=(".zig",),
        package="tree_sitter_zig",
        comment="//",
        definitions={
            "function_declaration": "function",
            "test_declaration": "test",
            "variable_declaration": "struct",
        },
        needs={
            "variable_declaration": frozenset(
                {"struct_declaration", "enum_declaration", "union_declaration", "opaque_declaration"}
            )
        },
        blocks=frozenset({"source_file", "block"}),
        tags="",
        documentation=("///",),
    ),
    Language(
        name="Haskell",
        ids=("haskell",),
        suffixes=(".hs",),
        package="tree_sitter_haskell",
        comment="--",
        definitions={"function": "function", "bind": "value", "data_type": "type", "newtype": "type", "class": "class"},
        blocks=frozenset({"haskell", "declarations"}),
        members=frozenset({"class_declarations"}),
        tags="",
        by_layout=True,
        documentation=("-- |", "{-|"),
    ),
    Language(
        name="OCaml",
        ids=("ocaml",),
        suffixes=(".ml",),
        package="tree_sitter_ocaml",
        function="language_ocaml",
        comment="(*",
        definitions={"value_definition": "function", "module_definition": "module", "type_definition": "type"},
        blocks=frozenset({"compilation_unit", "structure"}),
        names=frozenset({"value_name", "module_name", "type_constructor"}),
        tags="",
        documentation=("(**",),
    ),
    Language(
        name="Julia",
        ids=("julia",),
        suffixes=(".jl",),
        package="tree_sitter_julia",
        comment="#",
        definitions={
            "function_definition": "function",
            "macro_definition": "macro",
            "struct_definition": "struct",
            "module_definition": "module",
        },
        blocks=frozenset({"source_file", "function_definition", "module_definition"}),
        names=frozenset({"identifier"}),
        tags="",
    ),
    Language(
        name="Elixir",
        ids=("elixir",),
        suffixes=(".ex", ".exs"),
        package="tree_sitter_elixir",
        comment="#",
        # Everything is a call there, `def` too.
        definitions={},
        blocks=frozenset({"source", "do_block"}),
        tags="",
    ),
    Language(
        name="PowerShell",
        ids=("powershell",),
        suffixes=(".ps1", ".psm1"),
        package="tree_sitter_powershell",
        comment="#",
        definitions={
            "function_statement": "function",
            "class_statement": "class",
            "class_method_definition": "method",
        },
        blocks=frozenset({"program", "statement_list"}),
        tags="",
    ),
    Language(
        name="SQL",
        ids=("sql",),
        suffixes=(".sql",),
        package="tree_sitter_sql",
        comment="--",
        definitions={"create_table": "table", "create_view": "view", "create_function": "function"},
        blocks=frozenset({"program"}),
        names=frozenset({"object_reference"}),
        tags="",
    ),
    Language(
        name="HCL",
        ids=("hcl", "terraform"),
        suffixes=(".hcl", ".tf", ".tfvars"),
        package="tree_sitter_hcl",
        comment="#",
        definitions={"block": "block"},
        blocks=frozenset({"body"}),
        tags="",
        is_code=False,
    ),
    Language(
        name="Nix",
        ids=("nix",),
        suffixes=(".nix",),
        package="tree_sitter_nix",
        comment="#",
        definitions={"binding": "binding"},
        blocks=frozenset({"binding_set"}),
        tags="",
    ),
    Language(
        name="Make",
        ids=("makefile", "make"),
        suffixes=(".mk",),
        package="tree_sitter_make",
        comment="#",
        definitions={"rule": "rule"},
        blocks=frozenset({"makefile"}),
        tags="",
        is_code=False,
    ),
)


def candidates(language_id: str, uri: str) -> Iterator[Language]:
    """What the language of a document may be, the likeliest first: an editor's own name for it before an ending."""
    yield from (row for row in MORE_LANGUAGES if language_id.lower() in row.ids)
    known = language_of(language_id, uri)
    if known:
        yield known
    suffix = PurePosixPath(unquote(urlsplit(uri).path)).suffix.lower()
    yield from (row for row in MORE_LANGUAGES if suffix in row.suffixes)
