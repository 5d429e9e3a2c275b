"""What a person notices of a text that takes long to parse: nothing waits for it but what needs it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from harness.connection import Connection, connected

URI = "file:///project/a.py"
FUNCTION = "def f_{n}(a):\n    if a:\n        return 'é'  # {n}\n    return [a, 1, 2]\n\n\n"
TEXT = "".join(FUNCTION.format(n=n) for n in range(400))
SCRIPT = """
-- claude --
>>> rewrite_region
new_text:
|def f_300(a):
|    return a
"""


class Ticking:
    """A clock that a look at it moves on, so that even a short parse takes long."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.0003
        return self.now


def line_of(number: int) -> dict[str, Any]:
    """The third line of a function."""
    place = {"line": number * 6 + 2, "character": 4}
    return {"start": place, "end": place}


def menu(connection: Connection, where: dict[str, Any], *diagnostics: dict[str, Any]) -> asyncio.Task[Any]:
    params = {"textDocument": {"uri": URI}, "range": where, "context": {"diagnostics": list(diagnostics)}}
    return asyncio.create_task(connection.editor.request("textDocument/codeAction", params))


def explained(actions: list[dict[str, Any]]) -> tuple[str, int]:
    """What the menu would have explained, and the line that it would name for it."""
    action = next(action for action in actions if action["command"]["command"] == "claude.explain")
    return action["title"], action["command"]["arguments"][0]["range"]["start"]["line"]


def test_a_menu_waits_for_the_tree_and_nothing_else_does(tmp_path: Path) -> None:
    async def main() -> None:
        async with connected(tmp_path, clock=Ticking()) as connection:
            connection.editor.open(URI, "python", TEXT)
            asked = menu(connection, line_of(300))
            for _ in range(5):
                await asyncio.sleep(0)
                assert (await connection.execute("claude.jobs", {})) == {"jobs": []}
            assert not asked.done()
            assert explained(await asked) == ("Claude: explain f_300", 1802)

    asyncio.run(main())


def test_a_menu_is_about_the_text_as_it_is_when_it_is_answered(tmp_path: Path) -> None:
    report = {"range": line_of(300), "message": "odd", "severity": 1}

    async def main() -> None:
        async with connected(tmp_path, clock=Ticking()) as connection:
            connection.editor.open(URI, "python", TEXT)
            asked = menu(connection, line_of(300), report)
            await asyncio.sleep(0)
            connection.editor.type(URI, 0, 0, "x = 1\ny = 2\n")
            actions = await asked
            assert explained(actions) == ("Claude: explain f_300", 1804)
            assert not [action for action in actions if action["kind"] == "quickfix.claude"]
            again = await menu(connection, line_of(300), report)
            assert [action["title"] for action in again if action["kind"] == "quickfix.claude"] == ['Claude: fix "odd"']

    asyncio.run(main())


def test_a_document_that_is_closed_while_a_menu_waits_offers_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with connected(tmp_path, clock=Ticking()) as connection:
            connection.editor.open(URI, "python", TEXT)
            asked = menu(connection, line_of(300))
            await asyncio.sleep(0)
            connection.editor.close_document(URI)
            assert await asked == []

    asyncio.run(main())


def test_a_job_works_on_the_function_that_the_place_is_in_by_then(tmp_path: Path) -> None:
    async def main() -> None:
        async with connected(tmp_path, SCRIPT, clock=Ticking()) as connection:
            connection.editor.open(URI, "python", TEXT)
            argument = {"uri": URI, "range": line_of(300), "refactoring": "simplify"}
            started = asyncio.create_task(connection.execute("claude.refactor", argument))
            await asyncio.sleep(0)
            connection.editor.type(URI, 0, 0, "x = 1\n")
            await started
            await connection.server.session.finished()
            for _ in range(20):
                await asyncio.sleep(0)
            old = FUNCTION.format(n=300)
            assert connection.editor.buffers[URI].text == "x = 1\n" + TEXT.replace(
                old, "def f_300(a):\n    return a\n\n\n"
            )
            (job,) = (await connection.execute("claude.jobs", {}))["jobs"]
            assert (job["state"], job["title"]) == ("done", "simplify f_300")

    asyncio.run(main())


def test_a_session_that_ends_while_somebody_waits_leaves_nothing_behind(tmp_path: Path) -> None:
    async def main() -> None:
        async with connected(tmp_path, SCRIPT, clock=Ticking()) as connection:
            connection.editor.open(URI, "python", TEXT)
            asked = menu(connection, line_of(300))
            argument = {"uri": URI, "range": line_of(300), "refactoring": "simplify"}
            started = asyncio.create_task(connection.execute("claude.refactor", argument))
            await asyncio.sleep(0)
        asked.cancel()
        started.cancel()
        await asyncio.gather(asked, started, return_exceptions=True)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert connection.server.session.jobs() == []

    asyncio.run(main())
