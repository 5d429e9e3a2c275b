"""From when on: as people write it, where they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.session.spending import since_of, start_of_day

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1), timezones=ZONES))
def test_a_day_begins_at_midnight_where_the_person_is_whatever_zone_the_time_is_told_in(now: datetime) -> None:
    begin = start_of_day(now)
    here = begin.astimezone()
    assert begin <= now < begin + timedelta(hours=25)
    assert here.date() == now.astimezone().date()
    assert start_of_day(begin) == begin
    assert begin.utcoffset() == timedelta()


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("today", start_of_day(NOW)),
        ("2026-01-31", datetime(2026, 1, 31).astimezone(UTC)),
        ("2026-01-31T12:30", datetime(2026, 1, 31, 12, 30).astimezone(UTC)),
        ("2026-01-31 12:30:05", datetime(2026, 1, 31, 12, 30, 5).astimezone(UTC)),
        ("2026-01-31T12:30Z", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        ("2026-01-31T12:30+02:00", datetime(2026, 1, 31, 10, 30, tzinfo=UTC)),
    ],
)
def test_what_a_person_may_write(text: str, time: datetime) -> None:
    assert since_of(text, NOW) == time


@pytest.mark.parametrize("text", ["", "Today", "now", "31.1.2026", "2026-02-30", "2026", "0001-01-01T00:00+14:00", "1"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match='must be "today", a date'):
        since_of(text, NOW)


@given(st.text(max_size=30))
def test_nothing_else_is_raised(text: str) -> None:
    try:
        assert since_of(text, NOW).tzinfo is UTC
    except ValueError as error:
        assert repr(text) in str(error)
