"""`claude-ls blame` as a person sees it in a terminal and as a program reads it."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from claude_ls.terminal.blame_command import BAD_FILE, NOTHING_KNOWN, OK, blame, visible
from claude_ls.workspace import authorship
from claude_ls.workspace.authorship import Authorship, JobRecord, WrittenLines
from claude_ls.workspace.database import NAME, Database

TIME = datetime(2026, 7, 1, 12, tzinfo=UTC)
DATE = TIME.astimezone().strftime("%Y-%m-%d")
LINES = [
    "import sys",
    "",
    "def prices(name):",
    "\trows = load(name)",
    "    return sorted(rows)",
    "",
    "show(1)",
    "end()",
]


class Desk:
    """A folder with one file in it, a state folder, and a console to look at."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.file = folder / "shop.py"
        self.file.write_bytes("\n".join(LINES).encode())
        self._kept = Database(self.state, {"authorship": authorship.TABLES})
        self.authorship = Authorship(self._kept)

    def wrote(self, job: str, start: int, stop: int, lines: Sequence[str] = LINES) -> None:
        around = tuple(lines[max(0, start - 3) : start]), tuple(lines[stop : stop + 3])
        self.authorship.remember_lines([WrittenLines(job, self.file, around[0], tuple(lines[start:stop]), around[1])])

    def asked(self, identity: str, **changes: object) -> None:
        fields: dict[str, Any] = {
            **{"id": identity, "action": "edit", "title": "Edit prices", "instruction": "sort the prices"},
            **{"model": "claude-opus-4-8", "cost": 0.0123, "checks": (("ruff", True), ("pytest", False))},
            **{"answer": "Done.", "time": TIME, "conversation": "[]"},
        }
        self.authorship.remember_job(JobRecord(**{**fields, **changes}))

    def blame(self, file: Path | None = None, *, width: int = 100, terminal: bool = False) -> tuple[int, str]:
        """The exit code, and what is on the screen."""
        out = io.StringIO()
        console = Console(file=out, width=width, force_terminal=terminal, color_system="standard" if terminal else None)
        return blame(self.state, file or self.file, as_json=False, console=console), out.getvalue()

    def data(self, file: Path | None = None) -> tuple[int, Any]:
        out = io.StringIO()
        code = blame(self.state, file or self.file, as_json=True, console=Console(file=out, width=30))
        assert out.getvalue().isascii() and out.getvalue().count("\n") == 1
        return code, json.loads(out.getvalue())

    def close(self) -> None:
        self._kept.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def test_each_line_stands_beside_its_job_and_a_summary_follows(desk: Desk) -> None:
    desk.asked("0d9f3c2a-11aa", instruction="sort the prices\nand return them as a list, please")
    desk.asked("77777777-22bb", title="Tidy up", instruction="", cost=None, checks=())
    desk.wrote("0d9f3c2a-11aa", 2, 5)
    desk.wrote("77777777-22bb", 6, 8)
    code, shown = desk.blame()
    assert code == OK
    assert shown == (
        "                                 1 │ import sys\n"
        "                                 2 │ \n"
        f"0d9f3c2a {DATE}              3 ┃ def prices(name):\n"
        "sort the prices and return them… 4 ┃         rows = load(name)\n"
        "claude-opus-4-8                  5 ┃     return sorted(rows)\n"
        "                                 6 │ \n"
        f"77777777 {DATE}              7 ┃ show(1)\n"
        "Tidy up                          8 ┃ end()\n"
        "\n"
        "5 of 8 lines are Claude's (62 %):\n"
        "0d9f3c2a  3 lines  Edit prices                                               \n"
        f"                   {DATE} · claude-opus-4-8 · $0.0123 · ✓ ruff · ✗ pytest\n"
        "                   sort the prices                                           \n"
        "                   and return them as a list, please                         \n"
        "77777777  2 lines  Tidy up                                                   \n"
        f"                   {DATE} · claude-opus-4-8                              \n"
    )


def test_lines_of_two_jobs_that_touch_are_two_blocks(desk: Desk) -> None:
    desk.wrote("first", 2, 4)
    desk.wrote("second", 4, 5)
    shown = desk.blame()[1].splitlines()
    assert [line[:8].strip() for line in shown[2:5]] == ["first", "", "second"]
    desk.asked("second")
    assert desk.blame()[1].splitlines()[4].startswith(f"second {DATE}")


def test_a_job_of_which_nothing_is_known_is_named_all_the_same(desk: Desk) -> None:
    desk.wrote("lost", 7, 8)
    code, shown = desk.blame()
    assert code == OK
    assert shown.endswith("1 of 8 lines are Claude's (12 %):\nlost  1 line  nothing more is known of this job\n")
    assert desk.data()[1]["jobs"] == [{"id": "lost", "lines": 1}]


def test_short_names_are_as_long_as_it_takes_to_tell_them_apart(desk: Desk) -> None:
    desk.wrote("same-prefix-1", 2, 5)
    desk.wrote("same-prefix-2", 6, 8)
    shown = desk.blame()[1]
    assert "same-prefix-1 " in shown and "same-prefix-2 " in shown


def test_a_long_line_is_not_wrapped_and_a_narrow_screen_has_a_narrow_margin(desk: Desk) -> None:
    long = "value = " + "x" * 300
    desk.file.write_text(f"{long}\n")
    desk.authorship.remember_lines([WrittenLines("1", desk.file, (), (long,), ())])
    desk.asked("1", title="漢字" * 40, instruction="漢字" * 40)
    assert desk.blame(width=30)[1].splitlines()[0] == f"1 {DATE[:7]}… 1 ┃ {long}"
    # A wide character that does not fit leaves a blank.
    desk.file.write_text(f"{long}\nsecond_line()\n")
    desk.authorship.remember_lines([WrittenLines("1", desk.file, (), (long, "second_line()"), ())])
    margin = desk.blame(width=30)[1].splitlines()[1].partition(" 2 ┃ ")[0]
    assert cell_len(margin) == 10


def test_nothing_in_a_file_or_an_instruction_reaches_the_terminal_as_a_command(desk: Desk) -> None:
    evil = "x = '\x1b]0;title\x07 \x9b31m \x00 \x7f \u202e \u2028 [red]:smile:'"
    desk.file.write_bytes(f"{evil}\r\nend()\r\n".encode())
    desk.authorship.remember_lines([WrittenLines("1\x1b", desk.file, (), (evil, "end()"), ())])
    checks = (("\x1bc", True),)
    desk.asked("1\x1b", title="\x1b[2J", instruction="\x1b[3J\n\x08\ud83d", model="\x1b[4J", checks=checks)
    code, shown = desk.blame(terminal=True)
    assert code == OK
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert all(character.isprintable() or character == "\n" for character in plain)
    assert "x = '␛]0;title␇ ␦31m ␀ ␡ ␦ ␦ [red]:smile:'\n" in plain
    for said in ("1␛", "␛[2J", "␛[3J", "␈␦", "␛[4J", "✓ ␛c"):
        assert said in plain
    assert "title" in str(desk.data()[1])


def test_a_program_gets_a_line_for_each_line_and_all_of_the_jobs(desk: Desk) -> None:
    desk.asked("1", instruction="€\x1b\ud83d")
    desk.wrote("1", 3, 5)
    assert desk.data() == (
        OK,
        {
            "lines": [{"line": number, "job": "1" if number in (4, 5) else None} for number in range(1, 9)],
            "jobs": [
                {
                    **{"id": "1", "lines": 2, "action": "edit", "title": "Edit prices", "instruction": "€\x1b\ud83d"},
                    **{"model": "claude-opus-4-8", "cost": 0.0123, "answer": "Done.", "time": TIME.isoformat()},
                    "checks": [{"name": "ruff", "passed": True}, {"name": "pytest", "passed": False}],
                }
            ],
            "notes": [],
        },
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_those_of_the_editor(desk: Desk, end: str) -> None:
    lines = ["a\u2028b = 1", "c\x0bd\x85e()", "f\x0cg()", "h()", "i()"]
    desk.file.write_bytes(end.join(lines).encode())
    desk.wrote("1", 1, 3, lines)
    assert [line["job"] for line in desk.data()[1]["lines"]] == [None, "1", "1", None, None]
    assert desk.blame()[1].splitlines()[:5][1].endswith("2 ┃ c␋d␦e()")


def test_a_byte_order_mark_is_not_part_of_the_first_line(desk: Desk) -> None:
    desk.file.write_bytes("\ufefffirst()\nsecond()\n".encode())
    desk.wrote("1", 0, 1, ["first()", "second()"])
    assert desk.blame()[1].splitlines()[0].endswith("1 ┃ first()")


def test_a_file_is_known_by_whatever_name_leads_to_it(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.wrote("1", 3, 5)
    (tmp_path / "link.py").symlink_to(desk.file)
    monkeypatch.chdir(tmp_path)
    assert desk.blame(Path("link.py"))[0] == desk.blame(Path("shop.py"))[0] == OK


def test_where_nothing_is_known_it_says_so(desk: Desk) -> None:
    assert desk.blame() == (
        NOTHING_KNOWN,
        f"Nothing was ever kept in {desk.state}.\nNone of the 8 lines of {desk.file} is known to be Claude's.\n",
    )
    assert not desk.state.exists()  # to look is not to make
    desk.asked("1")
    assert desk.blame() == (NOTHING_KNOWN, f"None of the 8 lines of {desk.file} is known to be Claude's.\n")
    nobody = [{"line": number, "job": None} for number in range(1, 9)]
    assert desk.data() == (NOTHING_KNOWN, {"lines": nobody, "jobs": [], "notes": []})
    desk.file.write_text("")
    assert desk.blame() == (NOTHING_KNOWN, f"None of the 0 lines of {desk.file} is known to be Claude's.\n")


def test_a_file_that_cannot_be_read_is_refused(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"caf\xe9\n")
    os.mkfifo(tmp_path / "pipe.py")
    reasons = {
        tmp_path / "none\x1b.py": r"'none\x1b.py' cannot be read: No such file or directory",
        tmp_path / "latin.py": "'latin.py' is not UTF-8 (byte 3), and is left alone",
        tmp_path / "pipe.py": "'pipe.py' is not a regular file",
        tmp_path: f"{str(tmp_path)!r} is a folder; name one of the files in it",
        tmp_path / ("long" * 100): f"'{'long' * 100}' cannot be read: File name too long",
    }
    for file, reason in reasons.items():
        assert desk.blame(file) == (BAD_FILE, f"{reason}\n")
        assert desk.data(file) == (BAD_FILE, {"error": reason})


def test_a_state_folder_that_cannot_be_read_is_told(desk: Desk, tmp_path: Path) -> None:
    desk.state = tmp_path / ("long" * 100)
    assert desk.blame() == (BAD_FILE, f"{desk.state} cannot be read: File name too long\n")
    desk.state = tmp_path / "other"
    (desk.state / NAME).mkdir(parents=True)
    code, shown = desk.blame()
    assert (code, shown) == (BAD_FILE, f"{desk.state / NAME} cannot be used: unable to open database file\n")


def test_a_damaged_database_is_told_of(desk: Desk) -> None:
    desk.state.mkdir()
    (desk.state / NAME).write_bytes(b"not a database, certainly not" * 100)
    code, shown = desk.blame()
    assert code == NOTHING_KNOWN
    assert "was damaged and is set aside" in shown


@given(st.text())
def test_what_is_visible_is_as_long_as_before_and_can_be_printed(text: str) -> None:
    seen = visible(text)
    assert len(seen) == len(text)
    assert visible(seen) == seen
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]", seen)
    assert all(new == old for new, old in zip(seen, text, strict=True) if old.isprintable())


def test_what_people_write_stays_as_it_is() -> None:
    for text in ("año", "漢字", "👩\u200d🚀", "क्\u200dष", "a\xa0b", "\ue0b0"):
        assert visible(text) == text
