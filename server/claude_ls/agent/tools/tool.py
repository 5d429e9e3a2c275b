"""What a tool is: how Claude is told of it, what it takes, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_KINDS: Mapping[str, tuple[type, str]] = {
    "string": (str, "a text"),
    "integer": (int, "a whole number"),
    "boolean": (bool, "true or false"),
    "array": (list, "a list"),
    "object": (dict, "an object"),
}


@dataclass(frozen=True)
class Tool:
    """`schema` is JSON Schema for the input. `streams` asks for the input to be sent as it is written.

    `reads` says that it changes nothing, so that several of its uses can run at the same time.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    streams: bool = False
    reads: bool = False


@dataclass(frozen=True)
class ToolOutcome:
    """What a tool did, in words for Claude. With `ends` there is nothing left to say back."""

    text: str
    failed: bool = False
    ends: bool = False


def tool_schema(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def problem_with(schema: Mapping[str, Any], value: Any, where: str = "the input") -> str | None:
    """What is wrong with `value`, as far as our schemas say anything; None where nothing is."""
    kind, words = _KINDS[schema["type"]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return f"{where} must be {words}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} must be one of {', '.join(schema['enum'])}"
    if isinstance(value, list) and "items" in schema:
        problems = (problem_with(schema["items"], item, f"{where}[{number}]") for number, item in enumerate(value))
        return next(filter(None, problems), None)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        if unknown := [key for key in value if key not in known]:
            return f"{where} does not take {unknown[0]!r}; it takes {', '.join(known)}"
        if missing := [key for key in schema.get("required", ()) if key not in value]:
            return f"{where} needs {missing[0]!r}"
        problems = (problem_with(known[key], item, repr(key)) for key, item in value.items())
        return next(filter(None, problems), None)
    return None
