"""The languages we know the syntax of: a table, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

Words = Literal["", "python", "script", "c", "hash", "lua"]
"""How a language writes comments and strings: `""` where its words name nothing."""


@dataclass(frozen=True)
class Language:
    """What must be known of a language's grammar.

    `ids` are the language ids editors use, `suffixes` decide where an editor uses another one. `package` and `function`
    name the grammar. `definitions` gives the noun for each node type that defines something by a name; `blocks` are the
    node types whose named children are statements, `members` those whose children are parts of a definition instead.
    `expressions` are the types that can be extracted although their name does not end in `_expression` or `_operator`.

    `wrappers` are what belongs to a definition around it (decorators, `export`), `prefixes` what belongs to it but
    stands beside it in the tree. `needs` names the children without one of which a node defines nothing: `const f`
    is a function only with a function behind it. `by_layout` says that indentation or the next heading ends a block, so
    that the tree cannot tell whose a comment at the end of one is. Documentation is a string in the body (`docstrings`)
    or a comment above that opens with one of `documentation`. Where the grammar has no field for the name of a
    definition, it is the first node in it of one of the types `names`.

    `tags` is the query (`queries/<tags>.scm`) that finds what a file defines for others; it looks at nodes up to
    `depth` steps below the root. `words` says how code is told from comments and strings; languages that share it can
    name each other's definitions, unless `family` says otherwise.
    """

    name: str
    ids: tuple[str, ...]
    suffixes: tuple[str, ...]
    package: str
    comment: str
    definitions: Mapping[str, str]
    blocks: frozenset[str]
    tags: str
    words: Words = ""
    family: str = ""
    depth: int = 6
    function: str = "language"
    expressions: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    wrappers: frozenset[str] = frozenset()
    prefixes: frozenset[str] = frozenset()
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    by_layout: bool = False
    docstrings: bool = False
    documentation: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    can_type: bool = False
    is_code: bool = True


_SCRIPT = {
    "function_declaration": "function",
    "generator_function_declaration": "function",
    "class_declaration": "class",
    "method_definition": "method",
    "variable_declarator": "function",
    "assignment_expression": "function",
    "pair": "function",
}
_ECMA = {**_SCRIPT, "field_definition": "function"}
_FUNCTION_VALUES = frozenset({"arrow_function", "function_expression", "generator_function", "class"})
_SCRIPT_NEEDS = {kind: _FUNCTION_VALUES for kind in ("variable_declarator", "assignment_expression", "pair")}
_ECMA_NEEDS = {**_SCRIPT_NEEDS, "field_definition": _FUNCTION_VALUES}
_TYPED_ECMA_NEEDS = {**_SCRIPT_NEEDS, "public_field_definition": _FUNCTION_VALUES}
_TYPED_ECMA = {
    **_SCRIPT,
    "public_field_definition": "function",
    "abstract_class_declaration": "class",
    "interface_declaration": "interface",
    "type_alias_declaration": "type",
    "enum_declaration": "enum",
    "function_signature": "function",
    "internal_module": "namespace",
}
_ECMA_BLOCKS = frozenset({"program", "statement_block", "switch_case", "switch_default"})
_ECMA_MEMBERS = frozenset({"class_body", "object"})
_TYPED_ECMA_MEMBERS = _ECMA_MEMBERS | {"interface_body", "enum_body"}
_ECMA_WRAPPERS = frozenset({"export_statement", "lexical_declaration", "variable_declaration", "expression_statement"})
_C = {
    "function_definition": "function",
    "struct_specifier": "struct",
    "union_specifier": "union",
    "enum_specifier": "enum",
    "type_definition": "type",
    "preproc_function_def": "macro",
}
_C_NEEDS = {
    # `struct point p;` only uses it.
    "struct_specifier": frozenset({"field_declaration_list"}),
    "union_specifier": frozenset({"field_declaration_list"}),
    "enum_specifier": frozenset({"enumerator_list"}),
}
_C_BLOCKS = frozenset(
    {
        "translation_unit",
        "compound_statement",
        "case_statement",
        "preproc_if",
        "preproc_ifdef",
        "preproc_else",
        "preproc_elif",
    }
)
_C_MEMBERS = frozenset({"field_declaration_list", "enumerator_list"})

LANGUAGES: tuple[Language, ...] = (
    Language(
        name="Python",
        ids=("python",),
        suffixes=(".py", ".pyi"),
        package="tree_sitter_python",
        comment="#",
        definitions={"function_definition": "function", "class_definition": "class"},
        blocks=frozenset({"module", "block"}),
        tags="python",
        words="python",
        depth=5,
        expressions=frozenset(
            {
                "call",
                "comparison_operator",
                "lambda",
                "list",
                "dictionary",
                "set",
                "tuple",
                "subscript",
                "attribute",
                "list_comprehension",
                "dictionary_comprehension",
                "set_comprehension",
                "await",
                "string",
            }
        ),
        wrappers=frozenset({"decorated_definition"}),
        by_layout=True,
        docstrings=True,
        can_type=True,
    ),
    Language(
        name="JavaScript",
        ids=("javascript", "javascriptreact", "jsx"),
        suffixes=(".js", ".jsx", ".mjs", ".cjs"),
        package="tree_sitter_javascript",
        comment="//",
        definitions=_ECMA,
        blocks=_ECMA_BLOCKS,
        tags="javascript",
        words="script",
        expressions=frozenset(
            {"arrow_function", "array", "object", "template_string", "jsx_element", "jsx_self_closing_element"}
        ),
        members=_ECMA_MEMBERS,
        wrappers=_ECMA_WRAPPERS,
        prefixes=frozenset({"decorator"}),
        needs=_ECMA_NEEDS,
        documentation=("/**",),
    ),
    Language(
        name="TypeScript",
        ids=("typescript",),
        suffixes=(".ts", ".mts", ".cts"),
        package="tree_sitter_typescript",
        function="language_typescript",
        comment="//",
        definitions=_TYPED_ECMA,
        blocks=_ECMA_BLOCKS,
        tags="typescript",
        words="script",
        depth=7,
        expressions=frozenset({"arrow_function", "array", "object", "template_string"}),
        members=_TYPED_ECMA_MEMBERS,
        wrappers=_ECMA_WRAPPERS,
        prefixes=frozenset({"decorator"}),
        needs=_TYPED_ECMA_NEEDS,
        documentation=("/**",),
        can_type=True,
    ),
    Language(
        name="TSX",
        ids=("typescriptreact", "tsx"),
        suffixes=(".tsx",),
        package="tree_sitter_typescript",
        function="language_tsx",
        comment="//",
        definitions=_TYPED_ECMA,
        blocks=_ECMA_BLOCKS,
        tags="typescript",
        words="script",
        depth=7,
        expressions=frozenset(
            {"arrow_function", "array", "object", "template_string", "jsx_element", "jsx_self_closing_element"}
        ),
        members=_TYPED_ECMA_MEMBERS,
        wrappers=_ECMA_WRAPPERS,
        prefixes=frozenset({"decorator"}),
        needs=_TYPED_ECMA_NEEDS,
        documentation=("/**",),
        can_type=True,
    ),
    Language(
        name="Go",
        ids=("go",),
        suffixes=(".go",),
        package="tree_sitter_go",
        comment="//",
        definitions={
            "function_declaration": "function",
            "method_declaration": "method",
            "type_spec": "type",
            "type_alias": "type",
        },
        blocks=frozenset({"source_file", "block", "statement_list"}),
        tags="go",
        words="c",
        family="go",
        depth=5,
        members=frozenset({"field_declaration_list", "type_declaration", "const_declaration", "import_spec_list"}),
        expressions=frozenset({"composite_literal", "func_literal"}),
        wrappers=frozenset({"type_declaration"}),
    ),
    Language(
        name="Rust",
        ids=("rust",),
        suffixes=(".rs",),
        package="tree_sitter_rust",
        comment="//",
        definitions={
            "function_item": "function",
            "function_signature_item": "function",
            "struct_item": "struct",
            "enum_item": "enum",
            "union_item": "union",
            "trait_item": "trait",
            "impl_item": "implementation",
            "mod_item": "module",
            "macro_definition": "macro",
            "type_item": "type",
        },
        blocks=frozenset({"source_file", "block"}),
        tags="rust",
        words="c",
        family="rust",
        members=frozenset({"declaration_list", "match_block", "field_declaration_list", "enum_variant_list"}),
        expressions=frozenset({"macro_invocation"}),
        prefixes=frozenset({"attribute_item"}),
        documentation=("///", "/**"),
    ),
    Language(
        name="Java",
        ids=("java",),
        suffixes=(".java",),
        package="tree_sitter_java",
        comment="//",
        definitions={
            "class_declaration": "class",
            "interface_declaration": "interface",
            "enum_declaration": "enum",
            "record_declaration": "record",
            "annotation_type_declaration": "annotation",
            "method_declaration": "method",
            "constructor_declaration": "constructor",
            "compact_constructor_declaration": "constructor",
        },
        blocks=frozenset({"program", "block", "constructor_body", "switch_block_statement_group"}),
        tags="java",
        words="c",
        family="java",
        members=frozenset({"class_body", "interface_body", "enum_body", "enum_body_declarations"}),
        expressions=frozenset({"method_invocation", "array_access", "field_access"}),
        documentation=("/**", "///"),
    ),
    Language(
        name="C",
        ids=("c",),
        suffixes=(".c", ".h"),
        package="tree_sitter_c",
        comment="//",
        definitions=_C,
        blocks=_C_BLOCKS,
        tags="c",
        words="c",
        members=_C_MEMBERS,
        needs=_C_NEEDS,
    ),
    Language(
        name="C++",
        ids=("cpp", "c++", "objective-cpp", "cuda-cpp"),
        suffixes=(".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx", ".h++", ".cu"),
        package="tree_sitter_cpp",
        comment="//",
        definitions={
            **_C,
            "class_specifier": "class",
            "namespace_definition": "namespace",
            "concept_definition": "concept",
            "alias_declaration": "type",
        },
        blocks=_C_BLOCKS,
        tags="cpp",
        words="c",
        depth=9,
        members=_C_MEMBERS | {"declaration_list"},
        wrappers=frozenset({"template_declaration"}),
        needs={**_C_NEEDS, "class_specifier": frozenset({"field_declaration_list"})},
    ),
    Language(
        name="C#",
        ids=("csharp", "c#", "cs"),
        suffixes=(".cs",),
        package="tree_sitter_c_sharp",
        comment="//",
        definitions={
            "class_declaration": "class",
            "interface_declaration": "interface",
            "struct_declaration": "struct",
            "record_declaration": "record",
            "enum_declaration": "enum",
            "delegate_declaration": "delegate",
            "namespace_declaration": "namespace",
            "method_declaration": "method",
            "constructor_declaration": "constructor",
            "property_declaration": "property",
            "local_function_statement": "function",
        },
        blocks=frozenset({"compilation_unit", "block", "switch_section"}),
        tags="c_sharp",
        words="c",
        family="c#",
        depth=8,
        members=frozenset({"declaration_list", "enum_member_declaration_list"}),
        documentation=("///", "/**"),
    ),
    Language(
        name="Ruby",
        ids=("ruby",),
        suffixes=(".rb", ".rake", ".gemspec"),
        package="tree_sitter_ruby",
        comment="#",
        definitions={"method": "method", "singleton_method": "method", "class": "class", "module": "module"},
        blocks=frozenset({"program", "body_statement", "then", "else", "do", "block_body", "begin", "ensure"}),
        tags="ruby",
        words="hash",
        family="ruby",
        depth=9,
        expressions=frozenset({"call", "binary", "unary", "array", "hash", "string", "lambda", "element_reference"}),
    ),
    Language(
        name="PHP",
        ids=("php",),
        suffixes=(".php", ".phtml"),
        package="tree_sitter_php",
        function="language_php",
        comment="//",
        definitions={
            "function_definition": "function",
            "method_declaration": "method",
            "class_declaration": "class",
            "interface_declaration": "interface",
            "trait_declaration": "trait",
            "enum_declaration": "enum",
        },
        blocks=frozenset({"program", "compound_statement", "colon_block", "case_statement", "default_statement"}),
        tags="php",
        words="c",
        family="php",
        members=frozenset({"declaration_list", "enum_declaration_list"}),
        expressions=frozenset({"encapsed_string"}),
        documentation=("/**",),
        can_type=True,
    ),
    Language(
        name="Bash",
        ids=("shellscript", "sh", "bash", "zsh"),
        suffixes=(".sh", ".bash", ".zsh"),
        package="tree_sitter_bash",
        comment="#",
        definitions={"function_definition": "function"},
        blocks=frozenset(
            {
                "program",
                "compound_statement",
                "do_group",
                "if_statement",
                "elif_clause",
                "else_clause",
                "case_item",
                "subshell",
            }
        ),
        tags="bash",
        words="hash",
        family="bash",
        depth=4,
        expressions=frozenset({"command_substitution", "string"}),
    ),
    Language(
        name="Lua",
        ids=("lua",),
        suffixes=(".lua",),
        package="tree_sitter_lua",
        comment="--",
        definitions={"function_declaration": "function", "assignment_statement": "function"},
        blocks=frozenset({"chunk", "block"}),
        tags="lua",
        words="lua",
        depth=5,
        expressions=frozenset({"function_call", "table_constructor", "function_definition"}),
        wrappers=frozenset({"variable_declaration"}),
        needs={"assignment_statement": frozenset({"function_definition"})},
    ),
    Language(
        name="JSON",
        ids=("json", "jsonc", "json5"),
        suffixes=(".json", ".jsonc"),
        package="tree_sitter_json",
        comment="//",
        definitions={"pair": "entry"},
        blocks=frozenset({"document", "object", "array"}),
        tags="json",
        depth=4,
        is_code=False,
    ),
    Language(
        name="YAML",
        ids=("yaml", "dockercompose", "github-actions-workflow"),
        suffixes=(".yaml", ".yml"),
        package="tree_sitter_yaml",
        comment="#",
        definitions={"block_mapping_pair": "entry"},
        blocks=frozenset({"stream", "document", "block_node", "block_mapping", "block_sequence"}),
        tags="yaml",
        depth=5,
        by_layout=True,
        is_code=False,
    ),
    Language(
        name="TOML",
        ids=("toml",),
        suffixes=(".toml",),
        package="tree_sitter_toml",
        comment="#",
        definitions={"table": "table", "table_array_element": "table", "pair": "entry"},
        blocks=frozenset({"document", "table", "table_array_element"}),
        tags="toml",
        depth=3,
        by_layout=True,
        is_code=False,
    ),
    Language(
        name="HTML",
        ids=("html", "xhtml"),
        suffixes=(".html", ".htm", ".xhtml"),
        package="tree_sitter_html",
        comment="<!--",
        definitions={"element": "element", "script_element": "element", "style_element": "element"},
        blocks=frozenset({"document", "element"}),
        tags="html",
        depth=99,
        is_code=False,
    ),
    Language(
        name="CSS",
        ids=("css",),
        suffixes=(".css",),
        package="tree_sitter_css",
        comment="/*",
        definitions={"rule_set": "rule", "media_statement": "rule", "keyframes_statement": "rule"},
        blocks=frozenset({"stylesheet", "block"}),
        tags="css",
        depth=4,
        is_code=False,
    ),
    Language(
        name="Markdown",
        ids=("markdown", "md", "quarto", "rmd"),
        suffixes=(".md", ".markdown"),
        package="tree_sitter_markdown",
        comment="<!--",
        definitions={"section": "section"},
        blocks=frozenset({"document", "section"}),
        tags="markdown",
        depth=12,
        needs={"section": frozenset({"atx_heading", "setext_heading"})},
        by_layout=True,
        is_code=False,
    ),
)


@cache
def _by(key: str) -> Mapping[str, Language]:
    if key == "id":
        return {identity: language for language in LANGUAGES for identity in language.ids}
    return {suffix: language for language in LANGUAGES for suffix in language.suffixes}


def language_of(language_id: str, uri: str) -> Language | None:
    """The language of a document: what the editor calls it, else by the ending of its name."""
    by_id = _by("id").get(language_id.lower())
    return by_id or _by("suffix").get(PurePosixPath(unquote(urlsplit(uri).path)).suffix.lower())


def language_of_name(name: str) -> Language | None:
    """The language of a file by the ending of its name, which may be a path, but no address."""
    return _by("suffix").get(f".{name.rpartition('.')[2]}".lower())
