"""workspace/executeCommand: typed arguments in, an answer at once.

A command is a row: its keys, and what it calls. A key that is missing, unknown or of the wrong shape is refused by
name before anything is done.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, get_args

from claude_ls.actions import ACTIONS
from claude_ls.actions.refactor import REFACTORINGS
from claude_ls.agent.context import Diagnostic
from claude_ls.config import Mode
from claude_ls.lsp import convert
from claude_ls.lsp.client_profile import ClientProfile
from claude_ls.lsp.hunk_marks import json_hunk
from claude_ls.session.job import Job
from claude_ls.session.journal import Reverted
from claude_ls.session.reviewing import Selection
from claude_ls.session.session import Session
from claude_ls.session.spending import since_of
from claude_ls.text.document import Document
from claude_ls.text.patch import Span
from claude_ls.text.position import Encoding, Position


class InvalidArgument(ValueError):
    """An argument that a command does not take; the message names it."""


Check = Callable[[str, Any], Any]
Arguments = Mapping[str, Any]
Answer = Job | dict[str, Any] | Coroutine[Any, Any, dict[str, Any]] | Coroutine[Any, Any, Job]


@dataclass(frozen=True)
class Context:
    """What commands work on."""

    session: Session
    profile: ClientProfile

    @property
    def encoding(self) -> Encoding:
        return self.profile.encoding


@dataclass(frozen=True)
class Command:
    required: Mapping[str, Check]
    optional: Mapping[str, Check]
    run: Callable[[Context, Arguments], Answer]
    """A `Job` is answered as `{job: id}`; what is to be looked up or parsed first is answered a little later."""


def execute(context: Context, name: str, arguments: Sequence[Any] | None) -> Answer:
    """Check and run; `InvalidArgument` and `Refused` say in words what is wrong."""
    command = COMMANDS.get(name)
    if command is None:
        raise InvalidArgument(f"claude-ls has no command {name!r}")
    # eglot sends an empty object as null.
    given = [item for item in arguments or [] if item is not None] or [{}]
    if len(given) != 1 or not isinstance(given[0], dict):
        raise InvalidArgument(f"{name} takes one object as its argument")
    return command.run(context, _checked(name, command, given[0]))


def _checked(name: str, command: Command, given: dict[str, Any]) -> Arguments:
    known = {**command.required, **command.optional}
    for key in given:
        if key not in known:
            raise InvalidArgument(f"{name} does not take {key!r}; it takes {', '.join(known) or 'nothing'}")
    for key in command.required:
        if given.get(key) is None:
            raise InvalidArgument(f"{name} needs {key!r}")
    return {key: known[key](key, value) for key, value in given.items() if value is not None}


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidArgument(f"{key!r} must be a string")
    return value


def _words(key: str, value: Any) -> str:
    if not _text(key, value).strip():
        raise InvalidArgument(f"{key!r} must not be empty")
    return str(value)


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidArgument(f"{key!r} must be true or false")
    return value


def _since(key: str, value: Any) -> datetime:
    text = _text(key, value)
    try:
        return since_of(text, datetime.now(UTC))
    except ValueError as error:
        raise InvalidArgument(f"{key!r} {error}") from None


def _whole_number(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < -(2**31) or value >= 2**31:
        raise InvalidArgument(f"{key!r} must be a whole number")
    return value


def _position(key: str, value: Any) -> Position:
    if not isinstance(value, dict) or set(value) != {"line", "character"}:
        raise InvalidArgument(f"{key!r} must be an object with 'line' and 'character'")
    numbers = {name: _whole_number(f"{key}.{name}", number) for name, number in value.items()}
    if min(numbers.values()) < 0:
        raise InvalidArgument(f"{key!r} must not be negative")
    return Position(numbers["line"], numbers["character"])


def _range(key: str, value: Any) -> tuple[Position, Position]:
    if not isinstance(value, dict) or set(value) != {"start", "end"}:
        raise InvalidArgument(f"{key!r} must be an object with 'start' and 'end'")
    return _position(f"{key}.start", value["start"]), _position(f"{key}.end", value["end"])


def _diagnostics(key: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise InvalidArgument(f"{key!r} must be a list of at least one diagnostic")
    for number, item in enumerate(value):
        where = f"{key}[{number}]"
        if not isinstance(item, dict) or not isinstance(item.get("message"), str):
            raise InvalidArgument(f"{where!r} must be a diagnostic with a 'message'")
        _range(f"{where}.range", item.get("range"))
    return value


def _refactoring(key: str, value: Any) -> str:
    names = [action.name for action in REFACTORINGS]
    if value not in names:
        raise InvalidArgument(f"{key!r} must be one of {', '.join(names)}")
    return str(value)


def _action(key: str, value: Any) -> str:
    # `fix` needs the diagnostics of another tool, which only it is given.
    names = [name for name in ACTIONS if name != "fix"]
    if value not in names:
        raise InvalidArgument(f"{key!r} must be one of {', '.join(names)}")
    return str(value)


def _span(context: Context, arguments: Arguments) -> Span:
    document = context.session.open_document(arguments["uri"])
    start, end = arguments["range"]
    return convert.span_of(document, start, end, context.encoding)


def _edit(context: Context, arguments: Arguments) -> Answer:
    span = _span(context, arguments)
    return context.session.start(
        "edit", arguments["uri"], span, words=arguments["instruction"], version=arguments.get("version")
    )


def _explain(context: Context, arguments: Arguments) -> Answer:
    span = _span(context, arguments)
    return context.session.start("explain", arguments["uri"], span, words=arguments.get("question", ""))


def _refactor(context: Context, arguments: Arguments) -> Answer:
    span = _span(context, arguments)
    words = arguments.get("instruction", "")
    return context.session.start(arguments["refactoring"], arguments["uri"], span, words=words)


def _test(context: Context, arguments: Arguments) -> Answer:
    return context.session.start("test", arguments["uri"], _span(context, arguments))


def _fix(context: Context, arguments: Arguments) -> Answer:
    document = context.session.open_document(arguments["uri"])
    diagnostics = [_diagnostic(document, item, context.encoding) for item in arguments["diagnostics"]]
    span = Span(min(item.span.start for item in diagnostics), max(item.span.end for item in diagnostics))
    return context.session.start("fix", arguments["uri"], span, diagnostics=diagnostics)


def _diagnostic(document: Document, item: dict[str, Any], encoding: Encoding) -> Diagnostic:
    start, end = _range("range", item["range"])
    severity = item.get("severity")
    code = item.get("code")
    return Diagnostic(
        span=convert.span_of(document, start, end, encoding),
        message=item["message"],
        severity=convert.severity_of(severity if isinstance(severity, int) else None),
        source=str(item.get("source") or ""),
        code="" if code is None else str(code),
    )


def _agent(context: Context, arguments: Arguments) -> Job:
    return context.session.work(arguments["task"], arguments.get("uri"), arguments.get("mode"))


def _mode(key: str, value: Any) -> str:
    if value not in get_args(Mode):
        raise InvalidArgument(f"{key!r} must be one of {', '.join(get_args(Mode))}")
    return str(value)


def _cancel(context: Context, arguments: Arguments) -> dict[str, Any]:
    return {"cancelled": context.session.cancel(arguments.get("job"))}


def _undo(context: Context, arguments: Arguments) -> dict[str, Any]:
    reverted = context.session.undo(arguments.get("job"))
    return {"undone": reverted.job, "kept": _kept(context, reverted)}


def _redo(context: Context, arguments: Arguments) -> dict[str, Any]:
    reverted = context.session.redo(arguments.get("job"))
    return {"redone": reverted.job, "kept": _kept(context, reverted)}


def _kept(context: Context, reverted: Reverted) -> list[dict[str, Any]]:
    spans = [(context.session.document(uri), span) for uri, span in reverted.kept]
    return [
        convert.json_range(convert.range_of(document, span, context.encoding))
        for document, span in spans
        if document is not None
    ]


def _follow_up(context: Context, arguments: Arguments) -> Answer:
    return context.session.follow_up(arguments["job"], arguments["instruction"])


def _retry(context: Context, arguments: Arguments) -> Answer:
    return context.session.retry(arguments["job"])


def _hunks(context: Context, arguments: Arguments) -> dict[str, Any]:
    waiting = context.session.waiting(Selection(uri=arguments.get("uri")))
    return {"hunks": [json_hunk(item, context.profile) for item in waiting]}


def _accept(context: Context, arguments: Arguments) -> dict[str, Any]:
    return {"hunks": context.session.accept(_selection("claude.accept", arguments))}


def _reject(context: Context, arguments: Arguments) -> dict[str, Any]:
    return {"hunks": context.session.reject(_selection("claude.reject", arguments), arguments.get("reason", ""))}


def _selection(name: str, arguments: Arguments) -> Selection:
    given = {key: value for key, value in arguments.items() if key != "reason"}
    if len(given) > 1:
        raise InvalidArgument(f"{name} takes one of 'hunk', 'uri' and 'job', or none of them for all")
    return Selection(**given)


async def _next(context: Context, arguments: Arguments, step: int) -> dict[str, Any]:
    document = context.session.document(arguments["uri"])
    offset = document.offset(arguments["position"], context.encoding) if document else 0
    found = await context.session.go_to_hunk(arguments["uri"], offset, step)
    return {"hunk": json_hunk(found, context.profile)} if found else {}


async def _review(context: Context, arguments: Arguments) -> dict[str, Any]:
    return {"hunks": await context.session.show_review()}


def _why(context: Context, arguments: Arguments) -> Coroutine[Any, Any, dict[str, Any]]:
    if ("hunk" in arguments) == ("uri" in arguments) or ("uri" in arguments) != ("position" in arguments):
        raise InvalidArgument("claude.why takes 'hunk', or 'uri' and 'position'")
    return _why_answered(context, arguments)


async def _why_answered(context: Context, arguments: Arguments) -> dict[str, Any]:
    if "hunk" in arguments:
        reason = await context.session.why(arguments["hunk"])
    else:
        document = context.session.open_document(arguments["uri"])
        reason = await context.session.why_here(document.uri, document.offset(arguments["position"], context.encoding))
    if reason is None:
        return {}
    if arguments.get("show"):
        context.session.tell(reason.words())
    return {
        "job": reason.job,
        "instruction": reason.instruction or reason.title,
        "model": reason.model,
        "cost": None if reason.cost is None else round(reason.cost, 6),
        "checks": [{"name": name, "ok": ok} for name, ok in reason.checks],
        "answer": reason.answer,
    }


async def _checkpoints(context: Context, arguments: Arguments) -> dict[str, Any]:
    return {
        "checkpoints": [
            {
                "id": checkpoint.id,
                "job": checkpoint.job,
                "title": checkpoint.title,
                "time": checkpoint.time.isoformat(timespec="milliseconds"),
                "files": checkpoint.files,
            }
            for checkpoint in await context.session.checkpoints()
        ]
    }


async def _rewind(context: Context, arguments: Arguments) -> dict[str, Any]:
    return {"checkpoint": await context.session.rewind(arguments["checkpoint"])}


def _context(context: Context, arguments: Arguments) -> Coroutine[Any, Any, dict[str, Any]]:
    return _context_answered(context, arguments, _span(context, arguments))


async def _context_answered(context: Context, arguments: Arguments, span: Span) -> dict[str, Any]:
    would = await context.session.context(arguments["action"], arguments["uri"], span, arguments.get("instruction", ""))
    return {
        "blocks": [{"title": part.title, "tokens": part.tokens, "text": part.text} for part in would.parts],
        "tokens": would.tokens,
        "cost": None if would.cost is None else round(would.cost, 6),
        **({"counted": True} if would.counted else {}),
    }


async def _usage(context: Context, arguments: Arguments) -> dict[str, Any]:
    return convert.json_usage(await context.session.usage(arguments.get("since")))


def _jobs(context: Context, arguments: Arguments) -> dict[str, Any]:
    return {"jobs": [convert.json_job(job) for job in context.session.jobs()]}


COMMANDS: Mapping[str, Command] = {
    "claude.edit": Command({"uri": _text, "range": _range, "instruction": _words}, {"version": _whole_number}, _edit),
    "claude.explain": Command({"uri": _text, "range": _range}, {"question": _text}, _explain),
    "claude.refactor": Command(
        {"uri": _text, "range": _range, "refactoring": _refactoring}, {"instruction": _text}, _refactor
    ),
    "claude.fix": Command({"uri": _text, "diagnostics": _diagnostics}, {}, _fix),
    "claude.test": Command({"uri": _text, "range": _range}, {}, _test),
    "claude.agent": Command({"task": _words}, {"uri": _text, "mode": _mode}, _agent),
    "claude.cancel": Command({}, {"job": _text}, _cancel),
    "claude.jobs": Command({}, {}, _jobs),
    "claude.undo": Command({}, {"job": _text}, _undo),
    "claude.redo": Command({}, {"job": _text}, _redo),
    "claude.followUp": Command({"job": _text, "instruction": _words}, {}, _follow_up),
    "claude.retry": Command({"job": _text}, {}, _retry),
    "claude.hunks": Command({}, {"uri": _text}, _hunks),
    "claude.accept": Command({}, {"hunk": _text, "uri": _text, "job": _text}, _accept),
    "claude.reject": Command({}, {"hunk": _text, "uri": _text, "job": _text, "reason": _text}, _reject),
    "claude.nextHunk": Command({"uri": _text, "position": _position}, {}, partial(_next, step=1)),
    "claude.previousHunk": Command({"uri": _text, "position": _position}, {}, partial(_next, step=-1)),
    "claude.review": Command({}, {}, _review),
    "claude.why": Command({}, {"hunk": _text, "uri": _text, "position": _position, "show": _flag}, _why),
    "claude.checkpoints": Command({}, {}, _checkpoints),
    "claude.rewind": Command({"checkpoint": _text}, {}, _rewind),
    "claude.context": Command({"uri": _text, "range": _range, "action": _action}, {"instruction": _text}, _context),
    "claude.usage": Command({}, {"since": _since}, _usage),
}
