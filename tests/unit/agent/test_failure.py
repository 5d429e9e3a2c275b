"""How long a service asks to wait, in all the ways it may say so."""

from __future__ import annotations

import email.utils
import time

import pytest

from claude_ls.agent.failure import asked_wait, of_status


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
    ],
)
def test_asked_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers) == seconds


def test_asked_wait_until_a_date() -> None:
    date = email.utils.formatdate(time.time() + 1000, usegmt=True)
    wait = asked_wait({"retry-after": date})
    assert wait is not None and 990 < wait <= 1000


@pytest.mark.parametrize("body", [None, "text", [], {"error": "words"}, {"error": {"message": None}}])
def test_a_body_of_any_shape(body: object) -> None:
    assert of_status(500, {}, body).stopped.reason == "failed"
    assert of_status(404, {}, body).stopped.reason in ("bad_response", "rejected")


def test_credit_is_not_a_matter_of_parameters() -> None:
    body = {"error": {"type": "invalid_request_error", "message": "Your credit balance is too low."}}
    found = of_status(400, {}, body)
    assert not found.plain and "credit balance" in found.stopped.message
