"""Accept, reject, undo, redo, rewind in any order, with typing, closing and restarts between: every byte is right."""

from __future__ import annotations

import asyncio
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from claude_ls.editing.review import whole_lines
from claude_ls.session.reviewing import Selection
from harness.connection import Connection, connected

SEEDS = int(os.environ.get("CLAUDE_LS_ORDERS", "60"))
LINES = 24
FILES = ("a.py", "b.py")


class Story:
    """Two files of numbered lines. What Claude writes is called `C1`, what the person types `P1`."""

    def __init__(self, tmp_path: Path, seed: int) -> None:
        self.tmp_path = tmp_path
        self.folder = tmp_path / "project"
        self.folder.mkdir(exist_ok=True)
        self.chance = random.Random(seed)
        self.texts = {name: "".join(f"{name[0]}{line:02}\n" for line in range(LINES)) for name in FILES}
        for name, text in self.texts.items():
            (self.folder / name).write_text(text)
        self.free = {name: list(range(LINES)) for name in FILES}
        self.typed = 0
        self.jobs = 0
        self.done: list[str] = []

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def turn(self) -> str:
        """One answer of Claude's: some lines of one or of both files get a word, or new lines behind them, or go."""
        self.jobs += 1
        uses: list[str] = []
        for name in self.chance.sample(FILES, self.chance.randint(1, 2)):
            chosen = self.chance.sample(self.free[name], min(self.chance.randint(1, 3), len(self.free[name])))
            edits = []
            for line in chosen:
                self.free[name].remove(line)
                old = f"{name[0]}{line:02}"
                new = self.chance.choice(
                    (f"{old} C{self.jobs}", f"{old}\nC{self.jobs}a\nC{self.jobs}b", f"C{self.jobs}")
                )
                edits.append({"old_text": old, "new_text": new})
            if edits:
                uses.append(f">>> edit_file\n= {json.dumps({'path': name, 'edits': edits})}\n")
        return "-- claude --\n" + "".join(uses or ["words\n"])

    def show(self, connection: Connection) -> None:
        for name in FILES:
            if self.uri(name) not in connection.editor.buffers:
                connection.editor.open(self.uri(name), "python", self.texts[name])

    def remember(self, connection: Connection) -> None:
        for name in FILES:
            if self.uri(name) in connection.editor.buffers:
                self.texts[name] = connection.editor.buffers[self.uri(name)].text

    def type(self, connection: Connection) -> str:
        """A whole line at the start of a line that is nobody's but the person's."""
        name = self.chance.choice(FILES)
        uri = self.uri(name)
        text = connection.editor.buffers[uri].text
        starts = [at for at in range(len(text) + 1) if at == 0 or text[at - 1] == "\n"]
        plain = [at for at in starts if text[at : at + 1] in (name[0], "P", "") and " C" not in text[at : at + 8]]
        self.typed += 1
        at = self.chance.choice(plain)
        connection.editor.type(uri, at, at, f"P{self.typed}\n")
        return f"type P{self.typed} in {name} at {at}"

    def without_typing(self, name: str) -> str:
        return "".join(line for line in self.texts[name].splitlines(keepends=True) if not line.startswith("P"))

    def check(self, connection: Connection) -> None:
        self.remember(connection)
        for name in FILES:
            document = connection.server.session.document(self.uri(name))
            assert document is None or document.text == self.texts[name], "the mirror is off"
            for hunk in connection.server.session.waiting(Selection(uri=self.uri(name))):
                _, old, _ = whole_lines(document.text if document else "", hunk.hunk)
                for line in old.split("\n"):
                    assert not line or line[0] in "PC" or len(line) == 3 or " C" in line, f"{line!r} never was a line"
        for number in range(1, self.typed + 1):
            found = sum(text.count(f"P{number}\n") for text in self.texts.values())
            assert found == 1, f"P{number} is there {found} times"


async def settle(connection: Connection) -> None:
    for _ in range(3):
        await connection.server.session.finished()
        for _ in range(10):
            await asyncio.sleep(0)


async def ask(connection: Connection, command: str, **argument: Any) -> Any:
    try:
        answer = await connection.execute(command, argument)
    except RuntimeError as refused:
        answer = str(refused)
    await settle(connection)
    return answer


async def step(story: Story, connection: Connection, whole: list[str]) -> str:
    chance = story.chance
    choice = chance.choice(("type", "type", "accept", "reject", "reject", "undo", "redo", "rewind", "close", *whole))
    hunks = (await ask(connection, "claude.hunks"))["hunks"]
    one = {"hunk": chance.choice(hunks)["id"]} if hunks and chance.random() < 0.7 else {}
    match choice:
        case "job":
            place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
            uri = story.uri(chance.choice(FILES))
            return f"job {await ask(connection, 'claude.edit', uri=uri, range=place, instruction='go')}"
        case "type":
            return story.type(connection)
        case "accept" | "reject":
            return f"{choice} {one} {await ask(connection, f'claude.{choice}', **one)}"
        case "undo" | "redo":
            return f"{choice} {await ask(connection, f'claude.{choice}')}"
        case "rewind":
            known = (await ask(connection, "claude.checkpoints"))["checkpoints"]
            if not known:
                return "nothing to go back to"
            chosen = chance.choice(known)["id"]
            return f"rewind {chosen} {await ask(connection, 'claude.rewind', checkpoint=chosen)}"
        case _:
            name = chance.choice(FILES)
            story.remember(connection)
            (story.folder / name).write_text(story.texts[name])
            connection.editor.close_document(story.uri(name))
            await settle(connection)
            story.show(connection)
            return f"save, close and open {name}"


async def play(story: Story) -> None:
    """Two lives of the server, the files saved between them."""
    for life in range(2):
        turns = [story.turn() for _ in range(3)]
        flags = frozenset({"answers Keep mine"})
        root = story.folder.as_uri()
        async with connected(story.tmp_path, "".join(turns), flags=flags, root=root, first=100 * life) as connection:
            story.show(connection)
            await settle(connection)
            for number in range(10):
                # As many jobs as there are answers, the last ones at the end.
                left = connection.model.turns_left  # type: ignore[attr-defined]
                whole = ["job"] * 4 if left else []
                story.done.append(await step(story, connection, whole))
                await settle(connection)
                story.check(connection)
                assert number < 99
            if life == 1:
                await ask(connection, "claude.reject")
                story.check(connection)
                hunks = (await ask(connection, "claude.hunks"))["hunks"]
                # What they have typed into they were asked about.
                assert all(hunk["theirsInPart"] for hunk in hunks), hunks
                await back_to_the_beginning(story, connection)
            story.remember(connection)
            for name in FILES:
                (story.folder / name).write_text(story.texts[name])


async def back_to_the_beginning(story: Story, connection: Connection) -> None:
    """The oldest checkpoint is from before Claude wrote anything."""
    known = (await ask(connection, "claude.checkpoints"))["checkpoints"]
    if not known:
        return
    told = len(connection.editor.transcript)
    story.done.append(f"rewind to the first {await ask(connection, 'claude.rewind', checkpoint=known[-1]['id'])}")
    story.check(connection)
    if any(line.startswith("asked:") for line in connection.editor.transcript[told:]):
        return  # There are lines that both have changed, and the person keeps theirs.
    for name in FILES:
        expected = "".join(f"{name[0]}{line:02}\n" for line in range(LINES))
        assert story.without_typing(name) == expected


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_order(tmp_path: Path, seed: int) -> None:
    story = Story(tmp_path, seed)
    try:
        asyncio.run(play(story))
    except BaseException as error:
        error.add_note("\n".join([f"seed {seed}", *story.done]))
        raise
