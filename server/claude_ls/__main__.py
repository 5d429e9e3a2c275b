"""The command line: the only place that builds real objects and wires them together."""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from claude_ls import __version__

if TYPE_CHECKING:
    from claude_ls.agent.model import Model
    from claude_ls.agent.scripted import Turn
    from claude_ls.config import Settings
    from claude_ls.lsp.server import Server
    from claude_ls.session.buffer import Record
    from claude_ls.session.client import Client
    from claude_ls.session.session import Session

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class UsageError(Exception):
    """A command line that makes no sense; the message says why and what to write instead."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `claude-ls` with `arguments`; the exit code."""
    options = _parser().parse_args(arguments)
    os.umask(0o077)
    try:
        _log_to(options.log_file, options.log_level)
        return int(options.run(options))
    except UsageError as error:
        sys.stderr.write(f"claude-ls: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="claude-ls",
        parents=[_common(None)],
        description="A language server that brings Claude to every editor. Without a command it serves one editor "
        "over standard input and output.",
    )
    parser.set_defaults(model=None, record=None, log_file=None, log_level="warning")
    # Left out by default below a command, so that what stands before the command is not overwritten.
    common = _common(argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=f"claude-ls {__version__}")
    parser.add_argument("--stdio", action="store_true", help="serve over standard input and output (the default)")
    parser.add_argument("--tcp", metavar="HOST:PORT", help="serve over TCP instead, one session for each connection")
    parser.add_argument("--allow-remote", action="store_true", help="let --tcp listen on more than this machine")
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands", metavar="")
    check = commands.add_parser("check", help="say what is set up and what is not", parents=[common])
    check.set_defaults(run=_check)
    demo = commands.add_parser("demo", help="watch a whole session in this terminal", parents=[common])
    demo.add_argument("--fast", action="store_true", help="do not pause for people to read along")
    demo.set_defaults(run=_demo)
    kept = commands.add_parser(
        "checkpoints", help="what was there before Claude's changes, and how to go back to it", parents=[common]
    )
    kept.add_argument("action", nargs="?", choices=("list", "show", "restore"), default="list")
    kept.add_argument("checkpoint", nargs="?", metavar="CHECKPOINT", help="its name, or the beginning of it")
    kept.add_argument("--exact", action="store_true", help="also where that undoes what was written since")
    kept.set_defaults(run=_checkpoints)
    blame = commands.add_parser("blame", help="say which lines of a file Claude wrote, and for what", parents=[common])
    blame.add_argument("file", type=Path, metavar="FILE")
    blame.add_argument("--json", action="store_true", help="for other programs")
    blame.set_defaults(run=_blame)
    mapped = commands.add_parser("map", help="show a folder as Claude sees it", parents=[common])
    mapped.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="FOLDER")
    mapped.add_argument("--tokens", type=int, default=4_000, help="about how large it may be (default: 4000)")
    mapped.set_defaults(run=_map)
    usage = commands.add_parser("usage", help="say what was spent, and on what", parents=[common])
    usage.add_argument("--since", metavar="DATE", help='"today", a date (2026-01-31), or one with a time')
    usage.add_argument("--by", choices=("day", "action", "model"), default="day", help="what to sum up (default: day)")
    usage.add_argument("--json", action="store_true", help="for other programs")
    usage.set_defaults(run=_usage)
    replay = commands.add_parser("replay", help="a Messages API on this machine that plays a script", parents=[common])
    replay.add_argument("file", type=Path, metavar="FILE", help="the script: see claude_ls/agent/scripted.py")
    replay.add_argument("--port", type=int, default=0, help="the port to listen on (default: any free one)")
    replay.add_argument("--rate", type=float, metavar="TOKENS", help="tokens a second (default: as fast as can be)")
    replay.add_argument("--chunk", type=int, metavar="SEED", help="cut the answers up at random, by this seed")
    replay.add_argument("--fault", action="append", default=[], metavar="[N:]FAULT", help="fail the N-th request so")
    replay.set_defaults(run=_replay)
    return parser


def _common(default: object) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, argument_default=default)
    common.add_argument("--model", metavar="script:FILE", help="play a scripted model instead of asking Claude")
    common.add_argument(
        "--record", type=Path, metavar="FOLDER", help="write down there all that happens to documents Claude changes"
    )
    common.add_argument("--log-file", type=Path, metavar="FILE", help="write the log there instead of to stderr")
    levels = ("debug", "info", "warning", "error")
    common.add_argument("--log-level", choices=levels, help="how much to log (default: warning)")
    return common


def _serve(options: argparse.Namespace) -> int:
    # The protocol's types are tens of thousands of objects that live as long as we do: looking through them for garbage
    # while they are made is a seventh of the time to start, and would slow every later collection.
    gc.disable()
    from claude_ls.lsp.transport import serve_stdio, serve_tcp

    gc.freeze()
    gc.enable()

    turns = _script(options.model)
    record = _recorder(options.record)
    make_server = partial(_make_server, os.environ, turns, record)
    if options.tcp is None:
        return asyncio.run(serve_stdio(make_server))
    if options.stdio:
        raise UsageError("--stdio and --tcp exclude each other; choose one")
    host, port = _address(options.tcp)
    if host not in LOOPBACK and not options.allow_remote:
        raise UsageError(
            f"--tcp {options.tcp} would let other machines edit your files with your key; "
            "use 127.0.0.1, or add --allow-remote if that is what you want"
        )

    def listening(host: str, port: int) -> None:
        sys.stderr.write(f"claude-ls: listening on {host}:{port}\n")
        sys.stderr.flush()

    try:
        asyncio.run(serve_tcp(host, port, make_server, listening))
    except OSError as error:
        raise UsageError(f"cannot listen on {options.tcp}: {error}") from error
    return 0


def _check(options: argparse.Namespace) -> int:
    from claude_ls.terminal.check import check

    return asyncio.run(check(os.environ, settings_file(os.environ), state_root(os.environ), Path.cwd()))


def _demo(options: argparse.Namespace) -> int:
    from claude_ls.terminal.demo import demo

    return asyncio.run(demo(os.environ, fast=options.fast))


def _checkpoints(options: argparse.Namespace) -> int:
    from claude_ls.terminal.checkpoint_list import show_checkpoints

    if (options.action == "list") == bool(options.checkpoint):
        raise UsageError("write `claude-ls checkpoints`, or `claude-ls checkpoints show` (or `restore`) CHECKPOINT")
    return show_checkpoints(state_root(os.environ), options.action, options.checkpoint, exact=options.exact)


def _blame(options: argparse.Namespace) -> int:
    from claude_ls.terminal.blame_command import blame

    return blame(state_root(os.environ), options.file, as_json=options.json)


def _map(options: argparse.Namespace) -> int:
    from claude_ls import config
    from claude_ls.terminal.map_command import show_map

    if options.tokens <= 0:
        raise UsageError("--tokens takes a number above 0")
    settings = config.load(editor=None, options=None, file=settings_file(os.environ)).settings
    return show_map(options.folder, state_root(os.environ), options.tokens, settings)


def _usage(options: argparse.Namespace) -> int:
    from claude_ls import config
    from claude_ls.session.spending import since_of
    from claude_ls.terminal.usage_command import show_usage

    try:
        since = None if options.since is None else since_of(options.since, datetime.now(UTC))
    except ValueError as error:
        raise UsageError(f"--since {error}") from error
    settings = config.load(editor=None, options=None, file=settings_file(os.environ)).settings
    return show_usage(state_root(os.environ), since, options.by, settings, as_json=options.json)


def _replay(options: argparse.Namespace) -> int:
    from claude_ls.agent import replay, scripted

    turns = _script(f"script:{options.file}")
    assert turns is not None
    chunking = scripted.by_tokens if options.chunk is None else scripted.by_chance(options.chunk)

    async def run() -> None:
        server = await replay.serve(
            turns, port=options.port, tokens_per_second=options.rate, chunking=chunking, faults=options.fault
        )
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stderr.write(f"Playing {len(turns)} turns. Use it with ANTHROPIC_BASE_URL={server.url}\n")
        try:
            await asyncio.Event().wait()
        finally:
            await server.close()

    try:
        asyncio.run(run())
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from error
    return 0


def _recorder(folder: Path | None) -> Record:
    """What `--record` asks for. A recording that cannot be written is told in the log, and nothing else suffers."""
    from claude_ls.workspace.files import StateFolder

    if folder is None:
        return lambda uri: None
    store = StateFolder(folder)
    if problem := store.problem():
        raise UsageError(f"--record: {problem}")
    numbers = itertools.count(1)

    def record(uri: str) -> Callable[[str], object]:
        name = f"{os.getpid()}-{next(numbers)}-{uri.rpartition('/')[2][:80]}.jsonl"

        def write(line: str) -> None:
            try:
                store.append(name, line)
            except OSError as error:
                logging.getLogger(__name__).warning("the recording cannot be written: %s", error)

        return write

    return record


def _make_server(environ: Mapping[str, str], turns: tuple[Turn, ...] | None, record: Record) -> Server:
    """A server for one connection, with the real model unless a script is to be played."""
    from claude_ls.lsp.server import create_server

    loop = asyncio.get_running_loop()

    def make_session(client: Client, settings: Settings) -> Session:
        from claude_ls.session.indexing import Indexing
        from claude_ls.session.keeping import one_thread, open_stores
        from claude_ls.session.session import Session
        from claude_ls.workspace.check_run import CheckLimits
        from claude_ls.workspace.checks import Checks
        from claude_ls.workspace.files import StateFolder
        from claude_ls.workspace.watcher import Watcher

        model, unavailable = _model(environ, turns)
        return Session(
            model=model,
            client=client,
            settings=settings,
            state=StateFolder(state_root(environ)),
            stores=open_stores(state_root(environ)),
            background=one_thread(),
            watch=lambda changed: Watcher(loop.call_soon_threadsafe, changed),
            later=loop.call_later,
            clock=loop.time,
            surroundings=Indexing(state_root(environ)),
            checks=Checks(environ, limits=CheckLimits(seconds=settings.verify_seconds)),
            own_rules=settings_file(environ).with_name("CLAUDE.md"),
            record=record,
            new_id=lambda: os.urandom(4).hex(),
            unavailable=unavailable,
        )

    return create_server(make_session, clock=loop.time, settings_file=partial(settings_file, environ))


def _model(environ: Mapping[str, str], turns: tuple[Turn, ...] | None) -> tuple[Model, Callable[[], str | None]]:
    """The model, and what tells why it cannot be used (None where it can)."""
    if turns is not None:
        from claude_ls.agent.scripted import ScriptedModel

        return ScriptedModel(turns), lambda: None
    from claude_ls import config
    from claude_ls.agent.claude import ClaudeModel, has_credentials
    from claude_ls.agent.model import SAID_ON_STOP

    endpoint = config.load(editor=None, options=None, file=settings_file(environ)).settings.endpoint
    no_key = SAID_ON_STOP["no_key"]
    model = ClaudeModel(environ=environ, endpoint=endpoint)
    return model, lambda: None if has_credentials(environ, endpoint) else no_key


def _script(name: str | None) -> tuple[Turn, ...] | None:
    if name is None:
        return None
    from claude_ls.agent.scripted import ScriptError, read_script

    if not name.startswith("script:"):
        raise UsageError(f"--model takes script:FILE, not {name!r}; Claude's own models are the setting `model`")
    try:
        return read_script(Path(name.removeprefix("script:")).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ScriptError) as error:
        raise UsageError(f"the script cannot be played: {error}") from error


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--tcp takes HOST:PORT or PORT, not {text!r}")
    return host.strip("[]") or "127.0.0.1", int(port)


def settings_file(environ: Mapping[str, str]) -> Path:
    """The person's own settings, outside of every workspace."""
    from platformdirs import user_config_path

    base = environ.get("CLAUDE_LS_CONFIG_DIR")
    return (Path(base) if base else user_config_path("claude-ls")) / "config.toml"


def state_root(environ: Mapping[str, str]) -> Path:
    """Where explanations and the like are kept."""
    from platformdirs import user_state_path

    base = environ.get("CLAUDE_LS_STATE_DIR")
    return Path(base) if base else user_state_path("claude-ls")


def _log_to(file: Path | None, level: str) -> None:
    """Log to stderr or a file, never to stdout. The libraries would log whole messages: they are held to warnings."""
    try:
        handler: logging.Handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler()
    except OSError as error:
        raise UsageError(f"the log file cannot be opened: {error}") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in ("pygls", "anthropic", "httpx2", "httpcore2", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
