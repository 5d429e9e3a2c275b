"""Which lines Claude wrote: right after it wrote them, and after a person has worked on the file for a while.

In the tables a file is shown with a mark before each line that is Claude's: the digit of its job.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from claude_ls.text.diff import lines_with_breaks
from claude_ls.workspace import authorship
from claude_ls.workspace.authorship import Authorship, JobRecord, WrittenLines, attributed
from claude_ls.workspace.database import Database, DatabaseProblem

PATH = Path("/work/shop.py")
NOW = datetime.now(UTC)

BEFORE = """
  import sys
  import json
  from shop import tax
  from shop import goods

  def load(name):
      with open(name) as file:
          return json.load(file)

1 def prices(name):
1     rows = load(name)
1     if not rows:
1         return None
1     return [row["price"] for row in rows]

  def total(name):
      rows = load(name)
      return sum(rows)
"""
"""The file as Claude left it."""


def read(shown: str) -> tuple[list[str], list[str | None]]:
    """Lines, and the job of each."""
    lines = shown.removeprefix("\n").removesuffix("\n").split("\n")
    return [line[2:] for line in lines], [line[:1].strip() or None for line in lines]


def show(lines: Sequence[str], owners: Sequence[str | None]) -> str:
    return "\n".join(f"{owner or ' '} {line}" for line, owner in zip(lines, owners, strict=True))


def written(lines: Sequence[str], start: int, stop: int, job: str = "1") -> WrittenLines:
    """The lines `start..stop` of a file as the session remembers them."""
    before, after = lines[max(0, start - 3) : start], lines[stop : stop + 3]
    return WrittenLines(job, PATH, tuple(before), tuple(lines[start:stop]), tuple(after))


def records(shown: str) -> list[WrittenLines]:
    """One record for each row of marked lines, in the order of their jobs."""
    lines, owners = read(shown)
    rows = []
    start = 0
    for number, owner in enumerate(owners):
        if number + 1 == len(owners) or owners[number + 1] != owner:
            if owner:
                rows.append(written(lines, start, number + 1, owner))
            start = number + 1
    return sorted(rows, key=lambda record: record.job)


def check(before: str, after: str) -> None:
    """Claude wrote what is marked in `before`; of today's file it is what is marked in `after`."""
    lines, owners = read(after)
    assert show(lines, attributed(lines, records(before))) == show(lines, owners)


def changed(shown: str, *replacements: tuple[str, str]) -> str:
    for old, new in replacements:
        assert shown.count(old) == 1, old
        shown = shown.replace(old, new)
    return shown


ROWS = (
    '1     rows = load(name)\n1     if not rows:\n1         return None\n1     return [row["price"] for row in rows]\n'
)
WHOLE = f"1 def prices(name):\n{ROWS}"
SHORTER = BEFORE.replace(WHOLE, "").replace("file)\n\n\n", "file)\n\n")

LATER = {
    "nothing happened": BEFORE,
    "the person typed above": changed(BEFORE, ("  import sys\n", '  """Prices."""\n  \n  import os\n  import sys\n')),
    "the person typed in the middle": changed(
        BEFORE, ("1     if not", "      log(rows)\n      check(rows)\n1     if not")
    ),
    "the person changed a line": changed(BEFORE, ("1     if not rows:", "      if len(rows) == 0:")),
    "the person changed most of it": changed(
        BEFORE, (WHOLE, '  def costs(file):\n      found = read(file)\n1     return [row["price"] for row in rows]\n')
    ),
    "the person deleted a line": changed(BEFORE, ("1     if not rows:\n1         return None\n", "")),
    "the person wrote all of the context anew": changed(
        BEFORE,
        ("          return json.load(file)", "          return parse(file)"),
        ("      with open(name) as file:", "      with utf8(name) as file:"),
        ("  def total(name):\n      rows = load(name)", "  def count(name):\n      found = names(name)"),
    ),
    "the file was indented and cleaned": "\n".join(
        f"{line[:2]}        {line[2:].strip()}  \t" for line in BEFORE.strip("\n").split("\n")
    ),
    "the function was moved up": changed(SHORTER, ("  def load", f"{WHOLE}  \n  def load")),
    "the function was moved to the end": SHORTER.rstrip("\n") + f"\n  \n{WHOLE}",
    "the function was moved up with a line changed": changed(
        SHORTER, ("  def load", f"{WHOLE.replace('1     if not rows:', '      if not found:')}  \n  def load")
    ),
    "the person deleted it again": SHORTER,
    "a formatter joined two lines": changed(
        BEFORE, ("1     if not rows:\n1         return None\n", "      if not rows: return None\n")
    ),
    # Between two rows of the person's stands a `return` that tells nothing: nobody knows whose that is.
    "a line that tells nothing was left alone": changed(
        BEFORE,
        ("1     if not rows:\n", "      x = 1\n" * 5),
        ("1         return None\n", "          return None\n" + "      y = 1\n" * 5),
    ),
}


@pytest.mark.parametrize("after", LATER.values(), ids=LATER)
def test_claudes_lines_after_the_person_has_been_at_them(after: str) -> None:
    check(BEFORE, after)


def test_a_line_is_found_again_where_a_formatter_sorted_it_to() -> None:
    imports = (
        "  from shop import bill\n  from shop import goods\n1 from shop import apples\n  from shop import tax\n  \n"
    )
    check(
        imports,
        "1 from shop import apples\n  from shop import bill\n  from shop import goods\n  from shop import tax\n  \n",
    )


AROUND = "  def f():\n      alpha()\n      beta()\n@      gamma()\n      delta()\n      epsilon()\n"
FAR = "  filler()\n" * 9


@pytest.mark.parametrize(
    "line", ["self.close()", "archive.close_everything()", "archive.close_everything_that_is_still_open(now)"]
)
def test_one_line_that_stands_far_from_all_that_was_around_it_is_the_persons(line: str) -> None:
    check(AROUND.replace("@", f"1     {line}\n"), AROUND.replace("@", "") + FAR + f"  def g():\n      {line}\n")


def test_several_lines_are_known_far_from_all_that_was_around_them_if_they_say_enough() -> None:
    little, much = "1     open()\n1     close()\n", "1     open_the_archive()\n1     close_the_archive()\n"
    check(AROUND.replace("@", little), AROUND.replace("@", "") + FAR + little.replace("1", " "))
    check(AROUND.replace("@", much), AROUND.replace("@", "") + FAR + much)


def test_a_little_of_a_long_change_is_known_by_a_line_next_to_it() -> None:
    rows = [f"the_long_line_number_{number}_of_claudes()" for number in range(9)]
    ours = "".join(f"1     {row}\n" for row in rows)
    theirs = "  def g():\n" + "      theirs()\n" * 4
    before = AROUND.replace("gamma", "everything_has_been_said").replace("@", ours)
    check(before, f"{theirs}1     {rows[-1]}\n      everything_has_been_said()\n{theirs}")


def test_what_is_left_at_both_ends_of_a_long_change_is_claudes() -> None:
    ours = "1     start()\n" + "".join(f"1     line_{number}()\n" for number in range(30)) + "1     stop()\n"
    rest = "  def f():\n      alpha()\n      beta()\n1     start()\n1     stop()\n  def g():\n"
    check(AROUND.replace("@", ours), rest)


def test_a_bracket_is_claudes_only_beside_a_line_that_is() -> None:
    before = "  main() {\n1     while (open) {\n1         read();\n1     }\n  }\n"
    check(before, "  main() {\n1     while (open) {\n          write();\n1     }\n  }\n")
    check(before, "  main() {\n      for (;;) {\n          write();\n      }\n  }\n")
    check(before, "  main() {\n      }\n  }\n")
    ours = "1     one();\n1     two();\n1     three();\n1     four();\n1     five();\n"
    end = "@     }\n@ \n@     }\n@ \n@     }\n"
    before = f"  main() {{\n1     if (open) {{\n{ours}{end.replace('@', '1')}  other();\n"
    check(before, "  main() {\n1     if (open) {\n" + "      mine();\n" * 5 + end.replace("@", " "))


def test_a_short_line_among_brackets_is_known_by_half_of_what_is_around_it() -> None:
    before = "  }\n" * 6 + "1 go()\n" + "  ]\n" * 6
    check(before, before)
    check(before, before.replace("  }\n1", "  >\n1").replace("go()\n  ]", "go()\n  >"))
    check(before, before.replace("  }\n  }\n  }\n1", "  >\n" * 3 + " ").replace("]\n  ]\n  ]", "]\n  >\n  ]", 1))


def test_lines_that_tell_nothing_are_claudes_where_all_stands_between_its_old_neighbours() -> None:
    before = "  def f(x):\n      if x:\n          g(x)\n1     else:\n1         return None\n      h(x)\n"
    check(before, before)
    check(before, before.replace("      h(x)", "      k(x)").replace("1", " "))


@pytest.mark.parametrize("between", ["  \n", f"  \n{FAR}{FAR}"], ids=["near", "far"])
def test_the_same_lines_elsewhere_are_not_claudes(between: str) -> None:
    rows = [f"@     step_number_{number}(name)\n" for number in range(8)]
    theirs, ours = "".join(rows).replace("@", " "), "".join(rows).replace("@", "1")
    before = f"  def one(name):\n{theirs}{between}1 def two(name):\n{ours}  \n  def three():\n      alpha()\n"
    check(before, before)
    # Only the original is in one piece now, but it has not the context.
    torn = "".join(f"      log({at})\n      log(name)\n{row}" for at, row in enumerate(rows)).replace("@", "1")
    check(before, before.replace(ours, torn))
    # What is gone from the copy is not to be found in the original.
    check(before, before.replace(ours, "".join(rows[:3]).replace("@", "1")))


def test_nobody_knows_which_of_two_like_places_is_claudes() -> None:
    block = "  alpha()\n  beta()\n  gamma()\n@ delta()\n  epsilon()\n  zeta()\n  eta()\n"
    between = "  other()\n" * 5
    before = block.replace("@", "1") + between
    check(
        before, block.replace("@", "1") + between + block.replace("@", "1").replace("zeta", "theta").replace("1", " ")
    )
    check(before, block.replace("@", " ") + between + block.replace("@", " "))
    # Unless it wrote both of them.
    twice = (block + between + block).replace("@", "1")
    check(twice, twice)


def test_records_that_are_alike_get_a_place_each() -> None:
    block = "  alpha()\n  beta()\n  gamma()\n@ delta()\n  epsilon()\n  zeta()\n  eta()\n"
    shown = block.replace("@", "1") + "  other()\n" * 5 + block.replace("@", "2")
    check(shown, shown)


def test_the_ends_of_the_file_are_context() -> None:
    check("1 x = 1\n", "1 x = 1\n")
    check("1 x = 1\n", "  def long_name(of_the_person):\n      x = 1\n      return of_the_person * 2\n")
    check("1 first = 1\n  b()\n  c()\n  d()\n", "1 first = 1\n  other()\n  more()\n  most()\n")
    check("1 x = 1\n  beta()\n", "1 x = 1\n  gamma()\n")
    check("1 x = 1\n  beta()\n", "  gamma()\n  x = 1\n")


def test_what_was_written_later_wins() -> None:
    lines, _ = read(BEFORE)
    whole = written(lines, 9, 14, "1")
    part = written(lines, 11, 13, "2")
    assert attributed(lines, [whole, part])[9:14] == ["1", "1", "2", "2", "1"]
    assert attributed(lines, [part, whole])[9:14] == ["1"] * 5


def test_what_a_later_job_wrote_into_an_earlier_one_splits_it() -> None:
    lines, _ = read(BEFORE)
    early = written(lines, 9, 14, "1")
    lines[11:13] = ["    rows.sort()", "    print(rows)"]
    late = written(lines, 11, 13, "2")
    assert attributed(lines, [early, late])[8:15] == [None, "1", "1", "2", "2", "1", None]


def test_a_file_of_one_line_over_and_over_is_no_trouble() -> None:
    lines = ["x = 1"] * 10_000
    assert attributed(lines, [written(lines, 0, 10_000)]) == ["1"] * 10_000
    assert attributed(lines, [written(lines, 5000, 5010, str(job)) for job in range(100)]) == [None] * 10_000
    marked = [*lines[:5000], "here = 2", *lines[5000:]]
    assert attributed(marked, [written(marked, 4998, 5003)]) == [None] * 4998 + ["1"] * 5 + [None] * 4998


PLAIN = ["", "}", "else:", "return None", "  );"]
TELLING = ["alpha()", "    beta = 1", "gamma\u2028(1)", "delta\f[0]", "return epsilon", "x", "ζ"]
TELLING += [f"step_{number}()" for number in range(20)]
LINE = st.sampled_from(PLAIN) | st.sampled_from(TELLING)


@st.composite
def one_change(draw: st.DrawFn, around: int = 0) -> tuple[list[str], int, int]:
    """A file of which Claude has just written some lines, and which no other place in it can be mistaken for."""
    head = draw(st.lists(LINE, min_size=around, max_size=12))
    ours = draw(st.lists(LINE, min_size=1, max_size=8))
    tail = draw(st.lists(LINE, min_size=around, max_size=12))
    lines, start, stop = [*head, *ours, *tail], len(head), len(head) + len(ours)
    assume(only_once(lines, start, stop))
    return lines, start, stop


def only_once(lines: Sequence[str], start: int, stop: int) -> bool:
    record = written(lines, start, stop)
    top, bottom = ["^"] * (start < 3), ["$"] * (len(lines) - stop < 3)
    stretch = [*top, *(line.strip() for line in (*record.before, *record.lines, *record.after)), *bottom]
    file = ["^", *(line.strip() for line in lines), "$"]
    return sum(file[at : at + len(stretch)] == stretch for at in range(len(file))) == 1


@given(one_change())
def test_right_after_writing_claudes_lines_are_claudes_and_all_others_are_not(
    change: tuple[list[str], int, int],
) -> None:
    lines, start, stop = change
    owners = attributed(lines, [written(lines, start, stop)])
    for number, owner in enumerate(owners):
        assert owner in ([None, "1"] if start <= number < stop else [None])
        if start <= number < stop and lines[number] in TELLING:
            assert owner == "1"


@given(one_change(around=3), st.data())
def test_typing_elsewhere_changes_nothing(change: tuple[list[str], int, int], data: st.DataObject) -> None:
    lines, start, stop = change
    record = written(lines, start, stop)
    owners = attributed(lines, [record])
    at = data.draw(st.integers(0, start - 3) | st.integers(stop + 3, len(lines)))
    typed = data.draw(st.lists(LINE, max_size=5))
    after = [*lines[:at], *typed, *lines[at:]]
    moved = len(typed) if at < start else 0
    assume(only_once(after, start + moved, stop + moved))
    assert attributed(after, [record]) == [*owners[:at], *[None] * len(typed), *owners[at:]]


@given(one_change(), st.data())
def test_whoever_changes_a_line_has_written_it(change: tuple[list[str], int, int], data: st.DataObject) -> None:
    lines, start, stop = change
    at = data.draw(st.integers(start, stop - 1))
    after = [*lines[:at], f"{lines[at]} too", *lines[at + 1 :]]
    assert attributed(after, [written(lines, start, stop)])[at] is None


@given(one_change(), st.data())
def test_blanks_around_a_line_do_not_matter(change: tuple[list[str], int, int], data: st.DataObject) -> None:
    lines, start, stop = change
    blanks = st.text(" \t", max_size=5)
    after = [data.draw(blanks) + line.strip(" ") + data.draw(blanks) for line in lines]
    record = written(lines, start, stop)
    assert attributed(after, [record]) == attributed(lines, [record])


@st.composite
def several_changes(draw: st.DrawFn) -> tuple[list[str], list[WrittenLines]]:
    """A file, and records of which some fit it and some do not."""
    lines = draw(st.lists(LINE, max_size=25))
    other = draw(st.lists(LINE, max_size=25))
    found = []
    for job in range(draw(st.integers(1, 4))):
        source = draw(st.sampled_from([lines, other]))
        start = draw(st.integers(0, len(source)))
        found.append(written(source, start, draw(st.integers(start, len(source))), str(job)))
    return lines, found


@given(several_changes())
def test_each_record_is_judged_by_itself_and_the_newest_wins(change: tuple[list[str], list[WrittenLines]]) -> None:
    lines, found = change
    said = Counter((record.before, record.lines, record.after) for record in found)
    assume(max(said.values()) == 1)
    expected: list[str | None] = [None] * len(lines)
    for record in found:
        own = attributed(lines, [record])
        assert set(own) <= {None, record.job}
        assert all(lines[at].strip() in map(str.strip, record.lines) for at, owner in enumerate(own) if owner)
        expected = [new or old for new, old in zip(own, expected, strict=True)]
    # Lines that differ in blanks only make records alike, too.
    alike = Counter(tuple(line.strip() for line in (*each.before, *each.lines, *each.after)) for each in found)
    if max(alike.values()) == 1:
        assert attributed(lines, found) == expected


@pytest.fixture
def kept(tmp_path: Path) -> Authorship:
    return Authorship(Database(tmp_path, {"authorship": authorship.TABLES}))


def job(identity: str = "1", **changes: object) -> JobRecord:
    fields: dict[str, object] = {
        **{"id": identity, "action": "edit", "title": "Edit prices", "instruction": "say “€”\nand more \ud83d"},
        **{"model": "claude-opus-4-8", "cost": 0.0123, "checks": (("ruff", True), ("pytest", False))},
        **{"answer": "Done.\x00\x1b[31m", "time": NOW, "conversation": '[{"role": "user"}]'},
    }
    return JobRecord(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_job_is_remembered_as_it_was(kept: Authorship) -> None:
    assert kept.job("1") is None
    kept.remember_job(job())
    assert kept.job("1") == job()
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    kept.remember_job(job(cost=None, checks=(), conversation="", time=tokyo))
    found = kept.job("1")
    assert found == job(cost=None, checks=(), conversation="", time=NOW)
    assert found is not None and found.time.utcoffset() == timedelta(0)
    assert kept.job("2") is None


def test_a_time_without_a_zone_is_refused(kept: Authorship) -> None:
    with pytest.raises(ValueError, match="time zone"):
        kept.remember_job(job(time=datetime(2026, 7, 1)))
    assert kept.job("1") is None


def test_lines_are_remembered_and_forgotten_by_job_and_file(kept: Authorship) -> None:
    lines, _ = read(BEFORE)
    other = Path("/work/other.py")
    text = "\n".join(lines)
    assert kept.blame(PATH, text) == [None] * len(lines)
    kept.remember_lines([written(lines, 9, 14, "1"), written(lines, 11, 13, "2")])
    kept.remember_lines([WrittenLines("1", other, (), ("other = 1", "more = 2"), ())])
    kept.remember_lines([])
    assert kept.blame(PATH, text)[9:14] == ["1", "1", "2", "2", "1"]
    assert kept.blame(other, "other = 1\nmore = 2\n") == ["1", "1"]
    kept.forget_lines("2", PATH)
    assert kept.blame(PATH, text)[9:14] == ["1"] * 5
    kept.forget_lines("1", other)
    assert kept.blame(PATH, text)[9:14] == ["1"] * 5
    kept.forget_lines("1", PATH)
    assert kept.blame(PATH, text) == [None] * len(lines)


def test_a_job_that_is_told_again_keeps_its_lines(kept: Authorship) -> None:
    kept.remember_lines([WrittenLines("1", PATH, (), ("alpha()",), ())])
    kept.remember_job(job())
    kept.remember_job(job(answer="Again."))
    assert kept.blame(PATH, "alpha()") == ["1"]


def test_all_is_on_disk_when_a_call_returns(kept: Authorship, tmp_path: Path) -> None:
    kept.remember_job(job())
    kept.remember_lines([WrittenLines("1", PATH, (), ("alpha()",), ())])
    another = Authorship(Database(tmp_path, {"authorship": authorship.TABLES}))
    assert another.job("1") == job()
    assert another.blame(PATH, "alpha()\n") == ["1"]


def test_any_thread_may_write(kept: Authorship) -> None:
    def write(number: int) -> None:
        for count in range(5):
            kept.remember_job(job(f"{number}-{count}"))
            path = Path(f"/work/{number}.py")
            kept.remember_lines([WrittenLines(f"{number}-{count}", path, (), (f"line{count} = {count}",), ())])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(kept.job(f"{number}-{count}") for number in range(4) for count in range(5))
    assert [kept.blame(Path(f"/work/{number}.py"), "line4 = 4") for number in range(4)] == [
        [f"{n}-4"] for n in range(4)
    ]


def test_what_is_old_is_forgotten_together_with_its_lines(kept: Authorship) -> None:
    kept.remember_job(job("old", time=NOW - timedelta(days=40)))
    kept.remember_job(job("new", time=NOW - timedelta(days=20)))
    old, new = WrittenLines("old", PATH, (), ("alpha()",), ()), WrittenLines("new", PATH, (), ("beta()",), ())
    kept.remember_lines([old, new])
    kept.prune(1e12)
    kept.prune(30)
    # The lines of a job that is not known (yet) are as old as they are themselves.
    kept.remember_lines([WrittenLines("unknown", PATH, (), ("gamma()",), ())])
    kept.prune(30)
    assert (kept.job("old"), kept.job("new")) == (None, job("new", time=NOW - timedelta(days=20)))
    assert [kept.blame(PATH, text) for text in ("beta()", "gamma()")] == [["new"], ["unknown"]]
    kept.prune(0)
    assert kept.job("new") is None
    assert [kept.blame(PATH, text) for text in ("beta()", "gamma()")] == [[None], [None]]


def test_lines_outlive_a_prune_only_with_their_job(kept: Authorship) -> None:
    kept.remember_lines([WrittenLines("old", PATH, (), ("alpha()",), ())])
    kept.remember_job(job("old", time=datetime.now(UTC) + timedelta(days=1)))
    kept.prune(0)
    assert kept.blame(PATH, "alpha()") == ["old"]


LINES = ("def prices(name):", "    rows = load(name)", "    return sorted(rows)")
NOTHING = [None] * 3


def test_a_file_that_was_renamed_is_recognised_by_what_is_in_it(kept: Authorship, tmp_path: Path) -> None:
    old, new, text = tmp_path / "old.py", tmp_path / "new.py", "\n".join(LINES)
    kept.remember_lines([WrittenLines("1", old, (), LINES, ())])
    assert kept.blame(new, text) == ["1"] * 3
    assert kept.blame(tmp_path / "new.js", text) == NOTHING  # another language
    assert kept.blame(new, "\n".join(LINES[:2])) == [None] * 2  # too little to know it by
    old.touch()
    assert kept.blame(new, text) == NOTHING  # a copy
    old.unlink()
    kept.remember_lines([WrittenLines("2", tmp_path / "older.py", (), LINES, ())])
    assert kept.blame(new, text) == NOTHING  # which of the two?
    kept.remember_lines([WrittenLines("3", new, (), ("new_here()",), ())])
    assert kept.blame(new, text) == NOTHING  # it has a history of its own


def test_a_renamed_file_has_to_hold_half_of_what_was_written(kept: Authorship, tmp_path: Path) -> None:
    more = tuple(f"other_line_{number} = {number}" for number in range(4))
    kept.remember_lines([WrittenLines("1", tmp_path / "old.py", (), (*LINES, *more), ())])
    assert kept.blame(tmp_path / "new.py", "\n".join(LINES)) == NOTHING
    assert kept.blame(tmp_path / "new.py", "\n".join((*LINES, *more[:1]))) == ["1"] * 4


def test_a_file_that_cannot_be_looked_at_may_be_there(kept: Authorship, tmp_path: Path) -> None:
    # A name that is too long to be asked for.
    kept.remember_lines([WrittenLines("1", tmp_path / f"{'long' * 100}.py", (), LINES, ())])
    assert kept.blame(tmp_path / "new.py", "\n".join(LINES)) == NOTHING


def test_names_need_not_be_text(kept: Authorship) -> None:
    path = Path(os.fsdecode(b"/work/\xff.py"))
    kept.remember_lines([WrittenLines("1", path, (), ("half = '\ud83d'",), ())])
    assert kept.blame(path, "half = '\ud83d'") == ["1"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_end_where_the_protocol_ends_them(kept: Authorship, end: str, last: bool) -> None:
    lines = ["a\u2028b = 1", "c\x0bd\x85e()", "", "f\x0cg()", "h()", "i()", "j()"]
    kept.remember_lines([written(lines, 1, 4)])
    assert kept.blame(PATH, end.join(lines) + end * last) == [None, "1", "1", "1", None, None, None]


@settings(deadline=None)
@given(st.text("ab =\n\r\u2028\ud83d", max_size=40), several_changes())
def test_there_is_an_answer_for_each_line_of_any_text(text: str, change: tuple[list[str], list[WrittenLines]]) -> None:
    lines = lines_with_breaks(text)
    owners = attributed(lines, change[1])
    assert len(owners) == len(lines)
    assert set(owners) <= {None, *(record.job for record in change[1])}


def test_what_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = Authorship(Database(tmp_path / "file", {"authorship": authorship.TABLES}))
    with pytest.raises(DatabaseProblem):
        kept.remember_job(job())
    with pytest.raises(DatabaseProblem):
        kept.blame(PATH, "")
