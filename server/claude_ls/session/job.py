"""What everybody may know of a running action."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from claude_ls.agent.usage import Usage

JobState = Literal["queued", "running", "waiting", "done", "failed", "cancelled"]


@dataclass
class Job:
    """`cost` is US dollars, None where the model's price is not known. `checks` are what was run on what it changed,
    each with whether it passed."""

    id: str
    action: str
    title: str
    uri: str
    model: str
    started_at: datetime
    state: JobState = "queued"
    phase: str = ""
    usage: Usage = field(default_factory=Usage)
    cost: float | None = 0.0
    error: str | None = None
    checks: tuple[tuple[str, bool], ...] = ()

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed", "cancelled")
