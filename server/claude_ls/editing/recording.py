"""Writes down everything that happens to a live edit, so that a run that went wrong can be run again.

A recording is text, a line of JSON for each event: when it happened, what it was, and what was commanded. The first
line holds the document as it was. Later states of it are told as the one edit that leads there, so that a recording
stays small. `replay` feeds the events to a fresh `LiveEdit`, which has no clock and no chance in it: what it commands
must be what was commanded then.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from claude_ls.editing.events import (
    Command,
    DocumentChanged,
    DocumentClosed,
    DocumentReopened,
    EditAnswered,
    Event,
    HunkClaimed,
    HunkGrew,
    HunksDropped,
    HunksWritten,
    PauseOver,
    TimerFired,
)
from claude_ls.editing.hunk import Label
from claude_ls.editing.live import LiveEdit
from claude_ls.text.diff import difference
from claude_ls.text.document import Document
from claude_ls.text.patch import Span, TextEdit

FORMAT = 1
_EVENTS: Mapping[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        HunkClaimed,
        HunkGrew,
        HunksWritten,
        HunksDropped,
        DocumentChanged,
        EditAnswered,
        TimerFired,
        PauseOver,
        DocumentClosed,
        DocumentReopened,
    )
}


class BadRecording(ValueError):
    """The text is no recording of this format; the message names the line."""


class Replayed(NamedTuple):
    """One event of a recording: what was commanded then and what is commanded now, both as JSON values."""

    line: int
    event: Event
    then: list[Any]
    now: list[Any]


class Recorder:
    """Hands a line to `write` for the start, and one for every step."""

    def __init__(self, document: Document, write: Callable[[str], object]) -> None:
        self._document = document
        self._write = write
        self._line(
            {
                "format": FORMAT,
                "uri": document.uri,
                "language": document.language_id,
                "version": document.version,
                "text": document.text,
            }
        )

    def stepped(self, event: Event, at: float, commands: Sequence[Command]) -> None:
        told = _event(event, self._document)
        if isinstance(event, DocumentChanged | DocumentReopened):
            self._document = event.document
        self._line({"at": at, "event": told, "commands": [_command(command) for command in commands]})

    def _line(self, value: Mapping[str, Any]) -> None:
        # Half of a surrogate pair can stand in an editor's text; escaped, it is not in the way.
        self._write(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")


def replay(lines: Iterable[str]) -> Iterator[Replayed]:
    """Play a recording; `BadRecording` where it is none."""
    live: LiveEdit | None = None
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
            if live is None:
                if value["format"] != FORMAT:
                    raise BadRecording(f"line {number}: this is format {value['format']}, not {FORMAT}")
                document = Document.opened(value["uri"], value["language"], value["version"], value["text"])
                live = LiveEdit(document)
                continue
            event, document = _read_event(value["event"], document)
            at, then = float(value["at"]), list(value["commands"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, BadRecording):
                raise
            raise BadRecording(f"line {number}: {type(error).__name__}: {error}") from error
        yield Replayed(number, event, then, [_command(command) for command in live.step(event, at)])


def _event(event: Event, before: Document) -> dict[str, Any]:
    if isinstance(event, DocumentChanged | DocumentReopened):
        after = event.document
        edit = difference(before.text, after.text)
        fields: dict[str, Any] = {"version": after.version, "edit": list(edit) if edit else None}
    else:
        fields = {field.name: _value(getattr(event, field.name)) for field in dataclasses.fields(event)}
    return {"kind": type(event).__name__, **fields}


def _read_event(value: dict[str, Any], document: Document) -> tuple[Event, Document]:
    fields = dict(value)
    kind = _EVENTS[fields.pop("kind")]
    if kind is DocumentChanged or kind is DocumentReopened:
        edits = [TextEdit(*fields["edit"])] if fields["edit"] else []
        document = document.edited(fields["version"], edits)
        return kind(document), document
    if kind is HunkClaimed:
        return HunkClaimed(fields["hunk"], Label(*fields["label"]), Span(*fields["span"])), document
    if kind is HunksWritten:
        return HunksWritten(tuple((name, text) for name, text in fields["texts"])), document
    if kind is HunksDropped:
        return HunksDropped(tuple(fields["hunks"])), document
    return kind(**fields), document


def _command(command: Command) -> dict[str, Any]:
    fields = {field.name: _value(getattr(command, field.name)) for field in dataclasses.fields(command)}
    return {"kind": type(command).__name__, **fields}


def _value(value: Any) -> Any:
    """`value` in JSON's terms. A document is known already, and told by its version."""
    if isinstance(value, Document):
        return value.version
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return {field.name: _value(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_value(item) for item in value]
    return value
