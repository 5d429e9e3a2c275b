"""What Claude can do, one row each; a menu shows them in this order."""

from __future__ import annotations

from collections.abc import Mapping

from claude_ls.actions.action import Action
from claude_ls.actions.edit import EDIT
from claude_ls.actions.explain import EXPLAIN
from claude_ls.actions.fix import FIX
from claude_ls.actions.refactor import REFACTORINGS
from claude_ls.actions.write_tests import TEST

ACTIONS: Mapping[str, Action] = {action.name: action for action in (FIX, EDIT, EXPLAIN, *REFACTORINGS, TEST)}
