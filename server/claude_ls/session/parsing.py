"""Keeps the trees of documents fresh for whoever asks, and never holds the event loop for it.

Rules:

* Nothing is parsed before somebody asks: while Claude or a person writes, a tree for each key would be of no use.
* What takes no longer than a moment is done at once. All else is done in slices, one document after the other, and
  after each slice everything else has its turn.
* A parse that is under way is finished, also when the text has changed meanwhile; the next one starts from its tree.
  Else whoever types all the time would never get one, and throwing half a tree away may take long.
* A parse that was to be of what changed, and turns out to be one of nearly everything, is given up: see `MOST_STEPS`.
  Until the text is another one the document goes by its lines. The last whole tree is kept, so that as soon as the
  code is whole again a parse costs no more than what changed in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cached_property
from math import inf

from claude_ls.syntax.languages import Language
from claude_ls.syntax.tree import Parsing, SyntaxTree, parsable
from claude_ls.text.document import Document
from claude_ls.text.patch import TextEdit
from claude_ls.text.regions import Region, with_edit

MOMENT = 0.003
"""Seconds for which whoever asks may be kept on the spot."""
SLICE = 0.003
REST = 0.0015
"""Seconds between two slices: a real pause, as a request may take several rounds of the loop, or wait for a thread."""
PATIENCE = 2.0
"""Seconds that a job may wait for a tree before it goes by lines."""
MOST_STEPS = 3500
"""tree-sitter frees a tree in one go and holds the interpreter for that: 35 ms for 24,000 lines of TypeScript with
errors. What a parse of so many steps (some 60 ms) makes anew is freed in less than 10 ms. A key in sound code takes 850
steps in 40,000 lines of Python, where only a quote or bracket that is still open near the top takes more than this."""

FEW_STEPS = 500
"""What a parse of so few has made anew is freed in a moment."""


class Turns:
    """Drives the parses of a session a slice at a time, one document after the other."""

    def __init__(self, clock: Callable[[], float], most_steps: int = MOST_STEPS) -> None:
        self.clock = clock
        self.most_steps = most_steps
        self._waiting: dict[LiveTree, list[asyncio.Future[None]]] = {}
        self._done_with: list[object] = []
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    def settled(self, tree: LiveTree) -> asyncio.Future[None]:
        """Done when the tree is that of its text, or cannot be had."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._closed:
            future.cancel()
        else:
            self._waiting.setdefault(tree, []).append(future)
            self._start()
        return future

    def let_go(self, done_with: object) -> None:
        """Free what takes long to free, in a turn of its own."""
        if not self._closed:
            self._done_with.append(done_with)
            self._start()

    async def aclose(self) -> None:
        """Stop; whoever still waits, or comes later, is cancelled."""
        self._closed = True
        for future in [future for futures in self._waiting.values() for future in futures]:
            future.cancel()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="parsing")

    async def _run(self) -> None:
        try:
            while self._waiting or self._done_with:
                while self._done_with:
                    self._done_with.pop()
                    await asyncio.sleep(REST)
                for tree in list(self._waiting):
                    self._take_turn(tree)
                    await asyncio.sleep(REST)
        finally:
            self._task = None

    def _take_turn(self, tree: LiveTree) -> None:
        problem = None
        try:
            settled = tree.advance(SLICE)
        except Exception as error:  # whoever waits hears of it, and all others go on
            settled, problem = True, error
        for future in self._waiting.pop(tree) if settled else ():
            if future.done():
                continue
            if problem is None:
                future.set_result(None)
            else:
                future.set_exception(problem)


class LiveTree:
    """The tree of a document that changes."""

    def __init__(self, document: Document, turns: Turns) -> None:
        self._document = document
        self._turns = turns
        self._tree: SyntaxTree | None = None
        self._since: Sequence[Region] = ()
        """What was changed since the text of `_tree`."""
        self._parsing: Parsing | None = None
        self._meanwhile: Sequence[Region] = ()
        """What was changed since the text that is being parsed."""
        self._given_up: Document | None = None

    @cached_property
    def _language(self) -> Language | None:
        """Loaded with the first question, as a grammar takes its time."""
        return parsable(self._document)

    @property
    def fresh(self) -> SyntaxTree | None:
        """The tree of today's text, where it is there already."""
        return self._tree if self._tree and self._tree.document is self._document else None

    @property
    def settled(self) -> bool:
        """Whether the tree is that of today's text, or cannot be had."""
        return self._language is None or self.fresh is not None or self._given_up is self._document

    @property
    def slow(self) -> bool:
        """Whether the last parse was given up, so that the next one may well be, too."""
        return self._given_up is not None

    def changed(self, document: Document, edits: Sequence[TextEdit]) -> None:
        """`edits`, one behind the other, led to `document`."""
        self._document = document
        for edit in edits:
            self._since = with_edit(self._since, edit) if self._tree else ()
            self._meanwhile = with_edit(self._meanwhile, edit) if self._parsing else ()

    def at_once(self) -> bool:
        """Whether it is settled, after a moment's work."""
        return self.settled or self.advance(MOMENT)

    async def within(self, seconds: float) -> None:
        """Wait until it is settled, or until so much time is over; the work goes on. Cancelled with the session."""
        if not self.settled:
            future = self._turns.settled(self)
            await asyncio.wait({future}, timeout=seconds)
            if future.done():
                future.result()

    def start(self) -> None:
        """Work on it while others go on with theirs."""
        if not self.settled:
            self._turns.settled(self)

    def advance(self, seconds: float) -> bool:
        """Parse for so long at most; whether it is settled now."""
        until = self._turns.clock() + seconds
        while not self.settled and self._turns.clock() < until:
            self._go_on(until)
        return self.settled

    def _go_on(self, until: float) -> None:
        """Take one parse on to its end, or to the time."""
        assert self._language is not None, "else it is settled"
        if self._parsing is None:
            self._parsing = Parsing(self._language, self._document, self._tree, self._since)
            self._meanwhile = ()
        parsing, clock = self._parsing, self._turns.clock
        most = self._turns.most_steps if self._tree else inf
        self._parsing = None  # where it goes wrong, the next one begins anew
        tree = parsing.advance(lambda: parsing.steps >= most or clock() >= until)
        done_with: object = None
        if tree is not None:
            done_with = self._tree
            self._tree, self._since, self._given_up = tree, self._meanwhile, None
        elif parsing.steps >= most:
            done_with, self._given_up = parsing, parsing.document
        else:
            self._parsing = parsing
        if done_with is not None and parsing.steps > FEW_STEPS:
            self._turns.let_go(done_with)
