"""How a job gets on, for the person: its phase, what it costs, and the one way in which it ends."""

from __future__ import annotations

from typing import Protocol

from claude_ls.agent import loop
from claude_ls.agent.model import (
    Asking,
    Message,
    Retrying,
    Stopped,
    TextDelta,
    ThinkingDelta,
    UsageReported,
)
from claude_ls.agent.prices import price_of
from claude_ls.agent.usage import Usage, cost_words
from claude_ls.config import Settings
from claude_ls.session.client import Level
from claude_ls.session.job import Job, JobState


class Told(Protocol):
    """Who hears of a job."""

    def job_changed(self, job: Job) -> None: ...

    def tell(self, level: Level, text: str) -> None: ...


class JobProgress:
    """Of one job."""

    def __init__(self, job: Job, client: Told, settings: Settings) -> None:
        self.job = job
        self._client = client
        self._settings = settings
        self._earlier = Usage()
        self._earlier_cost = 0.0
        self.said = ""
        """All words of Claude's so far."""
        self.stopped = Stopped("cut")
        """How the last turn ended."""
        self.conversation: tuple[Message, ...] = ()
        """What was said so far, by both, for whoever goes on with it."""

    def note(self, event: object) -> None:
        """Keep the job's public face up to date."""
        match event:
            case TextDelta(text):
                self.said += text
                self.phase("answering")
            case ThinkingDelta():
                self.phase("thinking")
            case Asking(tokens, cost):
                price = "price not known" if cost is None else f"~{cost_words(cost)}"
                self.phase("asking Claude", "running", f"~{tokens:,} tokens, {price}")
            case Retrying(seconds, why):
                self.phase(f"{why}; trying again in {seconds:.0f} s")
            case UsageReported(usage):
                self._use(usage)
            case loop.Conversation(messages):
                self.conversation = messages
            case Stopped():
                self.stopped = event
                self._earlier, self._earlier_cost = self.job.usage, self.job.cost or 0.0

    def phase(self, phase: str, state: JobState | None = None, detail: str = "") -> None:
        words = f"{phase} ({detail})" if detail else phase
        if words != self.job.phase and not self.job.ended:
            self.job.phase = words
            self.job.state = state or self.job.state
            self._client.job_changed(self.job)

    def waits_for_others(self, running: int) -> None:
        """There is no place for it now, since so many jobs are running."""
        self.phase(f"waiting for one of {running} jobs to end (setting `jobs`)", "queued")

    def fail(self, message: str) -> None:
        """End it, and tell the person why; nothing where it has ended."""
        if not self.job.ended:
            self.job.error = message
            self.end("failed", "failed")
            self._client.tell("error", f"Claude: {self.job.title} — {message}")

    def end(self, state: JobState, phase: str) -> None:
        if not self.job.ended:
            self.job.state, self.job.phase = state, phase
            self._client.job_changed(self.job)

    def _use(self, usage: Usage) -> None:
        job = self.job
        job.usage = self._earlier + usage
        price = price_of(job.model, self._settings.prices)
        job.cost = self._earlier_cost + price.cost(usage) if price else None
        self._client.job_changed(job)
