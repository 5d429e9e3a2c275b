"""A tree that is kept fresh in slices: at once where it can be, later where it cannot, never one of another text."""

from __future__ import annotations

import asyncio
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_ls.session.parsing import LiveTree, Turns
from claude_ls.syntax.tree import parse
from claude_ls.text.document import Document
from claude_ls.text.patch import TextEdit

FUNCTION = "def f_{n}(a):\n    if a:\n        return 'é😀'  # {n}\n    return [a, 1, 2]\n\n\n"
LONG = "".join(FUNCTION.format(n=n) for n in range(300))
PIECES = ["", "x", "\n", "\r\n", "\r", "é", "😀", "\u2028", "\f", "# a\n", "(", '"""']


class Ticking:
    """A clock that a look at it moves on: so time passes by the work that is done."""

    def __init__(self, tick: float) -> None:
        self.now = 0.0
        self.tick = tick

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


def opened(text: str = LONG, language_id: str = "python") -> Document:
    return Document.opened("file:///x", language_id, 1, text)


def typed(document: Document, at: int, text: str, end: int | None = None) -> tuple[Document, list[TextEdit]]:
    edits = [TextEdit(at, at if end is None else end, text)]
    return document.edited(document.version + 1, edits), edits


def structure(tree: object) -> str:
    return str(tree.root)  # type: ignore[attr-defined]


def test_what_can_be_had_in_a_moment_is_there_at_once() -> None:
    live = LiveTree(opened("x = 1\n"), Turns(Ticking(0.0001)))
    assert live.fresh is None
    assert live.at_once()
    assert live.fresh is not None


def test_a_language_without_a_grammar_is_not_waited_for() -> None:
    live = LiveTree(opened(language_id="plaintext"), Turns(Ticking(1)))
    assert live.at_once()
    assert live.fresh is None


def test_what_takes_longer_is_not_there_until_it_was_waited_for() -> None:
    async def main() -> None:
        turns = Turns(Ticking(0.001))
        document = opened()
        live = LiveTree(document, turns)
        assert not live.at_once()
        assert live.fresh is None
        others = 0

        async def something_else() -> None:
            nonlocal others
            while live.fresh is None:
                others += 1
                await asyncio.sleep(0)

        await asyncio.gather(live.within(60), something_else())
        assert others > 10, "everything else had its turn"
        assert live.fresh is not None and live.fresh.document is document
        assert structure(live.fresh) == structure(parse(document))
        await turns.aclose()

    asyncio.run(main())


def test_documents_take_turns() -> None:
    async def main() -> None:
        turns = Turns(Ticking(0.001))
        long, short = LiveTree(opened(LONG * 8), turns), LiveTree(opened(), turns)
        first = asyncio.create_task(long.within(60))
        await short.within(60)
        assert short.settled and not long.settled
        await first
        assert long.settled
        await turns.aclose()

    asyncio.run(main())


def test_the_end_of_the_session_is_the_end_of_waiting() -> None:
    async def main() -> None:
        turns = Turns(Ticking(0.001))
        waiting = asyncio.create_task(LiveTree(opened(LONG * 8), turns).within(60))
        await asyncio.sleep(0)
        await turns.aclose()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_what_goes_wrong_is_told_to_whoever_waits_for_it_and_to_nobody_else() -> None:
    class Broken(LiveTree):
        def advance(self, seconds: float) -> bool:
            raise ValueError("broken")

    async def main() -> None:
        turns = Turns(Ticking(0.001))
        broken, sound = Broken(opened(), turns), LiveTree(opened(), turns)
        results = await asyncio.gather(broken.within(60), sound.within(60), return_exceptions=True)
        assert [str(result) for result in results] == ["broken", "None"]
        assert sound.fresh is not None
        await turns.aclose()
        with pytest.raises(asyncio.CancelledError):
            await LiveTree(opened(), turns).within(60)

    asyncio.run(main())


def test_a_large_tree_is_let_go_of_in_a_turn_of_its_own() -> None:
    async def main() -> None:
        turns = Turns(Ticking(0))
        document = opened(LONG * 4)
        live = LiveTree(document, turns)
        assert live.at_once() and live.fresh is not None
        gone = asyncio.Event()
        weakref.finalize(live.fresh, gone.set)
        document, edits = typed(document, LONG.index("return"), '"""')
        live.changed(document, edits)
        assert live.at_once() and live.fresh is not None
        assert not gone.is_set(), "whoever asks for the new tree does not pay for the old one"
        await gone.wait()
        await turns.aclose()

    asyncio.run(main())


def test_whoever_has_no_patience_goes_on_and_the_work_does_too() -> None:
    async def main() -> None:
        turns = Turns(Ticking(0.001))
        live = LiveTree(opened(LONG * 4), turns)
        await live.within(0)
        assert live.fresh is None
        await live.within(60)
        assert live.fresh is not None
        await turns.aclose()

    asyncio.run(main())


@given(data=st.data())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_edits_in_the_middle_of_a_parse_end_with_the_tree_of_the_last_text(data: st.DataObject) -> None:
    document = opened(LONG[:4000])
    live = LiveTree(document, Turns(Ticking(0.001)))
    for _ in range(data.draw(st.integers(1, 8))):
        for _ in range(data.draw(st.integers(0, 5))):
            live.advance(data.draw(st.sampled_from([0.002, 0.005, 0.02])))
        at = data.draw(st.integers(0, len(document.text)))
        end = data.draw(st.integers(at, min(len(document.text), at + 3)))
        document, edits = typed(document, at, data.draw(st.sampled_from(PIECES)), end)
        live.changed(document, edits)
        assert live.fresh is None
    while not live.advance(0.05):
        pass
    fresh = parse(document)
    assert live.fresh is not None and fresh is not None
    assert live.fresh.document is document
    assert live.fresh.source == fresh.source
    assert fresh.has_errors == live.fresh.has_errors
    if not fresh.has_errors:
        assert structure(live.fresh) == structure(fresh)


def test_a_parse_of_nearly_everything_is_given_up_and_the_old_tree_is_the_way_back() -> None:
    before = opened()
    live = LiveTree(before, Turns(Ticking(0), most_steps=60))
    assert live.at_once() and live.fresh is not None, "a first parse may take as long as it likes"
    broken, edits = typed(before, LONG.index("return"), '"""')
    live.changed(broken, edits)
    assert live.at_once(), "there is nothing to wait for"
    assert (live.fresh, live.slow) == (None, True)
    at = edits[0].start
    for step in range(3):
        # Each key more is another text, and another try.
        broken, edits = typed(broken, at + 3 + step, "x")
        live.changed(broken, edits)
        assert not live.settled
        assert live.at_once() and live.fresh is None
    mended, edits = typed(broken, at, "", at + 6)
    live.changed(mended, edits)
    assert live.at_once() and not live.slow
    assert live.fresh is not None and structure(live.fresh) == structure(parse(mended))


def test_what_is_given_up_is_not_given_up_for_the_text_that_came_meanwhile() -> None:
    clock = Ticking(0)
    before = opened()
    live = LiveTree(before, Turns(clock, most_steps=60))
    assert live.at_once()
    broken, edits = typed(before, LONG.index("return"), '"""')
    live.changed(broken, edits)
    clock.tick = 0.001
    assert not live.advance(0.01)
    at = edits[0].start
    mended, edits = typed(broken, at, "", at + 3)
    live.changed(mended, edits)
    clock.tick = 0
    assert live.advance(1)
    assert live.fresh is not None and live.fresh.document is mended
