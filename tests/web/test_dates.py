"""Dates in words: the arithmetic behind what cards and pages say."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from vently.web import dates

NOW = datetime(2026, 12, 10, 22, 30, tzinfo=UTC)


@dataclass
class Happening:
    starts_at: datetime
    ends_at: datetime | None = None
    timezone: str = "Europe/Berlin"
    all_day: bool = False


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(dates, "now", lambda: NOW)


def at(day, hour=0, minute=0, *, month=12, year=2026):
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def words(text):
    """With plain spaces and hyphens, so that a test can be read."""
    return "".join(" " if c.isspace() else "-" if c == "\u2013" else c for c in text)


def test_an_evening_is_told_in_its_own_time_zone():
    concert = Happening(at(12, 18), at(12, 21))
    assert words(dates.when(concert)) == "Saturday 12 December, 19:00 - 22:00 CET"
    assert dates.brief_when(concert) == "Sat 12 Dec, 19:00 CET"
    assert dates.time_of_day(concert) == "19:00 CET"


def test_another_year_is_said():
    assert "2027" in dates.when(Happening(at(12, 18, year=2027), at(12, 21, year=2027)))
    assert "2026" not in dates.when(Happening(at(12, 18), at(12, 21)))


def test_an_event_without_an_end_has_one_hour():
    assert words(dates.when(Happening(at(12, 18)))) == "Saturday 12 December, 19:00 CET"


def test_what_ends_at_midnight_stays_on_its_day():
    party = Happening(at(12, 18), at(12, 23))
    assert words(dates.when(party)) == "Saturday 12 December, 19:00 - 00:00 CET"


def test_a_night_out_is_one_evening_on_a_card_and_two_days_on_its_page():
    night = Happening(at(12, 21), at(13, 3))
    assert dates.time_of_day(night) == "22:00 CET"
    assert words(dates.when(night)) == "Sat 12 Dec, 22:00 - Sun 13 Dec, 04:00 CET"


def test_an_all_day_event_ends_the_midnight_after_its_last_day():
    one = Happening(at(11, 23), at(12, 23), all_day=True)
    three = Happening(at(11, 23), at(14, 23), all_day=True)
    assert dates.when(one) == "Saturday 12 December"
    assert dates.time_of_day(one) == "All day"
    assert words(dates.when(three)) == "Sat 12 Dec - Mon 14 Dec"
    assert words(dates.brief_when(three)) == "12-14 Dec"
    assert words(dates.time_of_day(three)) == "12-14 Dec"


def test_a_zone_without_letters_is_told_by_its_offset():
    assert dates.time_of_day(Happening(at(12, 18), timezone="America/Sao_Paulo")) == "15:00 GMT-3"
    assert dates.time_of_day(Happening(at(12, 18), timezone="Asia/Kathmandu")) == "23:45 GMT+5:45"


def test_a_zone_that_python_does_not_know_shows_in_utc_and_says_so():
    odd = Happening(at(12, 18), timezone="posix/../Moon")
    assert dates.time_of_day(odd) == "18:00 UTC"
    assert dates.zone_name(odd.timezone) == "UTC"


def test_today_and_tomorrow_are_those_of_the_place():
    # 22:30 UTC is 23:30 in Berlin and 07:30 of the next day in Tokyo.
    berlin, tokyo = Happening(at(11, 8)), Happening(at(11, 8), timezone="Asia/Tokyo")
    assert [label for _, label, _ in dates.by_day([berlin])] == ["Tomorrow"]
    assert [label for _, label, _ in dates.by_day([tokyo])] == ["Today"]


def test_what_began_earlier_and_goes_on_stands_under_today():
    festival = Happening(at(8, 23), at(13, 23), all_day=True)
    tonight = Happening(at(10, 22, 45), at(10, 23))
    later = Happening(at(20, 18))
    shelves = [(label, len(events)) for _, label, events in dates.by_day([festival, tonight, later])]
    assert shelves == [("Today", 2), ("Sun 20 Dec", 1)]


def test_each_day_stands_once_though_calendars_differ_around_the_world():
    auckland = Happening(at(16, 22), timezone="Pacific/Auckland")
    new_york = Happening(at(16, 23), timezone="America/New_York")
    dunedin = Happening(at(17, 1), timezone="Pacific/Auckland")
    around = [auckland, new_york, dunedin]
    assert [label for _, label, _ in dates.by_day(around)] == ["Wed 16 Dec", "Thu 17 Dec"]
    assert [label for _, label, _ in dates.by_day(around[::-1])] == ["Thu 17 Dec", "Wed 16 Dec"]


def test_an_event_is_over_when_it_has_ended():
    assert dates.is_over(Happening(at(10, 18), at(10, 22)))
    assert not dates.is_over(Happening(at(10, 18), at(10, 23)))


def test_comments_age():
    assert dates.ago(NOW - timedelta(seconds=20)) == "just now"
    assert dates.ago(NOW - timedelta(hours=3)) == "3 hours ago"
    assert dates.ago(NOW - timedelta(days=40)) == "Sat 31 Oct"


def test_an_input_gets_the_local_moment():
    assert dates.input_moment(at(12, 18), "Europe/Berlin") == "2026-12-12T19:00"
    assert dates.input_moment(None, "Europe/Berlin") == ""


def test_the_listed_zones_are_known():
    listed = {name for _, zones in dates.zones() for name, _ in zones}
    assert {"Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC"} <= listed
    assert all(dates._zoneinfo(name).key == name for name in listed)
