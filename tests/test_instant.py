"""Instants against Python's own datetime arithmetic."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecdb.instant import all_instants, instant_of, parse_instant

zones = st.sampled_from([None, UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12, minutes=-1))])


@given(st.datetimes(timezones=zones))
def test_an_instant_is_the_whole_microseconds_since_the_epoch(value: datetime) -> None:
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    expected = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert instant_of(value) == expected == parse_instant(value.isoformat())


def test_known_instants() -> None:
    assert instant_of(datetime(1970, 1, 1, 0, 0, 1)) == 1_000_000
    assert instant_of(date(1970, 1, 2)) == 86_400_000_000 == parse_instant("1970-01-02")
    assert parse_instant("1970-01-01T01:00:00+01:00") == 0 == parse_instant("1970-01-01T00:00Z")
    assert parse_instant("1969-12-31T23:59:59.999999") == -1
    assert all_instants([])
    assert all_instants(["2024-01-01", "2024-01-01T00:00Z"])


@pytest.mark.parametrize("text", ["", "now", "2024-13-01", "2024-01-32", "12:00", "2024-01-01T", "\ud800", "0" * 10**6])
def test_other_text_is_no_instant(text: str) -> None:
    assert parse_instant(text) is None
    assert not all_instants(["2024-01-01", text])
