"""Settings: read from their three sources, checked once, and passed on as a value.

The editor's `workspace/configuration` wins over `initializationOptions.claude`, which wins over the person's own
`config.toml`. Settings of an editor can come from files inside a workspace, so an editor can never set where requests
go, which folders are trusted, nor what is run: the settings of `_OWN_FILE_ONLY` count only in `config.toml`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, Literal, get_args

Effort = Literal["low", "medium", "high", "xhigh", "max"]
Thinking = Literal["adaptive", "off"]
Streaming = Literal["line", "hunk", "final"]
Review = Literal["off", "after", "preview"]
Mode = Literal["plan", "ask", "acceptEdits"]


@dataclass(frozen=True)
class Settings:
    """What the person chose. Tokens are the model's, money is US dollars."""

    model: str = "claude-sonnet-5-5"
    models: Mapping[str, str] = field(default_factory=dict)
    effort: Effort | None = None
    thinking: Thinking = "adaptive"
    streaming: Streaming | None = None
    """How changes land while Claude writes; None: `line` where the editor makes one undo step of it, else `hunk`."""
    review: Review = "after"
    """Whether changes wait for review once they are in the text, are confirmed before that, or neither."""
    review_hints: bool = False
    """Whether `+12 −3` stands behind the first line of each change that waits for review."""
    auto_run: bool = False
    """Whether an instruction comment that ends in `!` runs as soon as it is finished."""
    checkpoints_days: float = 30.0
    checkpoints_megabytes: float = 500.0
    trusted: tuple[str, ...] = ()
    """Folders whose git repository may be asked which changes were committed, and whose rules are believed."""
    context_tokens: int = 24_000
    context_map: int = 1_000
    """Tokens of the map of the folder that stands before everything else; 0 for none."""
    context_count: bool = False
    """Whether what would be sent may be sent to be counted, when somebody asks for it."""
    budget_job: float | None = None
    budget_day: float | None = None
    """What a job, and all jobs of one day together, may cost."""
    jobs: int = 8
    """So many jobs run at once; others wait."""
    permissions_mode: Mode = "ask"
    """Whether a task asks before it changes files, or plans only."""
    agent_turns: int = 60
    agent_tool_uses: int = 300
    agent_minutes: float = 30.0
    """Where a task ends that does not end by itself."""
    verify_commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Checks by name: a program and its arguments, which no shell reads."""
    verify_seconds: float = 120.0
    endpoint: str | None = None
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def model_for(self, action: str) -> str:
        return self.models.get(action, self.model)


@dataclass(frozen=True)
class Loaded:
    """Settings, and what was wrong with what they were read from, in words for the person."""

    settings: Settings
    problems: tuple[str, ...]


def _one_of(choices: tuple[Any, ...]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return check


def _words(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text")
    return value.strip()


def _positive(kind: type[int] | type[float]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < inf:
            raise ValueError("must be a number above 0")
        return kind(value)

    return check


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be a number from 0 up")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _review(value: Any) -> Review:
    if value == "preview":
        return "preview"
    if not isinstance(value, bool):
        raise ValueError('must be true, false or "preview"')
    return "after" if value else "off"


def _folders(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and Path(item).is_absolute() for item in value):
        raise ValueError("must be a list of absolute paths")
    return tuple(value)


def _texts(value: Any) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("must be a table from action to model")
    return {str(key): _words(item) for key, item in value.items()}


def _commands(value: Any) -> Mapping[str, tuple[str, ...]]:
    wanted = 'must be a table from name to [program, argument, …], as in tests = ["pytest", "-q"]'
    if not isinstance(value, Mapping):
        raise ValueError(wanted)
    for name, argv in value.items():
        if not str(name).strip() or not str(name).isprintable():
            raise ValueError(f"has the name {name!r}, which cannot be shown")
        if isinstance(argv, str):
            raise ValueError(f"has a line for a shell as {name!r}, and none is used; {wanted}")
        if not isinstance(argv, list) or not argv or not all(isinstance(word, str) for word in argv):
            raise ValueError(f"has no list of words as {name!r}; {wanted}")
        if not argv[0].strip() or any("\0" in word for word in argv):
            raise ValueError(f"has no program that could be run as {name!r}; {wanted}")
    return {str(name): tuple(argv) for name, argv in value.items()}


def _price_table(value: Any) -> Mapping[str, tuple[float, float]]:
    if not isinstance(value, Mapping) or not all(isinstance(item, list) and len(item) == 2 for item in value.values()):
        raise ValueError("must be a table from model to [input, output] in US dollars for a million tokens")
    return {str(key): (float(item[0]), float(item[1])) for key, item in value.items()}


SETTINGS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "model": ("model", _words),
    "models": ("models", _texts),
    "effort": ("effort", _one_of(get_args(Effort))),
    "thinking": ("thinking", _one_of(get_args(Thinking))),
    "streaming": ("streaming", _one_of(get_args(Streaming))),
    "review": ("review", _review),
    "reviewHints": ("review_hints", _flag),
    "autoRun": ("auto_run", _flag),
    "checkpoints.days": ("checkpoints_days", _positive(float)),
    "checkpoints.megabytes": ("checkpoints_megabytes", _positive(float)),
    "trusted": ("trusted", _folders),
    "context.tokens": ("context_tokens", _positive(int)),
    "context.map": ("context_map", _count),
    "context.count": ("context_count", _flag),
    "budget.job": ("budget_job", _positive(float)),
    "budget.day": ("budget_day", _positive(float)),
    "jobs": ("jobs", _positive(int)),
    "permissions.mode": ("permissions_mode", _one_of(get_args(Mode))),
    "agent.turns": ("agent_turns", _positive(int)),
    "agent.toolUses": ("agent_tool_uses", _positive(int)),
    "agent.minutes": ("agent_minutes", _positive(float)),
    "verify.commands": ("verify_commands", _commands),
    "verify.seconds": ("verify_seconds", _positive(float)),
    "endpoint": ("endpoint", _words),
    "prices": ("prices", _price_table),
}
_OWN_FILE_ONLY = frozenset({"permissions.mode", "endpoint", "prices", "trusted", "verify.commands"})
CLIENT_FLAGS = frozenset({"prompts", "events", "applyEdit"})
"""Keys of `initializationOptions.claude` that describe the client rather than set anything."""


def load(*, editor: Any, options: Any, file: Path | None) -> Loaded:
    """Settings from the editor's configuration, its initialization options and the person's file.

    A value that is wrong is left out and told, never fatal: an editor must not lose its server over a typo.
    """
    problems: list[str] = []
    merged: dict[str, Any] = {}
    for source, values in (
        (str(file), _read_file(file, problems)),
        ("initializationOptions.claude", options),
        ("the editor's setting `claude`", editor),
    ):
        if values is None:
            continue
        if not isinstance(values, Mapping):
            problems.append(f"{source} must be an object, not {type(values).__name__}; it is ignored.")
            continue
        for key, value in _flat(values):
            if value is None or (key in CLIENT_FLAGS and values is options):
                continue
            if key not in SETTINGS:
                problems.append(f"{source}: claude-ls does not know the setting {key!r}; it is ignored.")
            elif key in _OWN_FILE_ONLY and source != str(file):
                problems.append(f"{source}: {key!r} counts only in your own config.toml; it is ignored here.")
            else:
                name, check = SETTINGS[key]
                try:
                    merged[name] = check(value)
                except ValueError as error:
                    problems.append(f"{source}: {key!r} {error}; {value!r} is ignored.")
    return Loaded(Settings(**merged), tuple(problems))


def _flat(values: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    """Keys with dots for nesting, whether the source wrote `context.tokens` or `{context: {tokens}}`."""
    flat: list[tuple[str, Any]] = []
    for name, value in values.items():
        key = f"{above}{name}"
        if isinstance(value, Mapping) and key not in SETTINGS:
            flat += _flat(value, f"{key}.")
        else:
            flat.append((key, value))
    return flat


def _read_file(path: Path | None, problems: list[str]) -> Mapping[str, Any] | None:
    if path is None or not path.exists():
        return None
    import tomllib  # most people have no such file, and everybody waits for the start

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path} cannot be read ({error}); it is ignored.")
        return None
