"""What waits for review, over everything that Claude, the person and their undo key can do to a text."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.editing.review import PendingHunk, ReviewLog, as_diff, grouped, unchanged_in, whole_lines
from claude_ls.text.diff import changes, lines_with_breaks, minimal_patch
from claude_ls.text.patch import Span, TextEdit, apply
from claude_ls.text.rebase import sequential

BREAKS = ("\n", "\r\n", "\r")


def claude(log: ReviewLog, old: str, new: str, job: str = "a", *, tidy: bool = True) -> None:
    """Claude replaces the only `old`, as small as the engine would do it."""
    start = log.text.index(old)
    steps = sequential(minimal_patch(old, new))
    edits = [(TextEdit(edit.start + start, edit.end + start, edit.text), job) for edit in steps]
    log.step(edits, log.text[:start] + new + log.text[start + len(old) :])
    if tidy:
        log.tidy(job)


def person(log: ReviewLog, old: str, new: str) -> None:
    """Somebody else replaces the only `old`."""
    after = log.text.replace(old, new, 1)
    become(log, after)


def become(log: ReviewLog, after: str) -> None:
    log.step([(edit, "") for edit in changes(log.text, after)], after)


def reject(log: ReviewLog, hunk: PendingHunk) -> None:
    """As the session does: the text that is left goes in, and the hunk is looked at."""
    rejection = log.rejected(hunk)
    log.leaving.add(hunk.id)
    become(log, log.text[: hunk.span.start] + rejection.text + log.text[hunk.span.end :])
    log.leaving.discard(hunk.id)
    if log.find(hunk.id):
        log.settle([hunk.id])


def reject_all(log: ReviewLog) -> None:
    while log.pending:
        reject(log, log.pending[-1])


def shown(log: ReviewLog) -> list[tuple[str, str, str]]:
    return [(hunk.id, *whole_lines(log.text, hunk)[1:]) for hunk in log.pending]


TEXT = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n"


def test_a_change_is_pending_until_it_is_settled() -> None:
    log = ReviewLog(TEXT)
    claude(log, "three\n", "drei\n")
    assert shown(log) == [("a-1", "three\n", "drei\n")]
    assert log.base == TEXT
    log.settle(["a-1"])
    assert (log.pending, log.base) == ([], log.text)


def test_near_changes_of_a_job_are_one_hunk_and_far_ones_are_two() -> None:
    log = ReviewLog(TEXT)
    claude(log, TEXT, TEXT.replace("two", "2").replace("five", "5").replace("nine", "9"))
    assert shown(log) == [
        ("a-1", "two\nthree\nfour\nfive\n", "2\nthree\nfour\n5\n"),
        ("a-3", "nine\n", "9\n"),
    ]


def test_near_changes_come_together_also_when_they_came_one_by_one() -> None:
    log = ReviewLog(TEXT)
    for old, new in (("two", "2"), ("nine", "9"), ("five", "5")):
        claude(log, old, new)
    assert [(old, new) for _, old, new in shown(log)] == [
        ("two\nthree\nfour\nfive\n", "2\nthree\nfour\n5\n"),
        ("nine\n", "9\n"),
    ]


def test_changes_of_two_jobs_stay_apart_unless_they_overlap() -> None:
    log = ReviewLog(TEXT)
    claude(log, "two", "2", "a")
    claude(log, "three", "3", "b")
    assert [hunk.jobs for hunk in log.pending] == [("a",), ("b",)]
    claude(log, "2\n", "zwei\n", "c")
    assert [hunk.jobs for hunk in log.pending] == [("a", "c"), ("b",)]
    assert shown(log)[0] == ("a-1", "two\n", "zwei\n")


def test_typing_around_a_hunk_belongs_to_the_base() -> None:
    log = ReviewLog(TEXT)
    claude(log, "three\nfour\n", "drei\n")
    person(log, "two\n", "two\nmine\n")
    person(log, "five\n", "also mine\nfive\n")
    assert shown(log) == [("a-1", "three\nfour\n", "drei\n")]
    assert log.base == TEXT.replace("two\n", "two\nmine\n").replace("five\n", "also mine\nfive\n")


def test_typing_inside_of_a_hunk_survives_its_rejection() -> None:
    log = ReviewLog(TEXT)
    claude(log, "three\nfour\n", "drei\nvier\nnew\nnewer\n")
    person(log, "new\n", "new\nmine\n")
    (hunk,) = log.pending
    assert log.typed_into(hunk)
    assert not log.rejected(hunk).kept
    reject(log, hunk)
    assert log.text == TEXT.replace("four\n", "four\nmine\n")
    assert not log.pending


def test_a_line_of_a_hunk_that_somebody_changed_is_theirs() -> None:
    log = ReviewLog(TEXT)
    claude(log, TEXT, TEXT.replace("two", "2").replace("four", "4"))
    person(log, "2\n", "2 or 3\n")
    (hunk,) = log.pending
    assert log.rejected(hunk).kept
    reject(log, hunk)
    assert log.text == TEXT.replace("two", "2 or 3")


def test_a_hunk_that_is_written_over_is_theirs() -> None:
    log = ReviewLog(TEXT)
    claude(log, "three", "drei")
    become(log, TEXT.replace("three", "MINE"))
    assert not log.pending
    log = ReviewLog(TEXT)
    claude(log, "three\n", "")
    become(log, TEXT.replace("two\nthree\nfour", "everything else"))
    assert not log.pending


def test_what_is_typed_over_the_rim_of_a_hunk_stays_outside() -> None:
    log = ReviewLog("abcdef")
    log.step([(TextEdit(2, 4, "XYZ"), "a")], "abXYZef")
    log.step([(TextEdit(1, 3, "mine"), "")], "amineYZef")
    assert [hunk.span for hunk in log.pending] == [Span(5, 7)]
    assert log.base == "aminecdef"
    log.step([(TextEdit(6, 8, "too"), "")], "amineYtoof")
    assert log.base == "aminecdtoof"


def test_undo_and_redo_by_the_persons_own_keys() -> None:
    log = ReviewLog(TEXT)
    claude(log, TEXT, TEXT.replace("two", "2").replace("nine", "9"))
    after = log.text
    for _ in range(2):
        become(log, TEXT)
        assert not log.pending
        become(log, after)
        assert [hunk.id for hunk in log.pending] == ["a-1", "a-2"]


def test_what_is_typed_where_a_hunk_was_undone_does_not_bring_it_back() -> None:
    log = ReviewLog(TEXT)
    claude(log, "three\n", "drei\n")
    become(log, TEXT)
    person(log, "three", "three and a half")
    assert not log.pending
    person(log, "three and a half", "drei")
    assert not log.pending


@pytest.mark.parametrize("equal", ["a\n", "a\n\n", "x\nx\n"])
def test_the_undo_of_lines_that_are_like_their_neighbours(equal: str) -> None:
    """The difference of the texts says that other ones of the equal lines went."""
    before = equal * 2 + "end\n"
    log = ReviewLog(before)
    log.step([(TextEdit(0, 0, equal), "a")], equal + before)
    log.tidy("a")
    become(log, before)
    assert (log.pending, log.base) == ([], before)
    become(log, equal + before)
    assert [hunk.span for hunk in log.pending] == [Span(0, len(equal))]


def test_a_second_job_over_what_somebody_typed_into_a_hunk() -> None:
    log = ReviewLog(TEXT)
    claude(log, "three\nfour\nfive\n", "drei\nvier\nfuenf\n", "a")
    person(log, "drei\n", "drei\nmine\n")
    claude(log, "fuenf\n", "funf\n", "b")
    (hunk,) = log.pending
    assert "mine" not in hunk.wrote
    assert log.typed_into(hunk)
    reject(log, hunk)
    assert log.text.replace("mine\n", "") == TEXT


def test_of_two_alike_side_by_side_the_one_goes_that_is_taken_out() -> None:
    log = with_hunks("a\nX\nX\nb\n", ("x", 2, 4, ""), ("y", 4, 6, ""))
    for job in ("x", "y"):
        (hunk,) = [hunk for hunk in log.pending if hunk.job == job]
        reject(log, hunk)
        assert [hunk.job for hunk in log.pending] == [other for other in ("y",) if job == "x"]
        assert log.base == "a\nb\n"


def test_what_comes_and_goes_while_claude_writes_is_no_hunk() -> None:
    log = ReviewLog(TEXT)
    log.step([(TextEdit(4, 7, "zwei"), "a")], TEXT.replace("two", "zwei"))
    log.step([(TextEdit(4, 8, "two"), "a")], TEXT)
    assert not log.hunks


def test_edits_that_do_not_lead_to_the_text_are_somebody_elses_in_part() -> None:
    log = ReviewLog("ab")
    log.step([(TextEdit(1, 1, "X"), "a")], "aXb and more")
    assert [hunk.span for hunk in log.pending] == [Span(1, 2)]
    assert log.base == "ab and more"


def test_names_of_hunks_are_never_given_twice() -> None:
    log = ReviewLog(TEXT, [PendingHunk("a-1", ("a",), Span(0, 3), "eins", "one")])
    claude(log, "nine", "9")
    assert [hunk.id for hunk in log.pending] == ["a-1", "a-2"]


@pytest.mark.parametrize(
    ("text", "hunk", "expected"),
    [
        ("a\nb\nc\n", (2, 4, ""), (Span(2, 4), "", "b\n")),
        ("a\nc\n", (2, 2, "b\n"), (Span(2, 2), "b\n", "")),
        ("a\nbx\nc\n", (3, 4, "y"), (Span(2, 5), "by\n", "bx\n")),
        ("a\nb", (1, 3, ""), (Span(0, 3), "a", "a\nb")),
        ("a", (1, 1, "\nb"), (Span(0, 1), "a\nb", "a")),
        ("a\r\nb\r\n", (3, 4, "c"), (Span(3, 6), "c\r\n", "b\r\n")),
        ("a\rb\r", (2, 3, "c"), (Span(2, 4), "c\r", "b\r")),
        ("", (0, 0, "a\n"), (Span(0, 0), "a\n", "")),
        ("ab\nc\n", (1, 3, ""), (Span(0, 5), "ac\n", "ab\nc\n")),
    ],
)
def test_hunks_are_shown_by_whole_lines(text: str, hunk: tuple[int, int, str], expected: tuple[Span, str, str]) -> None:
    start, end, old = hunk
    pending = PendingHunk("a-1", ("a",), Span(start, end), old, text[start:end])
    assert whole_lines(text, pending) == expected


@pytest.mark.parametrize(
    ("text", "patch", "count"),
    [
        ("1\n2\n3\n4\n5\n", (TextEdit(0, 1, "x"), TextEdit(6, 7, "x")), 1),
        ("1\n2\n3\n4\n5\n", (TextEdit(0, 1, "x"), TextEdit(8, 9, "x")), 2),
        ("1\n2\n3\n4\n5\n", (TextEdit(0, 2, ""), TextEdit(6, 8, "")), 1),
        ("1\n2\n3\n4\n5\n", (TextEdit(0, 0, "x\n"), TextEdit(4, 4, "x\n")), 1),
        ("1\n2\n3\n4\n5\n", (TextEdit(0, 0, "x\n"), TextEdit(6, 6, "x\n")), 2),
        ("1\n2\n3\n4\n5\n", (TextEdit(1, 1, "\nx"), TextEdit(6, 6, "x\n")), 1),
        ("1\r\n2\r\n3\r\n4\r\n", (TextEdit(0, 1, "x"), TextEdit(9, 10, "x")), 1),
        ("11111", (TextEdit(0, 1, "x"), TextEdit(3, 4, "x")), 1),
    ],
)
def test_up_to_two_untouched_lines_lie_within_a_hunk(text: str, patch: tuple[TextEdit, ...], count: int) -> None:
    assert len(grouped(text, patch)) == count


def with_hunks(text: str, *hunks: tuple[str, int, int, str], **more: object) -> ReviewLog:
    """A log of these hunks: job, start, end, and what the base has there."""
    pending = [
        PendingHunk(f"{job}-{number}", (job,), Span(start, end), old, text[start:end])
        for number, (job, start, end, old) in enumerate(hunks)
    ]
    return ReviewLog(text, pending, **more)  # type: ignore[arg-type]


def test_edits_from_the_middle_of_one_hunk_into_another_tell_nothing_but_the_text_does() -> None:
    """As the way back to a checkpoint is reported: by what differs, not by what was changed once."""
    text = "a3\nC5a\nC5b\na4 C4\na5\n"
    log = with_hunks(text, ("x", 3, 11, ""), ("y", 13, 16, ""))
    log.step([(TextEdit(3, 13, "a4"), ""), (TextEdit(5, 8, ""), "")], "a3\na4\na5\n")
    assert (log.pending, log.base) == ([], "a3\na4\na5\n")
    assert [hunk.undone for hunk in log.hunks] == [True, True]
    # One of the two comes again.
    become(log, "a3\na4 C4\na5\n")
    assert [(hunk.job, hunk.span) for hunk in log.pending] == [("y", Span(5, 8))]
    assert log.base == "a3\na4\na5\n"


def test_some_hunks_may_go_while_others_come() -> None:
    text = "1\nA\n2\nB\n3\nC\n4\n"
    log = with_hunks(text, ("x", 2, 4, ""), ("y", 6, 8, "b\n"), ("z", 10, 12, "c\n"))
    become(log, "1\n2\nB\n3\nc\n4\n")
    assert [hunk.job for hunk in log.pending] == ["y"]
    become(log, "1\nA\n2\nb\n3\nc\n4\n")
    assert [hunk.job for hunk in log.pending] == ["x"]
    assert log.base == "1\n2\nb\n3\nc\n4\n"
    become(log, text)
    assert [hunk.job for hunk in log.pending] == ["x", "y", "z"]
    assert log.base == "1\n2\nb\n3\nc\n4\n"


def test_typing_while_others_are_undone_is_read_from_the_edits() -> None:
    text = "1\nA\n2\nB\n3\n"
    log = with_hunks(text, ("x", 2, 4, ""), ("y", 6, 8, ""))
    become(log, "1\n2\nB\n3 and more\n")
    assert [(hunk.job, hunk.span) for hunk in log.pending] == [("y", Span(4, 6))]
    assert log.base == "1\n2\n3 and more\n"


@pytest.mark.parametrize(
    ("text", "hunk", "edit", "base"),
    [
        # From the break before its lines on, and up to the break behind them.
        ("a\nCa\nCb\nb\n", ("x", 2, 8, ""), TextEdit(1, 7, ""), "a\nb\n!"),
        ("a\nCa\nCb\nb\n", ("x", 1, 7, ""), TextEdit(2, 8, ""), "a\nb\n!"),
        # A part of it.
        ("a\nC1\nC2\nb\n", ("x", 2, 8, "o\n"), TextEdit(1, 4, ""), "a\no\nb\n!"),
        ("a\nC1\nC2\nb\n", ("x", 2, 7, "o"), TextEdit(5, 8, ""), "a\no\nb\n!"),
        # Another line, which is not to be had within it.
        ("a\nC1\nb\n", ("x", 2, 5, "o\n"), TextEdit(4, 6, ""), "a\no\n\n!"),
    ],
)
def test_a_deletion_over_the_rim_is_one_within_where_that_comes_to_the_same(
    text: str, hunk: tuple[str, int, int, str], edit: TextEdit, base: str
) -> None:
    log = with_hunks(text, hunk)
    after = apply(text, (edit,))
    # Something typed with it, so that the whole text does not tell.
    log.step([(edit, ""), (TextEdit(len(after), len(after), "!"), "")], f"{after}!")
    assert log.base == base


def test_what_was_typed_into_a_hunk_that_is_taken_back_all_the_same_is_the_base() -> None:
    log = ReviewLog("a\nb\nc\n")
    claude(log, "a\nb\n", "A\nb\nB\n")
    person(log, "b\n", "b\nmine\n")
    typed = log.text
    become(log, "a\nb\nmine\nc\n")
    assert (log.pending, log.base) == ([], "a\nb\nmine\nc\n")
    become(log, typed)
    assert log.typed_into(log.pending[0])
    assert log.base == "a\nb\nmine\nc\n"


def test_the_undo_of_the_second_of_two_jobs_brings_the_first_ones_hunk_back() -> None:
    log = ReviewLog(TEXT)
    claude(log, "three\n", "drei\nneu\n", "a")
    first = log.text
    claude(log, "drei\nneu\n", "drei!\n", "b")
    second = log.text
    for _ in range(2):
        become(log, first)
        (hunk,) = log.pending
        assert (hunk.jobs, log.typed_into(hunk), log.base) == (("a",), False, TEXT)
        become(log, second)
        (hunk,) = log.pending
        assert (hunk.jobs, log.typed_into(hunk), log.base) == (("a", "b"), False, TEXT)
    become(log, TEXT)
    assert not log.pending
    become(log, first)
    assert [hunk.jobs for hunk in log.pending] == [("a",)]


def test_hunks_are_kept_as_plain_values() -> None:
    log = ReviewLog(TEXT)
    claude(log, "three\n", "drei\nneu\n", "a")
    claude(log, "drei\nneu\n", "drei!\n", "b")
    claude(log, "nine", "9", "b")
    become(log, log.text.replace("9", "nine"))
    values = json.loads(json.dumps([hunk.as_values() for hunk in log.hunks]))
    assert [PendingHunk.of_values(value) for value in values] == log.hunks


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("1\nA\n2\n4\n", ["x-0", "y-1"]),
        ("1\r\nA\r\n2\r\n4\r\n", ["x-0", "y-1"]),
        ("1\n2\n3\n4\n", []),
        ("1\nA\n2\n3\n4\n", ["x-0"]),
        ("1\n2\n4\n", ["y-1"]),
        ("0\n1\nA\n2\n4\n5\n", ["x-0", "y-1"]),
        ("1\nA\nB\n2\n4\n", ["x-0", "y-1"]),
        ("1\nB\n2\n4\n", ["y-1"]),
        ("1\nA\n2\nother\n4\n", ["x-0"]),
        ("", []),
    ],
)
def test_what_reads_alike_in_another_version(other: str, same: list[str]) -> None:
    log = with_hunks("1\nA\n2\n4\n", ("x", 2, 4, ""), ("y", 6, 6, "3\n"))
    assert unchanged_in(log, other) == same


@given(st.integers(0, 2**32))
def test_the_diff_leads_from_the_base_to_the_text(seed: int) -> None:
    chance = random.Random(seed)
    log = ReviewLog("".join(f"line {number}\n" for number in range(chance.randint(0, 40))))
    for job in chance.choice(("a", "ab", "abc")):
        edit = random_edit(chance, log.text, "0123456789")
        log.step([(edit, job)], apply(log.text, (edit,)))
        log.tidy(job)
    if "\r" in log.text:
        return  # The diff knows one kind of line break.
    base = [line.rstrip("\n") for line in lines_with_breaks(log.base)]
    text = [line.rstrip("\n") for line in lines_with_breaks(log.text)]
    assert applied(as_diff(log, "it.py"), base) == text


def applied(diff: str, base: list[str]) -> list[str]:
    """What `patch` makes of the base; every line that the diff names must be there."""
    result: list[str] = []
    at = 0
    for line in diff.splitlines()[2:]:
        if line.startswith("@@"):
            old, new = re.findall(r"[-+](\d+)(?:,(\d+))?", line)
            start = int(old[0]) - (1 if old[1] != "0" else 0)
            result += base[at:start]
            at = start
            assert len(result) == int(new[0]) - (1 if new[1] != "0" else 0)
            continue
        if line[0] in " -":
            assert base[at] == line[1:]
            at += 1
        if line[0] in " +":
            result.append(line[1:])
    return result + base[at:]


def test_the_diff_reads_like_any_other() -> None:
    log = ReviewLog(TEXT)
    claude(log, TEXT, TEXT.replace("two\n", "2\n2b\n").replace("nine\n", ""))
    assert as_diff(log, "a.py").splitlines() == [
        *("--- a/a.py", "+++ b/a.py", "@@ -1,10 +1,10 @@", " one", "-two", "+2", "+2b", " three", " four", " five"),
        *(" six", " seven", " eight", "-nine", " ten"),
    ]
    assert as_diff(ReviewLog(TEXT), "a.py") == ""


# Claude writes digits, the person capitals, and lower case was there before: so it shows whose every character is.


def lines_of(chance: random.Random, letters: str, count: int) -> list[str]:
    return [
        "".join(chance.choice(letters) for _ in range(chance.randint(0, 4))) + chance.choice(BREAKS[:1] * 6 + BREAKS)
        for _ in range(count)
    ]


def random_edit(chance: random.Random, text: str, letters: str) -> TextEdit:
    start = chance.randint(0, len(text))
    end = min(len(text), start + chance.choice((0, 0, 1, 3, 12)))
    return TextEdit(
        start, end, "".join(lines_of(chance, letters, chance.choice((0, 1, 1, 3))))[: chance.randint(0, 12)]
    )


@given(st.integers(0, 2**32))
def test_rejecting_everything_leaves_no_word_of_claudes_and_all_of_the_persons(seed: int) -> None:
    chance = random.Random(seed)
    log = ReviewLog("".join(lines_of(chance, "abc", 12)))
    typed = 0
    for _ in range(chance.randint(1, 12)):
        if chance.random() < 0.5:
            edit = random_edit(chance, log.text, "0123456789")
            after = apply(log.text, (edit,))
            job = chance.choice("ab")
            log.step([(edit, job)], after)
            if chance.random() < 0.7:
                log.tidy(job)
        else:
            # Outside of hunks, by whole words, so that nothing of Claude's is left with the person.
            free = [at for at in range(len(log.text) + 1) if not any(h.span.start < at < h.span.end for h in log.hunks)]
            at = chance.choice(free)
            word = f"<{chr(65 + typed % 26)}>"
            typed += 1
            log.step([(TextEdit(at, at, word), "")], log.text[:at] + word + log.text[at:])
        check(log)
    base = log.base
    words = [f"<{chr(65 + number % 26)}>" for number in range(typed)]
    assert not any(character.isdigit() for character in base)
    survived = [word for word in words if word in log.text]
    assert all(word[1] in base for word in survived)
    reject_all(log)
    assert all(word[1] in log.text for word in survived)


@given(st.integers(0, 2**32))
def test_without_typing_inside_rejecting_everything_gives_the_base(seed: int) -> None:
    chance = random.Random(seed)
    before = "".join(lines_of(chance, "abc", 12))
    log = ReviewLog(before)
    for number in range(chance.randint(1, 8)):
        edit = random_edit(chance, log.text, "0123456789")
        job = chance.choice("abc")
        log.step([(edit, job)], apply(log.text, (edit,)))
        if number % 2:
            log.tidy(job)
        check(log)
        assert log.base == before
    for hunk in chance.sample(log.pending, len(log.pending)):
        if log.find(hunk.id) is None:
            continue
        found = log.find(hunk.id)
        assert found is not None
        assert not log.rejected(found).kept
        reject(log, found)
        check(log)
        assert log.base == before
    assert log.text == before


@given(st.integers(0, 2**32))
def test_accepting_is_the_same_as_the_text(seed: int) -> None:
    chance = random.Random(seed)
    log = ReviewLog("".join(lines_of(chance, "abc", 12)))
    for _ in range(chance.randint(1, 8)):
        edit = random_edit(chance, log.text, "0123")
        job = chance.choice(("a", "b", ""))
        log.step([(edit, job)], apply(log.text, (edit,)))
        log.tidy(job)
        check(log)
    text = log.text
    log.settle([hunk.id for hunk in log.hunks])
    assert (log.base, log.text, log.hunks) == (text, text, [])


def check(log: ReviewLog) -> None:
    reached = 0
    for hunk in log.hunks:
        assert reached <= hunk.span.start <= hunk.span.end <= len(log.text)
        reached = hunk.span.end
        assert hunk.undone == (hunk.span.of(log.text) == hunk.old) or hunk.undone
    names = [hunk.id for hunk in log.hunks]
    assert len(names) == len(set(names))
    for hunk in log.pending:
        span, old, new = whole_lines(log.text, hunk)
        assert span.of(log.text) == new
        assert apply(log.text, (TextEdit(*span, old),)) == apply(log.text, (TextEdit(*hunk.span, hunk.old),))


def test_the_checks_above_can_fail() -> None:
    log = ReviewLog("abc", [PendingHunk("a-1", ("a",), Span(2, 1), "", "x")])
    with pytest.raises(AssertionError):
        check(log)
