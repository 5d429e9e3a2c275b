"""Aider's repository maps, one after another: run by an interpreter that has aider-chat.

Reads requests from stdin, each a line of JSON: `root`, `path` of the file that is being edited, `identifiers` of the
function, `tokens`, and `chat`, whether the file is in the chat or only mentioned. Answers each with a line, the map.

Aider takes the first map within 15 % of the budget, above or below it. Here it goes on to the largest within it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from aider.repomap import RepoMap


def tokens_of(text: str) -> int:
    return round(len(text) / 3.5 + 0.5)


class Model:
    def token_count(self, text: str) -> int:
        return tokens_of(text)


class Console:
    """What Aider reads files with, and says things to, which nobody wants to know here."""

    def read_text(self, name: str) -> str:
        return Path(name).read_text()

    def tool_output(self, *words: str) -> None: ...

    tool_warning = tool_error = tool_output


class LargestMap(RepoMap):
    """Searches on until the map is as large as it may be, and ranks once for all budgets."""

    budget = 0

    def token_count(self, text: str) -> float:
        """So far off the budget that no map is good enough to stop at: those that fit grow, all others are too large.

        Where the map is as large as it may be is found out by this class's own exact count, not by Aider's sample."""
        count = tokens_of(text)
        return count * 0.8 if count <= self.budget else self.budget * 2

    def _run_captures(self, query: Any, node: Any) -> dict[str, list[Any]]:
        """In the order of the source: otherwise it differs from run to run, and with it what is ranked alike."""
        captures = super()._run_captures(query, node)
        return {tag: sorted(nodes, key=lambda found: found.start_byte) for tag, nodes in sorted(captures.items())}

    def get_ranked_tags(self, chat: list[str], other: list[str], files: set[str], idents: set[str], **_: Any) -> Any:
        key = (tuple(chat), tuple(sorted(files)), tuple(sorted(idents)))
        if getattr(self, "ranked_for", None) != key:
            self.ranked = super().get_ranked_tags(chat, other, files, idents)
            self.ranked_for = key
        return self.ranked


def answer(repository: LargestMap, files: list[str], request: dict[str, Any]) -> str:
    edited = str(Path(request["root"]) / request["path"])
    chat = [edited] if request["chat"] else []
    repository.budget = repository.max_map_tokens = request["tokens"]
    found = repository.get_repo_map(
        chat,
        [file for file in files if file not in chat],
        mentioned_fnames=set() if chat else {request["path"]},
        mentioned_idents=set(request["identifiers"]),
        force_refresh=True,
    )
    return found or ""


def main() -> None:
    answers = sys.stdout
    sys.stdout = sys.stderr
    repositories: dict[str, tuple[LargestMap, list[str]]] = {}
    for line in sys.stdin:
        request = json.loads(line)
        root = request["root"]
        if root not in repositories:
            files = [str(path) for path in sorted(Path(root).rglob("*")) if path.suffix in (".py", ".ts")]
            repository = LargestMap(root=root, main_model=Model(), io=Console(), map_mul_no_files=1, refresh="always")
            repositories[root] = repository, files
        print(json.dumps(answer(*repositories[root], request)), file=answers, flush=True)


if __name__ == "__main__":
    main()
