"""What a failed request means, for the person and for the next try, going by what the service answered; pure."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from claude_ls.agent.model import Stopped, StopReason
from claude_ls.agent.wire import AnswerReader, BadWire, ServiceError, one_line, said

_SPENDING_TYPES = frozenset({"billing_error"})
_SPENDING = re.compile(r"spend|credit balance|billing|quota|usage (?:limit|cap|threshold)", re.IGNORECASE)
_RETRIED = frozenset({408, 409, 429})
_REASONS: Mapping[int, StopReason] = {401: "unauthorized", 403: "unauthorized", 429: "overloaded", 529: "overloaded"}


@dataclass(frozen=True)
class Failure:
    """`again`: sending the same once more could help, after `wait` seconds where the service asked for that.

    `plain`: it may have been the optional parameters that were not liked.
    """

    stopped: Stopped
    again: bool = False
    wait: float | None = None
    plain: bool = False


def of_status(status: int, headers: Mapping[str, str], body: object) -> Failure:
    """An answer with another status than 200. `x-should-retry` is ignored: it is obeyed on what cannot be mended."""
    error = _error_of(body)
    words = str(error.get("message") or "")
    detail = f"HTTP {status}: {words}" if words else f"HTTP {status}"
    if status < 400:
        target = one_line(_origin(headers.get("location", "")))
        return Failure(said("bad_response", f"it redirects to {target or 'another address'}, which is not followed"))
    wait = asked_wait(headers)
    if status == 402 or (status == 429 and _is_spending(error, words, wait)):
        return Failure(
            Stopped(
                "rejected", f"A spending limit is reached, or credit is used up: see your plan. ({one_line(detail)})"
            )
        )
    if status in _RETRIED or status >= 500:
        return Failure(said(_REASONS.get(status, "failed"), detail), again=True, wait=wait)
    if status in (404, 405) and not error:
        return Failure(said("bad_response", detail))
    plain = status in (400, 422) and not _SPENDING.search(words)
    return Failure(said(_REASONS.get(status, "rejected"), detail), plain=plain)


def of_end(reader: AnswerReader) -> Failure:
    """An answer that ended without being finished. Whether it may be asked for again is for the caller to say."""
    if reader.problem is not None:
        return of_problem(reader.problem)
    return Failure(said("cut") if reader.started else said("bad_response", "the answer is empty"), again=True)


def of_problem(problem: BadWire | ServiceError) -> Failure:
    if isinstance(problem, ServiceError):
        again = problem.reason in ("overloaded", "failed") and not _SPENDING.search(str(problem))
        return Failure(said(problem.reason, str(problem)), again=again)
    return Failure(said("bad_response", str(problem)))


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the service asks to wait, where it says so in a way we understand."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            seconds = float(value) / unit
        except ValueError:
            date = _seconds_until(value)
            if date is not None:
                return date
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None


def _is_spending(error: Mapping[str, Any], words: str, wait: float | None) -> bool:
    """A limit on money or on a month comes as 429 too, without a time to wait; no waiting helps against it."""
    details = error.get("details")
    code = str(details.get("error_code") or "") if isinstance(details, Mapping) else ""
    if error.get("type") in _SPENDING_TYPES or code.endswith("spend_limit_reached"):
        return True
    return wait is None and bool(_SPENDING.search(words))


def _error_of(body: object) -> Mapping[str, Any]:
    error = body.get("error") if isinstance(body, Mapping) else None
    return error if isinstance(error, Mapping) else {}


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else ""


def _seconds_until(date: str) -> float | None:
    if not date or not date[0].isalpha():
        return None
    from email.utils import parsedate_to_datetime  # rare, and slow to import

    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
