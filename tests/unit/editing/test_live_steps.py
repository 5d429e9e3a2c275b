"""Hand-written stories of one live edit, event by event, each with the exact commands: what the machine does and why.

The simulator beside this finds what nobody thought of; here stands what was thought of, one rule at a time.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from claude_ls.editing.events import (
    Command,
    DocumentChanged,
    DocumentClosed,
    DocumentReopened,
    EditAnswered,
    HunkClaimed,
    HunkEnded,
    HunkGrew,
    HunksDropped,
    HunksWritten,
    HunkUndone,
    Pause,
    PauseOver,
    SendEdit,
    SetTimer,
    TimerFired,
)
from claude_ls.editing.hunk import HunkState, Label, Landed
from claude_ls.editing.live import LiveEdit
from claude_ls.text.document import Document
from claude_ls.text.patch import Span, TextEdit, apply

TEXT = "head\none\ntwo\nthree\ntail\n"
LINES = "one\ntwo\nthree"
"""What is claimed in most stories: three lines, none of them like another."""
OTHER = "Claude: put right"
GIVE_BACK = "Claude: give back what you typed"
MEANWHILE = "you changed the same lines while Claude wrote"
STAYS = "what was written of it was changed by you, and stays"
UNDONE = "you undid it"
CLOSED = "the document was closed"
NO_ANSWER = "the editor did not answer; look at the lines before you try again"
NOT_MADE = "the editor said that it made the edit, and did not"


class Story:
    """A live edit, and an editor that does only what the story says. Clocks stand still unless `now` is set."""

    def __init__(self, text: str = TEXT) -> None:
        self.live = LiveEdit(Document.opened("file:///a", "x", 1, text))
        self.now = 0.0

    @property
    def text(self) -> str:
        """What the editor last reported."""
        return self.live.document.text

    def claim(self, name: str, text: str) -> list[Command]:
        """Claude is going to replace the one place that reads `text`."""
        return self.live.step(HunkClaimed(name, label(name), self.place(text)), self.now)

    def grow(self, name: str, text: str) -> list[Command]:
        return self.live.step(HunkGrew(name, text), self.now)

    def write(self, **texts: str) -> list[Command]:
        return self.live.step(HunksWritten(tuple(texts.items())), self.now)

    def drop(self, *names: str) -> list[Command]:
        return self.live.step(HunksDropped(names), self.now)

    def shows(self, text: str) -> list[Command]:
        """The editor reports that its text is `text`."""
        document = Document.opened("file:///a", "x", self.live.document.version + 1, text)
        commands = self.live.step(DocumentChanged(document), self.now)
        assert self.live.document == document
        return commands

    def types(self, old: str, new: str) -> list[Command]:
        """The person puts `new` in the one place that reads `old`."""
        return self.shows(self.with_(old, new))

    def answers(self, request: int, applied: bool, reason: str = "") -> list[Command]:
        return self.live.step(EditAnswered(request, applied, reason), self.now)

    def fires(self, request: int) -> list[Command]:
        return self.live.step(TimerFired(request), self.now)

    def pause_over(self) -> list[Command]:
        return self.live.step(PauseOver(), self.now)

    def closes(self) -> list[Command]:
        return self.live.step(DocumentClosed(), self.now)

    def reopens(self, text: str) -> list[Command]:
        document = Document.opened("file:///a", "x", 1, text)
        commands = self.live.step(DocumentReopened(document), self.now)
        assert self.live.document == document
        return commands

    def lands(self, request: int, text: str) -> list[Command]:
        """The editor answers, and shows the edit; the commands are those of the report."""
        assert self.answers(request, True) == [SetTimer(request, 5.0)]
        return self.shows(text)

    def is_refused(self, first: int, count: int) -> None:
        """The editor refuses as many requests from `first` on, each after a longer pause; the next one is out."""
        for number in range(count):
            assert self.answers(first + number, False) == [waits(number + 1)]
            (sent, timer) = self.pause_over()
            assert isinstance(sent, SendEdit)
            assert (sent.request, timer) == (first + number + 1, SetTimer(first + number + 1, 60.0))

    def place(self, text: str) -> Span:
        assert self.text.count(text) == 1, text
        start = self.text.index(text)
        return Span(start, start + len(text))

    def with_(self, old: str, new: str) -> str:
        """The text with `new` in the one place that reads `old`."""
        start, end = self.place(old)
        return apply(self.text, (TextEdit(start, end, new),))

    def put(self, old: str, new: str) -> TextEdit:
        return TextEdit(*self.place(old), new)

    def above(self, line: str, new: str) -> TextEdit:
        at = self.place(line).start
        return TextEdit(at, at, new)

    def sends(self, request: int, *patch: TextEdit, of: str = "a") -> list[Command]:
        """What is commanded where `patch` goes out against the text of now, called after the hunk `of`."""
        return self.sends_as(label(of), request, *patch)

    def sends_as(self, words: Label, request: int, *patch: TextEdit) -> list[Command]:
        return [SendEdit(request, self.live.document, patch, words), SetTimer(request, 60.0)]

    def state(self, name: str) -> HunkState:
        return self.live.hunks[name].state

    def stands(self, name: str) -> str:
        """What the document has where the hunk is."""
        return self.live.hunks[name].span.of(self.text)


def label(name: str) -> Label:
    return Label(f"Claude: {name}", "job")


def waits(refusals: int) -> Pause:
    """The pause after so many refusals one behind the other."""
    return Pause(pytest.approx(0.3 * refusals))


def ended(name: str, state: HunkState, reason: str = "") -> list[Command]:
    return [HunkEnded(name, state, reason)]


def landed(name: str, start: int, old: str, new: str) -> list[Command]:
    return [HunkEnded(name, HunkState.LANDED, "", Landed(Span(start, start + len(new)), old, new))]


def dropped(name: str, reason: str = "") -> list[Command]:
    return ended(name, HunkState.DROPPED, reason)


# One edit, straight through


def test_from_claim_to_landing() -> None:
    story = Story()
    assert story.claim("a", "two") == []
    assert story.live.claimed == (Span(9, 12),)
    assert story.write(a="DEUX") == story.sends(1, story.put("two", "DEUX"))
    assert story.state("a") is HunkState.SENT
    assert story.answers(1, True) == [SetTimer(1, 5.0)]
    assert story.shows("head\none\nDEUX\nthree\ntail\n") == landed("a", 9, "two", "DEUX")
    assert story.live.claimed == ()
    assert story.fires(1) == []
    assert story.live.repairs == 0


def test_the_report_may_come_before_the_answer() -> None:
    story = Story()
    story.claim("a", "two")
    story.claim("b", "tail")
    story.write(a="DEUX")
    assert story.write(b="fin") == []
    assert story.types("two", "DEUX") == landed("a", 9, "two", "DEUX")
    # The next edit waits for the answer all the same: editors have one of ours in hand at a time.
    assert story.answers(1, True) == story.sends(2, story.put("tail", "fin"), of="b")
    assert story.fires(1) == []
    assert story.lands(2, story.with_("tail", "fin")) == landed("b", 20, "tail", "fin")


@pytest.mark.parametrize("applied", [True, False])
def test_what_was_reported_counts_whatever_the_answer_is(applied: bool) -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.types("two", "DEUX")
    assert story.answers(1, applied, "no") == []
    assert story.state("a") is HunkState.LANDED


def test_a_timer_ends_the_wait_for_the_answer_of_what_was_reported() -> None:
    story = Story()
    story.claim("a", "two")
    story.claim("b", "tail")
    story.write(a="DEUX")
    story.write(b="fin")
    story.types("two", "DEUX")
    assert story.fires(1) == story.sends(2, story.put("tail", "fin"), of="b")


def test_a_text_that_is_there_already_needs_no_edit() -> None:
    story = Story()
    story.claim("a", "two")
    assert story.write(a="two") == landed("a", 9, "two", "two")
    story.claim("b", "one")
    story.claim("c", "three")
    # Beside one that does need one.
    assert story.write(b="one", c="TROIS") == [
        *landed("b", 5, "one", "one"),
        *story.sends(1, story.put("three", "TROIS"), of="c"),
    ]


def test_only_what_differs_is_sent() -> None:
    story = Story()
    story.claim("a", LINES)
    patch = (story.put("one", "UNE"), story.put("three", "DREI"))
    assert story.write(a="UNE\ntwo\nDREI") == story.sends(1, *patch)
    assert story.lands(1, "head\nUNE\ntwo\nDREI\ntail\n") == landed("a", 5, LINES, "UNE\ntwo\nDREI")


def test_a_hunk_is_written_once() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    assert story.write(a="ZWEI") == []
    assert story.grow("a", "ZWEI") == []
    assert story.answers(1, False) == [waits(1)]
    assert story.pause_over() == story.sends(2, story.put("two", "DEUX"))
    assert story.lands(2, story.with_("two", "DEUX")) == landed("a", 9, "two", "DEUX")
    assert story.write(a="ZWEI") == []
    assert story.state("a") is HunkState.LANDED


# Text that grows


def test_lines_land_as_they_are_written() -> None:
    story = Story()
    story.claim("a", LINES)
    assert story.grow("a", "ONE\n") == story.sends(1, story.above("one", "ONE\n"))
    assert story.lands(1, "head\nONE\none\ntwo\nthree\ntail\n") == []
    assert story.state("a") is HunkState.WAITING
    assert story.live.claimed == (Span(5, 22),)
    story.now = 1.0
    assert story.grow("a", "ONE\nTWO\n") == story.sends(2, story.above("one", "TWO\n"))
    assert story.lands(2, "head\nONE\nTWO\none\ntwo\nthree\ntail\n") == []
    # Old lines go as soon as it is clear that the new ones are past them; here that is at the end.
    assert story.write(a="ONE\nTWO\nthree") == story.sends(3, story.put("one\ntwo\n", ""))
    assert story.lands(3, "head\nONE\nTWO\nthree\ntail\n") == landed("a", 5, LINES, "ONE\nTWO\nthree")


def test_a_part_that_changes_nothing_is_not_sent() -> None:
    story = Story()
    story.claim("a", LINES)
    assert story.grow("a", "one\n") == []
    assert story.state("a") is HunkState.WAITING
    assert story.grow("a", "one\ntwo\n") == []
    assert story.write(a="one\ntwo\n3") == story.sends(1, story.put("three", "3"))


def test_what_grew_while_a_part_was_on_its_way_follows_it() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    assert story.grow("a", "ONE\nTWO\n") == []
    story.now = 0.5
    # The trip took half a second, so the editor gets some time for itself; then the rest follows by itself.
    assert story.lands(1, story.with_("one\n", "ONE\none\n")) == [Pause(0.25)]
    story.now = 0.75
    assert story.pause_over() == story.sends(2, story.above("one", "TWO\n"))


def test_the_whole_text_follows_a_part_at_once() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    assert story.write(a="ONE") == []
    story.now = 0.5
    assert story.answers(1, True) == [SetTimer(1, 5.0)]
    after = story.with_("one\n", "ONE\none\n")
    assert story.shows(after) == story.sends(2, TextEdit(8, 22, ""))
    assert story.lands(2, "head\nONE\ntail\n") == landed("a", 5, LINES, "ONE")


def test_a_part_waits_a_moment_after_the_one_before_it() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    assert story.grow("a", "ONE\nTWO\n") == [Pause(0.06)]
    assert story.grow("a", "ONE\nTWO\nTHREE\n") == []  # one pause at a time
    story.now = 0.05
    # However early it ends: the clock of the pause is not this one.
    assert story.pause_over() == story.sends(2, story.above("one", "TWO\nTHREE\n"))
    assert story.lands(2, story.with_("one\n", "TWO\nTHREE\none\n")) == []
    assert story.grow("a", "ONE\nTWO\nTHREE\nFOUR\n") == [Pause(pytest.approx(0.06))]


def test_a_slow_editor_gets_more_time() -> None:
    story = Story()
    story.now = 2.0
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.now = 3.0
    assert story.answers(1, True) == [SetTimer(1, 5.0)]
    story.now = 4.0
    assert story.shows(story.with_("one\n", "ONE\none\n")) == []
    story.now = 4.5
    assert story.grow("a", "ONE\nTWO\n") == [Pause(0.5)]
    story.now = 5.0
    assert story.pause_over() == story.sends(2, story.above("one", "TWO\n"))


def test_the_moment_after_a_part_passes_without_a_pause_where_nothing_was_written() -> None:
    story = Story()
    story.now = 2.0
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.now = 3.0
    assert story.lands(1, story.with_("one\n", "ONE\none\n")) == []
    story.now = 3.5
    assert story.grow("a", "ONE\nTWO\n") == story.sends(2, story.above("one", "TWO\n"))


def test_a_whole_text_does_not_wait_and_takes_parts_along() -> None:
    story = Story()
    story.claim("a", LINES)
    story.claim("b", "tail")
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    assert story.grow("a", "ONE\nTWO\n") == [Pause(0.06)]
    sent = (story.above("one", "TWO\n"), story.put("tail", "fin"))
    assert story.write(b="fin") == story.sends(2, *sent)
    assert story.pause_over() == []
    after = "head\nONE\nTWO\none\ntwo\nthree\nfin\n"
    assert story.lands(2, after) == landed("b", 27, "tail", "fin")


# The editor does not take it


def test_a_refused_edit_is_planned_anew_ever_later_and_given_up_after_eight() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    for refusals in range(1, 8):
        story.now = refusals
        assert story.answers(refusals, False, "stale") == [waits(refusals)]
        assert story.state("a") is HunkState.READY
        assert story.pause_over() == story.sends(refusals + 1, story.put("two", "DEUX"))
    assert story.answers(8, False, "busy") == ended("a", HunkState.REFUSED, "the editor refused the edit: busy")
    assert story.fires(8) == []
    # The next one has eight of its own.
    story.now = 20.0
    story.claim("b", "tail")
    assert story.write(b="fin") == story.sends(9, story.put("tail", "fin"), of="b")
    story.is_refused(9, 7)
    assert story.answers(16, False) == ended("b", HunkState.REFUSED, "the editor refused the edit")


def test_what_the_editor_can_never_do_is_not_tried_again() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    refused = EditAnswered(1, False, "read-only", final=True)
    assert story.live.step(refused) == ended("a", HunkState.REFUSED, "the editor refused the edit: read-only")
    story.claim("b", "tail")
    assert story.write(b="fin") == [waits(1)]


def test_a_report_says_why_it_was_refused_and_ends_the_pause() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.now = 1.0
    assert story.answers(1, False, "stale") == [waits(1)]
    assert story.types("head", "typed\nhead") == story.sends(2, TextEdit(15, 18, "DEUX"))
    assert story.pause_over() == []
    assert story.lands(2, story.with_("two", "DEUX")) == landed("a", 15, "two", "DEUX")


def test_an_edit_that_landed_ends_the_count_of_refusals() -> None:
    story = Story()
    story.claim("a", "two")
    story.claim("b", "tail")
    story.write(a="DEUX")
    story.is_refused(1, 7)
    assert story.lands(8, story.with_("two", "DEUX")) == landed("a", 9, "two", "DEUX")
    assert story.write(b="fin") == story.sends(9, story.put("tail", "fin"), of="b")
    story.is_refused(9, 7)
    assert story.answers(16, False) == ended("b", HunkState.REFUSED, "the editor refused the edit")


def test_a_report_while_the_edit_is_on_its_way_ends_the_count_of_refusals() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.is_refused(1, 7)
    assert story.types("head", "h1") == []
    story.is_refused(8, 7)
    assert story.answers(15, False) == ended("a", HunkState.REFUSED, "the editor refused the edit")


def test_what_is_ready_goes_out_once_another_is_given_up() -> None:
    story = Story()
    story.claim("a", "two")
    story.claim("b", "tail")
    story.write(a="DEUX")
    story.write(b="fin")
    assert story.live.step(EditAnswered(1, False, "", final=True)) == [
        *ended("a", HunkState.REFUSED, "the editor refused the edit"),
        waits(1),
    ]
    assert story.pause_over() == story.sends(2, story.put("tail", "fin"), of="b")


def test_a_lie_is_found_out_after_five_seconds_without_a_report() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    for request in range(1, 8):
        assert story.answers(request, True) == [SetTimer(request, 5.0)]
        assert story.fires(request) == [waits(request)]
        assert story.pause_over() == story.sends(request + 1, story.put("two", "DEUX"))
    assert story.answers(8, True) == [SetTimer(8, 5.0)]
    assert story.fires(8) == ended("a", HunkState.REFUSED, f"the editor refused the edit: {NOT_MADE}")


def test_a_report_that_does_not_show_it_leaves_a_second_and_a_half() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.answers(1, True)
    assert story.types("head", "head!") == [SetTimer(1, 1.5)]
    assert story.fires(1) == [waits(1)]
    assert story.pause_over() == story.sends(2, story.put("two", "DEUX"))
    assert story.lands(2, story.with_("two", "DEUX")) == landed("a", 10, "two", "DEUX")


def test_a_report_before_the_answer_sets_no_timer() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    assert story.types("head", "head!") == []
    assert story.lands(1, story.with_("two", "DEUX")) == landed("a", 10, "two", "DEUX")


def test_an_editor_that_does_not_answer_is_not_asked_again() -> None:
    story = Story()
    story.claim("a", "two")
    story.claim("b", "tail")
    story.write(a="DEUX")
    assert story.fires(1) == ended("a", HunkState.REFUSED, NO_ANSWER)
    assert story.state("b") is HunkState.WAITING
    assert story.answers(1, True) == []
    # It made the edit all the same: somebody else's, as far as we know.
    assert story.types("two", "DEUX") == []
    assert story.write(b="fin") == story.sends(2, story.put("tail", "fin"), of="b")


def test_answers_and_timers_of_older_requests_say_nothing() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.answers(1, False)
    story.pause_over()
    assert story.answers(1, True) == []
    assert story.answers(1, False) == []
    assert story.fires(1) == []
    assert story.state("a") is HunkState.SENT
    assert story.answers(3, False) == []
    assert story.fires(3) == []
    assert story.lands(2, story.with_("two", "DEUX")) == landed("a", 9, "two", "DEUX")
    assert story.answers(2, True) == []
    assert story.fires(2) == []


def test_a_refusal_that_took_long_is_the_persons_and_is_not_asked_about_again() -> None:
    story = Story()
    story.now = 1.0
    story.claim("a", "two")
    story.write(a="DEUX")
    story.now = 2.75
    assert story.answers(1, False) == [waits(1)]
    story.now = 4.0
    assert story.pause_over() == story.sends(2, story.put("two", "DEUX"))
    story.now = 6.0
    assert story.answers(2, False, "no") == ended("a", HunkState.REFUSED, "the editor refused the edit: no")


def test_a_refusal_that_took_long_is_none_of_theirs_where_they_typed_meanwhile() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.types("head", "head!")
    story.now = 8.0
    assert story.answers(1, False, "stale") == [waits(1)]


# Somebody types


TYPED_BESIDE = [
    # what is typed, and how `two` is then replaced
    ("head\n", "head\nnew\n", TextEdit(13, 16, "DEUX")),
    ("one\ntwo", "one\n!two", TextEdit(10, 13, "DEUX")),
    ("two\n", "two!\n", TextEdit(9, 12, "DEUX")),
    ("tail", "", TextEdit(9, 12, "DEUX")),
    ("one\n", "", TextEdit(5, 8, "DEUX")),
]


@pytest.mark.parametrize(("old", "new", "edit"), TYPED_BESIDE)
def test_what_is_typed_beside_a_claimed_place_moves_it(old: str, new: str, edit: TextEdit) -> None:
    story = Story()
    story.claim("a", "two")
    assert story.types(old, new) == []
    assert story.write(a="DEUX") == story.sends(1, edit)


@pytest.mark.parametrize(("old", "new", "edit"), TYPED_BESIDE)
def test_what_is_typed_beside_an_edit_on_its_way_moves_it(old: str, new: str, edit: TextEdit) -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    assert story.types(old, new) == []
    assert story.answers(1, False, "stale") == [waits(1)]
    assert story.pause_over() == story.sends(2, edit)
    after = apply(story.text, (edit,))
    assert story.lands(2, after) == landed("a", edit.start, "two", "DEUX")


@pytest.mark.parametrize(("old", "new", "edit"), TYPED_BESIDE)
def test_an_editor_may_carry_an_edit_over_what_was_typed(old: str, new: str, edit: TextEdit) -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    assert story.types(old, new) == []
    assert story.lands(1, apply(story.text, (edit,))) == landed("a", edit.start, "two", "DEUX")
    assert story.live.repairs == 0


@pytest.mark.parametrize(("old", "new", "edit"), TYPED_BESIDE)
def test_the_edit_and_what_was_typed_may_be_reported_at_once(old: str, new: str, edit: TextEdit) -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    after = story.with_("two", "DEUX").replace(old.replace("two", "DEUX"), new.replace("two", "DEUX"))
    assert story.shows(after) == landed("a", 9, "two", "DEUX")
    assert story.live.hunks["a"].span == Span(edit.start, edit.start + 4)
    assert story.answers(1, True) == []


def test_what_is_typed_between_hunks_moves_only_those_behind_it() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.claim("c", "tail")
    assert story.types("two", "two!") == []
    assert story.live.claimed == (Span(5, 8), Span(14, 19), Span(20, 24))


def test_what_is_typed_where_something_is_to_go_in_stands_in_front_of_it() -> None:
    story = Story()
    story.live.step(HunkClaimed("a", label("a"), Span(5, 5)))
    assert story.types("head\n", "head\nmine\n") == []
    assert story.write(a="new\n") == story.sends(1, TextEdit(10, 10, "new\n"))


def test_a_report_that_changes_nothing_is_a_report() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.write(a="UNE")
    story.lands(1, story.with_("one", "UNE"))
    assert story.shows(story.text) == []
    story.write(b="DREI")
    assert story.shows(story.text) == []
    assert story.answers(2, True) == [SetTimer(2, 5.0)]
    assert story.shows(story.text) == [SetTimer(2, 1.5)]


def test_typing_goes_on_after_an_edit_was_reported_and_then_answered() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.types("two", "DEUX")
    assert story.types("head", "head!") == []
    assert story.answers(1, True) == []
    assert story.types("tail", "tail!") == []
    story.claim("b", "one")
    story.write(b="UNE")
    story.types("one", "UNE")
    assert story.fires(2) == []
    assert story.types("tail!", "tail") == []
    assert (story.stands("a"), story.stands("b")) == ("DEUX", "UNE")


def test_what_is_typed_into_other_lines_of_it_is_merged() -> None:
    story = Story()
    story.claim("a", LINES)
    assert story.types("three", "th!ree") == []
    assert story.write(a="UNE\ntwo\nthree") == story.sends(1, story.put("one", "UNE"))
    assert story.lands(1, story.with_("one", "UNE")) == landed("a", 5, LINES, "UNE\ntwo\nth!ree")


def test_what_is_typed_into_the_same_lines_stays() -> None:
    story = Story()
    story.claim("a", LINES)
    assert story.types("one", "one!") == []
    assert story.write(a="UNE\ntwo\nthree") == ended("a", HunkState.CONFLICT, MEANWHILE)
    assert story.live.claimed == ()


def test_what_is_typed_into_an_edit_that_is_then_refused_is_merged() -> None:
    story = Story()
    story.claim("a", LINES)
    story.write(a="UNE\ntwo\nthree")
    assert story.types("three", "th!ree") == []
    assert story.answers(1, False, "stale") == [waits(1)]
    assert story.pause_over() == story.sends(2, story.put("one", "UNE"))
    assert story.lands(2, story.with_("one", "UNE")) == landed("a", 5, LINES, "UNE\ntwo\nth!ree")


def test_what_was_written_is_taken_back_where_theirs_stays() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    assert story.types("three", "th!ree") == []
    assert story.write(a="ONE\ntwo\nDREI") == story.sends(2, story.put("ONE\n", ""))
    assert story.write(a="late") == []
    assert story.lands(2, story.with_("ONE\n", "")) == ended("a", HunkState.CONFLICT, MEANWHILE)
    assert story.text == "head\none\ntwo\nth!ree\ntail\n"


def test_what_they_changed_of_what_was_written_stays_theirs() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    assert story.types("ONE", "ONE?") == []
    # Neither on nor back: what was written of it is theirs by now.
    assert story.write(a="EINS\ntwo\nthree") == ended("a", HunkState.CONFLICT, f"{MEANWHILE}; {STAYS}")
    assert story.text == "head\nONE?\none\ntwo\nthree\ntail\n"


def test_the_next_lines_go_below_what_was_typed_into_written_ones() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\nTWO\n")
    story.lands(1, story.with_("one\n", "ONE\nTWO\none\n"))
    story.now = 1.0
    assert story.types("TWO", "TWO?") == []
    assert story.grow("a", "ONE\nTWO\nTHREE\n") == story.sends(2, story.above("one", "THREE\n"))
    assert story.lands(2, story.with_("one\n", "THREE\none\n")) == []
    assert story.write(a="ONE\nTWO\nTHREE") == story.sends(3, story.put("\none\ntwo\nthree", ""))
    after = "head\nONE\nTWO?\nTHREE\ntail\n"
    assert story.lands(3, after) == landed("a", 5, LINES, "ONE\nTWO?\nTHREE")


def test_lines_that_are_still_to_come_are_not_touched_once_somebody_types_there() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    story.now = 1.0
    assert story.types("two", "two!") == []
    assert story.grow("a", "ONE\nTWO\n") == []
    assert story.grow("a", "ONE\nTWO\n") == []
    assert story.state("a") is HunkState.WAITING
    # All is written: what they made of it is merged with it.
    assert story.write(a="ONE\ntwo\nthree") == story.sends(2, story.put("one\n", ""))
    assert story.lands(2, story.with_("one\n", "")) == landed("a", 5, LINES, "ONE\ntwo!\nthree")


def test_a_place_is_held_as_soon_as_somebody_typed_there() -> None:
    story = Story()
    story.claim("a", LINES)
    assert story.types("two", "two!") == []
    assert story.grow("a", "ONE\n") == []
    assert story.write(a="ONE\ntwo\nthree") == story.sends(1, story.put("one", "ONE"))


def test_lines_that_were_found_again_are_written_ones() -> None:
    story = Story()
    story.claim("a", LINES)
    assert story.grow("a", "one\n") == []
    assert story.types("one", "o!ne") == []
    assert story.grow("a", "one\nTWO\n") == story.sends(1, story.above("two", "TWO\n"))


def test_what_is_typed_between_written_lines_and_those_to_come_holds_nothing() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    story.now = 1.0
    assert story.types("ONE\n", "ONE\nmine\n") == []
    assert not story.live.hunks["a"].held


def test_part_by_part_theirs_is_told_from_ours() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    story.now = 1.0
    # They change a written line, which the next part writes differently.
    story.types("ONE\n", "UNE\n")
    assert story.grow("a", "EINS\nTWO\n") == []
    assert story.live.hunks["a"].held
    assert story.state("a") is HunkState.WAITING


# Undone by the person


def test_undoing_a_landed_hunk_is_told() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.lands(1, story.with_("two", "DEUX"))
    assert story.types("DEUX", "two") == [HunkUndone("a")]
    assert story.stands("a") == "two"
    assert story.state("a") is HunkState.LANDED


def test_undoing_is_seen_beside_something_typed_and_in_two_hunks_at_once() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.write(a="UNE", b="DREI")
    story.lands(1, "head\nUNE\ntwo\nDREI\ntail\n")
    assert story.shows("typed\nhead\none\ntwo\nthree\ntail\n") == [HunkUndone("a"), HunkUndone("b")]
    assert (story.stands("a"), story.stands("b")) == ("one", "three")


@pytest.mark.parametrize("typed", ["", "typed\n"])
@pytest.mark.parametrize("new", ["", "three", "one\nthree", "zero\none\ntwo\nthree", "x\ntwo\ny"])
def test_undoing_is_seen_where_lines_were_removed_or_added(new: str, typed: str) -> None:
    story = Story()
    story.claim("waiting", "head")
    story.claim("refused", "tail")
    story.claim("a", LINES)
    story.write(refused="fin")
    story.fires(1)
    story.write(a=new)
    assert story.lands(2, story.with_(LINES, new)) == landed("a", 5, LINES, new)
    # Beside a key above it, as editors batch their reports.
    assert story.shows(typed + TEXT) == [HunkUndone("a")]
    assert story.stands("a") == LINES


def test_undoing_is_seen_in_two_hunks_that_removed_lines() -> None:
    story = Story()
    story.claim("a", "one\n")
    story.claim("b", "three\n")
    story.claim("c", "head")
    story.write(a="", b="", c="top\nhead")
    story.lands(1, "top\nhead\ntwo\ntail\n")
    assert story.shows("top\nhead\none\ntwo\nthree\ntail\n") == [HunkUndone("a"), HunkUndone("b")]
    assert (story.stands("a"), story.stands("b"), story.stands("c")) == ("one\n", "three\n", "top\nhead")
    assert story.shows(TEXT) == [HunkUndone("c")]
    assert story.stands("c") == "head"


def test_undoing_is_seen_while_another_edit_is_on_its_way() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.write(a="UNE")
    story.lands(1, story.with_("one", "UNE"))
    story.write(b="DREI")
    assert story.types("UNE", "one") == [HunkUndone("a")]
    assert story.lands(2, story.with_("three", "DREI")) == landed("b", 13, "three", "DREI")


def test_what_removes_a_hunk_and_what_is_around_it_does_not_undo_it() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="")
    story.lands(1, story.with_("two", ""))
    assert story.types("one\n\nthree", "two") == []
    story = Story()
    story.claim("a", LINES)
    story.write(a="one\nTWO\nthree\nfour")
    story.lands(1, "head\none\nTWO\nthree\nfour\ntail\n")
    # They changed the middle back, and its end with what follows into something else.
    assert story.shows("head\none\ntwo\nthree\nelse\n") == []


def test_changing_a_landed_hunk_is_not_undoing_it() -> None:
    story = Story()
    story.claim("a", LINES)
    story.write(a="UNE\nDEUX\nDREI")
    story.lands(1, story.with_(LINES, "UNE\nDEUX\nDREI"))
    assert story.types("DEUX", "two") == []
    assert story.stands("a") == "UNE\ntwo\nDREI"
    assert story.types("UNE\ntwo\nDREI", "one\ntwo\nthree") == [HunkUndone("a")]


def test_undoing_all_of_a_growing_hunk_ends_it() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    assert story.types("ONE\n", "") == [HunkUndone("a"), *dropped("a", UNDONE)]
    assert story.write(a="ONE") == []
    assert story.grow("a", "ONE") == []
    assert story.stands("a") == LINES


def test_undoing_a_part_of_a_growing_hunk_takes_back_the_rest() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    story.now = 1.0
    story.grow("a", "ONE\nTWO\n")
    story.lands(2, story.with_("one\n", "TWO\none\n"))
    after = story.with_("TWO\n", "")
    assert story.shows(after) == [HunkUndone("a"), *story.sends(3, story.put("ONE\n", ""))]
    assert story.grow("a", "ONE\nTWO\nTHREE\n") == []
    assert story.drop("a") == []
    assert story.lands(3, story.with_("ONE\n", "")) == dropped("a", UNDONE)


def test_undoing_a_part_while_the_next_is_on_its_way_ends_it_once_that_is_known_to_be_out() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    story.now = 1.0
    story.grow("a", "ONE\nTWO\n")
    assert story.types("ONE\n", "") == []
    assert story.answers(2, False, "stale") == [waits(1)]
    assert story.pause_over() == [HunkUndone("a"), *dropped("a", UNDONE)]


def test_how_it_stood_eight_steps_ago_is_still_known() -> None:
    text = ""
    story = Story()
    story.claim("a", LINES)
    stood = [LINES]
    for number in range(1, 11):
        story.now += 10
        text += f"NEW {number}\n"
        story.grow("a", text)
        stood.append(text + LINES)
        assert story.lands(number, story.with_(stood[-2], stood[-1])) == []
    known = story.live.hunks["a"]
    assert known.earlier == tuple(stood[2:10])
    assert not replace(known).undone_in(stood[1])


# Dropped


def test_a_hunk_that_nothing_was_written_of_is_dropped_at_once() -> None:
    story = Story()
    story.claim("a", "two")
    story.claim("b", "tail")
    story.claim("c", "one")
    assert story.drop("a", "nobody") == dropped("a")
    assert story.drop("a") == []
    assert story.drop("nobody", "a", "b", "c") == [*dropped("b"), *dropped("c")]
    assert story.write(a="DEUX") == []


def test_a_hunk_that_waits_for_its_turn_is_dropped_at_once() -> None:
    story = Story()
    story.claim("a", "two")
    story.claim("b", "tail")
    story.write(a="DEUX")
    story.write(b="fin")
    assert story.drop("b") == dropped("b")
    assert story.lands(1, story.with_("two", "DEUX")) == landed("a", 9, "two", "DEUX")


def test_a_dropped_hunk_that_is_on_its_way_may_still_land() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    assert story.drop("a") == []
    assert story.state("a") is HunkState.SENT
    assert story.lands(1, story.with_("two", "DEUX")) == landed("a", 9, "two", "DEUX")


def test_a_dropped_hunk_that_is_refused_is_not_sent_again() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.drop("a")
    assert story.answers(1, False, "stale") == dropped("a")


def test_what_was_written_of_a_dropped_hunk_is_taken_back() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    assert story.drop("a") == story.sends(2, story.put("ONE\n", ""))  # and that without a pause
    assert story.drop("a") == []
    assert story.grow("a", "ONE\nTWO\n") == []
    assert story.lands(2, TEXT) == dropped("a")


def test_a_part_that_lands_after_its_hunk_was_dropped_is_taken_back() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    assert story.drop("a") == []
    after = story.with_("one\n", "ONE\none\n")
    assert story.answers(1, True) == [SetTimer(1, 5.0)]
    assert story.shows(after) == story.sends(2, TextEdit(5, 9, ""))
    assert story.lands(2, TEXT) == dropped("a")


def test_a_part_that_is_refused_after_its_hunk_was_dropped_is_over() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    story.now = 1.0
    story.grow("a", "ONE\nTWO\n")
    story.drop("a")
    assert story.answers(2, False, "stale") == [waits(1)]
    assert story.pause_over() == story.sends(3, story.put("ONE\n", ""))
    assert story.lands(3, TEXT) == dropped("a")


def test_what_is_taken_back_is_taken_back_around_what_was_typed() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    story.types("three", "th!ree")
    assert story.drop("a") == story.sends(2, story.put("ONE\n", ""))
    assert story.types("tail", "tail!") == []
    assert story.answers(2, False, "stale") == [waits(1)]
    assert story.pause_over() == story.sends(3, story.put("ONE\n", ""))
    assert story.lands(3, story.with_("ONE\n", "")) == dropped("a")
    assert story.text == "head\none\ntwo\nth!ree\ntail!\n"


def test_what_they_take_back_themselves_before_we_do_is_back() -> None:
    story = Story()
    story.claim("a", LINES)
    story.claim("b", "tail")
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    story.write(b="fin")
    assert story.drop("a") == []
    assert story.types("ONE\n", "") == []
    assert story.lands(2, story.with_("tail", "fin")) == [*landed("b", 19, "tail", "fin"), *dropped("a")]


def test_what_they_changed_of_it_is_not_taken_back() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    story.types("ONE", "ONE?")
    assert story.drop("a") == dropped("a", STAYS)


# The document is closed, and opened again


def test_what_waits_outlives_a_document_that_is_closed() -> None:
    story = Story()
    story.claim("a", LINES)
    assert story.closes() == []
    assert story.grow("a", "ONE\n") == []
    assert story.state("a") is HunkState.WAITING
    assert story.reopens(TEXT) == []
    assert story.grow("a", "ONE\nTWO\n") == story.sends(1, story.above("one", "ONE\nTWO\n"))


def test_what_is_written_while_the_document_is_closed_is_lost() -> None:
    story = Story()
    story.claim("a", LINES)
    story.closes()
    assert story.write(a="ONE") == ended("a", HunkState.LOST, CLOSED)
    assert story.claim("b", "tail") == ended("b", HunkState.LOST, CLOSED)
    assert story.write(b="fin") == []
    assert story.reopens(TEXT) == []


def test_a_whole_text_that_waits_for_its_turn_is_lost() -> None:
    story = Story()
    story.claim("a", "two")
    story.claim("b", "tail")
    story.write(a="DEUX")
    story.write(b="fin")
    assert story.closes() == [*ended("a", HunkState.LOST, CLOSED), *ended("b", HunkState.LOST, CLOSED)]
    assert story.answers(1, True) == []
    assert story.fires(1) == []


def test_a_part_on_its_way_is_lost_but_not_its_hunk() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    assert story.closes() == []
    assert story.state("a") is HunkState.WAITING
    assert story.answers(1, False) == []
    assert story.reopens(TEXT) == []
    assert story.grow("a", "ONE\nTWO\n") == story.sends(2, story.above("one", "ONE\nTWO\n"))


def test_a_part_that_waits_for_its_turn_goes_on_when_more_is_written() -> None:
    story = Story()
    story.claim("a", LINES)
    story.claim("b", "tail")
    story.write(b="fin")
    story.grow("a", "ONE\n")
    assert story.closes() == ended("b", HunkState.LOST, CLOSED)
    assert story.state("a") is HunkState.WAITING
    assert story.reopens(TEXT) == []
    assert story.write(a="ONE\ntwo\nthree") == story.sends(2, story.put("one", "ONE"))


def test_a_dropped_hunk_on_its_way_is_lost() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.drop("a")
    assert story.closes() == ended("a", HunkState.LOST, CLOSED)


def test_a_hunk_dropped_while_the_document_is_closed_is_over() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    story.closes()
    assert story.drop("a") == dropped("a")
    assert story.drop("a") == []


def test_what_is_being_taken_back_ends_as_it_was_to() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    story.drop("a")
    assert story.closes() == dropped("a")


def test_a_landed_hunk_is_followed_through_closing() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.lands(1, story.with_("two", "DEUX"))
    assert story.closes() == []
    assert story.reopens("new\n" + story.text) == []
    assert story.stands("a") == "DEUX"
    story.closes()
    assert story.reopens("new\n" + TEXT) == [HunkUndone("a")]


def test_no_pause_keeps_a_closed_document_busy() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    assert story.answers(1, False) == [waits(1)]
    assert story.closes() == ended("a", HunkState.LOST, CLOSED)
    assert story.pause_over() == []


# Several hunks


def test_hunks_that_are_written_together_go_out_together() -> None:
    story = Story()
    story.claim("b", "three")
    story.claim("a", "one")
    # By their places, and called after the first of them.
    sent = (story.put("one", "UNE"), story.put("three", "DREI"))
    assert story.write(b="DREI", a="UNE") == story.sends(1, *sent)
    assert story.lands(1, "head\nUNE\ntwo\nDREI\ntail\n") == [
        *landed("a", 5, "one", "UNE"),
        *landed("b", 13, "three", "DREI"),
    ]


def test_one_that_cannot_go_on_does_not_keep_the_others() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "two")
    story.claim("c", "three")
    story.types("one", "o!ne")
    assert story.write(a="UNE", b="two", c="DREI") == [
        *ended("a", HunkState.CONFLICT, MEANWHILE),
        *landed("b", 10, "two", "two"),
        *story.sends(1, story.put("three", "DREI"), of="c"),
    ]


def test_hunks_move_each_other() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.write(a="longer than one")
    assert story.lands(1, story.with_("one", "longer than one")) == landed("a", 5, "one", "longer than one")
    assert story.write(b="DREI") == story.sends(2, TextEdit(25, 30, "DREI"), of="b")
    assert story.lands(2, story.with_("three", "DREI")) == landed("b", 25, "three", "DREI")
    assert story.stands("a") == "longer than one"


def test_hunks_side_by_side_go_out_together() -> None:
    story = Story("onetwothree")
    story.claim("a", "one")
    story.claim("b", "two")
    story.claim("c", "three")
    assert story.write(a="UNE", b="ZWEI", c="DREI") == story.sends(
        1, story.put("one", "UNE"), story.put("two", "ZWEI"), story.put("three", "DREI")
    )
    assert story.lands(1, "UNEZWEIDREI") == [
        *landed("a", 0, "one", "UNE"),
        *landed("b", 3, "two", "ZWEI"),
        *landed("c", 7, "three", "DREI"),
    ]


def test_two_hunks_of_one_place_go_one_after_the_other() -> None:
    story = Story()
    story.claim("a", LINES)
    story.claim("b", "two")
    story.claim("c", "tail")
    sent = (story.put("one", "UNE"), story.put("tail", "fin"))
    assert story.write(a="UNE\ntwo\nthree", b="ZWEI", c="fin") == story.sends(1, *sent)
    after = "head\nUNE\ntwo\nthree\nfin\n"
    assert story.answers(1, True) == [SetTimer(1, 5.0)]
    commands = story.shows(after)
    assert commands == [
        *landed("a", 5, LINES, "UNE\ntwo\nthree"),
        *landed("c", 19, "tail", "fin"),
        *story.sends(2, story.put("two", "ZWEI"), of="b"),
    ]
    assert story.lands(2, story.with_("two", "ZWEI")) == landed("b", 9, "two", "ZWEI")


def test_an_insertion_is_a_hunk_too() -> None:
    story = Story()
    story.live.step(HunkClaimed("a", label("a"), Span(5, 5)))
    assert story.write(a="new\n") == story.sends(1, TextEdit(5, 5, "new\n"))
    assert story.lands(1, story.with_("head\n", "head\nnew\n")) == landed("a", 5, "", "new\n")
    assert story.types("new\n", "") == [HunkUndone("a")]


# Reports in pieces


def test_each_edit_of_a_patch_may_be_reported_by_itself_from_the_back() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.write(a="premier", b="DREI")
    assert story.types("three", "DREI") == []
    assert story.types("one", "premier") == [*landed("a", 5, "one", "premier"), *landed("b", 17, "three", "DREI")]
    assert story.answers(1, True) == []


def test_each_edit_of_a_patch_may_be_reported_by_itself_from_the_front() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.write(a="premier", b="DREI")
    assert story.types("one", "premier") == []
    assert story.types("three", "DREI") == [*landed("a", 5, "one", "premier"), *landed("b", 17, "three", "DREI")]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 2, 1)])
def test_three_edits_may_be_reported_one_by_one(order: tuple[int, ...]) -> None:
    story = Story()
    story.claim("a", TEXT)
    edits = [("head", "kopf ab"), ("two", "DEUX"), ("tail", "fin")]
    new = "kopf ab\none\nDEUX\nthree\nfin\n"
    story.write(a=new)
    *before, last = order
    for number in before:
        assert story.types(*edits[number]) == []
    assert story.types(*edits[last]) == landed("a", 0, TEXT, new)


def test_typing_between_the_pieces_moves_those_to_come() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.write(a="premier", b="DREI")
    assert story.types("one", "premier") == []
    assert story.types("head", "the head") == []
    assert story.types("three", "DREI") == [*landed("a", 9, "one", "premier"), *landed("b", 21, "three", "DREI")]
    assert story.live.repairs == 0


def test_what_was_reported_in_pieces_is_not_sent_again() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.write(a="premier", b="DREI")
    assert story.types("one", "premier") == []
    assert story.answers(1, False, "stale") == [waits(1)]
    assert story.pause_over() == [
        *landed("a", 5, "one", "premier"),
        *story.sends(2, story.put("three", "DREI"), of="b"),
    ]


def test_a_piece_says_nothing_about_edits_of_another_length() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.write(a="premier", b="DREI")
    # Both at once, and a key: no piece, though one of them could have been reported by itself.
    assert story.shows("head!\npremier\ntwo\nDREI\ntail\n") == [
        *landed("a", 5, "one", "premier"),
        *landed("b", 17, "three", "DREI"),
    ]
    assert (story.stands("a"), story.stands("b")) == ("premier", "DREI")


# What a report means


@pytest.mark.parametrize("answered", [False, True])
def test_where_both_readings_are_as_likely_the_answer_decides(answered: bool) -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="TWO")
    if answered:
        story.answers(1, True)
    # Three characters are gone, be it `two` or `TWO`.
    assert story.types("two", "") == (landed("a", 9, "two", "TWO") if answered else [])
    assert story.state("a") is (HunkState.LANDED if answered else HunkState.SENT)


def test_a_report_that_is_nearer_to_the_text_without_it_is_no_echo_whatever_was_answered() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.answers(1, True)
    assert story.types("two", "") == [SetTimer(1, 1.5)]
    assert story.state("a") is HunkState.SENT


def test_what_goes_in_where_somebody_typed_stands_in_front_of_it_or_behind() -> None:
    for text, start in (("head\nnew\n!one", 5), ("head\n!new\none", 6)):
        story = Story("head\none")
        story.live.step(HunkClaimed("a", label("a"), Span(5, 5)))
        assert story.write(a="new\n") == story.sends(1, TextEdit(5, 5, "new\n"))
        assert story.types("one", "!one") == []
        assert isinstance(story.shows(text)[0], HunkEnded)
        assert story.state("a") is HunkState.LANDED
        assert story.live.hunks["a"].span.start == start
        assert story.stands("a").startswith("new\n")


# An editor that does not look at versions


def stray(typed: str = "my\n") -> Story:
    """`two` became `DEUX` where `two` would have been without what was typed above it; this was reported."""
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    assert story.types("head", f"{typed}head") == []
    assert story.answers(1, True) == [SetTimer(1, 5.0)]
    after = apply(story.text, (TextEdit(9, 12, "DEUX"),))
    assert after == "my\nhead\noDEUXtwo\nthree\ntail\n"
    assert story.shows(after) == story.sends(2, TextEdit(9, 16, "ne\nDEUX"))
    assert story.live.repairs == 1
    return story


def test_an_edit_that_landed_at_a_stale_place_is_moved() -> None:
    story = stray()
    assert story.lands(2, "my\nhead\none\nDEUX\nthree\ntail\n") == landed("a", 12, "two", "DEUX")


def test_an_edit_that_was_moved_can_be_undone() -> None:
    story = stray()
    after = "my\nhead\none\nDEUX\nthree\ntail\n"
    assert story.shows(after) == landed("a", 12, "two", "DEUX")
    # Before the answer to it, and after.
    assert story.types("DEUX", "two") == [HunkUndone("a")]
    assert story.answers(2, True) == []
    assert story.types("two", "DEUX") == []
    assert story.types("DEUX", "two") == [HunkUndone("a")]


def test_edits_may_go_astray_again_and_again() -> None:
    story = stray()
    story.lands(2, "my\nhead\none\nDEUX\nthree\ntail\n")
    story.claim("b", "three")
    story.write(b="DREI")
    assert story.types("my\n", "") == []
    after = apply(story.text, (TextEdit(17, 22, "DREI"),))
    commands = story.shows(after)
    assert commands == story.sends(4, *(commands[0].patch if isinstance(commands[0], SendEdit) else ()), of="b")
    assert story.live.repairs == 2


def test_what_is_typed_while_an_edit_is_moved_stays() -> None:
    story = stray()
    assert story.types("tail", "tail!") == []
    assert story.types("my", "my?") == []
    assert story.live.claimed == (Span(13, 17),)
    assert story.lands(2, "my?\nhead\none\nDEUX\nthree\ntail!\n") == landed("a", 13, "two", "DEUX")


def test_an_edit_that_is_moved_may_be_reported_with_what_was_typed() -> None:
    story = stray()
    assert story.types("tail", "tail!") == []
    after = "my\nhead\none\nDEUX\nthree?\ntail!\n"
    assert story.answers(2, True) == [SetTimer(2, 5.0)]
    story.shows(after)
    assert story.stands("a") == "DEUX"


def test_a_stray_edit_over_lines_that_were_changed_is_taken_out() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    assert story.types("two", "t!wo") == []
    assert story.types("head", "my\nhead") == []
    assert story.answers(1, True) == [SetTimer(1, 5.0)]
    after = apply(story.text, (TextEdit(9, 12, "DEUX"),))
    assert after == "my\nhead\noDEUXt!wo\nthree\ntail\n"
    assert story.shows(after) == story.sends_as(Label(OTHER, ""), 2, TextEdit(9, 13, "ne\n"))
    assert story.answers(2, True) == [SetTimer(2, 5.0)]
    assert story.shows("my\nhead\none\nt!wo\nthree\ntail\n") == ended("a", HunkState.CONFLICT, MEANWHILE)
    assert story.live.repairs == 1


def test_of_two_stray_edits_only_that_over_changed_lines_is_taken_out() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.write(a="UNE", b="DREI")
    assert story.types("one", "o!ne") == []
    assert story.types("head", "my head") == []
    story.answers(1, True)
    after = apply(story.text, (TextEdit(5, 8, "UNE"), TextEdit(13, 18, "DREI")))
    assert story.shows(after) == story.sends(2, TextEdit(5, 21, "ad\no!ne\ntwo\nDREI"), of="b")
    assert story.state("a") is HunkState.READY
    assert story.answers(2, True) == [SetTimer(2, 5.0)]
    assert story.shows("my head\no!ne\ntwo\nDREI\ntail\n") == [
        *landed("b", 17, "three", "DREI"),
        *ended("a", HunkState.CONFLICT, MEANWHILE),
    ]


def test_a_dropped_edit_that_went_astray_over_changed_lines_is_over() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.types("two", "t!wo")
    story.types("head", "my\nhead")
    assert story.drop("a") == []
    after = apply(story.text, (TextEdit(9, 12, "DEUX"),))
    assert story.shows(after) == [*dropped("a"), *story.sends_as(Label(OTHER, ""), 2, TextEdit(9, 13, "ne\n"))]


def test_two_dropped_edits_that_went_astray_are_over() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.write(a="UNE", b="DREI")
    story.types("one", "o!ne")
    story.types("three", "thr!ee")
    story.types("head", "my head")
    assert story.drop("a", "b") == []
    after = apply(story.text, (TextEdit(5, 8, "UNE"), TextEdit(13, 18, "DREI")))
    commands = story.shows(after)
    assert sorted(end.hunk for end in commands if isinstance(end, HunkEnded)) == ["a", "b"]
    assert apply(after, commands[2].patch if isinstance(commands[2], SendEdit) else ()) == (
        "my head\no!ne\ntwo\nthr!ee\ntail\n"
    )


def test_a_place_beyond_the_end_is_no_stale_one() -> None:
    story = Story()
    story.claim("a", "tail\n")
    story.write(a="fin\n")
    assert story.types("head\n", "") == []
    assert story.lands(1, "one\ntwo\nthree\nfin\n") == landed("a", 14, "tail\n", "fin\n")


# An editor that makes the edit over what was typed into it


def swallowed(typed: str = "t!wo", made: str = "DEUX") -> Story:
    """`two` became `typed` while `DEUX` was on its way, and then `made`."""
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    assert story.types("two", typed) == []
    assert story.answers(1, True) == [SetTimer(1, 5.0)]
    assert story.shows(story.with_(typed, made)) == [
        *ended("a", HunkState.CONFLICT, MEANWHILE),
        *story.sends_as(Label(GIVE_BACK, BACK), 2, story.put(made, typed)),
    ]
    assert story.live.repairs == 1
    return story


BACK = "a given back 1"


def test_an_editor_that_carries_ranges_swallows_what_was_typed_and_it_is_given_back() -> None:
    story = swallowed()
    assert story.drop(BACK) == []  # a cancel is for what is Claude's
    assert story.lands(2, story.with_("DEUX", "t!wo")) == landed(BACK, 9, "DEUX", "t!wo")


def test_an_editor_that_carries_characters_leaves_what_was_typed_and_it_is_not_given_back_twice() -> None:
    story = swallowed(made="DEUX!")
    assert story.lands(2, story.with_("DEUX!", "t!wo")) == landed(BACK, 9, "DEUX!", "t!wo")


def test_an_editor_that_carries_characters_does_so_over_several_keys() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.types("two", "t!wo")
    story.types("t!wo", "t!w?o")
    assert story.answers(1, True) == [SetTimer(1, 5.0)]
    assert story.shows(story.with_("t!w?o", "DEUX!?")) == [
        *ended("a", HunkState.CONFLICT, MEANWHILE),
        *story.sends_as(Label(GIVE_BACK, BACK), 2, story.put("DEUX!?", "t!w?o")),
    ]


@pytest.mark.parametrize("made", ["DEUX", "DEUX!"])
def test_what_was_made_over_typing_may_be_reported_with_more_of_it(made: str) -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.types("two", "t!wo")
    after = story.with_("t!wo", made).replace("tail", "tail!")
    assert story.shows(after) == ended("a", HunkState.CONFLICT, MEANWHILE)
    assert story.drop(BACK) == []
    assert story.answers(1, True) == story.sends_as(Label(GIVE_BACK, BACK), 2, story.put(made, "t!wo"))


def test_what_was_swallowed_in_two_places_is_given_back_in_both() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.write(a="UNE", b="DREI")
    assert story.types("one", "o!ne") == []
    assert story.types("three", "thr?ee") == []
    assert story.answers(1, True) == [SetTimer(1, 5.0)]
    assert story.shows("head\nUNE\ntwo\nDREI\ntail\n") == [
        *ended("a", HunkState.CONFLICT, MEANWHILE),
        *ended("b", HunkState.CONFLICT, MEANWHILE),
        *story.sends_as(Label(GIVE_BACK, BACK), 2, story.put("UNE", "o!ne"), story.put("DREI", "thr?ee")),
    ]
    assert story.live.repairs == 2


def test_what_was_removed_where_something_is_given_back_does_not_keep_it_away() -> None:
    story = swallowed()
    assert story.types("DEUX", "") == []
    assert story.answers(2, False, "stale") == [waits(1)]
    assert story.pause_over() == story.sends_as(Label(GIVE_BACK, BACK), 3, TextEdit(9, 9, "t!wo"))


def test_what_is_typed_over_what_is_given_back_stays_too() -> None:
    story = swallowed()
    assert story.types("DEUX", "DE?UX") == []
    assert story.answers(2, False, "stale") == [waits(1)]
    assert story.pause_over() == story.sends_as(Label(GIVE_BACK, BACK), 3, story.put("DE?UX", "t!wo?"))
    assert story.lands(3, story.with_("DE?UX", "t!wo?")) == landed(BACK, 9, "DEUX", "t!wo?")


def test_what_is_swallowed_by_what_is_given_back_is_given_back() -> None:
    story = swallowed()
    assert story.types("DEUX", "DE?UX") == []
    again = "a given back 1 given back 2"
    assert story.answers(2, True) == [SetTimer(2, 5.0)]
    assert story.shows(story.with_("DE?UX", "t!wo")) == [
        *landed(BACK, 9, "DEUX", "t!wo"),
        *story.sends_as(Label(GIVE_BACK, again), 3, TextEdit(13, 13, "?")),
    ]
    assert story.live.repairs == 2


def test_what_they_put_back_themselves_is_not_given_back() -> None:
    story = swallowed()
    # They undid what the editor had made.
    assert story.types("DEUX", "t!wo") == landed(BACK, 9, "DEUX", "t!wo")
    assert story.answers(2, False, "stale") == []


def test_what_they_put_back_in_another_way_is_left_to_them() -> None:
    story = swallowed()
    assert story.types("DEUX", "t!w") == landed(BACK, 9, "DEUX", "t!wo")
    assert story.answers(2, False, "stale") == []
    assert story.stands(BACK) == "t!w"


def test_lines_that_are_typed_into_a_part_are_merged_with_it() -> None:
    story = Story("head\none\n\ntwo\ntail\n")
    story.claim("a", "one\n\ntwo")
    sent = (story.put("one", "UNE"), story.put("two", "ZWEI"))
    assert story.write(a="UNE\n\nZWEI") == story.sends(1, *sent)
    assert story.types("one\n\n", "one\nmine\n") == []
    # Nothing was swallowed, and nothing is given back.
    assert story.lands(1, "head\nUNE\nmine\nZWEI\ntail\n") == landed("a", 5, "one\n\ntwo", "UNE\nmine\nZWEI")
    assert story.live.repairs == 0


def test_what_was_swallowed_by_the_end_of_a_growing_hunk_is_given_back() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\n")
    story.lands(1, story.with_("one\n", "ONE\none\n"))
    assert story.write(a="ONE\nthree") == story.sends(2, story.put("one\ntwo\n", ""))
    assert story.types("two", "t!wo") == []
    assert story.answers(2, True) == [SetTimer(2, 5.0)]
    assert story.shows("head\nONE\nthree\ntail\n") == [
        *ended("a", HunkState.CONFLICT, MEANWHILE),
        *story.sends_as(Label(GIVE_BACK, BACK), 3, story.put("ONE", "one\nt!wo")),
    ]


def test_what_was_swallowed_by_taking_back_is_given_back_and_it_ends_as_it_was_to() -> None:
    story = Story()
    story.claim("a", LINES)
    story.grow("a", "ONE\nTWO\n")
    story.lands(1, story.with_("one\n", "ONE\nTWO\none\n"))
    assert story.drop("a") == story.sends(2, story.put("ONE\nTWO\n", ""))
    assert story.types("ONE", "ON!E") == []
    assert story.answers(2, True) == [SetTimer(2, 5.0)]
    commands = story.shows(TEXT)
    assert commands[0] == HunkEnded("a", HunkState.DROPPED, "")
    sent = commands[1]
    assert isinstance(sent, SendEdit)
    assert "ON!E" in apply(TEXT, sent.patch)


# What is kept


def test_five_hundred_ended_hunks_are_followed() -> None:
    story = Story()
    for number in range(502):
        story.claim(f"h{number}", "two")
        assert len(story.live.hunks) == min(number + 1, 501)
        story.drop(f"h{number}")
    assert "h0" not in story.live.hunks
    assert "h1" in story.live.hunks
    assert story.drop("h0") == []


def test_a_hunk_in_flight_is_not_forgotten() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.live.hunks["a"] = replace(story.live.hunks["a"], state=HunkState.REFUSED)
    for number in range(502):
        story.claim(f"h{number}", "tail")
        story.drop(f"h{number}")
    assert "a" in story.live.hunks


# What was once wrong


@pytest.mark.parametrize("text", ["one\ntwo", "one", "two", "one\ntwo\nthree\nfour", ""])
def test_an_undo_is_seen_whatever_it_brings_back_or_takes_away(text: str) -> None:
    story = Story()
    story.claim("a", "one\ntwo\nthree")
    story.write(a=text)
    story.lands(1, story.with_("one\ntwo\nthree", text))
    assert story.shows(TEXT) == [HunkUndone("a")]
    assert story.stands("a") == "one\ntwo\nthree"


def test_refusals_are_counted_only_while_nothing_is_reported() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="TWO")
    for number in range(1, 20):
        story.answers(number, False, "stale")
        story.types("head", "head!")
        assert story.state("a") is HunkState.SENT


def test_where_no_answer_comes_the_others_go_on() -> None:
    story = Story()
    story.claim("a", "one")
    story.claim("b", "three")
    story.write(a="ONE")
    story.write(b="THREE")
    assert [type(command) for command in story.fires(1)] == [HunkEnded, SendEdit, SetTimer]
    assert (story.state("a"), story.state("b")) == (HunkState.REFUSED, HunkState.SENT)


def test_a_repair_that_is_reported_with_a_key_needs_no_other() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.types("head", "my\nhead")
    story.answers(1, True)
    stray = story.shows("my\nhead\noDEUXtwo\nthree\ntail\n")
    assert isinstance(stray[0], SendEdit)
    assert [type(command) for command in story.shows("my\nhead\none\nDEUX\nthree\ntail!\n")] == [HunkEnded]
    assert story.state("a") is HunkState.LANDED


def test_what_goes_in_above_lines_that_somebody_replaces_stays_above_them() -> None:
    story = Story()
    story.live.step(HunkClaimed("a", label("a"), Span(9, 9)))
    story.types("two", "deux!")
    story.write(a="new\n")
    story.lands(1, TEXT.replace("two", "new\ndeux!"))
    assert story.stands("a") == "new\n"


def test_a_repair_that_is_refused_is_tried_again() -> None:
    story = Story()
    story.claim("a", "two")
    story.write(a="DEUX")
    story.types("head", "my\nhead")
    story.answers(1, True)
    story.shows("my\nhead\noDEUXtwo\nthree\ntail\n")
    again = story.answers(2, False, "stale")
    assert isinstance(again[0], SendEdit)
    assert apply(story.text, again[0].patch) == "my\nhead\none\nDEUX\nthree\ntail\n"
    assert story.state("a") is HunkState.SENT
