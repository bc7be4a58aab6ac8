"""The calendar entry of a ticket."""

from datetime import UTC, date, datetime
from uuid import UUID

import icalendar
import msgspec
import pytest

from vently.tickets.issued.calendars import calendar
from vently.tickets.issued.events import TicketedEvent

JAZZ = TicketedEvent(
    id=UUID(int=7),
    title="Jazz, beer; and \\ more",
    starts_at=datetime(2031, 7, 3, 17, tzinfo=UTC),
    ends_at=datetime(2031, 7, 3, 20, tzinfo=UTC),
    timezone="Europe/Berlin",
    where="Boathouse, Freiburg",
    url="https://vently.example/events/jazz",
    version=4,
    updated_at=datetime(2031, 1, 1, tzinfo=UTC),
)


def entry(event: TicketedEvent, note: str = "") -> icalendar.Event:
    made = icalendar.Calendar.from_ical(calendar(event, note))
    assert made["method"] == "PUBLISH"
    [found] = made.events
    return found


def test_it_says_what_when_and_where_under_the_name_the_sites_calendars_use():
    found = entry(JAZZ, "2 tickets: Early bird")
    assert found["uid"] == f"{JAZZ.id}@vently"
    assert (str(found["summary"]), str(found["location"])) == (JAZZ.title, JAZZ.where)
    assert (found.start, found.end) == (JAZZ.starts_at, JAZZ.ends_at)
    assert (found["url"], found["sequence"], found["status"]) == (JAZZ.url, 3, "CONFIRMED")
    assert str(found["description"]) == "2 tickets: Early bird"


def test_a_cancelled_event_says_so():
    assert entry(msgspec.structs.replace(JAZZ, status="cancelled"))["status"] == "CANCELLED"


@pytest.mark.parametrize(
    ("starts", "ends", "days"),
    [
        (datetime(2031, 7, 2, 22, tzinfo=UTC), datetime(2031, 7, 3, 22, tzinfo=UTC), (3, 4)),
        (datetime(2031, 7, 2, 22, tzinfo=UTC), datetime(2031, 7, 5, 22, tzinfo=UTC), (3, 6)),
        (datetime(2031, 7, 2, 22, tzinfo=UTC), datetime(2031, 7, 2, 22, tzinfo=UTC), (3, 4)),
    ],
)
def test_what_lasts_all_day_has_the_days_of_its_place(starts, ends, days):
    found = entry(msgspec.structs.replace(JAZZ, all_day=True, starts_at=starts, ends_at=ends))
    assert (found.start, found.end) == tuple(date(2031, 7, day) for day in days)


@pytest.mark.parametrize(
    "words", ["x\r\nEND:VEVENT\r\nBEGIN:VALARM", "x\nATTENDEE:mailto:a@b.c", "\0\ud800\u202ex", "ž" * 200]
)
def test_nothing_slips_into_the_calendar_by_peoples_words(words):
    found = entry(msgspec.structs.replace(JAZZ, title=words, where=words), words.replace("\ud800", ""))
    assert not found.subcomponents
    assert "attendee" not in found
